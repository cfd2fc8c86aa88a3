"""What NumPy's array functions mean on Variables, spelled with operators."""

from deuterium.functions import (  # noqa: F401  (importing enters the functions)
    elementwise,
    filled,
    logic,
    more,
    movement,
    order,
    products,
    reductions,
    rounding,
    ufunc_methods,
)
