"""What each operator means on balls, written from the definitions in textbooks.

A value is one of three things: a finite ball that holds the exact value; NaN, where the
function is certainly not defined; the ball of all numbers, where nothing is known at
this precision.  Nothing here is shared with the package, not even its own oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

Rule = Callable[..., Any]

UNDEFINED, UNKNOWN = arb("nan"), arb("[+/- inf]")
ZERO, ONE, TWO, HALF = arb(0), arb(1), arb(2), arb("0.5")
EITHER = arb(HALF, HALF)  # from 0 to 1


def guarded(function: Rule) -> Rule:
    """Return a rule that keeps what is undefined, and what is not known.

    The function returns None where it is certainly undefined.
    """

    def run(*args: Any) -> Any:
        for x in args:
            if x.is_nan():
                return UNDEFINED
        for x in args:
            if not x.is_finite():
                return UNKNOWN
        y = function(*args)
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


positive = _where(ZERO, None, open_=True)
inside_unit = _where(ZERO, ONE, open_=True)
closed_unit = _where(-ONE, ONE, open_=False)


def reciprocal(x: Any) -> Any:
    if x == 0:
        return None
    return UNKNOWN if x.contains(0) else ONE / x


def divide(a: Any, b: Any) -> Any:
    r = reciprocal(b)
    if r is None or not r.is_finite():
        return r
    return a / b


def integer_power(x: Any, n: int) -> Any:
    if n == 0:
        return ONE
    return x**n if n > 0 else reciprocal(x ** (-n))


def power(x: Any, y: Any) -> Any:
    if y.is_exact() and y.is_integer():
        return integer_power(x, int(y.unique_fmpz()))
    if x > 0:
        return (y * x.log()).exp()
    if x == 0 and (y > 0 or y < 0):
        return ZERO if y > 0 else None
    if x < 0 and y.is_exact():
        return None
    return UNKNOWN


def cbrt(x: Any) -> Any:
    if x == 0:
        return ZERO
    if x > 0 or x < 0:
        return x.root(3) if x > 0 else -((-x).root(3))
    end = abs(x).upper().root(3).upper()
    return arb(0, end)


def root(x: Any) -> Any:
    if x < 0:
        return None
    if x == 0:
        return ZERO
    return x.sqrt() if x >= 0 else UNKNOWN


def expit(x: Any) -> Any:
    e = (-abs(x)).exp()
    return ONE / (ONE + e) if x >= 0 else e / (ONE + e) if x <= 0 else half_tanh(x)


def half_tanh(x: Any) -> Any:
    return ((x / 2).tanh() + 1) / 2


def softplus(x: Any) -> Any:
    return x.max(ZERO) + (-abs(x)).exp().log1p()


def normal_cdf(x: Any) -> Any:
    return (-x / TWO.sqrt()).erfc() / 2


def log_normal_cdf(x: Any) -> Any:
    p = normal_cdf(x)
    return p.log() if p > 0 else UNKNOWN


def mills(x: Any) -> Any:
    p = normal_cdf(x)
    return (-(x**2) / 2).exp() / (TWO * arb.pi()).sqrt() / p if p > 0 else UNKNOWN


def times_log(shift: int) -> Rule:
    def rule(x: Any, y: Any) -> Any:
        if x == 0:
            return ZERO
        y = y + shift
        if y <= 0:
            return UNKNOWN if x.contains(0) else None
        return x * y.log() if y > 0 else UNKNOWN

    return rule


def hypotenuse(x: Any, y: Any) -> Any:
    return abs_root(x**2 + y**2)


def abs_root(x: Any) -> Any:
    return x.nonnegative_part().sqrt()


def cosine_of(x: Any, y: Any) -> Any:
    """The cosine of the angle of (x, y), and 0 at the origin."""
    if x == 0:
        return ZERO
    size = x**2 + y**2
    return x / size.sqrt() if size > 0 else arb(0, 1)


def step(x: Any) -> Any:
    return ONE if x > 0 else ZERO if x <= 0 else EITHER


def tangent(x: Any) -> Any:
    c = x.cos()
    return UNKNOWN if c.contains(0) else x.sin() / c


def power_of_two(x: Any) -> Any:
    if x.is_exact() and x.is_integer() and abs(x) < 2**40:
        return arb((1, int(x.unique_fmpz())))
    return (x * TWO.log()).exp()


def entropy(x: Any) -> Any:
    if x == ZERO:
        return ZERO
    if x < ZERO:
        return None
    return -x * x.log() if x > ZERO else UNKNOWN


def relative(x: Any, y: Any) -> Any:
    if x < ZERO or y < ZERO or (x > ZERO and y == ZERO):
        return None
    if x == ZERO:
        return ZERO if y >= ZERO else UNKNOWN
    return x * (x.log() - y.log()) if x > ZERO and y > ZERO else UNKNOWN


def divergence(x: Any, y: Any) -> Any:
    part = relative(x, y)
    return None if part is None else part - x + y


def power_and_log(x: Any, y: Any, n: int) -> Any:
    if x < ZERO or (x == ZERO and y <= ZERO):
        return None
    if x == ZERO:
        return ZERO if y > ZERO else UNKNOWN
    return (x.log() * y).exp() * x.log() ** n if x > ZERO else UNKNOWN


def guarded_quotient(a: Any, b: Any) -> Any:
    return ZERO if a == ZERO else divide(a, b)


def mean_of_exp(a: Any, b: Any, m: int, n: int) -> Any:
    """Kummer's function, which is the integral of Hermite and Genocchi."""
    mean = (a - b).hypgeom_1f1(arb(m), arb(m + n))
    return b.exp() * mean / arb(m + n - 1).fac()


