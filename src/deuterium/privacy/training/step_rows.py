"""Labels and softmaxes that are listed: a bound for each of their values.

The norm of a gradient that is affine in something is convex in it, and so no larger
than at the corners of where that may lie: at the ends of a label's range, or where one
class of a softmax p has all the probability.  With the gradient's norm G_k where that
is class k,

    norm <= sum_k p_k G_k ,

and the largest p_k, of the classes with the largest G_k, say how large that can be.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.privacy.training.training_options import (
    GROWN,
    LOST_PROBABILITY,
    MOST_LABELS,
)

__all__ = ["ListedRows", "listed"]

LINEAR = (ops.add, ops.subtract, ops.negative, ops.add_reduce, ops.scatter)


@dataclass(frozen=True)
class ListedRows:
    """What is listed, and what becomes of the bounds.

    Attributes
    ----------
    norm : Variable
        The norm, with symbols for what is listed.
    values : dict from str to ndarray
        Lower and upper ends of these symbols, (2, rows, *shape).
    logits : Variable or None
        What the softmax is of.
    table : ndarray of int, of shape (labels, classes), or None
        The row of each label and each class of the softmax; -1 where that is zero.
    """

    norm: Variable
    values: Mapping[str, Array]
    logits: Variable | None
    table: Array | None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return max([1, *(v.shape[1] for v in self.values.values())])


def mixed(norms: Array, low: Array, high: Array) -> Array:
    """Return the most of ``sum p_k G_k`` for a p of sum 1 between two ends.

    Shapes: ``norms`` (labels, classes), ``low`` and ``high`` (classes,).
    """
    order = np.argsort(-norms, axis=1)
    each = np.take_along_axis(norms, order, axis=1)
    least, room = low[order], (high - low)[order]
    left = max(1.0 - float(low.sum()), 0.0) * GROWN + LOST_PROBABILITY
    before = np.cumsum(room, axis=1) - room
    more = np.minimum(np.maximum(left - before * (2 - GROWN), 0.0), room)
    found: Array = (each * (least + more)).sum(axis=1) * GROWN
    return found


def listed(
    slopes: Sequence[Variable],
    norm_of: Any,
    labels: Sequence[Variable],
    domain: Domain,
) -> ListedRows:
    """Return what is listed of a gradient.

    Parameters
    ----------
    slopes : sequence of Variable
        The gradient.
    norm_of : callable
        From such a sequence, and a graph or None more, to the norm and that graph,
        simplified together.
    labels : sequence of Variable
        Symbols of a record that may be listed.
    domain : Domain
    """
    softmax = _softmax(slopes)
    columns = _label_values(slopes if softmax is None else softmax[2], labels, domain)
    if softmax is None:
        known, values = _nodes(norm_of([*slopes, None])[0], columns)
        return ListedRows(known, values, None, None)
    node, p, replaced = softmax
    k, count = p.size, len(next(iter(columns.values()), [0]))
    grid = list(itertools.product(range(count), range(k)))
    at, one = (np.array(x) for x in zip(*grid, strict=True))
    every = {s: v[at] for s, v in columns.items()}
    every[p] = np.eye(k)[one].reshape(-1, *p.shape)
    norm, logits = norm_of([*replaced, node.args[0]])
    norm, values = _nodes(norm, every)
    kept, row = (
        _distinct(values, len(at))
        if _is_seminorm(norm, values)
        else (np.arange(len(at)), np.arange(len(at)))
    )
    table = row.reshape(count, k)
    return ListedRows(norm, {n: v[:, kept] for n, v in values.items()}, logits, table)


def _softmax(slopes: Sequence[Variable]) -> Any:
    """Return the one softmax that slopes are affine in, its symbol, and these."""
    order = topological(slopes)
    found = [n for n in order if n.op is ops.softmax_last]
    if len(found) != 1 or found[0].size != found[0].shape[-1]:
        return None
    p = symbol("probabilities", found[0].shape)
    made = interpret(order, lambda v: v, _rebuilt, {found[0]: p})
    replaced = [made[s] for s in slopes]
    if not is_affine(replaced, p):
        return None
    return found[0], p, replaced


def _rebuilt(op: Operator) -> Any:
    return lambda *args, **attrs: apply(op, args, attrs)


def is_affine(slopes: Sequence[Variable], s: Variable) -> bool:
    """Whether graphs are affine in a symbol, by their operators."""
    degree: dict[Variable, int] = {}
    for n in topological(slopes):
        of = [degree[a] for a in n.args]
        if n.is_symbol and n.name == s.name:
            degree[n] = 1
        elif not any(of):
            degree[n] = 0
        elif n.op in (ops.multiply, ops.matmul):
            degree[n] = sum(of)
        elif n.op in LINEAR or (n.op is not None and n.op.moves_elements):
            degree[n] = max(of)
        elif n.op is ops.divide and not of[1]:
            degree[n] = of[0]
        else:
            degree[n] = 2
    return all(degree[v] <= 1 for v in slopes)


def _label_values(
    slopes: Sequence[Variable], labels: Sequence[Variable], domain: Domain
) -> dict[Variable, Array]:
    """Return the values of all labels that are listed, (combinations, *shape) each."""
    used = {s.name for s in free_symbols(list(slopes))}
    found: list[tuple[Variable, Array]] = []
    count = 1
    for s in labels:
        if s.name not in used or not (s.size == 1 or is_affine(slopes, s)):
            continue
        table = domain.table(s)
        if table is None or len(table) > MOST_LABELS:
            few = 2**s.size <= MOST_LABELS and is_affine(slopes, s)
            table = _corners(s, domain) if few else None
        if table is not None and len(table) * count <= MOST_LABELS:
            found.append((s, np.asarray(table, dtype=float)))
            count *= len(table)
    grid = np.array(
        list(itertools.product(*(range(len(t)) for _, t in found))), dtype=int
    )
    return {s: t[grid[:, i]].reshape(-1, *s.shape) for i, (s, t) in enumerate(found)}


def _corners(s: Variable, domain: Domain) -> Array | None:
    hull = domain.hull(s)
    ends = [np.ravel(np.broadcast_to(x, s.shape)) for x in (hull.lower, hull.upper)]
    if not np.isfinite(ends).all():
        return None
    several = [sorted({float(a), float(b)}) for a, b in zip(*ends, strict=True)]
    return np.array(list(itertools.product(*several))).reshape(-1, *s.shape)


def _nodes(
    norm: Variable, columns: Mapping[Variable, Array]
) -> tuple[Variable, dict[str, Array]]:
    """Put symbols in the place of whatever depends on nothing but what is listed."""
    order = topological([norm])
    names = {s.name: s for s in columns}
    only = {n for n in order if n.is_symbol and n.name in names}
    for n in order:
        inner = [a for a in n.args if not a.is_constant]
        known = [a in only or _is_fixed(a) for a in inner]
        if n.op is not None and all(known) and any(a in only for a in inner):
            only.add(n)
    tops = [
        n
        for n in order
        if n in only and any(n in m.args and m not in only for m in order)
    ]
    tops = _gate(norm, order, only, set(names)) or tops
    symbols = {n: symbol(f"listed {i}", n.shape) for i, n in enumerate(tops)}
    values = {}
    for n, s in symbols.items():
        inside = {x.name for x in free_symbols([n])}
        given = [(c, v) for c, v in columns.items() if c.name in inside]
        count = len(given[0][1])
        rows = []
        for i in range(count):
            found = enclose(n, Box({c: (v[i], v[i]) for c, v in given}))
            ends = np.array([found.lower, found.upper], dtype=float)
            rows.append(ends.reshape(2, *n.shape))
        values[s.name] = np.array(rows).swapaxes(0, 1)
    made = interpret(order, lambda v: v, _rebuilt, symbols)
    return made[norm], values


def _gate(
    norm: Variable, order: Sequence[Variable], only: set[Variable], names: set[str]
) -> list[Variable]:
    """Return the last node that all that is listed goes through, if there is one."""
    for n in reversed(order):
        if n in only:
            made = interpret(order, lambda v: v, _rebuilt, {n: symbol("gate", n.shape)})
            if not names & {s.name for s in free_symbols([made[norm]])}:
                return [n]
    return []


def _is_fixed(v: Variable) -> bool:
    return not free_symbols([v])


def _is_seminorm(norm: Variable, values: Mapping[str, Any]) -> bool:
    """Whether a norm grows in proportion to a lone symbol, whatever its sign."""
    if len(values) != 1:
        return False
    degree: dict[Variable, float | None] = {}
    is_odd: dict[Variable, bool] = {}
    for n in topological([norm]):
        of, odd = [degree[a] for a in n.args], [is_odd[a] for a in n.args]
        is_odd[n] = n.is_symbol and n.name in values
        degree[n] = 1.0 if is_odd[n] else 0.0
        if n.op is None or (not any(of) and None not in of):
            continue
        moves = n.op in LINEAR or n.op.moves_elements
        alike = len(set(of)) == 1 and len(set(odd)) == 1
        known = [0.0 if d is None else d for d in of]
        degree[n] = None
        if None in of:
            continue
        if n.op in (ops.multiply, ops.matmul):
            degree[n], is_odd[n] = sum(known), odd[0] != odd[1]
        elif (n.op is ops.divide and known[1] == 0 and not odd[1]) or (moves and alike):
            degree[n], is_odd[n] = known[0], odd[0]
        elif n.op is ops.square:
            degree[n] = 2 * known[0]
        elif n.op is ops.absolute:
            degree[n] = known[0]
        elif n.op is ops.sqrt and not odd[0]:
            degree[n] = known[0] / 2
    return bool(degree[norm]) and not is_odd[norm]


def _distinct(values: Mapping[str, Array], count: int) -> tuple[Array, Array]:
    """Return rows that differ by more than their sign; and for all which one, or -1."""
    (v,) = values.values()
    low, high = v.reshape(2, count, -1)
    known: dict[bytes, int] = {}
    kept: list[int] = []
    row = np.full(count, -1)
    for i in range(count):
        x = np.array([low[i], high[i]])
        some = np.flatnonzero(x.any(axis=0))
        if not len(some):
            continue
        if x[0, some[0]] < 0:
            x = -x[::-1]
        key = (x + 0.0).tobytes()
        if key not in known:
            known[key] = len(kept)
            kept.append(i)
        row[i] = known[key]
    # one stays where all are zero, as where there is but one class
    return np.array(kept or [0], dtype=int), row
