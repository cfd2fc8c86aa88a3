"""The parts of norm bounds, each against exact values."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

import deuterium as dt
from deuterium.graph.operator import OPERATORS, lookup
from deuterium.graph.traverse import Graph
from deuterium.interval import spectral_norm
from deuterium.optimize.bounders.norm_bounds import saturating
from deuterium.optimize.bounders.norm_bounds.convex_nodes import simplex_of
from deuterium.optimize.bounders.norm_bounds.norm_bounder import combined
from deuterium.optimize.bounders.norm_bounds.sdp_box_norm import box_norm_bound
from tests.amounts import seeds

flint = pytest.importorskip("flint")


BENT = sorted(n for n, op in OPERATORS.items() if op.bend)
STEEP = sorted(n for n, op in OPERATORS.items() if op.lipschitz)


@pytest.fixture(autouse=True)
def precision():
    with flint.ctx.workprec(200):
        yield


@pytest.mark.parametrize("seed", range(12))
def test_cube_bounds_hold_at_every_sign(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 9)), int(rng.integers(1, 7))
    matrix = rng.integers(-9, 10, size=(n, m)).astype(float)
    bound, _, _ = box_norm_bound(matrix)
    squares = [
        np.square(np.array(s) @ matrix).sum() for s in product((-1, 1), repeat=n)
    ]
    assert Fraction(bound) ** 2 >= int(max(squares))
    assert bound**2 <= 1.6 * max(squares) + 1e-9  # pi/2 is the worst known


def test_cube_bounds_skip_rows_of_zeros():
    bound, weights, _ = box_norm_bound(np.array([[0.0, 0.0], [3.0, 4.0]]))
    assert weights[0] == 0 < weights[1]
    assert 5 <= bound < 5.001
    assert box_norm_bound(np.zeros((2, 2)))[0] < 1e-100


def test_cube_bounds_are_better_than_spectral_norms_of_uneven_rows():
    matrix = np.diag([1.0, 10.0, 0.1])
    assert box_norm_bound(matrix)[0] < 0.7 * np.sqrt(3) * spectral_norm.spectral_norm(
        matrix
    )


def around(rng, rows, n):
    centre = rng.normal(size=(rows, n)) * rng.choice([0.5, 3.0, 20.0])
    radius = rng.uniform(0, 4, rows) * np.sqrt(n)
    half = rng.uniform(0, 2, (rows, n)) * radius[:, None]
    return saturating.BallAndBox(
        centre, radius, np.stack([centre - half, centre + half])
    )


def members(rng, z, count):
    """Return points of the ball and box, many of them far out."""
    out = rng.normal(size=(count, *z.centre.shape))
    out *= rng.uniform(0, 1, out.shape) ** rng.integers(0, 20, (count, 1, 1))
    out *= (z.radius / np.linalg.norm(out, axis=-1))[..., None]
    out *= rng.choice([1.0, 1.0, rng.uniform()], (count, 1, 1)) * (1 - 1e-15)
    return np.clip(z.centre + out, z.ends[0], z.ends[1])


def functions(name, kind, z, rng):
    """Return some h_i, and how their sum is worked out at points."""
    f = lookup(name).value
    if kind == "weights":
        w = rng.normal(size=z.centre.shape) * 10.0 ** rng.integers(-3, 4)
        return saturating.weighted(lookup(name), w), lambda x: np.sum(w * f(x), axis=-1)
    m = f(z.centre) if kind == "near" else rng.normal(size=z.centre.shape)
    return saturating.distances(lookup(name), m), lambda x: np.sum(
        np.square(f(x) - m), axis=-1
    )


@pytest.mark.parametrize("name", BENT)
@pytest.mark.parametrize("kind", ["near", "anywhere", "weights"])
@pytest.mark.parametrize("seed", seeds(2, 5))
def test_sums_over_curves_are_bounded(name, kind, seed):
    rng = np.random.default_rng(seed)
    rows, n = 3, int(rng.integers(1, 6))
    z = around(rng, rows, n)
    h, at = functions(name, kind, z, rng)
    search = saturating.MultiplierSearch(h, z)
    best = search.ball()
    points = members(rng, z, 4000)
    assert np.all(np.linalg.norm(points - z.centre, axis=-1) <= z.radius * (1 + 1e-12))
    reached = at(points).max(axis=0)
    direction = search.outermost(best.t)
    reach = np.sum(points * direction, axis=-1).max(axis=0)
    wild = saturating.Multipliers(
        best.t * rng.uniform(0, 9, rows), rng.uniform(0, 2, rows), direction, reach
    )
    for by in (best, search.both(best.t, direction, reach), wild):
        assert np.all(saturating.dual_value(h, z, by) >= reached)


@pytest.mark.parametrize("kind", ["near", "anywhere", "weights"])
@pytest.mark.parametrize("name", BENT)
def test_sums_over_curves_of_single_elements_are_close(name, kind):
    # n = 1: the ball is an interval, and the largest value can be looked up
    rng = np.random.default_rng(0)
    grid = np.linspace(-1, 1, 20001)[:, None, None]
    for c, r in ((0.0, 1.0), (2.0, 3.0), (-5.0, 0.3), (0.1, 50.0)):
        ends = np.array([[[c - r]], [[c + r]]])
        z = saturating.BallAndBox(np.array([[c]]), np.array([r]), ends)
        h, at = functions(name, kind, z, rng)
        true = at(c + r * grid).max()
        bound = saturating.dual_value(h, z, saturating.MultiplierSearch(h, z).ball())[0]
        size = np.abs(h.table).max()
        assert true <= bound <= true + 0.1 * size + 0.4 * abs(true)


def test_a_second_inequality_helps():
    # of all elements, on average, none may rise: only half as many can be large
    rng = np.random.default_rng(1)
    n = 60
    z = saturating.BallAndBox(
        np.zeros((1, n)), np.array([2.0 * np.sqrt(n)]), np.full((2, 1, n), 9.0)
    )
    z.ends[0] = -9.0
    h = saturating.weighted(lookup("expit"), np.ones((1, n)))
    search = saturating.MultiplierSearch(h, z)
    one = search.ball()
    direction = np.ones((1, n)) / np.sqrt(n)
    two = search.both(one.t, direction, np.zeros(1))
    points = rng.normal(size=(500, n)) * 2
    points -= points.mean(axis=1, keepdims=True)
    points *= np.minimum(1.0, z.radius / np.linalg.norm(points, axis=1))[:, None]
    reached = np.sum(lookup("expit").value(points), axis=1).max()
    bound = saturating.dual_value(h, z, two)[0]
    assert reached <= bound < 0.75 * saturating.dual_value(h, z, one)[0]


@pytest.mark.parametrize("name", BENT)
def test_curves_bend_no_more_than_the_table_says(name):
    table, curve = saturating.curve_of(lookup(name)), lookup(name)
    for share in (0.1, 0.5, 0.9):
        z = saturating.GRID[:-1] + share * np.diff(saturating.GRID)
        with np.errstate(over="ignore"):  # of cosh, far out
            values = curve.value(z)
        lines = (1 - share) * table.low[:-1] + share * table.low[1:]
        # off the chord by at most max|f''| w^2 / 8, which is bend / 2
        assert np.all(np.abs(values - lines) <= 0.5 * table.bend + 1e-14)


@pytest.mark.parametrize("name", STEEP)
def test_lipschitz_constants_hold(name):
    z = np.linspace(-30, 30, 60001)
    slope = np.diff(lookup(name).value(z)) / np.diff(z)
    assert np.abs(slope).max() <= lookup(name).lipschitz + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_shares_are_combined_as_a_linear_program_would(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    corners = rng.normal(size=n) * 10
    p = rng.dirichlet(np.ones(n))
    share = np.stack([p * rng.uniform(0, 1, n), p + (1 - p) * rng.uniform(0, 1, n)])
    bound, _ = combined(corners, share)
    best = -linprog(
        -corners, A_eq=np.ones((1, n)), b_eq=[1], bounds=share.T, method="highs"
    ).fun
    assert bound >= float(p @ corners) - 1e-13
    assert abs(bound - best) <= 1e-9 * (1 + abs(best))


def test_an_undefined_share_is_no_bound():
    assert combined(np.ones(2), np.array([[0.0, np.nan], [1.0, 1.0]]))[0] == np.inf


class TestConvexity:
    x = dt.symbol("x", shape=(1, 4))
    w = dt.constant(np.arange(12.0).reshape(4, 3))

    def p(self):
        return dt.softmax(self.x @ self.w)

    def found(self, v):
        node = simplex_of(Graph([v]))
        return node is not None and node.op.name == "softmax"

    def test_norms_of_linear_functions_are_convex(self):
        d = self.p() - np.array([[1.0, 0, 0]])
        assert self.found(np.sqrt(np.sum(np.square(d))))
        assert self.found(np.sum(np.square(d @ self.w.T)) * np.sum(np.square(self.x)))
        assert self.found(
            np.sqrt(np.sum(np.square(d)) + np.sum(np.square((d @ self.w.T) * self.x)))
        )

    def test_what_is_not_convex_is_left_alone(self):
        p = self.p()
        size = np.sum(np.square(p))
        assert not self.found(-np.sqrt(size))
        assert not self.found(np.sqrt(size - 0.01))
        assert not self.found(size * np.sum(self.x))
        assert not self.found(np.sum(p * p * p))
        assert not self.found(np.sum(np.tanh(p)))
        assert not self.found(np.sqrt(np.sum(p)))
        assert not self.found(size * size * np.sum(p))
        # the hidden layer depends on p itself here
        assert not self.found(np.sum(np.square(p)) * np.sum(np.square(np.tanh(p))))
