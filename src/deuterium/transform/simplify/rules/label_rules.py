"""Rules for labels put in as numbers: constants of which one element is not zero.

In the slope of ``-sum(y * log(softmax(z) + 1e-12))`` such a label leaves one
probability in the denominator, which cancels but for the small number.
"""

from __future__ import annotations

import math

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.broadcastable import broadcast_alike
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import Terms, build_sum, terms


def _place(v: Variable, known: Assumptions) -> int | None:
    """Return where the only element of a constant array is that is not zero."""
    size = v.size
    while v.op is ops.reshape or v.op is ops.negative:
        (v,) = v.args
    if not v.is_constant or v in known.inputs or size < 2:
        return None
    places = np.flatnonzero(np.asarray(v.value))
    return int(places[0]) if places.size == 1 else None


@rule(
    ops.multiply,
    ops.divide,
    identity="(0, c, 0) * x / y = (0, c, 0) * x[1] / y[1]",
    holds="where the elements of x and y that meet a zero are defined (and not zero)",
    gains="a denominator of the one element that counts, as others may have",
)
def factors_of_a_label(v: Variable, known: Assumptions) -> Variable | None:
    """Take the one element of each factor that meets a number other than zero."""
    view = factors(v, known)
    for label, power in view.powers.items():
        place = _place(label, known) if power == 1 and label.size == v.size else None
        if place is None:
            continue
        whole = [b for b in view.powers if b.size == v.size and b is not label]
        dividing = [b for b in whole if view.powers[b] < 0]
        if not dividing or not known.defined(*whole):
            return None
        if not all(known.nonzero(b) for b in dividing):
            return None
        result = view.without({b: view.powers[b] for b in whole})
        for b in whole:
            one = arrays.take_places(b, np.asarray(place))
            result.times(one, view.powers[b])
        return build(result, known)
    return None


@rule(
    ops.add_reduce,
    identity="sum((0, c, 0) * x) = c * x[1]",
    holds="where x is defined",
    gains="the one element that counts",
)
def sum_with_a_label(v: Variable, known: Assumptions) -> Variable | None:
    """Take the one element of a sum that is not zero."""
    (product,) = v.args
    if v.shape or product.op is not ops.multiply:
        return None
    for label, x in (product.args, product.args[::-1]):
        place = _place(label, known)
        if place is not None and known.defined(x):
            both = (arrays.take_places(a, np.asarray(place)) for a in (label, x))
            return math.prod(both, start=constant(1))
    return None


@rule(
    ops.multiply,
    ops.divide,
    identity="p * (a + (0, c, 0) / p[1]) = p * a + (0, c, 0)",
    holds="where p[1] is not zero",
    gains="a quotient that cancels: the slope of -log(sum(y * p))",
)
def quotient_of_a_label(v: Variable, known: Assumptions) -> Variable | None:
    """Multiply out what a label divides by its own element."""
    view = factors(v, known)
    for base, e in view.powers.items():
        if e != 1 or base.op not in (ops.add, ops.subtract) or base.shape != v.shape:
            continue
        inside = terms(base, known)
        for term, c in inside.terms.items():
            found = _label_over(term, view, known)
            if found is None:
                continue
            p, label = found
            rest = view.without({base: 1, p: 1})
            scale, others = build(rest, known), build_sum(inside.without(term), known)
            if scale is not None and others is not None:
                return scale * (p * others + c * label)
    return None


def _label_over(
    term: Variable, view: Factors, known: Assumptions
) -> tuple[Variable, Variable] | None:
    """Return p and a label, of a term that is the label divided by its element of p."""
    product = factors(term, known)
    for one, e in product.powers.items():
        if e != -1 or one.op is not ops.gather or not known.nonzero(one):
            continue
        (p,) = one.args
        rest = product.without({one: -1})
        label = build(rest, known)
        place = None if label is None else _place(label, known)
        if place is None or view.powers.get(p) != 1 or not _is_element(one, p, place):
            continue
        assert label is not None
        return (p, label) if p.shape == label.shape == view.shape else None
    return None


