"""The node itself: edges, protocols, sources, the legality check, the tables."""

from __future__ import annotations

import contextlib
import gc
import inspect
import sys
import weakref

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import (
    DeuteriumError,
    GraphError,
    MissingDependencyError,
    UnsupportedError,
)
from deuterium.graph.operator import OPERATORS, Operator, lookup, register
from deuterium.graph.provenance import describe
from deuterium.graph.validate import check
from deuterium.graph.variable import NO_ATTRS, node
from deuterium.optional import require
from deuterium.testing import graphs

x = dt.symbol("x", (2, 3))
s = dt.symbol("s")


def test_edges_are_counted():
    v = s + s
    assert v.args == (s, s)
    assert v.op is OPERATORS["add"]
    t = dt.symbol("t")
    for v in (s * s, s * dt.symbol("s"), np.multiply(x, x), (s * t).subs({t: s})):
        assert v.op is OPERATORS["square"]
    assert (x * dt.symbol("x", (3,))).op is OPERATORS["multiply"]


def test_shapes():
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert (s.shape, s.ndim, s.size) == ((), 0, 1)
    assert x.T.shape == (3, 2)
    assert dt.symbol("n", 4).shape == (4,)
    with pytest.raises(TypeError, match="len"):
        len(s)
    with pytest.raises(TypeError, match="iterated"):
        iter(s)


def test_broadcasting_is_explicit():
    v = x + s
    assert v.args[0] is x
    assert v.args[1].op is OPERATORS["broadcast"]
    assert v.args[1].args == (s,)


def test_axes_are_negative():
    for v in (np.sum(x, axis=0), np.concatenate([x, x], axis=1)):
        for n in dt.graph.topological([v]):
            axes = n.attrs.get("axis", ())
            assert all(i < 0 for i in (axes if isinstance(axes, tuple) else (axes,)))


def test_scalars_fill_object_arrays_and_arrays_never_do():
    array = np.array([s, s])
    assert array.dtype == object
    assert array[0] is s
    box = np.empty(1, dtype=object)
    box[0] = s
    assert box[0] is s
    with pytest.raises(UnsupportedError):
        np.array(x)


def test_topological_order_has_arguments_first_and_symbols_by_first_use():
    a, b, c = (dt.symbol(n) for n in "abc")
    v = (c * a + b) / (a - b)
    order = dt.graph.topological([v, a])
    place = {n: i for i, n in enumerate(order)}
    assert len(place) == len(order) == 7
    assert all(place[arg] < place[n] for n in order for arg in n.args)
    assert [n.name for n in dt.graph.free_symbols([v])] == ["c", "a", "b"]
    assert dt.graph.topological([]) == []


def test_sources_are_lines_of_the_user():
    v = np.tanh(x).sum()
    here = inspect.currentframe().f_lineno - 1
    assert describe(v.source) == f"test_variable.py:{here}"
    assert describe(v.args[0].source) == f"test_variable.py:{here}"
    assert describe(None) == "unknown line"


def test_nodes_are_let_go_of():
    v = np.exp(s) + 1
    gone = weakref.ref(v.args[0])
    v.backward()
    del v
    s.grad = None
    gc.collect()
    assert gone() is None


def test_unknown_names_are_no_attributes():
    for name in ("foo", "dtype", "__array_interface__"):
        assert not hasattr(x, name)
    assert not hasattr(s, "__array__")


class TestCheck:
    def test_wrong_arity(self):
        with pytest.raises(GraphError, match="add takes 2 arguments, this node has 1"):
            check([node(OPERATORS["add"], (s,), NO_ATTRS, ())])

    def test_wrong_claim(self):
        with pytest.raises(GraphError, match=r"claims shape \(2,\), its rule gives"):
            check([node(OPERATORS["exp"], (s,), NO_ATTRS, (2,))])

    def test_wrong_shapes(self):
        with pytest.raises(GraphError, match="cannot be applied"):
            check([node(OPERATORS["matmul"], (x, x), NO_ATTRS, (2, 3))])

    def test_wrong_attributes(self):
        with pytest.raises(GraphError, match="cannot be applied"):
            check([node(OPERATORS["sum"], (x,), {"axis": (-3,)}, (2,))])

    def test_whatever_the_functions_make_is_legal(self):
        check([np.einsum("ij,kj->ik", x, x), np.pad(x, 1), x[::-1, 1], dt.softmax(x)])


class TestOperators:
    def test_one_name_one_record(self):
        with pytest.raises(GraphError, match="named 'exp' exists"):
            register(OPERATORS["exp"])
        with pytest.raises(UnsupportedError, match="no operator named 'nothing'"):
            lookup("nothing")

    def test_they_run_on_everything(self):
        exp = OPERATORS["exp"]
        assert isinstance(exp(s), dt.Variable)
        assert exp(0.0) == 1
        assert isinstance(exp(dt.Interval(0, 1)), dt.Interval)
        assert str(exp(s.data)) == "exp(s)"
        assert repr(exp) == "<operator exp>"
        assert isinstance(exp, Operator)


def test_optional_packages_are_asked_for_by_name():
    with pytest.raises(MissingDependencyError, match="pip install no-such") as caught:
        require("no_such_module", "no-such", "this test")
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, DeuteriumError)


def test_without_flint_the_oracle_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MissingDependencyError, match="python-flint"):
        dt.testing.evaluate_exactly(s + 1, {"s": 1.0})
    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    with pytest.raises(MissingDependencyError, match="hypothesis"):
        graphs()


def test_calls_with_bad_arguments_leave_nothing_behind():
    before = len(OPERATORS)
    with contextlib.suppress(DeuteriumError):
        np.reshape(x, 5)
    assert len(OPERATORS) == before
