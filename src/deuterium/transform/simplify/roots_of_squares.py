"""Square roots of sums of squares, seen as lengths of vectors.

Only before differentiating: everywhere else a sum of squares is what rules and bounds
know.  The length has a slope at the origin's side that the root has not.
"""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays
from deuterium.ops.lengths import norm_of
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.quadratic_forms import root_of_form
from deuterium.transform.simplify.rule_table import Rule
from deuterium.transform.simplify.sums_of_squares import linear_form_in, squares_in
from deuterium.transform.simplify.terms import terms

MOST_LOOKED_AT = 2000  # nodes of what may be a quadratic form; expanding takes 10 ms
MOST_FACTORS = 8  # of a product of which each has a root of its own
MOST_ELEMENTS = 4096  # of a vector put together from parts


def _root(v: Variable, known: Assumptions) -> Variable | None:
    """Return a root of a sum of squares as a length."""
    (s,) = v.args
    view = factors(s, known)
    outside, inner = _split(view, known)
    if inner is None:
        return None
    while inner.op is ops.reshape:
        (inner,) = inner.args
    parts = _parts(inner, known)
    length = linear_form_in(inner, known) if _may_be_a_form(inner, parts) else None
    if length is None and parts is None:
        length = _roots(factors(inner, known), known)
    elif length is None and parts is not None:
        vector = parts[0] if len(parts) == 1 else _joined(parts)
        length = arrays.reshape_to(norm_of(vector), inner.shape)
    if length is None:
        return None
    if length.size != v.size:
        return None
    length = arrays.reshape_to(length, v.shape)
    return length if outside is None else outside.sqrt() * length


def _may_be_a_form(inner: Variable, parts: list[Variable] | None) -> bool:
    """Return whether a number may be a quadratic form, as yet unseen.

    Of numbers written one by one, or of a vector whose elements are scaled; not what
    networks are made of, products of matrices and curves.
    """
    vectors = parts if parts and any(p.shape[-1] > 1 for p in parts) else []
    if len(vectors) > 1 or any(p.op is not ops.multiply for p in vectors):
        return False
    found, todo = {inner}, [inner]
    curved = multiplied = False
    for x in todo:  # which grows
        polynomial = x.op is None or x.op.linear or x.op.bilinear or x.op in _POLYNOMIAL
        curved, multiplied = curved or not polynomial, multiplied or x.op is ops.matmul
        if (curved and multiplied) or len(found) > MOST_LOOKED_AT:
            return False
        todo += [a for a in x.args if a not in found]
        found.update(x.args)
    return True


_POLYNOMIAL = {ops.divide, ops.sqrt, ops.square, ops.integer_power}


def _roots(view: Factors, known: Assumptions) -> Variable | None:
    """Return a product of roots, one of a sum of squares at least, of a product."""
    if view.coefficient != 1 or not 1 < len(view.powers) <= MOST_FACTORS:
        return None
    found: Variable = constant(1)
    lengths = 0
    for base, e in view.powers.items():
        if e < 0 or base.shape != view.shape or not known.nonnegative(base):
            return None
        root = base.sqrt()
        length = _root(root, known) if e % 2 else None
        lengths += length is not None
        for _ in range(e):
            found = found * (root if length is None else length)
    return found if lengths else None


def _split(
    view: Factors, known: Assumptions
) -> tuple[Variable | None, Variable | None]:
    """Return the positive numbers of a product, and the rest if that is one factor."""
    numbers = {b: e for b, e in view.powers.items() if (known.number(b) or 0) > 0}
    rest = view.without(numbers)
    if view.coefficient <= 0:
        return None, None
    rest.coefficient = 1
    inner = build(rest, known)
    if not numbers and view.coefficient == 1:
        return None, inner
    return build(Factors((), view.coefficient, numbers), known), inner


def _parts(s: Variable, known: Assumptions) -> list[Variable] | None:
    """Return arrays with one more axis, the squares over which add up to ``s``."""
    view = terms(s, known)
    if view.constant or not view.terms or not all(c > 0 for c in view.terms.values()):
        hidden = squares_in(s, known)
        shape = (*s.shape, 1)
        return hidden and [arrays.reshape_to(x, shape) for x in hidden]
    found: list[Variable] = []
    for term, c in view.terms.items():
        root = _squares(term, known)
        if root is None or root.shape[:-1] != s.shape:
            return None
        found.append(root if c == 1 else constant(c).sqrt() * root)
    many = len(found) > 1 and sum(f.size for f in found) > MOST_ELEMENTS
    return None if many else found


def _joined(parts: list[Variable]) -> Variable:
    shape = (*parts[0].shape[:-1], sum(p.shape[-1] for p in parts))
    return node(
        arrays.concatenate, tuple(parts), {"axis": -1, "ndim": len(shape)}, shape
    )


def _squares(term: Variable, known: Assumptions) -> Variable | None:
    """Return an array whose squares over the last axis add up to a term."""
    while term.op is ops.reshape and not term.shape:
        (term,) = term.args
    form = root_of_form(term, known)
    if form is not None:
        return form
    if term.op is not ops.add_reduce:
        root = _square_root(term, known)
        return None if root is None else arrays.reshape_to(root, (*term.shape, 1))
    root = _square_root(term.args[0], known)
    if root is None:
        return None
    axes = [i % root.ndim for i in term.attrs["axis"]]
    kept = [i for i in range(root.ndim) if i not in axes]
    moved = arrays.permute(root, (*kept, *axes))
    count = int(np.prod([root.shape[i] for i in axes]))
    return arrays.reshape_to(moved, (*term.shape, count)) if count else None


def _square_root(x: Variable, known: Assumptions) -> Variable | None:
    """Return what is squared in a product of even powers and positive factors."""
    view = factors(x, known)
    even = {b: e for b, e in view.powers.items() if e > 0 and not e % 2}
    rest = view.without(even)
    if view.coefficient <= 0 or not even or not all(map(known.positive, rest.powers)):
        return None
    root = build(Factors(x.shape, 1, {b: e // 2 for b, e in even.items()}), known)
    if root is None or (not rest.powers and view.coefficient == 1):
        return root
    scale = build(rest, known)
    return None if scale is None else broadcast_to(scale.sqrt(), x.shape) * root


ROOT_OF_SQUARES = Rule(
    name="root_of_squares",
    identity="sqrt(sum(square(x))) = norm(x), with factors and terms that are squares",
    holds="everywhere",
    gains="a slope where x is zero, of which an element is between -1 and 1",
    applies=lambda op: op is ops.sqrt,
    rewrite=_root,
    names=True,
)
