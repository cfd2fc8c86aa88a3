"""What NumPy's array functions mean on Variables, spelled with operators."""

from deuterium.functions import choice, movement, products, reductions  # noqa: F401
