"""Why a sensitivity is no use for some noise, in words, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deuterium.interval import Cause

__all__ = ["NO_ABSENCE", "NO_DISTANCE", "what_to_change"]

NO_ABSENCE: Mapping[str, str] = MappingProxyType(
    {
        "diameter": "sensitivity: a diameter compares two records that are both there; "
        "it says nothing of a record that is absent. For add_or_remove_one or "
        "replace_special bound the contribution; or give relation='replace_one'",
        "lipschitz": "sensitivity: a Lipschitz constant says how far a result moves "
        "when inputs move; adding or removing a record moves none. For "
        "add_or_remove_one or replace_special bound the contribution; for replace_one "
        "bound the diameter",
    }
)
"""Of quantities that say nothing about a record added or removed."""

NO_DISTANCE = (
    "sensitivity: a Lipschitz constant is a slope, not a distance: give `distance`, "
    "the largest distance between two records; or bound the diameter itself, which is "
    "never larger and often several times smaller"
)

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "undefined": "Change that line so that its argument stays where it is defined, "
        "or narrow the domain",
        "overflow": "Rewrite that line so that it does not overflow, or narrow the "
        "domain",
        "unbounded": "Give that line's inputs finite bounds in the domain",
    }
)


def what_to_change(status: str, cause: Cause | None) -> str:
    """Return what makes a bound finite, from how its search ended and why."""
    if cause is None:
        return (
            f"The search for a bound ended with status {status!r}: narrow the domain, "
            "or give it more time or memory"
        )
    return f"The line to change is {cause.source} ({cause}). {ADVICE[cause.kind]}"
