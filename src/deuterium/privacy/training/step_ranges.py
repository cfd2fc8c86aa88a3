"""Ranges of hubs, spokes and terms at the weights of one step, rounded outward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.interval import Interval
from deuterium.privacy.training.hub_tables import HubTable
from deuterium.privacy.training.record_sets import InputSet, root_of_squares
from deuterium.privacy.training.step_parts import Coefficient, StepTerm, WeightSum
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.training_options import (
    FARTHEST_RANGE,
    GRAM_SQUARINGS,
    GROWN,
    LOST_OF_TERMS,
    UNDERFLOW_OF_RANGES,
)

__all__ = ["StepRangePass", "StepRanges", "SumValues", "TooFar"]


class TooFar(Exception):
    """A range goes beyond all tables, or is none."""


@dataclass
class SumValues:
    """The coefficients of a sum at a step.

    Attributes
    ----------
    parts : list of (StepTerm, ndarray, ndarray, bool)
        Coefficients and their sizes, of shape (1 or rows, T, m), or of (1 or rows, T)
        where each element is a multiple of one of the term's (the last is true then).
    constant : ndarray of shape (1 or rows, m)
    reach : ndarray of shape (1 or rows, m)
        No sum of absolute terms is larger.
    drift : ndarray of shape (1 or rows, m)
        By how much the sums may be others, at other weights.
    """

    parts: list[tuple[StepTerm, Array, Array, bool]]
    constant: Array
    reach: Array
    drift: Array


class TermRange(NamedTuple):
    """The ends of a term's elements, (1 or rows, T), and what is made of them.

    ``both`` are the radius and the largest absolute value: (1 or rows, 2, T).
    """

    low: Array
    high: Array
    middle: Array
    both: Array

    @property
    def far(self) -> Array:
        """The largest absolute values."""
        found: Array = self.both[:, 1]
        return found


def term_range(low: Array, high: Array) -> TermRange:
    """Return what is made of the ends of a term."""
    middle, radius = low / 2 + high / 2, (high / 2 - low / 2) * GROWN
    both = np.stack([radius, np.maximum(-low, high)], axis=1)
    return TermRange(low, high, middle, both)


@dataclass
class StepRanges:
    """What is known at a step, and at all weights that are near enough.

    Attributes
    ----------
    ends : list of ndarray
        Of each group's hubs, of shape (2, 1 or rows, hubs); of inputs None.
    functions : list of (ndarray, ndarray)
        The ends of the hubs' functions, of shape (1 or rows, hubs, functions + 1).
    nodes : list of (NodeValues, NodeValues)
    spokes : list of ndarray
        Of each set, (2, 1 or rows, spokes).
    terms : dict from StepTerm to TermRange
    sums : list of SumValues
        Of each rule, and of each sum of the objective.
    ends_of : list of ndarray
        Of the sums of the objective, (2, 1 or rows, m).
    probabilities : (ndarray, ndarray) or None
        The ends of a softmax.
    """

    ends: list[Any]
    functions: list[Any]
    nodes: list[Any]
    spokes: list[Any]
    terms: dict[StepTerm, TermRange] = field(default_factory=dict)
    lengths: dict[StepTerm, Array] = field(default_factory=dict)
    spoke_lengths: dict[int, Array] = field(default_factory=dict)
    sums: list[SumValues] = field(default_factory=list)
    ends_of: list[Array] = field(default_factory=list)
    probabilities: Any = None

    def far(self, t: StepTerm) -> Array:
        """Return the largest absolute values of a term's elements."""
        return self.terms[t].far


