"""A chain of many thousand nodes goes through everything, without recursion."""

from __future__ import annotations

import copy
import gc
import math
import pickle

import numpy as np
import pytest

import deuterium as dt
from tests.amounts import draws

LENGTH = draws(10_000, 100_000)  # far beyond what recursion could do


def _chain(length):
    """v <- (v * c) + x over and over, every operation one node."""
    x, c = dt.symbol("x"), dt.constant(0.5)
    v = x
    for _ in range(length // 2):
        v = v * c
        v = v + x
    return x, v


@pytest.mark.drawn
def test_a_long_chain():
    x, v = _chain(LENGTH)
    assert len(dt.graph.topological([v])) == LENGTH + 2
    assert v.evaluate({x: 0.75}) == 1.5

    g = dt.grad(v, x)
    assert g.evaluate({}) == 2

    found = dt.enclose(v, dt.Box({x: (0.5, 1)}))
    assert 1 - 1e-9 < found.lower <= 1
    assert 2 <= found.upper < 2 + 1e-9

    (again,) = dt.loads(dt.dumps([v]))
    assert again.evaluate({x: 0.75}) == 1.5

    assert f"{LENGTH + 2} nodes" in repr(v)
    assert copy.deepcopy(v) is v
    del v, g, again  # without recursion either
    gc.collect()


@pytest.mark.drawn
def test_pickling_and_backward():
    x, v = _chain(LENGTH)
    assert pickle.loads(pickle.dumps(v)).evaluate({x: 0.75}) == 1.5
    v.backward()
    assert x.grad.evaluate({}) == 2
    x, v = _chain(draws(2_000, 10_000))  # of which rules make a sum, term by term
    fn = dt.compile([x], [np.tanh(v)])
    (got,) = fn(np.array([0.0, 0.75]))
    np.testing.assert_allclose(got, [0.0, math.tanh(1.5)])


def test_closed_form_and_substitution():
    x, v = _chain(2000)
    assert v.free_symbols == {x.data}
    assert float(v.data.subs({"x": 0.75})) == pytest.approx(1.5)
    assert v.subs({x: 0.75}).evaluate({}) == pytest.approx(1.5)


def test_a_wide_graph_and_a_deep_lattice():
    """Every node used twice: the traversal must not count paths."""
    x = dt.symbol("x")
    v = x
    for _ in range(2000):
        v = v * 0.25 + v * 0.25
    assert len(dt.graph.topological([v])) == 2000 * 5 + 1
    assert dt.grad(v, x).evaluate({}) == 0.5**2000
    wide = sum(x * i for i in range(10_000))
    assert dt.grad(wide, x).evaluate({}) == 10_000 * 9_999 / 2
