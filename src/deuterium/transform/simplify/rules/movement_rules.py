"""Movement of elements: broadcasts, reshapes, transposes, gathers, scatters.

Broadcasts and reshapes move outward, past arithmetic, so that it is done on few
elements; gathers move inward, past arithmetic, so that only what is wanted is computed.
"""

from __future__ import annotations

import math

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.ops import arrays
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule

FEW_NODES = 16  # of which a factor may be made to be looked at


def _is_elementwise(op: Operator) -> bool:
    return op.elementwise and bool(op.arity)


@rule(
    ops.broadcast,
    ops.reshape,
    ops.transpose,
    identity="broadcast(broadcast(x)) = broadcast(x), and so for reshape and transpose",
    gains="one node",
)
def merge_movements(v: Variable, known: Assumptions) -> Variable | None:
    """Merge two movements of one kind into one, or none."""
    (x,) = v.args
    if v.shape == x.shape and v.op is not ops.transpose:
        return x
    if v.size == x.size and v.op is ops.broadcast:
        return arrays.reshape_to(x, v.shape)
    if v.op is ops.broadcast:
        return _merge_broadcast(v, x)
    if v.op is ops.reshape:
        return arrays.reshape_to(x.args[0], v.shape) if x.op is ops.reshape else None
    return _merge_transpose(v, x)


def _merge_broadcast(v: Variable, x: Variable) -> Variable | None:
    if x.op is ops.broadcast:
        return broadcast_to(x.args[0], v.shape)
    if x.op is ops.reshape:
        (inner,) = x.args
        new = x.ndim - inner.ndim
        if new >= 0 and x.shape == (1,) * new + inner.shape:
            return broadcast_to(inner, v.shape)
    return None


def _merge_transpose(v: Variable, x: Variable) -> Variable | None:
    axes = v.attrs["axes"]
    if x.op is ops.transpose:
        inner = x.attrs["axes"]
        return arrays.permute(x.args[0], tuple(inner[i] for i in axes))
    if axes == tuple(range(len(axes))):
        return x
    long = [i for i in axes if x.shape[i] != 1]
    if long == sorted(long):
        return arrays.reshape_to(x, v.shape)  # only axes of length one move
    return None


@rule(
    ops.reshape,
    identity="reshape(broadcast(x)) = broadcast(x)",
    holds="where only axes of length one come or go in front",
    gains="one node",
)
def reshape_of_broadcast(v: Variable, known: Assumptions) -> Variable | None:
    """Broadcast to the new shape at once."""
    (x,) = v.args
    if x.op is not ops.broadcast:
        return None
    (inner,) = x.args
    if inner.size == 1:
        return broadcast_to(arrays.reshape_to(inner, ()), v.shape)
    new = v.ndim - x.ndim
    if new >= 0 and v.shape == (1,) * new + x.shape:
        return broadcast_to(inner, v.shape)
    return None


@rule(
    when=_is_elementwise,
    identity="f(broadcast(x), broadcast(y)) = broadcast(f(x, y))",
    gains="arithmetic on few elements instead of many equal ones",
)
def broadcast_outward(v: Variable, known: Assumptions) -> Variable | None:
    """Compute small, then broadcast."""
    if not any(a.op is ops.broadcast for a in v.args):
        return None
    inner = [a.args[0] if a.op is ops.broadcast else a for a in v.args]
    shape = np.broadcast_shapes(*[a.shape for a in inner])
    if math.prod(shape) >= v.size:
        return None
    return broadcast_to(_applied(v, [broadcast_to(a, shape) for a in inner]), v.shape)


def _applied(v: Variable, args: list[Variable]) -> Variable:
    return node(v.op, tuple(args), v.attrs or NO_ATTRS, args[0].shape)


@rule(
    when=_is_elementwise,
    identity="f(reshape(x), reshape(y)) = reshape(f(x, y)), also for transposes",
    gains="movements meet and merge; one element becomes a scalar",
)
def move_outward(v: Variable, known: Assumptions) -> Variable | None:
    """Compute first, then reshape or transpose."""
    if v.size == 1:
        if not v.shape:
            return None
        scalars = [_as_scalar(a) for a in v.args]
        return arrays.reshape_to(_applied(v, scalars), v.shape)
    moved = [a for a in v.args if known.number(a) is None]
    if not moved or not all(_same_movement(a, moved[0]) for a in moved):
        return None
    first = moved[0]
    (source,) = first.args
    inner = [
        a.args[0] if known.number(a) is None else _number_in(a, source.shape)
        for a in v.args
    ]
    result = _applied(v, inner)
    return node(first.op, (result,), first.attrs, v.shape)


def _as_scalar(a: Variable) -> Variable:
    """Return the only element of ``a``."""
    while a.op in (ops.reshape, ops.broadcast):
        (a,) = a.args
    return arrays.reshape_to(a, ())


def _same_movement(a: Variable, b: Variable) -> bool:
    return (
        a.op is b.op
        and a.op in (ops.reshape, ops.transpose)
        and a.args[0].shape == b.args[0].shape
        and a.attrs == b.attrs
    )


