"""Gradients of one hidden layer, taken apart element by element.

A vector qualifies if every element is ``coefficient * d * phi(z_k) * x_i``: d is the
same scalar for all of them, a function of ``t = b + sum_k w_k h(z_k)`` and of labels;
phi is a function of one pre-activation ``z = M x + c``; each factor but d may be
missing.  So are the gradients, by all parameters, of a network with one hidden layer
and one output.  Found out node by node; a graph that does not fit is left to others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.errors import DeuteriumError
from deuterium.graph.constructors import apply, broadcast_to, constant, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.lagrangian.affine_terms import (
    flattened,
    is_linear,
    through,
)
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    AffineForm,
    Term,
    thin,
)
from deuterium.privacy.sensitivity.one_layer.pair_options import MOST_COEFFICIENTS
from deuterium.transform.simplify.simplify import simplify

__all__ = ["GradientElement", "OneLayer", "one_layer"]

UNDERFLOW = 1e-300  # of products of matrices with zeros: less than z and t have room
MOVES = (ops.reshape, ops.transpose, ops.gather, ops.broadcast)


class Unfit(Exception):
    """The graph has another form."""


@dataclass(frozen=True, eq=False)
class GradientElement:
    """An array ``coefficient * scalar * image[pick] * x[place]``, element by element.

    Attributes
    ----------
    coefficient : ndarray
    scalar : Variable or None
        One number: a function of outputs and labels.
    image : Variable or None
        A vector of functions of single pre-activations, of the symbol `atoms`.
    pick, place : ndarray of int
        Which element of the image, and of x; -1 without.
    """

    coefficient: Array
    scalar: Variable | None
    image: Variable | None
    pick: Array
    place: Array

    @property
    def is_curve(self) -> bool:
        """Whether each element is a function of one pre-activation."""
        alone = self.scalar is None and not (self.place >= 0).any()
        return alone and self.image is not None

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number, a multiple of a function of outputs and labels."""
        alone = self.image is None and not (self.place >= 0).any()
        return alone and self.scalar is not None and self.coefficient.size == 1

    def moved(self, move: Callable[[Array], Any]) -> GradientElement:
        """Return the elements elsewhere."""
        found = (np.asarray(move(v)) for v in (self.coefficient, self.pick, self.place))
        coefficient, pick, place = found
        return GradientElement(coefficient, self.scalar, self.image, pick, place)


Kind = Interval | AffineForm | GradientElement


@dataclass(frozen=True, eq=False)
class OneLayer:
    """What `one_layer` found.

    Attributes
    ----------
    matrix, shift : ndarray
        ``z = matrix @ x + shift``, a row for each pre-activation.
    atoms : Variable
        The symbol of z, a vector.
    elements : list of GradientElement
        The vector, in parts.
    scalar : Variable
        d, as a function of ``output`` and of labels.
    output : Variable
        The symbol of t.
    weight, value, offset
        ``t = offset + sum(weight * value)``, ``value`` a vector image.
    """

    matrix: Array
    shift: Array
    atoms: Variable
    elements: list[GradientElement]
    scalar: Variable
    output: Variable
    weight: Array
    value: Variable
    offset: float


def one_layer(parts: Sequence[Variable], x: Variable) -> OneLayer | None:
    """Return the form of a vector in parts of any shapes, or None if it has another."""
    try:
        return _FormReader(list(simplify(list(parts))), x).result()
    except (Unfit, DeuteriumError):
        return None


