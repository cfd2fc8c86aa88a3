"""Graphs whose gradients are taken once more: as frameworks do, or of other functions.

`deuterium.grad` names formulas before it differentiates them, which gives the tightest
bounds; a framework applies the chain rule to each node as it stands.  `grad` remembers
what its results are the gradients of, and here they are taken again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from deuterium.graph.constructors import constant
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.variable import Variable
from deuterium.transform.differentiate import ORIGINS, key_of, pull_back
from deuterium.transform.meeting import rounding_forgiven

Change = Callable[[Variable, Variable], Variable]


def _below(node: Variable) -> tuple[Variable, ...]:
    """Return what a node is made from: of a gradient, what it is the gradient of."""
    return ORIGINS.get(node) or node.args


def _sorted(outputs: Iterable[Variable]) -> list[Variable]:
    """Return all nodes, gradients after what they are the gradients of."""
    order: list[Variable] = []
    seen: set[Variable] = set()
    stack = [(v, False) for v in outputs]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in _below(node))
    return order


def derived_anew(
    outputs: Iterable[Variable],
    change: Change = lambda old, new: new,
    *,
    as_written: bool,
) -> dict[Variable, Variable]:
    """Return what has become of each node, gradients taken anew.

    Parameters
    ----------
    outputs : iterable of Variable
        Graphs that hold gradients that `grad` returned.
    change : callable
        ``change(old, new)``: what to put in the place of a node that is no gradient,
        given what has become of it otherwise.
    as_written : bool
        Whether the chain rule is applied to each node as it stands.
    """
    order = _sorted(outputs)
    by: dict[Variable, list[Variable]] = {}
    for node in order:
        if node in ORIGINS:
            y, v = ORIGINS[node]
            by.setdefault(y, []).append(v)
    done: dict[Variable, Variable] = {}
    slopes: dict[Variable, dict[object, Variable]] = {}
    for node in order:
        if node not in ORIGINS:
            new = rebuilt(node, tuple(done[a] for a in node.args))
            done[node] = change(node, new)
            continue
        y, v = ORIGINS[node]
        if y not in slopes:
            with rounding_forgiven():
                slopes[y] = pull_back(
                    done[y], [_place(x, done) for x in by[y]], as_written=as_written
                )
        found = slopes[y].get(key_of(_place(v, done)))
        done[node] = (
            constant(np.zeros(v.shape) if v.shape else 0) if (found is None) else found
        )
    return done


def _place(v: Variable, done: dict[Variable, Variable]) -> Variable:
    """Return where one differentiates by ``v``: leaves stay what they are."""
    return v if v.op is None else done.get(v, v)
