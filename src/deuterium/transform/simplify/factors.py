"""A product seen as a coefficient times powers of factors, and built again.

``-(2 x / y) * square(broadcast(z))`` is ``-2 * x**1 * y**-1 * z**2``: the view looks
through signs, quotients, powers and broadcasts.  Factors keep their own small shapes
and broadcast to the shape of the product.  Building multiplies small factors first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable
from deuterium.ops.arithmetic import raise_to
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.broadcastable import spread_shape
from deuterium.transform.simplify.exact_constants import Number

MOST_FACTORS = 10  # beyond it, factors that are products themselves stay closed
MOST_POWER = 16  # in size: exponents beyond it stay closed


_FUNCTIONS = frozenset(
    {ops.expit, ops.exp, ops.expit_slope, ops.tanh_slope, ops.softmax_last}
)
_COMBINE = _FUNCTIONS | {
    ops.gather,
    ops.add,
    ops.add_reduce,
    ops.reshape,
}  # may hold one


@dataclass
class Factors:
    """``coefficient * prod(base ** power)``, broadcast to ``shape``.

    Attributes
    ----------
    divided : set of Variable
        Factors that stood in a denominator: they may be cancelled only where they are
        not zero.
    occurrences, others : int
        How many factors, and how many numbers, signs and powers, were met.
    functions : int
        How many factors may combine with others, such as ``exp(x)``.
    """

    shape: Shape
    coefficient: Number = 1
    powers: dict[Variable, int] = field(default_factory=dict)
    divided: set[Variable] = field(default_factory=set)
    occurrences: int = 0
    others: int = 0
    functions: int = 0

    def times(self, base: Variable, power: int, divides: bool = False) -> None:
        """Multiply by ``base ** power``."""
        self.powers[base] = self.powers.get(base, 0) + power
        self.occurrences += 1
        if power < 0 or divides:
            self.divided.add(base)
        if base.op in _COMBINE:
            self.functions += 1

    def copy(self, shape: Shape | None = None) -> Factors:
        """Return a view that may be changed."""
        return Factors(
            self.shape if shape is None else shape,
            self.coefficient,
            dict(self.powers),
            set(self.divided),
            self.occurrences,
            self.others,
            self.functions,
        )

    def without(self, common: dict[Variable, int]) -> Factors:
        """Return what is left when common factors are taken out."""
        left = {
            b: e - common.get(b, 0)
            for b, e in self.powers.items()
            if b not in common or e != common[b]
        }
        divided = self.divided.intersection(left)
        return Factors(self.shape, self.coefficient, left, divided)

    @property
    def is_plain(self) -> bool:
        """Whether each factor was met once, in one shape, and none divides."""
        return (
            self.occurrences == len(self.powers)
            and self.others < 2
            and not self.divided
            and (not self.shape or all(b.shape == self.shape for b in self.powers))
        )

    @property
    def may_combine(self) -> bool:
        """Whether functions among the factors may have a shorter spelling."""
        return self.functions > 1 or (self.functions == 1 and bool(self.divided))

    @property
    def stops(self) -> set[Variable]:
        """What the cost of a product is counted down to.

        The factors, or what is under a function that may combine with another.
        """
        found: set[Variable] = set()
        for base in self.powers:
            inner, _ = unmoved(base)
            found.update(_under(inner) if _may_combine(inner) else (base,))
        return found

    @property
    def poles(self) -> int:
        """How many factors are unbounded for sure: denominators and exponentials."""
        return sum(e < 0 or (e > 0 and b.op is ops.exp) for b, e in self.powers.items())


def unmoved(base: Variable) -> tuple[Variable, int]:
    """Return ``x`` and ``k`` where a factor is ``x ** k``, reshaped."""
    power = 1
    while base.op is ops.reshape or (base.op is ops.square and power < MOST_POWER):
        power *= 2 if base.op is ops.square else 1
        (base,) = base.args
    return base, power


def _may_combine(base: Variable) -> bool:
    if base.op is None:
        return False
    if base.op is ops.add:
        return any(a.op is ops.exp for a in base.args)
    return base.op in _FUNCTIONS


def _under(base: Variable) -> list[Variable]:
    """Return the arguments of a function of ``±z``, without sign and coefficient."""
    found: list[Variable] = []
    for a in base.args:
        if base.op is ops.add:
            found.extend(_under(a) if a.op is ops.exp else ())
        elif a.op in (ops.negative, ops.multiply, ops.subtract):
            found.extend(a.args)
        else:
            found.append(a)
    return found


def factors(v: Variable, known: Assumptions) -> Factors:
    """Return ``v`` as a product; the view is shared, copy it before changing it.

    Where a denominator cancels that may be zero, ``v`` itself is the only factor.
    """
    view = known.products.get(v)
    if view is None:
        view = Factors(v.shape)
        multiply_in(view, v, 1, known)
        if not may_cancel(view, known):
            view = Factors(v.shape)
            view.times(v, 1)
        known.products[v] = view
    return view


def may_cancel(view: Factors, known: Assumptions) -> bool:
    """Whether nothing undefined is lost.

    What was divided by and cancels is never zero; what cancels otherwise is defined.
    """
    return all(
        known.nonzero(base) if base in view.divided else e > 0 or known.defined(base)
        for base, e in view.powers.items()
        if e >= 0
    )


def multiply_in(into: Factors, v: Variable, power: int, known: Assumptions) -> None:
    """Multiply a view by ``v ** power``."""
    powers = into.powers
    stack = [(v, power, False)]
    while stack:
        x, e, divides = stack.pop()
        if x.op is None or x.op in _MOVES:
            value = _exact_power(known.number(x), e, divides)
            value = (
                None
                if value is None
                else exact_constants.product(into.coefficient, value)
            )
            if value is not None:
                into.coefficient = value
                into.others += 1
                continue
        inside = None
        if len(powers) + len(stack) < MOST_FACTORS and -MOST_POWER <= e <= MOST_POWER:
            inside = _look_inside(x, e)
        if inside is None:
            into.times(x, e, divides)
            continue
        if len(inside) == 1:
            into.others += 1
            if e % 2 and x.op is ops.negative:
                into.coefficient = -into.coefficient
        # 1 / (1 / a) is a, but undefined where a is zero
        stack += [(a, n, divides or e < 0 < n) for a, n in inside]


def _exact_power(number: Number | None, e: int, divides: bool) -> Number | None:
    if number is None or (divides and number == 0):
        return None
    return exact_constants.power(number, e)


_MOVES = frozenset({ops.broadcast, ops.reshape})


def _look_inside(x: Variable, e: int) -> tuple[tuple[Variable, int], ...] | None:
    """Return the factors of ``x ** e`` (without their sign), or None for an atom."""
    op = x.op
    if op not in OPEN:
        return None
    first = x.args[0]
    if op is ops.multiply:
        return (x.args[1], e), (first, e)
    if op is ops.divide:
        return (x.args[1], -e), (first, e)
    if op is ops.square:
        return ((first, 2 * e),)
    if op is ops.reciprocal:
        return ((first, -e),)
    if op is ops.integer_power:
        return ((first, x.attrs["n"] * e),) if x.attrs["n"] else None
    if op is ops.reshape and not _only_spreads(x):
        return None
    return ((first, e),)


OPEN = frozenset(
    {
        ops.multiply,
        ops.divide,
        ops.square,
        ops.reciprocal,
        ops.integer_power,
        ops.negative,
        ops.broadcast,
        ops.reshape,
    }
)
"""Operators that a product is seen through."""


def _only_spreads(x: Variable) -> bool:
    """Whether a reshape only puts axes of length one in front, as broadcasting does."""
    own = x.args[0].shape
    return x.ndim >= len(own) and x.shape == spread_shape(own, x.ndim)


# -- building --------------------------------------------------------------------------


def build(view: Factors, known: Assumptions) -> Variable | None:
    """Return the product as a node, small factors multiplied first.

    None where a factor cancels that may be zero or undefined.
    """
    if not may_cancel(view, known):
        return None
    groups: dict[Shape, list[Variable]] = {}
    rank = known.rank
    for base in sorted(view.powers, key=lambda b: rank.get(b, len(rank))):
        if view.powers[base]:
            groups.setdefault(base.shape, []).append(base)
    result: Variable | None = None
    for shape in sorted(groups, key=lambda s: (math.prod(s), len(s))):
        part = _quotient(groups[shape], view.powers)
        result = part if result is None else _joined(result, part, view, shape)
    return broadcast_to(_scaled(view.coefficient, result), view.shape)


def _joined(result: Variable, part: Variable, view: Factors, shape: Shape) -> Variable:
    if result.op is ops.reciprocal:
        return part / result.args[0]
    if part.op is ops.reciprocal:
        return result / part.args[0]
    return result * part


def _scaled(coefficient: Number, x: Variable | None) -> Variable:
    if x is None:
        return constant(coefficient)
    if coefficient == 1:
        return x
    if coefficient == -1:
        return -x
    if x.op is ops.reciprocal:
        return coefficient / x.args[0]
    return coefficient * x


def _quotient(bases: Iterable[Variable], powers: dict[Variable, int]) -> Variable:
    """Return the product of powers of factors of one shape, as one quotient."""
    top = _grouped({b: powers[b] for b in bases if powers[b] > 0})
    bottom = _grouped({b: -powers[b] for b in bases if powers[b] < 0})
    if bottom is None:
        assert top is not None  # there is at least one factor
        return top
    return raise_to(bottom, -1) if top is None else top / bottom


def _grouped(powers: dict[Variable, int]) -> Variable | None:
    """Return ``square(x * y) * z`` for powers 2, 2 and 1."""
    if not powers:
        return None
    result: Variable | None = None
    for e in sorted(set(powers.values()), reverse=True):
        inner: Variable | None = None
        for base in (b for b, power in powers.items() if power == e):
            inner = base if inner is None else inner * base
        part: Variable = raise_to(inner, e)
        result = part if result is None else result * part
    return result
