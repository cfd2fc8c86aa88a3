"""Closed forms that would fill pages are summarised, not written out."""

from itertools import pairwise

import numpy as np
import pytest
import sympy
from scipy.special import log_expit

import deuterium as dt
from deuterium.graph import OPERATORS, closed_form
from deuterium.graph.form_length import PRINTABLE_TEXT
from deuterium.graph.serialize import attribute_names


def deep(units):
    rng = np.random.default_rng(0)
    h = dt.symbol("x", shape=(1, units[0]))
    parameters = []
    for m, n in pairwise(units):
        parameters.append(dt.constant(rng.normal(size=(m, n))))
        h = np.tanh(h @ parameters[-1])
    return dt.norm(dt.grad(h.sum(), parameters))


def test_a_form_of_millions_of_characters_is_summarised_at_once():
    v = deep([8, 8, 8, 8, 1])
    assert repr(v).startswith("<Variable shape=()")
    assert v._repr_latex_() is None


def test_a_small_network_does_not_fill_the_notebook():
    """LaTeX of it took two minutes, its gradients were 450,000 characters."""
    rng = np.random.default_rng(0)
    x = dt.symbol("x", shape=(1, 30))
    parameters = [dt.constant(rng.normal(size=s)) for s in ((30, 16), (16,), (16, 1))]
    loss = np.sum(np.tanh(x @ parameters[0] + parameters[1]) @ parameters[2])
    assert loss._repr_latex_() is None
    assert len(repr([loss, *dt.grad(loss, parameters)])) < 2000


def test_a_form_of_a_page_is_written_out():
    v = deep([2, 2, 1])
    assert "tanh" in repr(v)
    assert "x_0_1" in repr(v)


def shown(v):
    return repr(v) + (v._repr_latex_() or "")


UNARY = [
    name
    for name, op in OPERATORS.items()
    if op.elementwise and op.symbolic and op.arity == 1 and not attribute_names(op)
]


SLOW = {"i0", "i1", "ndtri", "erfinv"}  # SymPy writes their derivatives


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.long] if n in SLOW else []) for n in UNARY],
)
def test_no_function_of_itself_fills_the_screen(name):
    """A second slope of a sigmoid, 150 times in itself, was thought to be short."""
    v = dt.symbol("x")
    for depth in range(1, 151):
        v = OPERATORS[name](v)
        if depth in (2, 5, 11, 25, 65, 150):
            assert len(shown(v)) <= 10 * PRINTABLE_TEXT


@pytest.mark.parametrize(
    "function",
    [dt.softmax, dt.log_softmax, np.cumsum, lambda x: x @ np.full((8, 8), 1 / 3)],
)
def test_no_row_of_rows_fills_the_screen(function):
    v = dt.symbol("x", shape=(8,))
    for _ in range(20):
        v = function(v)
        assert len(shown(v[0])) <= 10 * PRINTABLE_TEXT


def test_a_form_too_long_is_not_even_made(monkeypatch):
    """The loss of the README's tour took a minute and a half to be shown."""

    def refuse(*_):
        raise AssertionError("a closed form was made")

    for name in ("data", "to_symengine"):
        monkeypatch.setattr(closed_form, name, refuse)
    x = dt.symbol("x", shape=(1, 30))
    parameters = [dt.constant(np.full(s, 0.1)) for s in ((30, 16), (16,), (16, 1))]
    logit = np.tanh(x @ parameters[0] + parameters[1]) @ parameters[2]
    loss = -np.sum(log_expit(logit))
    for v in (loss, dt.norm(dt.grad(loss, parameters)), deep([8, 8, 8, 1])):
        assert shown(v).startswith("<Variable shape=()")


def test_latex_asks_nothing_of_nested_functions(monkeypatch):
    """SymPy takes twice as long for every hyperbolic tangent around another."""
    v = dt.symbol("x")
    for _ in range(9):
        v = 1 - np.tanh(v) ** 2
    monkeypatch.setattr(sympy.tanh, "eval", None)
    assert v._repr_latex_().count("tanh") == 9
