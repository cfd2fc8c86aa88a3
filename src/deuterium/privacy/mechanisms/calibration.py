"""From a certified sensitivity and a promise to noise: how much is enough, and no more.

What every law of noise asks of its arguments; the multiplier that a promise needs is
the law's own.  Every scale is rounded up: a little more noise keeps the promise and a
little less breaks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.interval import Interval
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import (
    product_up,
    quotient_down,
    real_number,
    require_positive,
    round_down,
)
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.sensitivity.bound_sources import ASSUMPTIONS, refuse_estimate
from deuterium.privacy.sensitivity.relations import (
    Relation,
    require_group,
    require_relation,
)
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = [
    "EPSILON",
    "calibrated",
    "multiplier_of_rho",
    "require_between",
    "require_promise",
    "require_ratio",
]

EPSILON = (1e-6, 1e3)  # where noise was compared with exact arithmetic
DELTA = (1e-15, 0.5)  # the same
RATIO = (1e-20, 1e20)  # of noise to sensitivity; privacy is long lost, or all there is


def calibrated(
    law: type[Noise],
    sensitivity: Any,
    asked: Mapping[str, Any],
    multiplier: Callable[[str, str, Any, Any], float],
    *,
    delta: float | None = None,
    relation: Relation | None,
    distance: float | None = None,
    trusted: bool,
    group: Any = 1,
) -> Any:
    """Return the noise of a law that one release needs.

    Parameters
    ----------
    law : type of Noise
        Made, for a sensitivity in its norm.
    sensitivity, relation, distance, trusted, group
        As of `deuterium.privacy.gaussian`.
    asked : mapping
        The promises that can be asked for, of which one has a value; ``scale`` is the
        noise itself.
    multiplier : callable
        From who asks, the name of a promise, its value and delta to the least noise
        multiplier that keeps it, rounded up.
    delta : float or None
        What goes with the epsilon asked for.
    """
    who = law.law.replace(" ", "_")
    wanted = _one_of(who, asked)
    relation = require_relation(who, relation)
    s, moved = _moved(who, law.norm, sensitivity, relation, distance, trusted)
    count = require_group(who, group, s.scope)
    about: dict[str, Any] = {
        "sensitivity": (moved := product_up(count, moved)),
        "contribution": s.upper if s.quantity == "contribution" else None,
        "relation": relation,
        "quantity": s.quantity,
        "trusted": s.is_trusted,
        "scope": s.scope,
        "shape": s.shape,
        "size": s.size,
        "group": count,
    }
    if wanted == "scale":
        scale = require_positive(who, "scale", asked["scale"])
        return law.of(_over(who, scale, moved), scale, **about)
    if wanted != "epsilon" and delta is not None:
        raise InvalidInputError(f"{who}: `delta` goes with `epsilon` only")
    m = multiplier(who, wanted, asked[wanted], delta)
    if wanted == "epsilon":
        about |= {"epsilon": float(asked["epsilon"]), "delta": float(delta or 0.0)}
    return law.of(m, _times(who, m, moved), **about)


def multiplier_of_rho(who: str, rho: Any) -> float:
    """Return ``1 / sqrt(2 rho)``, or a little more, for a ``rho`` that is given."""
    return math.sqrt(0.5 / require_positive(who, "rho", rho)) * (1 + 1e-15)


# -- arguments -------------------------------------------------------------------------


def _one_of(who: str, asked: Mapping[str, Any]) -> str:
    named = [name for name, value in asked.items() if value is not None]
    if len(named) != 1:
        raise InvalidInputError(
            f"{who}: give exactly one of {', '.join(asked)}; got {len(named)} of them"
        )
    return named[0]


def _moved(
    who: str,
    norm: int,
    sensitivity: Any,
    relation: Relation,
    distance: Any,
    trusted: bool,
) -> tuple[Sensitivity, float]:
    """Return the sensitivity, and how far the result moves between neighbours."""
    s = _as_sensitivity(who, sensitivity, norm, trusted)
    if s.norm != norm and s.size != 1:
        raise UnsupportedError(
            f"{who}: needs the sensitivity in L{norm} norm, this one is in "
            f"L{s.norm:g}; bound it with norm={norm}"
        )
    moved = s.sensitivity(relation, distance=distance)
    if moved == 0:
        raise InvalidInputError(
            f"{who}: the sensitivity is 0, so no record moves the result and it needs "
            "no noise; a sensitivity that ought to be positive and finite is worth a "
            "second look at the domain"
        )
    return s, moved


def _as_sensitivity(who: str, x: Any, norm: int, trusted: bool) -> Sensitivity:
    if isinstance(x, Sensitivity):
        if x.is_trusted and trusted is not True:
            raise _untrusted(who, f"{x!r}")
        return x
    refuse_estimate(x, who)
    if isinstance(x, Bracket):
        raise UnsupportedError(
            f"{who}: a Bracket does not say what was bounded; make it one of the three "
            "quantities: Sensitivity.from_bracket(b, quantity=..., norm=...)"
        )
    if isinstance(x, Interval):
        return Sensitivity.from_interval(x, quantity="contribution", norm=norm)
    number = _number(who, x)
    if trusted is not True:
        raise _untrusted(who, f"{x!r:.80} is a plain number")
    return Sensitivity(
        quantity="contribution",
        norm=norm,
        upper=number,
        assumptions=(*ASSUMPTIONS, "the bound itself was taken on trust"),
    )


def _untrusted(who: str, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{who}: {what} that nobody certified; give what privacy.contribution or "
        "deuterium.enclose returned, or say trusted=True"
    )


def _number(who: str, x: Any) -> Any:
    number = real_number(x)
    if number is None:
        raise InvalidInputError(
            f"{who}: `sensitivity` must be a Sensitivity, a scalar Interval or one "
            f"number, got {x!r:.80}"
        )
    if not 0 < number < math.inf:
        raise InvalidInputError(
            f"{who}: `sensitivity` must be positive and finite, got {x!r:.80}"
        )
    return number


def require_promise(who: str, epsilon: Any, delta: Any) -> tuple[float, float]:
    """Return epsilon and delta, if noise can be worked out for them, or say why not."""
    require_between(who, "epsilon", epsilon, EPSILON)
    require_between(who, "delta", delta, DELTA)
    return round_down(epsilon), round_down(delta)


def require_between(who: str, name: str, value: Any, ends: tuple[float, float]) -> None:
    """Raise unless an argument is a number between two others."""
    low, high = ends
    number = real_number(value)
    if number is None or not low <= number <= high:
        raise InvalidInputError(
            f"{who}: `{name}` must be a number from {low:g} to {high:g}, got "
            f"{value!r:.80}"
        )


def _over(who: str, scale: float, moved: float) -> float:
    """Return ``scale / moved`` rounded down."""
    return require_ratio(who, "scale over sensitivity", quotient_down(scale, moved))


def _times(who: str, m: float, moved: float) -> float:
    """Return ``m * moved`` rounded up."""
    scale = product_up(require_ratio(who, "noise over sensitivity", m), moved)
    if scale == math.inf:
        raise InvalidInputError(
            f"{who}: noise of {m:g} times a sensitivity of {moved:g} is beyond every "
            "number; release the result in a larger unit"
        )
    return scale


def require_ratio(who: str, name: str, x: float) -> float:
    """Return a ratio of noise to sensitivity, if it is one that can be meant."""
    low, high = RATIO
    if not low <= x <= high:
        raise InvalidInputError(
            f"{who}: {name} must lie between {low:g} and {high:g}, here it is {x:g}: "
            "too far apart for any use"
        )
    return x
