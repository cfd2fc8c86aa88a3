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

    Examples
    --------
    >>> import symengine
    >>> from deuterium import frontends
    >>> frontends.symengine.lift(symengine.sympify("a**2 + b")).output
    b + a**2
    """
    return replace(lift_sympy.lift(expression, **options), framework="symengine")


def lower(v: Variable) -> Any:
    """Return a Variable as a symengine expression, or an array of them.

    Raises
    ------
    SymbolicError
        An operator has no closed form.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import frontends
    >>> frontends.symengine.lower(dt.symbol("a") ** 2)
    a**2
    """
    return to_symengine(v)
