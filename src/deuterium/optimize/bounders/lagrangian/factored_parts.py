"""The parts that a graph is taken into: groups of coordinates, functions, definitions.

See the package's docstring for what they mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import next_up

INPUT, ATOM, RANGE_ONLY = "input", "atom", "free"


class Unsuited(Exception):
    """The graph has a part that cannot be relaxed."""


@dataclass(frozen=True)
class KinkBranches:
    """A graph in terms of a group's own vector symbol.

    ``left`` and ``right`` hold where every coordinate is at most, or at least, zero:
    there kinks at zero are smooth.
    """

    full: Variable
    left: Variable
    right: Variable

    @property
    def kinked(self) -> bool:
        """Whether the sides differ."""
        return not (self.full is self.left is self.right)


@dataclass(frozen=True, eq=False)
class Univariate:
    """An array whose elements are functions of one coordinate of one group each."""

    group: int
    source: Array  # the coordinate of each element, -1 for a constant element
    image: KinkBranches
    plain: bool  # whether the elements are the coordinates themselves


@dataclass(frozen=True, eq=False)
class Term:
    """Elements that affine functions are made of: functions of coordinates.

    Attributes
    ----------
    group : int
        Whose coordinates.
    coordinate, function : ndarray of int, of shape (size,)
        Which coordinate of the group, and which of its functions, each element is.
    """

    group: int
    coordinate: Array
    function: Array

    @property
    def size(self) -> int:
        """The number of elements."""
        return len(self.coordinate)


@dataclass(frozen=True, eq=False)
class AffineForm:
    """An array as an affine function of terms.

    Attributes
    ----------
    parts : dict from Term to Interval of shape (term size, *shape)
        Coefficients.
    constant : Interval of the array's shape
    """

    parts: dict[Term, Interval]
    constant: Interval


@dataclass(eq=False)
class CoordinateGroup:
    """Scalars that are bounded alike.

    Attributes
    ----------
    kind : str
        ``INPUT``; ``ATOM``, defined by an affine function; ``RANGE_ONLY``, known by
        range only.
    size : int
        The number of coordinates.
    vector : Variable
        The symbol that functions are graphs of.
    functions : list of KinkBranches
        Arrays of shape (size,); the identity, number 0, is not listed, so function r
        is ``functions[r - 1]``.
    nodes : list of Variable
        The nodes whose elements the coordinates are; of inputs none.
    arguments : list
        Of a free group's operator: constants, functions of coordinates, or sums.
    """

    kind: str
    size: int
    vector: Variable
    functions: list[KinkBranches] = field(default_factory=list)
    nodes: list[Variable] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of local functions, the identity included."""
        return 1 + len(self.functions)


def thin(x: Array) -> Interval:
    """Return an interval that is a number."""
    return Interval.unchecked(x, x)


def flattened_from(x: Interval, lead: int) -> Interval:
    """Return the axes after the first ``lead`` as one."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    shape = (*low.shape[:lead], math.prod(low.shape[lead:]))
    if x.is_thin or np.array_equal(low, high):
        return thin(low.reshape(shape))
    return Interval.unchecked(low.reshape(shape), high.reshape(shape))


def centred(x: Interval) -> tuple[Array, Array]:
    """Return centre and radius, rounded up."""
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    if x.is_thin:
        return low, np.zeros(low.shape)
    middle = 0.5 * low + 0.5 * high
    radius = next_up(np.maximum(middle - low, high - middle))
    return middle, np.where(low == high, 0.0, radius)
