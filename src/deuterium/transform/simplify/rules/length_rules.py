"""Lengths of vectors, their directions, and variances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import Terms, build_sum, terms

PRODUCTS = (ops.multiply, ops.divide, ops.negative)


def over_last(v: Variable) -> bool:
    """Whether ``v`` is a sum over the last axis alone."""
    return v.op is ops.add_reduce and v.attrs["axis"] == (-1,)


def length_of(x: Variable) -> Variable:
    """Return ``sqrt(sum(square(x)))`` over the last axis."""
    return arrays.sum_over(x * x, (-1,)).sqrt()


@rule(
    ops.norm,
    identity="norm(x) = sqrt(sum(square(x)))",
    gains="a sum of squares, of which other rules and bounds know",
)
def norm_as_root(v: Variable, known: Assumptions) -> Variable | None:
    """Spell a length out."""
    return length_of(v.args[0])


@rule(
    ops.direction,
    identity="direction(x) = x / norm(x)",
    holds="where the length is certainly not 0",
    gains="quotients, of which bounds of networks know",
)
def direction_as_quotient(v: Variable, known: Assumptions) -> Variable | None:
    """Spell a direction out, away from the origin."""
    (x,) = v.args
    length = length_of(x)
    if not known.nonzero(length):
        return None
    return x / broadcast_to(arrays.reshape_to(length, (*length.shape, 1)), x.shape)


def _directions(view: Factors) -> Iterator[Variable]:
    for base, e in view.powers.items():
        if base.op is ops.direction and e > 0:
            yield base


def _is_length(base: Variable, x: Variable) -> bool:
    """Whether a factor is the length of the rows of ``x``, in any layout."""
    if base.shape != ((*x.shape[:-1], 1) if x.ndim > 1 else ()):
        return False
    while base.op is ops.reshape:
        (base,) = base.args
    if base.op is not ops.sqrt or not over_last(base.args[0]):
        return False
    (squares,) = base.args[0].args
    return squares.op is ops.square and squares.args[0] is x


@rule(
    *PRODUCTS,
    identity="norm(x) * direction(x) = x",
    holds="where x is defined",
    gains="two nodes; the slope of a squared length is smooth",
)
def length_times_direction(v: Variable, known: Assumptions) -> Variable | None:
    """Join a length and its direction, which are both zero at the origin."""
    view = factors(v, known)
    for base in _directions(view):
        (x,) = base.args
        for other, e in view.powers.items():
            if e > 0 and _is_length(other, x) and known.defined(x):
                n = min(e, view.powers[base])
                rest = view.without({base: n, other: n})
                rest.times(x, n)
                return build(rest, known)
    return None


@rule(
    *PRODUCTS,
    identity="r / maximum(c, r) = minimum(r / c, 1), for a number c > 0",
    holds="where r is defined",
    gains="no vector is longer than 1 once it is divided so",
)
def clipped_length(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a length that is divided by itself where it is large."""
    view = factors(v, known)
    for top, e in view.powers.items():
        if top.op is not ops.maximum or e >= 0:
            continue
        for c, r in (top.args, top.args[::-1]):
            found = _clipped(view, top, c, r, known)
            if found is not None:
                return build(found, known)
    return None


