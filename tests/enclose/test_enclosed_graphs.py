"""Random graphs, held against ball arithmetic with no tolerance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium import ops
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import free_symbols
from deuterium.testing import assert_encloses, boxes, graphs
from deuterium.testing.array_definitions import ON_ARRAYS
from deuterium.testing.definitions import ELEMENTWISE
from tests.amounts import drawn_from, examples, seeds

SIX = 6


def _with_box(**options):
    options = {"min_steps": 4} | options
    return graphs(**options).flatmap(lambda v: st.tuples(st.just(v), boxes(v)))


def _derivative(v):
    """Return a few elements of the gradient of the sum, as one vector."""
    symbols = dt.graph.free_symbols([v])
    parts = [np.ravel(g)[:SIX] for g in dt.grad(np.sum(v), symbols)]
    return np.concatenate(parts) if parts else np.sum(v)


@examples(15, 500)
@given(_with_box(arrays=False, max_steps=12))
def test_scalar_graphs(case):
    assert_encloses(*case)


@examples(15, 500)
@given(_with_box(max_steps=9))
def test_array_graphs(case):
    assert_encloses(*case, samples=6)


@examples(6, 100)
@given(_with_box(defined=False))
def test_graphs_that_may_be_undefined(case):
    assert_encloses(*case, samples=6)


@examples(15, 300)
@given(_with_box(arrays=False, max_steps=6))
def test_gradients_of_scalar_graphs(case):
    v, box = case
    assert_encloses(_derivative(v), box, samples=9)


@examples(9, 200)
@given(_with_box(max_steps=5))
def test_gradients_of_array_graphs(case):
    v, box = case
    assert_encloses(_derivative(v), box, samples=6)


@examples(8, 200)
@given(st.booleans().flatmap(lambda b: _with_box(arrays=b, max_steps=5)))
def test_second_derivatives(case):
    v, box = case
    for s in dt.graph.free_symbols([v])[:1]:
        assert_encloses(dt.grad(dt.grad(np.sum(v), s).sum(), s), box, samples=6)


ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": dt.relu,
    "expit": OPERATORS["expit"],
    "softplus": lambda x: -OPERATORS["log_expit"](-x),
    "gelu": lambda x: x * OPERATORS["ndtr"](x),
}


@pytest.mark.parametrize("seed", seeds(2, 12))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_norms_of_networks(activation, seed):
    """The norm of the parameter gradient, over a box of inputs and both labels."""
    rng = np.random.default_rng(seed)
    sizes = (3, 4, 2) if seed % 2 else (2, 3, 3, 2)
    x, y = dt.symbol("x", (1, sizes[0])), dt.symbol("y", (1, sizes[-1]))
    parameters, layer = [], x
    for i, (m, n) in enumerate(pairwise(sizes)):
        w = dt.constant(rng.normal(size=(m, n)), name=f"w{i}")
        b = dt.constant(rng.normal(size=n), name=f"b{i}")
        parameters += [w, b]
        layer = layer @ w + b
        if i < len(sizes) - 2:
            layer = ACTIVATIONS[activation](layer)
    loss = (
        -(y * dt.log_softmax(layer)).sum() if seed % 3 else np.square(layer - y).sum()
    )
    norm = dt.norm(dt.grad(loss, parameters))
    found = assert_encloses(
        norm, dt.Box({x: (-1, 1)}) & dt.OneHot(y), samples=12, seed=seed
    )
    assert np.isfinite(found.upper)
    assert found.upper > 0


@pytest.mark.parametrize("last", [np.max, np.min, np.sort, np.median])
def test_slopes_of_what_is_ordered(last):
    x = dt.symbol("x", (2, 3))
    first = dt.grad(np.sum(np.square(last(x, axis=-1)) * np.exp(x[0, 0])), x)
    second = dt.grad(np.sum(np.sin(first)), x)
    for domain in (dt.Box({x: (-1, 1)}), dt.Box({x: np.arange(6.0).reshape(2, 3)})):
        assert_encloses(first, domain)
        assert_encloses(second, domain)


@pytest.mark.long  # of the strategy, not of what it is for
def test_every_operator_is_among_them():
    seen = set()

    def look(v):
        for node in dt.graph.topological([v, *dt.grad(np.sum(v), free_symbols([v]))]):
            if node.op:
                seen.add(node.op.name)

    for arrays, count in ((False, 1000), (True, 1500)):
        drawn_from(graphs(arrays=arrays, min_steps=4, max_steps=12), count, look)
    elsewhere = {"pi", "narrowed", "reorder", "rank_slope", "argmax_slope"}  # above
    elsewhere |= {"interp", "interp'", "interp''"}  # with operators of their own
    elsewhere |= {"on_domain"}  # made where domains say what is defined
    assert set(OPERATORS) - seen <= elsewhere


def test_every_operator_has_a_rule_in_the_oracle():
    ruled = {*ELEMENTWISE, *ON_ARRAYS, ops.integer_power}
    assert ruled == set(OPERATORS.values())


def test_a_miss_is_found_and_its_message_repeats_it(capsys):
    x = dt.symbol("x", (2,))
    domain = dt.Box({x: (0, 1)})
    wrong = dt.Interval(np.zeros(2), np.full(2, np.nextafter(np.sin(1.0), 0)))
    with pytest.raises(AssertionError, match="is not in") as caught:
        assert_encloses(np.sin(x), domain, enclosure=wrong)
    exec(str(caught.value).partition("\n")[2], {})
    assert "0.841470984807897" in capsys.readouterr().out


def test_an_undefined_value_must_be_unbounded():
    x = dt.symbol("x")
    with pytest.raises(AssertionError, match="undefined"):
        assert_encloses(np.log(x), dt.Box({x: (0, 1)}), enclosure=dt.Interval(-9, 0))


@pytest.mark.parametrize(
    "lower, upper, message",
    [
        (np.zeros(2), np.ones(2), "shape"),
        (np.float32(0), np.float32(1), "float64"),
        (np.float64(1), np.float64(0), "exceeds"),
        (np.float64(0), np.float64(np.inf), "cause"),
    ],
)
def test_ill_formed_enclosures_are_refused(lower, upper, message):
    x = dt.symbol("x")
    found = dt.Interval.unchecked(lower, upper)
    with pytest.raises(AssertionError, match=message):
        assert_encloses(np.sin(x), dt.Box({x: (0, 1)}), enclosure=found)
