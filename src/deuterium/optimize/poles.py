"""Poles that no supremum can depend on, since the objective falls to -inf there.

The objective is followed as IEEE arithmetic does, over the whole domain at once: which
of inf, -inf and NaN each node may become where some function has its pole.  Where the
objective itself becomes -inf and nothing else, its supremum is that over the points
where it has a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deuterium.domain.conditions import LOWEST, guarded
from deuterium.domain.domain import Domain
from deuterium.enclose.enclose import enclose
from deuterium.errors import DeuteriumError
from deuterium.graph.hashcons import rebuilt, share_equal
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import is_larger, topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.ops.on_domain import FUNCTIONS, on_domain
from deuterium.optimize.preparation_options import MOST_POLE_NODES
from deuterium.transform.branches import consequences
from deuterium.transform.definedness import conditions_of, defined, facts_of, total_form

Specials = frozenset[float]  # of inf and -inf, what a node may become beside a number
NONE: Specials = frozenset()
UP, DOWN, BOTH = (frozenset(s) for s in ((np.inf,), (-np.inf,), (np.inf, -np.inf)))


class _Lost(Exception):
    """The objective may become NaN, or is left undefined elsewhere."""


def only_where_defined(v: Variable, domain: Domain, *, maximizes: bool) -> Variable:
    """Return the graph whose extremum over a plain domain is wanted, at best ``v``.

    Where poles cannot matter, it is ``v`` as far as ``v`` has a value, and elsewhere
    what no extremum is.
    """
    if v.shape or not isinstance(domain, Domain) or is_larger([v], MOST_POLE_NODES):
        return v
    if not any(n.op is not None and conditions_of(n) for n in topological([v])):
        return v
    try:
        cause = enclose(v, domain).cause
        if cause is None or cause.kind != "undefined":
            return v
        found = _specials(v if maximizes else -v, domain)
    except (DeuteriumError, _Lost):  # what is wrong is said where it is met again
        return v
    if not found <= DOWN:
        return v
    return guarded(v, (defined(v),), LOWEST if maximizes else -LOWEST)


class _Meaning(NamedTuple):
    range: Interval
    specials: Specials


def _specials(v: Variable, domain: Domain) -> Specials:
    """Return what the objective may become where some function has its pole."""
    v, condition = share_equal([v, defined(v)])
    facts = facts_of(consequences(condition, True)[1])
    done: dict[Variable, Variable] = {}
    order = topological([v])
    for n in order:
        args = tuple(done[a] for a in n.args)
        total = total_form(n, args, facts)
        done[n] = rebuilt(n, args) if total is None else total
    meaning: dict[Variable, _Meaning] = {}
    with np.errstate(all="ignore"):
        for n in topological([done[v]]):
            meaning[n] = _meaning(n, [meaning[a] for a in n.args], domain)
    return meaning[done[v]].specials


def _meaning(n: Variable, args: Sequence[_Meaning], domain: Domain) -> _Meaning:
    if n.op is None:
        if n.is_symbol:
            return _Meaning(domain.hull(n), NONE)
        value = np.asarray(n.value, dtype=np.float64)
        return _Meaning(Interval.unchecked(value, value), NONE)
    x = n.op.enclosure(*(a.range for a in args), **n.attrs)
    if np.isnan(x.lower).any() or np.isnan(x.upper).any():
        raise _Lost
    if not n.size:  # of an array without elements, none is infinite
        return _Meaning(x, NONE)
    if n.op is on_domain:
        return _Meaning(x, _of_pole(n.attrs["of"], args[0]))
    if not any(a.specials for a in args):
        return _Meaning(x, NONE)
    rule = _RULES.get(n.op, _movement if n.op.moves_elements else _of_one)
    return _Meaning(x, rule(n, args))


def _of_pole(of: str, x: _Meaning) -> Specials:
    low, high = np.min(x.range.lower), np.max(x.range.upper)
    if of == "tan":
        if x.specials:
            raise _Lost
        return BOTH
    if of != "reciprocal":  # a logarithm
        pole = FUNCTIONS[of].op.domain[0]
        if low < pole or x.specials & DOWN:
            raise _Lost  # outside of the domain, not only at its end
        return (DOWN if low == pole else NONE) | x.specials
    if low > 0 or high < 0:
        return NONE
    return UP if low == 0 else DOWN if high == 0 else BOTH


def _of_one(n: Variable, args: Sequence[_Meaning]) -> Specials:
    """Return what a function of one variable makes of infinite arguments."""
    assert n.op is not None  # leaves have no arguments
    if len(args) != 1 or not n.op.elementwise:
        raise _Lost
    values = {float(n.op.value(s, **n.attrs)) for s in args[0].specials}
    if any(map(np.isnan, values)):
        raise _Lost
    return frozenset(v for v in values if np.isinf(v))


def _movement(n: Variable, args: Sequence[_Meaning]) -> Specials:
    return NONE.union(*(a.specials for a in args))


def _sum(n: Variable, args: Sequence[_Meaning]) -> Specials:
    found = _movement(n, args)
    several = n.op is arrays.add_reduce or all(a.specials for a in args)
    if found == BOTH and several:
        raise _Lost  # inf - inf
    return found


def _difference(n: Variable, args: Sequence[_Meaning]) -> Specials:
    a, b = args
    return _sum(n, [a, b._replace(specials=frozenset(-s for s in b.specials))])


def _product(n: Variable, args: Sequence[_Meaning]) -> Specials:
    found: set[float] = set()
    for x, y in (args, args[::-1]):
        if x.specials:
            low, high = np.min(y.range.lower), np.max(y.range.upper)
            if low <= 0 <= high:
                raise _Lost  # 0 * inf
            found |= {s if low > 0 else -s for s in x.specials}
    return frozenset(found)


def _quotient(n: Variable, args: Sequence[_Meaning]) -> Specials:
    if args[1].specials:
        if args[0].specials:
            raise _Lost  # inf / inf
        return NONE
    return _product(n, args)


def _chosen(n: Variable, args: Sequence[_Meaning]) -> Specials:
    """Return what a maximum or a minimum may be; one of several may be a number."""
    found = _movement(n, args)
    first = UP if n.op in (piecewise.maximum, arrays.maximum_reduce) else DOWN
    return found & first | found.intersection(*(a.specials for a in args))


_RULES: Mapping[Operator, Callable[[Variable, Sequence[_Meaning]], Specials]] = {
    arithmetic.add: _sum,
    arithmetic.subtract: _difference,
    arithmetic.multiply: _product,
    arithmetic.divide: _quotient,
    arrays.add_reduce: _sum,
    arrays.maximum_reduce: _movement,
    piecewise.maximum: _chosen,
    piecewise.minimum: _chosen,
    logic.where: lambda n, args: _movement(n, args[1:]),
}
