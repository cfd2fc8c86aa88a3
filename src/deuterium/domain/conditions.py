"""Conditions on several inputs together, as part of what is bounded.

The supremum of v where conditions c hold is that of ``where(c, v, LOWEST)`` over the
box, as long as some point satisfies them: a region that certainly violates one has the
bound LOWEST, and in every other, v is looked at as far as the conditions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.errors import BoundsError, InvalidInputError
from deuterium.graph.constructors import as_variable, broadcast_to
from deuterium.graph.variable import Variable
from deuterium.ops import logic
from deuterium.ops.logic import is_condition
from deuterium.transform.branches import narrowed_branches
from deuterium.transform.definedness import all_hold

LOWEST = -1e300  # the value where there is no point of the domain


def checked(conditions: Sequence[Any]) -> tuple[Variable, ...]:
    """Return conditions as Variables; those that hold without looking are left out.

    Raises
    ------
    InvalidInputError
        One is not a condition.
    BoundsError
        One is false, whatever the inputs.
    """
    found = []
    for c in conditions:
        if hasattr(c, "as_condition"):  # x == y between two Variables
            c = c.as_condition()
        if isinstance(c, (bool, np.bool_)) or (
            isinstance(c, np.ndarray) and c.dtype.kind == "b"
        ):
            if not np.all(c):
                raise BoundsError(
                    "Where: a condition is false for all inputs, so the domain is "
                    "empty; leave it out"
                )
            continue
        if not isinstance(c, Variable) or not is_condition(c):
            raise InvalidInputError(
                "Where: takes conditions such as np.sum(x) <= 1 or lo <= hi, got "
                f"{type(c).__name__} {c!r:.80}; compare it with something"
            )
        found.append(c)
    return tuple(found)


def guarded(v: Variable, conditions: Sequence[Variable], worst: float) -> Variable:
    """Return v where the conditions hold, and a number that is worst elsewhere."""
    if not conditions:
        return v
    shape = v.shape
    condition = broadcast_to(all_hold(conditions), shape)
    whole = logic.where(condition, v, broadcast_to(as_variable(worst), shape))
    # before anything is rewritten, conditions and arguments are the same nodes
    (narrowed,) = narrowed_branches([whole])
    return narrowed
