"""Conditions on Variables, and choices by them: comparisons, where, select, piecewise.

A comparison with a symbol in it is a Variable of zeros and ones; between two numbers it
is decided at once, as real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.functions.axes import common_shape
from deuterium.functions.function_table import implements
from deuterium.functions.joins import concatenate
from deuterium.functions.reductions import sum as summed
from deuterium.graph import protocols
from deuterium.graph.compare import compare
from deuterium.graph.constructors import as_variable, broadcast_to, is_number
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable
from deuterium.ops import logic
from deuterium.ops.piecewise import select

# -- what is a condition -------------------------------------------------------------


def as_condition(x: Any) -> Variable:
    """Return a condition: itself, booleans, or whether numbers are not 0."""
    v = as_variable(np.asarray(x).astype(float) if _is_boolean(x) else x)
    return v if logic.is_condition(v) else logic.not_equal(v, 0)


def _is_boolean(x: Any) -> bool:
    return not isinstance(x, Variable) and np.asarray(x).dtype.kind == "b"


def _operand(x: Any, sign: str) -> Variable:
    v = as_variable(np.asarray(x).astype(float) if _is_boolean(x) else x)
    if not logic.is_condition(v):
        raise UnsupportedError(
            f"`{sign}` joins conditions such as (x > 0) {sign} (x < 1), and this is a "
            "number; compare it first (mind that & and | bind more tightly than <)"
        )
    return v


# -- comparisons ---------------------------------------------------------------------


def _compared(
    sign: str, decided: Callable[[int], bool], recorded: Callable[[Any, Any], Variable]
) -> Callable[[Any, Any], Any]:
    """Return a comparison: of two numbers at once, else as a node of the graph."""

    def run(a: Any, b: Any) -> Any:
        x, y = as_variable(a), as_variable(b)
        if not x.shape and not y.shape and is_number(x) and is_number(y):
            return decided(compare(x, y, sign))
        shape = common_shape(f"`{sign}`", x.shape, y.shape)
        return recorded(broadcast_to(x, shape), broadcast_to(y, shape))

    return run


COMPARISONS = {
    "less": _compared("<", lambda s: s < 0, logic.less),
    "less_equal": _compared("<=", lambda s: s <= 0, logic.less_equal),
    "greater": _compared(">", lambda s: s > 0, logic.greater),
    "greater_equal": _compared(">=", lambda s: s >= 0, logic.greater_equal),
    "equal": _compared("==", lambda s: s == 0, logic.equal),
    "not_equal": _compared("!=", lambda s: s != 0, logic.not_equal),
}
for _name, _run in COMPARISONS.items():
    protocols.UFUNCS[_name] = _run
    provides(_name)(_run)
provides("equal_numbers")(COMPARISONS["equal"])


# -- and, or, not --------------------------------------------------------------------


def _joined(join: Callable[[Variable, Variable], Variable]) -> Callable[..., Variable]:
    def run(a: Any, b: Any) -> Variable:
        return join(*_together(as_condition(a), as_condition(b)))

    return run


def _strict(join: Callable[[Variable, Variable], Variable], sign: str) -> Any:
    def run(a: Any, b: Any) -> Variable:
        return join(*_together(_operand(a, sign), _operand(b, sign)))

    return run


def _together(a: Variable, b: Variable) -> tuple[Variable, Variable]:
    shape = common_shape("conditions", a.shape, b.shape)
    return broadcast_to(a, shape), broadcast_to(b, shape)


def _differ(a: Variable, b: Variable) -> Variable:
    return logic.both(logic.either(a, b), logic.logical_not(logic.both(a, b)))


for _name, _sign, _join in (
    ("and", "&", logic.both),
    ("or", "|", logic.either),
    ("xor", "^", _differ),
):
    protocols.UFUNCS[f"logical_{_name}"] = _joined(_join)
    protocols.UFUNCS[f"bitwise_{_name}"] = provides(f"bitwise_{_name}")(
        _strict(_join, _sign)
    )


def logical_not(x: Any) -> Variable:
    """Return whether a condition does not hold."""
    return logic.logical_not(as_condition(x))


@provides("invert")
def invert(x: Any) -> Variable:
    """Return ``~x`` of a condition."""
    return logic.logical_not(_operand(x, "~"))


protocols.UFUNCS["logical_not"] = logical_not
protocols.UFUNCS["invert"] = invert


def _always(truth: bool) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        shape = as_variable(x).shape
        return np.full(shape, truth) if shape else truth

    return run


# what is bounded is a function of real numbers
protocols.UFUNCS["isnan"] = protocols.UFUNCS["isinf"] = _always(False)
protocols.UFUNCS["isfinite"] = _always(True)
implements(np.isreal)(_always(True))
implements(np.iscomplex, np.isneginf, np.isposinf)(_always(False))


@implements(np.all)
def all_(a: Any, axis: Any = None, out: Any = None, **kwargs: Any) -> Variable:
    """Return whether a condition holds everywhere along axes."""
    return logic.logical_not(
        any_(logic.logical_not(as_condition(a)), axis, out, **kwargs)
    )


@implements(np.any)
def any_(a: Any, axis: Any = None, out: Any = None, **kwargs: Any) -> Variable:
    """Return whether a condition holds somewhere along axes."""
    return logic.is_positive(summed(as_condition(a), axis, None, out, **kwargs))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Variable:
    """Return how many elements are not zero along axes."""
    return summed(as_condition(a), axis, keepdims=keepdims)


# -- choices -------------------------------------------------------------------------


@implements(np.where)
def where(condition: Any, *choices: Any) -> Variable:
    """Return elements of two arrays by a condition or by a mask of booleans."""
    if len(choices) != 2:
        raise UnsupportedError(
            "np.where on Variables needs a condition and two choices: which places a "
            "condition on symbols selects is not known; use np.where(condition, a, b)"
        )
    a, b = (as_variable(c) for c in choices)
    if _holds_variables(condition):
        c = as_condition(condition)
        shape = common_shape("np.where", c.shape, a.shape, b.shape)
        return logic.where(*(broadcast_to(x, shape) for x in (c, a, b)))
    try:
        mask = np.asarray(condition).astype(bool)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"np.where: the condition: {error}") from None
    shape = common_shape("np.where", mask.shape, a.shape, b.shape)
    mask = np.array(np.broadcast_to(mask, shape))
    return select(broadcast_to(a, shape), broadcast_to(b, shape), mask=mask)


def _holds_variables(x: Any) -> bool:
    if isinstance(x, Variable) or hasattr(x, "as_condition"):
        return True
    if isinstance(x, np.ndarray) and x.dtype.kind != "O":
        return False
    listed = x.ravel().tolist() if isinstance(x, np.ndarray) else x
    return isinstance(listed, (list, tuple)) and any(map(_holds_variables, listed))


@implements(np.select)
def choose_first(
    condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0
) -> Variable:
    """Return the choice of the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise InvalidInputError(
            f"np.select: {len(condlist)} conditions for {len(choicelist)} choices; "
            "give one choice for each"
        )
    pairs = zip(reversed(condlist), reversed(choicelist), strict=True)
    return reduce(lambda rest, pair: where(*pair, rest), pairs, as_variable(default))


