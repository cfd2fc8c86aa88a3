"""Every rule with something undefined, or a number of extreme size, planted in it.

At each node of each example of a rule, parts that cancel over the reals are planted:
undefined on a part of the domain, or of a size where arithmetic on doubles rounds.
"""

from __future__ import annotations

import itertools

import pytest

import deuterium as dt
from deuterium.graph.traverse import topological
from deuterium.transform.simplify.rules import RULES
from tests.amounts import draws
from tests.transform.simplify.rewrites import (
    EXTREMES,
    PARTLY,
    SCALED,
    UNDEFINED,
    assert_each_rewrite,
    fresh_like,
    with_node,
)
from tests.transform.simplify.rule_examples import EXAMPLES
from tests.transform.simplify.simplify_checks import restricted

LARGE = 100  # elements; nothing is planted in nodes of more
each_rule = pytest.mark.parametrize("rule", RULES)  # a new rule needs an example


def planted_undefined(example, at, way, function):
    """Return the graph with something planted at a node that may be undefined."""
    f, ends = PARTLY[function]
    q = fresh_like(at)
    graph = with_node(example.graph, at, lambda n: UNDEFINED[way](n, f(q)))
    domain = restricted(example.domain, example.graph) & dt.Box({q: ends})
    return graph, restricted(domain, graph)


def with_undefined_argument(example, at, function):
    """Return the graph with a symbol replaced by a function of a new one."""
    f, ends = PARTLY[function]
    q = dt.symbol("planted", at.shape)
    graph = with_node(example.graph, at, lambda n: f(q))
    domain = restricted(example.domain, example.graph) & dt.Box({q: ends})
    return graph, restricted(domain, graph)


def planted_numbers(example, at, way, k, m):
    """Return the graph with two numbers planted at a node."""
    graph = with_node(example.graph, at, lambda n: SCALED[way](n, k, m))
    return graph, restricted(example.domain, graph)


def chosen(rule, kinds, count):
    """Return what to plant where: at the root of each example, and at ``count`` nodes.

    All nodes and kinds have their turn as ``count`` grows.
    """
    turn = sum(map(ord, rule))  # rules begin at different kinds
    some = EXAMPLES[rule]
    roots = [(e, e.graph) for e in some]
    nodes = [(e, n) for e in some for n in topological([e.graph]) if n.size <= LARGE]
    for i, (example, at) in enumerate(
        [*roots, *itertools.islice(itertools.cycle(nodes), count)]
    ):
        yield example, at, kinds[(turn + 7 * i) % len(kinds)]


def check_undefined(rule, count):
    kinds = list(itertools.product(UNDEFINED, PARTLY))
    fired = set()
    for example, at, (way, function) in chosen(rule, kinds, count):
        fired |= assert_each_rewrite(*planted_undefined(example, at, way, function))
        if at.is_symbol:
            graph, domain = with_undefined_argument(example, at, function)
            fired |= assert_each_rewrite(graph, domain)
    assert rule in fired


def check_numbers(rule, count):
    kinds = list(itertools.product(SCALED, EXTREMES, EXTREMES))
    fired = set()
    for example, at, kind in chosen(rule, kinds, count):
        graph, domain = planted_numbers(example, at, *kind)
        fired |= assert_each_rewrite(graph, domain, points=2, bits=2600, enclosed=False)
    assert rule in fired


@pytest.mark.drawn
@each_rule
def test_what_is_undefined_stays_so(rule):
    check_undefined(rule, draws(1, 30))


@pytest.mark.drawn
@each_rule
def test_numbers_of_extreme_size_are_exact(rule):
    check_numbers(rule, draws(1, 50))
