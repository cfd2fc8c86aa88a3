"""Vectorised graphs compute the same values, gradients and sound enclosures."""

from __future__ import annotations

from pathlib import Path

import flint
import numpy as np
import pytest

import deuterium as dt
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.validate import check
from deuterium.graph.variable import NO_ATTRS, node
from deuterium.transform.vectorize import vectorize
from tests.amounts import seeds, some
from tests.transform.vectorize.graphs import (
    box,
    exact,
    names,
    network,
    numbers,
    operations,
    plain,
    random_graph,
    scalars,
)

SEEDS = seeds(1, 20)
SCALAR_OPERATORS = sorted(
    name
    for name, op in OPERATORS.items()
    if op.elementwise and op.arity in (1, 2) and not attribute_names(op)
)
CORRECTLY_ROUNDED = {
    "absolute",
    "add",
    "divide",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "reciprocal",
    "relu",
    "sqrt",
    "square",
    "subtract",
}


def point(seed, count=6):
    values = np.random.default_rng(1000 + seed).uniform(-1, 1, count)
    return {f"x_{i}": float(v) for i, v in enumerate(values)}


def at(v, values):
    """Return the value of ``v``; those given need not all be of its symbols."""
    return v.evaluate({dt.symbol(n): x for n, x in values.items()})


# -- every operator ------------------------------------------------------------------


def inside(op, rng, count):
    """Return points of an operator's domain, not at its ends, one list per argument."""
    low, high = op.domain
    low, high = max(low, -2.0), min(high, 2.0)
    if op.name in ("power", "xlogy", "xlog1py", "rel_entr", "kl_div"):
        low = 0.0
    if op.name in ("divide", "reciprocal", "direction_cosine"):
        low = 0.3
    middle, reach = (low + high) / 2, (high - low) / 2
    shape = (op.arity, count)
    return middle + 0.9 * reach * rng.uniform(-1, 1, shape)


@pytest.mark.parametrize("name", SCALAR_OPERATORS)
def test_a_group_of_any_operator_is_one_node_with_equal_bounds(name):
    op, rng = OPERATORS[name], np.random.default_rng(3)
    points = inside(op, rng, 40)
    args = [scalars(f"{c}", 40) for c in "ab"[: op.arity]]
    members = [node(op, tuple(a), NO_ATTRS, ()) for a in zip(*args, strict=True)]
    domain = {
        a.name: (p - 1e-3, p + 1e-3)
        for column, row in zip(args, points, strict=True)
        for a, p in zip(column, row, strict=True)
    }
    stacked = np.stack([np.maximum(m, m) for m in members])
    result = vectorize(stacked)
    check([result])
    assert names(result).count(name) == (2 if name == "maximum" else 1)
    before, after = (plain(v, dt.Box(domain)) for v in (stacked, result))
    assert np.isfinite(before.upper).all()
    # a library may round one number otherwise than the same number in an array
    rtol = 0.0 if name in CORRECTLY_ROUNDED else 2e-15
    np.testing.assert_allclose(after.lower, before.lower, rtol, atol=0)
    np.testing.assert_allclose(after.upper, before.upper, rtol, atol=0)
    values = {n: (low + high) / 2 for n, (low, high) in domain.items()}
    np.testing.assert_allclose(
        result.evaluate(values), stacked.evaluate(values), rtol=1e-15, atol=0
    )


@pytest.mark.parametrize("n", [-3, 3, 5])
def test_powers_are_told_apart_by_their_exponents(n):
    x = scalars("x", 20)
    result = vectorize(np.stack([v**n for v in x] + [v**4 for v in x]))
    assert names(result).count("integer_power") == 2
    values = np.random.default_rng(0).uniform(0.5, 2, 20)
    given = {f"x_{i}": v for i, v in enumerate(values)}
    expected = np.concatenate([values**n, values**4])
    np.testing.assert_allclose(result.evaluate(given), expected, rtol=1e-15)


