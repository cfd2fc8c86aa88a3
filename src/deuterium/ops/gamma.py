"""The gamma function's logarithm and its derivatives, quantiles, Bessel functions.

Under SciPy's names, on the real domain.  Errors of SciPy's values, measured against
ball arithmetic on some 10**4 points each (all magnitudes, and close to zeros and to the
changes of method), in units of 2**-52: 1.8 beside 4 absolute for gammaln, 2.4 for psi,
4.9 for polygamma up to n = 8, 1.5 for erfinv, 4.0 for ndtri, 3.9 for i0, 9.5 for i1,
10 for the other Bessel functions.  At least six times that is assumed.

References: NIST Digital Library of Mathematical Functions, 5.2, 5.15 (gamma, polygamma
functions: signs and monotony follow from the series 5.15.1), 10.25.2 and 10.29.1
(Bessel functions by series with positive terms, and their derivatives).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import scipy.special
import symengine as se

from deuterium.errors import InvalidInputError, SymbolicError
from deuterium.graph.operator import Operator, Shape, register
from deuterium.graph.traits import INF, Traits
from deuterium.interval import Interval
from deuterium.interval.rounding import EPS, MIN_NORMAL
from deuterium.ops.arithmetic import sqrt, square
from deuterium.ops.exponential import exp
from deuterium.ops.special import pi_for
from deuterium.ops.univariate import library_enclosure, times, unary
from deuterium.options import require_whole

GAMMALN_ULPS = 12.0  # units of 2**-52, as all these; 1.8 were measured
PSI_ULPS = 16.0  # 2.4 were measured
POLYGAMMA_ULPS = 32.0  # 4.9 were measured
QUANTILE_ULPS = 32.0  # 4.0 were measured
I0_ULPS = 32.0  # 3.9 were measured
BESSEL_ULPS = 64.0  # 10 were measured

ROOT = 1.4616321449683623
"""Where gammaln turns and psi is zero, to the nearest double, from below."""
LARGEST_ORDER = 20
"""Of polygamma and Bessel functions: beyond it, no error has been measured."""
_SERIES_BELOW = 2.0  # in size: beyond it, recurrences cancel little
_OVERFLOWS = 720.0  # beyond it, Bessel functions up to that order do

# -- gamma ---------------------------------------------------------------------------


def _gammaln_value(x: Any) -> Any:
    """Return SciPy's value, or -log(x) where its reciprocal would overflow.

    All these functions are those of positive numbers: NaN below zero, in every back
    end, where SciPy continues them past their poles.
    """
    with np.errstate(all="ignore"):
        return np.where(np.less(x, 1e-290), -np.log(x), scipy.special.gammaln(x))[()]


def _psi_value(x: Any) -> Any:
    return np.where(np.less(x, 0), np.nan, scipy.special.psi(x))[()]


def _gammaln_signs(x: Interval, y: Interval) -> Interval:
    """Keep the signs: negative between its zeros 1 and 2."""
    outside = (x.upper <= 1) | (x.lower >= 2)
    between = (x.lower >= 1) & (x.upper <= 2)
    return Interval.unchecked(
        np.where(outside, np.maximum(y.lower, 0.0), y.lower),
        np.where(between, np.minimum(y.upper, 0.0), y.upper),
    )


def _psi_signs(x: Interval, y: Interval) -> Interval:
    """Keep the signs on either side of the zero."""
    return Interval.unchecked(
        np.where(x.lower > ROOT, np.maximum(y.lower, 0.0), y.lower),
        np.where(x.upper <= ROOT, np.minimum(y.upper, 0.0), y.upper),
    )


gammaln = unary(
    "gammaln",
    _gammaln_value,
    ulps=GAMMALN_ULPS,
    code="gammaln({0}, special)",
    absolute=24 * EPS,
    derivative=lambda x: psi(x),
    symbolic=se.loggamma,
    trim=_gammaln_signs,
    domain=(0.0, INF),
    closed=(False, True),
    extrema=(ROOT,),
    range=(-0.12148629053584962, INF),
)
psi: Operator = unary(
    "psi",
    _psi_value,
    ulps=PSI_ULPS,
    code="psi({0}, special)",
    absolute=8 * EPS,
    derivative=lambda x: polygamma(x, n=1),
    symbolic=lambda x: se.polygamma(0, x),
    trim=_psi_signs,
    domain=(0.0, INF),
    closed=(False, True),
    increasing=True,
)


def _polygamma_value(x: Any, n: int) -> Any:
    return np.where(np.less(x, 0), np.nan, scipy.special.polygamma(n, x))[()]


def checked_order(name: str, n: Any, least: int) -> int:
    """Return a whole order for which errors are known."""
    n = require_whole(n, least, name, "order")
    if n > LARGEST_ORDER:
        raise InvalidInputError(
            f"{name}: orders up to {LARGEST_ORDER} are known; got {n!r} (every "
            "derivative adds one)"
        )
    return n


def _ordered(name: str, least: int) -> Callable[..., Shape]:
    """Return the shape rule of an operator with an order."""

    def shape(argument: Shape, n: int) -> Shape:
        checked_order(name, n, least)
        return argument

    return shape


@cache
def _polygamma_rule(n: int) -> Callable[[Interval], Interval]:
    """Return the enclosure: positive and falling for odd n, else the negative."""
    odd = bool(checked_order("polygamma", n, 1) % 2)
    facts = Traits(
        domain=(0.0, INF),
        closed=(False, True),
        increasing=not odd,
        range=(0.0, INF) if odd else (-INF, 0.0),
        # the value is n! times a zeta function, which may be flushed to zero
        absolute=math.factorial(n) * MIN_NORMAL,
    )
    return library_enclosure(partial(_polygamma_value, n=n), POLYGAMMA_ULPS, facts)


polygamma: Operator = register(
    Operator(
        name="polygamma",
        arity=1,
        value=_polygamma_value,
        enclosure=lambda x, n: _polygamma_rule(n)(x),
        symbolic=lambda x, n: se.polygamma(n, x),
        pullback=lambda g, out, x, n: (times(g, polygamma(x, n=n + 1)),),
        code="polygamma({0}, {n}, special)",
        shape=_ordered("polygamma", 1),
        domain=(0.0, INF),
        closed=(False, True),
        never_zero=True,
    )
)
"""The n-th derivative of psi, for n from 1 on."""

# -- quantiles -----------------------------------------------------------------------


def _of_sympy(name: str, *args: Any) -> Any:
    """Return a function that symengine has by way of SymPy alone."""
    import sympy  # it takes a while, and few need it

    if any(map(_has_choice, args)):  # SymPy would solve its conditions
        raise SymbolicError(f"{name} of a choice has no closed form")
    return se.sympify(getattr(sympy, name)(*(se.sympify(a)._sympy_() for a in args)))


def _has_choice(expression: Any) -> bool:
    todo = [se.sympify(expression)]
    while todo:
        e = todo.pop()
        if isinstance(e, se.Piecewise):
            return True
        todo += e.args
    return False


def _erfinv_slope(y: Any) -> Any:
    return 0.5 * sqrt(pi_for(y)) * exp(square(y))


def _ndtri_slope(y: Any) -> Any:
    return sqrt(2 * pi_for(y)) * exp(0.5 * square(y))


erfinv: Operator = unary(
    "erfinv",
    scipy.special.erfinv,
    ulps=QUANTILE_ULPS,
    derivative=lambda x: _erfinv_slope(erfinv(x)),
    from_value=_erfinv_slope,
    symbolic=lambda x: _of_sympy("erfinv", x),
    domain=(-1.0, 1.0),
    closed=(False, False),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
ndtri: Operator = unary(
    "ndtri",
    scipy.special.ndtri,
    ulps=QUANTILE_ULPS,
    derivative=lambda x: _ndtri_slope(ndtri(x)),
    from_value=_ndtri_slope,
    symbolic=lambda x: se.sqrt(2) * _of_sympy("erfinv", 2 * x - 1),
    domain=(0.0, 1.0),
    closed=(False, False),
    increasing=True,
    exact_points=((0.5, 0.0),),
)

# -- modified Bessel functions of the first kind -------------------------------------


def _unscaled(scaled: Callable[[Any], Any], x: Any) -> Any:
    """Return ``scaled(x) * exp(|x|)``, which may be finite where exp(|x|) is not."""
    near = np.clip(x, -_OVERFLOWS, _OVERFLOWS)
    half = np.exp(0.5 * np.abs(near))
    return scaled(near) * half * half


def _of_library(
    direct: Callable[[Any], Any], scaled: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    def value(x: Any) -> Any:
        with np.errstate(all="ignore"):
            large = np.greater(np.abs(x), 700)
            return np.where(large, _unscaled(scaled, x), direct(x))[()]

    return value


def _bessel_value(x: Any, n: int) -> Any:
    """Return I_n: by its series next to zero, where SciPy underflows early."""
    with np.errstate(all="ignore"):
        size = np.abs(x)
        small = np.minimum(size, _SERIES_BELOW)
        quarter = 0.25 * small * small
        total: Any = 1.0
        for k in range(16, 0, -1):
            total = 1.0 + total * quarter / (k * (n + k))
        series = total * (0.5 * small) ** n / math.factorial(n)
        far = _unscaled(partial(scipy.special.ive, n), size)
        y = np.where(size <= _SERIES_BELOW, series, far)
        return (y if n % 2 == 0 else np.copysign(y, x))[()]


@cache
def _bessel_rule(n: int) -> Callable[[Interval], Interval]:
    even = checked_order("bessel_i", n, 2) % 2 == 0
    zero = Traits(exact_points=((0.0, 0.0),), increasing=True)
    facts = Traits(extrema=(0.0,), range=(0.0, INF)) if even else zero
    return library_enclosure(partial(_bessel_value, n=n), BESSEL_ULPS, facts)


def bessel(x: Any, n: int) -> Any:
    """Return the modified Bessel function of the first kind and a whole order."""
    return (i0, i1)[n](x) if n < 2 else bessel_i(x, n=n)


def _bessel_slope(x: Any, n: int) -> Any:
    return 0.5 * (bessel(x, n - 1) + bessel(x, n + 1))


def _closed_bessel(x: Any, n: int) -> Any:
    return _of_sympy("besseli", n, x)


i0: Operator = unary(
    "i0",
    _of_library(scipy.special.i0, scipy.special.i0e),
    ulps=I0_ULPS,
    derivative=lambda x: i1(x),
    symbolic=partial(_closed_bessel, n=0),
    code="special.i0({0})",
    extrema=(0.0,),
    range=(1.0, INF),
    parity="even",
    never_zero=True,
)
i1: Operator = unary(
    "i1",
    _of_library(scipy.special.i1, scipy.special.i1e),
    ulps=BESSEL_ULPS,
    derivative=partial(_bessel_slope, n=1),
    symbolic=partial(_closed_bessel, n=1),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
bessel_i: Operator = register(
    Operator(
        name="bessel_i",
        arity=1,
        value=_bessel_value,
        enclosure=lambda x, n: _bessel_rule(n)(x),
        symbolic=_closed_bessel,
        pullback=lambda g, out, x, n: (times(g, _bessel_slope(x, n)),),
        code="bessel_i({0}, {n}, special)",
        shape=_ordered("bessel_i", 2),
    )
)
"""The modified Bessel function I_n, for n from 2 on: slopes of i0 and i1."""
