"""What may be spent: budgets of accountants, and probabilities of taking part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deuterium.errors import InvalidInputError
from deuterium.privacy.directed_rounding import real_number, round_up
from deuterium.privacy.mechanisms.privacy_curves import require_delta, require_epsilon

__all__ = ["Budget", "budget_of", "require_probability"]


@dataclass(frozen=True)
class Budget:
    """What all releases together may promise."""

    epsilon: float
    delta: float


def budget_of(epsilon: Any, delta: Any) -> Budget | None:
    """Return a budget, if one is given, or say why it is none."""
    if epsilon is None and delta is None:
        return None
    if epsilon is None or delta is None:
        raise InvalidInputError(
            "Accountant: a budget is `epsilon` with `delta`; got only one of them"
        )
    d = 0.0 if real_number(delta) == 0 else require_delta("Accountant", delta)
    return Budget(require_epsilon("Accountant", epsilon), d)


def require_probability(who: str, q: Any) -> float:
    """Return a sampling probability as a float, or say why it is none."""
    number = real_number(q)
    if number is None or not 0 <= number <= 1:
        raise InvalidInputError(
            f"{who}: `sampling_probability` must lie between 0 and 1, got {q!r:.80}"
        )
    return round_up(number)
