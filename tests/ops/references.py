"""What each operator means, written from its definition in ball arithmetic.

One case per operator; `test_table` fails for an operator that has none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

INF = math.inf
MAX = float(np.finfo(float).max)
TINY = 5e-324
EPS = 2.0**-52
MIN_NORMAL = 2.0**-1022

ZERO, ONE, TWO = arb(0), arb(1), arb(2)


@dataclass(frozen=True)
class Unary:
    """A function of one variable.

    ``domain``, ``closed``: where it is defined.  ``turns``: where it turns (balls made
    at call time, for their precision).  ``special``: more points to try.  ``slack``:
    relative width allowed on each side of the exact range, in units of 2**-52;
    ``absolute``: the same in absolute terms.
    """

    ball: Callable
    domain: tuple = (-INF, INF)
    closed: tuple = (True, True)
    turns: Callable = tuple
    special: tuple = ()
    slack: float = 20
    absolute: float = 0.0
    smooth: bool = True

    def defined(self, low, high):
        """Return whether the function is fine on the whole closed box."""
        start, end = self.domain
        above = low >= start if self.closed[0] else low > start
        below = high <= end if self.closed[1] or end == INF else high < end
        return above and below


def sharp(function, *args, bits=80):
    """Evaluate with as much precision as it takes for so many right bits."""
    for precision in (128, 400, 1300, 3000):
        with ctx.workprec(precision):
            y = function(*[arb(a) for a in args])
            if y.is_finite() and (y.is_exact() or y.rel_accuracy_bits() >= bits):
                return y
    return y


def root2():
    return TWO.sqrt()


def expit(x):
    return ONE / (ONE + (-x).exp()) if x > 0 else x.exp() / (ONE + x.exp())


def expit1(x):
    return expit(x) * expit(-x)


def normal_tail(x):
    """P(X > x)."""
    return (x / root2()).erfc() / 2


def log_ndtr(x):
    if x > 0:
        return (-normal_tail(x)).log1p()
    if x > -30000:
        return normal_tail(-x).log()
    # asymptotic: log(phi(x) / |x|) + log(1 - 1/x**2 + ...)
    tail = -1 / x**2 + 3 / x**4 - 15 / x**6
    tail += arb(0, 105 / x**8)
    return -(x**2) / 2 - (-x * (TWO * arb.pi()).sqrt()).log() + tail.log1p()


def hazard(x):
    if x > -30000:
        return (-(x**2) / 2).exp() / (TWO * arb.pi()).sqrt() / normal_tail(-x)
    tail = 1 - 1 / x**2 + 3 / x**4 - 15 / x**6
    return -x / (tail + arb(0, 105 / x**8))


def cbrt(x):
    if x == 0:
        return ZERO
    return (x.log() / 3).exp() if x > 0 else -((-x).log() / 3).exp()


def log_expit(x):
    return -((-x).exp().log1p()) if x > 0 else x - x.exp().log1p()


def entr(x):
    return ZERO if x == 0 else -x * x.log()


def rel_entr(x, y):
    return ZERO if x == 0 else x * (x / y).log()


def log_cosh(x):
    return abs(x) + ((1 + (-2 * abs(x)).exp()) / 2).log()


def jump(left, at_zero, right):
    return lambda x: arb(left if x < 0 else right if x > 0 else at_zero)


def _atanh_third():
    return ((ONE / arb(3).sqrt()).atanh(),)


def both_signs(make):
    return lambda: (*make(), *(-t for t in make()))


AT_ZERO = {"turns": lambda: (ZERO,)}
POSITIVE = {"domain": (0.0, INF), "closed": (False, True)}
NEAR_ONE = (
    1.0,
    1 - 2.0**-53,
    1 + EPS,
    1 - 1e-9,
    1 + 1e-9,
    -1.0,
    -1 + 2.0**-53,
    -1 - EPS,
)
PI = math.pi
ANGLES = tuple(
    f(k * PI / 2)
    for k in (*range(-5, 6), 11, 100, 12345, 10**6 + 1, 2**20)
    for f in (
        float,
        lambda t: math.nextafter(t, INF),
        lambda t: math.nextafter(t, -INF),
    )
)
TAILS = (
    -745.0,
    -710.5,
    -709.0,
    -40.0,
    -37.7,
    36.8,
    37.5,
    38.6,
    700.0,
    709.78,
    710.4,
    750.0,
)

UNARY = {
    "negative": Unary(lambda x: -x, slack=0),
    "square": Unary(lambda x: x * x, **AT_ZERO, slack=3),
    "sqrt": Unary(lambda x: x.sqrt(), domain=(0.0, INF), slack=3, special=(2.25, 2.0)),
    "reciprocal": Unary(lambda x: 1 / x, slack=3),
    "cbrt": Unary(cbrt, slack=36, special=(8.0, -27.0)),
    "exp": Unary(lambda x: x.exp(), special=TAILS),
    "exp2": Unary(
        lambda x: (x * TWO.log()).exp(), special=(-1074.5, 1023.9, 1024.0, 10.0)
    ),
    "expm1": Unary(lambda x: x.expm1(), special=TAILS),
    "log": Unary(lambda x: x.log(), **POSITIVE, special=NEAR_ONE),
    "log2": Unary(
        lambda x: x.log() / TWO.log(), **POSITIVE, special=(*NEAR_ONE, 2.0, 8.0)
    ),
    "log10": Unary(
        lambda x: x.log() / arb(10).log(), **POSITIVE, special=(*NEAR_ONE, 10.0, 1000.0)
    ),
    "log1p": Unary(
        lambda x: x.log1p(), domain=(-1.0, INF), closed=(False, True), special=NEAR_ONE
    ),
    "sinh": Unary(lambda x: x.sinh(), special=TAILS),
    "cosh": Unary(lambda x: x.cosh(), **AT_ZERO, special=TAILS),
    "tanh": Unary(lambda x: x.tanh(), special=(20.0, 0.5493061443340549)),
    "tanh'": Unary(lambda x: 1 / x.cosh() ** 2, **AT_ZERO, special=TAILS, slack=40),
    "tanh''": Unary(
        lambda x: -2 * x.tanh() / x.cosh() ** 2,
        turns=both_signs(_atanh_third),
        special=(*TAILS, 0.6584789484624084, -0.6584789484624084),
        slack=60,
    ),
    "log_cosh": Unary(log_cosh, **AT_ZERO, special=TAILS, slack=80),
    "entr": Unary(
        entr,
        domain=(0.0, INF),
        turns=lambda: ((-ONE).exp(),),
        special=(*NEAR_ONE, 0.36787944117144233),
        slack=30,
    ),
    "arcsinh": Unary(lambda x: x.asinh()),
    "arccosh": Unary(lambda x: x.acosh(), domain=(1.0, INF), special=NEAR_ONE),
    "arctanh": Unary(
        lambda x: x.atanh(), domain=(-1.0, 1.0), closed=(False, False), special=NEAR_ONE
    ),
    "sin": Unary(lambda x: x.sin(), special=ANGLES, absolute=4 * EPS),
    "cos": Unary(lambda x: x.cos(), special=ANGLES, absolute=4 * EPS),
    "tan": Unary(lambda x: x.tan(), special=ANGLES),
    "arcsin": Unary(lambda x: x.asin(), domain=(-1.0, 1.0), special=NEAR_ONE),
    "arccos": Unary(lambda x: x.acos(), domain=(-1.0, 1.0), special=NEAR_ONE),
    "arctan": Unary(lambda x: x.atan()),
    "expit": Unary(expit, special=TAILS, slack=20),
    "expit'": Unary(expit1, **AT_ZERO, special=TAILS, slack=40),
    "expit''": Unary(
        lambda x: -expit1(x) * (x / 2).tanh(),
        turns=both_signs(lambda: ((TWO + arb(3).sqrt()).log(),)),
        special=(*TAILS, 1.3169578969248166, -1.3169578969248166),
        slack=60,
    ),
    "log_expit": Unary(log_expit, special=TAILS, slack=20),
    "logit": Unary(
        lambda x: (x / (1 - x)).log(),
        domain=(0.0, 1.0),
        closed=(False, False),
        special=(0.5, 0.5 + EPS, 0.5 - EPS / 2, *NEAR_ONE),
        slack=20,
    ),
    "logit'": Unary(
        lambda x: 1 / (x * (1 - x)),
        domain=(0.0, 1.0),
        closed=(False, False),
        turns=lambda: (ONE / 2,),
        special=(0.5, 0.25, 0.75, *NEAR_ONE),
    ),
    "erf": Unary(lambda x: x.erf(), slack=40, special=(6.0, -6.0)),
    "erfc": Unary(lambda x: x.erfc(), slack=4200, special=(-6.0, 26.0, 26.6, 28.0)),
    "ndtr": Unary(lambda x: normal_tail(-x), slack=16500, special=TAILS),
    "log_ndtr": Unary(log_ndtr, slack=16500, special=(*TAILS, -3e4, -1e10)),
    "log_ndtr'": Unary(hazard, slack=16500, special=(*TAILS, -3e4, -1e10)),
    "absolute": Unary(lambda x: abs(x), **AT_ZERO, slack=0, smooth=False),
    "relu": Unary(lambda x: x if x > 0 else ZERO, slack=0, smooth=False),
    "sign": Unary(jump(-1, 0, 1), slack=0, smooth=False),
    "absolute'": Unary(jump(-1, 0, 1), slack=0, smooth=False),
    "relu'": Unary(jump(0, 0, 1), slack=0, smooth=False),
    "flat": Unary(lambda x: ZERO, slack=0, smooth=False),
}


def touches_zero(low, high):
    return low <= 0 <= high


def has_tangent_pole(low, high):
    """Return whether some odd multiple of pi/2 lies inside, from 3000 bits of pi."""
    if low == -INF or high == INF or high - low >= 4:
        return True
    with ctx.workprec(3000):
        first, last = ((arb(x) / arb.pi() - ONE / 2).floor() for x in (low, high))
        return not first == last  # noqa: SIM201  (balls: not the same as !=)


def is_fine(name, low, high):
    """Return whether a one-variable operator is defined on a whole box."""
    if name in ("reciprocal", "flat"):
        return not touches_zero(low, high)
    if name == "tan":
        # far out, the rule does not claim to know where the poles are
        return not has_tangent_pole(low, high) and max(abs(low), abs(high)) <= 2.0**45
    return UNARY[name].defined(low, high)


# -- two variables -------------------------------------------------------------------


def power(x, y):
    if x == 0:
        return ZERO if y > 0 else (ONE if y == 0 else arb("nan"))
    if x < 0:
        whole = int(float(y))
        return x**whole
    return (y * x.log()).exp()


def power_fine(a, b):
    if b[0] == b[1] and float(b[0]).is_integer() and abs(b[0]) <= 2**53:
        return b[0] >= 0 or not touches_zero(*a)
    return a[0] > 0 or (a[0] == 0 and b[0] >= 0)


def relative_fine(a, b):
    return a[0] >= 0 and (b[0] > 0 or (b[0] == 0 and a == (0, 0)))


def times_log_fine(pole):
    return lambda x, y: y[0] > pole or x == (0, 0)


def logaddexp(a, b):
    big, small = (a, b) if a > b else (b, a)
    return big + (small - big).exp().log1p()


def cosine(x, y):
    return ZERO if x == 0 and y == 0 else x / (x * x + y * y).sqrt()


@dataclass(frozen=True)
class Binary:
    """A function of two variables; ``slack`` is as in `Unary`."""

    ball: Callable
    fine: Callable = lambda a, b: True
    slack: float = 3
    smooth: bool = True


BINARY = {
    "add": Binary(lambda a, b: a + b, slack=1),
    "subtract": Binary(lambda a, b: a - b, slack=1),
    "multiply": Binary(lambda a, b: a * b),
    "guarded_divide": Binary(
        lambda a, b: ZERO if a == 0 else a / b,
        lambda a, b: a == (0, 0) or not touches_zero(*b),
    ),
    "divide": Binary(lambda a, b: a / b, lambda a, b: not touches_zero(*b)),
    "maximum": Binary(lambda a, b: a if a > b else b, slack=0, smooth=False),
    "minimum": Binary(lambda a, b: b if a > b else a, slack=0, smooth=False),
    "power": Binary(power, power_fine, slack=12),
    "hypot": Binary(lambda a, b: (a * a + b * b).sqrt(), slack=12),
    "direction_cosine": Binary(cosine, slack=16),
    "logaddexp": Binary(logaddexp, slack=INF),
    "rel_entr": Binary(rel_entr, relative_fine, slack=INF),
    "kl_div": Binary(lambda x, y: rel_entr(x, y) - x + y, relative_fine, slack=INF),
    "xlogy": Binary(
        lambda x, y: ZERO if x == 0 else x * y.log(), times_log_fine(0), 16
    ),
    "xlog1py": Binary(
        lambda x, y: ZERO if x == 0 else x * y.log1p(), times_log_fine(-1), 16
    ),
}
