"""Exponentials and logarithms."""

from __future__ import annotations

from deuterium.graph.variable import Variable
from deuterium.transform.rules.factors import Factors, build, factors
from deuterium.transform.rules.known import Known
from deuterium.transform.rules.logistic import apply
from deuterium.transform.rules.table import rule

INVERSES = {
    "log": "exp",
    "log2": "exp2",
    "log1p": "expm1",
    "logit": "expit",
    "arcsinh": "sinh",
    "arctanh": "tanh",
}
"""``f(g(x)) = x`` for every real ``x``."""


@rule(
    *INVERSES,
    identity="log(exp(x)) = x, and other functions of their inverses",
    gains="two nodes",
)
def undo(v: Variable, known: Known) -> Variable | None:
    """Cancel a function against its inverse, which is defined everywhere."""
    (x,) = v.args
    assert v.op is not None  # it was found by its operator
    if x.op is not None and x.op.name == INVERSES[v.op.name]:
        return x.args[0]
    return None


PARTIAL_INVERSES = {"exp": "log", "exp2": "log2", "expm1": "log1p", "expit": "logit"}
"""``f(g(x)) = x`` where ``g(x)`` is defined."""


@rule(
    *PARTIAL_INVERSES,
    identity="exp(log(x)) = x, and other functions of their inverses",
    holds="where the inner function is defined (x > 0)",
    gains="two nodes",
)
def undo_where_defined(v: Variable, known: Known) -> Variable | None:
    """Cancel a function against its inverse, where that is defined."""
    (x,) = v.args
    assert v.op is not None  # it was found by its operator
    if x.op is None or x.op.name != PARTIAL_INVERSES[v.op.name]:
        return None
    return x.args[0] if known.defined(x) else None


@rule(
    "log",
    identity="log(expit(x)) = log_expit(x)",
    gains="no pole: the logistic function underflows, its logarithm does not",
)
def log_of_logistic(v: Variable, known: Known) -> Variable | None:
    """Join a logarithm and a logistic function."""
    (x,) = v.args
    if x.op is not None and x.op.name == "expit":
        return apply("log_expit", x.args[0])
    return None


@rule(
    "reciprocal",
    identity="1 / exp(x) = exp(-x)",
    gains="no division",
)
def reciprocal_of_exp(v: Variable, known: Known) -> Variable | None:
    """Turn a reciprocal into a sign."""
    (x,) = v.args
    if x.op is not None and x.op.name == "exp":
        return apply("exp", -x.args[0])
    return None


KNOWN_LOGARITHM = frozenset({"exp", "expit", "softmax"})


@rule(
    "log",
    identity="log(x * exp(y) / expit(z)) = log(x) + y - log_expit(z)",
    holds="where each factor is positive",
    gains="logarithms that meet their inverses",
)
def log_of_product(v: Variable, known: Known) -> Variable | None:
    """Split the logarithm of a product that has a factor with a known logarithm."""
    view = factors(v.args[0], known)
    easy = [b for b in view.powers if b.op is not None and b.op.name in KNOWN_LOGARITHM]
    if not easy or len(view.powers) < 2 and view.coefficient == 1:
        return None
    if view.coefficient <= 0 or not all(known.positive(b) for b in view.powers):
        return None
    hard = Factors(v.shape, view.coefficient, {b: e for b, e in view.powers.items() if b not in easy})
    result: Variable | None = None
    if hard.powers or hard.coefficient != 1:
        result = build(hard, known).log()
    for base in easy:
        part = view.powers[base] * base.log()
        result = part if result is None else result + part
    return result
