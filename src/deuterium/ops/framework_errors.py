"""How far the functions of PyTorch and JAX may be from the truth.

A framework's value of ``f(x)`` is taken to differ from the truth by at most ``u (r |f|
+ a + s |x|)``, and by what underflows, where u is half an ulp of 1 (2**-24 of float32,
2**-53 of float64).  The three numbers are below.  No library promises any; these are
twice, or more, what was measured in float32 on x86-64 with AVX-512 (PyTorch 2.13 with
its vector loops, jaxlib 0.10 compiled by XLA) at 4 * 10**7 points each, every
101st of all float32 numbers, by ``python benchmarks/library_errors.py``.  In float64
the numbers are the same, or twice that of the record (`Traits.ulps`) where that is
more.

Relative errors measured, in units of u, PyTorch; JAX: exp 1.0; 1.4, exp2 1.7; 3, expm1
1.5; 6.5, log 1.0; 2.0, log2 1.0; 2.9, log10 1.0; 3.1, log1p 2.0; 3.6, sinh 2.0; 25,
cosh 1.0; 25, tanh 1.1; 4.8, arcsinh 2.3; 4.0.

Slopes of the logistic function and of tanh are charged absolutely, as frameworks make
them from the values: ``y (1 - y)``, ``1 - y * y``.
"""

from __future__ import annotations

from deuterium.graph.operator import Operator
from deuterium.ops import arithmetic, exponential, special, trigonometric
from deuterium.ops.log_cosh import log_cosh

Charges = tuple[float, float, float]

FRAMEWORK_ERRORS: dict[Operator, Charges] = {
    # correctly rounded, but XLA writes quotients by numbers as products
    arithmetic.sqrt: (4, 0, 0),
    arithmetic.cbrt: (16, 0, 0),
    exponential.exp: (8, 0, 0),
    exponential.exp2: (8, 0, 0),
    exponential.expm1: (16, 0, 0),
    exponential.log: (8, 0, 0),
    exponential.log2: (8, 0, 0),
    exponential.log10: (8, 0, 0),
    exponential.log1p: (8, 0, 0),
    exponential.sinh: (64, 0, 0),
    exponential.cosh: (64, 0, 0),
    exponential.tanh: (16, 0, 0),
    exponential.tanh_slope: (16, 64, 0),
    exponential.tanh_curvature: (16, 128, 0),
    exponential.arcsinh: (16, 0, 0),
    exponential.arccosh: (16, 0, 0),
    exponential.arctanh: (16, 0, 0),
    special.expit: (16, 4, 0),
    special.expit_slope: (16, 32, 0),
    special.expit_curvature: (16, 64, 0),
    special.log_expit: (16, 4, 4),
    special.erf: (16, 0, 0),
    special.erfc: (16, 8, 0),
    special.ndtr: (16, 8, 0),
    trigonometric.sin: (8, 0, 0),
    trigonometric.cos: (8, 0, 0),
    trigonometric.tan: (16, 0, 0),
    trigonometric.arcsin: (16, 0, 0),
    trigonometric.arccos: (16, 0, 0),
    trigonometric.arctan: (16, 0, 0),
    log_cosh: (16, 8, 8),
}
"""For each operator of one variable ``(r, a, s)``, in units of u."""
