"""Enclosures compiled: the graph as a list of steps on stacked ends.

A step is a function of earlier results, chosen once per graph: the fast rules of
`deuterium.interval.stacked` where they reach, the operator's own value where it only
moves elements (ends are one more leading axis to it), and the operator's full enclosure
otherwise.  A few neighbours become one step, so that rounding is paid once: a product
with a constant matrix and the bias added to it; a sum of squares, of multiples too; the
slope of a logistic curve, from the curve's own ends.

A result that is not finite, or a box that the fast rules refuse, is no answer
(`FastPathUnsupported`): the caller runs the full rules, which also find the cause.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import watch
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import Graph, is_never_negative
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, stacked
from deuterium.interval.rounding import EPS
from deuterium.interval.stacked import FastPathUnsupported

# of their arguments no ulp is lost that can be kept: it is a whole integer afterwards
ROUNDINGS = frozenset({ops.floor, ops.ceil, ops.trunc, ops.rint, ops.floor_divide})
KEPT = {ops.relu, ops.step, ops.softmax_last}  # whose steps pass no range themselves
CHUNK = 9000  # elements of one end of the largest array; more leave the fast cache
ROWS = 32  # but no fewer boxes than this at once, or large matrices are read too often

Step = Callable[..., Any]
Made = tuple[Step, tuple[Variable, ...]]  # a step and the nodes it takes


class EnclosureProgram:
    """A graph compiled for enclosures.

    Parameters
    ----------
    outputs : sequence of Variable
        What to enclose.
    fixed : mapping
        Enclosures, by the full rules, of the nodes that depend on no symbol.
    """

    def __init__(
        self, outputs: Sequence[Variable], fixed: Mapping[Variable, Interval]
    ) -> None:
        builder = _StepBuilder(outputs, fixed)
        self._start = builder.start
        self._wide = builder.wide
        self._symbols = builder.symbols
        self._steps = builder.steps
        self._results = [builder.slot[v] for v in outputs]
        self._ndims = [v.ndim for v in outputs]
        self._largest = max(v.size for v in builder.order if v not in fixed)

    def __call__(self, boxes: Mapping[str, Any], batch: tuple[int, ...]) -> list[Any]:
        """Return stacked ends of the outputs, or raise `FastPathUnsupported`.

        Parameters
        ----------
        boxes : mapping
            Stacked ends of each symbol, by name, of shape ``(2, *batch, *shape)``.
        batch : tuple of int
            The batch axes; those of a box may be 1.  A long first axis is taken in
            pieces that fit the cache.
        """
        rows = max(ROWS, CHUNK // max(1, self._largest * math.prod(batch[1:])))
        if not batch or batch[0] <= rows:
            return self._run(boxes, len(batch))
        pieces = []
        for i in range(0, batch[0], rows):
            part = {
                n: e if e.shape[1] == 1 else e[:, i : i + rows]
                for n, e in boxes.items()
            }
            pieces.append(self._run(part, len(batch)))
        # a result that does not depend on the boxes has one row, or no batch axes
        several = [
            first.ndim == 1 + len(batch) + ndim and first.shape[1] == rows
            for first, ndim in zip(pieces[0], self._ndims, strict=True)
        ]
        return [
            np.concatenate(parts, axis=1) if joined else parts[0]
            for parts, joined in zip(zip(*pieces, strict=True), several, strict=True)
        ]

    def _run(self, boxes: Mapping[str, Any], batch: int) -> list[Any]:
        results = self._worked_out(boxes, batch)
        if not all(np.isfinite(r).all() for r in results):
            raise FastPathUnsupported
        return results

    def _worked_out(self, boxes: Mapping[str, Any], batch: int) -> list[Any]:
        done = list(self._start)
        for i in self._wide:
            shape = done[i].shape
            done[i] = done[i].reshape((2,) + (1,) * batch + shape[1:])
        for i, name in self._symbols:
            done[i] = boxes[name]
        look = watch()
        for i, step, places in self._steps:
            if look is not None:
                look()
            done[i] = step(*[done[k] for k in places])
        return [done[i] for i in self._results]


@dataclass(frozen=True)
class _NodeFacts:
    """What is known of a node before any box: is it thin, is it never negative.

    Never negative are then its ends, too: `_StepBuilder._enter` has every step cut its
    result to what it is known to be.
    """

    thin: bool
    nonnegative: bool


class _StepBuilder:
    """Chooses a step for every node."""

    affine = staticmethod(stacked.affine)

    def __init__(
        self, outputs: Sequence[Variable], fixed: Mapping[Variable, Interval]
    ) -> None:
        graph = Graph.of(outputs)
        self.order = graph.order
        self.slot = {node: i for i, node in enumerate(self.order)}
        self.known: dict[Variable, _NodeFacts] = {}
        self.constants: dict[Variable, Any] = {}
        self.start: list[Any] = [None] * len(self.order)
        self.wide: list[int] = []  # constants that are proper intervals
        self.symbols: list[tuple[int, str]] = []
        self.steps: list[tuple[int, Step, tuple[int, ...]]] = []
        self.curves = {
            (n.op.name, n.args[0]): n
            for n in self.order
            if n.op is not None and len(n.args) == 1 and not n.attrs
        }
        uses = Counter(outputs)
        uses.update({n: len(users) for n, users in graph.users.items()})
        self.alone = {n for n in self.order if uses[n] == 1}
        self.rounded = _below(self.order, ROUNDINGS)
        for node in self.order:
            self._enter(node, fixed)
        self._drop_unused(outputs)

    def _enter(self, node: Variable, fixed: Mapping[Variable, Interval]) -> None:
        if node in fixed:
            self._enter_constant(node, fixed[node])
        elif node.is_symbol:
            self.known[node] = _NodeFacts(thin=False, nonnegative=False)
            self.symbols.append((self.slot[node], node.name))
        else:
            self.known[node] = _NodeFacts(
                False, is_never_negative(node, self.nonnegative)
            )
            exactly = node in self.rounded and not (node.op and node.op.moves_elements)
            step, args = self.full(node) if exactly else self._made(node)
            if not (node.op in KEPT or (node.op and node.op.moves_elements)):
                step = _cut(step, *self._range(node))
            places = tuple(self.slot[a] for a in args)
            self.steps.append((self.slot[node], step, places))

    def _enter_constant(self, node: Variable, x: Interval) -> None:
        low, high = np.asarray(x.lower), np.asarray(x.upper)
        thin = bool(np.array_equal(low, high))
        self.known[node] = _NodeFacts(thin, bool(np.all(low >= 0)))
        self.start[self.slot[node]] = low if thin else np.stack([low, high])
        if thin:
            self.constants[node] = low
        else:
            self.wide.append(self.slot[node])

    def _range(self, node: Variable) -> tuple[float, float]:
        """Return numbers between which a node certainly lies."""
        assert node.op is not None  # leaves do not come here
        low, high = node.op.range
        return max(low, 0.0) if self.known[node].nonnegative else low, high

    def _made(self, node: Variable) -> Made:
        """Return the fastest step that holds for a node."""
        assert node.op is not None
        op, attrs = node.op, dict(node.attrs)
        if op.moves_elements:
            return lambda *args: op.value(*args, **attrs), node.args
        maker = _MAKERS.get(op)
        made = maker(self, node) if maker is not None else None
        return made or _slope(self, node) or _monotone(node) or self.full(node)

    def full(self, node: Variable) -> Made:
        """Return the operator's own enclosure, on stacked ends."""
        assert node.op is not None
        rule, attrs = node.op.enclosure, dict(node.attrs)
        thin = [self.known[a].thin for a in node.args]
        wide = [i for i, t in enumerate(thin) if not t]
        sizes = [a.ndim for a in node.args]

        def step(*args: Any) -> Any:
            boxed = [
                Interval.unchecked(a, a) if t else stacked.interval(a)
                for a, t in zip(args, thin, strict=True)
            ]
            result = rule(*boxed, **attrs)
            ends = np.stack(np.broadcast_arrays(result.lower, result.upper))
            # a result may not hang on the boxes, as a choice between numbers, and then
            # has no batch axes; without them its two ends would be taken for two boxes
            batch = max((args[i].ndim - 1 - sizes[i] for i in wide), default=0)
            missing = 1 + batch + node.ndim - ends.ndim
            if missing <= 0:
                return ends
            return ends.reshape((2,) + (1,) * missing + ends.shape[1:])

        return step, node.args

    def _drop_unused(self, outputs: Sequence[Variable]) -> None:
        """Leave out steps whose work a later step has taken over."""
        needed = {self.slot[v] for v in outputs}
        kept = []
        for i, step, places in reversed(self.steps):
            if i in needed:
                needed.update(places)
                kept.append((i, step, places))
        self.steps = kept[::-1]

    def thin(self, node: Variable) -> bool:
        return self.known[node].thin

    def nonnegative(self, node: Variable) -> bool:
        return self.known[node].nonnegative


