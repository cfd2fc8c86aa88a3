"""Rules for exponentials and logarithms."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.rules.logistic_rules import one_plus_exp
from deuterium.transform.simplify.terms import build_sum, terms
from deuterium.transform.simplify.written_out import logarithm_of_number, written_out

INVERSES = {
    ops.log: ops.exp,
    ops.log2: ops.exp2,
    ops.log1p: ops.expm1,
    ops.logit: ops.expit,
    ops.arcsinh: ops.sinh,
    ops.arctanh: ops.tanh,
}
"""``f(g(x)) = x`` for every real ``x``."""


@rule(
    *INVERSES,
    identity="log(exp(x)) = x, and other functions of their inverses",
    gains="two nodes",
)
def undo(v: Variable, known: Assumptions) -> Variable | None:
    """Cancel a function against its inverse, which is defined everywhere."""
    (x,) = v.args
    assert v.op is not None  # it was found by its operator
    if x.op is INVERSES[v.op]:
        return x.args[0]
    return None


PARTIAL_INVERSES = {
    ops.exp: ops.log,
    ops.exp2: ops.log2,
    ops.expm1: ops.log1p,
    ops.expit: ops.logit,
}
"""``f(g(x)) = x`` where ``g(x)`` is defined."""


@rule(
    *PARTIAL_INVERSES,
    identity="exp(log(x)) = x, and other functions of their inverses",
    holds="where the inner function is defined (x > 0)",
    gains="two nodes",
)
def undo_where_defined(v: Variable, known: Assumptions) -> Variable | None:
    """Cancel a function against its inverse, where that is defined."""
    (x,) = v.args
    assert v.op is not None  # it was found by its operator
    if x.op is not PARTIAL_INVERSES[v.op]:
        return None
    return x.args[0] if known.defined(x) else None


@rule(
    ops.exp,
    identity="exp(log_expit(x)) = expit(x), exp(x + log_expit(-x)) = expit(x)",
    gains="a slope that is known",
    names=True,
)
def exp_of_log_expit(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a logistic function that was taken from its logarithm."""
    (x,) = v.args
    if x.op is ops.log_expit:
        return ops.expit(x.args[0])
    if x.op is not ops.add and x.op is not ops.subtract:
        return None
    view = terms(x, known)
    inner = [t for t, c in view.terms.items() if t.op is ops.log_expit and c == 1]
    if len(inner) != 1 or len(view.terms) < 2:
        return None
    rest = build_sum(view.without(inner[0]), known)
    w = inner[0].args[0]
    if rest is None or not _are_opposite(rest, w, known):
        return None
    return ops.expit(rest)


def _are_opposite(a: Variable, b: Variable, known: Assumptions) -> bool:
    """Whether ``a = -b``, as they are written."""
    one, other = terms(a, known), terms(b, known)
    if one.constant != -other.constant or set(one.terms) != set(other.terms):
        return False
    return all(c == -other.terms[t] for t, c in one.terms.items())


@rule(
    ops.log,
    identity="log(exp(x) * y) = x + log(y), log(exp(x) / y) = x - log(y)",
    holds="where x is defined and y > 0",
    gains="nothing overflows: logits in place of chances",
    names=True,
)
def log_of_exp_times(v: Variable, known: Assumptions) -> Variable | None:
    """Take an exponential out of a logarithm."""
    view = factors(v.args[0], known)
    for base, e in view.powers.items():
        if base.op is not ops.exp or abs(e) != 1 or len(view.powers) != 2:
            continue
        rest = view.without({base: e})
        product = build(rest, known)
        if product is None or not known.positive(product):
            continue
        ((other, k),) = rest.powers.items()
        divides = k == -1 and rest.coefficient == 1
        log = -ops.log(other) if divides else ops.log(product)
        return log + base.args[0] if e == 1 else log - base.args[0]
    return None


@rule(
    ops.log,
    identity="log(expit(x)) = log_expit(x)",
    gains="no pole: the logistic function underflows, its logarithm does not",
)
def log_of_logistic(v: Variable, known: Assumptions) -> Variable | None:
    """Join a logarithm and a logistic function."""
    (x,) = v.args
    if x.op is ops.expit:
        return ops.log_expit(x.args[0])
    return None


@rule(
    ops.reciprocal,
    ops.divide,
    identity="1 / exp(x) = exp(-x), y / exp(x) = y * exp(-x)",
    gains="no division by what may underflow",
)
def reciprocal_of_exp(v: Variable, known: Assumptions) -> Variable | None:
    """Turn a reciprocal into a sign."""
    x = v.args[-1]
    if x.op is not ops.exp:
        return None
    inverse = ops.exp(-x.args[0])
    return inverse if v.op is ops.reciprocal else v.args[0] * inverse


