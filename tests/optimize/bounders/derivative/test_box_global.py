"""The literature's test functions, by boxes alone: optimum inside, gap closed."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.derivative import DerivativeBounder
from tests.amounts import some
from tests.optimize.bounders.derivative.box_tools import climb, vector_problem
from tests.optimize.global_functions import FUNCTIONS

UNDEFINED = {"mishra6_2", "pen_holder_2", "kowalik_4", "miele_cantrell_4"}  # poles
HARD = {"bukin6", "bukin6_2", "watson_4", "xor_9", "lennard_jones3_6"}
LONG = {"rana_2", "wood_4", "colville_4", "styblinski_tang_of_five_5",
        "devilliers_glasser1_4", "odd_square_2", "paviani_4"}  # fmt: skip
QUICK = sorted(set(FUNCTIONS) - UNDEFINED - HARD - LONG)


@pytest.mark.parametrize("name", some(QUICK[::3] + QUICK[1::3] + QUICK[2::3], 6))
def test_the_gap_closes_around_the_known_minimum(name):
    entry = FUNCTIONS[name]
    problem = vector_problem(entry.f, *entry.box, maximize=False)
    scale = max(1.0, abs(entry.minimum))
    found = climb(
        DerivativeBounder(problem), -entry.minimum, most=6000, tol=0.9e-6 * scale
    )
    assert found.upper >= -entry.minimum - 1e-9 * scale
    assert found.upper <= -entry.minimum + 1e-6 * scale


@pytest.mark.parametrize("name", some(sorted(UNDEFINED), 1))
def test_what_is_undefined_somewhere_has_no_bound(name):
    entry = FUNCTIONS[name]
    problem = vector_problem(entry.f, *entry.box, maximize=False)
    assert climb(DerivativeBounder(problem), -entry.minimum, most=300).upper == np.inf


def test_there_are_many_functions():
    assert len(FUNCTIONS) >= 180
    assert sum(f.n == 2 for f in FUNCTIONS.values()) >= 100


@pytest.mark.parametrize(
    "name", some(["branin", "hartmann_3", "levy_4", "bird_2", "adjiman"], 2)
)
def test_scalars_in_an_object_array_do_as_well(name):
    entry = FUNCTIONS[name]
    x = [dt.symbol(f"x{i}") for i in range(entry.n)]
    v = entry.f(np.array(x, dtype=object))
    domain = dt.Box(dict(zip(x, entry.box, strict=True)))
    found = climb(
        DerivativeBounder(Problem(v, domain, maximize=False)),
        -entry.minimum,
        most=3000,
        tol=1e-7,
    )
    assert found.upper == pytest.approx(-entry.minimum, rel=1e-6, abs=1e-6)


def test_the_sensitivity_of_a_mean():
    """Five people; every input is monotone, so one region does."""
    a, b = dt.symbol("a", shape=(5,)), dt.symbol("b", shape=(5,))
    f = np.mean(a**2 + np.exp(2 * b - a))
    v = dt.norm(dt.grad(f, [a, b]))
    problem = Problem(v, dt.Box({a: (1, 2), b: (0.5, 3)}))
    found = climb(DerivativeBounder(problem), 0.0, most=1)
    assert found.upper == pytest.approx(66.19446391885754 * np.sqrt(5), rel=1e-13)


def test_the_sensitivity_of_a_query():
    x, y = dt.symbol("x"), dt.symbol("y")
    f = (
        x**3 + 2 * x * y + 1 / y**2 + 5 + np.sqrt(x + np.log(y)) + np.exp(x * y)
        - 2 * np.sqrt(np.exp(x))
    )  # fmt: skip
    problem = Problem(dt.norm(dt.grad(f, [x, y])), dt.Box({x: (1, 2), y: (1, 1.5)}))
    found = climb(DerivativeBounder(problem), 61.18758502747134, most=5)
    assert found.upper == pytest.approx(61.18758502747134, rel=1e-13)
