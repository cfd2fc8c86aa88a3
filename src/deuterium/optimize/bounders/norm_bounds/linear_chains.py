"""What is known of an array that is an affine image of another one, as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import Array
from deuterium.interval.spectral_norm import inflate, root_sum
from deuterium.optimize.bounders.norm_bounds.ball_and_box import (
    LEAD,
    ArrayBounds,
    cut,
)
from deuterium.optimize.bounders.norm_bounds.linear_maps import (
    LinearMap,
    LinearStep,
    linear_map,
    step_of,
)

PLAIN = (ops.matmul, ops.reshape, ops.transpose, ops.negative, ops.add, ops.subtract)


@dataclass(frozen=True)
class LinearChain:
    """A node as an affine image of another.

    Attributes
    ----------
    base : Variable
        The other.
    steps : tuple of LinearStep
        What is between them, the first one first.
    """

    base: Variable
    steps: tuple[LinearStep, ...]

    @cached_property
    def map(self) -> LinearMap | None:
        """Its matrix, with certified norms; None if it is too large."""
        return linear_map(self.steps)

    @property
    def is_linear(self) -> bool:
        """Whether zero goes to zero."""
        return not any(s.is_shift for s in self.steps)


def chains_of(
    order: list[Variable], exact: Mapping[Variable, Array], constant: Any
) -> dict[Variable, LinearChain]:
    """Return the chains of a graph that say more than their parts do, by their ends.

    Parameters
    ----------
    order : list of Variable
        The nodes.
    exact : mapping
        The values of those that are known exactly.
    constant : container of Variable
        Those that depend on no symbol.
    """
    steps: dict[Variable, LinearStep] = {}
    goes_on: dict[Variable, list[bool]] = {}
    for v in order:
        varying = [k for k, a in enumerate(v.args) if a not in constant]
        if len(varying) == 1 and v not in constant:
            (side,) = varying
            other = exact.get(v.args[1 - side]) if len(v.args) == 2 else None
            if len(v.args) <= 2 and (step := step_of(v, side, other)):
                steps[v] = step
        for a in v.args:
            goes_on.setdefault(a, []).append(v in steps)
    found = {}
    for v in steps:
        if all(goes_on.get(v, [False])):
            continue
        chain: list[LinearStep] = []
        base = v
        while base in steps:
            chain.append(steps[base])
            base = base.args[steps[base].side]
        if sum(s.node.op not in PLAIN for s in chain) or (
            sum(s.node.op is ops.matmul for s in chain) > 1
        ):
            found[v] = LinearChain(base, tuple(reversed(chain)))
    return found


def along(
    chain: LinearChain, base: ArrayBounds, known: ArrayBounds
) -> tuple[ArrayBounds, Array] | None:
    """Return what a chain adds to what is known of its end, and where its ball is used.

    None if its map is too large.
    """
    found = chain.map
    if found is None:
        return None
    shape = known.centre.shape[LEAD:]
    centre, off = _image(chain, base)
    rows = found.rows.reshape(shape)
    wide = (..., *(None,) * len(shape))
    with np.errstate(all="ignore"):
        ends = cut(known.ends, centre, inflate(rows * base.radius[wide]) + off)
        radius = inflate(
            found.sigma * base.radius + root_sum(np.square(off), known.axes)
        )
        length = known.length
        if chain.is_linear:
            zero = np.zeros((1,) * centre.ndim)
            ends = cut(ends, zero, inflate(rows * base.length[wide]))
            length = np.fmin(length, inflate(found.sigma * base.length))
        reach = inflate(root_sum(np.square(centre), known.axes) + radius)
        took = radius < known.radius
    length = np.fmin(length, reach)
    size = np.maximum(-ends[0], ends[1])
    length = np.fmin(length, root_sum(np.square(size), known.axes))
    total = np.fmin(known.total, inflate(length * np.sqrt(float(max(rows.size, 1)))))
    where = took[wide]
    value = ArrayBounds(
        ends,
        np.where(where, centre, known.centre),
        np.where(took, radius, known.radius),
        length,
        total,
    )
    return value, took


def _image(chain: LinearChain, base: ArrayBounds) -> tuple[Array, Array]:
    """Return where the middle of the base's ball goes, and how far it may be off."""
    x = Interval.unchecked(base.centre, base.centre)
    for step in chain.steps:
        args: list[Any] = [x]
        if step.number is not None:
            lead = (1,) * LEAD
            number = step.number.reshape(lead + step.number.shape)
            args.insert(1 - step.side, Interval.unchecked(number, number))
        assert step.node.op is not None
        x = step.node.op.enclosure(*args, **step.node.attrs)
    ends = np.stack(np.broadcast_arrays(x.lower, x.upper))
    middle = 0.5 * ends[0] + 0.5 * ends[1]
    with np.errstate(all="ignore"):
        return middle, np.maximum(ends[1] - middle, middle - ends[0]) * (1 + 2**-50)
