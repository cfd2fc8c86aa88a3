"""Arrays whose elements are functions of one coordinate each, and their kinks.

Left and right of its kink at zero a function is smooth, so each has a graph for either
side beside the one that holds everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.graph.constructors import apply
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    KinkBranches,
    Univariate,
)

Array = Any


def as_univariate(node: Variable, kinds: Sequence[Any]) -> Univariate | None:
    """Return a node as functions of single coordinates, if it is that.

    ``kinds`` are those of its arguments.
    """
    assert node.op is not None
    if not all(isinstance(k, (Univariate, Interval)) for k in kinds):
        return None
    given = [k if isinstance(k, Univariate) else None for k in kinds]
    univariate = [k for k in given if k is not None]
    if len({k.group for k in univariate}) != 1:
        return None
    source = _source(node, given)
    if source is None:
        return None
    plain = node.op.moves_elements and all(k is not None and k.plain for k in given)
    return Univariate(univariate[0].group, source, _image(node, given), plain)


def _image(node: Variable, given: Sequence[Univariate | None]) -> KinkBranches:
    op = node.op
    assert op is not None
    images = [
        KinkBranches(a, a, a) if k is None else k.image
        for a, k in zip(node.args, given, strict=True)
    ]
    full = apply(op, tuple(i.full for i in images), node.attrs)
    (first, *_) = given
    if op.sides is not None and first is not None and first.plain:
        left, right = op.sides
        return KinkBranches(full, left(images[0].left), right(images[0].right))
    if not any(i.kinked for i in images):
        return KinkBranches(full, full, full)
    return KinkBranches(
        full,
        apply(op, tuple(i.left for i in images), node.attrs),
        apply(op, tuple(i.right for i in images), node.attrs),
    )


def _source(node: Variable, given: Sequence[Univariate | None]) -> Array | None:
    """Return the coordinate of each element, or None where two meet in one."""
    assert node.op is not None
    if node.op.moves_elements:
        places = [
            np.full(a.shape, -1) if k is None else k.source
            for a, k in zip(node.args, given, strict=True)
        ]
        return np.asarray(node.op.value(*places, **node.attrs))
    source = np.full(node.shape, -1)
    for k in given:
        if k is None:
            continue
        if np.any((source >= 0) & (k.source >= 0) & (source != k.source)):
            return None
        source = np.maximum(source, k.source)
    return source
