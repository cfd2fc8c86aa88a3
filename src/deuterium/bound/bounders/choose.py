"""Which bounder fits a problem."""

from __future__ import annotations

from deuterium.bound.bounders.box import BoxBounder
from deuterium.bound.bounders.finite import FiniteFirst
from deuterium.bound.bounders.plain import PlainBounder
from deuterium.bound.problem import Problem
from deuterium.bound.region import Bounder
from deuterium.errors import InvalidInputError

METHODS = ("auto", "box", "interval")


def choose(problem: Problem, method: str = "auto") -> Bounder:
    """Return the bounder for a problem; ``"auto"`` picks the best that fits."""
    if method not in METHODS:
        raise InvalidInputError(
            f"`method` must be one of {', '.join(METHODS)}; got {method!r}"
        )
    bounder: Bounder
    if method == "interval" or not problem.size:
        bounder = PlainBounder(problem)
    else:
        bounder = BoxBounder(problem)
    return FiniteFirst(problem, bounder) if problem.finite else bounder
