"""Starting points for the search at which sigmoid and tanh are not flat.

With large weights, nearly every point of the domain has nearly every sigmoid or tanh of
the first layer flat, and with it the gradient; a search that starts there stays there.
A gradient is large where the arguments of the curves are near zero and the inputs all
the same as large as can be: at a corner of the part of the box where they vanish.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import left
from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable
from deuterium.interval.rounding import Array
from deuterium.optimize.bounders.norm_bounds.norm_options import (
    START_COUNT,
    START_SECONDS,
    STEEP,
)
from deuterium.optimize.bounders.norm_bounds.norm_propagation import NormLayout
from deuterium.optimize.bounders.norm_bounds.saturating import is_followed


def unsaturated(problem: Problem, layout: NormLayout) -> Array:
    """Return rows of inputs with every first argument of bounded curves near zero.

    None (no rows) where they are small anyway, or cannot vanish all at once.
    """
    found: list[Array] = []
    finite = np.isfinite(problem.lower) & np.isfinite(problem.upper)
    if np.all(finite):
        for v in layout.order:
            system = _system(problem, layout, v)
            if system is not None:
                found += _corners(problem, *system)
                break
    return np.array(found).reshape(-1, problem.size)


def _system(problem: Problem, layout: NormLayout, v: Variable) -> Any:
    """Return W and b where v is a bounded curve of ``x W + b``, x a symbol's row."""
    if not is_followed(v.op):
        return None
    (z,), shift = v.args, np.zeros(v.size)
    while z.op in (ops.add, ops.reshape):
        constants = [a for a in z.args if a in layout.exact]
        others = [a for a in z.args if a not in layout.exact]
        if len(others) != 1:
            return None
        if constants:
            shift = shift + layout.exact[constants[0]].reshape(-1)
        (z,) = others
    if z.op is not ops.matmul:
        return None
    x, matrix = z.args[0], layout.exact.get(z.args[1])
    if matrix is None or not x.is_symbol or x.size != x.shape[-1]:
        return None
    part = problem.slices[x.name]
    half = 0.5 * (problem.upper[part] - problem.lower[part])
    steep = np.sqrt(np.mean(np.square(half) @ np.square(matrix)))
    fits = matrix.shape[1] <= matrix.shape[0]
    return (part, matrix, shift) if fits and steep > STEEP else None


def _corners(problem: Problem, part: slice, matrix: Array, shift: Array) -> list[Array]:
    """Return points of a box at which ``x W + b`` vanishes, most elements at an end.

    Shapes: ``matrix`` (inputs of the part, m), ``shift`` (m,).
    """
    from scipy.optimize import linprog  # slow to import, and seldom needed

    random = np.random.default_rng(0)
    ends = np.stack([problem.lower[part], problem.upper[part]], axis=1)
    rows = []
    for _ in range(START_COUNT):
        found = linprog(
            random.normal(size=len(ends)),
            A_eq=matrix.T,
            b_eq=-shift,
            bounds=ends,
            method="highs",
            options={"time_limit": min(START_SECONDS, left())},
        )
        if found.status != 0:
            break
        row = 0.5 * (problem.lower + problem.upper)
        row[part] = np.clip(found.x, ends[:, 0], ends[:, 1])
        rows.append(row)
    return rows
