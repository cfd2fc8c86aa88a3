"""`vectorize`: a graph of scalar nodes made into one of few array nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.transform.vectorize.flatten import flatten
from deuterium.transform.vectorize.groups import build
from deuterium.transform.vectorize.integer_table import read


@overload
def vectorize(v: Variable, *, keep: Iterable[Variable] = ()) -> Variable: ...
@overload
def vectorize(
    v: Sequence[Variable], *, keep: Iterable[Variable] = ()
) -> list[Variable]: ...


def vectorize(v: Any, *, keep: Iterable[Variable] = ()) -> Any:
    """Return the same function as a graph of few array nodes.

    Long trees of scalar sums and products become one sum or product over an array, sums
    of products become matrix products, and independent scalar nodes of one operator
    become one node.  Nodes on arrays stay as they are, and so do scalar nodes with
    nothing to join: single ones, and long chains of them.  A graph that would not get
    smaller is returned as it is.

    Parameters
    ----------
    v : Variable, or sequence or object array of them
        What to rewrite; several share their work.
    keep : iterable of Variable
        Scalar constants to keep as nodes of their own, because they are to be replaced
        or differentiated by later.  All others disappear into constant arrays.

    Returns
    -------
    Variable, or list (or object array) of Variable
        Of the same shapes, over the same symbols; each of several may depend on the
        symbols of all.  Values and enclosures are the same but for the rounding of sums
        and products whose order changed.

    Notes
    -----
    A node made from several carries the source line of one of them.

    Examples
    --------
    >>> import numpy as np
    >>> import deuterium as dt
    >>> nodes = dt.graph.topological
    >>> f = sum(np.tanh(dt.symbol("x") * i + 0.5) for i in range(30))
    >>> len(nodes([dt.vectorize(f)])) < len(nodes([f]))
    True
    """
    if isinstance(v, Variable):
        return _checked([v], keep)[0]
    if isinstance(v, np.ndarray):
        out = np.empty(v.shape, dtype=object)
        out.ravel()[:] = _checked(list(v.ravel()), keep)
        return out
    return _checked(list(v), keep)


def _checked(outputs: list[Variable], keep: Iterable[Variable]) -> list[Variable]:
    for v in outputs:
        if not isinstance(v, Variable):
            raise InvalidInputError(
                f"vectorize: only Variables can be vectorised, got {type(v).__name__}; "
                "wrap numbers with deuterium.constant"
            )
    return list(vectorized(Graph(outputs), keep))


def vectorized(graph: Graph, keep: Iterable[Variable] = ()) -> Graph:
    """Return a graph of few array nodes, or the same one where it is no smaller."""
    table = read(graph, keep)
    result = Graph(build(flatten(table)))
    return result if len(result.order) < len(table.nodes) else graph
