"""The logarithm of the hyperbolic cosine, which overflows nowhere."""

from __future__ import annotations

from functools import partial

import numpy as np
import symengine as se

from deuterium.graph.operator import Operator
from deuterium.interval import Interval
from deuterium.ops import portable_values
from deuterium.ops.exponential import tanh
from deuterium.ops.univariate import unary

log_cosh: Operator = unary(
    "log_cosh",
    partial(portable_values.log_cosh, np),
    ulps=32,
    derivative=lambda x: tanh(x),
    symbolic=lambda x: se.log(se.cosh(x)),
    range=(0.0, np.inf),
    extrema=(0.0,),
    parity="even",
    lipschitz=1.0,
    below_identity=True,
    trim=lambda x, found: Interval.unchecked(
        found.lower, np.where((x.lower == 0) & (x.upper == 0), 0.0, found.upper)
    ),
    ufunc="",
    code="log_cosh({0})",
)
"""``log(cosh(x))``."""
