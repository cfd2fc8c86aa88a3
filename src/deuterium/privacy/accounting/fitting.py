"""Which noise an accountant takes: of its own neighbours, and sampled as is known."""

from __future__ import annotations

import math
from typing import Any

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.sensitivity.relations import protected

__all__ = ["group_probability", "require_fitting", "require_sampled"]


def require_fitting(noise: Any, relation: str, scope: str | None) -> None:
    """Raise unless noise promises something about the same neighbours.

    Groups may differ: noise is accounted for as it is for the accountant's.
    """
    if not isinstance(noise, Noise):
        raise InvalidInputError(
            "compose: `noise` must be what privacy.gaussian or another mechanism "
            f"returned, got {type(noise).__name__}"
        )
    if noise.relation != relation:
        raise InvalidInputError(
            f"compose: this noise is for {noise.relation}, the accountant for "
            f"{relation}; they must be of one relation"
        )
    if noise.scope not in (None, scope):
        raise InvalidInputError(
            f"compose: this noise protects {noise.protects}, the accountant "
            f"{protected(relation, scope)}; what they promise is about different "
            "neighbours and does not add up. Bound the diameter of whole records, or "
            f"account for this apart: Accountant({relation!r}, scope={noise.scope!r})"
        )


def group_probability(q: float, group: int) -> float:
    """Return the chance that somebody of a group is drawn, rounded up.

    Sampled noise on what j of k records add, with j drawn, comes from sampled noise on
    what all of them may add by shrinking the output and adding the noise that is then
    missing (j / k times what is released), and the law of j is known, if anybody is
    drawn, without the data.  So a group of k is one record that adds k times as much
    and is drawn if any of them is.
    """
    if group == 1 or q in (0.0, 1.0):
        return q
    return min(1.0, -math.expm1(group * math.log1p(-q)) * (1 + 1e-12))


def require_sampled(noise: Noise, relation: str) -> None:
    """Raise unless noise on a Poisson-sampled sum has a known bound."""
    if relation == "replace_one":
        raise UnsupportedError(
            "compose: Poisson sampling under replace_one is refused: the two "
            "records are drawn apart, which no noise multiplier alone describes, "
            "and dp-accounting's accountants disagree on what one means there (its "
            "issue 378). Account for the releases without sampling, or use "
            "add_or_remove_one or replace_special"
        )
    if not noise.can_be_sampled:
        raise UnsupportedError(
            f"compose: no bound is known here for sampled {noise.law} noise; use "
            "gaussian, or leave sampling_probability at 1"
        )
    if noise.quantity != "contribution":
        raise UnsupportedError(
            "compose: Poisson sampling is for a sum of contributions, to which a "
            f"record not drawn adds nothing; this noise is for a {noise.quantity}"
        )
