"""Closed forms: a graph as symengine or SymPy expressions, and such as a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import symengine as se

from deuterium.errors import SymbolicError
from deuterium.graph.form_length import PRINTABLE_NESTING, is_printable
from deuterium.graph.hooks import METHODS, provides
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.provenance import describe as describe_source
from deuterium.graph.traverse import free_symbols, symbols_in, topological
from deuterium.graph.variable import Variable


@provides("data")
def data(v: Variable) -> Any:
    """Return the closed form of ``v``: an expression, or numbers if it has no symbols.

    Numbers are Python floats (ints stay ints for constants) and float64 arrays.
    """
    if v.is_constant:
        return v.value
    if not free_symbols([v]):
        value = v.evaluate({})
        return float(value) if v.shape == () else value
    return to_symengine(v)


@provides("to_symengine")
def to_symengine(v: Variable) -> Any:
    """Return the closed form as a symengine expression, or an object array of them."""
    result = _plain(interpret(topological([v]), _leaf, _symbolic_rule)[v])
    return result if v.shape else _as_scalar(result)


def _as_scalar(x: Any) -> Any:
    return se.sympify(x.item() if isinstance(x, np.ndarray) else x)


class _Sum:
    """A sum under construction: the first ``count`` of a growing list of terms.

    symengine copies a sum to add a term to it, so a chain of ten thousand additions
    would take quadratic time.  Here the longest sum of a chain owns the list and the
    next one appends to it; the expression is made when something else needs it.
    """

    __slots__ = ("count", "terms")

    def __init__(self, terms: list[Any]) -> None:
        self.terms, self.count = terms, len(terms)

    def plus(self, other: Any) -> _Sum:
        if len(self.terms) > self.count:  # another sum has taken the list over
            self = _Sum(self.terms[: self.count])
        if isinstance(other, _Sum):
            self.terms.extend(other.terms[: other.count])
        else:
            self.terms.append(other)
        return _Sum(self.terms)

    def expression(self) -> Any:
        return se.Add(*self.terms[: self.count])


def _plain(x: Any) -> Any:
    return x.expression() if isinstance(x, _Sum) else x


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return _plain(a) + _plain(b)
    if isinstance(a, _Sum):
        return a.plus(b)
    if isinstance(b, _Sum):
        return b.plus(a)
    return _Sum([a, b])


def _leaf(v: Variable) -> Any:
    if v.is_symbol:
        names = element_symbols(v)
        return names if v.shape else names.item()
    if v.shape == ():
        return se.sympify(v.value)
    return np.asarray(v.value).astype(object)


def _symbolic_rule(op: Operator) -> Callable[..., Any]:
    if op is OPERATORS["add"]:
        return _add
    if not op.elementwise:
        whole = op.symbolic or op.value
        return lambda *args, **attrs: whole(*map(_plain, args), **attrs)
    if op.symbolic is None:
        raise SymbolicError(f"the operator {op.name} has no closed form")
    rule = op.symbolic

    def run(*args: Any, **attrs: Any) -> Any:
        plain = [_plain(a) for a in args]
        try:
            return _written(plain, attrs)
        except RuntimeError as error:  # so symengine says that it is undefined
            raise SymbolicError(f"{op.name} has no closed form: {error}") from None

    def _written(plain: list[Any], attrs: Any) -> Any:
        if not any(isinstance(a, np.ndarray) for a in plain):
            return rule(*plain, **attrs)
        return np.frompyfunc(lambda *xs: rule(*xs, **attrs), len(plain), 1)(*plain)

    return run


def element_symbols(v: Variable) -> Any:
    """Return the symengine symbols of a symbol's elements (``x``, ``x_0``, ``x_0_1``).

    An object array of the symbol's shape (0-d for a scalar).
    """
    out = np.empty(v.shape, dtype=object)
    for index in np.ndindex(v.shape):
        out[index] = se.Symbol("_".join([v.name, *map(str, index)]))
    return out


@provides("element_symbols")
def symbols_below(v: Variable) -> set[Any]:
    """Return the symengine symbols of a closed form, elements of arrays each."""
    return {s for x in free_symbols([v]) for s in np.ravel(element_symbols(x)).tolist()}


@provides("to_sympy")
def to_sympy(v: Variable) -> Any:
    """Return the closed form as a SymPy expression, or an object array of them."""
    expression = to_symengine(v)
    if v.shape == ():
        return expression._sympy_()
    with np.errstate(all="ignore"):  # SymPy leaves flags that NumPy takes for its own
        return np.frompyfunc(lambda e: se.sympify(e)._sympy_(), 1, 1)(expression)


@provides("simplify")
def simplify(v: Variable, **options: Any) -> Variable:
    """Return the closed form, simplified by symengine, read back as a Variable."""
    if v.shape == ():
        return METHODS["from_symbolic"](to_symengine(v).simplify(**options))
    parts = np.ravel(to_symengine(v))
    done = [METHODS["from_symbolic"](se.sympify(e).simplify(**options)) for e in parts]
    return METHODS["stack"](done).reshape(v.shape)


@provides("describe")
def describe(v: Variable) -> str:
    """Return the closed form as text, or a summary where it would be too long."""
    order = topological([v])
    if v.is_symbol and v.shape:
        return f"<symbol {v.name!r}, shape={v.shape}>"
    if is_printable(v, order):
        with suppress(SymbolicError):  # an operator that has no closed form
            return str(data(v))
    names = [s.name for s in symbols_in(order)]
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    about = f", symbols: {shown}" if names else ""
    return f"<Variable shape={v.shape}, {len(order)} nodes{about}>"


@provides("facts")
def facts(v: Variable) -> Iterator[tuple[str, Any]]:
    """Yield what a notebook shows of a Variable that is no formula to be read."""
    order = topological([v])
    yield "shape", str(v.shape)
    yield "nodes", str(len(order))
    yield "symbols", {s.name: str(s.shape) for s in symbols_in(order)}
    if v.op is not None:
        yield "last operator", v.op.name
        yield "written at", describe_source(v.source)


@provides("latex")
def latex(v: Variable) -> str | None:
    """Return LaTeX for notebooks, or None where it would be too long."""
    if not is_printable(v, topological([v])):
        return None
    if v.ndim > 2 or v.size == 0:
        return None
    import sympy

    try:
        form = to_symengine(v)
    except SymbolicError:  # an operator that has no closed form
        return None
    if np.max(np.frompyfunc(_nesting, 1, 1)(form)) > PRINTABLE_NESTING:
        return None
    form = np.frompyfunc(_for_print, 1, 1)(form)
    if v.shape:
        form = sympy.Matrix(np.atleast_2d(form))
    return f"$\\displaystyle {sympy.latex(form)}$"


def _nesting(expression: Any) -> int:
    """Return how deep the parts of an expression are within each other."""
    return int(
        folded(se.sympify(expression), lambda _, parts: 1 + max(parts, default=0))
    )


def _for_print(expression: Any) -> Any:
    """Return a SymPy expression in which functions are left as they stand.

    SymPy looks for other forms of a hyperbolic function in time that is exponential in
    how many of them are within each other.
    """
    import sympy

    def made(e: Any, args: list[Any]) -> Any:
        if _is_leaf(e):
            return e._sympy_()
        make = getattr(sympy, kind_of(e))
        if make in (sympy.Add, sympy.Mul, sympy.Pow):
            return make(*args)
        if make is sympy.Piecewise:
            args = list(zip(args[::2], args[1::2], strict=True))
        return make(*args, evaluate=False)

    return folded(se.sympify(expression), made)


def _parts(e: Any) -> Any:
    return () if _is_leaf(e) else e.args


def folded(
    root: Any,
    read: Callable[[Any, list[Any]], Any],
    parts_of: Callable[[Any], Any] = _parts,
) -> Any:
    """Return what ``read`` makes of an expression and of what it made of the parts."""
    done: dict[Any, Any] = {}
    stack = [root]
    while stack:
        e = stack[-1]
        parts = parts_of(e)
        missing = [a for a in parts if a not in done]
        if e in done:
            stack.pop()
        elif missing:
            stack.extend(missing)
        else:
            done[stack.pop()] = read(e, [done[a] for a in parts])
    return done[root]


def _is_leaf(e: Any) -> bool:
    return not e.args or e.is_Number


def kind_of(e: Any) -> str:
    """Return the name of a function, also of one that symengine has from SymPy."""
    kind = type(e).__name__
    return type(e._sympy_()).__name__ if kind == "PyFunction" else kind
