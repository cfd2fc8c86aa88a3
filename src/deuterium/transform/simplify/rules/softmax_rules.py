"""Rules for softmax and log-sum-exp in their many spellings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable, node
from deuterium.ops import arrays
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.broadcastable import broadcast_alike
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.terms import Terms, build_sum, terms


def softmax_of(u: Variable) -> Variable:
    """Return the softmax over the last axis."""
    return node(ops.softmax_last, (u,), {}, u.shape)


def log_sum_exp(u: Variable) -> Variable:
    """Return the log-sum-exp over the last axis."""
    return node(ops.logsumexp_last, (u,), {}, u.shape[:-1])


def over_last_axis(v: Variable) -> bool:
    """Whether a sum is over the last axis, up to axes of length one."""
    (x,) = v.args
    long = {i for i in v.attrs["axis"] if x.shape[i] != 1}
    return x.ndim > 0 and (long == {-1} or (x.shape[-1] == 1 and not long))


def sum_of_exp(v: Variable) -> Variable | None:
    """Return ``u`` if ``v`` is the sum of ``exp(u)`` over its last axis."""
    if (
        v.op is not ops.add_reduce
        or not over_last_axis(v)
        or v.args[0].op is not ops.exp
    ):
        return None
    (u,) = v.args[0].args
    return u if u.shape[-1] else None


def kept_sum_of_exp(v: Variable) -> Variable | None:
    """Return ``u`` if ``v`` is such a sum, reshaped to broadcast over the last axis."""
    inner = v
    while inner.op is ops.reshape:
        (inner,) = inner.args
    u = sum_of_exp(inner)
    if u is None or v.size == 1:
        return u
    return u if broadcast_alike(v.shape, (*u.shape[:-1], 1)) else None


# -- in products -----------------------------------------------------------------------


@dataclass
class _SoftmaxGroup:
    """Powers of ``exp(u)``, of elements of it, and of their sum ``S``.

    Attributes
    ----------
    arguments : list of Variable
        What the members are functions of: ``u``, or ``u`` and a shift.
    rows : list of array
        For each member, the row of ``u`` that each of its elements belongs to.
    """

    sum_power: int = 0
    exps: dict[Any, int] = field(default_factory=dict)
    like: dict[Any, Variable] = field(default_factory=dict)
    members: list[Variable] = field(default_factory=list)
    arguments: list[Variable] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    sum_node: Variable | None = None

    def add(self, base: Variable, argument: Variable, rows: Any) -> None:
        """Enter a member."""
        self.members.append(base)
        self.arguments.append(argument)
        self.rows.append(rows)


def combine_softmax(view: Factors, known: Assumptions) -> bool:
    """Write powers of ``exp(u)``, ``sum(exp(u))`` and ``softmax(u)`` as few factors.

    All are positive for every real ``u``.  Returns whether anything was combined.
    """
    done = False
    for u in _arguments(view):
        group = _collected(view, u, known)
        if len(group.members) > 1 and known.defined(*group.arguments):
            done = _emit(view, u, group) or done
    return done


def _arguments(view: Factors) -> list[Variable]:
    found: dict[Variable, None] = {}
    for base in view.powers:
        u = kept_sum_of_exp(base)
        if u is None and (_picked(base, ops.softmax_last) or _picked(base, ops.exp)):
            u = _source(base).args[0]
        if u is not None and u.ndim:
            found[u] = None
    return list(found)


def _source(v: Variable) -> Variable:
    """Return what elements are picked from."""
    return v.args[0] if v.op is ops.gather else v


def _picked(v: Variable, op: Operator) -> bool:
    """Whether ``v`` is an application of an operator, or elements picked from one."""
    return _source(v).op is op


def _collected(view: Factors, u: Variable, known: Assumptions) -> _SoftmaxGroup:
    group = _SoftmaxGroup()
    count = math.prod(u.shape[:-1])
    for base, e in view.powers.items():
        own = kept_sum_of_exp(base)
        if own is u:
            group.sum_power += e
            group.sum_node = base
            group.add(base, u, np.arange(count).reshape(base.shape))
            continue
        is_softmax = _picked(base, ops.softmax_last)
        if not is_softmax and not _picked(base, ops.exp):
            continue
        (argument,) = _source(base).args
        if argument is u or (is_softmax and _differ_by_shift(argument, u, known)):
            key = _place(base)
            group.exps[key] = group.exps.get(key, 0) + e
            group.like[key] = base
            group.add(base, argument, _rows(base, u))
            if is_softmax:
                group.sum_power -= e
    return group


def _place(base: Variable) -> Any:
    """Return what tells picked elements apart: the content of the index array."""
    if base.op is ops.gather:
        index = base.attrs["index"]
        return index.shape, index.tobytes()
    return None


def _rows(base: Variable, u: Variable) -> Any:
    """Return which row of ``u`` each element of ``base`` belongs to."""
    if base.op is ops.gather:
        return base.attrs["index"] // u.shape[-1]
    return np.arange(math.prod(u.shape[:-1])).reshape((*u.shape[:-1], 1))


def _same_rows(group: _SoftmaxGroup) -> Any:
    """Return the rows that all members have where they meet, if they do."""
    rows = np.broadcast_arrays(*group.rows)
    return rows[0] if all(np.array_equal(r, rows[0]) for r in rows) else None


def _emit(view: Factors, u: Variable, group: _SoftmaxGroup) -> bool:
    """Replace the members by fewer factors, if there are fewer."""
    rows = _same_rows(group)
    if rows is None:
        return False
    left = -group.sum_power  # so many divisions by the sum
    parts: list[tuple[Variable, int]] = []
    for key, e in group.exps.items():
        like = group.like[key]
        whole = max(0, min(left, e)) or min(0, max(left, e))
        left -= whole
        if whole:
            parts.append((_repicked(like, softmax_of(u)), whole))
        if e - whole:
            parts.append((_repicked(like, u.exp()), e - whole))
    if left:
        total = group.sum_node
        if total is None:
            total = arrays.take_places(arrays.sum_over(u.exp(), (-1,)), rows)
        parts.append((total, -left))
    if len(parts) >= len(group.members):
        return False
    for base in group.members:
        del view.powers[base]
    for base, e in parts:
        view.times(base, e)
    return True


def _repicked(like: Variable, source: Variable) -> Variable:
    if like.op is ops.gather:
        return node(like.op, (source,), like.attrs, like.shape)
    return source


# -- shifts ----------------------------------------------------------------------------


def _constant_along_last(x: Variable) -> bool:
    """Whether ``x`` broadcasts along the last axis."""
    return x.shape[-1:] in ((), (1,))


def _split_shift(u: Variable, known: Assumptions) -> tuple[Variable, Variable] | None:
    """Return ``(x, c)`` if ``u`` is ``x + c``, ``c`` constant along the last axis."""
    view = terms(u, known)
    for term, coefficient in view.terms.items():
        if term.op is not ops.broadcast or not _constant_along_last(term.args[0]):
            continue
        rest = view.without(term)
        x = build_sum(rest, known) if rest.terms else None
        if x is not None:
            return x, coefficient * term.args[0]
    return None


def _differ_by_shift(u: Variable, w: Variable, known: Assumptions) -> bool:
    """Whether two arguments have the same softmax, where both are defined."""
    return u.shape == w.shape and _without_shift(u, known) == _without_shift(w, known)


def _without_shift(u: Variable, known: Assumptions) -> set[tuple[int, Number]]:
    return {
        (id(term), c)
        for term, c in terms(u, known).terms.items()
        if not (term.op is ops.broadcast and _constant_along_last(term.args[0]))
    }


@rule(
    ops.softmax_last,
    identity="softmax(x + c) = softmax(x)",
    holds="where c is defined and constant along the last axis",
    gains="the shift by a maximum, a kink, goes away",
)
def softmax_of_shifted(v: Variable, known: Assumptions) -> Variable | None:
    """Drop a shift under a softmax."""
    found = _split_shift(v.args[0], known)
    if found is None or not known.defined(v.args[0]):
        return None
    return softmax_of(found[0])


@rule(
    ops.logsumexp_last,
    identity="logsumexp(x + c) = logsumexp(x) + c",
    holds="where c is constant along the last axis",
    gains="the shift by a maximum cancels outside",
)
def log_sum_exp_of_shifted(v: Variable, known: Assumptions) -> Variable | None:
    """Pull a shift out of a log-sum-exp."""
    found = _split_shift(v.args[0], known)
    if found is None:
        return None
    x, c = found
    kept = broadcast_to(c, (*v.shape, 1))
    return log_sum_exp(x) + arrays.reshape_to(kept, v.shape)


@rule(
    ops.log,
    identity="log(sum(exp(x))) = logsumexp(x)",
    gains="no overflow, exact bounds: it increases in every element",
    names=True,
)
def log_of_sum_of_exp(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise a log-sum-exp over the last axis."""
    (x,) = v.args
    u = sum_of_exp(x)
    return None if u is None else arrays.reshape_to(log_sum_exp(u), v.shape)