@implements(np.piecewise)
def piecewise(
    x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any
) -> Variable:
    """Return a function given piece by piece: the last condition that holds counts."""
    v = as_variable(x)
    given = list(condlist) if isinstance(condlist, (list, tuple)) else [condlist]
    if len(funclist) not in (len(given), len(given) + 1):
        raise InvalidInputError(
            f"np.piecewise: {len(given)} conditions take as many functions, or one "
            f"more for elsewhere; got {len(funclist)}"
        )

    def piece(f: Any) -> Variable:
        return as_variable(f(v, *args, **kw) if callable(f) else f)

    rest = piece(funclist[-1]) if len(funclist) > len(given) else as_variable(0)
    for condition, f in zip(given, funclist, strict=False):
        rest = where(condition, piece(f), rest)
    return broadcast_to(rest, v.shape)


def heaviside(x: Any, at_zero: Any) -> Variable:
    """Return 0 below zero, 1 above it, and ``at_zero`` at it."""
    v = as_variable(x)
    return where(COMPARISONS["equal"](v, 0), at_zero, COMPARISONS["greater"](v, 0))


protocols.UFUNCS["heaviside"] = heaviside

# -- counting ------------------------------------------------------------------------


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Variable:
    """Return the number of the bin of each element, as NumPy counts them."""
    edges = _edges(bins, "np.digitize")
    v = as_variable(x)
    if np.any(np.diff(edges) < 0):  # decreasing edges count from the other side
        return as_variable(_passed(-v, -edges, not right))
    return _passed(v, edges, right)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Variable:
    """Return where elements would be put into a sorted array of numbers."""
    if sorter is not None:
        raise UnsupportedError("np.searchsorted: sort `a` first; leave `sorter` out")
    if side not in ("left", "right"):
        raise InvalidInputError(
            f"np.searchsorted: `side` must be 'left' or 'right', got {side!r}"
        )
    return _passed(as_variable(v), _edges(a, "np.searchsorted"), side == "left")


