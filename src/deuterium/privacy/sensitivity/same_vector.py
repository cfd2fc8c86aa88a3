"""Whether a contribution and a diameter are of the same vector.

Replacing a record moves a sum by no more than twice the contribution, nor by more than
the diameter.  The lesser of both counts only if both were bounded of one vector, in one
norm, over one domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuterium.certify.format import digest
from deuterium.errors import InvalidInputError

if TYPE_CHECKING:
    from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["require_same_vector"]


def require_same_vector(s: Sensitivity, diameter: Any) -> None:
    """Raise unless what is given as a diameter is one, of the same vector."""
    if diameter is None:
        return
    fits = isinstance(diameter, type(s)) and diameter.quantity == "diameter"
    if s.quantity != "contribution" or not fits:
        raise InvalidInputError(
            "Sensitivity: `diameter` goes with a contribution, and is a Sensitivity of "
            f"quantity diameter; got {diameter!r:.80} with a {s.quantity}"
        )
    if diameter.scope is not None:
        raise InvalidInputError(
            f"Sensitivity: in this `diameter` {diameter.scope}; replacing a record "
            "changes everything in it, so bound the diameter of whole records"
        )
    if diameter.norm != s.norm or repr(diameter.domain) != repr(s.domain):
        raise InvalidInputError(
            "Sensitivity: the contribution and its `diameter` must be of the same "
            f"vector: norms {s.norm} and {diameter.norm}, domains {s.domain!r} and "
            f"{diameter.domain!r}"
        )
    if _differ(s.size, diameter.size) or _are_others(s, diameter):
        raise InvalidInputError(
            "Sensitivity: the contribution and its `diameter` must be of the same "
            "vector; these two were made from different graphs"
        )


def _differ(a: Any, b: Any) -> bool:
    return a is not None and b is not None and bool(a != b)


def _are_others(a: Sensitivity, b: Sensitivity) -> bool:
    """Return whether two are known to be about different vectors."""
    if not a.vector or not b.vector:
        return False
    if a.factor != b.factor or len(a.vector) != len(b.vector):
        return True
    both = zip(a.vector, b.vector, strict=True)
    return any(u is not v and digest(u) != digest(v) for u, v in both)