class _FormReader:
    """Works out the kind of every node; affine is what is so in inputs or an image."""

    def __init__(self, parts: list[Variable], x: Variable) -> None:
        self.parts, self.x = parts, x
        self.kinds: dict[Variable, Kind] = {}
        self.inputs = _term(x.size)
        self.layer: tuple[Array, Array, Variable] | None = None  # matrix, shift, atoms
        self.images: dict[Variable, Term] = {}
        self.outputs: list[tuple[Variable, AffineForm]] = []
        for node in topological(parts):
            self.kinds[node] = self._kind(node)

    def _kind(self, node: Variable) -> Kind:
        if node.is_constant:
            return thin(np.asarray(node.value, dtype=float))
        one = np.ones(node.shape)
        if node.is_symbol and node.name == self.x.name:
            return _product(one, place=np.arange(node.size).reshape(node.shape))
        if node.is_symbol and node.size == 1:
            return _product(one, node)
        if node.op is None:
            raise Unfit(node)
        kinds = [self.kinds[a] for a in node.args]
        if all(isinstance(k, Interval) for k in kinds):
            x = node.op.enclosure(*kinds, **node.attrs)
            return thin(np.asarray(x.lower)) if _is_exact(x) else x
        rules = self._moved, self._multiplied, self._scalar, self._chosen
        for rule in (*rules, self._summed, self._curved):
            found = rule(node, kinds)
            if found is not None:
                return found
        raise Unfit(node)

    # -- products ----------------------------------------------------------------------

    def _moved(self, node: Variable, kinds: list[Kind]) -> GradientElement | None:
        op, kind = node.op, kinds[0]
        assert op is not None
        if not isinstance(kind, GradientElement) or len(kinds) > 1:
            return None
        if op is ops.scatter and kind.pick.size == node.size == 1:
            return kind.moved(lambda a: np.reshape(a, node.shape))
        return kind.moved(lambda a: op.value(a, **node.attrs)) if op in MOVES else None

    def _multiplied(self, node: Variable, kinds: list[Kind]) -> GradientElement | None:
        if node.op is ops.negative and isinstance(kinds[0], GradientElement):
            return replace(kinds[0], coefficient=-kinds[0].coefficient)
        if node.op is not ops.multiply:
            return None
        if not any(isinstance(k, Interval) for k in kinds):
            kinds = [self._of_atoms(k) for k in kinds]
        a, b = (_as_element(k, node.shape) for k in kinds)
        if a is None or b is None:
            return None
        scalar, image = (
            [v for v in pair if v is not None]
            for pair in ((a.scalar, b.scalar), (a.image, b.image))
        )
        twice = (a.place >= 0).any() and (b.place >= 0).any()
        if twice or len(scalar) > 1 or len(image) > 1:
            return None
        pick, place = np.maximum(a.pick, b.pick), np.maximum(a.place, b.place)
        factors = (*scalar, None)[0], (*image, None)[0]
        return GradientElement(a.coefficient * b.coefficient, *factors, pick, place)

    def _chosen(self, node: Variable, kinds: list[Kind]) -> GradientElement | None:
        """Return a choice, by pre-activations, between multiples of one scalar."""
        if node.op is not ops.where:
            return None
        multiples = [k for k in kinds if isinstance(k, GradientElement) and k.is_scalar]
        scalars = {k.scalar for k in multiples}
        if len(scalars) != 1 or not all(
            k in multiples or _is_zero(k) for k in kinds[1:]
        ):
            return None
        bare = [thin(k.coefficient) if k in multiples else k for k in kinds]
        found = self._curved(node, bare)
        return None if found is None else replace(found, scalar=scalars.pop())

    # -- functions of outputs, and of pre-activations ----------------------------------

    def _scalar(self, node: Variable, kinds: list[Kind]) -> GradientElement | None:
        """Return a function of outputs and labels (of one unit, a sum with a label)."""
        op = node.op
        assert op is not None
        if node.size != 1:
            return None
        known = [isinstance(k, GradientElement) and k.is_scalar for k in kinds]
        curves = [isinstance(k, GradientElement) and k.is_curve for k in kinds]
        sums = op in (ops.add, ops.subtract)
        for k, scalar, curve in zip(kinds, known, curves, strict=True):
            added = curve and sums
            if not (scalar or added or isinstance(k, Interval) or self._is_output(k)):
                return None
        plain = sums or op is ops.negative or not op.elementwise
        if not any(known) and (any(curves) or plain):
            return None
        for a, k, curve in zip(node.args, kinds, curves, strict=True):
            if curve or isinstance(k, AffineForm):
                form = self._affine(k)
                assert isinstance(form, AffineForm)
                if all(a is not n for n, _ in self.outputs):
                    self.outputs.append((a, form))
        return _product(np.ones(node.shape), node)

    def _is_output(self, kind: Kind) -> bool:
        """Whether this is affine in one image."""
        parts = kind.parts if isinstance(kind, AffineForm) else {}
        return len(parts) == 1 and self.inputs not in parts

    def _curved(self, node: Variable, kinds: list[Kind]) -> GradientElement | None:
        """Return a function of single pre-activations."""
        op = node.op
        assert op is not None
        if not op.elementwise:
            return None
        kinds = [self._of_atoms(k) for k in kinds]
        curves = [k for k in kinds if isinstance(k, GradientElement)]
        if not curves or not all(k.is_curve for k in curves):
            return None
        pick, own = curves[0].pick, curves[0].image
        assert own is not None
        if not all(np.array_equal(k.pick.ravel(), pick.ravel()) for k in curves):
            return None
        back = np.argsort(pick.ravel())
        if not np.array_equal(pick.ravel()[back], np.arange(own.size)):
            return None
        given = [_argument(k, a, back) for k, a in zip(kinds, node.args, strict=True)]
        image = apply(op, tuple(given), node.attrs)
        return _product(np.ones(node.shape), None, image, pick.reshape(node.shape))

    def _of_atoms(self, kind: Kind) -> Kind:
        """Return what is affine in inputs as the pre-activations; others are unfit."""
        if not isinstance(kind, AffineForm) or self.inputs not in kind.parts:
            return kind
        flat = flattened(kind)
        matrix = np.asarray(flat.parts[self.inputs].lower).T
        shift = np.asarray(flat.constant.lower)
        if self.layer is None:
            self.layer = matrix, shift, symbol("pre-activations", shape=shift.shape)
        known, offset, atoms = self.layer
        places = np.arange(len(shift)).reshape(kind.constant.shape)
        for sign in (1.0, -1.0):
            same = np.array_equal(known, sign * matrix)
            if same and np.array_equal(offset, sign * shift):
                return _product(np.full(places.shape, sign), None, atoms, places)
        raise Unfit("two hidden layers")

    # -- affine functions --------------------------------------------------------------

    def _summed(self, node: Variable, kinds: list[Kind]) -> AffineForm | None:
        """Return what is linear in its arguments, unless it would be rounded."""
        assert node.op is not None
        some = any(isinstance(k, GradientElement) and k.is_curve for k in kinds)
        if not is_linear(node, kinds) or (some and node.op.elementwise):
            return None
        form = through(node, [self._affine(k) for k in kinds])
        parts = {t: _unrounded(c) for t, c in form.parts.items()}
        whole = _unrounded(form.constant)
        kept = {t: c for t, c in parts.items() if c is not None}
        return AffineForm(kept, whole) if whole and len(kept) == len(parts) else None

    def _affine(self, kind: Kind) -> AffineForm | Interval:
        """Return inputs, and functions of pre-activations, as affine in these."""
        if not isinstance(kind, GradientElement):
            return kind
        at, term, image = kind.place, self.inputs, kind.image
        if image is not None:
            at, term = kind.pick, self.images.setdefault(image, _term(image.size))
        if kind.scalar is not None or not (kind.is_curve or image is None):
            raise Unfit("a sum of products")
        if at.size * term.size > MOST_COEFFICIENTS:
            raise Unfit("too many coefficients")
        c = np.zeros((term.size, at.size))
        c[at.ravel(), np.arange(at.size)] = kind.coefficient.ravel()
        return AffineForm(
            {term: thin(c.reshape(term.size, *at.shape))}, thin(np.zeros(at.shape))
        )

    # -- the result --------------------------------------------------------------------

    def result(self) -> OneLayer:
        """Return the whole vector's form."""
        kinds = [self.kinds[p] for p in self.parts]
        elements = [k for k in kinds if isinstance(k, GradientElement)]
        scalar = elements[0].scalar if elements else None
        if scalar is None or any(e.scalar is not scalar for e in elements):
            raise Unfit("no common factor")
        if self.layer is None or not self.outputs or len(elements) < len(kinds):
            raise Unfit("no hidden layer")
        (weight, image, shift), *others = (self._output(f) for _, f in self.outputs)
        for w, other, b in others:
            if other is not image or b != shift or not np.array_equal(w, weight):
                raise Unfit("two outputs")
        output = symbol("output", shape=())
        given = {n: reshape_to(output, n.shape) for n, _ in self.outputs}
        made: Any = interpret(topological([scalar]), lambda v: v, _rebuild, given)
        d = reshape_to(made[scalar], ())
        if self.x.name in {s.name for s in free_symbols([d])}:
            raise Unfit("the factor depends on more than the output")
        return OneLayer(*self.layer, elements, d, output, weight, image, shift)

    def _output(self, form: AffineForm) -> tuple[Array, Variable, float]:
        """Return an output's weights, their image, and what is added."""
        ((term, c),) = form.parts.items()
        (image,) = (v for v, t in self.images.items() if t is term)
        shift = np.asarray(form.constant.lower).item()
        return np.asarray(c.lower).reshape(term.size), image, shift


