"""StepMultipliers of a step's bound: to begin with, and from step to step.

Whatever they are, the bound holds.  A first-order method (Adam: D. Kingma and J. Ba,
ICLR 2015) on the smoothed maximum finds good ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.privacy.training.step_lagrangian import StepLagrangian, StepMultipliers
from deuterium.privacy.training.step_ranges import StepRanges
from deuterium.privacy.training.training_options import (
    FIRST_STEPS_OF_SOLVER,
    LATER_RATES,
    LATER_TEMPERATURES,
    LEAST_DIVISOR,
    LEAST_SUM,
    RATES,
    TEMPERATURES,
)

__all__ = ["StepSolver"]


class StepSolver:
    """StepMultipliers for one kind of bound, and their moments."""

    def __init__(self, lagrangian: StepLagrangian, at: StepRanges) -> None:
        self.lagrangian = lagrangian
        self.best: Array = np.full(lagrangian.rows, np.inf)
        self.m = first_multipliers(lagrangian, at)
        self.units = units_of(lagrangian, at)
        self.moments: list[Any] | None = None
        self.count = 0

    def improve(self, at: StepRanges, steps: int = FIRST_STEPS_OF_SOLVER) -> None:
        """Move the multipliers, and keep the best ones of each row."""
        lagrangian, m = self.lagrangian, self.m
        rates, taus = (
            (RATES, TEMPERATURES)
            if self.count == 0
            else (LATER_RATES, LATER_TEMPERATURES)
        )
        best, kept = lagrangian(at, m), _copied(m)
        for k in range(steps):
            share = k / max(steps - 1, 1)
            rate = rates[0] * (rates[1] / rates[0]) ** share
            tau = taus[0] * (taus[1] / taus[0]) ** share
            found = lagrangian(at, m, tau)
            better = found < best
            best = np.where(better, found, best)
            _take(kept, m, better)
            self._move(at, rate)
        found = lagrangian(at, m)
        _take(kept, m, found < best)
        self.m = kept

    def _move(self, at: StepRanges, rate: float) -> None:
        m = self.m
        by_p, by_nu, by_scale, q = self.lagrangian.gradient(at, m)
        gradients = []
        for k, u in enumerate(self.units):
            if u is None:
                continue
            gradients.append(by_p[k] * u)
            if m.nu[k] is not None:
                gradients += [by_nu[k], by_scale[k]]
        if self.moments is None:
            self.moments = [[np.zeros_like(g), np.zeros_like(g)] for g in gradients]
        self.count += 1
        steps = []
        for g, pair in zip(gradients, self.moments, strict=True):
            g = np.where(np.isfinite(g), g, 0.0)
            pair[0] = 0.8 * pair[0] + 0.2 * g
            pair[1] = 0.95 * pair[1] + 0.05 * g * g
            size = np.sqrt(pair[1] / (1 - 0.95**self.count)) + LEAST_DIVISOR
            steps.append(-rate * pair[0] / (1 - 0.8**self.count) / size)
        moved = iter(steps)
        for k, u in enumerate(self.units):
            if u is None:
                continue
            m.p[k] = m.p[k] + next(moved) * u
            if m.nu[k] is not None:
                m.nu[k] = m.nu[k] * np.exp(next(moved))
                m.scale[k] = m.scale[k] * np.exp(next(moved))
        m.q = np.maximum(m.q * (np.maximum(q, 1e-6 * m.q) / m.q) ** 0.3, LEAST_SUM)


def first_multipliers(lagrangian: StepLagrangian, at: StepRanges) -> StepMultipliers:
    """Return the chain of norms: what is convex in spokes is taken off from the top."""
    program, rows = lagrangian.program, lagrangian.rows
    count = len(program.rules)
    q = [
        np.broadcast_to(np.maximum(at.ends_of[k][1][:, 0], LEAST_SUM), rows)
        for k in range(len(lagrangian.powers))
    ]
    m = StepMultipliers(
        [None] * count, [None] * count, [None] * count, np.array(q).reshape(-1, rows)
    )
    for k in range(count - 1, -1, -1):
        rule = program.rules[k]
        lagrangian._coefficients(at, m)
        size = rule.form.shape[0]
        p, nu = np.zeros((rows, size)), np.zeros((rows, size))
        if rule.spokes is not None:
            s = rule.spokes
            hubs = program.spokes[s].hub_of
            low, high = (x[:, hubs] for x in at.functions[rule.group])
            for c, f in zip(lagrangian.quad[s], lagrangian.columns[s][1], strict=True):
                nu = nu + np.maximum(c, 0) * high[:, :, f]
            for c, f in zip(lagrangian.lin[s], lagrangian.columns[s][0], strict=True):
                p = p + c * (high if f == 0 else low / 2 + high / 2)[:, :, f]
        m.p[k] = p
        if lagrangian.squares[k] is None:
            if rule.spokes is not None:
                far = at.spokes[rule.spokes]
                m.p[k] = p + nu * (far[0] + far[1])
            continue
        terms = sum(t.count for t in rule.form.parts)
        ends = at.ends[rule.group] if rule.spokes is None else at.spokes[rule.spokes]
        small = 1e-3 / (size * np.maximum(np.square(ends[1] - ends[0]), 1e-200))
        m.nu[k] = np.maximum(nu, small)
        m.scale[k] = np.ones((rows, terms))
    return m


def units_of(lagrangian: StepLagrangian, at: StepRanges) -> list[Any]:
    """Return the natural size of each multiplier; None where it stays as it is."""
    found: list[Any] = []
    for rule in lagrangian.program.rules:
        ends = at.ends[rule.group] if rule.spokes is None else at.spokes[rule.spokes]
        wide = np.maximum(ends[1] - ends[0], 1e-9 * (np.abs(ends).max() + 1e-30))
        found.append(1 / (wide * np.sqrt(wide.shape[1])))
    return found


def _copied(m: StepMultipliers) -> StepMultipliers:
    p, nu, scale = (
        [None if x is None else x.copy() for x in a] for a in (m.p, m.nu, m.scale)
    )
    return StepMultipliers(p, nu, scale, m.q.copy())


def _take(kept: StepMultipliers, m: StepMultipliers, rows: Array) -> None:
    for a, b in ((kept.p, m.p), (kept.nu, m.nu), (kept.scale, m.scale)):
        for x, y in zip(a, b, strict=True):
            if x is not None:
                x[rows] = y[rows]
    kept.q[:, rows] = m.q[:, rows]
