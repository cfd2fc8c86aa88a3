"""Rules for the logistic function, tanh and softplus in their many spellings."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import (
    Factors,
    build,
    factors,
    unmoved,
)
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import Terms, build_sum, terms


def up_to_sign(u: Variable, known: Assumptions) -> tuple[Any, int]:
    """Return a key that ``u`` and ``-u`` share, and a sign that tells them apart."""
    op = u.op
    if op is ops.negative:
        key, sign = up_to_sign(u.args[0], known) if _shallow(u) else (id(u.args[0]), 1)
        return key, -sign
    if op is ops.subtract:
        a, b = (id(x) for x in u.args)
        return ("-", min(a, b), max(a, b)), 1 if a < b else -1
    if op is ops.multiply:
        for number, rest in (u.args, u.args[::-1]):
            value = known.number(number)
            if value is not None and value != 0:
                return ("*", abs(value), id(rest)), 1 if value > 0 else -1
    value = known.number(u) if u.op is None else None
    if value is not None:
        return ("number", abs(value)), 1 if value >= 0 else -1
    return id(u), 1


def _shallow(u: Variable) -> bool:
    return u.args[0].op is not ops.negative


def one_plus_exp(v: Variable, known: Assumptions) -> Variable | None:
    """Return ``u`` if ``v`` is ``1 + exp(u)``."""
    if v.op is not ops.add:
        return None
    for one, other in (v.args, v.args[::-1]):
        if other.op is ops.exp and known.number(one) == 1:
            return other.args[0]
    return None


# -- in products -----------------------------------------------------------------------


@dataclass
class _LogisticGroup:
    """``expit(z)**a * expit(-z)**b``, where ``z`` is ``u`` or ``-u``, reshaped."""

    u: Variable
    sign: int
    shape: Shape
    a: int = 0
    b: int = 0
    spellings: int = 0
    quotient: bool = False  # holds 1 / (1 + exp(u))

    @property
    def z(self) -> Variable:
        return self.u if self.sign > 0 else -self.u

    @property
    def minus_z(self) -> Variable:
        return -self.u if self.sign > 0 else self.u


_POWERS: dict[Operator, tuple[int, int]] = {
    ops.expit: (1, 0),
    ops.exp: (1, -1),  # exp(z) = expit(z) / expit(-z)
    ops.expit_slope: (1, 1),  # expit'(z) = expit(z) * expit(-z)
}


def combine_logistic(view: Factors, known: Assumptions) -> bool:
    """Write ``expit``, ``expit'``, ``exp`` and ``1 + exp`` of ``±z`` as few factors.

    All are products of powers of ``expit(z)`` and ``expit(-z)``, which are positive for
    every real ``z``.  Returns whether anything was combined.
    """
    groups: dict[Any, _LogisticGroup] = {}
    members: dict[Any, list[Variable]] = {}
    for base, power in view.powers.items():
        inner, times = unmoved(base)
        op, e = inner.op, times * power
        u, powers, quotient = None, _POWERS.get(op) if op else None, False
        if powers is not None:
            (u,) = inner.args
        elif op is ops.tanh_slope:
            u, powers = 2 * inner.args[0], (1, 1)  # and a coefficient of 4
        elif op is ops.add:
            u, powers, quotient = one_plus_exp(inner, known), (0, -1), e < 0
        if u is None or powers is None:
            continue
        key, sign = up_to_sign(u, known)
        new = _LogisticGroup(u, sign, base.shape)
        group = groups.setdefault((key, base.shape), new)
        members.setdefault((key, base.shape), []).append(base)
        a, b = powers if sign > 0 else powers[::-1]
        group.a, group.b = group.a + a * e, group.b + b * e
        group.spellings += 1
        group.quotient = group.quotient or quotient
    done = False
    for key, group in groups.items():
        if group.spellings > 1 or group.quotient:
            done = _emit(view, group, members[key], known) or done
    return done


def _emit(
    view: Factors, group: _LogisticGroup, members: list[Variable], known: Assumptions
) -> bool:
    a, b = group.a, group.b
    if a == b == 0 and not known.defined(group.u):
        return False
    # tanh'(z) = 4 * expit'(2 z)
    fours = 0
    for base in members:
        inner, times = unmoved(base)
        fours += times * view.powers[base] if inner.op is ops.tanh_slope else 0
    four = exact_constants.power(4, fours)
    coefficient = (
        None if four is None else exact_constants.product(view.coefficient, four)
    )
    if coefficient is None:
        return False
    view.coefficient = coefficient
    for base in members:
        del view.powers[base]

    def enter(function: Variable, power: int) -> None:
        view.times(arrays.reshape_to(function, group.shape), power)

    if a > 0 and b > 0:
        both = min(a, b)
        enter(ops.expit_slope(group.z), both)
        a, b = a - both, b - both
    elif a > 0 > b:
        both = min(a, -b)
        enter(ops.exp(group.z), both)
        a, b = a - both, b + both
    elif a < 0 < b:
        both = min(-a, b)
        enter(ops.exp(group.minus_z), both)
        a, b = a + both, b - both
    for power, z, minus in ((a, group.z, group.minus_z), (b, group.minus_z, group.z)):
        if power > 0:
            enter(ops.expit(z), power)
        elif power < 0:
            enter(1 + ops.exp(minus), -power)
    return True


# -- in sums ---------------------------------------------------------------------------


def _swap(
    view: Terms, old: Variable, new: Variable, coefficient: Number, known: Assumptions
) -> Variable | None:
    """Return a sum with one term and its constant replaced by one other term."""
    kept = view.without(old)
    kept.constant = 0
    kept.terms[new] = coefficient
    return build_sum(kept, known)


@rule(
    ops.subtract,
    ops.add,
    identity="1 - expit(x) = expit(-x), 1 - square(tanh(x)) = tanh'(x)",
    gains="a difference that cancels: relative accuracy, and no dependency",
)
def complement(v: Variable, known: Assumptions) -> Variable | None:
    """Name the rest to one of a logistic function or of a squared tanh."""
    view = terms(v, known)
    if view.constant == 0:
        return None
    for term, c in view.terms.items():
        if c != -view.constant or term.op is None:
            continue
        if term.op is ops.expit:
            return _swap(view, term, ops.expit(-term.args[0]), -c, known)
        if term.op is ops.square and term.args[0].op is ops.tanh:
            slope = ops.tanh_slope(term.args[0].args[0])
            return _swap(view, term, slope, -c, known)
    return None


@rule(
    ops.subtract,
    ops.add,
    identity="2 * expit(2 * x) - 1 = tanh(x), 1 + tanh(x) = 2 * expit(2 * x)",
    gains="one function in place of three operations",
)
def tanh_by_logistic(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise tanh as a shifted logistic function, and the other way round."""
    view = terms(v, known)
    if view.constant == 0:
        return None
    for term, c in view.terms.items():
        if term.op is ops.expit and exact_constants.product(-2, view.constant) == c:
            half = ops.tanh(0.5 * term.args[0])
            return _swap(view, term, half, -view.constant, known)
        if term.op is ops.tanh and c == view.constant:
            twice = exact_constants.product(2, c)
            if twice is not None:
                logistic = ops.expit(2 * term.args[0])
                return _swap(view, term, logistic, twice, known)
    return None


