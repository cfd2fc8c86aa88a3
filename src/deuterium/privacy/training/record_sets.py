"""What a record's elements may be: a box, a ball, rows of unit vectors."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.constraints import UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.privacy.training.training_options import (
    GROWN,
    LARGEST_NUMBER,
    LEAST_ELEMENT,
    LEAST_LENGTH,
)

__all__ = ["InputSet", "parabola", "root_of_squares"]

SQUARE = 1  # the number of the function that squares


class InputSet:
    """The values of one symbol of a record, flattened.

    Parameters
    ----------
    symbol : Variable
    domain : Domain

    Raises
    ------
    Unsuited
        It has no bounds.

    Attributes
    ----------
    length : float
        No value is longer.
    """

    def __init__(self, symbol: Variable, domain: Domain) -> None:
        hull = domain.hull(symbol)
        self.low, self.high = (
            np.broadcast_to(x, symbol.shape).ravel().astype(float)
            for x in (hull.lower, hull.upper)
        )
        if not (np.abs([self.low, self.high]) < LARGEST_NUMBER).all():  # NaN fails, too
            raise Unsuited(f"{symbol.name!r} has no bounds, or too large ones")
        self.low = np.where(
            (self.low < 0) & (self.low > -LEAST_ELEMENT), -LEAST_ELEMENT, self.low
        )
        self.high = np.where(
            (self.high > 0) & (self.high < LEAST_ELEMENT), LEAST_ELEMENT, self.high
        )
        kinds = domain.constraints.get(symbol.name, ())
        balls = [
            (np.broadcast_to(k.center, symbol.shape).ravel(), float(k.radius))
            for k in kinds
            if isinstance(k, Within) and k.order == 2
        ]
        self.ball = min(balls, key=lambda b: b[1], default=None)
        # rows of unit vectors: (rows, elements of each)
        self.simplex = any(isinstance(k, UnitVectors) for k in kinds)
        self.width = symbol.shape[-1] if symbol.shape else 1
        self.middle = self.low / 2 + self.high / 2
        self.radius = (
            np.maximum(self.high - self.middle, self.middle - self.low) * GROWN
        )
        self.far = np.maximum(-self.low, self.high)
        self.is_centred = not self.middle.any()
        self._places = np.arange(len(self.low))
        with np.errstate(all="ignore"):
            length = float(root_of_squares(self.far, 0)) * GROWN
            if self.ball is not None:
                center, radius = self.ball
                length = min(
                    length, (float(root_of_squares(center, 0)) + radius) * GROWN
                )
        if self.simplex:
            length = min(length, float(np.sqrt(len(self.low) / self.width)) * GROWN)
        self.length = length

    def ends(self, function: int) -> tuple[Array, Array]:
        """Return the ends of all elements, or of their squares."""
        if function != SQUARE:
            return self.low, self.high
        near = np.maximum(np.maximum(self.low, -self.high), 0.0)
        return near * near * (2 - GROWN), self.far * self.far * GROWN

    def through(
        self, function: int, hubs: Array, v: Array, sure: Array, size: Array
    ) -> tuple[Array, Array, Array]:
        """Return the middle, radius and reach of a sum of elements, or of squares.

        Shapes: coefficients ``v``, their absolute values and their sizes (1 or rows, T,
        m), of the elements ``hubs``.
        """
        whole = len(hubs) == len(self.low) and bool((hubs == self._places).all())
        if whole and function != SQUARE:
            middle, radius = self.middle, self.radius
        else:
            low, high = (x[hubs] for x in self.ends(function))
            middle, radius = low / 2 + high / 2, (high / 2 - low / 2) * GROWN
        is_box = not self.simplex and self.ball is None
        if whole and is_box and self.is_centred and sure is size and not function:
            r = radius @ size
            return np.zeros(r.shape), r, r * GROWN
        reach = (np.abs(middle) + radius) @ size
        if self.simplex and whole:
            rows = v.reshape(v.shape[0], -1, self.width, v.shape[2])
            least, most = rows.min(axis=2).sum(axis=1), rows.max(axis=2).sum(axis=1)
            return least / 2 + most / 2, (most / 2 - least / 2) * GROWN, reach
        if function == SQUARE and whole and np.isfinite(self.length):
            most = self.length * self.length * GROWN * np.abs(v).max(axis=1)
            near = np.minimum(radius @ sure, most)
            return (
                self._closest(middle @ v, radius @ sure, np.zeros_like(near), most),
                near,
                reach,
            )
        c, r = middle @ v, radius @ sure
        if self.ball is None or function == SQUARE or not whole:
            return c, r, reach
        center, radius = self.ball
        near = radius * root_of_squares(v, 1) * GROWN
        low = np.maximum(c - r, center @ v - near)
        high = np.minimum(c + r, center @ v + near)
        more = (np.abs(center) + radius) @ size
        return low / 2 + high / 2, (high / 2 - low / 2) * GROWN, np.maximum(reach, more)

    @staticmethod
    def _closest(c: Array, r: Array, d: Array, s: Array) -> Array:
        """Return the centre of the narrower of two ranges."""
        return np.where(r <= s, c, d)

    def largest(self, c: Array, squares: Array | None) -> tuple[Array, Array]:
        """Return the most of ``sum c x + a x**2``, and where (about).

        Shapes: ``c`` and ``squares`` (rows, n).
        """
        a = np.zeros_like(c) if squares is None else squares
        if self.simplex:
            each = (a + c).reshape(len(c), -1, self.width)
            best = each.argmax(axis=2)
            x = (
                (np.arange(self.width) == best[:, :, None])
                .reshape(c.shape)
                .astype(float)
            )
            return each.max(axis=2).sum(axis=1), x
        most, x = parabola(a, c, self.low, self.high)
        found = most.sum(axis=1)
        if self.ball is not None and not a.any():
            center, radius = self.ball
            length = root_of_squares(c, 1)
            near = c @ center + radius * length * GROWN
            unit = c / np.maximum(length, 1e-290)[:, None]
            x = np.where((near < found)[:, None], center + radius * unit, x)
            found = np.minimum(found, near)
        return found, x


def parabola(a: Array, b: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the most of ``a e**2 + b e`` for e in a range, and where (about)."""
    with np.errstate(all="ignore"):
        tip = np.where(a < 0, -0.5 * b / a, low)
    tip = np.minimum(np.maximum(tip, low), high)
    ends = (a * low + b) * low, (a * high + b) * high, (a * tip + b) * tip
    most = np.maximum(np.maximum(ends[0], ends[1]), ends[2])
    e = np.where(ends[2] >= most, tip, np.where(ends[0] >= most, low, high))
    return most, e


def root_of_squares(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return what the length of vectors is at most, but for the roundings of sums."""
    return np.sqrt((x * x).sum(axis=axis) + LEAST_LENGTH**2) + LEAST_LENGTH
