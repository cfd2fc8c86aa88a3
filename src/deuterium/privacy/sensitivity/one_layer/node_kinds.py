"""What the nodes of a gradient of one hidden layer can be, for `one_layer`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to

MOVES = (ops.reshape, ops.transpose, ops.gather, ops.broadcast)


class Unfit(Exception):
    """The graph has another form."""


@dataclass(frozen=True, eq=False)
class AffineNode:
    """``matrix @ x + shift``, element by element: matrix has one more axis."""

    matrix: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class UnivariateNode:
    """Elements of ``image``, a vector of functions of single pre-activations."""

    image: Variable  # of the symbol `atoms`
    pick: Array  # which element of the image


@dataclass(frozen=True, eq=False)
class OutputNode:
    """``shift + sum weight * image``, one number."""

    weight: Array
    image: Variable
    shift: float


@dataclass(frozen=True, eq=False)
class ScalarNode:
    """A function of outputs and labels, one number."""

    node: Variable


@dataclass(frozen=True, eq=False)
class NumberNode:
    """One number that no double is, such as pi."""

    node: Variable


@dataclass(frozen=True, eq=False)
class GradientElement:
    """An array of products: coefficient, d or not, an image's element, an input."""

    coefficient: Array
    scalar: Variable | None
    image: Variable | None
    pick: Array
    place: Array  # in x; -1 without


@dataclass(frozen=True, eq=False)
class OneLayer:
    """What `one_layer` found.

    Attributes
    ----------
    matrix, shift : ndarray
        ``z = matrix @ x + shift``, a row for each pre-activation.
    atoms : Variable
        The symbol of z, a vector.
    elements : list of GradientElement
        The vector, in parts.
    scalar : Variable
        d, as a function of ``output`` and of labels.
    output : Variable
        The symbol of t.
    weight, value, offset
        ``t = offset + sum(weight * value)``, ``value`` a vector image.
    """

    matrix: Array
    shift: Array
    atoms: Variable
    elements: list[GradientElement]
    scalar: Variable
    output: Variable
    weight: Array
    value: Variable
    offset: float


def require_exact(a: AffineNode) -> None:
    """Raise unless a product with a matrix only copies the matrix's numbers."""
    kept = np.isin(a.matrix, (-1.0, 0.0, 1.0)).all() and not a.shift.any()
    if not kept or ((a.matrix != 0).sum(axis=-1) > 1).any():
        raise Unfit("a product that would be rounded")
    rows = a.matrix.reshape(math.prod(a.matrix.shape[:-1]), a.matrix.shape[-1])
    if ((rows != 0).sum(axis=0) > 1).any():
        raise Unfit("an input that is used twice")


def everywhere(number: Variable, size: int) -> Variable:
    """Return a vector, (size,), of which every element is a number."""
    spread: Any = np.broadcast_to(reshape_to(number, ()), (size,))
    found: Variable = spread
    return found


def is_layer(kind: Any) -> bool:
    """Whether this is a layer's pre-activations, and no inputs as they are."""
    if not isinstance(kind, AffineNode):
        return False
    return bool(kind.shift.any() or ((kind.matrix != 0).sum(axis=-1) > 1).any())


def is_lone(kind: Any) -> bool:
    """Whether this is a function of the only hidden unit there is."""
    return isinstance(kind, UnivariateNode) and kind.image.size == 1


def place(m: Array) -> Array:
    """Return which input each row is."""
    return np.abs(m).argmax(axis=-1)


def bared(e: GradientElement) -> GradientElement:
    """Take out of an element's scalar what is constant about it."""
    v, coefficient = e.scalar, e.coefficient
    while v is not None and v.op is not None:
        op = v.op
        constants = [a for a in v.args if a.is_constant]
        if op is ops.multiply and len(constants) == 1:
            (v,) = (a for a in v.args if not a.is_constant)
            coefficient = coefficient * np.asarray(constants[0].value).item()
        elif op is ops.negative:
            v, coefficient = v.args[0], -coefficient
        elif op in (*MOVES, ops.scatter) and v.args[0].size == 1:
            v = v.args[0]
        else:
            break
    return replace(e, scalar=v, coefficient=coefficient)
