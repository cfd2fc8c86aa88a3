"""How far a whole array is from the truth, in Euclidean length.

Element by element, an error grows by the sums of absolute entries with each matrix that
it goes through, and so does the range of what is exact; lengths grow by no more than
the matrix's spectral norm.  Through several layers this is the difference between an
error of a third of a gradient's norm and one of a hundredth.  No element of an
array is larger than its length, so what is known of elements gets closer, too.

For a result ``y`` of arrays ``a`` and ``b`` that are off by ``da`` and ``db``::

    (a + da)(b + db) - a b = a db + da (b + db)

and each operation's own rounding is at most ``gamma_n`` times the same of absolute
values, which are no longer than their lengths multiplied (N. J. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed., sections 3.5, 6.2).

Lengths are over all of a node's axes, kept as axes of length 1; axes before them, of
finite sets told apart, stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.enclose.computed_value import SLACK, Computed
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.float_arithmetic import FloatArithmetic
from deuterium.interval.spectral_norm import spectral_norm
from deuterium.ops import arrays, softmax

LARGEST_MATRIX = 2**18  # entries of which the spectral norm is worth its time


class Lengths(NamedTuple):
    """Bounds of the length of what is exact, and of the length of the error."""

    reach: Array
    off: Array

    @property
    def wide(self) -> Array:
        """A bound of the length of what is computed."""
        return self.reach + self.off


class Operand(NamedTuple):
    """An argument: its node, what is known of its elements, and its lengths."""

    node: Variable
    known: Computed
    lengths: Lengths

    @property
    def most(self) -> Array:
        """The largest absolute value of what is exact, with the axes kept."""
        return _over(np.max, self.known.size, self.node.ndim, 0.0)

    @property
    def error(self) -> Array:
        """The largest error of an element, with the axes kept."""
        return _over(np.max, self.known.error, self.node.ndim, 0.0)

    @property
    def matrix(self) -> Array | None:
        """The entries, where it is one constant matrix."""
        low, high = self.known.exact.lower, self.known.exact.upper
        if self.node.ndim != 2 or self.node.size > LARGEST_MATRIX:
            return None
        if math.prod(np.shape(low)) != self.node.size or not np.array_equal(low, high):
            return None
        return np.reshape(np.asarray(low, np.float64), self.node.shape)


def lengths_of(
    node: Variable,
    args: Sequence[tuple[Variable, Computed, Lengths]],
    y: Computed,
    rounding: float,
    kind: FloatArithmetic,
) -> Lengths:
    """Return the lengths of a node; ``rounding`` is what one operation is charged.

    Never more than what the elements say.
    """
    operands = [Operand(*a) for a in args]
    charges = _Charges(rounding, kind, node.size)
    if node.op in KEEPING:  # elements say no more of the result than of the argument
        return Lengths(*[x * SLACK for x in _moved(node, operands, charges)])
    plain = elementwise(node, y)
    rule = RULES.get(node.op) if node.op is not None else None
    found = None if rule is None else rule(node, operands, charges)
    if found is None:
        return plain
    reach, off = (np.asarray(x, np.float64) * SLACK for x in found)
    finite = np.isfinite(plain.off)  # what may overflow has an infinite error
    return Lengths(
        np.fmin(plain.reach, reach),
        np.where(finite, np.fmin(plain.off, off), plain.off),
    )


def elementwise(node: Variable, y: Computed) -> Lengths:
    """Return the lengths that bounds of the elements give."""
    shape = np.broadcast_shapes(np.shape(y.exact.lower), node.shape)

    def length(x: Array) -> Array:
        if node.size == 1:
            return x.reshape(x.shape[: x.ndim - node.ndim] + (1,) * node.ndim)
        largest = _over(np.max, x, node.ndim, 0.0)
        share = np.where(largest > 0, np.broadcast_to(x, shape) / largest, 0.0)
        squares = _over(np.sum, np.square(share), node.ndim, 0.0)
        found = largest * np.sqrt(squares) * SLACK
        return np.where(np.isnan(found), np.inf, found)

    return Lengths(length(np.asarray(y.size)), length(np.asarray(y.error)))


def cut(y: Computed, lengths: Lengths) -> None:
    """Let no element be larger, or further off, than the array is."""
    reach, off = lengths
    y.error = np.where(np.isfinite(y.error), np.fmin(y.error, off), y.error)
    if np.any(reach < y.size):
        low, high = np.maximum(y.exact.lower, -reach), np.minimum(y.exact.upper, reach)
        y.exact = Interval.unchecked(low, high)


def _over(reduce: Callable[..., Any], x: Array, ndim: int, start: float) -> Array:
    """Reduce the last axes, and keep them with length 1."""
    x = np.asarray(x)
    x = x.reshape((1,) * (ndim - x.ndim) + x.shape)
    axes = tuple(range(x.ndim - ndim, x.ndim))
    return np.asarray(reduce(x, axis=axes, keepdims=True, initial=start))


class _Charges:
    """What is charged for the roundings of a node of so many elements."""

    def __init__(self, rounding: float, kind: FloatArithmetic, size: int) -> None:
        self._rounding, self._kind = rounding, kind
        self._root = math.sqrt(size)

    def sums(self, terms: float, length: Array) -> Array:
        """Return the error of sums of so many terms, of whose sizes a length bounds."""
        gamma = self._kind.gamma(terms + self._rounding)
        return length * gamma + terms * self._kind.tiny * self._root


def _fit(x: Array, a: Variable, node: Variable) -> Array:
    """Return what is known of an argument with as many axes as the result has."""
    return np.reshape(x, np.shape(x)[: np.ndim(x) - a.ndim] + (1,) * node.ndim)


Found = tuple[Array, Array] | None
Rule = Callable[[Variable, Sequence[Operand], _Charges], Found]


def _linear(gain: float, terms: float) -> Rule:
    def rule(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
        (a,) = args
        x = Lengths(*[_fit(v, a.node, node) for v in a.lengths])
        off = gain * x.off
        if terms > 1:
            off = off + own.sums(terms, gain * x.wide)
        return gain * x.reach, off

    return rule


def _moved(
    node: Variable, args: Sequence[Operand], own: _Charges
) -> tuple[Array, Array]:
    (a,), gain = args, math.sqrt(_copies(node))
    reach, off = (gain * _fit(v, a.node, node) for v in a.lengths)
    return reach, off


def _copies(node: Variable) -> int:
    """Return how often an element of the argument occurs in the result, at most."""
    if node.op is arrays.gather:
        return int(np.max(np.bincount(np.ravel(node.attrs["index"])), initial=1))
    if node.op is arrays.broadcast:
        return node.size // max(node.args[0].size, 1)
    return 1


def _scattered(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    most = int(np.max(np.bincount(np.ravel(node.attrs["index"])), initial=1))
    return _linear(math.sqrt(most), most)(node, args, own)


def _summed(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    terms = node.args[0].size // max(node.size, 1)
    return _linear(math.sqrt(terms), terms)(node, args, own)


def _added(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    a, b = (x.lengths for x in args)
    if any(x.node.ndim != node.ndim or x.node.size != node.size for x in args):
        return None
    return a.reach + b.reach, a.off + b.off + own.sums(2, a.wide + b.wide)


def _multiplied(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    a, b = args
    if any(x.node.ndim != node.ndim or x.node.size != node.size for x in args):
        return None
    x, y = a.lengths, b.lengths
    reach = np.minimum(a.most * y.reach, x.reach * b.most)
    wide = np.minimum((a.most + a.error) * y.wide, x.wide * (b.most + b.error))
    off = np.minimum(a.most * y.off, x.reach * b.error)
    off = off + np.minimum(x.off * (b.most + b.error), a.error * y.wide)
    return reach, off + own.sums(1, wide)


def _product(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    a, b = args
    if not a.node.ndim == b.node.ndim == node.ndim:
        return None
    if a.node.shape[:-2] != b.node.shape[:-2]:
        return None
    x, y = a.lengths, b.lengths
    first, last = _gain(a), _gain(b)
    reach = np.minimum(first * y.reach, x.reach * last)
    off = first * y.off + x.off * (last + y.off)
    return reach, off + own.sums(node.args[0].shape[-1], x.wide * y.wide)


def _gain(a: Operand) -> Array:
    """Return by how much a factor stretches: the length of its entries at most."""
    matrix, reach = a.matrix, a.lengths.reach
    if matrix is None or not np.isfinite(matrix).all():
        return reach
    return np.minimum(spectral_norm(matrix), reach)


def _quotient(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    a, b = args
    if a.node.ndim != node.ndim or a.node.size != node.size or np.any(b.known.error):
        return None
    least = _fit(_over(np.min, b.known.least, b.node.ndim, np.inf), b.node, node)
    x = a.lengths
    return x.reach / least, x.off / least + own.sums(1, x.wide / least)


def _shares(node: Variable, args: Sequence[Operand], own: _Charges) -> Found:
    rows = math.sqrt(node.size // max(node.shape[-1], 1))
    return np.asarray(rows), np.asarray(np.inf)


KEEPING = (arrays.reshape, arrays.transpose, arrays.broadcast, ops.negative)

RULES: dict[Any, Rule] = {
    arrays.reshape: _moved,
    arrays.transpose: _moved,
    arrays.broadcast: _moved,
    arrays.gather: _moved,
    ops.negative: _moved,
    arrays.scatter: _scattered,
    arrays.add_reduce: _summed,
    ops.add: _added,
    ops.subtract: _added,
    ops.multiply: _multiplied,
    arrays.matmul: _product,
    ops.divide: _quotient,
    softmax.softmax_last: _shares,
}
"""Operators whose results have lengths that are not those of their elements' bounds."""
