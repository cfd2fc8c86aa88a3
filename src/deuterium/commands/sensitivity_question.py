"""The sensitivity of a formula, or one from a file, and the noise that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deuterium.commands.query import require_bounds
from deuterium.domain.spaces import Box
from deuterium.errors import InvalidInputError
from deuterium.frontends.formula import lift
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.releases.release import MECHANISMS
from deuterium.privacy.sensitivity.quantities import contribution, diameter
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.transform import grad
from deuterium.transform.meeting import rounding_forgiven

__all__ = ["SensitivityQuestion", "run_sensitivity"]

QUANTITIES: Mapping[str, Callable[..., Sensitivity]] = {
    "contribution": contribution,
    "diameter": diameter,
}


@dataclass(frozen=True)
class SensitivityQuestion:
    """What is to be bounded and promised.

    Attributes
    ----------
    subject : str
        A formula, or a file that `Sensitivity.save` wrote.
    bounds : mapping
        From every symbol's name to ``(lower, upper)``; of a formula.
    of_gradient : bool
        Of the formula's gradient instead.
    quantity : {"contribution", "diameter"}
        What is bounded.
    relation : str
        When two data sets are neighbours.
    mechanism : str
        The law of the noise.
    epsilon, delta : float or None
        What it is to promise; without epsilon there is no noise.
    """

    subject: str
    bounds: Mapping[str, tuple[float, float]]
    of_gradient: bool
    quantity: str
    relation: str
    mechanism: str
    epsilon: float | None
    delta: float | None


def run_sensitivity(
    question: SensitivityQuestion, **options: Any
) -> tuple[Sensitivity, Noise | None]:
    """Return a certified sensitivity, and the noise that keeps a promise.

    Parameters
    ----------
    question : SensitivityQuestion
        What is asked for.
    **options
        As of `deuterium.maximize`.

    Raises
    ------
    DeuteriumError
        The question makes no sense, or there is no finite bound to make noise from.
    """
    make, norm = MECHANISMS[question.mechanism]
    if question.subject.endswith(".json"):
        if question.bounds or question.of_gradient:
            raise InvalidInputError(
                "report: a saved sensitivity has its domain; leave --bound and "
                "--gradient out"
            )
        s = Sensitivity.load(Path(question.subject))
    else:
        s = _of_formula(question, norm, options)
    if question.epsilon is None:
        return s, None
    promise = {"epsilon": question.epsilon, "delta": question.delta}
    if question.mechanism in ("laplace", "geometric"):  # pure: delta is 0
        promise.pop("delta")
    return s, make(s, relation=question.relation, **promise)


def _of_formula(
    question: SensitivityQuestion, norm: int, options: Mapping[str, Any]
) -> Sensitivity:
    v = lift(question.subject)
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    require_bounds(symbols, question.bounds)
    sought: Any = v
    if question.of_gradient:
        with rounding_forgiven():
            sought = grad(v, symbols)
    parts = sought if isinstance(sought, list) else [sought]
    used = {s.name for s in free_symbols(parts)}
    ends = {symbol(n): e for n, e in question.bounds.items() if n in used}
    return QUANTITIES[question.quantity](sought, Box(ends), norm, **options)
