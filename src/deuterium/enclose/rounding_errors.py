"""What an arithmetic may make of a graph: the same function, moved, and an error.

Let a graph be evaluated in an arithmetic such as float32.  Where its slopes jump (at
the kinks of relu, in the choice of a maximum), a rounding decides which branch is
taken, and a small error of a value becomes a large one of a slope.  But the branch that
is taken is the right one of the function *at what was computed*.  So the nodes that
such decisions rest on get a symbol each, which stands for their rounding error and lies
between bounds of it.  What is computed is then the value of this *moved* function, of
the records and those symbols, to within an error that is small, as no decision adds to
it.  Hence::

    |computed(x) - moved(x, d)| <= error     for some d within its bounds

so that a bound of the moved function, which is one of real numbers, and the error
together bound what is computed.

Which evaluations are covered: every node of the graph as written, gradients by the
chain rule node by node, each in one arithmetic whose operations are off by what
`FloatArithmetic` says (with or without fused operations, subnormal numbers kept or
not), sums and products of matrices in any order, four roundings for each operation (so
that a kernel may distribute a product over a sum, multiply by a reciprocal, recompute
what it has, or fuse), library functions to within `FRAMEWORK_ERRORS`, the softmax by
quotients or by logarithms.  Not covered: products by fast algorithms (Winograd, FFT,
Strassen), other formats inside (TF32, bfloat16), and what a framework defines to be
another function.

References: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
sections 1.5 (backward errors), 2.2, 3.1; S. M. Rump, Acta Numerica 2010, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.budget import watch
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.computed_value import SLACK, Computed
from deuterium.enclose.error_lengths import Lengths, cut, elementwise, lengths_of
from deuterium.enclose.error_rules import (
    ROUNDINGS,
    error_of,
    is_jump,
    is_known,
    root_of,
)
from deuterium.enclose.interval_pass import boxes_of, leaf_of, rule_of
from deuterium.enclose.written_form import WrittenForm, written_form_of
from deuterium.graph.provenance import describe
from deuterium.graph.traverse import is_never_negative
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval, interval_arithmetic
from deuterium.interval.float_arithmetic import FloatArithmetic, require_arithmetic
from deuterium.ops import arrays, logic, order

MARGIN = 1.0 + 2.0**-10  # of bounds of errors that decide: ties, too, are met inside
SMALL = 1e-4  # of what is bounded: errors that need not be made smaller
MANY = 1_000  # activations: beyond, further inputs are nothing to a bounder


@dataclass(frozen=True, eq=False)
class MovedFunction:
    """What a graph becomes in an arithmetic.

    Attributes
    ----------
    value : Variable
        The moved function.
    domain : Domain
        Of its inputs, and of the errors that decide.
    error : ndarray
        How far what is computed is from it, at most, element by element; of the length
        of a vector, which is taken exactly, the length of the vector's error.
    cause : Cause or None
        Why an error is infinite.
    names : tuple of str
        The symbols that stand for errors.
    """

    value: Variable
    domain: Domain
    error: Array
    cause: Cause | None
    names: tuple[str, ...]


def moved_function(
    v: Variable, domain: Domain, arithmetic: str, *, boxes: Domain | None = None
) -> MovedFunction:
    """Return what becomes of a graph that is evaluated in an arithmetic.

    Parameters
    ----------
    v : Variable
        The graph; gradients in it are those that `deuterium.grad` returned.  If it is
        the length of a vector (`deuterium.norm`), that is the exact length of what is
        computed.
    domain : Domain
        Of the real numbers that the inputs hold, once they are in the arithmetic.
    arithmetic : {"float32", "float64"}
        Which.
    boxes : Domain, optional
        The domain, cut down by its conditions.
    """
    kind = require_arithmetic(arithmetic, "rounding")
    form = written_form_of(v)
    walk = _best_walk(form, kind, (boxes or domain).plain)
    moved, symbols = form.moved(frozenset(walk.bounds))
    ends = {s: (-walk.bounds[n], walk.bounds[n]) for n, s in symbols.items()}
    error = _length(walk.errors) if form.is_length else walk.errors[0]
    return MovedFunction(
        moved,
        domain & Box(ends) if ends else domain,
        error,
        None if np.isfinite(error).all() else walk.cause,
        tuple(s.name for s in symbols.values()),
    )


def _best_walk(form: WrittenForm, kind: FloatArithmetic, plain: Domain) -> ErrorPass:
    """Return errors by as few symbols and as coarse boxes as give small ones.

    A small error of an activation grows with each layer, the range that it lies in
    does not: where too much becomes of it, it is made a part of the range.
    """
    absorbing: dict[str, bool] = {"absorbs": True}
    options: list[dict[str, bool]] = [{}, absorbing]
    if sum(n.size for n in form.activating) > MANY and not _is_point(form, plain):
        options = [absorbing]
    best = ErrorPass(form, kind, **options[0]).over(plain)
    for option in (*options[1:], {"absorbs": True, "tells_apart": True}):
        enough = np.inf if "tells_apart" in option else SMALL
        if best.share <= enough and best.share < np.inf:
            break
        other = ErrorPass(form, kind, **option).over(plain)
        best = min(best, other, key=lambda p: (p.spread, p.share))
    return best


def _is_point(form: WrittenForm, plain: Domain) -> bool:
    boxes, *_ = boxes_of({s.name: s for s in form.graph.symbols}, plain)
    return all(np.array_equal(x.lower, x.upper) for x in boxes.values())


def _length(parts: Sequence[Array]) -> Array:
    """Return the length of a vector, given those of its parts, rounded up."""
    total: Array | float = 0.0
    for length in parts:
        total = np.hypot(total, length) * SLACK
    return np.asarray(total)


# -- errors, node by node --------------------------------------------------------------


class ErrorPass:
    """Errors of all nodes of a written form over a domain.

    Attributes
    ----------
    errors : list of ndarray
        Of the outputs.
    bounds : dict from Variable to ndarray
        Of the errors that decide.
    cause : Cause or None
        Where the first infinite error comes from.
    share : float
        The largest error, of the largest value.
    spread : float
        The largest error, and half the width of what it is to be added to.
    """

    def __init__(
        self,
        form: WrittenForm,
        kind: FloatArithmetic,
        *,
        absorbs: bool = False,
        tells_apart: bool = False,
    ) -> None:
        self._form, self._kind = form, kind
        self._absorbs, self._tells_apart = absorbs, tells_apart
        self.errors: list[Array] = []
        self.bounds: dict[Variable, Array] = {}
        self.cause: Cause | None = None
        self.share = self.spread = np.inf
        self._lengths: dict[Variable, Lengths] = {}

    def over(self, domain: Domain) -> ErrorPass:
        """Work it all out."""
        graph = self._form.graph
        symbols = {s.name: s for s in graph.symbols}
        boxes, tables, batch = boxes_of(symbols, domain, tell_apart=self._tells_apart)
        leaf = leaf_of(boxes)
        met: dict[Variable, Computed] = {}
        look = watch()
        with np.errstate(all="ignore"):
            for n in graph.order:
                if look is not None:
                    look()
                found = (
                    self._leaf(n, leaf, domain) if n.op is None else self._of(n, met)
                )
                met[n] = known = self._decided(n, found, len(batch))
                if n.op is None:
                    self._lengths[n] = elementwise(n, known)
                elif known is not found:
                    self._lengths[n] = self._with_bound(n, known)
            ends = [self._end(v, met[v], tables, batch) for v in graph]
            self.errors = [error for _, error in ends]
            whole = max(float(np.max(size, initial=0.0)) for size, _ in ends)
            worst = max(float(np.max(error, initial=0.0)) for _, error in ends)
            if np.isfinite(worst):
                self.share = worst / whole if whole else worst
                widths = [np.max(met[v].exact.width, initial=0.0) for v in graph]
                self.spread = worst + float(max(widths)) / 2
        return self

    def _with_bound(self, n: Variable, known: Computed) -> Lengths:
        """Return the lengths of a node that its error has become a part of."""
        bound = elementwise(n, Computed(known.exact, self.bounds[n]))
        reach = np.fmin(bound.reach, (self._lengths[n].reach + bound.off) * SLACK)
        return Lengths(reach, np.zeros_like(reach))

    def _end(
        self, v: Variable, known: Computed, tables: int, batch: tuple[int, ...]
    ) -> tuple[Array, Array]:
        """Return the size and the error of an output: of its length, if that counts."""
        if not self._form.is_length:
            return known.size, _shaped(known.error, v, v.shape, tables, batch)
        reach, off = self._lengths[v]
        off = _shaped(off, v, (1,) * v.ndim, tables, batch)
        return reach, off.reshape(off.shape[: off.ndim - v.ndim])

    def _leaf(self, n: Variable, leaf: Any, domain: Domain) -> Computed:
        x: Interval = leaf(n)
        low = np.asarray(x.lower)
        if n.is_symbol:
            table = domain.table(n)
            if table is None:  # a number of the arithmetic, but for its underflow
                error = np.full(low.shape, self._kind.tiny)
                return Computed(x, error, nonnegative=bool(np.all(low >= 0)))
            values = np.asarray(table)
        else:
            values = np.asarray(n.value, np.float64)
        whole = _are_whole(values, self._kind)
        error = np.max(self._kind.rounding_of(values), initial=0.0) * SLACK
        if n.is_constant:
            error = self._kind.rounding_of(values) * SLACK
        error = np.broadcast_to(error, low.shape)
        return Computed(x, error, whole, bool(np.all(low >= 0)))

    def _of(self, n: Variable, met: Mapping[Variable, Computed]) -> Computed:
        assert n.op is not None  # for the type checker: leaves are met elsewhere
        args = [met[a] for a in n.args]
        exact = rule_of(n.op)(*[a.exact for a in args], **n.attrs)
        y = Computed(exact, np.zeros(()))
        y.whole = _stays_whole(n, args, y, self._kind)
        y.nonnegative = n.op.definition is None and is_never_negative(
            n, lambda a: met[a].nonnegative
        )
        y.root = root_of(n, args, y, self._kind)
        y.error = error_of(n, args, y, self._kind)
        known = [(a, met[a], self._lengths[a]) for a in n.args]
        self._lengths[n] = lengths_of(n, known, y, ROUNDINGS, self._kind)
        cut(y, self._lengths[n])
        if self.cause is None and not np.isfinite(y.error).all():
            self.cause = _cause(n, args, y, self._kind)
        return y

    def _decided(self, n: Variable, found: Computed, batch: int) -> Computed:
        """Make the error of what decides a part of the exact value."""
        decides = self._form.deciding.get(n)
        absorbed = self._absorbs and n in self._form.activating and not n.is_constant
        if not (absorbed or decides is not None) or not np.any(found.error):
            return found
        if not absorbed and decides and np.all(found.least > 0):
            return found
        bound = np.asarray(found.error * MARGIN + self._kind.tiny)
        tables = tuple(range(max(0, bound.ndim - n.ndim - batch)))
        self.bounds[n] = bound = np.max(bound, axis=tables)
        moved = interval_arithmetic.add(found.exact, Interval.unchecked(-bound, bound))
        return Computed(moved, np.zeros(np.shape(moved.lower)))


def _are_whole(x: Array, kind: FloatArithmetic) -> bool:
    """Return whether all numbers are integers that the arithmetic holds."""
    return bool(np.all(np.rint(x) == x) and np.all(np.abs(x) <= 1 / kind.unit))


_WHOLE = frozenset(
    {
        ops.add, ops.subtract, ops.multiply, ops.negative, ops.relu, ops.absolute,
        arrays.add_reduce, arrays.matmul, arrays.scatter, arrays.cumsum, logic.where,
        logic.logical_not, order.sort_last,
    }
)  # fmt: skip
"""Operators that make integers of integers, beside those that move and choose."""


def _stays_whole(
    n: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> bool:
    """Return whether all that is added up to a node is integers without rounding."""
    assert n.op is not None
    if is_jump(n.op):
        return True
    keeps = n.op in _WHOLE or n.op.moves_elements or n.op.chooses
    if not keeps or not all(a.whole for a in args):
        return False
    terms = max((a.size for a in n.args), default=1) // max(n.size, 1) + 1
    return bool(np.all(y.size * terms <= 1 / kind.unit))


def _shaped(
    e: Array, v: Variable, shape: tuple[int, ...], tables: int, batch: tuple[int, ...]
) -> Array:
    """Return errors of full shape, the largest over finite values."""
    lead = np.shape(e)[: np.ndim(e) - v.ndim]
    lead = np.broadcast_shapes(lead, (1,) * tables + batch)
    full = np.broadcast_to(e, lead + shape)
    return np.max(full, axis=tuple(range(len(lead) - len(batch))))


def _cause(n: Variable, args: Sequence[Computed], y: Computed, kind: Any) -> Cause:
    """Return why the error of a node is the first infinite one."""
    assert n.op is not None
    if not is_known(n.op):
        sort = "rounding"
    else:
        sort = "overflow" if np.any(y.size > kind.largest) else "undefined"
    ranges = tuple(
        (float(np.min(a.wide.lower)), float(np.max(a.wide.upper))) for a in args
    )
    return Cause(sort, f"{n.op.name} in {kind.name}", describe(n.source), ranges)