@rule(
    ops.multiply,
    ops.divide,
    identity="p * ((0, a, 0) + b * p[1]) = p[1] * ((0, a, 0) + b * p)",
    holds="everywhere",
    gains="the slope of a softmax has the probability of its label for a factor",
)
def slope_at_a_label(v: Variable, known: Assumptions) -> Variable | None:
    """Take the element of a label out of a product with a sum."""
    view = factors(v, known)
    for base, e in view.powers.items():
        if e != 1 or base.op not in (ops.add, ops.subtract):
            continue
        inside = terms(base, known)
        if len(inside.terms) == 2 and not inside.constant:
            for p in view.powers:
                result = _swapped(view, base, inside, p, known)
                if result is not None:
                    return result
    return None


def _swapped(
    view: Factors, base: Variable, inside: Terms, p: Variable, known: Assumptions
) -> Variable | None:
    """Return the product with ``p`` in the sum and its element in front."""
    alike = broadcast_alike(p.shape, base.shape) and p.size == math.prod(view.shape)
    if view.powers[p] < 1 or p is base or not alike:
        return None
    for first, other in (tuple(inside.terms), tuple(inside.terms)[::-1]):
        found = _labelled(first, known)
        if found is None or found[1].size != p.size:
            continue
        place, label = found
        product = factors(other, known)
        for one, e in product.powers.items():
            if e < 1 or not _is_element(one, p, place):
                continue
            rest = product.without({one: 1})
            rest.times(p, 1)
            spread = build(rest, known)
            if spread is None or not broadcast_alike(spread.shape, base.shape):
                return None
            c, d = inside.terms[first], inside.terms[other]
            result = view.without({base: 1, p: 1})
            result.times(one, 1)
            result.times(c * label + d * spread, 1)
            return build(result, known)
    return None


def _labelled(v: Variable, known: Assumptions) -> tuple[int, Variable] | None:
    """Return the place of the only element that is not zero, and ``v`` as a product."""
    place = _place(v, known)
    if place is not None:
        return place, v
    if v.op is not ops.scatter or v.args[0].size != 1:
        return None
    place = int(np.ravel(v.attrs["index"])[0])
    label = np.zeros(v.shape)
    label.flat[place] = 1
    return place, constant(label) * arrays.reshape_to(v.args[0], ())


def _is_element(v: Variable, p: Variable, place: int) -> bool:
    """Whether ``v`` is the element of ``p`` at a place."""
    return (
        v.op is ops.gather
        and v.size == 1
        and v.args[0] is p
        and int(v.attrs["index"].ravel()[0]) == place
    )


@rule(
    ops.multiply,
    ops.divide,
    identity="p / (p + c) = 1 / (1 + c / p)",
    holds="of an element p of a softmax",
    gains="p is met once",
)
def guarded_probability(v: Variable, known: Assumptions) -> Variable | None:
    """Divide a probability and its sum with a number by the probability."""
    view = factors(v, known)
    if sum(not _is_made_of_a_constant(b) for b in view.powers) < FEWEST_FACTORS:
        return None
    for total, e in view.powers.items():
        if e >= 0 or total.op is not ops.add:
            continue
        inside = terms(total, known)
        if len(inside.terms) != 1 or not inside.constant:
            continue
        ((p, c),) = inside.terms.items()
        both = min(view.powers.get(p, 0), -e)
        if both < 1 or c != 1 or not _is_probability(p) or not known.positive(p):
            continue
        result = view.without({p: both, total: -both})
        result.times(1 + constant(inside.constant) / p, -both)
        return build(result, known)
    return None


FEWEST_FACTORS = 3  # but constants; of two, the denominator may yet be common to a sum


def _is_made_of_a_constant(v: Variable) -> bool:
    """Whether ``v`` is a constant, moved or summed."""
    while len(v.args) == 1:
        (v,) = v.args
    return v.is_constant


def _is_probability(v: Variable) -> bool:
    """Whether ``v`` is one element of a softmax."""
    return v.op is ops.gather and v.size == 1 and v.args[0].op is ops.softmax_last
