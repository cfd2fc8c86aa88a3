"""Soft directions and rejections: values, bounds, slopes, and what has them."""

from itertools import product

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops
from deuterium.graph.constructors import symbol
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import Graph, topological
from deuterium.interval import Interval
from deuterium.ops.rejection import rejection_of, soft_direction_of
from deuterium.testing import assert_encloses
from deuterium.transform.simplify.recognize import recognized

SHAPES = [(3,), (2, 4), (2, 1, 3), (1,)]


def arguments(shape, rng, spread=3.0):
    x, g = (rng.normal(size=shape) * spread for _ in range(2))
    return x, g, rng.uniform(0.01, 2.0, size=shape[:-1])


def by_loops(x, g, s):
    """Return the soft direction of x and the rejection of g, row by row."""
    soft, left = np.empty_like(x), np.empty_like(x)
    for i in np.ndindex(x.shape[:-1]):
        square = sum(a * a for a in x[i]) + s[i]
        dot = sum(a * b for a, b in zip(x[i], g[i], strict=True))
        soft[i] = [a / square**0.5 for a in x[i]]
        left[i] = [b - a * dot / square for a, b in zip(x[i], g[i], strict=True)]
    return soft, left


@pytest.mark.parametrize("shape", SHAPES)
def test_values_of_the_operators_and_of_compiled_code(shape):
    x, g, s = arguments(shape, np.random.default_rng(0))
    soft, left = by_loops(x, g, s)
    names = symbol("x", shape), symbol("g", shape), symbol("s", shape[:-1])
    nodes = soft_direction_of(names[0], names[2]), rejection_of(*names)
    np.testing.assert_allclose(ops.soft_direction(x, s), soft, rtol=1e-13)
    np.testing.assert_allclose(ops.rejection(x, g, s), left, rtol=1e-12, atol=1e-13)
    compiled = dt.compile(list(names), list(nodes))
    for found, right in zip(compiled(x, g, s), (soft, left), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_bounds_hold_the_values(shape):
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, g, s = arguments(shape, rng)
        names = symbol("x", shape), symbol("g", shape), symbol("s", shape[:-1])
        width = rng.choice([0.0, 1e-9, 0.3, 4.0])
        ends = {
            n: (a - width, a + width) for n, a in zip(names, (x, g, s), strict=True)
        }
        ends[names[2]] = (s, s + width)
        nodes = soft_direction_of(names[0], names[2]), rejection_of(*names)
        for v in nodes:
            assert_encloses(v, dt.Box(ends), samples=5, seed=int(rng.integers(99)))


def test_no_element_of_a_soft_direction_is_larger_than_one():
    x = Interval(np.full(3, -1e6), np.full(3, 1e6))
    found = ops.soft_direction.enclosure(x, Interval(np.array(0.1), np.array(0.1)))
    assert (np.abs([found.lower, found.upper]) <= 1).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["soft_direction", "rejection"])
def test_slopes_are_those_of_the_definition(name, shape):
    rng, op = np.random.default_rng(2), OPERATORS[name]
    values = arguments(shape, rng)
    names = symbol("x", shape), symbol("g", shape), symbol("s", shape[:-1])
    used = names if name == "rejection" else names[::2]
    weights = rng.normal(size=shape)
    point = {n.name: a for n, a in zip(names, values, strict=True)}

    def at_point(v):
        known = {s.name for s in Graph([v]).symbols}
        return np.asarray(v.evaluate({n: a for n, a in point.items() if n in known}))

    v = op(*used)
    slopes = dt.grad((v * weights).sum(), list(used))
    defined = dt.grad((op.definition(*used) * weights).sum(), list(used))
    for one, other in zip(slopes, defined, strict=True):
        np.testing.assert_allclose(
            at_point(one), at_point(other), rtol=1e-9, atol=1e-11
        )