def _rebuild(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)


def _product(
    coefficient: Array,
    scalar: Variable | None = None,
    image: Variable | None = None,
    pick: Array | None = None,
    place: Array | None = None,
) -> GradientElement:
    none = np.full(np.shape(coefficient), -1)
    pick, place = none if pick is None else pick, none if place is None else place
    return GradientElement(coefficient, scalar, image, pick, place)


def _term(size: int) -> Term:
    return Term(0, np.arange(size), np.zeros(size, dtype=int))


def _unrounded(x: Interval) -> Interval | None:
    """Return numbers that are exact, or would be but for underflow."""
    near = (x.upper - x.lower <= UNDERFLOW).all()
    return thin(np.asarray(x.lower + x.upper) / 2) if near else None


def _is_exact(x: Interval) -> bool:
    return x.is_thin or np.array_equal(x.lower, x.upper)


def _is_zero(kind: Kind) -> bool:
    return isinstance(kind, Interval) and not (kind.lower.any() or kind.upper.any())


def _as_element(kind: Kind, shape: tuple[int, ...]) -> GradientElement | None:
    """Return products, exact numbers among them; all else (such as pi) is none."""
    if isinstance(kind, Interval) and _is_exact(kind):
        return _product(np.broadcast_to(kind.lower, shape))
    return kind if isinstance(kind, GradientElement) else None


def _argument(kind: Kind, node: Variable, back: Array) -> Variable:
    """Return a curve's image, or numbers in the order of its elements."""
    if isinstance(kind, GradientElement):
        assert kind.image is not None
        factor = kind.coefficient.ravel()[back]
        if (factor == 1).all():
            return kind.image
        return -kind.image if (factor == -1).all() else kind.image * constant(factor)
    if isinstance(kind, Interval) and _is_exact(kind):
        return constant(np.asarray(kind.lower).ravel()[back])
    while node.op in MOVES:
        (node,) = node.args
    if not isinstance(kind, Interval) or node.size != 1:
        raise Unfit(node)
    return broadcast_to(reshape_to(node, ()), back.shape)
