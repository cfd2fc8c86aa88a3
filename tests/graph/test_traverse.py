"""A graph is sorted once, and what is known of it is worked out once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph import traverse
from deuterium.graph.traverse import Graph, free_symbols, topological

X, Y = dt.symbol("x"), dt.symbol("y")
BOX = dt.Box({X: (0, 1), Y: (0, 1)})


def small():
    return np.exp(X) * Y + np.tanh(X)


def network(hidden=4):
    """Return the README's gradient norm, and its domain."""
    rng = np.random.default_rng(0)
    x = dt.symbol("x", shape=(1, 30))
    shapes = (30, hidden), (hidden,), (hidden, 1)
    w, b, v = (dt.constant(rng.normal(size=s) / 6) for s in shapes)
    loss = -np.sum(log_expit(np.tanh(x @ w + b) @ v))
    return dt.norm(dt.grad(loss, [w, b, v])), dt.Box({x: (-1, 1)})


def many():
    return sum((np.tanh(X * i) * Y for i in range(400)), X)


@pytest.fixture
def sorts(monkeypatch):
    """Count how often each set of outputs is sorted."""
    counted, right = Counter(), traverse._sorted

    def count(outputs):
        outputs = tuple(outputs)
        counted[outputs] += 1
        return right(outputs)

    monkeypatch.setattr(traverse, "_sorted", count)
    return counted


@pytest.mark.parametrize(("make", "graphs"), [(small, 1), (many, 3)])
def test_enclose_sorts_a_graph_once(make, graphs, sorts):
    v = make()
    dt.enclose(v, BOX)
    assert sorts[(v,)] == 1
    assert len(sorts) == sorts.total() == graphs, (
        "the graph, that of arrays, and its simpler form"
    )
    dt.enclose(v, BOX)
    dt.enclose(v, dt.Box({X: (0, 2), Y: (0, 2)}))
    assert sorts.total() == graphs


def test_enclose_sorts_a_network_and_its_simpler_form_once(sorts):
    v, box = network()
    sorts.clear()
    dt.enclose(v, box)
    assert sorts[(v,)] == 1
    assert sorts.total() == 2


@pytest.mark.parametrize(
    ("run", "most"),
    [
        (lambda v, box: dt.maximize(v, box, max_regions=3, time_limit=None), 110),
        (lambda v, box: dt.search(v, box, starts=2), 24),
        (lambda v, box: dt.compile(free_symbols([v]), [v]), 6),
        (lambda v, box: dt.grad(v, free_symbols([v])), 4),
    ],
)
def test_work_on_a_graph_sorts_it_seldom(run, most, sorts):
    """They were 223, 51, 12 and 2, with up to 48 of one and the same graph.

    The third of a gradient is of another graph: the norm's, as the length it is.  The
    fourth sees which results are new, to remember what they are gradients of.
    """
    v, box = network()
    sorts.clear()
    run(v, box)
    assert sorts.total() <= most


def test_a_graph_knows_what_its_nodes_are():
    k = dt.constant([2.0, -1.0])
    x = dt.symbol("x", (2,))
    fixed, moving = np.exp(k), x * k
    outputs = [fixed + moving, moving]
    graph = Graph(outputs)
    assert list(graph) == outputs
    assert Graph.of(graph) is graph
    assert topological(graph) is graph.order
    assert graph.order == topological(outputs)
    assert graph.symbols == [x]
    assert set(graph.varying) == {x, moving, outputs[0]}
    assert graph.constants == [k, fixed]
    assert graph.users == {
        k: [fixed, moving], x: [moving], fixed: [outputs[0]], moving: [outputs[0]],
    }  # fmt: skip
    again = Graph.sorted(Graph([moving]).order)
    assert list(again) == [moving]
    assert again.symbols == [x]


def test_an_operator_of_one_node_twice_uses_its_argument_twice():
    v = np.logaddexp(X, X)
    assert Graph([v]).users == {X: [v, v]}


@pytest.mark.parametrize(
    "v",
    [
        np.exp(X), np.sqrt(Y), np.tanh(X) ** 2 + np.exp(Y), np.exp(X) / np.cosh(Y),
        np.abs(X) * 2, dt.softmax(dt.symbol("z", (3,))) @ np.array([0.0, 1.0, 2.0]),
        np.maximum(np.abs(X), np.exp(Y)), dt.norm(dt.symbol("z", (3,))),
        np.prod(np.exp(dt.symbol("z", (3,)))), np.cumsum(dt.symbol("z", (3,)) ** 2),
    ],
)  # fmt: skip
def test_what_is_never_negative_is_known_to_be(v, rng):
    graph = Graph([v])
    assert v in graph.nonnegative
    point = {s: rng.normal(size=s.shape) for s in graph.symbols}
    for node in graph.nonnegative:
        needed = free_symbols([node])
        with np.errstate(all="ignore"):
            found = node.evaluate({s: point[s] for s in needed})
        assert not np.any(np.asarray(found) < 0)


def test_what_may_be_negative_is_not():
    z = dt.symbol("z", (3,))
    signed = [X, np.tanh(X), X * Y, np.exp(X) - 1, X + np.exp(Y), np.log(X)]
    signed += [z @ z[::-1], np.maximum(X, Y), dt.constant(-1.0), z.min()]
    for v in [*signed, dt.constant([1.0, -0.5])]:
        assert v not in Graph([v]).nonnegative


def test_a_problem_keeps_the_graph_of_its_objective():
    problem = Problem(small(), BOX, maximize=False)
    assert problem.graph is problem.graph
    assert list(problem.graph) == [problem.objective]
    fixed = problem.fixed(np.array([1]), np.array([0.5]))
    assert list(fixed.graph) == [fixed.objective]
    assert [s.name for s in fixed.graph.symbols] == ["x"]
