"""Where a sensitivity comes from: what a bracket or an enclosure says of a norm.

Neither says what was bounded.  A supremum, or an upper end, is a bound of a norm only
if what was bounded is one: of a number in [-5, 3] the upper end is 3, and a record adds
up to 5.  So the sign is made sure of first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.certify.certificate import Certificate
from deuterium.domain.problem import Problem
from deuterium.enclose import enclose
from deuterium.errors import BoundsError, InvalidInputError, UnsupportedError
from deuterium.graph.saved import Saved
from deuterium.interval import Interval
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.search.search import Estimate

__all__ = [
    "ASSUMPTIONS",
    "BothSides",
    "assumptions_in",
    "largest",
    "of_bracket",
    "of_interval",
    "refuse_estimate",
    "require_points",
]

ASSUMPTIONS = (
    "the domain is public: no bound was computed from the data",
    "every record lies in the domain; others are clipped to it or left out",
    "what is released is the real-number function; evaluating it in floating point "
    "adds rounding errors of its own",
)
"""What every sensitivity rests on."""

SIGNED = (
    "is of a number that may be negative, and no norm: it says nothing of the other "
    "side, nor of two records apart. Use privacy.contribution, diameter or lipschitz, "
    "or bound the norm (deuterium.norm, numpy.abs)"
)


def assumptions_in(arithmetic: str | None) -> tuple[str, ...]:
    """Return what a sensitivity rests on, of what an arithmetic computes."""
    if arithmetic is None:
        return ASSUMPTIONS
    return (
        *ASSUMPTIONS[:-1],
        f"what one record adds is computed in {arithmetic} as "
        "deuterium.enclose.rounding_errors says, from records that hold numbers of it; "
        "adding the records up is exact",
    )


class BothSides(Saved):
    """What the brackets of a supremum and of an infimum say together."""

    def __init__(self, top: Bracket, bottom: Bracket) -> None:
        self.sides = top, bottom
        self.arithmetic = top.arithmetic
        self.rounding = max(top.rounding, bottom.rounding)
        self.status = top.status if top.status != "optimal" else bottom.status

    def _stored(self) -> Mapping[str, Any]:
        return {"top": self.sides[0], "bottom": self.sides[1]}

    @property
    def certificate(self) -> tuple[Certificate | None, ...] | None:
        """Two certificates: of the supremum and of the infimum; None if one fails."""
        found = tuple(side.certificate for side in self.sides)
        return None if None in found else found


def refuse_estimate(x: Any, who: str) -> None:
    """Raise if this is what a search found."""
    if isinstance(x, Estimate):
        raise UnsupportedError(
            f"{who}: an Estimate is what a search found, not a bound, and noise made "
            "from it would promise nothing; use deuterium.maximize or deuterium.enclose"
        )


def _require_kind(name: str, given: Any, kind: type, maker: str) -> None:
    """Raise unless an argument is what a function of deuterium returned."""
    refuse_estimate(given, "Sensitivity")
    if not isinstance(given, kind):
        raise InvalidInputError(
            f"Sensitivity: `{name}` must be what deuterium.{maker} returned, got "
            f"{type(given).__name__}"
        )


def require_points(bracket: Bracket, least: float = -math.inf) -> None:
    """Raise where no point of the domain was left to bound anything at.

    So it is, too, where all that has a value would lie below ``least`` that any has:
    conditions were not told to be empty in the time there was.
    """
    if bracket.status == "infeasible" or bracket.upper < least:
        raise BoundsError(
            "no record satisfies the conditions of `domain`: it is empty, and there is "
            "nothing to bound"
        )


def of_bracket(
    bracket: Any,
    quantity: str,
    norm: float,
    more: Mapping[str, Any],
    *,
    is_norm: bool = False,
) -> dict[str, Any]:
    """Return the fields of a sensitivity from a bracket of a norm's supremum.

    Parameters
    ----------
    bracket : Bracket
        What `deuterium.maximize` returned.
    quantity, norm
        What was bounded, in which norm.
    more : mapping
        Other fields.
    is_norm : bool
        What was maximised is known to be a norm, and need not be looked at.
    """
    _require_kind("bracket", bracket, Bracket, "maximize")
    require_points(bracket, 0.0 if is_norm else -math.inf)
    status = bracket.status
    if not is_norm and bracket.upper < math.inf:
        _require_norm_of(bracket)
        require_points(bracket, 0.0)
        if bracket._problem is None:  # made by hand
            status = "trusted"
    return {
        "quantity": quantity,
        "norm": norm,
        "upper": bracket.upper,
        "lower": max(bracket.lower, 0.0),  # a norm; nothing found is -inf
        "witness": bracket.witness,
        "status": status,
        "proof": bracket,
        "cause": bracket.cause,
        "arithmetic": bracket.arithmetic,
        "rounding": bracket.rounding,
        **_with_assumptions(more, bracket.arithmetic),
    }


def _require_norm_of(bracket: Bracket) -> None:
    """Raise unless a bracket is of the supremum of what is never negative."""
    if bracket._problem is None:
        if not (bracket.lower >= 0 or bracket.lower == -math.inf):  # nothing found
            raise UnsupportedError(f"Sensitivity: this bracket {SIGNED}")
        return
    problem: Problem = bracket._problem
    if not problem.maximizes:
        raise UnsupportedError(
            "Sensitivity: this bracket is of an infimum (deuterium.minimize); a "
            "sensitivity is the supremum of a norm, by deuterium.maximize"
        )
    if not np.all(enclose(*problem.asked).lower >= 0):
        raise UnsupportedError(f"Sensitivity: this bracket {SIGNED}")


def of_interval(
    interval: Any, quantity: str, norm: float, more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a sensitivity from a scalar enclosure.

    Arguments as of `of_bracket`; the upper end of the largest absolute value counts.
    """
    _require_kind("interval", interval, Interval, "enclose")
    if interval.shape:
        raise InvalidInputError(
            "Sensitivity: needs one number or a scalar Interval; enclose the norm, "
            f"not an array of shape {interval.shape}"
        )
    low, high = float(interval.lower), float(interval.upper)
    if high < math.inf and not low >= 0 and quantity != "contribution":
        raise UnsupportedError(f"Sensitivity: this interval {SIGNED}")
    cause = interval.cause
    return {
        "quantity": quantity,
        "norm": norm,
        "upper": float(largest(interval)),
        "lower": max(low, -high, 0.0),
        "status": "enclosed" if cause is None else cause.kind,
        "cause": cause,
        **_with_assumptions(more),
    }


def largest(x: Interval) -> Any:
    """Return the largest absolute values of intervals; infinite if one has no ends."""
    size = np.maximum(np.abs(x.lower), np.abs(x.upper))  # NaN at either end stays
    return np.where(np.isnan(size), np.inf, size)


def _with_assumptions(
    more: Mapping[str, Any], arithmetic: str | None = None
) -> dict[str, Any]:
    own = (*assumptions_in(arithmetic), *(more.get("assumptions") or ()))
    return {**more, "assumptions": own}
