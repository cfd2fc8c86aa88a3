"""Kinks that cancel, written so that they do.

The numerically stable spelling of the logistic loss, ``max(u, 0) - u z +
log1p(exp(-|u|))``, is smooth, though two of its terms are not: at 0 their slopes are
conventions, whose sum is none of the loss's.  ``log1p(exp(-|u|))`` is
``-log_expit(-u) - max(u, 0)``, and in these terms the kinks are one node's.
"""

from __future__ import annotations

from collections.abc import Iterable

from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, exponential, piecewise, special


def with_kinks_apart(graph: Graph, keep: Iterable[Variable] = ()) -> Graph:
    """Return a graph in which softplus of ``-|u|`` is softplus of u less relu of u.

    Nodes in ``keep`` stay as they are.
    """
    if not any(n.op is piecewise.absolute for n in graph.order):
        return graph
    kept = set(keep)
    done: dict[Variable, Variable] = {}
    for n in graph.order:
        new = n if n in kept else rebuilt(n, tuple(done[a] for a in n.args))
        u = _folded_softplus(new)
        if u is not None and n not in kept:
            new = -special.log_expit(-u) - piecewise.relu(u)
        done[n] = new
    return Graph(done[v] for v in graph)


def _folded_softplus(n: Variable) -> Variable | None:
    """Return u of ``log(1 + exp(-|u|))`` in any of its spellings."""
    if n.op is exponential.log1p and n.args[0].op is exponential.exp:
        return _minus_size(n.args[0].args[0])
    if n.op is exponential.log and n.args[0].op is arithmetic.add:
        for one, power in (n.args[0].args, n.args[0].args[::-1]):
            if _is(one, 1) and power.op is exponential.exp:
                return _minus_size(power.args[0])
    if n.op is special.logaddexp:
        for zero, x in (n.args, n.args[::-1]):
            if _is(zero, 0):
                return _minus_size(x)
    return None


def _minus_size(x: Variable) -> Variable | None:
    """Return u of ``-|u|``."""
    if x.op is arithmetic.negative and x.args[0].op is piecewise.absolute:
        return x.args[0].args[0]
    return None


def _is(v: Variable, number: int) -> bool:
    while v.op is not None and v.op.name == "broadcast":
        v = v.args[0]
    return v.is_constant and v.shape == () and v.value == number
