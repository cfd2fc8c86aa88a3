"""Reverse-mode differentiation: graph to graph, to any order.

The result is a graph again, so it can be printed, evaluated, enclosed and
differentiated like any other.  A node of a derivative carries the source line of the
node it came from, so that a pole in a gradient points at the user's own code.

References: A. Griewank and A. Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008,
section 3.2 (the adjoint of every node, in reverse order).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload
from weakref import WeakKeyDictionary

import numpy as np

from deuterium.budget import check
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.graph.constructors import VariableLike, constant
from deuterium.graph.hooks import provides
from deuterium.graph.provenance import attributing
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.validate import listed
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.transform.branches import narrowed_branches
from deuterium.transform.meeting import rounding_forgiven
from deuterium.transform.simplify.recognize import recognized
from deuterium.transform.smooth import with_kinks_apart


@overload
def grad(y: VariableLike, wrt: Variable) -> Variable: ...
@overload
def grad(y: VariableLike, wrt: Sequence[Variable]) -> list[Variable]: ...


def grad(y: Any, wrt: Any) -> Any:
    """Differentiate a scalar with respect to symbols, constants or any nodes.

    Parameters
    ----------
    y : Variable
        The scalar to differentiate.
    wrt : Variable, or sequence or object array of them
        What to differentiate by.  Symbols of one name count as one.

    Returns
    -------
    Variable, or list (or object array) of Variable
        Of the same shapes as ``wrt``; zero where ``y`` does not depend on it.  At kinks
        and ties the derivative is one-sided as `deuterium.ops.piecewise` states.  Where
        branches of `numpy.where` miss each other by the rounding of their constants, it
        is that of the branches (`rounding_jumps` says by how much they do).

    Raises
    ------
    ShapeError
        ``y`` is not a scalar.

    Examples
    --------
    >>> import deuterium as dt
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> dt.grad(a**2 * b, [a, b])
    [2*a*b, a**2]
    """
    if isinstance(wrt, Variable):
        return _remembered(y, [wrt])[0]
    if isinstance(wrt, np.ndarray):
        out = np.empty(wrt.shape, dtype=object)
        out.ravel()[:] = _remembered(y, list(wrt.ravel()))
        return out
    return _remembered(y, listed(wrt, "grad: `wrt`"))


ORIGINS: WeakKeyDictionary[Variable, tuple[Variable, Variable]] = WeakKeyDictionary()
"""Of what `grad` returned: the scalar, and what it was differentiated by."""


def _remembered(y: Variable, wrt: list[Variable]) -> list[Variable]:
    """Return gradients, of which `ORIGINS` knows what they are the gradients of."""
    found = _grad(y, wrt)
    below = set(topological([y]))
    for v, slope in zip(wrt, found, strict=True):
        if slope.op is not None and slope not in below:
            ORIGINS[slope] = y, v
    return found


def slopes_of(y: Variable, wrt: Sequence[Variable]) -> list[Variable]:
    """Return derivatives as `grad` does, but roots have the slopes of a chain rule.

    For bounds: quotients by a length are known to more of them than unit vectors are.
    """
    return _grad(y, list(wrt), lengths=False)


def _grad(y: Variable, wrt: list[Variable], *, lengths: bool = True) -> list[Variable]:
    for v in wrt:
        if not isinstance(v, Variable):
            raise InvalidInputError(
                "grad: `wrt` must be Variables, got "
                f"{type(v).__name__}; wrap parameters with deuterium.constant"
            )
    adjoints = pull_back(y, wrt, lengths=lengths)
    return [_adjoint(v, adjoints) for v in wrt]


def _adjoint(v: Variable, adjoints: dict[Any, Variable]) -> Variable:
    found = adjoints.get(key_of(v))
    return constant(np.zeros(v.shape) if v.shape else 0) if found is None else found


def key_of(v: Variable) -> Any:
    """Symbols are known by name, all else by identity."""
    return v.name if v.op is None and v.value is None else v


@standard_only  # rules ask whether a number is 0, and fold what is exact
def pull_back(
    y: Variable,
    wrt: Iterable[Variable] | None = None,
    *,
    lengths: bool = True,
    as_written: bool = False,
) -> dict[Any, Variable]:
    """Return the adjoint of every node below ``y`` that depends on ``wrt``.

    Keys are the nodes, and names for symbols.  None means all nodes.  ``lengths`` says
    whether roots of sums of squares have the slopes of lengths, ``as_written`` that the
    chain rule is applied to each node as it stands, as frameworks do.
    """
    if not isinstance(y, Variable):
        raise InvalidInputError(
            f"only Variables can be differentiated, got {type(y).__name__}"
        )
    if y.shape != ():
        raise ShapeError(
            f"only a scalar can be differentiated, this has shape {y.shape}; take its "
            ".sum() or .mean(), or one element"
        )
    graph = Graph([y])
    if wrt is not None and not as_written:
        wrt = list(wrt)
        if all(v.op is None for v in wrt):
            graph = recognized(graph, wrt, lengths=lengths)
        graph = narrowed_branches(with_kinks_apart(graph, wrt), wrt)
    order, (y,) = graph.order, graph
    active = _depending(order, wrt)
    adjoints: dict[Any, Variable] = {key_of(y): constant(1)} if y in active else {}
    with attributing() as attribute:
        for node in reversed(order):
            g = adjoints.get(key_of(node))
            if g is not None and node.op is not None:
                check()
                attribute(node.source)
                _distribute(node, g, active, adjoints)
    return adjoints


def _depending(order: list[Variable], wrt: Iterable[Variable] | None) -> set[Variable]:
    """Return the nodes that depend on ``wrt`` (the nodes of it included)."""
    if wrt is None:
        return set(order)
    keys = {key_of(v) for v in wrt}
    active: set[Variable] = set()
    for node in order:
        if not active.isdisjoint(node.args) or key_of(node) in keys:
            active.add(node)
    return active


def _distribute(
    node: Variable, g: Variable, active: set[Variable], adjoints: dict[Any, Variable]
) -> None:
    """Add what the adjoint of a node contributes to those of its arguments."""
    assert node.op is not None  # for the type checker: the caller has looked
    if active.isdisjoint(node.args):
        return
    parts = node.op.pullback(g, node, *node.args, **node.attrs)
    for argument, part in zip(node.args, parts, strict=True):
        if part is None or argument not in active:
            continue
        key = key_of(argument)
        before = adjoints.get(key)
        adjoints[key] = part if before is None else before + part


@provides("backward")
@rounding_forgiven()
def backward(y: Variable) -> None:
    """Set ``.grad`` afresh on every Variable below ``y``."""
    adjoints = pull_back(y)
    for node in topological([y]):
        node.grad = adjoints.get(key_of(node))  # None reads as zero


def get_gradients(y: Variable, wrt: Iterable[Any] | None = None) -> dict[str, Any]:
    """Return the gradients of a scalar by name, as the seed notebooks do.

    Parameters
    ----------
    y : Variable
        The scalar to differentiate.
    wrt : collection of names or Variables, optional
        Which ones; all symbols and constants by default.

    Returns
    -------
    dict
        From the name of a symbol (or named constant), or the number of a nameless
        constant, to the gradient.  Nameless constants of equal value are summed.

    Examples
    --------
    >>> import deuterium as dt
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> sorted(dt.get_gradients(a * b))
    ['a', 'b']
    """
    try:
        wanted = None if wrt is None else {_label(v) for v in wrt}
    except TypeError:
        raise InvalidInputError(
            f"get_gradients: `wrt` must list names or Variables, got {wrt!r:.80}"
        ) from None
    leaves = [v for v in topological([y]) if v.op is None and (v.name or v.shape == ())]
    adjoints = pull_back(y, leaves)
    result: dict[str, Any] = {}
    seen: set[Any] = set()
    for leaf in leaves:
        label, key = _label(leaf), key_of(leaf)
        if key in seen or (wanted is not None and label not in wanted):
            continue
        seen.add(key)
        found = _adjoint(leaf, adjoints)
        result[label] = result[label] + found if label in result else found
    return result


def _label(v: Any) -> str:
    if isinstance(v, Variable):
        return v.name or str(v.value)
    return str(v)
