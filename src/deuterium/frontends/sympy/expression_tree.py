"""Reading the trees of SymPy and symengine into a graph, without recursion or `eval`.

Both libraries have nodes with a class and ``args``; what a class means is looked up by
its name, so neither library is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.errors import DeuteriumError, SymbolicError
from deuterium.frontends.sympy.expression_heads import CONSTANTS, HEADS
from deuterium.functions.comparisons import where
from deuterium.functions.joins import stack
from deuterium.graph.closed_form import folded, kind_of
from deuterium.graph.constructors import as_variable, constant, symbol
from deuterium.graph.hooks import provides
from deuterium.graph.operator import OPERATORS
from deuterium.graph.variable import NO_ATTRS, Variable, node

__all__ = ["from_symbolic"]


@provides("from_symbolic")
def from_symbolic(
    expression: Any, elements: Mapping[str, Variable] | None = None
) -> Variable:
    """Return a graph for a SymPy or symengine expression, without recursion.

    Parameters
    ----------
    expression : SymPy or symengine object
        A scalar expression, a condition, a matrix or a matrix expression.
    elements : mapping of str to Variable, optional
        What stands for the symbols of these names.

    Raises
    ------
    SymbolicError
        A head has no equivalent operator (named), a number is not real, or two
        different symbols have one name.

    Examples
    --------
    >>> import sympy
    >>> from deuterium.frontends.sympy import from_symbolic
    >>> from_symbolic(sympy.Symbol("a") ** 2)
    a**2
    """
    if not hasattr(expression, "args") and hasattr(expression, "_sympy_"):
        expression = expression._sympy_()
    if not hasattr(expression, "args") and not hasattr(expression, "shape"):
        raise SymbolicError(
            f"cannot read {type(expression).__name__} as an expression of SymPy or "
            "symengine; text is read by deuterium.frontends.formula.lift"
        )
    reader = _Reader(elements or {})
    if _is_array(expression):  # it may change, so that it is no key of a dictionary
        return _array(expression, [reader.read(e) for e in _elements(expression)])
    return as_variable(reader.read(expression))


class _Reader:
    """One reading: which symbol of the expression has which name."""

    def __init__(self, elements: Mapping[str, Variable]) -> None:
        self.elements = elements
        self.named: dict[str, Any] = {}

    def read(self, expression: Any) -> Any:
        return folded(expression, self._made, _parts)

    def _made(self, e: Any, args: list[Any]) -> Any:
        kind = kind_of(e).lower()
        if _is_array(e):
            return _array(e, args)
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(e, args)
        if getattr(e, "is_Symbol", False) or kind == "matrixsymbol":
            return self._symbol(e)
        if getattr(e, "is_Number", False):
            return _number(e)
        if kind in CONSTANTS:
            return CONSTANTS[kind]()
        if kind == "functionsymbol":  # what symengine makes of names in text
            kind = e.get_name().lower()
        return _applied(e, kind, args)

    def _symbol(self, e: Any) -> Variable:
        """Return the symbol of a name, which must not mean two."""
        other = self.named.setdefault(e.name, e)
        if other != e:
            raise SymbolicError(
                f"two different symbols of the expression are called {e.name!r} "
                "(their assumptions differ, or one is a Dummy); give one another name"
            )
        if e.name in self.elements:
            return self.elements[e.name]
        shape = tuple(map(int, e.shape)) if kind_of(e) == "MatrixSymbol" else ()
        return symbol(e.name, shape)


def _parts(e: Any) -> Any:
    """Return the parts of an expression that are read before it."""
    if _is_array(e):
        return _elements(e)
    if getattr(e, "is_Number", False):
        return ()
    kind = kind_of(e).lower()
    if kind == "matrixelement":
        return e.args[:1]
    return e.args if kind in HEADS or kind in _WITH_PARTS else ()


def _is_array(e: Any) -> bool:
    """Return whether it lists its elements: a matrix, or an array of any rank."""
    return hasattr(e, "shape") and (hasattr(e, "tolist") or kind_of(e) in _LISTED)


_WITH_PARTS = ("pow", "piecewise", "exprcondpair", "functionsymbol")
_LISTED = ("ImmutableDenseMatrix", "ImmutableSparseMatrix", "ImmutableMatrix")


def _elements(e: Any) -> list[Any]:
    whole = np.array(e.tolist(), dtype=object)
    return [_as_expression(x) for x in whole.ravel()]


def _as_expression(x: Any) -> Any:
    """Return a number of Python's as one of SymPy's, everything else as it is."""
    if hasattr(x, "args"):
        return x
    import sympy

    if isinstance(x, str):
        raise SymbolicError("text among expressions; see deuterium.frontends.formula")
    return sympy.sympify(x, strict=True)


def _array(e: Any, args: list[Any]) -> Variable:
    shape = tuple(map(int, e.shape))
    if not args:
        return as_variable(np.zeros(shape))
    return stack([as_variable(a) for a in args]).reshape(shape)


def _applied(e: Any, kind: str, args: list[Any]) -> Any:
    head = HEADS.get(kind)
    try:
        result = None if head is None else head(*map(as_variable, args))
    except TypeError:  # another number of arguments
        result = None
    except DeuteriumError as error:
        raise SymbolicError(f"{kind_of(e)}: {error}") from error
    if result is None:
        raise SymbolicError(
            f"{_spelled(e)} has no equivalent operator; got {e!s:.80}. Write it with "
            "the functions listed in docs/models.md (an unevaluated sum, derivative or "
            "integral: call .doit() first), or enter it in deuterium.frontends.sympy."
            "expression_heads"
        )
    return result


def _spelled(e: Any) -> str:
    kind = kind_of(e)
    return str(e.get_name()) if kind == "FunctionSymbol" else kind


# -- numbers -------------------------------------------------------------------------


def _number(e: Any) -> Variable:
    """Return an exact number; a float is what its binary digits say."""
    if getattr(e, "is_Integer", False):
        return constant(int(e))
    if getattr(e, "is_Rational", False):
        top, bottom = _ratio(e)
        return constant(top) / constant(bottom)
    try:
        near = float(e)
    except (TypeError, ValueError, RuntimeError):
        near = float("nan")
    if near - near != 0:
        raise SymbolicError(f"{e} is not a real number")
    if hasattr(e, "_mpf_"):
        sign, mantissa, exponent, _ = e._mpf_
        exact = Fraction(int(mantissa)) * Fraction(2) ** int(exponent) * (-1) ** sign
        return as_variable(near if exact == Fraction(near) else exact)
    return constant(near)


def _ratio(e: Any) -> tuple[int, int]:
    if hasattr(e, "get_num_den"):
        top, bottom = e.get_num_den()
        return int(top), int(bottom)
    return int(e.p), int(e.q)


# -- heads that look at more than the values of their parts --------------------------


def _power(e: Any, args: list[Any]) -> Any:
    base, exponent = e.args
    x, y = map(as_variable, args)
    if kind_of(base) == "Exp1":
        return OPERATORS["exp"](y)
    if getattr(exponent, "is_Integer", False):
        return x ** int(exponent)
    if getattr(exponent, "is_Rational", False) and _ratio(exponent)[1] == 2:
        return OPERATORS["sqrt"](x) ** _ratio(exponent)[0]
    if y.is_constant and getattr(exponent, "is_Number", False):
        return x**y.value  # a number, not a node to differentiate by
    return x**y


def _piecewise(e: Any, args: list[Any]) -> Any:
    """Return the first piece whose condition holds."""
    if args and isinstance(args[0], tuple):
        pairs = list(args)
        conditions = [p.args[1] for p in e.args]
    else:  # symengine lists pieces and conditions in turn
        pairs = list(zip(args[::2], args[1::2], strict=True))
        conditions = list(e.args[1::2])
    if kind_of(conditions[-1]) != "BooleanTrue" and not _hold_everywhere(conditions):
        raise SymbolicError(
            f"Piecewise has no value where none of its conditions holds; got "
            f"{e!s:.80}. End it with (value, True)"
        )
    result = pairs.pop()[0]
    for value, condition in reversed(pairs):
        result = where(condition, value, result)
    return result


def _hold_everywhere(conditions: list[Any]) -> bool:
    import sympy

    return (
        sympy.Or(*[c._sympy_() if hasattr(c, "_sympy_") else c for c in conditions])
        == sympy.true
    )


def _pair(e: Any, args: list[Any]) -> tuple[Any, ...]:
    return tuple(args)


def _element(e: Any, args: list[Any]) -> Any:
    try:
        place = tuple(int(i) for i in e.args[1:])
    except TypeError:
        raise SymbolicError(
            f"MatrixElement: the place in {e} is not a number; where elements lie "
            "cannot depend on a symbol"
        ) from None
    return args[0][place]


def _filled(make: Callable[[Any], Any]) -> Callable[[Any, list[Any]], Any]:
    def run(e: Any, args: list[Any]) -> Any:
        return as_variable(make(tuple(map(int, e.shape))))

    return run


def _pi(e: Any, args: list[Any]) -> Variable:
    return node(OPERATORS["pi"], (), NO_ATTRS, ())


_SPECIAL: dict[str, Callable[[Any, list[Any]], Any]] = {
    "pi": _pi, "pow": _power, "piecewise": _piecewise, "exprcondpair": _pair,
    "matrixelement": _element, "identity": _filled(lambda s: np.eye(s[0])),
    "zeromatrix": _filled(np.zeros), "onematrix": _filled(np.ones),
}  # fmt: skip
