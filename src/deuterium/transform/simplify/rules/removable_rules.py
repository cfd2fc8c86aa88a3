"""Quotients whose numerator and denominator vanish together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import Terms, terms

QUOTIENTS = (ops.multiply, ops.divide, ops.reciprocal)


@dataclass(frozen=True)
class _Gap:
    """``coefficient * prod(base ** power)``: what vanishes on both sides."""

    coefficient: Number
    powers: dict[Variable, int]


@dataclass(frozen=True)
class _Vanishing:
    """A factor that is ``scale * gap**times * smooth``, of a smooth operator."""

    scale: Number
    gap: tuple[Variable, Variable | None]
    smooth: Variable
    times: int = 1


# -- what vanishes ---------------------------------------------------------------------


def _gap(
    a: Variable, b: Variable | None, view: Factors, known: Assumptions
) -> _Gap | None:
    """Return ``a - b`` as a product that cancels some denominator of a view."""
    one = factors(a, known)
    if b is None or known.number(b) == 0:
        return _Gap(one.coefficient, dict(one.powers))
    other = factors(b, known)
    common = {
        base: min(e, other.powers[base], key=abs)
        for base, e in one.powers.items()
        if e * other.powers.get(base, 0) > 0
    }
    left, right = (build(_scalar_free(f.without(common)), known) for f in (one, other))
    if left is None or right is None:
        return None
    try:
        inside = terms(left - right, known)
    except ValueError:  # shapes that only broadcast
        return None
    if not any(inside.terms.values()):
        return _Gap(inside.constant, common) if inside.constant else None
    if len(inside.terms) == 1 and not inside.constant:
        ((term, c),) = inside.terms.items()
        product = factors(term, known)
        number = exact_constants.product(c, product.coefficient)
        if number is None:
            return None
        powers = dict(common)
        for base, e in product.powers.items():
            powers[base] = powers.get(base, 0) + e
        return _Gap(number, powers)
    for base, e in view.powers.items():
        if e:
            ratio = _ratio(inside, terms(base, known))
            if ratio is not None:
                powers = dict(common)
                powers[base] = powers.get(base, 0) + 1
                return _Gap(ratio, powers)
    return None


def _scalar_free(view: Factors) -> Factors:
    """Return a product in the shape of its factors."""
    shapes = [b.shape for b in view.powers]
    view.shape = max(shapes, key=len) if shapes else ()
    return view


def _ratio(a: Terms, b: Terms) -> Number | None:
    """Return the number r with ``a = r b``, if there is one that is a double."""
    mine, theirs = a.terms, b.terms
    if mine.keys() != theirs.keys() or not mine:
        return None
    if not all(mine.values()) or not all(theirs.values()):
        return None  # what vanishes may be undefined
    ratios = {Fraction(c) / Fraction(theirs[t]) for t, c in mine.items()}
    if len(ratios) > 1:
        return None
    (ratio,) = ratios
    if Fraction(a.constant) != ratio * Fraction(b.constant):
        return None
    return exact_constants.held(ratio)


def _filled(v: Variable, known: Assumptions, kinds: Any) -> Variable | None:
    """Return a product in which a factor and a denominator cancel, smoothly."""
    view = factors(v, known)
    if len(view.powers) < 2:
        return None
    for base, e in view.powers.items():
        for kind in kinds:
            for found in kind(base, known):
                result = _cancelled(view, base, e, found, known)
                if result is not None:
                    return result
    return None


def _cancelled(
    view: Factors, base: Variable, e: int, found: _Vanishing, known: Assumptions
) -> Variable | None:
    gap = _gap(*found.gap, view, known)
    if gap is None or not gap.coefficient:
        return None
    result = view.copy()
    del result.powers[base]
    cancels = False
    for factor, k in gap.powers.items():
        before = result.powers.get(factor, 0)
        result.powers[factor] = before + k * e * found.times
        # from one side of the fraction to nearer the other, without crossing twice
        cancels = cancels or (before * e < 0 < k)
    result.powers = {b: k for b, k in result.powers.items() if k}
    result.divided = {b for b in result.divided if result.powers.get(b, 0) < 0}
    number = exact_constants.power(gap.coefficient, e * found.times)
    scale = exact_constants.power(found.scale, e)
    if not cancels or number is None or scale is None:
        return None
    both = exact_constants.product(number, scale)
    coefficient = (
        None if both is None else exact_constants.product(both, result.coefficient)
    )
    if coefficient is None:
        return None
    result.coefficient = coefficient
    result.times(found.smooth, e * found.times)
    return build(result, known)


# -- exponentials ----------------------------------------------------------------------


def _difference(op: Operator, a: Variable, b: Variable | Number) -> Variable:
    found: Variable = op(a, b, m=1, n=1)
    return found


def _of_exponentials(base: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    if base.op is ops.expm1:
        a = base.args[0]
        yield _Vanishing(1, (a, None), _difference(ops.exp_difference, a, 0))
    elif base.op is ops.sinh:
        a = base.args[0]
        yield _Vanishing(1, (a, None), _difference(ops.exp_difference, a, -a))
    elif base.op is ops.add or base.op is ops.subtract:
        yield from _of_two(base, ops.exp, ops.exp_difference, 0, known)


def _of_two(
    base: Variable,
    op: Operator,
    difference: Operator,
    other: Number,
    known: Assumptions,
) -> Iterator[_Vanishing]:
    """Yield ``c * (f(a) - f(b))``; ``f(other)`` is 1 for exp."""
    view = terms(base, known)
    items = list(view.terms.items())
    if not items or not all(c and t.op is op for t, c in items):
        return
    (first, c), *rest = items
    a = first.args[0]
    if not rest and op is ops.exp and view.constant == -c:
        yield _Vanishing(c, (a, None), _difference(difference, a, other))
    elif len(rest) == 1 and rest[0][1] == -c and not view.constant:
        b = rest[0][0].args[0]
        if a.shape == b.shape:
            yield _Vanishing(c, (a, b), _difference(difference, a, b))


@rule(
    *QUOTIENTS,
    identity="(exp(a) - exp(b)) / (a - b) = exp_difference(a, b), expm1(x) / x, "
    "(1 - exp(-x)) / x, sinh(x) / x and their inverses, too",
    gains="no pole where a = b; it increases in both arguments",
    fills=True,
)
def quotient_of_exponentials(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the divided difference of the exponential."""
    return _filled(v, known, (_of_exponentials,))