def test_a_rejection_lengthens_nothing():
    rng = np.random.default_rng(3)
    for _ in range(200):
        x, g, s = arguments((5,), rng, spread=10 ** rng.uniform(-3, 3))
        assert np.linalg.norm(ops.rejection(x, g, s)) <= np.linalg.norm(g) * (1 + 1e-12)


# -- what they are found in ------------------------------------------------------------

SPELLINGS = {
    "var": lambda h, e: (h - h.mean()) / np.sqrt(h.var() + e),
    "np.var": lambda h, e: (h - np.mean(h)) / np.sqrt(np.var(h) + e),
    "by hand": lambda h, e: (
        (h - h.mean()) / np.sqrt(np.mean(np.square(h - h.mean())) + e)
    ),
    "a power": lambda h, e: (h - h.mean()) * (np.var(h) + e) ** -0.5,
    "a quotient of one": lambda h, e: (h - h.mean()) * (1 / np.sqrt(np.var(h) + e)),
    "mean of squares": lambda h, e: (
        (h - h.mean()) / np.sqrt(np.mean(h**2) - np.mean(h) ** 2 + e)
    ),
    "root of squares": lambda h, e: h / np.sqrt(np.mean(h**2) + e),
    "a long vector": lambda h, e: 3 * h / np.sqrt(e + np.sum(h * h)),
}
ROWS = {
    "last axis": lambda h, e: (
        (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + e)
    ),
    "all axes": lambda h, e: (h - h.mean()) / np.sqrt(h.var() + e),
    "two axes": lambda h, e: (
        (h - h.mean((-2, -1), keepdims=True))
        / np.sqrt(h.var((-2, -1), keepdims=True) + e)
    ),
}
CASES = [(name, (6,)) for name in SPELLINGS]
CASES += list(product(ROWS, [(2, 3), (4, 2, 3)]))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_found_in_normalised_rows_and_worth_the_same(name, shape):
    rng, f = np.random.default_rng(4), (SPELLINGS | ROWS)[name]
    x, w = dt.symbol("x", shape), dt.constant(rng.normal(size=shape[-1:] * 2))
    weights, direction = rng.normal(size=shape), rng.normal(size=w.shape)
    v = np.sum(np.tanh(f(x @ w, 0.1)) * weights)
    assert any(n.op is ops.soft_direction for n in recognized(Graph([v]), [w]).order)
    slope, at, step = dt.grad(v, w), {"x": rng.normal(size=shape)}, 1e-6
    assert any(n.op is ops.rejection for n in topological([slope]))

    def moved(t):
        h = at["x"] @ (w.value + t * direction)
        return np.sum(np.tanh(f(h, 0.1)) * weights)

    true = (moved(step) - moved(-step)) / (2 * step)
    found = np.sum(slope.evaluate(at) * direction)
    assert found == pytest.approx(true, rel=1e-5, abs=1e-7)


def test_parameters_of_one_value_stay_apart():
    x, p, q = dt.symbol("x", 3), dt.constant(0.5), dt.constant(0.5)
    v = np.sum(np.tanh((x - p) / np.sqrt(np.mean((x - q) ** 2) + 0.1)))
    at = {"x": np.array([0.3, -1.0, 2.0])}
    h, t = at["x"], 1e-6

    def moved(a, b):
        return np.sum(np.tanh((h - a) / np.sqrt(np.mean((h - b) ** 2) + 0.1)))

    true = [moved(0.5 + t, 0.5) - moved(0.5 - t, 0.5)]
    true += [moved(0.5, 0.5 + t) - moved(0.5, 0.5 - t)]
    found = [float(g.evaluate(at)) for g in dt.grad(v, [p, q])]
    assert found == pytest.approx(np.array(true) / (2 * t), rel=1e-6)


def test_not_found_where_the_floor_is_no_number():
    x, e = dt.symbol("x", 4), dt.symbol("e")
    v = np.sum(np.tanh(x / np.sqrt(np.mean(x**2) + e)))
    assert not any(
        n.op is ops.soft_direction for n in recognized(Graph([v]), [x]).order
    )
