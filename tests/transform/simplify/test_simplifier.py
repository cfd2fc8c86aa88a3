"""The driver: sharing, several outputs, sources, constants that stay, deep graphs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium import ops
from deuterium.graph.provenance import describe
from deuterium.graph.traverse import topological
from deuterium.graph.variable import node
from deuterium.transform.simplify.rules import BY_OPERATOR, RULES, Assumptions, Rule
from deuterium.transform.simplify.simplify import Simplifier, simplify

x, y = dt.symbol("x"), dt.symbol("y")


def test_one_variable_or_several_at_once():
    one = simplify(x + 0)
    assert one is x
    first, second = simplify([np.exp(x) * y, 2 + np.exp(x)])
    assert first.args[0] is second.args[1]
    array = np.array([[np.exp(x), np.exp(x) + 0]])
    done = simplify(array)
    assert done.shape == (1, 2)
    assert done[0, 0] is done[0, 1]


def test_equal_nodes_become_one():
    a = np.exp(x) * np.sin(y)
    b = np.sin(dt.symbol("y")) * np.exp(dt.symbol("x"))
    first, second = simplify([a, b])
    assert first is second


def test_a_graph_in_simplest_form_stays_itself():
    v = np.exp(x) * np.sin(y)
    assert simplify(v) is v
    assert simplify(simplify(v)) is v


def test_a_simplified_graph_is_a_fixed_point():
    h = dt.symbol("h", (1, 4)) @ dt.constant(np.linspace(-1, 1, 12).reshape(4, 3))
    loss = -np.log(1 / (1 + np.exp(-np.sum(np.tanh(h)))))
    once = simplify(dt.norm(dt.grad(loss, [h])))
    assert simplify(once) is once


def test_nodes_point_at_the_line_they_come_from():
    v = 1 / (1 + np.exp(-x))
    w = v * y
    assert describe(v.source) != describe(w.source)
    found = simplify(w)
    by_name = {n.op.name: describe(n.source) for n in topological([found]) if n.op}
    assert by_name == {
        "expit": describe(v.source),
        "multiply": describe(w.source),
    }


def test_parameters_stay_themselves():
    w = dt.constant(np.zeros((3, 2)), name="w")
    b = dt.constant(0.0)
    v = np.sum(dt.symbol("u", (1, 3)) @ w * 1) + b
    kept = simplify(v, inputs=[w, b])
    assert {w, b} <= set(topological([kept]))
    assert dt.grad(kept, b).evaluate({}) == 1.0
    assert b not in set(topological([simplify(v)]))


def test_equal_parameters_are_not_merged():
    a, b = dt.constant(np.array([1.0, 2])), dt.constant(np.array([1.0, 2]))
    v = simplify(np.sum(np.sin(a) * np.exp(b)))
    assert {a, b} <= set(topological([v]))


def test_depth_is_no_limit():
    v = x
    for _ in range(4_000):
        v = np.sin(v) + 0
    simpler = simplify(v)
    assert len(topological([simpler])) == 4_001


def test_what_the_domain_does_not_name_may_be_any_number():
    v = np.sqrt(np.square(x)) + np.sqrt(np.square(y))
    nodes = topological([simplify(v, dt.Box({x: (0, 1)}))])
    assert [n.args[0] for n in nodes if n.op and n.op.name == "absolute"] == [y]


def test_what_is_no_domain_is_refused():
    with pytest.raises(dt.DeuteriumError, match="`domain` must be a deuterium"):
        simplify(x, {x: (0, 1)})


def test_a_batch_of_boxes_counts_as_their_union():
    lower, upper = np.array([0.5, -0.5]), np.array([1.0, 1.0])
    v = np.exp(np.log(x))
    assert simplify(v, dt.Box({x: (0.5, 1)})) is x
    assert simplify(v, dt.Box({x: (lower, upper)})) is not x


def test_numbers_are_folded_only_where_nothing_is_rounded():
    tenth = dt.constant(0.1)
    assert simplify(tenth + tenth).value == 0.2
    thirds = simplify(dt.constant(1) / dt.constant(3))
    assert thirds.op is not None
    assert simplify(tenth * 3 * x).op is not None
    assert simplify(dt.constant(10**20) + 1).op is not None


@pytest.mark.parametrize("name", sorted(RULES))
def test_removing_one_rule_breaks_nothing(name, monkeypatch):
    """Rules gain by one another but none is needed for another to be right."""
    for op, rules in list(BY_OPERATOR.items()):
        monkeypatch.setitem(BY_OPERATOR, op, tuple(r for r in rules if r.name != name))
    z = dt.symbol("z", (1, 3))
    p = 1 / (1 + np.exp(-(z @ np.array([[1.0], [0.5], [-2.0]]))))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    v = np.sqrt(np.sum(np.square(dt.grad(loss, z))))
    point = {z: np.array([[0.3, -0.2, 0.1]]), y: 0.25}
    assert simplify(v).evaluate(point) == pytest.approx(v.evaluate(point), rel=1e-12)


def test_circles_of_rules_come_to_an_end(monkeypatch):
    """Two rules that undo each other leave a legal graph."""
    there = Rule(
        "there",
        "a = b",
        "everywhere",
        "",
        lambda op: op is ops.sin,
        lambda v, k: np.cos(*v.args),
    )
    back = Rule(
        "back", "", "", "", lambda op: op is ops.cos, lambda v, k: np.sin(*v.args)
    )
    grow = Rule("grow", "", "", "", lambda op: op is ops.sinh, lambda v, k: np.sinh(v))
    monkeypatch.setitem(BY_OPERATOR, ops.sin, (there,))
    monkeypatch.setitem(BY_OPERATOR, ops.cos, (back,))
    monkeypatch.setitem(BY_OPERATOR, ops.sinh, (grow,))
    assert simplify(np.sin(x) + 1).args[0].op.name in ("sin", "cos")
    assert simplify(np.sinh(x)).op.name == "sinh"


def test_factors_of_a_choice_that_are_moved_whole_come_to_an_end():
    """A row that is spread and then turned is no factor that lies deeper."""
    row, one, c = dt.symbol("r", (2,)), dt.symbol("s", (1, 1)), dt.symbol("c", (2, 3))
    turned = np.transpose(np.broadcast_to(row, (3, 2)))
    shaped = np.reshape(np.broadcast_to(row, (3, 2)), (2, 3))
    spread = np.transpose(np.broadcast_to(np.transpose(one), (3, 2)))
    column = np.transpose(np.broadcast_to(row, (1, 2)))
    for moved in (turned, shaped, spread, column, np.transpose(3 * turned.T)):
        v = np.where(c > 0, moved * np.exp(c), np.sin(c) * moved)
        point = {row: [0.3, -2.0], one: [[0.7]], c: [[1, -1, 2], [-2, 3, -4]]}
        point = {s: point[s] for s in dt.graph.free_symbols([v])}
        assert np.allclose(simplify(v).evaluate(point), v.evaluate(point))


def test_what_is_known_of_nodes():
    known = Assumptions(dt.Box({x: (-1, 2)}))
    assert known.positive(np.exp(x))
    assert known.positive(np.exp(y) + np.square(x))
    assert known.positive(1 / np.exp(y))
    assert known.positive(dt.softmax(dt.symbol("u", (3,))))
    assert known.nonzero(-np.exp(y))
    assert known.defined(np.log(expit(y)))
    assert known.defined(x / np.exp(y))
    assert not known.nonzero(x)
    assert not known.defined(1 / x)
    assert not known.defined(np.log(x))
    assert not known.positive(np.square(y))
    assert known.nonnegative(np.square(y))
    assert not known.nonnegative(np.square(y) - 1)
    assert known.never_negative(np.sqrt(y) * np.square(x) + 1)
    assert known.never_negative(np.sum(np.square(dt.symbol("u", (3,)))) / np.exp(y))
    assert known.never_negative(x + 1)
    assert not known.never_negative(np.square(x) * y)
    assert not known.never_negative(np.square(x) - np.square(y))
    assert known.range(x + 1).upper == 3
    kept = dt.constant(2.0)
    assert not Assumptions(inputs=[kept]).positive(kept)
    assert Assumptions().positive(kept)
    matrix = dt.symbol("m", (2, 2)) @ dt.symbol("n", (2, 2))
    assert known.defined(matrix)
    assert not known.defined(np.log(matrix))
    ones = node(dt.graph.OPERATORS["integer_power"], (np.exp(y),), {"n": -3}, ())
    assert known.positive(ones)


def test_counting_what_was_applied():
    run = Simplifier(Assumptions())
    run.run([np.log(np.exp(x)) + 0])
    assert run.fired == {"undo": 1, "add_zero": 1}
