"""The parts that a graph is taken into: groups of coordinates, functions, definitions.

See the package's docstring for what they mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.graph.variable import Variable
from deuterium.interval import Interval

Array = Any

INPUT, ATOM, BILINEAR, RANGE_ONLY = "input", "atom", "pair", "free"


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


@dataclass(frozen=True, eq=False)
class Product:
    """An element-wise product of two nodes, not yet made into coordinates."""

    first: Variable
    second: Variable


@dataclass(eq=False)
class CoordinateGroup:
    """Scalars that are bounded alike.

    Attributes
    ----------
    kind : str
        ``INPUT``; ``ATOM``, defined by an affine function; ``BILINEAR``, the factors of
        products, all first factors before all second; ``RANGE_ONLY``, known by range
        only.
    size : int
        The number of coordinates, or of pairs.
    offset : int
        The first one's place among the coordinates of a region.
    vector : Variable
        The symbol that functions are graphs of.
    functions : list of KinkBranches
        Arrays of shape (size,); the identity, number 0, is not listed, so function r
        is ``functions[r - 1]``.  A pair's are the two factors and their product.
    definitions : list of AffineForm
        Of shape (size,): one for atoms, one for each factor of pairs, else none.
    parameter : int
        Where the multipliers of the definitions begin.
    nodes : list of Variable
        The nodes whose elements the coordinates are: of pairs both factors, of inputs
        none.
    sums : list of bool
        For each of the nodes, whether an element combines several terms; the elements
        of others are copies of functions, which need not be cut.
    arguments : list
        Of a free group's operator: constants, or (group, source, image).
    """

    kind: str
    size: int
    offset: int
    vector: Variable
    parameter: int
    definitions: list[AffineForm] = field(default_factory=list)
    functions: list[KinkBranches] = field(default_factory=list)
    nodes: list[Variable] = field(default_factory=list)
    sums: list[bool] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)

    @property
    def width(self) -> int:
        """The number of region coordinates."""
        return 2 * self.size if self.kind == BILINEAR else self.size

    @property
    def count(self) -> int:
        """The number of local functions, the identity included."""
        return 3 if self.kind == BILINEAR else 1 + len(self.functions)

    @property
    def multipliers(self) -> int:
        """The number of multipliers of its definitions."""
        return self.size * len(self.definitions)

    @property
    def part(self) -> slice:
        """Where the coordinates are in a region."""
        return slice(self.offset, self.offset + self.width)


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
