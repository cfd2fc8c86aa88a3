"""Lengths that squares which underflow cannot make too small.

A length is worked out as the root of a sum of squares, and squares of what is below
1e-154 are no normal numbers.  A record whose features are that small would have a norm
that is too small by any factor, and what is divided by it would be as many times longer
than it may be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.substitute import rebuild
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.privacy.training.training_options import LEAST_SQUARED
from deuterium.transform.simplify.simplify import simplify

__all__ = ["floored_length"]

# what lengths are built of, beside what moves elements
BUILT_OF = (ops.sqrt, ops.add_reduce, ops.add, ops.multiply)


def floored_length(length: Variable) -> Variable:
    """Return a length in which what is squared counts as `LEAST_SQUARED` at least.

    It is never below the length, and hardly above where that is of any use.
    """
    length = simplify(length)
    order = topological([length])
    parts = {length}
    for v in reversed(order):
        if v in parts and v.op is not None and _is_passed(v):
            parts.update(v.args)
    new: dict[Variable, Variable] = {}
    for v in order:
        if v not in parts or v.op is None:
            continue
        if v.op is ops.square:
            (a,) = v.args
            size: Any = np.maximum(np.abs(a), constant(LEAST_SQUARED))
            new[v] = size**2
        elif any(a in new for a in v.args):
            new[v] = rebuild(v.op)(*[new.get(a, a) for a in v.args], **v.attrs)
    return new.get(length, length)


def _is_passed(v: Variable) -> bool:
    assert v.op is not None
    return v.op in BUILT_OF or v.op.moves_elements
