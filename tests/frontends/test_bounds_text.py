"""Bounds given as text."""

from __future__ import annotations

import math

import pytest

from deuterium.errors import BoundsError
from deuterium.frontends.bounds import read_bounds


def test_reads_numbers_exactly():
    assert read_bounds(["a=1:2", " b = -0.5 : 3e2 ", "c=0.1:0.1", "d=-inf:inf"]) == {
        "a": (1.0, 2.0),
        "b": (-0.5, 300.0),
        "c": (0.1, 0.1),
        "d": (-math.inf, math.inf),
    }
    assert read_bounds([]) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a=2:1", "reversed: 2 exceeds 1"),
        ("a=nan:1", "not NaN"),
        ("a=1:nan", "not NaN"),
        ("a", "NAME=LOWER:UPPER"),
        ("a=1", "NAME=LOWER:UPPER"),
        ("a=1:2:3", "NAME=LOWER:UPPER"),
        ("=1:2", "NAME=LOWER:UPPER"),
        ("2a=1:2", "NAME=LOWER:UPPER"),
        ("a=x:2", "'x' is not a number"),
        ("a=:2", "'' is not a number"),
        ("a=1:2=3", "'2=3' is not a number"),
        ("", "NAME=LOWER:UPPER"),
        ("pi=3:4", "'pi' is a number"),
        ("e=2:3", "'e' is a number"),
    ],
)
def test_refuses_with_the_text_and_the_reason(text, why):
    with pytest.raises(BoundsError, match=why) as caught:
        read_bounds(["b=0:1", text])
    assert repr(text) in str(caught.value)


def test_twice():
    with pytest.raises(BoundsError, match="'a' has bounds already"):
        read_bounds(["a=0:1", "a=0:2"])
