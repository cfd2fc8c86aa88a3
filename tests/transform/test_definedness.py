"""Where a graph is defined, against its values at points."""

import numpy as np
import pytest
from scipy.special import entr, logit

import deuterium as dt
from deuterium.graph.traverse import Graph, topological
from deuterium.transform.pipeline import dense
from tests.amounts import seeds

X, Y, V = dt.symbol("x"), dt.symbol("y"), dt.symbol("v", (3,))

GRAPHS = [
    np.log(X) / Y,
    1 / X + 1 / (Y - 1),
    np.sqrt(X - Y) + np.log2(X * Y),
    X**-2 + Y**0.5 + (X + Y) ** -1.5,
    np.arcsin(X) * np.arccos(Y) + np.arccosh(X + 2),
    np.log1p(X) + np.arctanh(Y) + logit(X) + np.log10(Y + 1),
    np.where(X > 0, np.log(X), 1 / Y),
    np.where(X > Y, np.where(Y > 0, np.sqrt(Y), np.log(X)), np.sqrt(X)),
    np.sum(np.log(V)) + 1 / np.prod(V),
    np.sum(np.where(V > 0, np.log(V), np.sqrt(V + 1))),
    np.sum(np.sqrt(V - X)) / X,
    np.exp(X) + np.abs(Y) + entr(2.0),
]


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 10))
@pytest.mark.parametrize("k", range(len(GRAPHS)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_it_is_where_there_is_a_value(k, seed):
    graph = GRAPHS[k]
    condition = dt.defined(graph)
    rng = np.random.default_rng(seed)
    for n in range(60):
        point = {X: rng.uniform(-2, 2), Y: rng.uniform(-2, 2), V: rng.uniform(-2, 2, 3)}
        if n % 3 == 0:
            point = {s: np.round(x) for s, x in point.items()}
        point = {s: x for s, x in point.items() if s in dt.graph.free_symbols([graph])}
        value = graph.evaluate(point)
        holds = condition.evaluate(
            {s: x for s, x in point.items() if s in dt.graph.free_symbols([condition])}
        )
        assert holds == np.isfinite(value), point


def test_everywhere():
    assert dt.defined(np.exp(X) + np.sin(Y)).value == 1


CHOICES = [
    (np.where(X > 0, np.log(X), 0), np.log(2)),
    (np.where(X != 0, -1 / X**2, -5), -0.25),
    (np.where(X > 0, -X * np.log(X), 0), np.exp(-1)),
    (np.where(2 * X > 0, -3 / X, -7.0), -1.5),
    (np.where((X > 0) & (Y > 0), np.log(X) + np.log(Y), -1), np.log(2)),
    (np.where(X + 1 > 0, np.log1p(X), 0), np.log(3)),
    (np.where(X - Y >= 0, np.sqrt(X - Y), 0), np.sqrt(2)),
    (np.where(X > 0, np.log2(X) - 1 / (X * X), -9), 0.75),
    (np.where(np.cos(X) != 0, -(np.tan(X) ** 2), -1), 0),
]


@pytest.mark.parametrize("k", range(len(CHOICES)))
def test_a_condition_keeps_off_a_pole(k):
    """The other side of the pole has its bound, and the proof holds."""
    graph, most = CHOICES[k]
    box = dt.Box({X: (-2, 2), **({Y: (0, 1)} if Y in topological([graph]) else {})})
    found = dt.maximize(graph, box, rtol=1e-6, atol=1e-6, time_limit=20)
    assert most - 1e-5 <= found.lower <= found.upper <= most + 1e-5
    found.certificate.verify(graph, box)


def test_no_slope_is_claimed_across_a_pole():
    """1 / x falls on both sides of 0, and rises across it."""
    graph = np.where(X != 0, 1 / X, 0)
    slope = dt.enclose(dt.grad(graph, X), dt.Box({X: (-1, 1)}))
    assert slope.lower == -np.inf and slope.upper == np.inf
    (plain,) = dense(Graph([graph]))
    assert any(
        n.op is not None and n.op.name == "on_domain" for n in topological([plain])
    )
    found = dt.maximize(np.minimum(graph, 3), dt.Box({X: (-1, 1)}), time_limit=5)
    assert found.upper >= 3


def test_a_domain_of_what_is_defined():
    graph = np.sum(np.sqrt(V - X)) - 1 / X**2
    domain = dt.Box({V: (0, 1), X: (-1, 2)}) & dt.Where(dt.defined(graph))
    found = dt.maximize(graph, domain, rtol=1e-4, time_limit=30)
    assert found.upper == pytest.approx(3 * np.sqrt(2) - 1, rel=1e-3)
    found.certificate.verify(graph, domain)
