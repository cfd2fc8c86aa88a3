"""Finitely many values suffice where it is said, and the checker says so, too."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import free_symbols
from deuterium.optimize.bounders.finite_values import finite_reduction_of
from deuterium.optimize.bounders.finite_values.interchangeable import Fingerprint
from deuterium.optimize.bounders.finite_values.quasi_convex import is_largest_at_ends
from deuterium.optimize.bounders.finite_values.sufficient_values import (
    sufficient_values_of,
)
from deuterium.testing import evaluate_exactly
from tests.amounts import draws, seeds
from tests.optimize.bounders.finite_values.finite_graphs import Draw, only

flint = pytest.importorskip("flint")


def problem_of(seed):
    draw = Draw(seed)
    v = draw.scalar()
    return Problem(v, only(v, draw.ends))


def value(problem, row):
    return evaluate_exactly(problem.objective, problem.arrays(np.asarray(row)))


def rows(problem, rng, count):
    return problem.lower + (problem.upper - problem.lower) * rng.random(
        (count, problem.size)
    )


@pytest.mark.parametrize("seed", seeds(24, 600))
def test_no_value_is_above_those_that_suffice(seed):
    """Input by input; and where several move together, at some corner."""
    problem = problem_of(seed)
    found = sufficient_values_of(problem)
    rng = np.random.default_rng(seed)
    for row in rows(problem, rng, draws(2, 10)):
        here = value(problem, row)
        for j, values in found.values.items():
            if found.reasons[j] == "together":
                continue
            others = [value(problem, [*row[:j], x, *row[j + 1 :]]) for x in values]
            assert any(not here > other for other in others), (j, row)
        together = [j for j, why in found.reasons.items() if why == "together"]
        if together:
            least, *_, most = found.values[together[0]]
            corners = []
            for edge in {*row[together], np.inf}:
                corner = row.copy()
                corner[together] = np.where(row[together] >= edge, most, least)
                corners.append(value(problem, corner))
            assert any(not here > other for other in corners), row


def test_enough_graphs_are_of_this_kind():
    reasons = [
        set(sufficient_values_of(problem_of(s)).reasons.values()) for s in range(150)
    ]
    for reason, least in (("ends", 40), ("together", 4), ("places", 4)):
        assert sum(reason in r for r in reasons) >= least, reason
    assert sum(not r for r in reasons) >= 3
    assert (
        sum(bool(sufficient_values_of(problem_of(s)).people) for s in range(60)) >= 10
    )


@pytest.mark.parametrize("seed", seeds(24, 600))
def test_people_who_may_change_places_change_nothing(seed):
    problem = problem_of(seed)
    found = sufficient_values_of(problem)
    rng = np.random.default_rng(seed)
    for row in rows(problem, rng, draws(2, 8)):
        for people in found.people:
            turned = row.copy()
            turned[people] = row[people[rng.permutation(len(people))]]
            assert value(problem, row).overlaps(value(problem, turned))


@pytest.mark.parametrize("seed", seeds(12, 200))
def test_maximum_is_that_of_the_values(seed):
    """Against all combinations of ends, which other values cannot exceed."""
    problem = problem_of(seed)
    bounder = finite_reduction_of(problem)
    if bounder is None or len(bounder.finite.values) < problem.size:
        return
    listed = [bounder.finite.values[j] for j in range(problem.size)]
    if np.prod([float(len(v)) for v in listed]) > 1500:
        return
    values = [value(problem, row) for row in product(*listed)]
    largest = max(float(v.upper()) for v in values)
    found = dt.maximize(
        problem.given, problem.domain, rtol=1e-6, atol=1e-9, time_limit=None
    )
    assert found.status == "optimal"
    assert not any(v > flint.arb(found.upper) for v in values)
    assert found.lower <= largest
    assert found.upper - found.lower <= max(1e-9, 1.001e-6 * abs(found.lower))
    found.certificate.verify(problem.given, problem.domain)


def test_people_need_few_regions():
    """Fifteen people have 2**15 corners, and sixteen in order."""
    x = dt.symbol("x", 15)
    v = np.abs(np.mean(x * x[0]) - np.median(x) * 0 - np.prod(x) + np.sum(x) / 7)
    box = dt.Box({x: (-1, 1)})
    var = np.mean((x - np.mean(x)) ** 2)
    found = dt.maximize(var, box, rtol=1e-3, max_regions=200)
    assert found.status == "optimal"
    assert found.upper == pytest.approx(8 * 7 * 4 / 15**2, rel=1e-3)
    assert found.certificate.verify(var, box).leaves < 40
    assert sufficient_values_of(Problem(v, box)).people == []


def test_bins_are_told_apart_at_their_edges():
    x = dt.symbol("x")
    edges = [0.25, 0.5, 0.75]
    v = dt.norm(np.bincount(np.digitize(x[None], edges), minlength=4))
    box = dt.Box({x: (0, 1)})
    found = dt.maximize(v, box)
    assert found.status == "optimal" and found.upper == pytest.approx(1.0, rel=1e-12)
    found.certificate.verify(v, box)
    third = np.where(3 * x > 1, 1.0, 0.0) - 2 * np.where(6 * x > 2, 1.0, 0.0) ** 2
    assert not sufficient_values_of(Problem(np.abs(third), box)).values  # at 1/3


@pytest.mark.parametrize("rounded", [np.floor, np.ceil, np.trunc, np.rint])
def test_what_is_rounded_to_integers_is_told_apart_at_its_jumps(rounded):
    """Around a jump an interval holds both sides: no region there was ever closed."""
    x = dt.symbol("x", 2)
    box = dt.Box({x: (-3.25, 4.5)})
    v = np.sum((rounded(x) + 0.25) ** 2) + rounded(2 - x[0] / 4) + x[0] // 2
    found = dt.minimize(v, box)
    points = np.linspace(-3.25, 4.5, 249)  # every jump, and much between
    each = (rounded(points) + 0.25) ** 2
    truth = np.min(each + rounded(2 - points / 4) + points // 2) + np.min(each)
    assert found.status == "optimal"
    assert found.lower == pytest.approx(truth, rel=1e-12) == found.upper
    found.certificate.verify(v, box)
    wide = dt.Box({x: (-1e9, 1e9)})
    assert not sufficient_values_of(Problem(v, wide)).values  # too many
    other = v + x[1] * 1e-3
    assert 1 not in sufficient_values_of(Problem(other, box)).values


@pytest.mark.parametrize(
    ("rounded", "at", "best"),
    [
        (lambda s: np.floor(s / 10), 2.2, 0.2),
        (lambda s: s // 10, 2.2, 0.2),
        (lambda s: np.floor((s - 18) / 7), 2.2, 0.2),
        (lambda s: np.floor(s + 0.5), 2.2, 0.2),
        (lambda s: np.rint(2 * s - 1), 2.2, 0.2),
        (lambda s: np.ceil(3 - s / 4), 0.7, 0.3),
    ],
    ids=["tenths", "whole tenths", "weeks", "shifted", "scaled", "turned"],
)
def test_what_is_shifted_and_scaled_first_is_rounded_exactly(rounded, at, best):
    """At a jump, an ulp of the quotient would be a whole integer."""
    s = dt.symbol("s")
    v, box = (rounded(s) - at) ** 2, dt.Box({s: (0, 100)})
    found = dt.minimize(v, box)
    assert found.status == "optimal"
    assert found.lower == pytest.approx(best**2, rel=1e-9) == found.upper
    found.certificate.verify(v, box)


def test_what_may_be_undefined_is_left_alone():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = x + np.log(y)
    assert finite_reduction_of(Problem(v, dt.Box({x: (0, 1), y: (-1, 1)}))) is None
    wide = dt.Box({x: (0, np.inf), y: (1, 2)})
    assert set(sufficient_values_of(Problem(v, wide)).values) == {1}


@pytest.mark.parametrize("seed", seeds(24, 600))
def test_the_checker_knows_as_much(seed):
    from deuterium.certify.checker.end_values import EndValues
    from deuterium.certify.checker.jump_places import JumpPlaces
    from deuterium.certify.checker.same_inputs import SameInputs

    problem = problem_of(seed)
    found = sufficient_values_of(problem)
    starts = {s.name: problem.slices[s.name].start for s in problem.symbols}
    ends = EndValues(problem.objective, starts)
    for j, why in found.reasons.items():
        if why == "ends":
            assert ends.suffice([j])
        elif why == "places":
            low, high = problem.lower[j], problem.upper[j]
            places = JumpPlaces(ends).of(j, Fraction(low), Fraction(high))
            inside = {float(x) for x in places}
            assert {x for x in inside if low < x < high} <= set(found.values[j])
    together = [j for j, why in found.reasons.items() if why == "together"]
    assert not together or ends.suffice(together)
    same = SameInputs(problem.objective, starts)
    assert all(same.are_alike(people.tolist()) for people in found.people)


@pytest.mark.parametrize("seed", seeds(18, 400))
def test_the_checker_alone_is_right(seed):
    """What it says of graphs at random inputs, whoever asks."""
    from deuterium.certify.checker.end_values import EndValues
    from deuterium.certify.checker.same_inputs import SameInputs

    problem = problem_of(seed)
    rng = np.random.default_rng(seed)
    starts = {s.name: problem.slices[s.name].start for s in problem.symbols}
    ends = EndValues(problem.objective, starts)
    same = SameInputs(problem.objective, starts)
    for row in rows(problem, rng, draws(2, 6)):
        here = value(problem, row)
        for j in range(problem.size):
            if ends.suffice([j]):
                outer = [
                    value(problem, [*row[:j], x, *row[j + 1 :]])
                    for x in (problem.lower[j], problem.upper[j])
                ]
                assert any(not here > other for other in outer), (j, row)
        i, j = rng.choice(problem.size, 2, replace=problem.size < 2)
        if i != j and same.are_alike([[int(i)], [int(j)]]):
            turned = row.copy()
            turned[[i, j]] = row[[j, i]]
            assert here.overlaps(value(problem, turned))


def test_both_know_one_graph_from_another():
    x = dt.symbol("x", 3)
    for v, alike in (
        (np.sum(x * x[0]), False),
        (np.sum(x) * np.max(x), True),
        (dt.norm(np.sort(x)[:2]), True),
        (np.sum(np.cumsum(x)), False),
        (np.sum(dt.softmax(x) * x), True),
        (np.sum(x * np.array([1.0, 1.0, 2.0])), False),
    ):
        problem = Problem(v, dt.Box({x: (0, 1)}))
        prints = Fingerprint(problem.graph)
        plain = prints.of({"x": np.arange(3)})
        assert (prints.of({"x": np.array([2, 1, 0])}) == plain) is alike


def test_a_quotient_that_turns_is_no_line():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = (x + y) / (4 + x * x)
    problem = Problem(v, dt.Box({x: (-3, 3), y: (0, 1)}))
    (first, second) = sorted(free_symbols([v]), key=lambda s: s.name)
    assert not is_largest_at_ends(problem.graph, [first])
    assert is_largest_at_ends(problem.graph, [second])