# -- random graphs -------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_have_equal_values(seed):
    outputs, values = random_graph(seed), point(seed)
    result = vectorize(outputs)
    check(result)
    for before, after in zip(outputs, result, strict=True):
        assert after.shape == ()
        expected = at(before, values)
        got = at(after, values)
        assert got == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("radius", [0.0, 1e-3])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_have_sound_and_equally_tight_enclosures(seed, radius):
    outputs, values = random_graph(seed), point(seed)
    truth = exact(outputs, values)
    for before, after, t in zip(outputs, vectorize(outputs), truth, strict=True):
        domain = box(values, radius)
        wide, interval = plain(before, domain), plain(after, domain)
        with flint.ctx.workprec(300):
            for sound in (interval, dt.enclose(after, domain)):
                assert flint.arb(float(sound.lower)) <= t
                assert t <= flint.arb(float(sound.upper))
        scale = max(abs(float(wide.lower)), abs(float(wide.upper)))
        assert interval.width <= wide.width * (1 + 1e-11) + 1e-14 * (1 + scale)


MOVEMENT = {"gather", "reshape", "broadcast", "concatenate"}


@pytest.mark.long
def test_little_arithmetic_is_left_of_random_graphs():
    for seed in (3, 4):
        before = random_graph(seed, size=4000)
        after = vectorize(before)
        left = [name for name in names(after) if name not in MOVEMENT]
        assert len(left) < len(names(before)) / 4


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_taken_before_and_after_agree(seed):
    values = point(seed)
    output = random_graph(seed)[-1]
    symbols = free_symbols([output])
    before = dt.grad(output, symbols)
    after = dt.grad(vectorize(output), symbols)
    of_gradients = vectorize(before)
    for a, b, c in zip(before, after, of_gradients, strict=True):
        expected = at(a, values)
        for g in (b, c):
            got = at(g, values)
            assert got == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_batch_of_points_and_a_batch_of_boxes():
    n, x = network(20, 20, sigmoid=True)
    rng = np.random.default_rng(0)
    batch = rng.uniform(-1, 1, (20, 50))
    values = {v.name: row for v, row in zip(x, batch, strict=True)}
    result = vectorize(n)
    np.testing.assert_allclose(result.evaluate(values), n.evaluate(values), rtol=1e-13)
    boxes = dt.Box({k: (v, v + 1e-3) for k, v in values.items()})
    before, after = plain(n, boxes), plain(result, boxes)
    np.testing.assert_allclose(after.upper, before.upper, rtol=1e-11)
    np.testing.assert_allclose(after.lower, before.lower, rtol=1e-11)


# -- the seed networks ---------------------------------------------------------------

NETWORKS = [(2, 2, True), (20, 20, False), (20, 20, True)]


@pytest.mark.parametrize(("inputs", "hidden", "sigmoid"), NETWORKS)
def test_the_seed_networks(inputs, hidden, sigmoid):
    n, x = network(inputs, hidden, sigmoid=sigmoid)
    result = vectorize(n)
    rng = np.random.default_rng(1)
    # away from where the linear network's prediction is 0 or 1, a pole of the loss
    centre = next(
        p
        for p in rng.uniform(-1, 1, (1000, inputs))
        if n.evaluate(dict(zip(x, p, strict=True))) < 50
    )
    values = {v.name: float(p) for v, p in zip(x, centre, strict=True)}
    assert result.evaluate(values) == pytest.approx(n.evaluate(values), rel=1e-13)
    (truth,) = exact([n], values)
    for radius in (0.0, 1e-4):
        domain = box(values, radius)
        before, after = plain(n, domain), plain(result, domain)
        assert np.isfinite(before.upper)
        with flint.ctx.workprec(300):
            for sound in (after, dt.enclose(result, domain)):
                assert flint.arb(float(sound.lower)) <= truth
                assert truth <= flint.arb(float(sound.upper))
        assert after.upper <= before.upper * (1 + 1e-12)
        assert after.lower >= before.lower * (1 - 1e-12)


