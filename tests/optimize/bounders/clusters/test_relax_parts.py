"""The parts of relaxations: tables, energies, logarithms; how tight the whole is."""

from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import symbol
from deuterium.interval import Interval
from deuterium.ops.special import expit, log_expit, ndtr
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterRule
from deuterium.optimize.bounders.clusters.energy_group import EnergyValues
from deuterium.optimize.bounders.clusters.energy_weights import proved_energy
from deuterium.optimize.bounders.lagrangian import affine_terms
from deuterium.optimize.bounders.lagrangian.dual_diagonal import nearly, start
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    CoordinateGroup,
    KinkBranches,
    thin,
)
from deuterium.optimize.bounders.lagrangian.log_objective import log_form
from deuterium.optimize.bounders.lagrangian.univariate_functions import (
    UnivariateFunctions,
)
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import seeds, some
from tests.optimize.bounders.clusters.relax_nets import bounder_of, gradient_norm

# -- tables ---------------------------------------------------------------------------


def group_of(makers, size=2):
    """Return a group of coordinates with these functions."""
    z = symbol("z", (size,))
    group = CoordinateGroup("atom", size, z)
    for make in makers:
        found = make(z)
        sides = found if isinstance(found, tuple) else (found,) * 3
        group.functions.append(KinkBranches(*sides))
    return group


FUNCTIONS = {
    "expit": lambda z: expit(z),
    "square of slope": lambda z: np.square(
        dt.constant([0.3, -2.0]) * (1 - np.tanh(z) ** 2)
    ),
    "log_expit": lambda z: log_expit(-z),
    "cube": lambda z: z**3,
    "ndtr": lambda z: ndtr(z),
    "relu": lambda z: (dt.relu(z), 0 * z, z),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cells_hold_the_functions(name):
    group = group_of([FUNCTIONS[name], lambda z: np.square(z)])
    curves = UnivariateFunctions(group, log_zero_is_minus_inf=False)
    table = curves.table(np.array([-6.0, -1.0]), np.array([2.5, 7.0]))
    rng = np.random.RandomState(0)
    for cells in (table.coarse, table.fine):
        assert np.array_equal(cells.high[:-1], cells.low[1:])
        assert cells.low[0] == -6.0 and cells.high[-1] == 7.0
        for g in rng.choice(len(cells), size=min(len(cells), 25), replace=False):
            a, b = Fraction(cells.low[g]), Fraction(cells.high[g])
            for t in (0.0, rng.random(), 1.0):
                z = float(a + Fraction(t) * (b - a))
                _holds(group, cells, g, z)


def _holds(group, cells, g, z):
    d = Fraction(z) - Fraction(cells.middle[g])
    for r, f in enumerate(group.functions):
        exact = evaluate_exactly(f.full, {"z": np.full(group.size, z)})
        for j in range(group.size):
            k = j if cells.poly.shape[1] > 1 else 0
            t0, t1, t2 = (Fraction(x) for x in cells.poly[g, k, r])
            parabola = t0 + d * (t1 + d * t2)
            above = parabola + Fraction(cells.above[g, k, r])
            below = parabola - Fraction(cells.below[g, k, r])
            value = exact[j]
            assert value.lower() <= _ball(above, value) and value.upper() >= _ball(
                below, value
            )


def _ball(x, like):
    import flint

    with flint.ctx.workprec(256):
        return flint.arb(flint.fmpq(x.numerator, x.denominator))


def test_ranges_know_the_side_of_a_kink():
    group = group_of([lambda z: (_step(z), 0 * z, 0 * z + 1)], size=1)
    curves = UnivariateFunctions(group, log_zero_is_minus_inf=False)
    low = np.array([[-1.0], [0.0], [0.0], [-1.0]])
    high = np.array([[0.0], [1.0], [1.0], [2.0]])
    opened = np.array([[False], [False], [True], [False]])
    lower, upper = curves.ranges(low, high, opened)
    assert lower[:, 0, 1].tolist() == [0, 0, 1, 0]
    assert upper[:, 0, 1].tolist() == [0, 1, 1, 1]


def _step(z):
    return dt.grad(dt.relu(z).sum(), z)


# -- energies -------------------------------------------------------------------------


def is_semidefinite(matrix):
    """Decide it exactly, by an LDL factorisation of fractions."""
    a = [[Fraction(x) for x in row] for row in matrix]
    n = len(a)
    for k in range(n):
        if a[k][k] < 0 or (a[k][k] == 0 and any(a[i][k] != 0 for i in range(k, n))):
            return False
        for i in range(k + 1, n):
            if a[k][k] == 0:
                continue
            factor = a[i][k] / a[k][k]
            for j in range(k, n):
                a[i][j] -= factor * a[k][j]
    return True


def exactly(m, d, above):
    """Return ``diag(D) - M diag(d) M.T`` in fractions."""
    m = [[Fraction(x) for x in row] for row in m]
    n, columns = len(m), range(len(d))
    return [
        [
            (Fraction(above[i]) if i == j else 0)
            - sum(Fraction(d[k]) * m[i][k] * m[j][k] for k in columns)
            for j in range(n)
        ]
        for i in range(n)
    ]


def proved(matrix, nu, above):
    """Return the energy with these numbers that is proved, of a rule by a matrix."""
    n, m = matrix.shape
    at, none = np.arange(n), np.zeros(m)
    parts = [(at, matrix, np.zeros((n, m)))]
    rule = ClusterRule(None, np.arange(n, n + m), parts, none, none, 0, None, at)
    return proved_energy(rule, EnergyValues(matrix, nu, above, np.zeros(above.shape)))


@pytest.mark.parametrize("seed", range(6))
def test_energies_are_proved(seed):
    rng = np.random.RandomState(seed)
    n, m = rng.randint(2, 7, 2)
    matrix = rng.normal(size=(n, m)) * 10.0 ** rng.randint(-3, 4)
    weights = np.stack([np.ones(m), rng.random(m), (rng.random(m) < 0.5) * 1.0])
    scaled = matrix * np.sqrt(weights)[:, None, :]
    above, _ = nearly(scaled @ scaled.swapaxes(1, 2), start(matrix @ matrix.T))
    right = proved(matrix, weights, above)
    assert right.nu.any()
    for d, big in zip(right.nu, right.above, strict=True):
        assert not d.any() or is_semidefinite(exactly(matrix, d, big))
    assert not proved(matrix, weights[:1], 0.5 * above[:1] / n).nu.any()


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-160, 1.0, 1e150, 1e200])
def test_energies_of_any_size_are_right_or_nothing(size):
    matrix = np.random.default_rng(0).normal(size=(3, 4)) * size
    with np.errstate(all="ignore"):
        above, _ = nearly((matrix @ matrix.T)[None], np.eye(3))
        found = proved(matrix, np.ones((1, 4)), above)
    if found.nu.any():
        assert is_semidefinite(exactly(matrix, found.nu[0], found.above[0]))