def _of_powers(base: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    """Yield ``c * (u**e - 1)`` of a positive u: zero where u is one, or e zero."""
    if base.op is not ops.add and base.op is not ops.subtract:
        return
    view = terms(base, known)
    if len(view.terms) != 1 or not view.constant:
        return
    ((power, c),) = view.terms.items()
    if view.constant != -c or power.op not in (ops.power, ops.integer_power):
        return
    u = power.args[0]
    e = constant(power.attrs["n"]) if power.op is ops.integer_power else power.args[1]
    if power.shape or not known.positive(u):
        return
    growth = _difference(ops.exp_difference, e * ops.log(u), 0)
    yield _Vanishing(c, (e, None), ops.log(u) * growth)
    a, b = u.args if u.op is ops.divide else (u, constant(1))
    if a.shape == b.shape and known.positive(a) and known.positive(b):
        smooth = e * _difference(ops.log_difference, a, b) * growth
        yield _Vanishing(c, (a, b), smooth)


@rule(
    *QUOTIENTS,
    identity="(x**n - 1) / (x - 1) = n * log_difference(x, 1) * "
    "exp_difference(n * log(x), 0), so with x / y, and (x**n - 1) / n = log(x) * "
    "exp_difference(n * log(x), 0)",
    holds="where x > 0",
    gains="no pole where x = 1 or n = 0: annuities at an interest of 0, utilities",
    fills=True,
)
def quotient_of_powers(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a sum of powers, as of an annuity."""
    return _filled(v, known, (_of_powers,))


# -- logarithms ------------------------------------------------------------------------


def _of_logarithms(base: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    if base.op is ops.log1p:
        w = base.args[0]
        smooth = _difference(ops.log_difference, 1 + w, 1)
        yield _Vanishing(1, (w, None), smooth)
    elif base.op is ops.log:
        u = base.args[0]
        yield from _of_quotient(u, known)
        yield _Vanishing(1, (u, constant(1)), _difference(ops.log_difference, u, 1))
    elif base.op is ops.add or base.op is ops.subtract:
        yield from _of_two(base, ops.log, ops.log_difference, 1, known)


def _of_quotient(q: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    """Yield ``log(a / b)`` of a positive a."""
    if q.op is not ops.divide:
        return
    a, b = q.args
    if known.positive(a) or known.positive(b):
        yield _Vanishing(1, (a, b), _difference(ops.log_difference, a, b))


@rule(
    *QUOTIENTS,
    identity="(log(a) - log(b)) / (a - b) = log_difference(a, b), log1p(x) / x, "
    "log(x) / (x - 1), log(a / b) / (a - b) and their inverses, too",
    holds="everywhere; of log(a / b) where a > 0 or b > 0",
    gains="no pole where a = b; it falls in both arguments",
    fills=True,
)
def quotient_of_logarithms(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the divided difference of the logarithm."""
    return _filled(v, known, (_of_logarithms,))


# -- sines -----------------------------------------------------------------------------


def _of_sines(base: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    if base.op is ops.sin:
        a = base.args[0]
        yield _Vanishing(1, (a, None), ops.sinc(a, n=0))
    elif base.op is ops.add or base.op is ops.subtract:
        view = terms(base, known)
        items = list(view.terms.items())
        if len(items) == 1 and items[0][0].op is ops.cos and view.constant:
            ((wave, c),) = items
            (a,) = wave.args
            half = exact_constants.product(c, -0.5)
            if view.constant == -c and half is not None:
                smooth = ops.sinc(0.5 * a, n=0)
                yield _Vanishing(half, (a, None), smooth, times=2)


@rule(
    *QUOTIENTS,
    identity="sin(x) / x = sinc(x), (1 - cos(x)) / x**2 = sinc(x / 2)**2 / 2",
    gains="no pole at 0",
    fills=True,
)
def quotient_of_sines(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the sine divided by its argument."""
    return _filled(v, known, (_of_sines,))


# -- logistic functions ----------------------------------------------------------------


def _of_logistic(base: Variable, known: Assumptions) -> Iterator[_Vanishing]:
    """Yield ``tanh(a)``, and ``c * (expit(a) - 1 / 2)``: half of it at a / 2."""
    if base.op is ops.tanh:
        yield _Vanishing(1, (base.args[0], None), _even_tanh(base.args[0]))
    elif base.op is ops.add or base.op is ops.subtract:
        view = terms(base, known)
        for curve, c in view.terms.items():
            quarter = exact_constants.product(c, 0.25)
            alone = len(view.terms) == 1 and curve.op is ops.expit
            if alone and quarter is not None and 2 * view.constant == -c:
                a = curve.args[0]
                yield _Vanishing(quarter, (a, None), _even_tanh(a / 2))


def _even_tanh(a: Variable) -> Variable:
    """Return ``tanh(a) / a``, by exponentials that do not overflow."""
    size = 2 * ops.absolute(a)
    return 2 * _difference(ops.exp_difference, -size, 0) * ops.expit(size)


@rule(
    *QUOTIENTS,
    identity="tanh(x) / x = 2 * exp_difference(-2 * |x|, 0) * expit(2 * |x|), and "
    "(expit(x) - 1 / 2) / x = tanh(x / 2) / (2 * x)",
    gains="no pole at 0",
    fills=True,
)
def quotient_of_logistic(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a logistic curve, or its tangent, divided by its argument."""
    return _filled(v, known, (_of_logistic,))