KNOWN_LOGARITHM = frozenset({ops.exp, ops.expit, ops.softmax_last})


@rule(
    ops.log,
    identity="log(x * exp(y) / expit(z)) = log(x) + y - log_expit(z)",
    holds="where each factor is positive",
    gains="logarithms that meet their inverses",
)
def log_of_product(v: Variable, known: Assumptions) -> Variable | None:
    """Split the logarithm of a product that has a factor with a known logarithm."""
    view = factors(v.args[0], known)
    easy = {b: e for b, e in view.powers.items() if b.op in KNOWN_LOGARITHM}
    if not easy or (len(view.powers) < 2 and view.coefficient == 1):
        return None
    if view.coefficient <= 0 or not all(known.positive(b) for b in view.powers):
        return None
    rest = {b: e for b, e in view.powers.items() if b not in easy}
    hard = Factors(v.shape, view.coefficient, rest)
    result: Variable | None = None
    if hard.powers or hard.coefficient != 1:
        product = build(hard, known)
        if product is None:
            return None
        result = product.log()
    for base, e in easy.items():
        part = e * base.log()
        result = part if result is None else result + part
    return result


@rule(
    ops.xlogy,
    identity="xlogy(x, y) = x * log(y)",
    holds="where y > 0",
    gains="logarithms that meet their inverses",
)
def split_xlogy(v: Variable, known: Assumptions) -> Variable | None:
    """Split a product with the logarithm of a probability."""
    x, y = v.args
    if y.op not in KNOWN_LOGARITHM or not known.positive(y):
        return None
    return x * y.log()


# -- products with exponentials that are alike -----------------------------------------


@rule(
    ops.add,
    ops.subtract,
    identity="x * exp(a) - y * exp(b) = (r - 1) * y * exp(b), for a number r with "
    "a + log(x) = b + log(y) + log(r) once both sides are written out",
    holds="where x and y are positive, and both products defined",
    gains="a term, or both: the slopes of an option's price by its two distributions",
)
def equal_exponentials(v: Variable, known: Assumptions) -> Variable | None:
    """Use that two products with exponentials are multiples of each other."""
    view = terms(v, known)
    products = {t: factors(t, known) for t in view.terms}
    alike = [t for t, f in products.items() if any(b.op is ops.exp for b in f.powers)]
    for one, other in combinations(alike, 2):
        ratio = _ratio(products[one], products[other], known)
        if ratio is None or not known.defined(one, other):
            continue
        c = exact_constants.product(view.terms[one], ratio)
        rest = view.without(one)
        if c is not None and rest.add(other, c):
            return build_sum(rest, known)
    return None


def _ratio(one: Factors, other: Factors, known: Assumptions) -> Number | None:
    """Return the number that the first product is of the second."""
    parts: list[tuple[Variable, int]] = []
    powers = {b: e - other.powers.get(b, 0) for b, e in one.powers.items()}
    powers.update({b: -e for b, e in other.powers.items() if b not in powers})
    for base, e in powers.items():
        if base.op is ops.exp:
            parts.append((base.args[0], e))
        elif e and not known.positive(base):
            return None
        elif e:
            parts.append((ops.log(base), e))
    written = written_out(parts, known)
    number = None if written is None else logarithm_of_number(written)
    if number is None or not other.coefficient:
        return None
    return exact_constants.held(
        number * Fraction(one.coefficient) / Fraction(other.coefficient)
    )


# -- softplus --------------------------------------------------------------------------


@rule(
    ops.log,
    ops.log1p,
    identity="log(1 + exp(x)) = log1p(exp(x)) = -log_expit(-x)",
    gains="no overflow, one monotone function",
)
def softplus(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the softplus function."""
    (x,) = v.args
    if v.op is ops.log1p:
        u = x.args[0] if x.op is ops.exp else None
    else:
        u = one_plus_exp(x, known)
    return None if u is None else -ops.log_expit(-u)


@rule(
    ops.logaddexp,
    identity="logaddexp(0, x) = -log_expit(-x)",
    gains="one monotone function",
)
def softplus_of_two(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise softplus written as the logarithm of a sum of exponentials."""
    for zero, x in (v.args, v.args[::-1]):
        if known.number(zero) == 0:
            return -ops.log_expit(-x)
    return None
