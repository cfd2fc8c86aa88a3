"""The logistic function and tanh with their derivatives, from one exponential.

Where several of them are taken of one argument, they become one task, which fills the
slots of all three (-1 for those that are not wanted).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    HALF,
    ONE,
    TWO,
    ZERO,
    Ball,
    smaller,
)
from deuterium.certify.checker.scalar_layout import Task, TaskGroup
from deuterium.certify.checker.unary_ranges import wave_between
from deuterium.graph.operator import Operator

Three = tuple[Ball, Ball, Ball]  # a function and its first two derivatives


@dataclass(frozen=True)
class Family:
    """A curve from its least value to 1, its slope and its second derivative.

    Attributes
    ----------
    members : tuple of Operator
        The three of them.
    function : callable
        Their values.
    turn : callable
        Where the second derivative is least (and, at minus that, largest).
    least, middle, top : arb
        The least value of the curve, that at zero, and the largest of its slope.
    """

    members: tuple[Operator, Operator, Operator]
    function: Callable[[Ball], Three]
    turn: Callable[[], Ball]
    least: Ball
    middle: Ball
    top: Ball


def joined(groups: Sequence[TaskGroup]) -> list[TaskGroup]:
    """Return the groups with families joined where two members share an argument."""
    for family in FAMILIES:
        groups = _joined(groups, family)
    return list(groups)


def _joined(groups: Sequence[TaskGroup], family: Family) -> list[TaskGroup]:
    members = family.members
    slots: dict[int, list[int]] = {}
    for group in groups:
        if group.op in members:
            for (k,), (i,) in group.tasks:
                mine = slots.setdefault(i, [-1, -1, -1])
                member = members.index(group.op)
                if mine[member] < 0:  # else it is taken twice, and this one stays alone
                    mine[member] = k
    shared = {i: tuple(ks) for i, ks in slots.items() if sum(k >= 0 for k in ks) > 1}
    out: list[TaskGroup] = []
    done: set[int] = set()
    for group in groups:
        if group.op not in members:
            out.append(group)
            continue
        own = [t for t in group.tasks if t[0][0] not in shared.get(t[1][0], ())]
        new: list[Task] = []
        for _, (i,) in group.tasks:
            if i in shared and i not in done:
                done.add(i)
                new.append((shared[i], (i,)))
        if new:
            out.append(TaskGroup(family, new, {}))
        if own:
            out.append(TaskGroup(group.op, own, group.attrs))
    return out


def _exponential(x: Ball) -> tuple[Ball, Ball]:
    """Return exp and exp - 1, both as accurate as the argument."""
    e = x.exp()
    return e, x.expm1() if e > HALF else e - ONE


def logistic(x: Ball) -> Three:
    """Return the logistic function and its first two derivatives."""
    e, less = _exponential(-x if x > ZERO else x)
    d = ONE / (ONE + e)
    s, q = (d, e * d) if x > ZERO else (e * d, d)
    slope = s * q
    return s, slope, slope * d * (less if x > ZERO else -less)


def hyperbolic(x: Ball) -> Three:
    """Return tanh and its first two derivatives."""
    e, less = _exponential(-TWO * x if x > ZERO else TWO * x)
    d = ONE / (ONE + e)
    t = -less * d if x > ZERO else less * d
    slope = 4 * e * d * d
    return t, slope, -TWO * t * slope


FAMILIES = (
    Family(
        (ops.expit, ops.expit_slope, ops.expit_curvature),
        logistic,
        lambda: (TWO + arb(3).sqrt()).log(),
        ZERO,
        HALF,
        HALF * HALF,
    ),
    Family(
        (ops.tanh, ops.tanh_slope, ops.tanh_curvature),
        hyperbolic,
        lambda: (ONE / arb(3).sqrt()).atanh(),
        -ONE,
        ZERO,
        ONE,
    ),
)

Step = Callable[[list[Ball], list[Ball]], None]


def step_for(group: TaskGroup) -> Step:
    """Return the step of a family's ranges."""
    family: Family = group.op
    function, least, middle, top = (
        family.function,
        family.least,
        family.middle,
        family.top,
    )
    turn = family.turn()
    bottom = function(turn)[2]
    tasks = [(*outs, *ins) for outs, ins in group.tasks]

    def step(low: list[Ball], high: list[Ball]) -> None:
        for k, k1, k2, i in tasks:
            a, b = low[i], high[i]
            f, f1, f2 = function(a)
            g, g1, g2 = (f, f1, f2) if a is b else function(b)
            if k >= 0:
                floor = middle if a >= ZERO else least
                ceiling = middle if b <= ZERO else ONE
                low[k] = f if f > floor else floor
                high[k] = g if g < ceiling else ceiling
            if k1 >= 0:
                low[k1], high[k1] = _hill(a, b, f1, g1, top)
            if k2 >= 0:
                low[k2], high[k2] = wave_between(a, b, (f2, g2), turn, bottom)

    return step


def _hill(a: Ball, b: Ball, f: Ball, g: Ball, top: Ball) -> tuple[Ball, Ball]:
    if a >= ZERO:
        f, g = g, f
    elif not b <= ZERO:
        f, g = smaller(f, g), top
    return f if f > ZERO else ZERO, g if g < top else top
