"""What star clusters are made of: terms, definitions, and affine forms of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.optimize.bounders.clusters.hub_functions import (
    product_function,
)
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    AffineForm,
    CoordinateGroup,
    Term,
    Univariate,
    thin,
)

AnyTerm = TypeVar("AnyTerm", bound=Term)
ONES = thin(np.ones(()))
Source = tuple[Variable, Array]
Argument = Interval | Univariate | AffineForm
ONE = -1  # as a function of a hub: the constant 1


@dataclass(frozen=True, eq=False)
class StarTerm(Term):
    """Elements ``f(z) * e``, or ``f(z) * e**2``.

    Attributes
    ----------
    spoke : ndarray of int, of shape (size,)
        Which of the group's spokes each e is.
    power : int
        1 or 2.
    """

    spoke: Array
    power: int


class LateHub(Exception):
    """A node is to be a hub that was multiplied as a function of other hubs before.

    Proofs say of a node either, and for all that is made of it.
    """

    def __init__(self, node: Variable) -> None:
        super().__init__(node)
        self.node = node


@dataclass(frozen=True, eq=False)
class Definition:
    """An affine function that coordinates are equal to.

    Attributes
    ----------
    target : Term
        The coordinates: hubs themselves, or spokes.  Of a constraint none.
    form : AffineForm of shape (size,)
    source : (Variable, ndarray of int)
        The node, and which of its elements they are.
    groups : int
        How many groups there were before it.
    is_inequality : bool
        Of a constraint: whether its form is not zero but at least zero.
    """

    target: Term
    form: AffineForm
    source: Source
    groups: int
    is_inequality: bool = False

    @property
    def is_spoke(self) -> bool:
        """Whether it defines spokes."""
        return isinstance(self.target, StarTerm)

    @property
    def is_constraint(self) -> bool:
        """Whether it defines nothing: its form is zero."""
        return self.target.size == 0


@dataclass(frozen=True, eq=False)
class Simplex:
    """A softmax ``p = exp(u)`` with ``u = t - logsumexp(t)``, by rows.

    Attributes
    ----------
    node : Variable
        The softmax.
    argument : Interval, Univariate or AffineForm
        What t is.
    """

    node: Variable
    argument: Argument


@dataclass(frozen=True)
class Monomials:
    """An array of which each element is a multiple of one element of one term."""

    term: Term
    place: Array
    factor: Interval


def star_monomials(form: AffineForm) -> Monomials | None:
    """Return elements that are multiples of one element each of one term of spokes."""
    if len(form.parts) != 1 or not is_zero_form(form.constant):
        return None
    ((term, c),) = form.parts.items()
    size = np.size(form.constant.lower)
    low = np.reshape(c.lower, (term.size, size))
    high = np.reshape(c.upper, (term.size, size))
    some = (low != 0) | (high != 0)
    if not isinstance(term, StarTerm) or not (some.sum(axis=0) == 1).all():
        return None
    place, own = np.argmax(some, axis=0), np.arange(size)
    factor = Interval.unchecked(low[place, own], high[place, own])
    return Monomials(term, place, factor)


def monomials_at(x: Monomials | None, places: Array) -> Monomials | None:
    """Return some of the elements."""
    if x is None:
        return None
    return Monomials(x.term, x.place[places], taken(x.factor, places))


def content_of(form: AffineForm, source: Source) -> tuple[Any, ...]:
    """Return what tells an affine form, of these elements, from others of other values.

    Numbers known to within an interval may differ where the intervals do not.
    """
    parts = [
        (id(t), np.asarray(c.lower).tobytes(), np.asarray(c.upper).tobytes())
        for t, c in form.parts.items()
        if np.any(c.lower != 0) or np.any(c.upper != 0)
    ]
    numbers = [*form.parts.values(), form.constant]
    ends = form.constant.lower, form.constant.upper
    own = (
        ()
        if all(np.array_equal(x.lower, x.upper) for x in numbers)
        else (_origin(*source),)
    )
    return (*sorted(parts), *(np.asarray(x, dtype=float).tobytes() for x in ends), *own)


def _origin(node: Variable, at: Array) -> tuple[int, bytes]:
    """Return what tells elements of a node from others, in whatever order or shape."""
    while node.op is not None and node.op.moves_elements and len(node.args) == 1:
        (inner,) = node.args
        places = np.arange(inner.size).reshape(inner.shape)
        at = np.ravel(node.op.value(places, **node.attrs))[at]
        node = inner
    return id(node), np.asarray(at).tobytes()


def shaped(form: AffineForm, shape: tuple[int, ...]) -> AffineForm:
    """Return an affine vector in another shape."""
    parts = {t: reshaped(c, (t.size, *shape)) for t, c in form.parts.items()}
    return AffineForm(parts, reshaped(form.constant, shape))


def reshaped(x: Interval, shape: tuple[int, ...]) -> Interval:
    """Return intervals in another shape."""
    low, high = np.reshape(x.lower, shape), np.reshape(x.upper, shape)
    return thin(low) if x.is_thin else Interval.unchecked(low, high)


def summed_form(form: AffineForm, axis: int) -> AffineForm:
    """Return an affine array of products summed along an axis."""
    add = ops.add_reduce.enclosure
    parts = {t: add(c, axis=(axis,)) for t, c in form.parts.items()}
    return AffineForm(parts, add(form.constant, axis=(axis,)))


def taken(x: Interval, at: Array) -> Interval:
    """Return intervals at places of the last axis."""
    low, high = np.asarray(x.lower)[..., at], np.asarray(x.upper)[..., at]
    return thin(low) if x.is_thin else Interval.unchecked(low, high)


def multiples_of(
    term: Term, place: Array, factor: Interval, shape: tuple[int, ...]
) -> AffineForm:
    """Return elements ``factor * term[place]`` as an affine array."""
    count = len(place)
    low, high = np.zeros((2, term.size, count))
    own = np.arange(count)
    low[place, own], high[place, own] = factor.lower, factor.upper
    low, high = low.reshape(term.size, *shape), high.reshape(term.size, *shape)
    c = thin(low) if np.array_equal(low, high) else Interval.unchecked(low, high)
    return AffineForm({term: c}, thin(np.zeros(shape)))


def is_zero_form(x: Interval) -> bool:
    """Whether all ends are zero."""
    return not (np.any(x.lower) or np.any(x.upper))


def function_products(
    group: CoordinateGroup, hubs: Array, first: Array, second: Array
) -> Array:
    """Return the functions that are products of two, entered where they are new.

    Shapes: all (size,).
    """
    out = np.empty(len(hubs), dtype=int)
    least, most = np.minimum(first, second), np.maximum(first, second)
    for r, s in sorted(set(zip(least.tolist(), most.tolist(), strict=True))):
        known = s if r == ONE else product_function(group, r, s)
        out[(least == r) & (most == s)] = known
    return out


def hub_side(factors: tuple[Variable, Variable], is_univariate: list[bool]) -> int:
    """Return which factor has the hubs: functions of coordinates, or the fewer."""
    a, b = factors
    if is_univariate[0]:
        return 0
    return int(is_univariate[1] or b.size < a.size)