def _below(order: Sequence[Variable], tops: frozenset[Operator]) -> set[Variable]:
    """Return the nodes that some operators are made of."""
    found: set[Variable] = set()
    for node in reversed(order):
        if node.op in tops or node in found:
            found.update(node.args)
    return found


def _cut(step: Step, low: float, high: float) -> Step:
    """Return a step whose results are cut to a range that holds for certain."""
    if low == -np.inf and high == np.inf:
        return step
    return lambda *args: stacked.within(step(*args), low, high)


def _monotone(node: Variable) -> Made | None:
    """Return a step for a function that only rises, or only falls, over its domain."""
    assert node.op is not None
    op = node.op
    if op.ulps is None or op.increasing is None:
        return None
    error, rises = ((op.ulps + 2) * EPS, op.absolute), op.increasing
    (low, high), (with_low, with_high) = op.domain, op.closed

    def step(e: Any) -> Any:
        if low > -np.inf:
            stacked.require(e[0] >= low if with_low else e[0] > low)
        if high < np.inf:
            stacked.require(e[1] <= high if with_high else e[1] < high)
        return stacked.monotone(e if rises else e[::-1], op.value, error, op.range)

    return step, node.args


# -- rules by operator ---------------------------------------------------------------


def _add(build: _StepBuilder, node: Variable) -> Made:
    a, b = node.args
    for product, bias in ((a, b), (b, a)):
        if product.op is ops.matmul and product in build.alone and build.thin(bias):
            made = _affine(build, product, build.constants[bias])
            if made is not None:
                return made
    return stacked.add, node.args


