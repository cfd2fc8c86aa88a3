"""symengine: expressions as Variables, and Variables as expressions.

Its trees are read as those of SymPy are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deuterium.frontends.lifted_model import LiftedModel
from deuterium.frontends.sympy import lift_sympy
from deuterium.graph.closed_form import to_symengine
from deuterium.graph.variable import Variable

__all__ = ["lift", "lower"]


def lift(expression: Any, **options: Any) -> LiftedModel:
    """Return expressions of symengine as functions on Variables.

    It takes what `deuterium.frontends.sympy.lift` does.
    """
    return replace(lift_sympy.lift(expression, **options), framework="symengine")


def lower(v: Variable) -> Any:
    """Return a Variable as a symengine expression, or an array of them.

    Raises
    ------
    SymbolicError
        An operator has no closed form.
    """
    return to_symengine(v)
