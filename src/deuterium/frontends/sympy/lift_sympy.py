"""Expressions of SymPy and symengine as models, and graphs as expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.lifted_model import LiftedModel
from deuterium.frontends.sympy.expression_tree import from_symbolic
from deuterium.graph.closed_form import to_sympy
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

__all__ = ["lift", "lower"]


@standard_only
def lift(
    expression: Any,
    *,
    parameters: Mapping[str, Any] | None = None,
    arrays: Mapping[str, Sequence[int]] | None = None,
) -> LiftedModel:
    """Return expressions of SymPy or symengine as functions on Variables.

    Parameters
    ----------
    expression : expression, matrix, matrix expression, or a dict or list of them
        What is lifted; a matrix becomes one array.  Text is refused: nothing is
        evaluated by Python.
    parameters : mapping of str to number or array, optional
        Symbols that are learned numbers: they become named constants.  The elements of
        an array are the symbols ``name_0_1``, or those of a `sympy.MatrixSymbol`.
    arrays : mapping of str to shape, optional
        Arrays whose elements are the symbols ``name_0_1``, as `lower` writes them.

    Returns
    -------
    LiftedModel
        The inputs are the expression's symbols, in the order of their names; outputs
        are ``"output"``, or the keys or places of several.

    Raises
    ------
    SymbolicError
        A head has no equivalent operator, named with what it stands in.
    InvalidInputError
        It is text, or a parameter does not occur.

    Examples
    --------
    >>> import sympy, deuterium as dt
    >>> from deuterium.frontends.sympy import lift
    >>> x, a = sympy.symbols("x a")
    >>> model = lift(sympy.Piecewise((a * x, x > 0), (0, True)), parameters={"a": 2})
    >>> float(model.output.evaluate({"x": 3}))
    6.0
    """
    if isinstance(expression, str):
        raise InvalidInputError(
            "lift: `expression` is text; read it with deuterium.frontends.formula.lift,"
            " which evaluates nothing"
        )
    learned = {
        k: Variable(np.asarray(v), name=k) for k, v in (parameters or {}).items()
    }
    given = dict(learned)
    wholes = [symbol(name, shape) for name, shape in (arrays or {}).items()]
    for whole in (*wholes, *(v for v in learned.values() if v.shape)):
        for index in np.ndindex(whole.shape):
            given["_".join([whole.name, *map(str, index)])] = whole[index]
    outputs = {k: from_symbolic(e, given) for k, e in _several(expression)}
    found = free_symbols(list(outputs.values()))
    inputs = {s.name: s for s in sorted(found, key=lambda s: s.name)}
    return LiftedModel(inputs, outputs, learned, "SymPy")


def _several(expression: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(expression, Mapping):
        return [(str(k), e) for k, e in expression.items()]
    if isinstance(expression, (list, tuple)):
        return [(str(k), e) for k, e in enumerate(expression)]
    return [("output", expression)]


def lower(v: Variable) -> Any:
    """Return a Variable as a SymPy expression, or an array of them.

    Elements of array symbols are called ``name_0_1``.

    Raises
    ------
    SymbolicError
        An operator has no closed form.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import frontends
    >>> frontends.sympy.lower(dt.symbol("a") ** 2).diff("a")
    2*a
    """
    return to_sympy(v)