def _number_in(a: Variable, shape: Shape) -> Variable:
    """Return a broadcast number in another shape."""
    while a.op is not None:
        (a,) = a.args
    return broadcast_to(a, shape)


# -- gather and scatter ----------------------------------------------------------------


@rule(
    ops.gather,
    identity="x[i][j] = x[i[j]], whatever moved the elements before",
    gains="one node; only what is wanted is moved",
)
def merge_gather(v: Variable, known: Assumptions) -> Variable | None:
    """Gather from the source of a movement."""
    (x,) = v.args
    index = v.attrs["index"]
    if index.size == x.size and np.array_equal(index.ravel(), np.arange(x.size)):
        return arrays.reshape_to(x, v.shape)
    if x.op is None or not x.op.moves_elements or len(x.args) > 1:
        return None
    (source,) = x.args
    places = np.arange(source.size).reshape(source.shape)
    moved = x.op.value(places, **x.attrs)
    return arrays.take_places(source, moved.ravel()[index])


@rule(
    ops.reshape,
    ops.transpose,
    identity="reshape(x[i]) = x[reshape(i)]",
    gains="one node",
)
def move_index(v: Variable, known: Assumptions) -> Variable | None:
    """Move the index of a gather instead of its result."""
    (x,) = v.args
    if x.op is not ops.gather or v.op is None:
        return None
    return arrays.take_places(x.args[0], v.op.value(x.attrs["index"], **v.attrs))


@rule(
    ops.gather,
    identity="(x + y)[i] = x[i] + y[i], and other arithmetic",
    gains="arithmetic on the elements that are wanted",
)
def gather_inward(v: Variable, known: Assumptions) -> Variable | None:
    """Take elements first, then compute."""
    (x,) = v.args
    index = v.attrs["index"]
    if x.op not in ARITHMETIC or 2 * index.size > x.size:
        return None
    taken = [arrays.take_places(a, index) for a in x.args]
    return node(x.op, tuple(taken), x.attrs, v.shape)


ARITHMETIC = frozenset(
    {ops.add, ops.subtract, ops.multiply, ops.divide, ops.negative, ops.square}
)


@rule(
    ops.multiply,
    ops.divide,
    identity="scatter(x, i) * y = scatter(x * y[i], i)",
    holds="where the elements of y that meet a zero are defined (and not zero)",
    gains="arithmetic on the elements that are not zero",
)
def scatter_outward(v: Variable, known: Assumptions) -> Variable | None:
    """Multiply only what is scattered."""
    pairs = [v.args] if v.op is ops.divide else [v.args, v.args[::-1]]
    for x, y in pairs:
        if x.op is not ops.scatter or v.op is None:
            continue
        if not (known.nonzero(y) if v.op is ops.divide else known.defined(y)):
            return None
        index = x.attrs["index"]
        inner = v.op(x.args[0], arrays.take_places(y, index))
        return node(x.op, (inner,), x.attrs, v.shape)
    return None


@rule(
    ops.scatter,
    identity="scatter(x, i) = x[inverse of i]",
    holds="where each place is named once",
    gains="an element of an array of one is a number: kinks of it meet",
)
def whole_scatter(v: Variable, known: Assumptions) -> Variable | None:
    """Gather where nothing is added, and no zeros are left."""
    (x,) = v.args
    places = v.attrs["index"].ravel()
    order = np.argsort(places)
    if x.size != v.size or not np.array_equal(places[order], np.arange(v.size)):
        return None
    if v.size == 1:
        return arrays.reshape_to(x, v.shape)
    return arrays.take_places(x, order.reshape(v.shape))


@rule(
    ops.scatter,
    identity="scatter(-x, i) = -scatter(x, i)",
    gains="signs meet and cancel",
)
def sign_out_of_scatter(v: Variable, known: Assumptions) -> Variable | None:
    """Pull a sign out of a scatter."""
    (x,) = v.args
    if x.op is ops.negative:
        return -node(v.op, (x.args[0],), v.attrs, v.shape)
    return None


@rule(
    ops.reshape,
    ops.transpose,
    identity="reshape(s * k) = s * reshape(k), also for transposes",
    holds="where s has one element, and k is made of numbers",
    gains="a factor of the whole meets other such factors",
)
def scalar_past_movement(v: Variable, known: Assumptions) -> Variable | None:
    """Move numbers alone."""
    (x,) = v.args
    if v.size == 1 or x.op not in (ops.multiply, ops.divide, ops.square):
        return None
    view = factors(x, known)
    few = {b: e for b, e in view.powers.items() if b.size == 1 and not _is_constant(b)}
    if not few or len(few) == len(view.powers):
        return None
    powers = {arrays.reshape_to(b, ()): e for b, e in few.items()}
    scalar = build(Factors((), powers=powers), known)
    rest = build(view.without(few), known)
    if scalar is None or rest is None or not _is_constant(rest):
        return None
    return scalar * node(v.op, (rest,), v.attrs, v.shape)


def _is_constant(v: Variable) -> bool:
    """Whether a node is made of numbers, by few operators."""
    todo = [v]
    for _ in range(FEW_NODES):
        if not todo:
            return True
        x = todo.pop()
        if x.is_symbol:
            return False
        todo += x.args
    return False
