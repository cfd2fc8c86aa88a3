"""How much the tests draw: few by default, many under ``-m long``.

The one place that knows which of the two this is.  A test says both numbers:
`examples` for Hypothesis, `seeds` for parameters, `draws` for a loop of its own, in
which case it is marked ``drawn``, so that ``-m long`` runs it again.  ``--draws 10``
has ten times as many drawn as ``-m long`` draws by itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings

FEW = "not long"  # what the command line asks for by default
_many = _only_few = False  # what it asks for; see `choose`
_times = 1.0  # how many times the many are drawn


def choose(expression: str, times: float) -> None:
    """Take the amounts that fit what is given to ``-m`` and ``--draws``."""
    global _many, _only_few, _times
    _many, _only_few = expression.strip() == "long", expression.strip() == FEW
    _times = times


def is_many() -> bool:
    """Whether this run draws many."""
    return _many


def draws(few: int, many: int) -> int:
    """Return how many times to draw, in a test that is marked ``drawn``."""
    return _more(few, many) if _many else few


def _more(few: int, many: int) -> int:
    return max(few, round(_times * many)) if many > few else many


def examples(few: int, many: int) -> Callable[[Any], Any]:
    """Have Hypothesis try so many examples."""
    return lambda test: pytest.mark.drawn(settings(max_examples=draws(few, many))(test))


def drawn_from(strategy: Any, count: int, look: Callable[[Any], object]) -> None:
    """Show so many draws to a function: what a test wants to know of all of them.

    Other tests may have run in another process, so it draws its own.
    """
    settings(max_examples=count)(given(strategy)(lambda case: (look(case), None)[1]))()


def seeds(few: int, many: int, start: int = 0) -> list[Any]:
    """Return the seeds of a parameter; those beyond the few are marked ``long``."""
    return some(range(start, start + round(max(_times, 1) * many)), few)


def some(values: Iterable[Any], few: int) -> list[Any]:
    """Return values of a parameter; those beyond the first few are marked ``long``.

    A tuple is the values of several parameters.  By default the rest is left out here
    and now: to collect thirty thousand tests that are not run takes many seconds.
    With ``--draws`` below 1, so much of the rest is left.
    """
    if _only_few and few:  # of none, pytest would make a test that is skipped
        values = itertools.islice(values, few)
    elif _times < 1:
        values = list(values)
        values = values[: few + math.ceil(_times * (len(values) - few))]
    marks = ([] if i < few else [pytest.mark.long] for i in itertools.count())
    return [_marked(value, mark) for value, mark in zip(values, marks, strict=False)]


def _marked(value: Any, marks: list[Any]) -> Any:
    if isinstance(value, type(pytest.param())):
        return pytest.param(*value.values, marks=[*value.marks, *marks], id=value.id)
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=marks)
