"""Entropies in their many spellings, and logarithms that overflow nowhere."""

from __future__ import annotations

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops.exponential import log_of
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import terms

PRODUCTS = (ops.multiply, ops.divide, ops.negative)
BASES = {ops.log: None, ops.log1p: None, ops.log2: 2, ops.log10: 10}


def _argument(base: Variable, view: Factors, known: Assumptions) -> Variable | None:
    """Return the factor of a product that a logarithm in it is the logarithm of."""
    if base.op not in BASES:
        return None
    (x,) = base.args
    if base.op is not ops.log1p:
        return x if view.powers.get(x, 0) >= 1 else None
    for u, e in view.powers.items():
        if e >= 1 and u is not base and _exceeds_by_one(u, x, known):
            return u
    return None


def _exceeds_by_one(u: Variable, w: Variable, known: Assumptions) -> bool:
    if u.shape != w.shape:
        return False
    gap = terms(u - w, known)
    kept = {t for t, c in terms(u, known).terms.items() if c}
    return gap.constant == 1 and not any(gap.terms.values()) and kept >= set(gap.terms)


@rule(
    *PRODUCTS,
    identity="x * log(x) = -entr(x), x**p * log(x)**n = power_log(x, p)",
    gains="no pole at 0, where the product has a limit: 0",
    fills=True,
)
def entropy(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the product of a number and its logarithm."""
    view = factors(v, known)
    for base, n in view.powers.items():
        x = _argument(base, view, known) if n >= 1 else None
        if x is None:
            continue
        view, p = view.copy(), view.powers[x]
        assert base.op is not None  # it is a logarithm
        del view.powers[base], view.powers[x]
        if n == p == 1:
            view.coefficient = -view.coefficient
            view.times(ops.entr(x), 1)
        else:
            view.times(ops.power_log(x, constant(p), n=n), 1)
        unit = BASES[base.op]
        if unit is not None:
            view.times(log_of(unit), -n)
        return build(view, known)
    return None


@rule(
    *PRODUCTS,
    identity="x**y * log(x) = power_log(x, y), sqrt(x) * log(x) = power_log(x, 0.5)",
    gains="no pole at 0, where the product has a limit for y > 0: 0",
    fills=True,
)
def power_times_log(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the slope of a power by its exponent."""
    view = factors(v, known)
    for base, n in view.powers.items():
        if base.op is not ops.log or n < 1:
            continue
        for other, e in view.powers.items():
            exponent = _exponent(other)
            if e != 1 or exponent is None or other.args[0] is not base.args[0]:
                continue
            rest = view.without({base: n, other: 1})
            rest.times(ops.power_log(other.args[0], exponent, n=n), 1)
            return build(rest, known)
    return None


def _exponent(v: Variable) -> Variable | None:
    """Return to which power an operator takes its first argument."""
    if v.op is ops.sqrt:
        return constant(0.5)
    return v.args[1] if v.op is ops.power else None


@rule(
    *PRODUCTS,
    identity="x * log(x / y) = rel_entr(x, y), x * log(y / x) = -rel_entr(x, y)",
    holds="where y > 0",
    gains="no pole at x = 0, where the product has a limit: 0",
    fills=True,
)
def relative_entropy(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the product of a number and the logarithm of its share."""
    view = factors(v, known)
    for base, n in view.powers.items():
        if n != 1 or base.op is not ops.log:
            continue
        inside = factors(base.args[0], known)
        for x, e in inside.powers.items():
            if e not in (1, -1) or view.powers.get(x, 0) < 1:
                continue
            rest = build(inside.without({x: e}), known)
            if rest is None or rest.shape not in ((), x.shape):
                continue
            if not known.positive(rest):
                continue
            found = view.without({base: 1, x: 1})
            whole = 1 / rest if e == 1 else rest
            found.times(ops.rel_entr(x, broadcast_to(whole, x.shape)), 1)
            found.coefficient = e * found.coefficient
            return build(found, known)
    return None


@rule(
    ops.xlogy,
    ops.xlog1py,
    identity="xlogy(x, x) = -entr(x), xlog1py(1 + x, x) = -entr(1 + x)",
    gains="bounds: one argument is met once, and not twice",
    names=True,
)
def entropy_of_two(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the entropy written as a function of two arguments."""
    x, y = v.args
    same = x is y if v.op is ops.xlogy else _exceeds_by_one(x, y, known)
    return -ops.entr(x) if same else None


@rule(
    ops.xlogy,
    identity="xlogy(x, x / y) = rel_entr(x, y), xlogy(x, y / x) = -rel_entr(x, y)",
    holds="where y > 0",
    gains="no pole at x = 0, where the product has a limit: 0",
    fills=True,
)
def relative_entropy_of_two(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the relative entropy written as a function of two arguments."""
    x, share = v.args
    own, inside = factors(x, known), factors(share, known)
    for e in (1, -1):
        if any(inside.powers.get(b, 0) != e * n for b, n in own.powers.items()):
            continue
        scale = exact_constants.power(own.coefficient, -e)
        left = inside.without({b: e * n for b, n in own.powers.items()})
        number = scale and exact_constants.product(inside.coefficient, scale)
        if not own.powers or not number:
            continue
        left.coefficient = number
        rest = build(left, known)
        if rest is None or rest.shape not in ((), x.shape) or not known.positive(rest):
            continue
        whole = broadcast_to(1 / rest if e == 1 else rest, x.shape)
        return e * ops.rel_entr(x, whole)
    return None


# -- logarithms of sums of exponentials ------------------------------------------------


@rule(
    ops.log,
    identity="log(cosh(x)) = log_cosh(x)",
    gains="no overflow",
    names=True,
)
def log_of_cosh(v: Variable, known: Assumptions) -> Variable | None:
    """Join a logarithm and a hyperbolic cosine."""
    (x,) = v.args
    return ops.log_cosh(x.args[0]) if x.op is ops.cosh else None


@rule(
    ops.log,
    identity="log(exp(x) + exp(y)) = logaddexp(x, y)",
    gains="no overflow; it increases in both arguments",
    names=True,
)
def log_of_two_exponentials(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the logarithm of a sum of two exponentials."""
    (x,) = v.args
    if x.op is ops.add and all(a.op is ops.exp for a in x.args):
        return ops.logaddexp(*[a.args[0] for a in x.args])
    return None


@rule(
    ops.divide,
    ops.multiply,
    identity="sinh(x) / cosh(x) = tanh(x)",
    gains="no overflow",
)
def hyperbolic_quotient(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise tanh as the quotient that a chain rule leaves."""
    view = factors(v, known)
    for base, e in view.powers.items():
        if base.op is not ops.sinh or e < 1:
            continue
        for other, d in view.powers.items():
            if other.op is ops.cosh and d < 0 and other.args == base.args:
                n = min(e, -d)
                rest = view.copy()
                rest.powers[base], rest.powers[other] = e - n, d + n
                rest.powers = {b: k for b, k in rest.powers.items() if k}
                rest.times(ops.tanh(*base.args), n)
                return build(rest, known)
    return None
