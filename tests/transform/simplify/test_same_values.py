"""Random graphs: simplifying changes no value, and keeps every enclosure sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deuterium.graph.traverse import free_symbols
from deuterium.graph.validate import check
from deuterium.testing import (
    boxes,
    graphs,
)
from deuterium.transform.differentiate import grad
from deuterium.transform.simplify.rules import Assumptions
from deuterium.transform.simplify.simplify import Simplifier
from tests.amounts import drawn_from, examples
from tests.transform.simplify.algebra_graphs import algebra, tame_boxes
from tests.transform.simplify.simplify_checks import assert_same


def simplified(v, domain, fired=None):
    simplifier = Simplifier(Assumptions(domain))
    (result,) = simplifier.run([v])
    if fired is not None:
        fired.update(simplifier.fired)
    check([result])
    assert result.shape == v.shape
    return result


def with_box(**options):
    return graphs(**options).flatmap(lambda v: st.tuples(st.just(v), boxes(v)))


def assert_simplifies(case):
    v, box = case
    assert_same(v, simplified(v, box), box)


def with_its_box(strategy):
    return strategy.flatmap(lambda v: st.tuples(st.just(v), tame_boxes(v)))


@examples(24, 300)
@given(with_its_box(algebra()))
def test_scalar_algebra(case):
    assert_simplifies(case)


@examples(18, 200)
@given(with_its_box(algebra(arrays=True)))
def test_array_algebra(case):
    assert_simplifies(case)


@examples(9, 200)
@given(with_its_box(algebra(arrays=True, max_steps=4)))
def test_gradients_of_algebra(case):
    v, box = case
    symbols = free_symbols([v])
    if symbols:
        parts = [np.ravel(g) for g in grad(np.sum(v), symbols)]
        assert_simplifies((np.concatenate(parts), box))


@examples(12, 200)
@given(with_box(arrays=False, min_steps=3, max_steps=10))
def test_scalar_graphs(case):
    assert_simplifies(case)


@examples(12, 200)
@given(with_box(min_steps=3, max_steps=8))
def test_array_graphs(case):
    assert_simplifies(case)


@examples(12, 200)
@given(with_box(defined=False, min_steps=3, max_steps=6))
def test_graphs_that_may_be_undefined(case):
    assert_simplifies(case)


@examples(12, 200)
@given(with_box(min_steps=2, max_steps=5))
def test_gradients(case):
    v, box = case
    symbols = free_symbols([v])
    if symbols:
        parts = [np.ravel(g)[:6] for g in grad(np.sum(v), symbols)]
        assert_simplifies((np.concatenate(parts), box))


@pytest.mark.long  # of the strategy, not of what it is for
def test_many_rules_are_met():
    fired: set[str] = set()
    for arrays in (False, True):
        strategy = with_its_box(algebra(arrays=arrays))
        drawn_from(strategy, 900, lambda case: simplified(*case, fired))
    assert len(fired) >= 33, fired
