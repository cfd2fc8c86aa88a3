"""What NumPy's array functions mean on Variables, spelled with operators."""

from deuterium.functions import (  # noqa: F401  (importing enters the functions)
    elementwise,
    filled,
    more,
    movement,
    products,
    reductions,
    special_functions,
    ufunc_methods,
)
