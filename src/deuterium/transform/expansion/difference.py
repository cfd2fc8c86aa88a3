"""The difference of two graphs without what they have in common."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.expansion.polynomial import total
from deuterium.transform.expansion.rebuild import Rebuilder

LARGEST = 64  # elements


def difference(p: Variable, q: Variable) -> Variable:
    """Return ``p - q``, from which terms that both have are gone.

    Where, over the reals, no term cancels, or working it out would take too long, it is
    the difference as it stands.

    Parameters
    ----------
    p, q : Variable
        Of one shape, and defined wherever the difference is asked for: what cancels
        does so also where it is undefined.
    """
    if p.size > LARGEST:
        return p - q
    try:
        expansion = Expansion()
        first, second = expansion.of([p, q])
        apart = [
            total([a, b.times(Fraction(-1))]).reduced()
            for a, b in zip(first, second, strict=True)
        ]
        given = sum(len(x.terms) for x in first + second)
        if sum(len(x.terms) for x in apart) == given:
            return p - q
        made = Rebuilder(expansion)
        elements = [made.graph(x) for x in apart]
    except TooLong:
        return p - q
    if not p.shape:
        return elements[0]
    return reshape_to(as_variable(np.array([*elements, None], dtype=object)[:-1]), p.shape)
