"""When two data sets are neighbours: what a guarantee protects.

``add_or_remove_one``: neighbouring data sets differ by one record more or less.
``replace_one``: they have one record each that the other has not.  ``replace_special``:
one record of the one is empty in the other, and adds nothing to a sum; how many records
there are is public.  (Definitions as in dp-accounting's ``NeighboringRelation``, whose
members are understood, too.)

A *scope* narrows a relation: where it says that only one feature changes, two records
that differ in anything else are not neighbours, and nothing is promised about them.  A
*group* widens it: up to so many records are added, replaced or emptied at once, one
after the other, so a result moves by at most so many sensitivities.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal, cast

from deuterium.errors import InvalidInputError, UnsupportedError, did_you_mean
from deuterium.options import require_whole

__all__ = [
    "RELATIONS",
    "Relation",
    "protected",
    "require_group",
    "require_relation",
    "require_scope",
]

Relation = Literal["add_or_remove_one", "replace_one", "replace_special"]
"""The names of the relations, for type checkers."""

RELATIONS: Mapping[Relation, int] = MappingProxyType(
    {"add_or_remove_one": 1, "replace_one": 2, "replace_special": 1}
)
"""How many contributions two neighbouring data sets differ by, at most."""

MEANING: Mapping[str, str] = MappingProxyType(
    {
        "add_or_remove_one": "one data set has a record more than the other, so a sum "
        "moves by one contribution",
        "replace_one": "one record is another, so a sum moves by the difference of two "
        "contributions, up to twice as far",
        "replace_special": "one record is emptied and adds nothing, while the number "
        "of records stays, so a sum moves by one contribution",
    }
)
PROTECTED: Mapping[str, str] = MappingProxyType(
    {
        "add_or_remove_one": "added or removed",
        "replace_one": "replaced",
        "replace_special": "emptied",
    }
)
LARGEST_GROUP = 2**31  # records: more than there are people, and exact in a double


def require_relation(who: str, relation: Any) -> Relation:
    """Return the name of a neighbouring relation, or say why it is none."""
    if relation is None:
        choices = "; or ".join(f"relation={r!r}: {m}" for r, m in MEANING.items())
        raise InvalidInputError(
            f"{who}: say which data sets are neighbours; a guarantee means nothing "
            f"without it, and there is no default: {choices}"
        )
    if isinstance(relation, Enum):
        relation = relation.name.lower()
    if not isinstance(relation, str) or relation not in RELATIONS:
        raise InvalidInputError(
            f"{who}: `relation` must be one of {', '.join(RELATIONS)}; got "
            f"{relation!r:.80}.{did_you_mean(str(relation)[:80], RELATIONS)}"
        )
    return cast(Relation, relation)


def require_scope(who: str, scope: Any) -> str | None:
    """Return a scope, or say why it is none."""
    if scope is not None and (not isinstance(scope, str) or not scope):
        raise InvalidInputError(
            f"{who}: `scope` must be None for whole records or the words of a "
            f"sensitivity's scope, got {scope!r:.80}"
        )
    return scope


def require_group(who: str, group: Any, scope: str | None = None) -> int:
    """Return how many records may change at once, or say why that is no number."""
    count = require_whole(group, 1, who, "group")
    if count > LARGEST_GROUP:
        raise InvalidInputError(f"{who}: `group` must be at most {LARGEST_GROUP}")
    if count > 1 and scope is not None:
        raise UnsupportedError(
            f"{who}: groups are of whole records, and this is about two data sets "
            f"while {scope}; bound whole records, or leave `group` out"
        )
    return count


def protected(relation: str, scope: str | None, group: int = 1) -> str:
    """Return in words what neighbouring data sets differ in."""
    who = "a record" if group == 1 else f"up to {group} records"
    more = "" if scope is None else f", while {scope}"
    return f"{who} {PROTECTED[relation]}{more}"
