"""SymPy and symengine: expressions as Variables, and Variables as expressions."""

from deuterium.frontends.sympy.expression_tree import from_symbolic
from deuterium.frontends.sympy.lift_sympy import lift, lower

__all__ = ["from_symbolic", "lift", "lower"]
