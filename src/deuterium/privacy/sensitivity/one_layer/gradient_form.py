"""Gradients of one hidden layer, taken apart element by element.

A vector qualifies if every element is ``coefficient * d * phi(z_k) * x_i``: d is the
same scalar for all of them, a function of ``t = b + sum_k w_k h(z_k)`` and of labels;
phi is a function of one pre-activation ``z = M x + c``; each factor but d may be
missing.  So are the gradients, by all parameters, of a network with one hidden layer
and one output.  Found out node by node; a graph that does not fit is left to others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.errors import DeuteriumError
from deuterium.graph.constructors import apply, as_variable, constant, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops.shapes import reshape_to
from deuterium.privacy.sensitivity.one_layer.node_kinds import (
    MOVES,
    AffineNode,
    GradientElement,
    NumberNode,
    OneLayer,
    OutputNode,
    ScalarNode,
    Unfit,
    UnivariateNode,
    bared,
    everywhere,
    is_layer,
    is_lone,
    place,
    require_exact,
)
from deuterium.transform.simplify.simplify import simplify

__all__ = ["GradientElement", "OneLayer", "one_layer"]


def one_layer(parts: Sequence[Variable], x: Variable) -> OneLayer | None:
    """Return the form of a vector in parts of any shapes, or None if it has another."""
    try:
        return _FormReader(list(simplify(list(parts))), x).result()
    except (Unfit, DeuteriumError):
        return None


class _FormReader:
    """Works out the kind of every node, from the leaves up."""

    def __init__(self, parts: list[Variable], x: Variable) -> None:
        self.parts, self.x = parts, x
        self.order = topological(parts)
        self.kinds: dict[Variable, Any] = {}
        self.atoms: Variable | None = None
        self.form: AffineNode | None = None
        self.outputs: list[tuple[Variable, OutputNode]] = []
        for node in self.order:
            self.kinds[node] = self._kind(node)

    # -- kinds -----------------------------------------------------------------------

    def _kind(self, node: Variable) -> Any:
        if node.is_constant:
            return np.asarray(node.value, dtype=float)
        if node.is_symbol:
            return self._symbol(node)
        op, kinds = node.op, [self.kinds[a] for a in node.args]
        assert op is not None
        copied = op in (*MOVES, ops.negative)
        if copied and all(isinstance(k, np.ndarray) for k in kinds):
            return np.asarray(op.value(*kinds, **node.attrs))
        if all(isinstance(k, np.ndarray | NumberNode) for k in kinds):
            return self._number(node, kinds)
        if self._is_scalar(node, kinds):
            return self._scalar(node)
        handler: Callable[..., Any] | None = getattr(self, f"_{op.name}", None)
        if op in MOVES:
            return self._moved(node, kinds[0])
        if handler is not None:
            found = handler(node, kinds)
            if found is not None:
                return found
        if op.elementwise:
            return self._elementwise(node, kinds)
        raise Unfit(node)

    def _number(self, node: Variable, kinds: list[Any]) -> NumberNode:
        assert node.op is not None
        if node.op in MOVES and isinstance(kinds[0], NumberNode):
            return kinds[0]
        if node.size != 1:
            raise Unfit(node)
        return NumberNode(node)

    def _is_scalar(self, node: Variable, kinds: list[Any]) -> bool:
        """Whether a node is a function of outputs and labels, and no output itself."""
        assert node.op is not None
        if node.size != 1:
            return False
        sums = node.op in (ops.add, ops.subtract)
        if not all(
            isinstance(k, ScalarNode | OutputNode | NumberNode | np.ndarray)
            or (sums and is_lone(k))
            for k in kinds
        ):
            return False
        if any(isinstance(k, ScalarNode) for k in kinds):
            return True
        if any(isinstance(k, UnivariateNode) for k in kinds):
            return False
        linear = node.op in (ops.add, ops.subtract, ops.negative, *MOVES)
        return not linear and node.op.elementwise

    def _symbol(self, node: Variable) -> Any:
        if node.name != self.x.name:
            if node.size != 1:
                raise Unfit(node)
            return ScalarNode(node)
        eye = np.eye(node.size).reshape(*node.shape, node.size)
        return AffineNode(eye, np.zeros(node.shape))

    def _scalar(self, node: Variable) -> ScalarNode:
        for a in node.args:
            kind = self.kinds[a]
            if isinstance(
                kind, UnivariateNode
            ):  # of one hidden unit, any function is an output
                kind = OutputNode(np.ones(1), kind.image, 0.0)
            if isinstance(kind, OutputNode) and all(
                a is not n for n, _ in self.outputs
            ):
                self.outputs.append((a, kind))
        return ScalarNode(node)

    def _moved(self, node: Variable, kind: Any) -> Any:
        assert node.op is not None

        def move(a: Array) -> Array:
            return np.asarray(node.op.value(a, **node.attrs))  # type: ignore[union-attr]

        if isinstance(kind, AffineNode):
            n = kind.matrix.shape[-1]
            columns = [move(kind.matrix[..., i]) for i in range(n)]
            return AffineNode(np.stack(columns, axis=-1), move(kind.shift))
        if isinstance(kind, UnivariateNode):
            return UnivariateNode(kind.image, move(kind.pick))
        if isinstance(kind, OutputNode) and node.size == 1:
            return kind
        if isinstance(kind, ScalarNode) and node.size == 1:
            return ScalarNode(node)
        e = self._element(kind, node.args[0])
        return GradientElement(
            move(e.coefficient), e.scalar, e.image, move(e.pick), move(e.place)
        )

    # -- operators -------------------------------------------------------------------

    def _matmul(self, node: Variable, kinds: list[Any]) -> Any:
        a, b = kinds
        if isinstance(a, AffineNode) and isinstance(b, np.ndarray):
            require_exact(a)
            m = np.moveaxis(np.moveaxis(a.matrix, -1, 0) @ b, 0, -1)
            return AffineNode(m, np.zeros(node.shape))
        if isinstance(a, np.ndarray) and isinstance(b, AffineNode):
            require_exact(b)
            m = np.moveaxis(a @ np.moveaxis(b.matrix, -1, 0), 0, -1)
            return AffineNode(m, np.zeros(node.shape))
        if node.size != 1:
            raise Unfit(node)
        for curve, weight in ((a, b), (b, a)):
            if isinstance(curve, UnivariateNode) and isinstance(weight, np.ndarray):
                pick = curve.pick.ravel()
                whole = np.zeros(curve.image.size)
                np.add.at(whole, pick, weight.ravel())
                if len(np.unique(pick)) < len(pick):
                    raise Unfit(node)  # sums of weights would be rounded
                return OutputNode(whole, curve.image, 0.0)
        raise Unfit(node)

    def _sum(self, node: Variable, kinds: list[Any]) -> Any:
        e = self._element(kinds[0], node.args[0])
        if node.size != 1 or e.scalar is not None or e.image is None:
            raise Unfit(node)
        pick = e.pick.ravel()
        if (e.place >= 0).any() or len(np.unique(pick)) < len(pick):
            raise Unfit(node)
        whole = np.zeros(e.image.size)
        whole[pick] = np.broadcast_to(e.coefficient, e.pick.shape).ravel()
        return OutputNode(whole, e.image, 0.0)

    def _add(self, node: Variable, kinds: list[Any], sign: float = 1.0) -> Any:
        a, b = kinds
        if isinstance(b, np.ndarray):
            if isinstance(a, AffineNode):
                return self._shifted(a, sign * b)
            if isinstance(a, OutputNode):
                return self._offset(a, sign * float(b.reshape(-1)[0]))
        if isinstance(a, np.ndarray) and isinstance(b, AffineNode | OutputNode):
            return self._add(node, [b if sign == 1 else self._negative(node, [b]), a])
        return None

    def _subtract(self, node: Variable, kinds: list[Any]) -> Any:
        return self._add(node, kinds, -1.0)

    def _shifted(self, a: AffineNode, b: Array) -> AffineNode:
        if a.shift.any():
            raise Unfit("a second shift would be rounded")
        return AffineNode(a.matrix, a.shift + b)

    def _offset(self, a: OutputNode, b: float) -> OutputNode:
        if a.shift:
            raise Unfit("a second shift would be rounded")
        return OutputNode(a.weight, a.image, b)

    def _negative(self, node: Variable, kinds: list[Any]) -> Any:
        (a,) = kinds
        if isinstance(a, AffineNode):
            return AffineNode(-a.matrix, -a.shift)
        if isinstance(a, OutputNode):
            return OutputNode(-a.weight, a.image, -a.shift)
        if isinstance(a, GradientElement):
            return GradientElement(-a.coefficient, a.scalar, a.image, a.pick, a.place)
        return None

    def _multiply(self, node: Variable, kinds: list[Any]) -> Any:
        kinds = [self._atoms(k) if is_layer(k) else k for k in kinds]
        if all(isinstance(k, UnivariateNode | NumberNode | np.ndarray) for k in kinds):
            found = self._curve(node, kinds)
            if found is not None:
                return found
        a, b = (self._element(k, n) for k, n in zip(kinds, node.args, strict=True))
        if a.scalar is not None and b.scalar is not None:
            raise Unfit(node)
        if a.image is not None and b.image is not None:
            raise Unfit(node)
        if (a.place >= 0).any() and (b.place >= 0).any():
            raise Unfit(node)
        return GradientElement(
            a.coefficient * b.coefficient,
            b.scalar if a.scalar is None else a.scalar,
            b.image if a.image is None else a.image,
            np.maximum(a.pick, b.pick),
            np.maximum(a.place, b.place),
        )

    def _where(self, node: Variable, kinds: list[Any]) -> Any:
        """Return a choice, by the only unit, between multiples of one scalar."""
        choice = self._atoms(kinds[0]) if is_layer(kinds[0]) else kinds[0]
        (p, one), (q, other) = (self._multiple_of_scalar(a) for a in node.args[1:])
        if node.size != 1 or one is not other:
            return None
        slope = self._curve(node, [choice, NumberNode(p), NumberNode(q)])
        none = np.full(node.shape, -1)
        return slope and GradientElement(
            np.ones(node.shape), one, slope.image, slope.pick, none
        )

    def _multiple_of_scalar(self, node: Variable) -> tuple[Variable, Variable]:
        """Return a number and what it multiplies."""
        number = as_variable(1)
        while node.op is ops.multiply:
            x, k = sorted(
                node.args, key=lambda a: isinstance(self.kinds[a], ScalarNode)
            )[::-1]
            if not isinstance(self.kinds[k], np.ndarray | NumberNode):
                break
            node, number = x, k * number
        return number, node

    def _elementwise(self, node: Variable, kinds: list[Any]) -> Any:
        """Return a function of single pre-activations."""
        kinds = [self._atoms(k) if isinstance(k, AffineNode) else k for k in kinds]
        found = self._curve(node, kinds)
        if found is None:
            raise Unfit(node)
        return found

    def _curve(self, node: Variable, kinds: list[Any]) -> UnivariateNode | None:
        curves = [k for k in kinds if isinstance(k, UnivariateNode)]
        known = UnivariateNode | NumberNode | np.ndarray
        if not curves or not all(isinstance(k, known) for k in kinds):
            return None
        pick = curves[0].pick.ravel()
        size = curves[0].image.size
        same = all(
            c.image.size == size and np.array_equal(c.pick.ravel(), pick)
            for c in curves
        )
        if not same or len(np.unique(pick)) < len(pick) or len(pick) < size:
            return None
        back = np.argsort(pick)
        arguments = [
            k.image
            if isinstance(k, UnivariateNode)
            else everywhere(k.node, size)
            if isinstance(k, NumberNode)
            else constant(k.ravel()[back])
            for k in kinds
        ]
        assert node.op is not None
        image = apply(node.op, tuple(arguments), node.attrs)
        return UnivariateNode(image, curves[0].pick)

    def _atoms(self, form: AffineNode) -> UnivariateNode:
        """Take an affine array as the pre-activations; there is but one such array."""
        flat = AffineNode(
            form.matrix.reshape(form.shift.size, form.matrix.shape[-1]),
            form.shift.ravel(),
        )
        if self.form is None or self.atoms is None:
            self.form = flat
            self.atoms = symbol("pre-activations", shape=(len(flat.shift),))
        known = self.form
        places = np.arange(len(flat.shift)).reshape(form.shift.shape)
        if np.array_equal(known.matrix, -flat.matrix) and np.array_equal(
            known.shift, -flat.shift
        ):
            return UnivariateNode(-self.atoms, places)
        if known.matrix.shape != flat.matrix.shape or not (
            np.array_equal(known.matrix, flat.matrix)
            and np.array_equal(known.shift, flat.shift)
        ):
            raise Unfit("two hidden layers")
        return UnivariateNode(self.atoms, places)

    def _element(self, kind: Any, node: Variable) -> GradientElement:
        """Return any kind as products."""
        shape = node.shape
        none = np.full(shape, -1)
        one = np.ones(shape)
        if isinstance(kind, GradientElement):
            return kind
        if isinstance(kind, np.ndarray):
            return GradientElement(np.broadcast_to(kind, shape), None, None, none, none)
        if isinstance(kind, ScalarNode):
            return GradientElement(one, node, None, none, none)
        if isinstance(kind, UnivariateNode):
            return GradientElement(one, None, kind.image, kind.pick, none)
        if isinstance(kind, AffineNode):
            m = kind.matrix
            if ((m != 0).sum(axis=-1) == 1).all() and not kind.shift.any():
                return GradientElement(m.sum(axis=-1), None, None, none, place(m))
        raise Unfit(node)

    # -- the result ------------------------------------------------------------------

    def result(self) -> OneLayer:
        """Return the whole vector's form."""
        elements = [bared(self._element(self.kinds[p], p)) for p in self.parts]
        scalars = {e.scalar for e in elements if e.scalar is not None}
        complete = all(e.scalar is not None for e in elements)
        if len(scalars) != 1 or not complete or not self.outputs:
            raise Unfit("no common factor")
        if self.form is None or self.atoms is None:
            raise Unfit("no hidden layer")
        (scalar,) = scalars
        first = self.outputs[0][1]
        for _, other in self.outputs[1:]:
            same = other.image is first.image and other.shift == first.shift
            if not same or not np.array_equal(other.weight, first.weight):
                raise Unfit("two outputs")
        output = symbol("output", shape=())
        given: dict[Variable, Any] = {
            n: reshape_to(output, n.shape) for n, _ in self.outputs
        }
        cut: Any = interpret(topological([scalar]), lambda v: v, _rebuild, given)[
            scalar
        ]
        names = {s.name for s in topological([cut]) if s.is_symbol}
        if self.x.name in names:
            raise Unfit("the factor depends on more than the output")
        return OneLayer(
            self.form.matrix,
            self.form.shift,
            self.atoms,
            elements,
            reshape_to(cut, ()),
            output,
            first.weight,
            first.image,
            first.shift,
        )


def _rebuild(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)
