"""How each operator is tested: where, and how tightly, against the one oracle.

One case per operator; `test_table` fails for an operator that has none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, ctx

from deuterium.graph.operator import lookup
from deuterium.testing.definitions import ELEMENTWISE, ONE, TWO, ZERO, guarded

INF = math.inf
MAX = float(np.finfo(float).max)
TINY = 5e-324
EPS = 2.0**-52
MIN_NORMAL = 2.0**-1022


@dataclass(frozen=True)
class Unary:
    """A function of one variable.

    ``domain``, ``closed``: where it is defined.  ``turns``: where it turns (balls made
    at call time, for their precision).  ``special``: more points to try.  ``slack``:
    relative width allowed on each side of the exact range, in units of 2**-52;
    ``absolute``: the same in absolute terms.
    """

    domain: tuple = (-INF, INF)
    closed: tuple = (True, True)
    turns: Callable = tuple
    special: tuple = ()
    slack: float = 20
    absolute: float = 0.0
    smooth: bool = True
    ball: Callable | None = None

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

STEPS = tuple(
    x
    for k in (0.5, 1.0, 1.5, 2.0, 2.5, 7.5, 2.0**52 - 0.5, 2.0**52, 2.0**53 + 2)
    for x in (k, math.nextafter(k, 0), math.nextafter(k, INF))
)

ROOT = 1.4616321449683623  # of psi


def _psi_root():
    low, high = arb("1.4616321449683623"), arb("1.4616321449683624")
    for _ in range(ctx.prec):
        middle = ((low + high) / 2).mid()
        low, high = (middle, high) if middle.digamma() < 0 else (low, middle)
    return (low.union(high),)


NEAR_ROOTS = (*NEAR_ONE, 2.0, 2 - EPS, 2 + 2 * EPS, ROOT, ROOT + EPS, ROOT - EPS)
UNIT = {"domain": (0.0, 1.0), "closed": (False, False)}

UNARY = {
    "gammaln": Unary(
        **POSITIVE, turns=_psi_root, special=NEAR_ROOTS, slack=30, absolute=60 * EPS
    ),
    "psi": Unary(**POSITIVE, special=NEAR_ROOTS, slack=40, absolute=20 * EPS),
    "erfinv": Unary(
        domain=(-1.0, 1.0), closed=(False, False), special=NEAR_ONE, slack=80
    ),
    "ndtri": Unary(**UNIT, special=(0.5, 0.5 + EPS, 0.5 - EPS, *NEAR_ONE), slack=80),
    "i0": Unary(**AT_ZERO, special=(8.0, 709.0, 712.0, 713.9, 714.0), slack=80),
    "i1": Unary(special=(8.0, 709.0, 712.0, 713.9, 714.0), slack=160),
    "negative": Unary(slack=0),
    "square": Unary(**AT_ZERO, slack=3),
    "sqrt": Unary(domain=(0.0, INF), slack=3, special=(2.25, 2.0)),
    "reciprocal": Unary(slack=3),
    "cbrt": Unary(slack=36, special=(8.0, -27.0)),
    "exp": Unary(special=TAILS),
    "exp2": Unary(special=(-1074.5, 1023.9, 1024.0, 10.0)),
    "expm1": Unary(special=TAILS),
    "log": Unary(**POSITIVE, special=NEAR_ONE),
    "log2": Unary(**POSITIVE, special=(*NEAR_ONE, 2.0, 8.0)),
    "log10": Unary(**POSITIVE, special=(*NEAR_ONE, 10.0, 1000.0)),
    "log1p": Unary(domain=(-1.0, INF), closed=(False, True), special=NEAR_ONE),
    "sinh": Unary(special=TAILS),
    "cosh": Unary(**AT_ZERO, special=TAILS),
    "tanh": Unary(special=(20.0, 0.5493061443340549)),
    "tanh'": Unary(**AT_ZERO, special=TAILS, slack=40),
    "tanh''": Unary(
        turns=both_signs(_atanh_third),
        special=(*TAILS, 0.6584789484624084, -0.6584789484624084),
        slack=60,
    ),
    "log_cosh": Unary(**AT_ZERO, special=TAILS, slack=80),
    "entr": Unary(
        domain=(0.0, INF),
        turns=lambda: ((-ONE).exp(),),
        special=(*NEAR_ONE, 0.36787944117144233),
        slack=30,
    ),
    "arcsinh": Unary(),
    "arccosh": Unary(domain=(1.0, INF), special=NEAR_ONE),
    "arctanh": Unary(domain=(-1.0, 1.0), closed=(False, False), special=NEAR_ONE),
    "sin": Unary(special=ANGLES, absolute=4 * EPS),
    "cos": Unary(special=ANGLES, absolute=4 * EPS),
    "tan": Unary(special=ANGLES),
    "arcsin": Unary(domain=(-1.0, 1.0), special=NEAR_ONE),
    "arccos": Unary(domain=(-1.0, 1.0), special=NEAR_ONE),
    "arctan": Unary(),
    "expit": Unary(special=TAILS, slack=20),
    "expit'": Unary(**AT_ZERO, special=TAILS, slack=40),
    "expit''": Unary(
        turns=both_signs(lambda: ((TWO + arb(3).sqrt()).log(),)),
        special=(*TAILS, 1.3169578969248166, -1.3169578969248166),
        slack=60,
    ),
    "log_expit": Unary(special=TAILS, slack=20),
    "logit": Unary(
        domain=(0.0, 1.0),
        closed=(False, False),
        special=(0.5, 0.5 + EPS, 0.5 - EPS / 2, *NEAR_ONE),
        slack=20,
    ),
    "logit'": Unary(
        domain=(0.0, 1.0),
        closed=(False, False),
        turns=lambda: (ONE / 2,),
        special=(0.5, 0.25, 0.75, *NEAR_ONE),
    ),
    "erf": Unary(slack=40, special=(6.0, -6.0)),
    "erfc": Unary(slack=4200, special=(-6.0, 26.0, 26.6, 28.0)),
    "ndtr": Unary(slack=16500, special=TAILS),
    "log_ndtr": Unary(slack=16500, special=(*TAILS, -3e4, -1e10)),
    "log_ndtr'": Unary(slack=16500, special=(*TAILS, -3e4, -1e10)),
    "absolute": Unary(**AT_ZERO, slack=0, smooth=False),
    "relu": Unary(slack=0, smooth=False),
    "sign": Unary(slack=0, smooth=False),
    "absolute'": Unary(slack=0, smooth=False),
    "relu'": Unary(slack=0, smooth=False),
    "jump_slope": Unary(slack=0, smooth=False),
    "is_positive": Unary(slack=0, smooth=False),
    "logical_not": Unary(slack=3),
    "is_zero": Unary(slack=0, smooth=False, **AT_ZERO),
    **{
        name: Unary(slack=0, smooth=False, special=STEPS)
        for name in (
            "floor",
            "ceil",
            "rint",
            "trunc",
            "floor'",
            "ceil'",
            "rint'",
            "trunc'",
        )
    },
}
JUMPS = {
    "floor'": lambda x: x == math.floor(x),
    "ceil'": lambda x: x == math.floor(x),
    "rint'": lambda x: abs(x - round(x)) == 0.5,
    "trunc'": lambda x: x == math.floor(x) and x != 0,
}
"""Where the slope of a rounding is undefined."""


def _with_balls(cases):
    """Return the cases with what the oracle says of each operator."""
    return {
        name: replace(case, ball=guarded(ELEMENTWISE[lookup(name)]))
        for name, case in cases.items()
    }


UNARY = _with_balls(UNARY)


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
    if name in ("reciprocal", "jump_slope"):
        return not touches_zero(low, high)
    if name in JUMPS:
        if not math.isfinite(low) or not math.isfinite(high):
            return False
        value = {"floor'": math.floor, "ceil'": math.ceil, "rint'": round}
        round_ = value.get(name, math.trunc)
        is_jump = JUMPS[name]
        return round_(low) == round_(high) and not (is_jump(low) or is_jump(high))
    if name == "tan":
        # far out, the rule does not claim to know where the poles are
        return not has_tangent_pole(low, high) and max(abs(low), abs(high)) <= 2.0**45
    return UNARY[name].defined(low, high)


# -- two variables -------------------------------------------------------------------


def power_fine(a, b):
    if b[0] == b[1] and float(b[0]).is_integer() and abs(b[0]) <= 2**53:
        return b[0] >= 0 or not touches_zero(*a)
    return a[0] > 0 or (a[0] == 0 and b[0] >= 0)


def relative_fine(a, b):
    return a[0] >= 0 and (b[0] > 0 or (b[0] == 0 and a == (0, 0)))


def times_log_fine(pole):
    return lambda x, y: y[0] > pole or x == (0, 0)


@dataclass(frozen=True)
class Binary:
    """A function of two variables; ``slack`` is as in `Unary`."""

    fine: Callable = lambda a, b: True
    slack: float = 3
    smooth: bool = True
    ball: Callable | None = None


def off_the_cut(y, x):
    if y[0] >= 0 and x[1] < 0:
        return True
    return x[0] > 0 or not touches_zero(*y)


BINARY = {
    "arctan2": Binary(slack=24),
    "off_cut": Binary(fine=off_the_cut, slack=0, smooth=False),
    "add": Binary(slack=1),
    "subtract": Binary(slack=1),
    "multiply": Binary(),
    "divide": Binary(fine=lambda a, b: not touches_zero(*b)),
    "maximum": Binary(slack=0, smooth=False),
    "minimum": Binary(slack=0, smooth=False),
    "power": Binary(fine=power_fine, slack=12),
    "hypot": Binary(slack=12),
    "direction_cosine": Binary(slack=16),
    "logaddexp": Binary(slack=INF),
    "rel_entr": Binary(fine=relative_fine, slack=INF),
    "kl_div": Binary(fine=relative_fine, slack=INF),
    "xlogy": Binary(fine=times_log_fine(0), slack=16),
    "xlog1py": Binary(fine=times_log_fine(-1), slack=16),
    "floor_divide": Binary(
        fine=lambda a, b: not touches_zero(*b), slack=INF, smooth=False
    ),
    "remainder": Binary(
        fine=lambda a, b: not touches_zero(*b), slack=INF, smooth=False
    ),
}
BINARY = _with_balls(BINARY)
