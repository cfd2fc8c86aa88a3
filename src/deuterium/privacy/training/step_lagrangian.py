"""The certified value of the Lagrangian of a step, and where to move its multipliers.

What is bounded, the logarithm of a squared norm, is a sum of terms.  For any multiplier
p of each rule ``u = sum of terms``, and for any energy (see
`deuterium.optimize.bounders.clusters`), it is at most a constant plus the sum, over
hubs, of the largest value that the hub's terms have together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.energy_weights import positive
from deuterium.privacy.training.hub_tables import NodeValues
from deuterium.privacy.training.record_sets import SQUARE, InputSet, parabola
from deuterium.privacy.training.step_objective import StepObjective
from deuterium.privacy.training.step_parts import ONE, StepRule, StepTerm
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.step_ranges import StepRanges
from deuterium.privacy.training.training_options import GROWN, LOST_OF_TERMS

__all__ = ["StepLagrangian", "StepMultipliers"]


@dataclass
class StepMultipliers:
    """What a bound holds for any values of.

    Attributes
    ----------
    p : list of ndarray
        Of each rule, of shape (rows, m).
    nu : list of ndarray or None
        Weights of energies, >= 0, of shape (rows, m).
    scale : list of ndarray or None
        How an energy is spread over its terms, > 0, of shape (rows, terms).
    q : ndarray of shape (sums, rows)
        Where the logarithm of a sum has its tangent.
    """

    p: list[Any]
    nu: list[Any]
    scale: list[Any]
    q: Array


class StepLagrangian:
    """Bounds at the weights of a step, for all rows.

    Parameters
    ----------
    program : StepProgram
    inputs : sequence of InputSet
    objective : StepObjective
        Whose logarithms, and powers of sums, are added up.
    squares : sequence of list of StepTerm, or None
        Of each rule: the squares of its terms, if it has an energy.
    rows : int
    """

    def __init__(
        self,
        program: StepProgram,
        inputs: Sequence[InputSet],
        objective: StepObjective,
        squares: Sequence[Any],
        rows: int,
    ) -> None:
        self.program, self.inputs, self.squares = program, inputs, squares
        self.logs, self.powers, self.rows = objective.logs, objective.powers, rows
        self.columns: list[list[Any]] = [[[ONE], [ONE]] for _ in program.spokes]
        self.sets: list[list[int]] = [[] for _ in program.groups]
        for k, s in enumerate(program.spokes):
            self.sets[s.group].append(k)
        for t in self._terms():
            if t.spokes is not None:
                known = self.columns[t.spokes][t.power - 1]
                if t.function not in known:
                    known.append(t.function)
        self.aligned = [
            np.array_equal(s.hub_of, np.arange(program.groups[s.group].size))
            for s in program.spokes
        ]
        self._whole: dict[StepTerm, bool | None] = {}

    def _terms(self) -> list[StepTerm]:
        found = [t for r in self.program.rules for t in r.form.parts]
        found += [t for f in self.program.sums for t in f.parts] + list(self.logs)
        return found + [t for s in self.squares if s is not None for t in s if t]

    # -- the coefficients ------------------------------------------------------------

    def _start(self) -> None:
        b, program = self.rows, self.program
        self.hub_c = [
            np.zeros((len(g.functions) + (not g.is_input), b, g.size))
            for g in program.groups
        ]
        self.lin, self.quad = (
            [
                np.zeros((len(c[k]), b, len(s.hub_of)))
                for s, c in zip(program.spokes, self.columns, strict=True)
            ]
            for k in (0, 1)
        )
        self.constant, self.slack, self.drift = np.zeros((3, b))

    def _add(self, t: StepTerm, c: Array) -> None:
        """Add coefficients, of shape (rows, T), to a term's elements."""
        if t.spokes is None:
            out, at, column = self.hub_c[t.group], t.hubs, t.function
        else:
            out = (self.lin, self.quad)[t.power - 1][t.spokes]
            at = t.places
            column = self.columns[t.spokes][t.power - 1].index(t.function)
        if t not in self._whole:
            unique = len(np.unique(at)) == len(at)
            everything = np.array_equal(at, np.arange(out.shape[2]))
            self._whole[t] = None if everything else unique
        if self._whole[t] is None:
            out[column] += c
        elif self._whole[t]:
            out[column][:, at] += c
        else:
            every: Any = (slice(None), at)
            np.add.at(out[column], every, c)

    def _coefficients(self, at: StepRanges, m: StepMultipliers) -> None:
        program = self.program
        self._start()
        for t in self.logs:
            self._add(t, np.ones((self.rows, 1)))
        count = len(program.rules)
        for k, power in enumerate(self.powers):
            form = at.sums[count + k]
            by = power / m.q[k]
            for t, v, _, own in form.parts:
                self._add(t, by[:, None] * (v if own else v[:, :, 0]))
            self.constant += by * form.constant[:, 0] + power * (np.log(m.q[k]) - 1)
            self.slack += by * form.reach[:, 0] + abs(power) * (
                np.abs(np.log(m.q[k])) + 1
            )
            self.drift += np.abs(by) * form.drift[:, 0]
        for k, rule in enumerate(program.rules):
            self._rule(k, rule, at, m)

    def _rule(self, k: int, rule: Any, at: StepRanges, m: StepMultipliers) -> None:
        p, form = m.p[k], at.sums[k]
        if p is None:
            return
        ends = at.ends[rule.group] if rule.spokes is None else at.spokes[rule.spokes]
        far = np.maximum(-ends[0], ends[1])
        self.constant += (p * form.constant).sum(axis=1)
        self.slack += (np.abs(p) * (form.reach + far)).sum(axis=1)
        self.drift += (np.abs(p) * form.drift).sum(axis=1)
        self._target(rule)[:] -= p
        for t, v, _, own in form.parts:
            self._add(t, p * v if own else _times(v, p))
        if m.nu[k] is not None:
            self._energy(k, rule, at, m, ends)

    def _target(self, rule: StepRule, square: bool = False) -> Any:
        """Return where the coefficients of what a rule defines, or its squares, are."""
        if rule.spokes is not None:
            return (self.quad if square else self.lin)[rule.spokes][0]
        number = self.program.square_of(rule.group) if square else 0
        return self.hub_c[rule.group][number]

    def _energy(
        self, k: int, rule: Any, at: StepRanges, m: StepMultipliers, ends: Array
    ) -> None:
        nu, form, far = m.nu[k], at.sums[k], np.maximum(-ends[0], ends[1])
        matrix, size = dense(form.parts)
        scale = m.scale[k]
        above = scale * proved(matrix, size, nu, scale)[:, None]
        e0 = form.constant
        first = 0
        gained, lost = 0.0, 0.0
        for (t, v, _, own), square in zip(form.parts, self.squares[k], strict=True):
            d = above[:, first : first + t.count]
            c, most = at.terms[t].middle, at.terms[t].far
            e0 = e0 + (c * v if own else _times(v, c, True))
            self._add(square, d)
            self._add(t, -2 * d * c)
            gained = gained + (d * c * c).sum(axis=1)
            lost = lost + (d * most * most).sum(axis=1)
            first += t.count
        self._target(rule, True)[:] -= nu
        self._target(rule)[:] += 2 * nu * e0
        self.constant += gained - (nu * e0 * e0).sum(axis=1)
        self.slack += 16 * (lost + (nu * (form.reach + far) ** 2).sum(axis=1))
        # (e - e0)**2 of what e would be without the drift
        near, by = np.maximum(ends[1] - e0, e0 - ends[0]), form.drift
        self.drift += (nu * by * (2 * near + 3 * by)).sum(axis=1)

    # -- the largest values ----------------------------------------------------------

    def __call__(
        self, at: StepRanges, m: StepMultipliers, tau: float | None = None
    ) -> Array:
        """Return certified upper bounds, of shape (rows,).

        They are those at the weights of the coefficients; where these drift as far as
        they may, the bounds grow by what is then kept as ``drift``, and by no more than
        a share of it where they drift by that share.

        With a temperature ``tau``, the values that terms have about where the clusters
        are largest are kept for `gradient`.
        """
        self._coefficients(at, m)
        total, size = self.constant.copy(), np.abs(self.constant)
        self.means: dict[Any, Array] = {}
        for g, group in enumerate(self.program.groups):
            if group.is_input:
                found = self._input(g, tau)
            else:
                found = self._cluster(g, at, tau)
            if found is not None:
                total += found
                size += np.abs(found)
        return total + LOST_OF_TERMS * (self.slack + size) * 2

    def _input(self, g: int, tau: float | None) -> Array | None:
        c = self.hub_c[g]
        squares = c[SQUARE] if len(c) > 1 else None
        found, x = self.inputs[g].largest(c[0], squares)
        if tau is not None:
            self.means[g, None, 0] = np.stack([x, x * x])[: len(c)]
        return found

    def _cluster(self, g: int, at: StepRanges, tau: float | None) -> Array:
        c, sets = self.hub_c[g], self.sets[g]
        own, inner = at.nodes[g]
        if tau is None and not sets and not c.any():
            return self.constant * 0.0  # of hubs that are of use for ranges alone
        each = [n.largest(c) for n in (own, inner)]
        spokes = [[self._spoke(s, n, at) for s in sets] for n in (own, inner)]
        for value, found in zip(each, spokes, strict=True):
            for s, (most, _) in zip(sets, found, strict=True):
                if self.aligned[s]:
                    value += most
                else:
                    hubs = self.program.spokes[s].hub_of
                    every: Any = (slice(None), slice(None), hubs)
                    np.add.at(value, every, most)
        top = np.maximum(each[0].max(axis=0), each[1].max(axis=0, initial=-np.inf))
        if tau is not None:
            self._keep(g, at, spokes, [np.exp((v - top) / tau) for v in each])
        return top.sum(axis=1)

    def _spoke(self, s: int, n: NodeValues, at: StepRanges) -> tuple[Array, Array]:
        """Return the most that spokes add at nodes, and where (about)."""
        hubs = self.program.spokes[s].hub_of
        f1, f2 = self.columns[s]
        low, high = at.spokes[s]
        lin, quad = self.lin[s], self.quad[s]
        a = n.combined(quad, hubs, f2) + n.off(quad, hubs, f2)
        most, e = parabola(a, n.combined(lin, hubs, f1), low, high)
        return most + n.off(lin, hubs, f1) * np.maximum(-low, high), e

    def _keep(self, g: int, at: StepRanges, spokes: Any, weights: list[Array]) -> None:
        """Keep the means of all functions, by these weights of nodes."""
        total = sum(w.sum(axis=0) for w in weights)
        sides = list(zip(at.nodes[g], [w / total for w in weights], strict=True))
        self.means[g, None, 0] = sum(n.means(w) for n, w in sides)
        for i, s in enumerate(self.sets[g]):
            hubs = self.program.spokes[s].hub_of
            for power, columns in zip((1, 2), self.columns[s], strict=True):
                self.means[g, s, power] = sum(
                    n.means(w[:, :, hubs] * found[i][1] ** power, hubs, columns)
                    for (n, w), found in zip(sides, spokes, strict=True)
                )

    # -- the gradient ----------------------------------------------------------------

    def mean(self, t: StepTerm) -> Array:
        """Return about what a term's elements are where clusters are largest."""
        if t.spokes is None:
            return self.means[t.group, None, 0][t.function][:, t.hubs]
        column = self.columns[t.spokes][t.power - 1].index(t.function)
        return self.means[t.group, t.spokes, t.power][column][:, t.places]

    def _mean_target(self, rule: Any, square: bool) -> Array:
        if rule.spokes is not None:
            return self.means[rule.group, rule.spokes, 1 + square][0]
        number = self.program.square_of(rule.group) if square else 0
        return self.means[rule.group, None, 0][number]

    def gradient(
        self, at: StepRanges, m: StepMultipliers
    ) -> tuple[list[Any], list[Any], list[Any], Array]:
        """Return derivatives by p, by logarithms of nu and of scales; and the sums."""
        by_p: list[Any] = []
        by_nu: list[Any] = []
        by_scale: list[Any] = []
        rules = self.program.rules
        for k, rule in enumerate(rules):
            form = at.sums[k]
            if m.p[k] is None:
                for found in (by_p, by_nu, by_scale):
                    found.append(None)
                continue
            total = form.constant - self._mean_target(rule, False)
            for t, v, _, own in form.parts:
                x = self.mean(t)
                total = total + (x * v if own else _times(v, x, True))
            by_p.append(total)
            if m.nu[k] is None:
                by_nu.append(None)
                by_scale.append(None)
                continue
            a, b = self._by_energy(k, rule, at, m)
            by_nu.append(a)
            by_scale.append(b)
        q = []
        for k in range(len(self.powers)):
            form = at.sums[len(rules) + k]
            total = form.constant[:, 0]
            for t, v, _, own in form.parts:
                total = total + (self.mean(t) * (v if own else v[:, :, 0])).sum(axis=1)
            q.append(np.broadcast_to(total, (self.rows,)))  # of numbers, it has one row
        return by_p, by_nu, by_scale, np.array(q).reshape(len(q), self.rows)

    def _by_energy(
        self, k: int, rule: Any, at: StepRanges, m: StepMultipliers
    ) -> tuple[Array, Array]:
        form, nu, scale = at.sums[k], m.nu[k], m.scale[k]
        matrix, _ = dense(form.parts)
        e0, squares = form.constant, []
        for (t, v, _, own), s in zip(form.parts, self.squares[k], strict=True):
            c = at.terms[t].middle
            e0 = e0 + (c * v if own else _times(v, c, True))
            squares.append(self.mean(s) - 2 * c * self.mean(t) + c * c)
        far = np.concatenate(squares, axis=1)  # (t - c)**2
        x2, x = self._mean_target(rule, True), self._mean_target(rule, False)
        own = x2 - 2 * e0 * x + e0 * e0
        b = matrix / np.sqrt(scale)[:, :, None]
        try:
            values, vectors = np.linalg.eigh(b * nu[:, None, :] @ b.swapaxes(1, 2))
        except np.linalg.LinAlgError:  # of what is not finite; there is no way to go
            return np.zeros_like(nu), np.zeros_like(scale)
        top, w = values[:, -1], vectors[:, :, -1]
        total = (scale * far).sum(axis=1)
        by_nu = nu * (total[:, None] * _times(b.swapaxes(1, 2), w) ** 2 - own)
        by_scale = top[:, None] * (scale * far - total[:, None] * w * w)
        return by_nu, by_scale


