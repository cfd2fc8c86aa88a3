"""Good multipliers of many regions at once, by a first-order method.

Adam (D. P. Kingma and J. Ba, ICLR 2015) on the smoothed dual, from the chain of norms:
one sweep through the rules, users first, that gives every sum the slope its users have
at its upper end, and every energy the weights its users need.  Whatever comes out, the
bound is evaluated rigorously elsewhere: nothing here has to be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import check, left, now
from deuterium.optimize.bounders.clusters.cluster_lagrangian import ClusterLagrangian
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterRule
from deuterium.optimize.bounders.clusters.cluster_options import (
    ADAM_FIRST,
    ADAM_SECOND,
    ADAM_TINY,
    ASTRAY,
    FADED,
    HALF_OF_TIME,
    LEAST_WEIGHT,
    LOOK,
    LOW_WEIGHT,
    PATIENCE,
    SLOPE_SHARE,
    SMALL_ENERGY,
    THIN,
    WORTH,
)
from deuterium.optimize.bounders.clusters.cluster_samples import ClusterSamples
from deuterium.optimize.bounders.lagrangian.dual_diagonal import (
    nearly,
    start,
)


def chain_start(lagrangian: ClusterLagrangian) -> Array:
    """Return parameters to start from, of shape (B, parameters)."""
    layout, units = lagrangian.layout, lagrangian.units
    x = np.zeros((lagrangian.batch, lagrangian.places.size))
    c = np.zeros((lagrangian.batch, layout.features)) + lagrangian.base
    for k, rule in reversed(list(enumerate(layout.rules))):
        places = lagrangian.places.energies[k]
        if rule.definition.is_constraint:
            p = _constraint_start(rule, c)
            if rule.definition.is_inequality:
                units.is_log[k], units.multiplier[k] = True, p
            else:
                x[:, rule.multipliers] = p / units.multiplier[k]
            for at, m, _ in rule.parts:
                c[:, at] += p @ m.T
            continue
        if places is None:
            if not units.multiplier[k].any():
                continue  # nothing but its range is used
            p = _slope(lagrangian, rule, c)
            if (p > 0).all():
                units.is_log[k], units.multiplier[k] = True, p
            x[:, rule.multipliers] = 0.0 if units.is_log[k] else p / units.multiplier[k]
            c[:, rule.target] -= p
            for at, m, _ in rule.parts:
                c[:, at] += p @ m.T
            continue
        need = _needed(lagrangian, rule, c)
        if need is None:
            half = np.square(units.half[k]).sum(axis=1, keepdims=True)
            norm = sum(np.square(m).sum() for _, m, _ in rule.parts)
            small = np.log(SMALL_ENERGY / (norm * half) / units.weight[k])
            x[:, places.weights] = np.minimum(small, LOW_WEIGHT)
            x[:, places.scales] = _scales(lagrangian, k, rule, x)
            if places.corners is not None:
                x[:, places.corners] = np.minimum(small, LOW_WEIGHT)
            continue
        x[:, places.weights] = np.log(need / units.weight[k])
        x[:, places.centres] = -units.middle[k] / units.half[k]
        if places.corners is not None:
            x[:, places.corners] = x[:, places.weights]
            x[:, places.weights] -= FADED
        x[:, places.scales] = _scales(lagrangian, k, rule, x)
        lagrangian._rule(k, rule, x, c, [])
    return x


def _scales(
    lagrangian: ClusterLagrangian, k: int, rule: ClusterRule, x: Array
) -> Array:
    """Return scales of an energy's D, about the least for the terms' ranges."""
    energy = lagrangian.energy(k, rule, x)
    half = lagrangian.units.half[k][0]
    scaled = energy.matrix * half[:, None] * np.sqrt(energy.nu[0])
    gram = scaled @ scaled.T
    size = np.trace(gram)
    if not 0 < size < np.inf:
        return np.zeros((1, len(half)))
    gram = gram / size
    d, _ = nearly(gram[None], start(gram))
    found = np.log(np.maximum(d[0], THIN * d.max()) / half**2)
    return (found - found.mean())[None]


def _constraint_start(rule: ClusterRule, c: Array) -> Array:
    """Return multipliers that leave no coefficient of what is bounded above zero."""
    rows = []
    for j in range(rule.size):
        most = [
            np.where(m[:, j] < 0, c[:, at], -np.inf).max(axis=1)
            if rule.definition.is_inequality
            else np.where(m[:, j] != 0, -c[:, at], np.inf).min(axis=1)
            for at, m, _ in rule.parts
        ]
        some = (
            np.max(most, axis=0) if rule.definition.is_inequality else np.min(most, 0)
        )
        rows.append(some)
    found = np.stack(rows, axis=1)
    if rule.definition.is_inequality:
        return np.maximum(found, LEAST_WEIGHT * np.maximum(found.max(), LEAST_WEIGHT))
    return found


def _slope(lagrangian: ClusterLagrangian, rule: ClusterRule, c: Array) -> Array:
    """Return the slope that the users of a sum have at its upper end."""
    target = rule.definition.target
    block = lagrangian.blocks[target.group]
    if rule.definition.is_spoke:
        return _spoke_slope(block, rule, c)
    block.maxima(c, 0.0, np.zeros(c.shape))
    rise = block.psi[:, -1] - block.psi[:, -2]
    step = block.z[:, -1] - block.z[:, -2]
    slope = np.where(step > 0, rise / np.where(step > 0, step, 1.0), 0.0)
    return np.nan_to_num(slope[:, target.coordinate])


def _spoke_slope(block: ClusterSamples, rule: ClusterRule, c: Array) -> Array:
    b = block.block
    _, lin, _ = b.parts
    linear = c[:, lin].reshape(len(c), len(b.hub_of), -1)
    slope = np.einsum("bgsk,bsk->bgs", block.fl, linear)
    some = SLOPE_SHARE * slope.max(axis=1) + (1 - SLOPE_SHARE) * slope.min(axis=1)
    found: Array = some[:, rule.definition.target.spoke]  # type: ignore[attr-defined]
    return found


def _needed(lagrangian: ClusterLagrangian, rule: ClusterRule, c: Array) -> Array | None:
    """Return the weights with which no spoke is convex; None where none is needed."""
    if not rule.definition.is_spoke:
        assert rule.squares is not None
        own = c[:, rule.squares[0]]
        if rule.definition.target.size == 1 or not (own > 0).any():
            return None
    else:
        target = rule.definition.target
        block = lagrangian.blocks[target.group]
        b = block.block
        square = c[:, b.parts[2]].reshape(len(c), len(b.hub_of), -1)
        bend = np.einsum("bgsk,bsk->bgs", block.fq, square).max(axis=1)
        own = bend[:, target.spoke]  # type: ignore[attr-defined]
    most = own.max(axis=1, keepdims=True)
    if not (most > 0).all():
        return None
    return np.maximum(own, LEAST_WEIGHT * most)


@dataclass(frozen=True)
class Schedule:
    """How long to go on, and in what steps.

    Attributes
    ----------
    most : int
        Steps at the full rate, while the bound still falls by `WORTH` a look.
    settling : int
        Steps afterwards, at a rate that goes down to nothing.
    rate : float
    smooth : (float, float)
        How much maxima are smoothed, at first and at last: all hubs' together, of the
        objective's scale.
    share : float
        Of the time that is left, which it may take.
    """

    most: int
    settling: int
    rate: float
    smooth: tuple[float, float]
    share: float = 1.0


def optimise(
    lagrangian: ClusterLagrangian,
    x: Array,
    schedule: Schedule,
    scale: float,
    target: float = -np.inf,
) -> tuple[Array, Array]:
    """Return better parameters, and the bounds on the samples.

    ``scale`` is the size of the objective.  It ends where all bounds are below
    ``target``.
    """
    state = _Adam(lagrangian, x)
    start, span = now(), schedule.share * left()
    exploring, i, before = schedule.most > 0, 0, state.best.copy()
    first, last = (scale * s / lagrangian.hubs for s in schedule.smooth)
    settled = 0
    while settled < schedule.settling:
        check()
        spent = (now() - start) / max(span, ADAM_TINY)
        exploring &= spent < HALF_OF_TIME
        share = settled / schedule.settling
        if not exploring and schedule.most:  # it settles in the time that there is
            share = min(max(share, (spent - HALF_OF_TIME) / (1.0 - HALF_OF_TIME)), 1.0)
        tau = first * (last / first) ** share
        state.step(tau, schedule.rate * (1.0 - share))
        i += 1
        settled += not exploring
        if i % LOOK and settled < schedule.settling:
            continue
        state.look(ASTRAY * scale)
        if (state.best < target).all() or spent > 1.0:
            break
        if exploring and i % PATIENCE == 0:
            falls = (before - state.best).max() > WORTH * scale
            exploring = falls and i < schedule.most
            before = state.best.copy()
    return state.best_x, state.best


class _Adam:
    """The state of Adam's method, and the best parameters seen."""

    def __init__(self, lagrangian: ClusterLagrangian, x: Array) -> None:
        self.lagrangian, self.x = lagrangian, x.copy()
        self.best, _ = lagrangian(x, 0.0)
        self.best_x = x.copy()
        self.mean, self.square = np.zeros(x.shape), np.zeros(x.shape)
        self.own, self.age = np.ones((len(x), 1)), np.zeros((len(x), 1))

    def step(self, tau: float, rate: float) -> None:
        """Go one step."""
        _, g = self.lagrangian(self.x, tau)
        g = np.nan_to_num(g)
        self.age += 1
        self.mean = ADAM_FIRST * self.mean + (1 - ADAM_FIRST) * g
        self.square = ADAM_SECOND * self.square + (1 - ADAM_SECOND) * g * g
        mean = self.mean / (1 - ADAM_FIRST**self.age)
        root = np.sqrt(self.square / (1 - ADAM_SECOND**self.age))
        self.x = self.x - rate * self.own * mean / (root + ADAM_TINY)

    def look(self, astray: float) -> None:
        """Note what is better; send back what went astray, with half the step."""
        value, _ = self.lagrangian(self.x, 0.0)
        better = value < self.best
        self.best = np.where(better, value, self.best)
        self.best_x[better] = self.x[better]
        lost = ~(value < self.best + astray)
        if lost.any():
            self.x[lost] = self.best_x[lost]
            self.mean[lost] = self.square[lost] = self.age[lost] = 0.0
            self.own[lost] *= 0.5
