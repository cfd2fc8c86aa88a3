"""Shapes that broadcast against each other."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable


def joint_shape(nodes: Iterable[Variable]) -> Shape:
    """Return the shape that nodes broadcast to."""
    shapes = {x.shape for x in nodes}
    return shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)


def spread_shape(own: Shape, ndim: int) -> Shape:
    """Return a shape with axes of length one put in front."""
    return (1,) * (ndim - len(own)) + own


def broadcast_alike(a: Shape, b: Shape) -> bool:
    """Whether two shapes differ in leading axes of length one only."""
    ndim = max(len(a), len(b))
    return spread_shape(a, ndim) == spread_shape(b, ndim)
