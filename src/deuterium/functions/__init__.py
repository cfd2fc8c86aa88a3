"""What NumPy's array functions mean on Variables, spelled with operators.

Takes calls of NumPy functions on Variables; gives nodes of operators.
"""

from deuterium.functions import (  # noqa: F401  (importing enters the functions)
    advice,
    calculus,
    comparisons,
    convolution,
    covariance,
    einsum,
    elementwise,
    filled,
    identities,
    joins,
    linear_algebra,
    log_sum_exp,
    movement,
    norms,
    order_statistics,
    padding,
    polynomials,
    products,
    questions,
    ranges,
    reductions,
    reshaping,
    running,
    special_formulas,
    statistics,
    ufunc_methods,
    whole_numbers,
)
