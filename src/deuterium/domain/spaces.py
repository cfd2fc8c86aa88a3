"""How domains are said: boxes, balls, choices, unit vectors, conditions."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deuterium.domain.box_ends import range_of, settled
from deuterium.domain.conditions import checked
from deuterium.domain.constraints import Constraint, OneOf, UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.domain.records import own_range, require_columns
from deuterium.errors import (
    BoundsError,
    DataDependentBoundsWarning,
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
)
from deuterium.evaluate.named_columns import as_columns
from deuterium.graph.constructors import symbol
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval import doubles
from deuterium.options import is_number

Shape = tuple[int, ...]

SUM_TOLERANCE = 1e-12  # of a simplex, so that rounded points are in it


def _single(key: Any, constraint: Constraint) -> Domain:
    name = symbol_name(key)
    if not isinstance(key, Variable):
        return Domain({name: (constraint,)}, {})
    domain = Domain({name: (constraint,)}, {name: key.shape})
    domain.hull(key)  # raises where shapes do not fit
    return domain


def _exactly(value: Any, what: str) -> Any:
    """Return numbers of the domain's own: what the caller does to its array is its."""
    numbers = doubles.exactly(
        value, what, "take the nearest double, if it will do: float(...), or a Box"
    )
    return settled(numbers, value, what)


class Box(Domain):
    """The domain where each symbol lies between two ends.

    Parameters
    ----------
    bounds : mapping
        From a symbol (the Variable or its name, never a position) to ``(lower,
        upper)``: numbers, or arrays that broadcast to the symbol's shape.  Leading axes
        beyond that shape make a batch of boxes.  Numbers that no double holds are
        rounded outward.

    Raises
    ------
    BoundsError
        Ends are reversed, NaN, or leave no finite point; or they can be read two ways,
        as ``[(0, 10), (5, 20)]`` can for two elements: one pair each, or first all
        lower ends and then all upper ones.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> dt.Box({x: (-1, 2)})
    dt.Box({'x': (-1.0, 2.0)})
    """

    __slots__ = ()

    def __init__(self, bounds: Mapping[Any, Any]) -> None:
        if not isinstance(bounds, Mapping):
            raise InvalidInputError(
                "Box: `bounds` must be a mapping such as {x: (-1, 1)}, keyed by symbol "
                f"and never by position; got {type(bounds).__name__}"
            )
        domain = Domain({}, {})
        for key, pair in bounds.items():
            domain = domain & _single(key, range_of(key, pair))
        super().__init__(domain.constraints, domain.shapes)

    @staticmethod
    def from_schema(schema: Mapping[Any, Any]) -> Domain:
        """Return the domain of a record that a schema describes, column by column.

        Parameters
        ----------
        schema : mapping
            From a column's name (or symbol) to what its values may be: a pair ``(lower,
            upper)``, or a mapping with one of ``"bounds"`` (such a pair), ``"values"``
            (finitely many numbers) and ``"categories"`` (texts: the symbol is a unit
            vector with an element for each).  What else it says of a column under
            ``"unit"``, ``"source"`` and ``"description"`` is for readers.

        Raises
        ------
        InvalidInputError
            An entry is none of these.

        Examples
        --------
        >>> import deuterium as dt
        >>> dt.Box.from_schema({
        ...     "age": {"bounds": (18, 120), "unit": "years"},
        ...     "job": {"categories": ["clerk", "nurse"]},
        ... })
        dt.Box({'age': (18.0, 120.0)}) & dt.OneHot('job', categories=['clerk', 'nurse'])
        """
        if not isinstance(schema, Mapping):
            raise InvalidInputError(
                "from_schema: `schema` must be a mapping from columns to what their "
                f"values may be, got {type(schema).__name__}"
            )
        domain = Domain({}, {})
        for key, told in schema.items():
            domain = domain & _of_schema(key, told)
        return domain

    @staticmethod
    def from_frame(
        frame: Any,
        bounds: Mapping[str, Any] | None = None,
        *,
        categories: Mapping[str, Any] | None = None,
        own_ends: bool = False,
    ) -> Domain:
        """Return the domain of a table's records, from bounds that are public.

        Parameters
        ----------
        frame : DataFrame
            Its columns must all be described; its values are not looked at.
        bounds : mapping, optional
            From a column to ``(lower, upper)``, or an entry as of `from_schema`.
        categories : mapping, optional
            From a column to all texts that may be in it, in whosever data.
        own_ends : bool
            Take the data's own ends, and the texts that occur, for what is not
            described: what follows protects nobody, and a warning says so.

        Raises
        ------
        MissingSymbolError
            A column is not described.
        UnknownSymbolError
            Something described is no column.

        Examples
        --------
        >>> import pandas as pd
        >>> import deuterium as dt
        >>> table = pd.DataFrame({"age": [31, 45], "job": ["clerk", "nurse"]})
        >>> dt.Box.from_frame(
        ...     table, {"age": (18, 120)}, categories={"job": ["clerk", "nurse"]}
        ... ).names
        ['age', 'job']
        """
        columns = as_columns(frame, "from_frame")
        schema = dict(bounds or {})
        schema |= {n: {"categories": c} for n, c in (categories or {}).items()}
        require_columns(schema, columns)
        left = [n for n in columns if n not in schema]
        if left and not own_ends:
            raise MissingSymbolError(
                f"from_frame: nobody said what may be in {', '.join(map(repr, left))}; "
                "give `bounds` or `categories` that are public, and not the data's own"
            )
        if left:
            warnings.warn(
                f"from_frame: the bounds of {', '.join(map(repr, left))} are the "
                "data's own. A sensitivity over them depends on the data and "
                "protects nobody",
                DataDependentBoundsWarning,
                stacklevel=2,
            )
        schema |= {n: own_range(columns[n]) for n in left}
        return Box.from_schema({n: schema[n] for n in columns})