def _affine(build: _StepBuilder, node: Variable, bias: Any) -> Made | None:
    """Return ``x @ W + bias`` for a constant matrix."""
    x, w = node.args
    if not build.thin(w) or w.ndim != 2 or build.thin(x):
        return None
    matrix = build.constants[w]
    pair = np.stack([matrix, np.abs(matrix)])
    slack = stacked.affine_slack(bias, len(matrix))
    return lambda e: build.affine(e, pair, bias, slack), (x,)


def _subtract(build: _StepBuilder, node: Variable) -> Made:
    if build.thin(node.args[1]):
        return lambda a, b: stacked.add(a, -b), node.args
    return lambda a, b: stacked.add(a, -b[::-1]), node.args


def _comparison(build: _StepBuilder, node: Variable) -> Made | None:
    """Return a condition on a difference, whose sign rounding to nearest keeps."""
    (difference,) = node.args
    if difference.op is not ops.subtract:
        return None
    step, _ = build.full(node)
    if build.thin(difference.args[1]):
        return lambda a, b: step(a - b), difference.args
    return lambda a, b: step(a - b[::-1]), difference.args


def _multiply(build: _StepBuilder, node: Variable) -> Made:
    a, b = node.args
    if build.nonnegative(a) and build.nonnegative(b):
        return stacked.multiply_nonnegative, (a, b)
    if build.thin(b):
        return stacked.multiply_thin, (a, b)
    if build.thin(a):
        return stacked.multiply_thin, (b, a)
    return stacked.multiply, (a, b)


def _square(build: _StepBuilder, node: Variable) -> Made:
    size = _size(build, node.args[0])
    return lambda e: stacked.square(size(e)), node.args


def _size(build: _StepBuilder, node: Variable) -> Step:
    """Return what makes absolute values of a node's ends."""
    return (lambda e: e) if build.nonnegative(node) else stacked.sizes


def _sum(build: _StepBuilder, node: Variable) -> Made:
    (x,), axis = node.args, tuple(node.attrs["axis"])
    count = math.prod(x.shape[i] for i in axis)
    if x.op is ops.square and x in build.alone:
        return _sum_of_squares(build, x.args[0], axis, count)
    if build.nonnegative(x):
        return lambda e: stacked.sum_nonnegative(e, axis, count), (x,)
    return lambda e: stacked.sum_any(e, axis, count), (x,)


def _sum_of_squares(
    build: _StepBuilder, x: Variable, axis: tuple[int, ...], count: int
) -> Made:
    factor, rest = None, x
    if x.op is ops.multiply and x in build.alone:
        for a, b in (x.args, x.args[::-1]):
            if build.thin(a) and not build.thin(b):
                factor, rest = np.abs(build.constants[a]), b
                break
    size = _size(build, rest)
    return lambda e: stacked.sum_of_squares(size(e), factor, axis, count), (rest,)


def _slope(build: _StepBuilder, node: Variable) -> Made | None:
    """Return a step from the ends of a curve that the node is a quadratic of."""
    assert node.op is not None
    if node.op.quadratic is None:
        return None
    name, centre, top = node.op.quadratic
    curve = build.curves.get((name, node.args[0]))
    if curve is None or curve not in build.known:
        return None
    return lambda s: stacked.logistic_slope(s, centre, top), (curve,)


def _unary(step: Step) -> Callable[[_StepBuilder, Variable], Made]:
    return lambda build, node: (step, node.args)


_MAKERS: dict[Operator, Callable[[_StepBuilder, Variable], Made | None]] = {
    ops.add: _add,
    ops.subtract: _subtract,
    ops.is_positive: _comparison,
    ops.is_zero: _comparison,
    ops.multiply: _multiply,
    ops.square: _square,
    ops.add_reduce: _sum,
    ops.matmul: lambda build, node: _affine(build, node, 0.0),
    ops.softmax_last: _unary(stacked.softmax),
    ops.negative: _unary(lambda e: -e[::-1]),
    ops.sqrt: _unary(stacked.sqrt),
    ops.relu: _unary(lambda e: np.maximum(e, 0.0)),
    ops.step: _unary(stacked.step),
}