def test_an_energy_is_close_to_the_best_diagonal():
    matrix = np.random.RandomState(1).normal(size=(20, 20))
    gram = matrix @ matrix.T
    above, _ = nearly(gram[None], start(gram))
    right = proved(matrix, np.ones((1, 20)), above)
    assert right.nu.all()
    assert right.above.sum() < 0.95 * 20 * np.linalg.eigvalsh(gram)[-1]


# -- logarithms -----------------------------------------------------------------------


def test_the_logarithm_is_spread_over_factors():
    x = dt.symbol("x", shape=(3,))
    s = (x * x).sum() + 1
    v = expit(x.sum()) * np.sqrt(s) / np.exp(x[0])
    problem = Problem(v, dt.Box({x: (-1, 1)}))
    form = log_form(problem)
    rows = np.random.RandomState(0).uniform(-1, 1, (50, 3))
    (value, logarithm) = dt.compile([x], [v, form])(rows)
    np.testing.assert_allclose(np.exp(logarithm), value, rtol=1e-13)


def test_sums_and_signs_have_no_logarithm():
    x = dt.symbol("x", shape=(2,))
    for v in (x.sum() * 2.0, (x * x).sum() + x[0], -np.sqrt((x * x).sum())):
        assert log_form(Problem(v, dt.Box({x: (-1, 1)}))) is None


def test_logarithms_of_the_user_stay_undefined():
    x = dt.symbol("x", shape=(2,))
    v = np.tanh(np.log(x[0]) + x[1])
    bounder = cluster_bounder_of(Problem(v, dt.Box({x: (-1, 1)})))
    if bounder is not None:
        assert bounder.bound(bounder.root(), 0.0).upper[0] == np.inf


# -- tightness ------------------------------------------------------------------------


@pytest.mark.parametrize("activation", some(["tanh", "relu", "sigmoid"], 2))
@pytest.mark.parametrize("seed", seeds(1, 2))
def test_bounds_without_branching_are_near(activation, seed):
    rng = np.random.RandomState(seed)
    x, v = gradient_norm(rng, (12, 6, 1), activation, 12**-0.5)
    _, bounder = bounder_of(v, dt.Box({x: (-1, 1)}))
    best = dt.search(v, dt.Box({x: (-1, 1)}), seed=0).value
    upper = bounder.bound(bounder.root(), best).upper[0]
    assert (
        best <= upper <= {"sigmoid": 1.15, "tanh": 1.3, "relu": 1.8}[activation] * best
    )


def test_branching_closes_the_gap():
    rng = np.random.RandomState(3)
    x, v = gradient_norm(rng, (4, 3, 1), "tanh", 1.0)
    found = dt.maximize(v, dt.Box({x: (-1, 1)}), rtol=1e-3, method="clusters")
    assert found.status == "optimal"
    assert found.upper <= found.lower * (1 + 1e-3)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("sure", [False, True])
def test_moved_elements_go_through_matrices_one_by_one(left, sure, rng):
    """Windows of a term: nothing is summed, and what was known exactly still is."""
    windows = np.array([[0, 1, 2], [1, 2, 3], [4, 5, 6], [0, 2, 6]])
    c = np.zeros((7, 4, 3))
    signs = rng.choice([-1.0, 1.0], size=(1, 4, 3))
    np.put_along_axis(c, windows[None], signs if sure else 0.1 * signs, axis=0)
    w = rng.normal(size=(3, 5))
    wide = np.abs(c) * (0.0 if sure else 2.0**-50)
    near = Interval.unchecked(c - wide, c + wide)
    factors = [near, thin(w)]
    exact = c @ w
    if left:
        factors = [thin(w.T), _turned(near)]
        exact = exact.swapaxes(-1, -2)
    found = affine_terms._single_products(factors)
    assert found.is_thin == sure
    assert np.all(found.lower <= exact) and np.all(exact <= found.upper)
    np.testing.assert_allclose(found.lower, found.upper, rtol=1e-14, atol=1e-15)
    assert affine_terms._single_products([thin(np.ones((7, 4, 3))), thin(w)]) is None


def _turned(x):
    return Interval.unchecked(x.lower.swapaxes(-1, -2), x.upper.swapaxes(-1, -2))