READERS_ONLY = {"unit", "source", "description"}


def _of_schema(key: Any, told: Any) -> Domain:
    """Return the domain of one column."""
    name = symbol_name(key)
    if not isinstance(told, Mapping):
        return Box({key: told})
    kinds = sorted(set(told) - READERS_ONLY, key=str)
    if kinds == ["bounds"]:
        return Box({key: told["bounds"]})
    if kinds == ["values"]:
        return Choice(key, told["values"])
    if kinds == ["categories"]:
        return OneHot(key, categories=told["categories"])
    raise InvalidInputError(
        f"from_schema: {name!r} needs one of 'bounds', 'values' and 'categories', got "
        f"{', '.join(map(repr, kinds)) or 'none of them'}"
    )


def Ball(x: Any, center: Any, radius: float, order: float = 2) -> Domain:
    """Return the domain where a symbol lies in a ball.

    Parameters
    ----------
    x : Variable or str
        The symbol.
    center : array_like
        Broadcasts to the symbol's shape.
    radius : float
        At least 0.
    order : {1, 2, inf}
        The norm: the sum of sizes, Euclidean, or the largest element.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x", (2,))
    >>> dt.Ball(x, [0, 1], 0.5)
    dt.Ball('x', [0.0, 1.0], 0.5)
    """
    name = symbol_name(x)
    c = _exactly(center, f"Ball: the center of {name!r}")
    what = f"Ball: the radius of {name!r}"
    if isinstance(radius, (bool, np.bool_)):
        raise InvalidInputError(f"{what} must be a number, got {radius!r}")
    size = settled(doubles.enclosing(radius, what)[1], radius, what)
    if size.shape != ():
        raise ShapeError(
            f"Ball: `radius` of {name!r} must be one number, got {radius!r}"
        )
    r = float(size)
    if not 0 <= r < np.inf or not np.isfinite(c).all():
        raise BoundsError(
            f"Ball: center must be finite and radius finite and >= 0, got {radius!r}"
        )
    if not is_number(order) or order not in (1, 2, np.inf):
        raise InvalidInputError(f"Ball: `order` must be 1, 2 or inf, got {order!r}")
    if order == 1:
        if not isinstance(x, Variable):
            raise InvalidInputError(
                f"Ball: a ball of order 1 needs the Variable, not the name {x!r}: its "
                "shape says what is added up"
            )
        box = _single(x, Within(c, r, np.inf))
        return box & Where(np.sum(np.abs(x - c)) <= r)
    return _single(x, Within(c, r, float(order)))


