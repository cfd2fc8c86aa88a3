"""What each feature of a record has to do with the size of its gradient.

Two notions that are easily taken for each other have two names here:

``share``
    ``g_i**2 / ||g||**2``: how much of a gradient's squared length lies in its element
    i.  All shares add up to 1.
``derivative``
    ``d||g|| / dx_i``: how fast the length grows with feature i.

Both describe one record at a time and promise nothing.  What promises something is
`deuterium.privacy.feature_sensitivity`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from deuterium import ops
from deuterium.domain.domain import Domain
from deuterium.enclose import enclose
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.evaluate import compile
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import as_variable, symbol
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.environment import standard_only
from deuterium.interval.interval_arithmetic import intersect
from deuterium.privacy.sensitivity.vector_norms import as_parts
from deuterium.transform import grad

__all__ = ["Partial", "PartialValues", "norm_slopes", "partial"]


class PartialValues(NamedTuple):
    """Shares and derivatives of a data set, one row per record."""

    share: Any
    derivative: Any


def partial(norm_or_grads: Any, x: Any) -> Partial:
    """Return each feature's part of a gradient's norm, in two notions.

    Parameters
    ----------
    norm_or_grads : Variable or sequence of Variable
        The gradient ``g``, as `deuterium.grad` returns it; or its norm, a scalar such
        as `deuterium.norm` makes it.
    x : Variable or sequence of Variable
        The features, one symbol or several.

    Returns
    -------
    Partial
        ``.share`` and ``.derivative``.

    Examples
    --------
    >>> import numpy as np
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> p = privacy.partial(dt.grad(a**2 + b**2, [a, b]), [a, b])
    >>> p.share.evaluate({a: 3, b: 4}).round(2).tolist()
    [0.36, 0.64]
    >>> p.derivative.evaluate({a: 3, b: 4}).round(2).tolist()
    [1.2, 1.6]
    """
    features = as_parts("partial", x, "x")
    if not all(v.is_symbol for v in features):
        raise InvalidInputError(
            "partial: `x` must be symbols, the features of a record; got "
            f"{next(v for v in features if not v.is_symbol)!r:.80}"
        )
    given = as_parts("partial", norm_or_grads, "norm_or_grads")
    shape = _shape_of(x, features)
    if len(given) == 1 and not given[0].shape:
        under = _under_root(given[0])
        return Partial(under, given[0] if under else None, features, shape, given[0])
    return Partial(given, None, features, shape, given[0])


class Partial:
    """Each feature's part of a gradient's norm; made by `partial`.

    Attributes
    ----------
    gradients : list of Variable
        ``g``.
    norm : Variable
        ``||g||``, a scalar.
    x : list of Variable
        The features.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> privacy.partial(dt.grad(a * b, [a, b]), [a, b]).norm
    sqrt(a**2 + b**2)
    """

    def __init__(
        self,
        gradients: list[Variable] | None,
        norm: Variable | None,
        x: list[Variable],
        shape: tuple[int, ...],
        given: Variable,
    ) -> None:
        self.gradients = gradients or [given]
        self.norm = norm_of_all(self.gradients) if norm is None else norm
        self.x, self._shape = x, shape
        self._functions: dict[tuple[str, ...], Any] = {}

    @cached_property
    def share(self) -> Variable:
        """``g_i**2 / ||g||**2``, which sums to 1.

        In the shape of ``x`` where ``g`` has one element for each feature, as the
        gradient by ``x`` has; else a vector over all elements of ``g``.
        """
        squares = [g**2 for g in self.gradients]
        total: Any = sum(s.sum() if s.shape else s for s in squares)
        flat = _joined(squares)
        count = sum(v.size for v in self.x)
        shares: Variable = flat / total
        return shares.reshape(self._shape if flat.size == count else flat.shape)

    @cached_property
    def derivative(self) -> Variable:
        """``d||g|| / dx_i``, in the shape of ``x``."""
        return _joined(grad(self.norm, self.x)).reshape(self._shape)

    def over(
        self,
        data: Mapping[Any, Any],
        *,
        share: bool = True,
        derivative: bool = True,
    ) -> PartialValues:
        """Return shares and derivatives of many records, by one compiled function.

        Parameters
        ----------
        data : mapping
            From every symbol (or its name) to its values, one leading axis of records.
        share, derivative : bool
            Whether to work them out; what is not is None.  Shares of a gradient by a
            network's parameters are as many numbers per record as there are parameters.

        Notes
        -----
        Where the gradient vanishes, both are undefined, and NaN.
        """
        wanted = (
            *(["share"] if share else []),
            *(["derivative"] if derivative else []),
        )
        if not wanted:
            raise InvalidInputError("over: neither `share` nor `derivative` is wanted")
        rows = {symbol_name(k): np.asarray(v) for k, v in data.items()}
        missing = [s.name for s in self._symbols if s.name not in rows]
        if missing:
            raise InvalidInputError(f"over: `data` lacks {', '.join(missing)}")
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self._compiled(wanted)(*[rows[s.name] for s in self._symbols])
        return PartialValues(
            **{
                "share": None,
                "derivative": None,
                **dict(zip(wanted, found, strict=True)),
            }
        )

    @standard_only
    def derivative_range(self, domain: Domain) -> Interval:
        """Return certified bounds of every derivative over a domain."""
        slopes = [norm_slopes(self.gradients, v, domain) for v in self.x]
        low, high = (
            np.concatenate([np.ravel(e) for e in ends])
            for ends in zip(*[(s.lower, s.upper) for s in slopes], strict=True)
        )
        return Interval.unchecked(low.reshape(self._shape), high.reshape(self._shape))

    @standard_only
    def share_range(self, domain: Domain) -> Interval:
        """Return certified bounds of every share over a domain, within 0 and 1."""
        found = enclose(self.share, domain)
        return Interval.unchecked(
            np.clip(np.nan_to_num(found.lower, nan=0.0), 0, 1),
            np.clip(np.nan_to_num(found.upper, nan=1.0), 0, 1),
        )

    @cached_property
    def _symbols(self) -> list[Variable]:
        used = {*free_symbols([self.share, self.derivative]), *self.x}
        return sorted(used, key=lambda s: s.name)

    def _compiled(self, wanted: tuple[str, ...]) -> Any:
        if wanted not in self._functions:
            outputs = [getattr(self, name) for name in wanted]
            self._functions[wanted] = compile(self._symbols, outputs)
        return self._functions[wanted]

    def __repr__(self) -> str:
        names = ", ".join(v.name for v in self.x)
        return f"<share and derivative of a gradient's norm by {names}>"


def _shape_of(x: Any, features: Sequence[Variable]) -> tuple[int, ...]:
    if isinstance(x, Variable):
        return x.shape
    if isinstance(x, np.ndarray):
        return tuple(x.shape)
    return (sum(v.size for v in features),)


def _joined(parts: Sequence[Variable]) -> Variable:
    flat = [p.reshape((p.size,)) for p in parts]
    joined: Any = np.concatenate(flat) if len(flat) > 1 else flat[0]
    return as_variable(joined)


def _under_root(norm: Variable) -> list[Variable] | None:
    """Return the gradients whose squares were summed under a root, or None."""
    if norm.op is not ops.sqrt:
        return None
    terms, found = [norm.args[0]], []
    while terms:
        term = terms.pop()
        op = term.op
        if op is ops.add:
            terms += [term.args[1], term.args[0]]  # keeps the order
        elif (
            op in (ops.add_reduce, ops.reshape, ops.broadcast)
            and term.args[0].size >= term.size
        ):
            terms.append(term.args[0])
        elif op is ops.square:
            found.append(term.args[0])
        else:
            return None
    return found


# -- certified slopes ----------------------------------------------------------------


@standard_only
def norm_slopes(gradients: Sequence[Variable], x: Variable, domain: Domain) -> Interval:
    """Enclose the derivative of a gradient's norm by each feature of a record.

    Parameters
    ----------
    gradients : sequence of Variable
        ``g``, as `deuterium.grad` returned it.
    x : Variable
        The record; its elements are the features.
    domain : Domain
        Every record that may come.

    Returns
    -------
    Interval
        Of ``x``'s shape: ``d|g|/dx_j`` wherever it exists.

    Notes
    -----
    ``d|g|/dx_j`` is ``g . (dg/dx_j) / |g|``, so by Cauchy and Schwarz at most
    ``|dg/dx_j|``: no division by a norm that may come close to zero.  The enclosure of
    the derivative itself is intersected with that.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", (2,))
    >>> privacy.norm_slopes([x * x], x, dt.Box({x: (1, 2)})).shape
    (2,)
    """
    parts = list(gradients) if isinstance(gradients, list | tuple) else []
    if not parts or not all(isinstance(g, Variable) for g in parts):
        raise InvalidInputError(
            "norm_slopes: `gradients` must be a list of Variables, as deuterium.grad "
            f"returns it; got {gradients!r:.80}"
        )
    if not isinstance(x, Variable) or not x.is_symbol:
        raise InvalidInputError(
            f"norm_slopes: `x` must be a symbol, the record; got {x!r:.80}"
        )
    bounds = np.array([_column_bound(c, domain) for c in columns(parts, x)])
    bounds = bounds.reshape(x.shape)
    direct = enclose(grad(norm_of_all(parts), x), domain)
    return intersect(Interval.unchecked(-bounds, bounds), direct)


def columns(gradients: Sequence[Variable], x: Variable) -> list[list[Variable]]:
    """Return ``dg/dx_j`` for every element j of x: each of the gradients' shapes.

    The derivative of ``u . g`` by x is linear in u, and its j-th element has the
    derivative ``dg/dx_j`` by u: two backward passes make one forward.  The u are
    symbols: ones would be simplified away before they are differentiated by.
    """
    weights = [symbol(f"{i}th weight", g.shape) for i, g in enumerate(gradients)]
    total: Any = sum((g * u).sum() for g, u in zip(gradients, weights, strict=True))
    by_x = grad(total, x).reshape(-1)
    return [grad(by_x[j], weights) for j in range(x.size)]


def _column_bound(column: Sequence[Variable], domain: Domain) -> float:
    bound = enclose(norm_of_all(list(column)), domain).upper
    if bound.shape:
        raise ShapeError(
            f"norm_slopes: the bounds have batch axes {bound.shape}; take one box at a "
            "time"
        )
    return float(bound)