def _clipped(
    view: Factors, top: Variable, c: Variable, r: Variable, known: Assumptions
) -> Factors | None:
    """Return a product with ``minimum(r / c, 1)``, or of its square."""
    number = known.number(c)
    if number is None or not number > 0 or not known.defined(r):
        return None
    n, one = -view.powers[top], broadcast_to(constant(1), top.shape)
    if r.op is ops.sqrt and n % 2 == 0 and view.powers.get(r.args[0], 0) >= n // 2:
        rest = view.without({top: -n, r.args[0]: n // 2})
        rest.times(ops.minimum(r.args[0] / (c * c), one), n // 2)
        return rest
    if view.powers.get(r, 0) < n:
        return None
    rest = view.without({top: -n, r: n})
    rest.times(ops.minimum(r / c, one), n)
    return rest


@rule(
    ops.add_reduce,
    identity="sum(square(direction(x))) = sign(norm(x)) over the last axis",
    gains="one: no other unit vector has elements so large together",
)
def length_of_direction(v: Variable, known: Assumptions) -> Variable | None:
    """Use that a direction has length one, or is zero."""
    (x,) = v.args
    if x.op is not ops.square or x.args[0].op is not ops.direction:
        return None
    ones = ops.sign(length_of(x.args[0].args[0]))
    if over_last(v):
        return ones
    if -1 not in v.attrs["axis"]:
        return None
    others = tuple(i + 1 for i in v.attrs["axis"] if i != -1)
    return arrays.sum_over(ones, others)


@rule(
    ops.add_reduce,
    identity="sum(direction(x - mean(x))) = 0 over the last axis",
    holds="where x is defined",
    gains="the slope of a standard deviation has length 1 / sqrt(n)",
)
def direction_of_centred(v: Variable, known: Assumptions) -> Variable | None:
    """Use that deviations from the mean add up to zero."""
    (x,) = v.args
    if not over_last(v) or x.op is not ops.direction:
        return None
    (u,) = x.args
    if not _is_centred(u, known) or not known.defined(u):
        return None
    return broadcast_to(constant(0), v.shape)


@rule(
    ops.add_reduce,
    identity="sum((a * u + b)**2) = a**2 * sum(u**2) + n * b**2 for numbers a and b, "
    "and a direction u of n elements that add up to 0",
    holds="where x is defined, of u = direction(x)",
    gains="lengths that add up: the slope of a function of a mean and a deviation",
)
def orthogonal_sum(v: Variable, known: Assumptions) -> Variable | None:
    """Use that a centred direction is orthogonal to a vector of equal elements."""
    (x,) = v.args
    if v.shape or not over_last(v) or x.op is not ops.square:
        return None
    view = terms(x.args[0], known)
    equal: Variable = constant(view.constant)
    along: list[tuple[Variable, Variable]] = []
    for term, c in view.terms.items():
        product = factors(term, known)
        units = [b for b in product.powers if b.op is ops.direction]
        rest = product.without({b: product.powers[b] for b in units})
        if any(b.shape for b in rest.powers):
            return None
        rest.shape = ()
        part = build(rest, known)
        if part is None or [product.powers[b] for b in units] not in ([], [1]):
            return None
        along += [(c * part, unit) for unit in units]
        equal = equal if units else equal + c * part
    if len(along) != 1 or len(view.terms) + bool(view.constant) < 2:
        return None
    ((a, unit),) = along
    if not _is_centred(unit.args[0], known) or not known.defined(*unit.args):
        return None
    return a * a * arrays.sum_over(unit * unit, (-1,)) + unit.size * (equal * equal)


def _number(view: Factors, known: Assumptions) -> Fraction | None:
    """Return the number that a product is, if it is one."""
    value = Fraction(view.coefficient)
    for base, e in view.powers.items():
        number = known.number(base)
        if not number:
            return None
        value *= Fraction(number) ** e
    return value


def _is_centred(u: Variable, known: Assumptions) -> bool:
    """Whether ``u`` is ``w - mean(w)`` over the last axis."""
    if u.op is not ops.subtract:
        return False
    w, mean = u.args
    rows, n = u.shape[:-1], u.shape[-1]
    if mean.op is ops.broadcast:
        (mean,) = mean.args
    if mean.shape != ((*rows, 1) if rows else ()):
        return False  # spread along another axis
    if mean.op is ops.reshape:
        (mean,) = mean.args
    view = factors(mean, known)
    for base, e in view.powers.items():
        if e == 1 and over_last(base) and base.args[0] is w and mean.shape == rows:
            return _number(view.without({base: 1}), known) == Fraction(1, n)
    return False


# -- in sums ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Square:
    """A term of a sum that is a number times the square of part of a unit vector."""

    term: Variable
    cosine: Variable
    number: Number


_PARTS = frozenset(
    {ops.direction_cosine, ops.gather}
)  # what may be part of a unit vector


def _squares_in(view: Terms, known: Assumptions) -> Iterator[_Square]:
    for term, c in view.terms.items():
        product = factors(term, known)
        if term.shape or not any(b.op in _PARTS for b in product.powers):
            continue
        number, cosines = exact_constants.product(c, product.coefficient), []
        for base, e in product.powers.items():
            inside = known.number(base.args[0]) if base.op is ops.sqrt else None
            if inside is None or number is None or e != 2:
                cosines.append((base, e))
            else:
                number = exact_constants.product(number, inside)
        if len(cosines) != 1 or cosines[0][1] != 2:
            continue
        if number is not None and number > 0:
            yield _Square(term, cosines[0][0], number)


@rule(
    ops.add,
    identity="a * square(c) + b * square(s) = a * sign(hypot(x, y)) + (b - a) * "
    "square(s) for c = direction_cosine(x, y) and s = direction_cosine(y, x)",
    gains="no larger than the larger number: the squares add up to one",
)
def squares_of_cosines(v: Variable, known: Assumptions) -> Variable | None:
    """Use that the squares of both cosines add up to one."""
    if v.shape:
        return None
    view = terms(v, known)
    squares = list(_squares_in(view, known))
    for one, other in permutations(squares, 2):
        if one.cosine.op is not ops.direction_cosine or one.number > other.number:
            continue
        x, y = one.cosine.args
        if other.cosine.op is not ops.direction_cosine or x is y:
            continue
        if other.cosine.args != (y, x):
            continue
        more = exact_constants.total(other.number, -one.number)
        rest = view.without(one.term, other.term)
        ones = ops.sign(ops.hypot(x, y))
        if more is not None and rest.add(ones, one.number):
            if more and not rest.add(other.cosine * other.cosine, more):
                continue
            return build_sum(rest, known)
    return None


@rule(
    ops.add,
    identity="a * square(u[0]) + b * square(u[1]) = sum([a, b] * square(u)) for a "
    "direction u, of all its elements",
    gains="a vector of length one, of which bounds by lengths know",
)
def squares_of_elements(v: Variable, known: Assumptions) -> Variable | None:
    """Put the squares of the elements of a unit vector together."""
    if v.shape:
        return None
    view = terms(v, known)
    found: dict[Variable, dict[int, _Square]] = {}
    for square in _squares_in(view, known):
        g = square.cosine
        if g.op is ops.gather and g.args[0].op is ops.direction and g.args[0].ndim == 1:
            place = int(np.ravel(g.attrs["index"])[0])
            found.setdefault(g.args[0], {})[place] = square
    for unit, parts in found.items():
        if len(parts) < unit.size:
            continue
        numbers = [float(parts[i].number) for i in range(unit.size)]
        if any(number != parts[i].number for i, number in enumerate(numbers)):
            continue
        rest = view.without(*(p.term for p in parts.values()))
        weighted = constant(np.array(numbers)) * (unit * unit)
        if rest.add(arrays.sum_over(weighted, (-1,)), 1):
            return build_sum(rest, known)
    return None


# -- variances -------------------------------------------------------------------------


@rule(
    ops.subtract,
    identity="mean(square(x)) - square(mean(x)) = mean(square(x - mean(x)))",
    gains="a sum of squares: it is not negative",
    names=True,
)
def variance(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the variance as the mean of squares less the square of the mean."""
    squares, square = (factors(a, known) for a in v.args)
    sums = [b for b, e in square.powers.items() if b.op is ops.add_reduce and e == 2]
    if len(sums) != 1:
        return None
    (total,) = sums
    (x,) = total.args
    n = x.size // max(total.size, 1)
    wanted = [
        b
        for b, e in squares.powers.items()
        if e == 1
        and b.op is ops.add_reduce
        and b.attrs == total.attrs
        and b.args[0].op is ops.square
        and b.args[0].args[0] is x
    ]
    if len(wanted) != 1 or n < 2:
        return None
    left = _number(squares.without({wanted[0]: 1}), known)
    right = _number(square.without({total: 2}), known)
    if left != Fraction(1, n) or right != Fraction(1, n * n):
        return None
    axis = total.attrs["axis"]
    kept = tuple(1 if i - x.ndim in axis else k for i, k in enumerate(x.shape))
    mean = broadcast_to(arrays.reshape_to(total / n, kept), x.shape)
    spread = x - mean
    return broadcast_to(arrays.sum_over(spread * spread, axis) / n, v.shape)
