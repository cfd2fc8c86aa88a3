"""What NumPy's array functions mean on Variables, spelled with operators."""

from deuterium.functions import (  # noqa: F401  (importing enters the functions)
    choice,
    filled,
    more,
    movement,
    products,
    reductions,
    ufunc_methods,
)
