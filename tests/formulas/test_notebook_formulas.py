"""What is certified of people's formulas is right, and within one per cent of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.amounts import some
from tests.formulas import notebook_formulas, textbook_formulas

FORMULAS = [*notebook_formulas.FORMULAS, *textbook_formulas.FORMULAS]

WIDEST = 1e-2  # of the value: how far a certified number may be from the right one
KNOWN = 1e-6  # of the value: how exactly the right ones are known

LONG = {
    ("one_compartment", "slope"), ("one_compartment", "most"), ("mortgage", "slope"),
    ("predictive_value", "slope"), ("coefficient_of_variation", "slope"),
    ("call_by_all_greeks", "slope"), ("law_of_cosines", "most"),
}  # fmt: skip
CASES = [
    pytest.param(
        f,
        q,
        id=f"{f.name}-{q}",
        marks=[pytest.mark.long] if (f.name, q) in LONG else [],
    )
    for f in FORMULAS
    for q in f.questions()
]


@pytest.mark.parametrize("case", FORMULAS, ids=lambda f: f.name)
def test_it_is_traced_with_its_values(case, rng):
    inputs = case.inputs()
    graph = case.function(*inputs)
    for _ in range(5):
        point = case.point(rng)
        value = graph.evaluate(dict(zip(inputs, point, strict=True)))
        np.testing.assert_allclose(value, case.function(*point), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("case", "question"), some(CASES[::3] + CASES[1::3] + CASES[2::3], 36)
)
def test_what_is_certified_is_right(case, question):
    right = getattr(case, question)
    if question == "least":
        right = -right
    found = case.answer(question)
    room = abs(right) + 1e-3  # a value of 0 is met to a thousandth
    assert found.lower <= right + KNOWN * room
    assert right - KNOWN * room <= found.upper <= right + WIDEST * room