@rule(
    ops.divide,
    identity="(a * exp(u) + b * exp(v)) / (exp(u) + exp(v)) = b + (a - b) * expit(u - "
    "v) for numbers a and b, which is a * tanh((u - v) / 2) for b = -a; exp(0) = 1",
    holds="where u and v are defined",
    gains="one bounded function of a slope that is known",
    names=True,
)
def tanh_by_exponentials(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise tanh, and what a logistic function is moved to, as a quotient."""
    top, bottom = (_exponentials(x, known) for x in v.args)
    if not top or not bottom or len(bottom) != 2 or not set(top) <= set(bottom):
        return None
    (first, u, c), (second, w, d) = ((k, *x) for k, x in bottom.items())
    if c != d or not c > 0 or (ONE in bottom and len(top) < 2):
        return None  # the last is a logistic function already
    a, b = (
        Fraction(top[k][1] if k in top else 0) / Fraction(c) for k in (first, second)
    )
    held, rest = exact_constants.held(a - b), exact_constants.held(b)
    shift = _difference(u, w, known)
    if held is None or rest is None or shift is None or not known.defined(*v.args):
        return None
    if u is None:  # exp(0) and exp(w)
        held, rest = -held, exact_constants.held(a)
    if a == -b:
        curve = ops.tanh(0.5 * shift)
        return curve if held == 2 else 0.5 * held * curve
    return held * ops.expit(shift) + rest


ONE = ("exp", 0)  # the key of exp(0)


def _difference(
    u: Variable | None, w: Variable | None, known: Assumptions
) -> Variable | None:
    """Return ``u - w``, or ``w`` for ``0 - w``."""
    if u is None or w is None:
        return w if u is None else u
    (key, sign), (other, opposite) = (up_to_sign(x, known) for x in (u, w))
    return 2 * u if key == other and sign == -opposite else u - w


def _exponentials(
    v: Variable, known: Assumptions
) -> dict[Any, tuple[Variable | None, Number]] | None:
    """Return the exponents of a sum of exponentials, and coefficients, by keys."""
    view, found = terms(v, known), {}
    ones = view.constant
    for term, c in view.terms.items():
        if term.op is ops.expm1:
            less = exact_constants.total(ones, -c)
            if less is None:
                return None
            ones, base, e = less, ops.exp(term.args[0]), 1
        else:
            product = factors(term, known)
            if len(product.powers) != 1 or product.coefficient != 1:
                return None
            ((base, e),) = product.powers.items()
        if base.op is not ops.exp or abs(e) != 1:
            return None
        key, sign = up_to_sign(base.args[0], known)
        if (key, sign * e) in found:
            return None
        found[key, sign * e] = base.args[0] if e > 0 else -base.args[0], c
    if ones:
        found[ONE] = None, ones
    return found


@rule(
    ops.expit_slope,
    identity="expit'(2 * x) = tanh'(x) / 4",
    gains="the slope of a tanh that was spelled with a logistic function",
)
def slope_of_tanh(v: Variable, known: Assumptions) -> Variable | None:
    """Write the slope of a logistic function of ``2 x`` as that of tanh."""
    (u,) = v.args
    if u.op is ops.multiply:
        for two, x in (u.args, u.args[::-1]):
            if known.number(two) == 2:
                return 0.25 * ops.tanh_slope(x)
    return None


@rule(
    ops.add,
    ops.subtract,
    identity="a * expit(-z) + b * expit(z) = a + (b - a) * expit(z)",
    holds="where b - a is a number and what vanishes from it is defined",
    gains="one function: y * expit(-z) - (1 - y) * expit(z) = y - expit(z)",
)
def logistic_pair(v: Variable, known: Assumptions) -> Variable | None:
    """Join ``expit(z)`` and ``expit(-z)`` in a sum; both stand for one probability."""
    view = terms(v, known)
    seen: dict[Any, tuple[Variable, Variable, Number]] = {}
    for term, c in view.terms.items():
        product = factors(term, known)
        for base, e in product.powers.items():
            if e != 1 or base.op is not ops.expit:
                continue
            rest = product.without({base: 1})
            key, sign = up_to_sign(base.args[0], known)
            other = seen.get((key, -sign))
            if other is not None:
                joined = _joined(view, other, (term, base, rest), c, known)
                if joined is not None:
                    return joined
            seen[key, sign] = (term, base, c)
    return None


def _joined(
    view: Terms,
    other: tuple[Variable, Variable, Number],
    this: tuple[Variable, Variable, Factors],
    c: Number,
    known: Assumptions,
) -> Variable | None:
    """Return ``a + (b - a) * expit(z)`` if ``b - a`` is a number."""
    first_term, first_base, first_c = other
    term, base, rest = this
    first = build(factors(first_term, known).without({first_base: 1}), known)
    second = build(rest, known)
    if first is None or second is None:
        return None
    a, b = first_c * first, c * second
    difference = terms(b - a, known)
    stay = terms(a, known).terms
    lost = [t for t in difference.terms if not stay.get(t)]
    if any(difference.terms.values()) or not known.defined(*lost):
        return None
    joined = view.without(first_term, term)
    if not (joined.add(a, 1) and joined.add(base, difference.constant)):
        return None
    return build_sum(joined, known)
