"""Closed forms that would fill pages are summarised, not written out."""

from itertools import pairwise

import numpy as np

import deuterium as dt


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
