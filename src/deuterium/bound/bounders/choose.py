"""Which bounder fits a problem."""

from __future__ import annotations

from deuterium.bound.bounders.box import BoxBounder
from deuterium.bound.bounders.finite import FiniteFirst
from deuterium.bound.bounders.norms import norms
from deuterium.bound.bounders.plain import PlainBounder
from deuterium.bound.bounders.relax import relaxation
from deuterium.bound.bounders.special import special_first
from deuterium.bound.problem import Problem
from deuterium.bound.region import Bounder
from deuterium.errors import InvalidInputError

METHODS = ("auto", "box", "interval", "norms", "relax")
FEW = 4  # inputs: so few are best cut themselves


def choose(problem: Problem, method: str = "auto") -> Bounder:
    """Return the bounder for a problem; ``"auto"`` picks the best that fits."""
    if method not in METHODS:
        raise InvalidInputError(
            f"`method` must be one of {', '.join(METHODS)}; got {method!r}"
        )
    special = special_first(problem, lambda p: _fitting(p, method))
    if special is not None:
        return special
    bounder = _fitting(problem, method)
    return FiniteFirst(problem, bounder) if problem.finite else bounder


def _fitting(problem: Problem, method: str) -> Bounder:
    bounder = _bounder(problem, method)
    if bounder is None:
        raise InvalidInputError(
            f"`method`={method!r} does not fit this graph; leave it out"
        )
    return bounder


def _bounder(problem: Problem, method: str) -> Bounder | None:
    if method == "interval" or not problem.size:
        return PlainBounder(problem)
    if method == "norms":
        return norms(problem)
    if method == "relax":
        return relaxation(problem)
    found: Bounder | None = None
    if method == "auto" and problem.size > FEW:
        found = relaxation(problem) or norms(problem)
    return found or BoxBounder(problem)
