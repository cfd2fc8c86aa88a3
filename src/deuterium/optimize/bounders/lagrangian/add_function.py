"""Elements of univariate arrays, entered as functions of their coordinates."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.graph.constructors import constant
from deuterium.graph.variable import Variable
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    CoordinateGroup,
    KinkBranches,
)


def add_functions(group: CoordinateGroup, source: Array, image: KinkBranches) -> Array:
    """Enter the functions of a univariate array; return the number of each one."""
    number = np.empty(len(source), dtype=int)
    rank = _ranks(source)
    for k in range(rank.max(initial=-1) + 1):
        places = np.full(group.size, -1)
        places[source[rank == k]] = np.flatnonzero(rank == k)
        group.functions.append(_picked_image(image, places))
        number[rank == k] = len(group.functions)
    return number


def _ranks(source: Array) -> Array:
    """Return how many earlier elements belong to the same coordinate."""
    order = np.argsort(source, kind="stable")
    ordered = source[order]
    first = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(len(source), dtype=int)
    rank[order] = np.arange(len(source)) - first
    return rank


def _picked_image(image: KinkBranches, places: Array) -> KinkBranches:
    full = _picked(image.full, places)
    if not image.kinked:
        return KinkBranches(full, full, full)
    return KinkBranches(full, _picked(image.left, places), _picked(image.right, places))


def _picked(v: Variable, places: Array) -> Variable:
    """Return elements at flat places as a vector; zero where there is none (-1)."""
    vector = take_places(reshape_to(v, (v.size,)), np.maximum(places, 0))
    if np.all(places >= 0):
        return vector
    return vector * constant((places >= 0).astype(float))