def Choice(x: Any, values: Any) -> Domain:
    """Return the domain where a symbol is one of finitely many values.

    Parameters
    ----------
    x : Variable or str
        The symbol.
    values : sequence
        Its possible values, exactly; each broadcasts to the symbol's shape.

    Raises
    ------
    BoundsError
        There are none; or several plain numbers are given for an array, which may mean
        that its elements are equal, or that each is one of them.

    Examples
    --------
    >>> import deuterium as dt
    >>> dt.Choice(dt.symbol("k"), [0, 1, 5])
    dt.Choice('k', [0.0, 1.0, 5.0])
    """
    name = symbol_name(x)
    what = f"Choice: the values of {name!r}"
    several = isinstance(values, Iterable) and getattr(values, "ndim", 1) > 0
    if isinstance(values, (str, bytes, Mapping)) or not several:
        raise InvalidInputError(
            f"Choice: `values` of {name!r} must be a sequence, got {values!r:.80}"
        )
    if hasattr(values, "__array__"):  # tables of pandas run over their columns' names
        values = doubles.as_plain_array(values, what)
    listed = tuple(_exactly(v, what) for v in values)
    if not listed:
        raise BoundsError(f"Choice: `values` of {name!r} must not be empty")
    return _single(x, OneOf(listed))


def OneHot(x: Any, *, categories: Iterable[str] | None = None) -> Domain:
    """Return the domain where a symbol is a unit vector along its last axis.

    Parameters
    ----------
    x : Variable or str
        The symbol.
    categories : sequence of str, optional
        What the elements stand for: records may then come as texts (`Domain.clip`), and
        a symbol given by name has so many elements.

    Examples
    --------
    >>> import deuterium as dt
    >>> jobs = dt.OneHot("job", categories=["clerk", "nurse"])
    >>> jobs.clip({"job": ["nurse", "clerk"]})["job"].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if categories is None:
        return _single(x, UnitVectors())
    name, texts = symbol_name(x), tuple(map(str, categories))
    if isinstance(categories, str) or len(set(texts)) < len(texts) or not texts:
        raise InvalidInputError(
            f"OneHot: `categories` of {name!r} must be different texts, got "
            f"{categories!r:.80}"
        )
    v = x if isinstance(x, Variable) else symbol(name, (len(texts),))
    if v.shape != (len(texts),):
        raise ShapeError(
            f"OneHot: {name!r} has shape {v.shape}, and {len(texts)} categories"
        )
    return _single(v, UnitVectors(texts))


def Where(*conditions: Any) -> Domain:
    """Return the domain where conditions on several inputs hold together.

    Parameters
    ----------
    *conditions : Variable
        Comparisons such as ``np.sum(x) <= 1`` or ``lo <= hi``; of arrays, every
        element.  Join it with a `Box` (or `Ball` ...) of every symbol.

    Notes
    -----
    A bound holds for every point that satisfies the conditions.  A witness certainly
    satisfies them: of an equation, only a point that does so without rounding.

    Raises
    ------
    InvalidInputError
        Something else than a condition was given.
    BoundsError
        A condition is false, whatever the inputs.

    Examples
    --------
    >>> import deuterium as dt
    >>> a, b = dt.symbol("a"), dt.symbol("b")
    >>> box = dt.Box({a: (0, 1), b: (0, 1)})
    >>> bool(dt.enclose(a * b, box & dt.Where(a + b <= 0.5)).upper < 1)
    True
    """
    return Domain({}, {}, checked(conditions))


def Simplex(p: Variable) -> Domain:
    """Return the domain of probability vectors: not negative, of sum 1.

    Parameters
    ----------
    p : Variable
        An array; all of its elements add up to 1, to within 1e-12, so that points with
        rounded elements are points of it.

    Examples
    --------
    >>> import deuterium as dt
    >>> p = dt.symbol("p", (3,))
    >>> bool(dt.maximize(p.sum(), dt.Simplex(p)).upper <= 1.02)
    True
    """
    if not isinstance(p, Variable) or not p.shape:
        raise InvalidInputError(
            f"Simplex: `p` must be an array Variable, got {type(p).__name__}"
        )
    total = np.sum(p)
    return Box({p: (0, 1)}) & Where(np.abs(total - 1) <= SUM_TOLERANCE)
