"""What each element-wise operator means on balls, written from its definition.

The oracle of the tests and of `deuterium.testing`: apart from the operators' own
records, and from the checker of certificates, so that an error there cannot hide here.

A rule is given finite balls and returns a ball that holds every value; None where the
function is certainly not defined, which its domain alone decides; and whatever is not
finite where nothing is known at this precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.testing import ball_choices, quotients
from deuterium.testing.gamma_definitions import GAMMA

Rule = Callable[..., Any]

UNDEFINED, UNKNOWN = arb("nan"), arb("[+/- inf]")
ZERO, ONE, TWO, HALF = arb(0), arb(1), arb(2), arb("0.5")
EITHER = arb(HALF, HALF)  # from 0 to 1
FAR = -30000  # below it, the normal tail is taken from its asymptotic series


def guarded(rule: Rule) -> Rule:
    """Return a rule that is NaN where undefined for certain, and infinite if unknown.

    Given a NaN it returns NaN, and given an infinite ball an infinite one.
    """

    def run(*args: Any) -> Any:
        for x in args:
            if x.is_nan():
                return UNDEFINED
        for x in args:
            if not x.is_finite():
                return UNKNOWN
        y = rule(*args)
        if y is None:
            return UNDEFINED
        return y if y.is_finite() else UNKNOWN

    return run


def _where(low: Any, high: Any, *, open_: bool) -> Callable[[Rule], Rule]:
    """Return a decorator for functions of one variable defined between two ends."""

    def decorate(function: Rule) -> Rule:
        def run(x: Any) -> Any:
            if low is not None and (x < low or (open_ and x <= low)):
                return None
            if high is not None and (x > high or (open_ and x >= high)):
                return None
            above = low is None or (x > low if open_ else x >= low)
            below = high is None or (x < high if open_ else x <= high)
            return function(x) if above and below else UNKNOWN

        return run

    return decorate


_positive = _where(ZERO, None, open_=True)
_inside_unit = _where(ZERO, ONE, open_=True)
_closed_unit = _where(-ONE, ONE, open_=False)


# -- algebra -------------------------------------------------------------------------


def _reciprocal(x: Any) -> Any:
    if x == 0:
        return None
    return UNKNOWN if x.contains(0) else ONE / x


def _divide(a: Any, b: Any) -> Any:
    r = _reciprocal(b)
    if r is None or not r.is_finite():
        return r
    return a / b


def integer_power(x: Any, n: int) -> Any:
    """Return a whole power."""
    if n == 0:
        return ONE
    return x**n if n > 0 else _reciprocal(x ** (-n))


def _power(x: Any, y: Any) -> Any:
    if y.is_exact() and y.is_integer():
        return integer_power(x, int(y.unique_fmpz()))
    if x > 0:
        return (y * x.log()).exp()
    if x == 0 and (y > 0 or y < 0):
        return ZERO if y > 0 else None
    if x < 0 and y.is_exact():
        return None
    return UNKNOWN


def _cbrt(x: Any) -> Any:
    if x == 0:
        return ZERO
    if x > 0 or x < 0:
        return x.root(3) if x > 0 else -((-x).root(3))
    return arb(0, abs(x).upper().root(3).upper())


def _sqrt(x: Any) -> Any:
    if x < 0:
        return None
    if x == 0:
        return ZERO
    return x.sqrt() if x >= 0 else UNKNOWN


def _hypot(x: Any, y: Any) -> Any:
    return (x**2 + y**2).nonnegative_part().sqrt()


def _direction_cosine(x: Any, y: Any) -> Any:
    """Return the cosine of the angle of (x, y), and 0 at the origin."""
    if x == 0:
        return ZERO
    size = x**2 + y**2
    return x / size.sqrt() if size > 0 else arb(0, 1)


ALGEBRA: Mapping[Operator, Rule] = {
    ops.add: lambda a, b: a + b,
    ops.subtract: lambda a, b: a - b,
    ops.multiply: lambda a, b: a * b,
    ops.divide: _divide,
    ops.negative: lambda x: -x,
    ops.square: lambda x: x**2,
    ops.sqrt: _sqrt,
    ops.reciprocal: _reciprocal,
    ops.cbrt: _cbrt,
    ops.power: _power,
    ops.hypot: _hypot,
    ops.direction_cosine: _direction_cosine,
}


# -- exponentials, logarithms, angles ------------------------------------------------


def _exp2(x: Any) -> Any:
    if x.is_exact() and x.is_integer() and abs(x) < 2**40:
        return arb((1, int(x.unique_fmpz())))
    return (x * TWO.log()).exp()


def _tan(x: Any) -> Any:
    c = x.cos()
    return UNKNOWN if c.contains(0) else x.sin() / c


EXPONENTIALS: Mapping[Operator, Rule] = {
    ops.exp: lambda x: x.exp(),
    ops.exp2: _exp2,
    ops.expm1: lambda x: x.expm1(),
    ops.log: _positive(lambda x: x.log()),
    ops.log2: _positive(lambda x: x.log() / TWO.log()),
    ops.log10: _positive(lambda x: x.log() / arb(10).log()),
    ops.log1p: _where(-ONE, None, open_=True)(lambda x: x.log1p()),
    ops.sinh: lambda x: x.sinh(),
    ops.cosh: lambda x: x.cosh(),
    ops.tanh: lambda x: x.tanh(),
    ops.tanh_slope: lambda x: x.sech() ** 2,
    ops.tanh_curvature: lambda x: -2 * x.tanh() * x.sech() ** 2,
    ops.arcsinh: lambda x: x.asinh(),
    ops.arccosh: _where(ONE, None, open_=False)(lambda x: x.acosh()),
    ops.arctanh: _where(-ONE, ONE, open_=True)(lambda x: x.atanh()),
    ops.sin: lambda x: x.sin(),
    ops.cos: lambda x: x.cos(),
    ops.tan: _tan,
    ops.arcsin: _closed_unit(lambda x: x.asin()),
    ops.arccos: _closed_unit(lambda x: x.acos()),
    ops.arctan: lambda x: x.atan(),
}


# -- probabilities -------------------------------------------------------------------


def _expit(x: Any) -> Any:
    e = (-abs(x)).exp()
    if x >= 0:
        return ONE / (ONE + e)
    return e / (ONE + e) if x <= 0 else ((x / 2).tanh() + 1) / 2


def _softplus(x: Any) -> Any:
    return x.max(ZERO) + (-abs(x)).exp().log1p()


def _normal_tail(x: Any) -> Any:
    """Return the probability that a normal variable exceeds x."""
    return (x / TWO.sqrt()).erfc() / 2


def _tail_series(x: Any) -> Any:
    """Return ``1 - 1/x**2 + 3/x**4 - ...``: of the tail over ``density(x) / |x|``."""
    return 1 - 1 / x**2 + 3 / x**4 - 15 / x**6 + arb(0, (105 / x**8).upper())


def _log_ndtr(x: Any) -> Any:
    if x > 0:
        return (-_normal_tail(x)).log1p()
    if x < FAR:
        return (
            -(x**2) / 2 - (-x * (TWO * arb.pi()).sqrt()).log() + _tail_series(x).log()
        )
    p = _normal_tail(-x)
    return p.log() if p > 0 else UNKNOWN


def _log_ndtr_slope(x: Any) -> Any:
    if x < FAR:
        return -x / _tail_series(x)
    p = _normal_tail(-x)
    return (-(x**2) / 2).exp() / (TWO * arb.pi()).sqrt() / p if p > 0 else UNKNOWN


def _times_log(shift: int) -> Rule:
    def rule(x: Any, y: Any) -> Any:
        if x == 0:
            return ZERO
        y = y + shift
        if y <= 0:
            return UNKNOWN if x.contains(0) else None
        return x * y.log() if y > 0 else UNKNOWN

    return rule


def _entropy(x: Any) -> Any:
    if x == 0:
        return ZERO
    if x < 0:
        return None
    return -x * x.log() if x > 0 else UNKNOWN


def _relative_entropy(x: Any, y: Any) -> Any:
    if x < 0 or y < 0 or (x > 0 and y == 0):
        return None
    if x == 0:
        return ZERO if y >= 0 else UNKNOWN
    return x * (x / y).log() if x > 0 and y > 0 else UNKNOWN


def _divergence(x: Any, y: Any) -> Any:
    r = _relative_entropy(x, y)
    return None if r is None else r - x + y


def _power_log(x: Any, y: Any, n: int) -> Any:
    if x < 0 or (x == 0 and y <= 0):
        return None
    if x == 0:
        return ZERO if y > 0 else UNKNOWN
    return (y * x.log()).exp() * x.log() ** n if x > 0 else UNKNOWN


PROBABILITIES: Mapping[Operator, Rule] = {
    ops.expit: _expit,
    ops.expit_slope: lambda x: (x / 2).sech() ** 2 / 4,
    ops.expit_curvature: lambda x: -((x / 2).sech() ** 2) * (x / 2).tanh() / 4,
    ops.log_expit: lambda x: -_softplus(-x),
    ops.logit: _inside_unit(lambda x: (x / (ONE - x)).log()),
    ops.logit_slope: _inside_unit(lambda x: ONE / (x * (ONE - x))),
    ops.erf: lambda x: x.erf(),
    ops.erfc: lambda x: x.erfc(),
    ops.ndtr: lambda x: _normal_tail(-x),
    ops.log_ndtr: _log_ndtr,
    ops.log_ndtr_slope: _log_ndtr_slope,
    ops.xlogy: _times_log(0),
    ops.xlog1py: _times_log(1),
    ops.logaddexp: lambda a, b: a + _softplus(b - a),
    ops.log_cosh: lambda x: abs(x) + ((-2 * abs(x)).exp() / 2 + HALF).log(),
    ops.entr: _entropy,
    ops.rel_entr: _relative_entropy,
    ops.kl_div: _divergence,
    ops.power_log: _power_log,
}


# -- kinks and jumps -----------------------------------------------------------------


def _step(x: Any) -> Any:
    return ONE if x > 0 else ZERO if x <= 0 else EITHER


KINKS: Mapping[Operator, Rule] = {
    ops.absolute: lambda x: abs(x),
    ops.absolute_slope: lambda x: x.sgn(),
    ops.sign: lambda x: x.sgn(),
    ops.relu: lambda x: x.max(ZERO),
    ops.step: _step,
    ops.jump_slope: lambda x: ZERO,
    ops.maximum: lambda a, b: a.max(b),
    ops.minimum: lambda a, b: a.min(b),
}

ELEMENTWISE: Mapping[Operator, Rule] = {
    **{OPERATORS[name]: rule for name, rule in ball_choices.elementwise().items()},
    **ALGEBRA,
    **EXPONENTIALS,
    **PROBABILITIES,
    **GAMMA,
    **KINKS,
    **quotients.RULES,
}
"""Every element-wise operator of the package, apart from ``integer_power``."""
