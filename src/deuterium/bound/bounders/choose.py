"""Which bounder fits a problem."""

from __future__ import annotations

from collections.abc import Callable

from deuterium.bound.bounders.balls import BallFirst, balls_of
from deuterium.bound.bounders.best import BestAtFirst
from deuterium.bound.bounders.box import BoxBounder
from deuterium.bound.bounders.finite import FiniteFirst
from deuterium.bound.bounders.norms import norms
from deuterium.bound.bounders.plain import PlainBounder
from deuterium.bound.bounders.relax import relaxation
from deuterium.bound.bounders.special import special_first
from deuterium.bound.problem import Problem
from deuterium.bound.region import Bounder
from deuterium.errors import InvalidInputError
from deuterium.graph.traverse import symbols_in, topological

METHODS = ("auto", "box", "interval", "norms", "relax")
FEW = 4  # inputs: so few are best cut themselves


def choose(
    problem: Problem, method: str = "auto", is_late: Callable[[], bool] | None = None
) -> Bounder:
    """Return the bounder for a problem; ``"auto"`` picks the best that fits.

    ``is_late`` says when preparations have taken too long: what is left to prepare
    then gets the plainest bounder.  Without it, the same problem has the same bounder.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidInputError(
            f"`method` must be one of {', '.join(METHODS)}; got {method!r}"
        )

    def made(p: Problem) -> Bounder:
        late = is_late is not None and is_late()
        return _fitting(p, "interval" if late else method)

    special = special_first(problem, made)
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
    return BallFirst(problem, bounder) if balls_of(problem) else bounder


def _bounder(problem: Problem, method: str) -> Bounder | None:
    if method == "interval" or not problem.size:
        return PlainBounder(problem)
    if method == "norms":
        return norms(problem)
    if method == "relax":
        return relaxation(problem)
    if method == "box" or problem.size <= FEW or not has_layers(problem):
        return BoxBounder(problem)
    lengths, relaxed = norms(problem), relaxation(problem)
    if relaxed is not None:
        return BestAtFirst(problem, relaxed, [lengths] if lengths else [])
    return lengths or BoxBounder(problem)


def has_layers(problem: Problem) -> bool:
    """Return whether something that depends on an input is multiplied by a matrix."""
    order = topological([problem.objective])
    products = [n for n in order if n.op is not None and n.op.name == "matmul"]
    return any(symbols_in(topological([n])) for n in products)
