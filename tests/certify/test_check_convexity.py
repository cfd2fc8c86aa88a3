"""Convexity judged from operators, held against values on segments."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.checker.convex_symbols import is_convex_in
from deuterium.graph.traverse import free_symbols

X, Y = dt.symbol("x", (3,)), dt.symbol("y", (2,))
W = np.random.default_rng(0).normal(size=(3, 2))
P = 1 / (1 + np.exp(-(X @ W)))

CONVEX = [
    np.sum(Y * P),
    np.sum((Y - P) ** 2),
    dt.norm(Y - P),
    np.sum(np.abs(Y - P)),
    dt.norm(Y - P) * dt.norm(X),
    dt.norm([np.outer(X, Y - P), Y - P]),
    np.sum((Y - P) ** 2) ** 2 + np.exp(X[0]),
    np.sum(np.concatenate([Y - P, P]) ** 2),
    np.sum(np.cumsum(Y) * 2 - Y[::-1]),
    np.sum(X**2),
]
NOT_CONVEX = [
    np.sum(Y**3),
    -np.sum(Y**2),
    np.sum(Y * Y[::-1]),
    np.sum(Y**2) * X[0],
    np.sqrt(np.sum(Y**2) + X[0]),
    np.sum(np.exp(Y)) - np.sum(Y**2),
    np.sqrt(np.abs(Y[0])),
    np.minimum(Y[0], Y[1]),
    np.sum(Y**2) - X[0],
]


@pytest.mark.parametrize("graph", CONVEX)
def test_convex_graphs_are_known(graph):
    assert is_convex_in(graph, "y")


@pytest.mark.parametrize("graph", NOT_CONVEX)
def test_graphs_that_may_not_be_convex_are_not(graph):
    assert not is_convex_in(graph, "y")


def value(graph, x, y):
    names = {s.name for s in free_symbols([graph])}
    given = {"x": x, "y": y}
    return float(graph.evaluate({n: given[n] for n in names}))


@pytest.mark.parametrize("graph", [*CONVEX, *NOT_CONVEX])
def test_what_is_judged_convex_is_so(graph):
    rng = np.random.default_rng(1)
    for simple in (graph, dt.simplify(graph)):
        if not is_convex_in(simple, "y"):
            continue
        for _ in range(40):
            x = rng.normal(size=3)
            a, b = rng.normal(size=(2, 2)) * 3
            ends = [value(simple, x, e) for e in (a, b)]
            middle = value(simple, x, (a + b) / 2)
            assert middle <= (ends[0] + ends[1]) / 2 + 1e-9 * (1 + max(np.abs(ends)))