class StepRangePass:
    """Works out ranges, rule by rule.

    Parameters
    ----------
    program : StepProgram
    tables : sequence of HubTable or None
        Of each group; none of inputs.
    inputs : sequence of InputSet
        Of the groups of inputs, which are the first.
    uses_lengths : bool
        Whether lengths of whole arrays are worked out, too.
    powers : int
        How many sums are of the objective itself.
    """

    def __init__(
        self,
        program: StepProgram,
        tables: Sequence[HubTable | None],
        inputs: Sequence[InputSet],
        uses_lengths: bool,
        powers: int,
    ) -> None:
        self.program, self.tables, self.inputs = program, tables, inputs
        self.uses_lengths, self.powers = uses_lengths, powers

    def __call__(
        self, numbers: Sequence[Array], drift: Sequence[Array] | None = None
    ) -> StepRanges:
        """Return ranges, given the numbers of the tape, and what they may drift by."""
        count = len(self.program.groups)
        none: list[Any] = [None] * count
        out = StepRanges([*none], [*none], [*none], [None] * len(self.program.spokes))
        for rule in self.program.rules:
            wide, found, length = self._sum(rule.form, numbers, drift, out)
            out.sums.append(found)
            if rule.spokes is not None:
                out.spokes[rule.spokes] = wide
                out.spoke_lengths[rule.spokes] = length
                continue
            out.ends[rule.group] = wide
            self._enter(rule.group, out)
        for form in self.program.sums:
            ends, found, _ = self._sum(form, numbers, drift, out)
            out.sums.append(found)
            out.ends_of.append(ends)
        if len(out.ends_of) > self.powers:
            low, high = out.ends_of[-1][0].min(axis=0), out.ends_of[-1][1].max(axis=0)
            out.probabilities = self._softmax(low, high)
        return out

    def _enter(self, group: int, out: StepRanges) -> None:
        """Note the ranges of hubs' functions."""
        table, wide = self.tables[group], out.ends[group]
        assert table is not None
        if not np.abs(wide).max() < FARTHEST_RANGE:  # NaN fails, too
            raise TooFar
        out.functions[group] = table.ranges(wide)
        out.nodes[group] = table.looked_at(wide)

    def _softmax(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return the ends of a softmax, given those of its argument."""
        p = ops.softmax_last.enclosure(Interval.unchecked(low, high))
        return p.lower.ravel(), p.upper.ravel()

    def function_ends(self, t: StepTerm, out: StepRanges) -> tuple[Array, Array]:
        """Return the ends of the functions of hubs in a term's elements."""
        low, high = (x[:, t.hubs, t.function] for x in out.functions[t.group])
        return low, high

    def _sum(
        self,
        form: WeightSum,
        numbers: Sequence[Array],
        drift: Sequence[Array] | None,
        out: StepRanges,
    ) -> tuple[Array, SumValues, Array]:
        """Return the ends of a sum, its coefficients, and a bound of its length."""
        constant = numbers[form.constant.value]
        middle, reach = constant, numbers[form.constant.size]
        spread: Any = 0.0  # an array from the first part on
        moved = np.zeros((1, 1)) if drift is None else drift[form.constant.size]
        parts = []
        length: Any = 0.0
        for t, c in form.parts.items():
            v, size, sure = self._values(t, c, numbers)
            parts.append((t, v, size, c.own))
            m, r, s = self._through(t, v, size, sure, c.own, out)
            if self.uses_lengths:
                steep = sure.max(axis=1) if c.own else self._steepest(v, size)
                length = length + self._length(t, out) * steep
                if t in self.program.roots and form.shape == (1,):
                    m, r = self._by_length(t, v, m, r, out)
            middle, spread, reach = middle + m, spread + r, reach + s
            if drift is not None and c.number is not None:
                more = drift[c.number.size]
                moved = moved + self._reach(t, _as_rows(more, c.own), c.own, out)
        slack = self._rounded(spread, reach) * GROWN + UNDERFLOW_OF_RANGES
        low, high = middle - slack, middle + slack
        if self.uses_lengths:
            own = root_of_squares(constant, 1)
            length = (length + own) * (
                1 + 2 * LOST_OF_TERMS
            ) * GROWN + UNDERFLOW_OF_RANGES
            low = np.maximum(low, -length[:, None])
            high = np.minimum(high, length[:, None])
            length = length + root_of_squares(moved, 1) * GROWN
        moved = moved * GROWN
        ends = np.stack([low - moved, high + moved])
        return ends, SumValues(parts, constant, reach, moved), length

    def _rounded(self, x: Any, reach: Array) -> Array:
        """Return a number and what roundings of a sum may add to it."""
        return x + LOST_OF_TERMS * reach

    def _steepest(self, v: Array, size: Array) -> Array:
        """Return what spectral norms of matrices are at most: (1 or rows,)."""
        return self._rounded(spectral(v), size.sum(axis=(1, 2)))

    def _reach(self, t: StepTerm, size: Array, own: bool, out: StepRanges) -> Array:
        """Return the sums of the absolute values of terms, times sizes."""
        far = self.term(t, out).far
        return far * size if own else (far[:, None] @ size)[:, 0]

    def _by_length(
        self, t: StepTerm, v: Array, m: Array, r: Array, out: StepRanges
    ) -> tuple[Array, Array]:
        """Return the middle and radius of a sum of squares, by their root's length."""
        root = self.program.roots[t]
        self.term(root, out)
        length = self._length(root, out)[:, None]
        flat = v.reshape(v.shape[0], -1)
        steep = np.maximum(flat.max(axis=1, keepdims=True), 0.0)
        high = np.minimum(m + r, steep * length * length * GROWN)
        low = np.minimum(m - r, high)
        return low / 2 + high / 2, (high / 2 - low / 2) * GROWN + UNDERFLOW_OF_RANGES

    @staticmethod
    def _values(
        t: StepTerm, c: Coefficient, numbers: Sequence[Array]
    ) -> tuple[Array, Array, Array]:
        """Return coefficients, their sizes, and their absolute values."""
        if c.number is None:
            ones = np.ones((1, t.count))
            return ones, ones, ones
        v = _as_rows(numbers[c.number.value], c.own)
        size = _as_rows(numbers[c.number.size], c.own)
        return v, size, size if c.number.is_plain else np.abs(v)

    def _through(
        self,
        t: StepTerm,
        v: Array,
        size: Array,
        sure: Array,
        own: bool,
        out: StepRanges,
    ) -> tuple[Array, Array, Array]:
        """Return the middle, the radius and the reach of a part of a sum."""
        if self.program.groups[t.group].is_input and not own:
            self.term(t, out)
            return self.inputs[t.group].through(t.function, t.hubs, v, sure, size)
        x = self.term(t, out)
        if own:
            return x.middle * v, x.both[:, 0] * sure, x.far * size
        if sure is size:
            both = x.both @ size
            return (x.middle[:, None] @ v)[:, 0], both[:, 0], both[:, 1]
        radius, far = x.both[:, :1], x.both[:, 1:]
        return (x.middle[:, None] @ v)[:, 0], (radius @ sure)[:, 0], (far @ size)[:, 0]

    def term(self, t: StepTerm, out: StepRanges) -> TermRange:
        """Return the range of a term's elements."""
        if t not in out.terms:
            out.terms[t] = term_range(*self._term(t, out))
        return out.terms[t]

    def _term(self, t: StepTerm, out: StepRanges) -> tuple[Array, Array]:
        if self.program.groups[t.group].is_input:
            low, high = self.inputs[t.group].ends(t.function)
            return low[None, t.hubs], high[None, t.hubs]
        low, high = self.function_ends(t, out)
        if t.spokes is None:
            return low, high
        e0, e1 = (out.spokes[t.spokes][k][:, t.places] for k in (0, 1))
        if t.power == 2:
            far = np.maximum(-e0, e1)
            near = np.maximum(np.maximum(e0, -e1), 0.0)
            e0, e1 = near * near * (2 - GROWN), far * far * GROWN
        corners = np.stack([low * e0, low * e1, high * e0, high * e1])
        wide = self._rounded(UNDERFLOW_OF_RANGES, np.abs(corners).max(axis=0))
        return corners.min(axis=0) - wide, corners.max(axis=0) + wide

    def _length(self, t: StepTerm, out: StepRanges) -> Array:
        """Return what the 2-norm of a term's elements is at most: (1 or rows,)."""
        if t in out.lengths:
            return out.lengths[t]
        far = self.term(t, out).far
        found = root_of_squares(far, 1) * GROWN + UNDERFLOW_OF_RANGES
        group = self.program.groups[t.group]
        once = len(np.unique(t.places if t.power else t.hubs)) == t.count
        if group.is_input and t.function == 0 and once:
            found = np.minimum(found, self.inputs[t.group].length)
        if t.power == 1 and t.spokes is not None and once:
            f0, f1 = self.function_ends(t, out)
            steep = np.maximum(-f0, f1).max(axis=1)
            found = np.minimum(found, steep * out.spoke_lengths[t.spokes] * GROWN)
        out.lengths[t] = found
        return found


def _as_rows(x: Array, own: bool) -> Array:
    """Return coefficients of own elements with one axis for these."""
    return x.reshape(x.shape[0], -1) if own and x.ndim > 2 else x


def spectral(v: Array) -> Array:
    """Return what spectral norms of matrices are at most, but for rounding.

    The root of the sum of the 16th powers of the singular values' squares.
    """
    a = v if v.shape[1] >= v.shape[2] else v.swapaxes(1, 2)
    most = np.maximum(np.abs(a).max(axis=(1, 2)), 1e-290)  # whose squares underflow
    a = a / most[:, None, None]
    power, share = a.swapaxes(1, 2) @ a, 1.0
    top: Array | float = 1.0
    for _ in range(GRAM_SQUARINGS + 1):
        scale = root_of_squares(power, (1, 2))
        top = top * scale**share
        power = power / np.maximum(scale, 1e-290)[:, None, None]
        power, share = power @ power, share / 2
    found: Array = most * np.sqrt(top) * (1 + 1e-8) + UNDERFLOW_OF_RANGES
    return found