@pytest.mark.parametrize("sigmoid", some([True, False], 1))
def test_the_network_of_the_notebook_becomes_few_nodes(sigmoid):
    n, x = network(100, 100, sigmoid=sigmoid)
    assert len(topological([n])) > 50_000
    result = vectorize(n)
    assert len(operations(result)) < 100
    assert [s.name for s in free_symbols([result])] == [v.name for v in x]
    inner = [v for v in operations(result) if v.op.name == "matmul"]
    assert any(v.args[1].is_constant and v.args[1].shape == (100, 100) for v in inner)


# -- undefined results ---------------------------------------------------------------


def test_a_pole_names_the_line_of_a_member_of_its_group():
    x = scalars("x", 30)
    poles = [1 / v for v in x]  # this line
    line = test_a_pole_names_the_line_of_a_member_of_its_group.__code__.co_firstlineno
    result = vectorize(np.stack(poles).sum() + np.stack([v * v for v in x]).sum())
    assert "reciprocal" in names(result) or "divide" in names(result)
    interval = dt.enclose(result, dt.Box(dict.fromkeys(x, (-1, 1))))
    assert interval.upper == np.inf
    assert interval.cause.kind == "undefined"
    assert interval.cause.source == f"{Path(__file__).name}:{line + 2}"


def test_one_undefined_member_leaves_the_others_alone():
    x = scalars("x", 30)
    stacked = np.stack([np.log(v) for v in x])
    result = vectorize(stacked)
    domain = dt.Box({v: (-1, 1) if i == 7 else (1, 2) for i, v in enumerate(x)})
    upper = dt.enclose(result, domain).upper
    assert np.flatnonzero(np.isinf(upper)).tolist() == [7]
    np.testing.assert_array_equal(upper, dt.enclose(stacked, domain).upper)


def test_infinite_constants_spoil_only_their_own_sums():
    x, rng = scalars("x", 12), np.random.default_rng(0)
    weights = rng.normal(size=(10, 12))
    weights[3, 4] = np.inf
    stacked = np.stack([(x * row).sum() for row in weights])
    result = vectorize(stacked)
    assert "matmul" in names(result)
    domain = dt.Box(dict.fromkeys(x, (0, 1)))
    before, after = plain(stacked, domain), plain(result, domain)
    assert np.isinf(before.upper[3])
    np.testing.assert_array_equal(np.isinf(after.upper), np.isinf(before.upper))
    np.testing.assert_allclose(after.upper, before.upper, rtol=1e-12)


def test_integers_too_long_for_a_double_stay_enclosed():
    long = 2**53 + 1
    x = scalars("x", 12)
    total = np.sum([dt.constant(long) * v for v in x])
    result = vectorize(total)
    interval = dt.enclose(result, dt.Box(dict.fromkeys(x, (1, 1))))
    with flint.ctx.workprec(200):
        assert flint.arb(float(interval.lower)) <= 12 * long
        assert flint.arb(float(interval.upper)) >= 12 * long


def test_constant_terms_and_signs_are_kept_exactly():
    rng = np.random.default_rng(5)
    x = scalars("x", 10)
    rows, c = numbers(rng, 10, 6), rng.integers(-9, 9, (10, 6)).astype(float)
    sums = [
        sum([2 - x[i] * 3, -x[(i + 1) % 10] * rows[i, 0], *(k - x[i] for k in c[i])])
        for i in range(10)
    ]
    result = vectorize(np.stack(sums))
    values = {f"x_{i}": float(v) for i, v in enumerate(rng.normal(size=10))}
    np.testing.assert_allclose(
        result.evaluate(values), np.stack(sums).evaluate(values), rtol=1e-13
    )
    truth = exact(sums, values)
    interval = dt.enclose(result, dt.Box({k: (v, v) for k, v in values.items()}))
    with flint.ctx.workprec(300):
        for low, high, t in zip(interval.lower, interval.upper, truth, strict=True):
            assert flint.arb(float(low)) <= t <= flint.arb(float(high))
