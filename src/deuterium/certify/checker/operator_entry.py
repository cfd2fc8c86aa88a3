"""What the checker states of one operator: the fields of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.unary_ranges import rising, through, within
from deuterium.graph.operator import Operator

Series = Callable[[Any], Any]


@dataclass(frozen=True)
class Entry:
    """What is stated of an element-wise operator of one or two variables.

    Attributes
    ----------
    value : callable
        Balls to a ball.
    range : callable
        Lower and upper end of each argument to those of the values.
    slope_range : callable, optional
        The same where kinks count with the slopes of both sides.
    series : callable, optional
        Power series to a power series.
    sides : pair of callables, optional
        The series below and above the kink at zero.
    jumps : bool
        At zero itself it has the value of neither side.
    rises : bool, optional
        Whether it rises, or falls, strictly and over its whole domain.  (Were it flat
        anywhere, as relu is, then where its argument is largest would say nothing of
        it, and the cores of one objective with different labels would not agree.)
    never_negative : bool
        Its values are never negative, whatever its arguments.
    keeps_sign : bool
        It is not negative where none of its arguments is.
    steepest : callable, optional
        An upper bound of the absolute value of the slope, between two arguments.
    below_identity : bool
        ``|f(z)| <= |z|``.
    bend : (int, operator), optional
        ``|f''| <= k g`` with a function g that falls with ``|z|``.
    """

    value: Callable[..., Ball]
    range: Callable[..., tuple[Ball, Ball]]
    slope_range: Callable[..., tuple[Ball, Ball]] | None = None
    series: Callable[..., Any] | None = None
    sides: tuple[Series, Series] | None = None
    jumps: bool = False
    rises: bool | None = None
    never_negative: bool = False
    keeps_sign: bool = False
    steepest: Callable[[Ball, Ball], Ball] | None = None
    below_identity: bool = False
    bend: tuple[int, Operator] | None = None


Table = Mapping[Operator, Entry]


def steep(most: Callable[[], Ball]) -> Callable[[Ball, Ball], Ball]:
    """Return the bound of a slope everywhere, at the precision of the day."""
    return lambda low, high: most()


def increases(
    value: Callable[[Ball], Ball],
    low: Ball = None,
    high: Ball = None,
    points: Sequence[tuple[float, float]] = (),
    **more: Any,
) -> Entry:
    """Return the entry of a function that rises, exact at some points."""
    rule = rising(value, low, high)
    rule = through(rule, *points) if points else rule
    return Entry(value, rule, rises=True, **more)


def logarithm(
    name: str, value: Callable[[Ball], Ball], series: Series, *base: float
) -> Entry:
    """Return the entry of a logarithm, which is 1 at its base."""
    rule = through(rising(value), (1.0, 0.0), *[(b, 1.0) for b in base])
    rule = within(rule, name, ZERO, closed=False)
    return Entry(value, rule, rises=True, series=series)
