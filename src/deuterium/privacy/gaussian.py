"""How much Gaussian noise a certified contribution asks for.

The noise multiplier is that of the analytic Gaussian mechanism (B. Balle and
Y.-X. Wang, "Improving the Gaussian mechanism for differential privacy", ICML 2018),
which is the least that satisfies (epsilon, delta); dp-accounting computes it.  It is
rounded up here: a little more noise keeps the promise and a little less breaks it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deuterium.bound import Estimate
from deuterium.errors import InvalidInputError, UnsupportedError, did_you_mean
from deuterium.interval import Interval
from deuterium.interval.rounding import next_up

__all__ = ["RELATIONS", "GaussianNoise", "gaussian"]

RELATIONS: Mapping[str, int] = MappingProxyType(
    {"add_or_remove_one": 1, "replace_one": 2}
)
"""How many contributions two neighbouring data sets differ by, at most."""

SLACK = 1e-9  # relative; the solver's own tolerance is a thousandth of it
EPSILON = (1e-6, 1e3)  # where the solver was compared with exact arithmetic
DELTA = (1e-15, 0.5)


@dataclass(frozen=True)
class GaussianNoise:
    """The Gaussian noise that makes a sum of contributions differentially private.

    Attributes
    ----------
    noise_multiplier : float
        ``sigma / sensitivity``, rounded up.
    sigma : float
        Standard deviation of the noise on each coordinate of the sum, rounded up.
    sensitivity : float
        How far, in L2 norm, the sum can move between neighbouring data sets:
        ``contribution`` for ``add_or_remove_one``, twice that for ``replace_one``.
    contribution : float
        The bound of one record's L2 norm that this was made from.
    relation : {"add_or_remove_one", "replace_one"}
        When two data sets are neighbours.
    epsilon, delta : float
        What is promised.
    """

    noise_multiplier: float
    sigma: float
    sensitivity: float
    contribution: float
    relation: str
    epsilon: float
    delta: float


def gaussian(
    contribution: Any,
    *,
    epsilon: float,
    delta: float,
    relation: str = "add_or_remove_one",
) -> GaussianNoise:
    """Return the noise for one release of a sum over records.

    Parameters
    ----------
    contribution : Interval or float
        A certified bound of the L2 norm of one record's contribution: what
        `deuterium.enclose` returned, or its upper end.  A search's Estimate is refused.
    epsilon, delta : float
        What is promised: epsilon in [1e-6, 1000], delta in [1e-15, 0.5].
    relation : {"add_or_remove_one", "replace_one"}
        Neighbouring data sets differ by one record added or removed (they differ by one
        contribution), or by one record replaced (two contributions).

    Raises
    ------
    InvalidInputError
        An argument is out of range, or the contribution is not bounded.
    UnsupportedError
        The contribution is not certified.
    """
    most = _upper_end(contribution)
    _require_between("epsilon", epsilon, EPSILON)
    _require_between("delta", delta, DELTA)
    if relation not in RELATIONS:
        raise InvalidInputError(
            f"gaussian: `relation` must be one of {', '.join(RELATIONS)}; got "
            f"{relation!r}.{did_you_mean(str(relation), RELATIONS)}"
        )
    sensitivity = RELATIONS[relation] * most
    multiplier = _noise_multiplier(float(epsilon), float(delta))
    sigma = float(next_up(multiplier * sensitivity))
    return GaussianNoise(
        multiplier, sigma, sensitivity, most, relation, float(epsilon), float(delta)
    )


def _noise_multiplier(epsilon: float, delta: float) -> float:
    from dp_accounting import get_sigma_gaussian  # takes a second to import

    return float(get_sigma_gaussian(epsilon, delta)) * (1 + SLACK)


def _upper_end(contribution: Any) -> float:
    if isinstance(contribution, Estimate):
        raise UnsupportedError(
            "gaussian: an Estimate is what a search found, not a bound, and noise made "
            "from it would promise nothing; give what deuterium.enclose returns"
        )
    end = contribution.upper if isinstance(contribution, Interval) else contribution
    try:
        most = float(end)
    except (TypeError, ValueError):
        raise InvalidInputError(
            "gaussian: `contribution` must be one number or a scalar Interval, got "
            f"{contribution!r:.80}"
        ) from None
    if not 0 < most < math.inf:
        raise InvalidInputError(
            f"gaussian: `contribution` must be positive and finite, got {most!r}; an "
            "enclosure says in `cause` why it is infinite"
        )
    return most


def _require_between(name: str, value: Any, ends: tuple[float, float]) -> None:
    low, high = ends
    if not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInputError(
            f"gaussian: `{name}` must be a number from {low:g} to {high:g}, got "
            f"{value!r}"
        )