def _edges(bins: Any, caller: str) -> Any:
    if _holds_variables(bins):
        raise UnsupportedError(f"{caller}: the edges must be numbers, not Variables")
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1:
        raise ShapeError(f"{caller}: the edges must be a vector, got {edges.shape}")
    if np.any(np.diff(edges) < 0) and np.any(np.diff(edges) > 0):
        raise InvalidInputError(f"{caller}: the edges must rise or fall throughout")
    return edges


def _passed(v: Variable, edges: Any, right: bool) -> Variable:
    """Return how many edges each element has passed."""
    passed = COMPARISONS["greater" if right else "greater_equal"]
    if not edges.size:
        return as_variable(np.zeros(v.shape))
    return summed(passed(as_variable(v)[..., None], edges), -1)


@implements(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Variable:
    """Return how many elements have each value 0, 1, ... (``minlength`` of them)."""
    if minlength <= 0:
        raise UnsupportedError(
            "np.bincount: how many bins there are must not depend on a Variable; give "
            "`minlength`, one more than the largest value there can be"
        )
    v = as_variable(x)
    if v.ndim != 1:
        raise ShapeError(f"np.bincount: `x` must be a vector, got shape {v.shape}")
    hits = COMPARISONS["equal"](v[:, None], np.arange(minlength))
    if weights is not None:
        hits = hits * as_variable(weights)[:, None]
    return summed(hits, 0)


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Variable, Any]:
    """Return how many elements lie in each bin, and the edges."""
    if density or weights is not None:
        raise UnsupportedError(
            "np.histogram: leave `density` and `weights` out; for weights use "
            "np.bincount(np.digitize(x, edges), weights, minlength)"
        )
    if isinstance(bins, (int, np.integer)) and range is None:
        raise UnsupportedError(
            "np.histogram: edges taken from the data would depend on a Variable; give "
            "`bins` as an array, or `range`"
        )
    try:
        edges = np.histogram_bin_edges([], bins, range)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"np.histogram: {error}") from None
    v = as_variable(a).ravel()[:, None]
    below = [
        COMPARISONS["less"](v, edges[1:-1]),
        COMPARISONS["less_equal"](v, edges[-1:]),  # the last bin has its right edge
    ]
    above = COMPARISONS["greater_equal"](v, edges[:-1])
    return summed(logic.both(above, concatenate(below, axis=1)), 0), edges
