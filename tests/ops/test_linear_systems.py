"""Linear systems as operators, against ball arithmetic with no tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

import deuterium as dt
from deuterium.errors import SymbolicError
from deuterium.graph import OPERATORS
from deuterium.graph.serialize import dumps, loads
from deuterium.interval import Interval
from deuterium.ops.linalg import ridge_solution, solution
from tests.ops.array_cases import SYSTEMS

EPS = 2.0**-52
NAMES = sorted(SYSTEMS)
SIZES = [(1, 1), (2, 1), (3, 2), (4, 4), (6, 2), (9, 1)]
each = pytest.mark.parametrize("name", NAMES)


def drawn(name, n, k, rng, weight=3.0):
    """Return arrays for an operator, and the width at which it stays regular."""
    b = rng.normal(size=(n, k))
    if name == "solve":
        return [rng.uniform(-1, 1, (n, n)) + weight * np.eye(n), b]
    if name == "ridge_fit":
        b = rng.normal(size=(n + 1, k))
    return [rng.normal(size=(n + 1, n)), weight * np.eye(n), b]


def boxed(arrays, width, rng):
    """Return intervals around arrays, some elements of them points."""
    out = []
    for x in arrays:
        radius = width * rng.random(x.shape) * (rng.random(x.shape) < 0.8)
        out.append(Interval.unchecked(x - radius, x + radius))
    return out


def balls(x):
    return arb_mat(*x.shape, [arb(float(e)) for e in x.ravel()])


def of_balls(name, *given):
    if name == "solve":
        return given[0].solve(given[1])
    x, r, b = given
    flipped = x.transpose()
    return (flipped * x + r).solve(flipped * b if name == "ridge_fit" else b)


def truth(name, xs):
    """Return the exact solution as a matrix of balls."""
    with ctx.workprec(400):
        return of_balls(name, *map(balls, xs))


def assert_holds(found, exact, what):
    rows, columns = np.shape(found.lower)
    for i in range(rows):
        for j in range(columns):
            y = exact[i, j]
            assert not y < arb(float(found.lower[i, j])), what
            assert not y > arb(float(found.upper[i, j])), what


def picks(args, rng, count=6):
    for c in range(count):
        xs = []
        for a in args:
            t = rng.integers(0, 2, a.shape) if c < 4 else rng.random(a.shape)
            x = np.where(t == 1, a.upper, a.lower + t * (a.upper - a.lower))
            xs.append(np.clip(x, a.lower, a.upper))
        yield xs


@each
@pytest.mark.parametrize(("n", "k"), SIZES)
def test_holds_every_solution(name, n, k):
    op, rng = OPERATORS[name], np.random.default_rng([n, k])
    for scale in (1.0, 1e-150, 1e100):
        for width in (0.0, 1e-12, 1e-3, 0.05, 0.3, 3.0):
            arrays = [x * scale for x in drawn(name, n, k, rng)]
            if name != "solve":
                arrays[0] = arrays[0] / np.sqrt(scale)
            args = boxed(arrays, width * scale, rng)
            found = op.enclosure(*args)
            if width <= 1e-3:
                assert np.isfinite(found.lower).all() and np.isfinite(found.upper).all()
            if np.isnan(found.lower).any():
                continue
            for xs in picks(args, rng):
                assert_holds(found, truth(name, xs), (name, n, k, width))


@each
@pytest.mark.parametrize(("n", "k"), SIZES)
def test_points_are_tight(name, n, k):
    op, rng = OPERATORS[name], np.random.default_rng([n, k])
    arrays = drawn(name, n, k, rng)
    found = op.enclosure(*[Interval.unchecked(x, x) for x in arrays])
    assert_holds(found, truth(name, arrays), name)
    assert np.all(found.upper - found.lower < 1e4 * EPS)
    assert np.allclose(op.value(*arrays), found.lower, rtol=1e-12, atol=1e-13)


def test_width_is_near_the_hull():
    """Of a narrow box the enclosure is at most a few per cent too wide."""
    rng = np.random.default_rng(0)
    arrays = drawn("solve", 5, 2, rng)
    args = [Interval.unchecked(x - 1e-4, x + 1e-4) for x in arrays]
    found = OPERATORS["solve"].enclosure(*args)
    # the derivative of x = A^-1 b: every entry moves by |A^-1| (1 + |x|_1) times the
    # width
    inverse, x = np.linalg.inv(arrays[0]), np.linalg.solve(*arrays)
    hull = np.abs(inverse) @ (1 + np.abs(x).sum(axis=0, keepdims=True) + 0 * x) * 2e-4
    assert np.all(found.upper - found.lower <= 1.01 * hull)


def test_singular_matrices_are_undefined():
    op = OPERATORS["solve"]
    b = Interval.unchecked(np.ones((4, 1)), np.ones((4, 1)))
    singular = np.ones((4, 4))
    for low, high in (
        (singular, singular),
        (np.eye(4) - 1, np.eye(4) + 1),
        (np.full((4, 4), -np.inf), np.full((4, 4), np.inf)),
        (np.full((4, 4), np.nan), np.full((4, 4), np.nan)),
    ):
        found = op.enclosure(Interval.unchecked(low, high), b)
        assert np.isnan(found.lower).all() and np.isnan(found.upper).all()
    assert np.isnan(op.value(singular, np.ones((4, 1)))).all()
    batch = op.value(np.stack([singular, np.eye(4)]), np.ones((4, 1)))
    assert np.isnan(batch[0]).all() and np.all(batch[1] == 1)


def test_undefined_and_unbounded_right_sides():
    op, a = OPERATORS["solve"], np.eye(4) * 2
    low, high = np.zeros((4, 3)), np.ones((4, 3))
    low[1, 0] = high[1, 0] = np.nan
    high[2, 1] = np.inf
    found = op.enclosure(Interval.unchecked(a, a), Interval.unchecked(low, high))
    assert np.isnan(found.lower[:, 0]).all()
    assert np.all(found.upper[2, 1] == np.inf) and not np.isnan(found.lower[:, 1]).any()
    assert np.isfinite(found.lower[:, 2]).all() and np.isfinite(found.upper[:, 2]).all()


def test_ridge_is_bounded_for_every_x():
    """However wide X is, and where it is unbounded: |x| <= |b| / c."""
    op, rng = OPERATORS["ridge_solve"], np.random.default_rng(1)
    r = Interval.unchecked(np.eye(4) * 0.5, np.eye(4) * 0.75)
    b = Interval.unchecked(np.full((4, 1), -1.0), np.ones((4, 1)))
    for size in (1.0, 1e200, np.inf):
        x = Interval.unchecked(np.full((6, 4), -size), np.full((6, 4), size))
        found = op.enclosure(x, r, b)
        assert np.all(found.upper <= 4.0000001) and np.all(found.lower >= -4.0000001)
        part = Interval.unchecked(np.maximum(x.lower, -5), np.minimum(x.upper, 5))
        for xs in picks([part, r, b], rng, 20):
            assert_holds(found, truth("ridge_solve", xs), size)
    bad = Interval.unchecked(np.full((6, 4), np.nan), np.full((6, 4), np.nan))
    assert np.isnan(op.enclosure(bad, r, b).lower).all()


def test_regression_is_bounded_for_every_x():
    """By half the length of Y over the root of the ridge, which is reached."""
    op, rng = OPERATORS["ridge_fit"], np.random.default_rng(4)
    r = Interval.unchecked(np.eye(4) * 0.25, np.eye(4) * 0.75)
    y = Interval.unchecked(np.zeros((6, 1)), np.ones((6, 1)))
    limit = np.sqrt(6) / 2 / 0.5
    for size in (1.0, 1e200, np.inf):
        x = Interval.unchecked(np.full((6, 4), -size), np.full((6, 4), size))
        found = op.enclosure(x, r, y)
        assert np.all(np.abs([found.lower, found.upper]) <= limit * (1 + 1e-12))
        part = Interval.unchecked(np.maximum(x.lower, -5), np.minimum(x.upper, 5))
        for xs in picks([part, r, y], rng, 20):
            assert_holds(found, truth("ridge_fit", xs), size)
    x, one = np.zeros((6, 4)), np.ones((6, 1))
    x[:, 0] = 0.5 / np.sqrt(6)
    exact = truth("ridge_fit", [x, np.eye(4) * 0.25, one])
    assert float(exact[0, 0]) == pytest.approx(limit)


def test_ridge_without_a_positive_rest_is_a_system():
    op, rng = OPERATORS["ridge_solve"], np.random.default_rng(2)
    x, r, b = rng.normal(size=(6, 3)), -0.01 * np.eye(3), rng.normal(size=(3, 1))
    found = op.enclosure(*[Interval.unchecked(v, v) for v in (x, r, b)])
    assert_holds(found, truth("ridge_solve", [x, r, b]), "ridge")
    wide = Interval.unchecked(x - 3, x + 3)
    found = op.enclosure(wide, Interval.unchecked(r, r), Interval.unchecked(b, b))
    assert np.isnan(found.lower).all()


@pytest.mark.parametrize("ridge", [-1e308, -1e300, -2.5, -1e-308, 0.0, 1e-308, 1e308])
@pytest.mark.parametrize("name", ["ridge_solve", "ridge_fit"])
def test_ridges_of_any_size_and_sign_hold_their_solutions(name, ridge):
    """Below 0 a ridge bounds nothing; a limit divided by -1e308 was rounded to 0."""
    xs = [
        np.ones((3, 1)),
        np.full((1, 1), ridge),
        np.ones((3 if "fit" in name else 1, 1)),
    ]
    found = OPERATORS[name].enclosure(*[Interval.unchecked(x, x) for x in xs])
    assert_holds(found, truth(name, xs), ridge)


@each
def test_batches(name):
    op, rng = OPERATORS[name], np.random.default_rng(3)
    many = [[drawn(name, 4, 2, rng) for _ in range(3)] for _ in range(2)]
    stacked = [
        np.array([[m[i] for m in row] for row in many]) for i in range(len(many[0][0]))
    ]
    values = op.value(*stacked)
    whole = op.enclosure(*[Interval.unchecked(x, x + 1e-3) for x in stacked])
    first = op.enclosure(
        *[
            Interval.unchecked(x[:1, :1] if i else x, (x[:1, :1] if i else x) + 1e-3)
            for i, x in enumerate(stacked)
        ]
    )  # fewer batch axes behind
    for i, j in np.ndindex(2, 3):
        xs = [x[i, j] for x in stacked]
        assert np.allclose(values[i, j], op.value(*xs), rtol=1e-13)
        one = op.enclosure(*[Interval.unchecked(x, x + 1e-3) for x in xs])
        assert np.allclose(whole.lower[i, j], one.lower, rtol=1e-12)
        assert np.allclose(whole.upper[i, j], one.upper, rtol=1e-12)
    assert np.allclose(first.lower[0, 0], whole.lower[0, 0], rtol=1e-12)


def _graph(name, n, k):
    symbols = [dt.symbol(f"s{i}", shape=s) for i, s in enumerate(SHAPES[name](n, k))]
    return symbols, OPERATORS[name](*symbols)


SHAPES = {
    "solve": lambda n, k: [(n, n), (n, k)],
    "ridge_solve": lambda n, k: [(n + 1, n), (n, n), (n, k)],
    "ridge_fit": lambda n, k: [(n + 1, n), (n, n), (n + 1, k)],
}


@each
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives(name, order):
    """Along a line, against differences in 1500 bits."""
    rng = np.random.default_rng(order)
    symbols, out = _graph(name, 4, 2)
    weights = rng.normal(size=out.shape)
    xs = drawn(name, 4, 2, rng)
    ds = [rng.normal(size=x.shape) for x in xs]
    slope = np.sum(out * weights)
    for _ in range(order):
        parts = dt.grad(slope, symbols)
        slope = sum(np.sum(g * d) for g, d in zip(parts, ds, strict=True))
    with ctx.workprec(1500):
        h = arb(2) ** -200

        def at(step):
            moved = [
                balls(x) + balls(d) * (step * h) for x, d in zip(xs, ds, strict=True)
            ]
            y = of_balls(name, *moved).entries()
            return sum(
                (arb(w) * e for w, e in zip(weights.ravel(), y, strict=True)), arb(0)
            )

        if order == 1:
            exact = (at(1) - at(-1)) / (2 * h)
        else:
            exact = (at(1) - 2 * at(0) + at(-1)) / h**2
        exact = exact + arb(0, 2.0**-100)
    point = dict(zip(symbols, xs, strict=True))
    assert float(slope.evaluate(point)) == pytest.approx(float(exact), rel=1e-10)
    found = dt.enclose(slope, dt.Box({s: (x, x) for s, x in point.items()}))
    assert not exact < arb(float(found.lower)) and not exact > arb(float(found.upper))
    assert found.upper - found.lower < 1e-9


@each
def test_graphs_are_saved_compiled_and_have_no_closed_form(name):
    rng = np.random.default_rng(5)
    symbols, out = _graph(name, 4, 1)
    xs = drawn(name, 4, 1, rng)
    want = OPERATORS[name].value(*xs)
    assert np.allclose(dt.compile(symbols, [out])(*xs)[0], want, rtol=1e-13)
    batch = [np.stack([x, x]) for x in xs[:1]] + xs[1:]
    assert np.allclose(dt.compile(symbols, [out])(*batch)[0][1], want, rtol=1e-13)
    (again,) = loads(dumps(out))
    assert np.allclose(
        again.evaluate({s.name: x for s, x in zip(symbols, xs, strict=True)}), want
    )
    with pytest.raises(SymbolicError, match="three unknowns"):
        out.to_symengine()


BAD = [
    ("solve", [(3, 2), (3, 1)]),
    ("solve", [(3, 3), (2, 1)]),
    ("solve", [(3, 3), (3,)]),
    ("ridge_solve", [(4, 3), (4, 4), (4, 1)]),
    ("ridge_solve", [(2, 4, 3), (3, 3), (3, 1)]),
    ("ridge_fit", [(4, 3), (3, 3), (3, 1)]),
]


@pytest.mark.parametrize(("name", "shapes"), BAD)
def test_shape_rule_refuses(name, shapes):
    with pytest.raises(ValueError):
        OPERATORS[name].shape(*shapes)


def test_constructors():
    a, b = dt.symbol("a", (4, 4)), dt.symbol("b", (4, 2))
    assert solution(a, b).shape == (4, 2)
    assert ridge_solution(dt.symbol("x", (7, 4)), a, b).shape == (4, 2)


def test_nothing_to_solve():
    empty = Interval.unchecked(np.zeros((0, 0)), np.zeros((0, 0)))
    right = Interval.unchecked(np.zeros((0, 2)), np.zeros((0, 2)))
    assert OPERATORS["solve"].enclosure(empty, right).shape == (0, 2)
