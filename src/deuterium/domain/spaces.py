"""How domains are said: boxes, balls, choices, unit vectors, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deuterium.domain.conditions import checked
from deuterium.domain.constraints import Constraint, OneOf, Range, UnitVectors, Within
from deuterium.domain.domain import Domain, broadcasts
from deuterium.errors import BoundsError, InvalidInputError, ShapeError
from deuterium.graph.substitute import symbol_name
from deuterium.graph.variable import Variable
from deuterium.interval import doubles

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
    return _settled(numbers, value, what)


def _settled(numbers: Any, value: Any, what: str) -> Any:
    if np.isnan(numbers).any():
        raise BoundsError(f"{what} must not be NaN, got {value!r:.80}")
    numbers.flags.writeable = False
    return numbers


def Box(bounds: Mapping[Any, Any]) -> Domain:
    """Return the domain where each symbol lies between two ends.

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
    """
    if not isinstance(bounds, Mapping):
        raise InvalidInputError(
            "Box: `bounds` must be a mapping such as {x: (-1, 1)}, keyed by symbol and "
            f"never by position; got {type(bounds).__name__}"
        )
    domain = Domain({}, {})
    for key, pair in bounds.items():
        domain = domain & _single(key, _range(key, pair))
    return domain


def _range(key: Any, pair: Any) -> Range:
    name = symbol_name(key)
    given = _two_ends(key, name, pair)
    low, high = (
        _end(name, side, value)
        for side, value in zip(("lower", "upper"), given, strict=True)
    )
    exact = (doubles.as_plain_array(end, "Box: bounds") for end in given)
    try:
        reversed_ = np.greater(*exact)
    except ValueError:
        raise ShapeError(
            f"Box: bounds of {name!r} have shapes {low.shape} and {high.shape}, which "
            "do not broadcast together"
        ) from None
    if np.any(reversed_):
        raise BoundsError(
            f"Box: bounds of {name!r} are reversed: lower={given[0]!r:.60} exceeds "
            f"upper={given[1]!r:.60}; write them as (lower, upper)"
        )
    if np.any(low == np.inf) or np.any(high == -np.inf):
        raise BoundsError(f"Box: bounds of {name!r} leave no finite number: {pair!r}")
    return Range(low, high)


def _end(name: str, side: str, value: Any) -> Any:
    what = f"Box: the {side} bound of {name!r}"
    return _settled(doubles.enclosing(value, what)[side == "upper"], value, what)


def _two_ends(key: Any, name: str, pair: Any) -> Any:
    """Return what was given for the lower and the upper end, if that is plain."""
    doubles.refuse_subclass(pair, f"Box: bounds of {name!r}")
    if not isinstance(pair, (tuple, list, np.ndarray)) or _shape(pair) == ():
        raise BoundsError(
            f"Box: bounds of {name!r} must be a pair (lower, upper), got {pair!r:.80}"
        )
    if len(pair) != 2:
        rows = [_shape(e) == (2,) for e in pair]
        hint = (
            f"; they look like {len(rows)} pairs: {_BOTH}" if rows and all(rows) else ""
        )
        raise BoundsError(
            f"Box: bounds of {name!r} must be a pair (lower, upper), got "
            f"{len(pair)} entries {pair!r:.80}{hint}"
        )
    if _reads_as_pairs(key, pair):
        raise BoundsError(
            f"Box: bounds of {name!r} can be read two ways: {pair!r:.80} may be the "
            "lower ends and then the upper ends, or a pair of ends for each element; "
            f"{_BOTH}"
        )
    return pair


_BOTH = (
    "write a tuple of two arrays, (np.array([every lower end]), np.array([every upper "
    "end])); of pairs p that is tuple(np.transpose(p))"
)


def _shape(rows: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(rows)
    except ValueError:  # lists of different lengths
        return None


def _reads_as_pairs(key: Any, rows: Any) -> bool:
    """Return whether two rows may be meant as a pair of ends for each element.

    A tuple of two arrays or lists is ``(lower, upper)``, as documented; a tuple of
    two tuples is what SciPy calls bounds.
    """
    first, second = map(_shape, rows)
    if first is None or first != second or first[-1:] != (2,):
        return False
    if isinstance(rows, tuple) and not all(isinstance(e, tuple) for e in rows):
        return False
    shape = key.shape if isinstance(key, Variable) else None
    return shape is None or broadcasts((2, *first[:-1]), shape)


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
    """
    name = symbol_name(x)
    c = _exactly(center, f"Ball: the center of {name!r}")
    what = f"Ball: the radius of {name!r}"
    if isinstance(radius, (bool, np.bool_)):
        raise InvalidInputError(f"{what} must be a number, got {radius!r}")
    size = _settled(doubles.enclosing(radius, what)[1], radius, what)
    if size.shape != ():
        raise ShapeError(
            f"Ball: `radius` of {name!r} must be one number, got {radius!r}"
        )
    r = float(size)
    if not 0 <= r < np.inf or not np.isfinite(c).all():
        raise BoundsError(
            f"Ball: center must be finite and radius finite and >= 0, got {radius!r}"
        )
    if not isinstance(order, (int, float, np.number)) or order not in (1, 2, np.inf):
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


def OneHot(x: Any) -> Domain:
    """Return the domain where a symbol is a unit vector along its last axis."""
    return _single(x, UnitVectors())


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
    """
    return Domain({}, {}, checked(conditions))


def Simplex(p: Variable) -> Domain:
    """Return the domain of probability vectors: not negative, of sum 1.

    Parameters
    ----------
    p : Variable
        An array; all of its elements add up to 1, to within 1e-12, so that points with
        rounded elements are points of it.
    """
    if not isinstance(p, Variable) or not p.shape:
        raise InvalidInputError(
            f"Simplex: `p` must be an array Variable, got {type(p).__name__}"
        )
    total = np.sum(p)
    return Box({p: (0, 1)}) & Where(np.abs(total - 1) <= SUM_TOLERANCE)
