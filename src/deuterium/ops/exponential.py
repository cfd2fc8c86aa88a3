"""Exponentials, logarithms and hyperbolic functions.

Library errors: measured against ball arithmetic, NumPy's float64 loops are off by at
most 0.8 units of 2**-52 with AVX512 instructions and by 1.2 without them, where the C
library answers (2.4 for cbrt).  Eight are assumed (sixteen for cbrt).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.constructors import constant
from deuterium.graph.operator import Operator
from deuterium.interval import Interval
from deuterium.ops.arithmetic import reciprocal, sqrt, square
from deuterium.ops.univariate import slope_of, unary

NUMPY_ULPS = 8.0  # units of 2**-52; 1.2 were measured
POSITIVE = (0.0, np.inf)


def log_of(n: int, x: Any = None) -> Any:
    """Return the natural logarithm of an integer: a node, or of Intervals an Interval.

    It is exact in the graph.
    """
    return log(Interval(n, n) if isinstance(x, Interval) else constant(n))


exp: Operator = unary(
    "exp",
    np.exp,
    ulps=NUMPY_ULPS,
    derivative=lambda x: exp(x),
    from_value=lambda y: y,
    symbolic=se.exp,
    range=POSITIVE,
    increasing=True,
    exact_points=((0.0, 1.0),),
    never_zero=True,
)
exp2: Operator = unary(
    "exp2",
    np.exp2,
    ulps=NUMPY_ULPS,
    derivative=lambda x: exp2(x) * log_of(2, x),
    from_value=lambda y: y * log_of(2),
    symbolic=lambda x: se.Integer(2) ** x,
    range=POSITIVE,
    increasing=True,
    exact_points=((0.0, 1.0),),
    never_zero=True,
)
expm1 = unary(
    "expm1",
    np.expm1,
    ulps=NUMPY_ULPS,
    derivative=lambda x: exp(x),
    symbolic=lambda x: se.exp(x) - 1,
    range=(-1.0, np.inf),
    increasing=True,
    exact_points=((0.0, 0.0),),
)
log = unary(
    "log",
    np.log,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(x),
    symbolic=se.log,
    domain=POSITIVE,
    closed=(False, True),
    increasing=True,
    exact_points=((1.0, 0.0),),
)
log2 = unary(
    "log2",
    np.log2,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(x * log_of(2, x)),
    symbolic=lambda x: se.log(x) / se.log(2),
    domain=POSITIVE,
    closed=(False, True),
    increasing=True,
    exact_points=((1.0, 0.0), (2.0, 1.0)),
)
log10 = unary(
    "log10",
    np.log10,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(x * log_of(10, x)),
    symbolic=lambda x: se.log(x) / se.log(10),
    domain=POSITIVE,
    closed=(False, True),
    increasing=True,
    exact_points=((1.0, 0.0), (10.0, 1.0)),
)
log1p = unary(
    "log1p",
    np.log1p,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(1 + x),
    symbolic=lambda x: se.log(1 + x),
    domain=(-1.0, np.inf),
    closed=(False, True),
    increasing=True,
    exact_points=((0.0, 0.0),),
)

sinh = unary(
    "sinh",
    np.sinh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: cosh(x),
    symbolic=se.sinh,
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
cosh: Operator = unary(
    "cosh",
    np.cosh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: sinh(x),
    symbolic=se.cosh,
    range=(1.0, np.inf),
    extrema=(0.0,),
    parity="even",
    never_zero=True,
)
tanh = unary(
    "tanh",
    np.tanh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: tanh_slope(x),
    symbolic=se.tanh,
    range=(-1.0, 1.0),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
    lipschitz=1.0,
    below_identity=True,
    flattens=True,
    bend=(2.0, "tanh'"),
)
# tanh' = 1/cosh**2 keeps its relative accuracy in the tails, where 1 - tanh**2 has none
tanh_slope: Operator = slope_of(
    "tanh",
    1,
    lambda x: reciprocal(square(cosh(x))),
    compiled_form=lambda x: 1 - square(tanh(x)),
    derivative=lambda x: tanh_curvature(x),
    symbolic=lambda x: 1 - se.tanh(x) ** 2,
    extrema=(0.0,),
    range=(0.0, 1.0),
    parity="even",
    never_zero=True,
    lipschitz=1.0,
    flattens=True,
    bend=(4.0, "tanh'"),
    quadratic=("tanh", 0.0, 1.0),
)
tanh_curvature: Operator = slope_of(
    "tanh",
    2,
    lambda x: -2 * (tanh(x) * tanh_slope(x)),
    compiled_form=lambda x: -2 * (tanh(x) * (1 - square(tanh(x)))),
    derivative=lambda x: tanh_slope(x) * (6 * square(tanh(x)) - 2),
    symbolic=lambda x: -2 * se.tanh(x) * (1 - se.tanh(x) ** 2),
    extrema=(-0.6584789484624084, 0.6584789484624084),  # artanh(1/sqrt(3))
    parity="odd",
)
arcsinh = unary(
    "arcsinh",
    np.arcsinh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(sqrt(1 + square(x))),
    symbolic=se.asinh,
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
arccosh = unary(
    "arccosh",
    np.arccosh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(sqrt(square(x) - 1)),
    symbolic=se.acosh,
    domain=(1.0, np.inf),
    range=POSITIVE,
    increasing=True,
    exact_points=((1.0, 0.0),),
)
arctanh = unary(
    "arctanh",
    np.arctanh,
    ulps=NUMPY_ULPS,
    derivative=lambda x: reciprocal(1 - square(x)),
    symbolic=se.atanh,
    domain=(-1.0, 1.0),
    closed=(False, False),
    increasing=True,
    exact_points=((0.0, 0.0),),
    parity="odd",
)
