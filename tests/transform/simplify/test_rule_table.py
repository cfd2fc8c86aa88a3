"""Every rule of the table holds where it claims to, not elsewhere, and gains."""

from __future__ import annotations

import numpy as np
import pytest

from deuterium.graph.traverse import topological
from deuterium.graph.validate import check
from deuterium.transform.simplify.cost import cost
from deuterium.transform.simplify.rules import BY_OPERATOR, RULES, Assumptions
from deuterium.transform.simplify.simplify import Simplifier
from tests.transform.simplify.rule_examples import COSTS, EXAMPLES, FINITE, TIGHTER
from tests.transform.simplify.simplify_checks import assert_same, plain, restricted

CASES = [(name, i) for name, some in EXAMPLES.items() for i in range(len(some))]
each_example = pytest.mark.parametrize(("name", "number"), CASES)


def example(name, number):
    return EXAMPLES[name][number]


def run(v, domain):
    simplifier = Simplifier(Assumptions(domain))
    (result,) = simplifier.run([v])
    check([result])
    return result, simplifier.fired


def test_every_rule_has_an_example_and_a_counterexample():
    assert set(EXAMPLES) == set(RULES), set(EXAMPLES) ^ set(RULES)
    unconditional = {"sign_out_of_scatter"}
    for name, some in EXAMPLES.items():
        assert name in unconditional or any(e.refused is not None for e in some), name


def test_every_rule_states_what_it_does():
    for entry in RULES.values():
        assert "=" in entry.identity
        assert entry.holds
        assert entry.gains
        assert entry.rewrite.__doc__
        assert any(entry in rules for rules in BY_OPERATOR.values())


@each_example
def test_it_applies_and_changes_no_value(name, number):
    e = example(name, number)
    domain = restricted(e.domain, e.graph)
    simpler, fired = run(e.graph, domain)
    assert fired[name], dict(fired)
    assert_same(e.graph, simpler, domain, fills=RULES[name].fills)


@each_example
def test_it_applies_on_the_whole_line_if_it_holds_everywhere(name, number):
    e = example(name, number)
    _, fired = run(e.graph, None)
    if RULES[name].holds == "everywhere":
        assert fired[name], dict(fired)


@each_example
def test_it_does_not_apply_elsewhere(name, number):
    e = example(name, number)
    if e.refused is not None:
        result, fired = run(e.refused, restricted(e.refused_domain, e.refused))
        assert not fired[name], (dict(fired), result)


@each_example
def test_what_it_gains(name, number):
    e = example(name, number)
    domain = restricted(e.domain, e.graph)
    simpler, _ = run(e.graph, domain)
    before, after = plain(e.graph, domain), plain(simpler, domain)
    width, old_width = after.upper - after.lower, before.upper - before.lower
    if e.gains == FINITE:
        assert not np.isfinite(old_width).all()
        assert np.isfinite(width).all()
    elif e.gains == TIGHTER:
        assert np.sum(width) < np.sum(old_width)
    elif e.gains == COSTS:
        assert cost(simpler) < cost(e.graph)
        if name != "gram_form":  # whose squares an enclosure no longer sees
            assert np.all(width <= old_width * (1 + 1e-12) + 1e-300)
    nodes = len(topological([simpler]))
    assert nodes <= len(topological([e.graph])) + e.more
