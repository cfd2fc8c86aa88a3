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
from deuterium.optimize.bounders.clusters.cluster_terms import StarTerm
from deuterium.optimize.bounders.lagrangian.dual_diagonal import (
    nearly,
    start,
)


def chain_start(lagrangian: ClusterLagrangian) -> Array:
    """Return parameters to start from, of shape (1, parameters)."""
    known = lagrangian.parameters
    x = np.zeros((lagrangian.batch, known.size))
    entered = np.zeros(known.numbers, dtype=bool)
    for k, rule in reversed(list(enumerate(known.layout.rules))):
        own = rule.multipliers
        c = lagrangian.coefficients_of(lagrangian.numbers(x) * entered)
        if rule.definition.is_constraint:
            p = _constraint_start(rule, c)
            if rule.definition.is_inequality:
                known.is_log[own], known.unit[own] = True, p[0]
            else:
                x[:, own] = p / known.unit[own]
            entered[own] = True
        elif k not in known.place:
            if not known.unit[own].any():
                continue  # nothing but its range is used
            p = _slope(lagrangian, rule, c)
            if (p > 0).all():
                known.is_log[own], known.unit[own] = True, p[0]
            else:
                x[:, own] = p / known.unit[own]
            entered[own] = True
        else:
            g, i = known.place[k]
            group = known.groups[g]
            needed = _first_energy(lagrangian, k, rule, c, x)
            x[:, group.part(i, group.scales)] = _scales(lagrangian, k, x)
            if needed:
                entered[known.numbers_of(k)] = True
    return x


def _first_energy(
    lagrangian: ClusterLagrangian, k: int, rule: ClusterRule, c: Array, x: Array
) -> bool:
    """Enter the first weights and centres of an energy; return whether it is needed."""
    known = lagrangian.parameters
    g, i = known.place[k]
    group = known.groups[g]
    weights, corners = group.part(i, group.weights), known.corners.get(k)
    unit, half = group.unit[i], group.half[i]
    need = _needed(lagrangian, rule, c)
    if need is None:
        norm = np.square(group.matrix[i]).sum() * np.square(half).sum()
        small = np.minimum(np.log(SMALL_ENERGY / norm / unit), LOW_WEIGHT)
        x[:, weights] = small
        if corners is not None:
            x[:, corners] = small
        return False
    x[:, weights] = np.log(need / unit)
    x[:, group.part(i, group.centres)] = -group.middle[i] / half
    if corners is not None:
        x[:, corners] = x[:, weights]
        x[:, weights] -= FADED
    return True


def _scales(lagrangian: ClusterLagrangian, k: int, x: Array) -> Array:
    """Return scales of an energy's D, about the least for the terms' ranges."""
    known = lagrangian.parameters
    g, i = known.place[k]
    group = known.groups[g]
    half = group.half[i]
    nu = np.exp(x[0, group.part(i, group.weights)]) * group.unit[i]
    scaled = group.matrix[i] * half[:, None] * np.sqrt(nu)
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
    samples, hub, spoke = lagrangian.place[target.group]
    if isinstance(target, StarTerm):
        own = spoke + target.spoke
        found = samples.combined(c, samples.linear, samples.fl)[:, own]
        some: Array = SLOPE_SHARE * found.max(axis=-1)
        return some + (1 - SLOPE_SHARE) * found.min(axis=-1)
    own = hub + target.coordinate
    psi, z = samples.at(c)[:, own, -2:], samples.z[:, own, -2:]
    rise, step = psi[..., 1] - psi[..., 0], z[..., 1] - z[..., 0]
    return np.nan_to_num(np.where(step > 0, rise / np.where(step > 0, step, 1.0), 0.0))


def _needed(lagrangian: ClusterLagrangian, rule: ClusterRule, c: Array) -> Array | None:
    """Return the weights with which no spoke is convex; None where none is needed."""
    target = rule.definition.target
    if not isinstance(target, StarTerm):
        assert rule.squares is not None
        own = c[:, rule.squares[0]]
        if target.size == 1 or not (own > 0).any():
            return None
    else:
        samples, _, spoke = lagrangian.place[target.group]
        bend = samples.combined(c, samples.square, samples.fq)
        own = bend.max(axis=-1)[:, spoke + target.spoke]
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
    averages : (float, float)
        How much of Adam's averages stays from step to step.
    careful : int
        Steps in which the rate grows to its full size, so that good parameters are not
        lost before slopes are known.
    """

    most: int
    settling: int
    rate: float
    smooth: tuple[float, float]
    share: float = 1.0
    averages: tuple[float, float] = (0.9, 0.99)
    careful: int = 0


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
    state = _Adam(lagrangian, x, schedule.averages)
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
        careful = min((i + 1) / (schedule.careful + 1), 1.0)
        state.step(tau, schedule.rate * (1.0 - share) * careful)
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

    def __init__(
        self, lagrangian: ClusterLagrangian, x: Array, averages: tuple[float, float]
    ) -> None:
        self.lagrangian, self.x, self.averages = lagrangian, x.copy(), averages
        self.best = lagrangian.value(x)
        self.best_x = x.copy()
        self.mean, self.square = np.zeros(x.shape), np.zeros(x.shape)
        self.own, self.age = np.ones((len(x), 1)), np.zeros((len(x), 1))

    def step(self, tau: float, rate: float) -> None:
        """Go one step."""
        _, g = self.lagrangian(self.x, tau)
        g = np.nan_to_num(g)
        self.age += 1
        first, second = self.averages
        self.mean = first * self.mean + (1 - first) * g
        self.square = second * self.square + (1 - second) * g * g
        mean = self.mean / (1 - first**self.age)
        root = np.sqrt(self.square / (1 - second**self.age))
        self.x = self.x - rate * self.own * mean / (root + ADAM_TINY)

    def look(self, astray: float) -> None:
        """Note what is better; send back what went astray, with half the step."""
        value = self.lagrangian.value(self.x)
        better = value < self.best
        self.best = np.where(better, value, self.best)
        self.best_x[better] = self.x[better]
        lost = ~(value < self.best + astray)
        if lost.any():
            self.x[lost] = self.best_x[lost]
            self.mean[lost] = self.square[lost] = self.age[lost] = 0.0
            self.own[lost] *= 0.5
