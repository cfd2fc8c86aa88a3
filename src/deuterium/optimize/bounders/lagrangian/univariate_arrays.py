"""Arrays whose elements are functions of one coordinate each, and their kinks.

Left and right of its kink at zero a function is smooth, so each has a graph for either
side beside the one that holds everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.graph.constructors import apply
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    KinkBranches,
    Univariate,
)
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide

Sides = tuple[KinkSide, KinkSide]


def as_univariate(
    node: Variable,
    kinds: Sequence[Any],
    sides_of: Callable[[int], Sides] | None = None,
) -> Univariate | None:
    """Return a node as functions of single coordinates, if it is that.

    ``kinds`` are those of its arguments.  ``sides_of`` says where choices are decided:
    left and right of 0, for a group's coordinates; without it only functions of one
    coordinate itself are.
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
    group = univariate[0].group
    image = _image(node, given, sides_of and sides_of(group))
    return Univariate(group, source, image, plain)


def _image(
    node: Variable, given: Sequence[Univariate | None], sides: Sides | None
) -> KinkBranches:
    op = node.op
    assert op is not None
    images = [
        KinkBranches(a, a, a) if k is None else k.image
        for a, k in zip(node.args, given, strict=True)
    ]
    full = apply(op, tuple(i.full for i in images), node.attrs)
    if sides is not None:
        return _decided(full, images, sides)
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


def _decided(
    full: Variable, images: Sequence[KinkBranches], sides: Sides
) -> KinkBranches:
    """Return a result whose choices are decided on either side."""
    op = full.op
    assert op is not None
    given = [tuple(i.left for i in images), tuple(i.right for i in images)]
    kinked = any(i.kinked for i in images)
    found = [s.decided(op, x, full.attrs) for s, x in zip(sides, given, strict=True)]
    if not kinked and found == [None, None]:
        return KinkBranches(full, full, full)
    left, right = (
        apply(op, x, full.attrs) if f is None else f
        for x, f in zip(given, found, strict=True)
    )
    return KinkBranches(full, left, right)


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
