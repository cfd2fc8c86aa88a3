"""Removable singularities: where a graph as written is undefined and its limit is not.

`simplify` gives ``sin(x) / x`` the value 1 at 0.  Whether a value that a graph has not
got, but its simpler form has, is such a limit, is asked of points around.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import symbol
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.testing.oracle import evaluate_exactly

AROUND = 24  # points, of which some at least must be where the graph is defined
STEP = 2.0**-30  # relative: how far a point is moved to look around it
FLAT = {
    ops.floor_slope, ops.ceil_slope, ops.trunc_slope, ops.rint_slope, ops.rank_slope,
    ops.argmax_slope, ops.off_cut,
}  # fmt: skip
NEAR = 2.0**-10  # how much the value may change over such a step


def loosened(v: Variable) -> tuple[Variable, dict[str, Any]]:
    """Return ``v`` with slopes that are 0 all around made to move, and their symbols.

    ``sin(t) / t`` has the value 1 where t is 0, also where t is so at all points near.
    """
    moved: dict[str, Any] = {}
    done: dict[Variable, Variable] = {}
    for n in topological([v]):
        new = rebuilt(n, tuple(done[a] for a in n.args))
        if n.op in FLAT:
            name = f"around {len(moved)}"
            moved[name] = np.zeros(n.shape)
            new = new + symbol(name, n.shape)
        done[n] = new
    return done[v], moved


def is_limit(
    v: Variable,
    simpler: Variable,
    point: Mapping[str, Any],
    index: tuple[int, ...],
    bits: int,
) -> bool:
    """Return whether the simpler form has the limit of an element of ``v`` at a point.

    Around it, both forms must agree wherever ``v`` is defined, which must be somewhere,
    and lie near the value at the point.
    """
    rng = np.random.default_rng(0)
    value = _element(simpler, point, index, bits)
    if not value.is_finite():
        return False
    met = 0
    for _ in range(AROUND):
        moved = {
            name: x + STEP * rng.uniform(-1, 1, np.shape(x)) * (1e-9 + np.abs(x))
            for name, x in point.items()
        }
        one = _element(v, moved, index, bits)
        if not one.is_finite():
            continue
        other, met = _element(simpler, moved, index, bits), met + 1
        if not one.overlaps(other) or abs(other - value) > NEAR * (1 + abs(value)):
            return False
    return met > 0


def _element(
    v: Variable, point: Mapping[str, Any], index: tuple[int, ...], bits: int
) -> Any:
    return np.asarray(evaluate_exactly(v, point, bits), dtype=object)[index]