@rule(
    ops.log,
    identity="log(softmax(x)) = x - logsumexp(x), of all elements or of some",
    gains="no quotient whose logarithm has a pole, no underflow",
    names=True,
)
def log_of_softmax(v: Variable, known: Assumptions) -> Variable | None:
    """Write the logarithm of a softmax as a difference."""
    (p,) = v.args
    if not _picked(p, ops.softmax_last):
        return None
    (u,) = _source(p).args
    total = arrays.reshape_to(log_sum_exp(u), (*u.shape[:-1], 1))
    return _repicked(p, u) - _repicked(p, broadcast_to(total, u.shape))


@rule(
    ops.add_reduce,
    identity="sum(softmax(x) * c + y) = c + sum(y) over the last axis",
    holds="where c is constant along the last axis and x is defined",
    gains="probabilities add up to one: shifts by a maximum leave the derivative",
)
def sum_of_softmax(v: Variable, known: Assumptions) -> Variable | None:
    """Use that the elements of a softmax add up to one."""
    if not over_last_axis(v):
        return None
    (x,) = v.args
    view = terms(x, known)
    for term in view.terms:
        product = factors(term, known)
        for base, e in product.powers.items():
            if e == 1 and base.op is ops.softmax_last and base.shape == x.shape:
                found = _without_softmax(v, view, term, base, known)
                if found is not None:
                    return found
    return None


def _without_softmax(
    v: Variable, view: Terms, term: Variable, base: Variable, known: Assumptions
) -> Variable | None:
    (x,) = v.args
    scale = factors(term, known).without({base: 1})
    if not all(_constant_along_last(b) for b in scale.powers):
        return None
    if not known.defined(base):
        return None
    scale.shape = (*x.shape[:-1], 1)
    once, rest = build(scale, known), view.without(term)
    others = build_sum(rest, known)
    if once is None or others is None:
        return None
    total = view.terms[term] * arrays.sum_over(once, v.attrs["axis"])
    if not rest.terms and rest.constant == 0:
        return total
    return total + arrays.sum_over(others, v.attrs["axis"])