def mean_of_log(a: Any, b: Any, m: int, n: int) -> Any:
    if a <= ZERO or b <= ZERO:
        return None
    if not (a > ZERO and b > ZERO):
        return UNKNOWN
    p = m + n - 1
    mean = (1 - a / b).hypgeom_2f1(arb(p), arb(m), arb(m + n)) / b**p / p
    return mean if p % 2 else -mean


def sine_quotient(x: Any, n: int) -> Any:
    """The n-th derivative of ``sin(x) / x`` at exact points, by its series."""
    if not abs(x) < 30:
        return UNKNOWN if n else x.sin() / x
    total = ZERO
    for k in range((n + 1) // 2, 120):
        i = 2 * k - n
        total += arb((-1) ** k) * x**i / (arb(i).fac() * (2 * k + 1))
    return total + arb(0, 1e-60)


ELEMENTWISE: dict[str, Rule] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": divide,
    "negative": lambda x: -x,
    "square": lambda x: x**2,
    "sqrt": root,
    "reciprocal": reciprocal,
    "cbrt": cbrt,
    "power": power,
    "integer_power": integer_power,
    "exp": lambda x: x.exp(),
    "exp2": power_of_two,
    "expm1": lambda x: x.expm1(),
    "log": positive(lambda x: x.log()),
    "log2": positive(lambda x: x.log() / TWO.log()),
    "log10": positive(lambda x: x.log() / arb(10).log()),
    "log1p": _where(-ONE, None, open_=True)(lambda x: x.log1p()),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "tanh'": lambda x: x.sech() ** 2,
    "tanh''": lambda x: -2 * x.tanh() * x.sech() ** 2,
    "arcsinh": lambda x: x.asinh(),
    "arccosh": _where(ONE, None, open_=False)(lambda x: x.acosh()),
    "arctanh": _where(-ONE, ONE, open_=True)(lambda x: x.atanh()),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": tangent,
    "arcsin": closed_unit(lambda x: x.asin()),
    "arccos": closed_unit(lambda x: x.acos()),
    "arctan": lambda x: x.atan(),
    "expit": expit,
    "expit'": lambda x: (x / 2).sech() ** 2 / 4,
    "expit''": lambda x: -((x / 2).sech() ** 2) * (x / 2).tanh() / 4,
    "log_expit": lambda x: -softplus(-x),
    "logit": inside_unit(lambda x: (x / (ONE - x)).log()),
    "logit'": inside_unit(lambda x: ONE / (x * (ONE - x))),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "ndtr": normal_cdf,
    "log_ndtr": log_normal_cdf,
    "log_ndtr'": mills,
    "entr": entropy,
    "rel_entr": relative,
    "kl_div": divergence,
    "power_log": power_and_log,
    "log_cosh": lambda x: softplus(-2 * abs(x)) + abs(x) - TWO.log(),
    "guarded_divide": guarded_quotient,
    "exp_difference": mean_of_exp,
    "log_difference": mean_of_log,
    "sinc": sine_quotient,
    "xlogy": times_log(0),
    "xlog1py": times_log(1),
    "logaddexp": lambda a, b: a + softplus(b - a),
    "hypot": hypotenuse,
    "direction_cosine": cosine_of,
    "absolute": lambda x: abs(x),
    "absolute'": lambda x: x.sgn(),
    "sign": lambda x: x.sgn(),
    "relu": lambda x: x.max(ZERO),
    "relu'": step,
    "flat": lambda x: ZERO,
    "maximum": lambda a, b: a.max(b),
    "minimum": lambda a, b: a.min(b),
}
