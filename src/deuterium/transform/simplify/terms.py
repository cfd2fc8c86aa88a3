"""A sum seen as a constant plus numbers times terms, and built again."""

from __future__ import annotations

from dataclasses import dataclass, field

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number

MOST_TERMS = 8  # beyond it, terms that are sums themselves stay closed


@dataclass
class Terms:
    """``constant + sum(coefficient * term)``, broadcast to ``shape``.

    Attributes
    ----------
    occurrences, numbers : int
        How many terms, and how many numbers, were met.
    """

    shape: Shape
    constant: Number = 0
    terms: dict[Variable, Number] = field(default_factory=dict)
    occurrences: int = 0
    numbers: int = 0

    def add(self, term: Variable, coefficient: Number) -> bool:
        """Add ``coefficient * term`` unless that needs rounding."""
        self.occurrences += 1
        if term not in self.terms:
            self.terms[term] = coefficient
            return True
        value = exact_constants.total(self.terms[term], coefficient)
        if value is None:
            return False
        self.terms[term] = value
        return True

    def without(self, *gone: Variable) -> Terms:
        """Return the sum less some terms, which the caller puts elsewhere."""
        others = set(gone)
        left = {t: c for t, c in self.terms.items() if t not in others}
        return Terms(self.shape, self.constant, left)


def terms(v: Variable, known: Assumptions) -> Terms:
    """Return ``v`` as a sum; a coefficient of 0 marks a term that cancels."""
    view = known.sums.get(v)
    if view is None:
        view = known.sums[v] = _seen(v, known)
    return view


def _seen(v: Variable, known: Assumptions) -> Terms:
    seen = Terms(v.shape)
    stack: list[tuple[Variable, Number]] = [(v, 1)]
    while stack:
        x, c = stack.pop()
        if (x.op is None or x.op in _SPREADS) and _is_number(seen, x, c, known):
            continue
        room = len(seen.terms) + len(stack) < MOST_TERMS
        inside = _look_inside(x, c, known) if room else None
        if inside is not None:
            stack.extend(inside[::-1])
        elif not seen.add(x, c):
            seen.terms[c * x] = 1  # a sum of coefficients that would round
    return seen


_SPREADS = frozenset({ops.broadcast, ops.reshape})


def _is_number(seen: Terms, x: Variable, c: Number, known: Assumptions) -> bool:
    """Add ``c * x`` to the constant if it is a number that needs no rounding."""
    number = known.number(x)
    value = None if number is None else exact_constants.product(c, number)
    value = None if value is None else exact_constants.total(seen.constant, value)
    if value is None:
        return False
    seen.constant = value
    seen.numbers += 1
    return True


def _look_inside(
    x: Variable, c: Number, known: Assumptions
) -> list[tuple[Variable, Number]] | None:
    """Return the terms of ``c * x``, or None for an atom."""
    if x.op is None:
        return None
    op, args = x.op, x.args
    if op is ops.add:
        return [(args[0], c), (args[1], c)]
    if op is ops.subtract:
        return [(args[0], c), (args[1], -c)]
    if op is ops.negative:
        return [(args[0], -c)]
    if op is ops.multiply:
        for number, rest in (args, args[::-1]):
            value = known.number(number)
            scaled = None if value is None else exact_constants.product(c, value)
            if scaled is not None:
                return [(rest, scaled)]
    return None


def build_sum(view: Terms, known: Assumptions) -> Variable | None:
    """Return the sum as a node: what is added first, then what is subtracted.

    None where a term that cancels need not be defined: it may not be left out.
    """
    if not known.defined(*[t for t, c in view.terms.items() if c == 0]):
        return None
    plus = [_scaled(c, t) for t, c in view.terms.items() if c > 0]
    minus = [_scaled(-c, t) for t, c in view.terms.items() if c < 0]
    if view.constant > 0 or (not plus and not minus):
        plus.append(constant(view.constant))
    elif view.constant < 0:
        minus.append(constant(-view.constant))
    if plus:
        result = plus[0]
        for term in plus[1:]:
            result = result + term
        for term in minus:
            result = result - term
    else:
        total = minus[0]
        for term in minus[1:]:
            total = total + term
        result = -total
    return broadcast_to(result, view.shape)


def _scaled(c: Number, x: Variable) -> Variable:
    return x if c == 1 else c * x
