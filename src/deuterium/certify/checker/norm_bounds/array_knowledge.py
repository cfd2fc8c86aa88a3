"""What is known of a whole array: intervals, a ball around a centre, and lengths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flint import arb

from deuterium.certify.checker.ball_functions import HALF, INFINITY, ZERO, Ball
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    Vector,
    from_zero,
    known,
    larger_of,
    least,
    length,
    lowered,
    raised,
    top,
    total,
)


@dataclass(frozen=True)
class ArrayKnowledge:
    """Bounds of the elements of an array, in C order.

    Attributes
    ----------
    low, high : array of balls
        There are numbers in the balls between which each element lies.
    centre, radius : array of balls, and ball
        The Euclidean distance of the array from a point in ``centre`` is at most a
        number in ``radius``.
    length, total : ball
        The Euclidean length and the sum of absolute values are at most numbers in
        these.
    """

    low: Vector
    high: Vector
    centre: Vector
    radius: Ball
    length: Ball
    total: Ball

    @cached_property
    def sizes(self) -> Vector:
        """Upper bounds of the elements' absolute values."""
        return larger_of(-self.low, self.high)

    @cached_property
    def largest(self) -> Ball:
        """Upper bound of the largest absolute value."""
        return known(top(self.sizes))

    @cached_property
    def middle(self) -> Vector:
        """The middles of the intervals."""
        return (self.low + self.high) * HALF

    @cached_property
    def half(self) -> Vector:
        """The half widths of the intervals."""
        return (self.high - self.low) * HALF


@dataclass(frozen=True)
class RuleBounds:
    """What a rule says of a node, beside its intervals.

    Attributes
    ----------
    centre, radius : optional
        A ball that holds the array.
    length, total : ball
        Upper bounds.
    """

    centre: Vector | None = None
    radius: Ball = INFINITY
    length: Ball = INFINITY
    total: Ball = INFINITY


def exactly(x: Vector) -> ArrayKnowledge:
    """Return what is known of an array with a known value."""
    sizes = larger_of(-x, x)
    return ArrayKnowledge(x, x, x, ZERO, known(length(x)), known(total(sizes)))


def of_ends(low: Vector, high: Vector) -> ArrayKnowledge:
    """Return what intervals alone say.

    Shapes: both (elements,).
    """
    return combine(low, high, RuleBounds())


def combine(
    low: Vector,
    high: Vector,
    found: RuleBounds,
    *,
    scalar: bool = False,
    positive: bool = False,
    takes: bool = False,
) -> ArrayKnowledge:
    """Put together what is known of an array.

    Parameters
    ----------
    low, high : array of balls
        Its intervals.
    found : RuleBounds
        What else is known.
    scalar : bool
        Whether it is a single number.
    positive : bool
        Whether it cannot be negative.
    takes : bool
        Whether its ball is the one found, not that of the intervals.
    """
    has_ball = found.centre is not None and found.radius.is_finite()
    if has_ball:
        low = raised(low, found.centre - found.radius)
        high = lowered(high, found.centre + found.radius)
    if scalar and found.length.is_finite():
        low, high = raised(low, -found.length), lowered(high, found.length)
    if positive:
        low = from_zero(low)
    sizes = larger_of(-low, high)
    longest = least(found.length, length(sizes))
    if has_ball:
        longest = least(longest, known(length(found.centre) + found.radius))
    count = arb(max(len(low), 1))
    sums = least(found.total, total(sizes), longest * count.sqrt())
    longest = least(longest, sums)
    if takes and has_ball:
        return ArrayKnowledge(low, high, found.centre, found.radius, longest, sums)
    centre, half = (low + high) * HALF, (high - low) * HALF
    return ArrayKnowledge(low, high, centre, known(length(half)), longest, sums)
