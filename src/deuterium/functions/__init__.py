"""What NumPy's array functions mean on Variables, spelled with operators."""

from deuterium.functions import (  # noqa: F401  (importing enters the functions)
    calculus,
    convolution,
    einsum,
    elementwise,
    filled,
    identities,
    joins,
    movement,
    norms,
    padding,
    products,
    questions,
    reductions,
    running,
    shapes,
    softmax,
    statistics,
    ufunc_methods,
)