def _times(v: Array, x: Array, transposed: bool = False) -> Array:
    """Return ``v @ x``, or ``x @ v``, row by row: v (1 or rows, T, m)."""
    if transposed:
        return x @ v[0] if len(v) == 1 else (x[:, None] @ v)[:, 0]
    return x @ v[0].T if len(v) == 1 else (v @ x[:, :, None])[:, :, 0]


def dense(parts: Sequence[Any]) -> tuple[Array, Array]:
    """Return all coefficients of a sum, and their sizes: (1 or rows, terms, m)."""
    found = []
    for at in (1, 2):
        each = [
            x[at][:, :, None] * np.eye(x[at].shape[1]) if x[3] else x[at] for x in parts
        ]
        lead = max(len(x) for x in each)
        found.append(
            np.concatenate(
                [np.broadcast_to(x, (lead, *x.shape[1:])) for x in each], axis=1
            )
        )
    return found[0], found[1]


def proved(matrix: Array, size: Array, nu: Array, scale: Array) -> Array:
    """Return t such that ``t diag(scale) - M diag(nu) M'`` is certainly semidefinite.

    Shape: (rows,).  Infinite where it is not proved.
    """
    root = np.sqrt(nu)[:, None, :] / np.sqrt(scale)[:, :, None]
    b, wide = matrix * root, size * root
    if b.shape[1] > b.shape[2]:
        b, wide = b.swapaxes(1, 2), wide.swapaxes(1, 2)
    gram = b @ b.swapaxes(1, 2)
    trace = np.square(wide).sum(axis=(1, 2)) * GROWN
    lost = 4 * LOST_OF_TERMS * trace + 1e-290
    with np.errstate(all="ignore"):
        try:
            top = np.linalg.eigvalsh(gram)[:, -1] * (1 + 1e-7) + 2 * lost
        except np.linalg.LinAlgError:
            return trace
        holds = positive(top[:, None, None] * np.eye(gram.shape[1]) - gram)
    return np.where(holds, (top + lost) * GROWN, trace)
