"""Which hubs have the same functions, so that one table of cells serves them all."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

from deuterium.certify.checker.ball_functions import Ball


def shape_of(
    hub: int,
    terms: Sequence[int],
    tasks: Sequence[Any],
    fixed: Mapping[int, Ball],
    safe: Collection[int],
) -> Hashable | None:
    """Return what tells the functions of a hub from those of others; None: nothing.

    Two hubs of one shape have the same functions in the same order, up to constants
    that are within the same balls: what is proved for one is proved for the other.
    Parameters are those of `CoordinateFunctions`.
    """
    place: dict[int, Any] = {hub: 0}
    steps = []
    for n, (op, (outs, ins), attrs) in enumerate(tasks, 1):
        for i in ins:
            if i not in place:
                place[i] = _content(fixed[i])
        is_safe = any(k in safe for k in outs)
        steps.append(
            (op, tuple([place[i] for i in ins]), tuple(sorted(attrs.items())), is_safe)
        )
        place.update(dict.fromkeys(outs, n))
    found = tuple(steps), tuple([place[t] for t in terms])
    try:
        hash(found)
    except TypeError:  # attributes that cannot be compared
        return None
    return found


def _content(x: Ball) -> Hashable:
    if not x.is_finite():
        return object()
    return x.mid().man_exp(), x.rad().man_exp()
