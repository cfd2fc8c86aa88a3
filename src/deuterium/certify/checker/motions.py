"""How elements of a graph depend on inputs that move: straight, bent, largest at ends.

What these words say is said in `end_values`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

Keys = frozenset[Any]
NO_KEYS: Keys = frozenset()


@dataclass(frozen=True)
class Motion:
    """How an element depends on what moves.

    Attributes
    ----------
    straight, bent : frozenset
        Names of the functions h with which it is.
    ended : bool
        Whether it is largest at ends.
    sign : int
        1 or -1 where it is one, or minus one, of several inputs that move together.
    """

    straight: Keys = NO_KEYS
    bent: Keys = NO_KEYS
    ended: bool = False
    sign: int = 0


UNKNOWN = Motion()
INPUT = Motion(frozenset("t"), frozenset("t"), True, 1)
Moving = dict[int, Motion]  # by place, of the elements that do not stay


def line(*keys: Any) -> Motion:
    """Return what is straight with some functions."""
    return Motion(frozenset(keys), frozenset(keys), True)


def curve(keys: Iterable[Any]) -> Motion:
    """Return what is convex in some functions; unknown for none."""
    found = frozenset(keys)
    return Motion(NO_KEYS, found, True) if found else UNKNOWN


def _common(keys: Iterable[Keys]) -> Keys:
    listed = list(keys)
    return listed[0].intersection(*listed[1:])


def summed(motions: Iterable[Motion]) -> Motion:
    """Return a sum of elements that move."""
    own = list(motions)
    if len(own) == 1:
        return Motion(own[0].straight, own[0].bent, own[0].ended)
    bent = _common(m.bent for m in own)
    return Motion(_common(m.straight for m in own), bent, bool(bent))


def scaled(m: Motion) -> Motion:
    """Return a multiple, by a factor of any sign that stays."""
    return Motion(m.straight, m.straight, bool(m.straight))


def turned(m: Motion) -> Motion:
    """Return the opposite."""
    return replace(scaled(m), sign=-m.sign)


def top(motions: Iterable[Motion]) -> Motion:
    """Return the largest of elements, beside what stays."""
    own = list(motions)
    bent = _common(m.bent for m in own)
    return Motion(NO_KEYS, bent, all(m.ended for m in own))


def convex(motions: Iterable[Motion]) -> Motion:
    """Return a convex function of elements."""
    return curve(_common(m.straight for m in motions))


def only(motions: Iterable[Motion]) -> Motion | None:
    """Return the element that moves alone, or None."""
    own = list(motions)
    return own[0] if len(own) == 1 else None


def line_of(keys: Iterable[Any]) -> Motion:
    """Return what is straight with some functions; unknown for none."""
    listed = list(keys)
    return line(*listed) if listed else UNKNOWN


def inputs(own: list[Motion], length: int) -> Motion | None:
    """Return an input, if so many elements are inputs of one sign."""
    if len(own) == length and own[0].sign and len({m.sign for m in own}) == 1:
        return own[0]
    return None
