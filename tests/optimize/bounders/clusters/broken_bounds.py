"""Looks for regions, parameters and points at which a bound by clusters is exceeded."""

from collections import Counter

import numpy as np

from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.clusters.cluster_bounder import (
    MULTIPLIER_DIGITS,
    ClusterBounder,
    cluster_bounder_of,
)
from deuterium.optimize.bounders.clusters.descent_method import DescentMethod
from deuterium.optimize.bounders.clusters.energy_weights import rounded
from deuterium.optimize.region import Regions
from deuterium.testing.oracle import evaluate_exactly
from tests.optimize.bounders.clusters.relax_nets import Coordinates, random_region

NEAR = 1e-9  # so close to the bound, a value is computed exactly
SCALES = (0.0, 1e-3, 0.1, 1.0, 10.0, 300.0)  # of what is added to parameters
COUNTS: Counter[str] = Counter()


@np.errstate(all="ignore")
def bounder_of(v, domain) -> ClusterBounder | None:
    return cluster_bounder_of(Problem(v, domain))


def regions_of(rng, bounder, coordinates, count):
    """Return regions, cut or tiny, that hold a point each; and the points."""
    problem, root = bounder.problem, bounder.root()
    n = problem.size
    low, high = problem.lower, problem.upper
    rows = low + rng.random((count, n)) * (high - low)
    rows[::3] = np.where(rng.random(rows[::3].shape) < 0.5, low, high)
    rows = np.clip(rows, low, high)
    _, values = coordinates(rows)
    ends = []
    for k, at in enumerate(values):
        a, b, opened = random_region(rng, root, at, (0, 2, 6, 12)[k % 4])
        width = (np.inf, np.inf, 0.3, 1e-4, 1e-12, 0.0)[rng.integers(6)]
        if np.isfinite(width):
            some = np.arange(len(a)) < n
            opened = opened & ~(some & (a < at - width))
            a = np.where(some, np.maximum(a, at - width), a)
            b = np.where(some, np.minimum(b, at + width), b)
        ends.append((a, b, opened))
    a, b, opened = (np.array(x) for x in zip(*ends, strict=True))
    state = np.repeat(root.state, count, axis=0)
    return Regions(a, b, opened, np.full(count, np.inf), state), rows


def descent_of(bounder):
    """Return a method whose parameters are all multipliers and energies."""
    ranges = bounder.pass_(*bounder._ends(bounder.root_box()))
    tables = [m.table for m in bounder.bounding.maxima]
    curves = bounder.pass_.curves
    return DescentMethod(bounder.layout, curves, tables, ranges, bounder.logarithm)


def bound_at(bounder, descent, ranges, x):
    """Return the bounds that parameters of all multipliers and energies give."""
    p, energies = descent.multipliers(x)
    p = rounded(p, MULTIPLIER_DIGITS)
    upper = bounder._raised(bounder.bounding(ranges, p, energies))
    return np.where(ranges.empty, -np.inf, upper)


def bounds_of(rng, bounder, descent, regions, scale):
    """Return bounds with parameters moved at random from where they start."""
    ranges = bounder.pass_(*bounder._ends(regions))
    start = np.repeat(descent.start, len(regions), axis=0)
    x = start + scale * rng.normal(size=start.shape)
    return bound_at(bounder, descent, ranges, x)


def points_of(rng, regions, rows, n, count):
    """Return points of each region: its own, corners, and between."""
    low, high = regions.low[:, None, :n], regions.high[:, None, :n]
    t = rng.random((len(regions), count, n))
    t[:, : count // 2] = np.rint(t[:, : count // 2])
    t[:, : count // 4] = t[:, : count // 4, :1]
    inside = np.clip(low + t * (high - low), low, high)
    return np.concatenate([rows[:, None], inside], axis=1)


def violations(bounder, coordinates, regions, upper, points):
    """Return where a value at a point inside a region exceeds its bound, exactly."""
    count = points.shape[1]
    value, values = coordinates(points.reshape(-1, points.shape[2]))
    owner = np.repeat(np.arange(len(regions)), count)
    low, high = regions.low[owner], regions.high[owner]
    with np.errstate(all="ignore"):
        inside = ((values >= low) & (values <= high)).all(axis=1)
        top = upper[owner]
        scale = np.abs(value) + np.abs(top) + 1e-6
        near = inside & (value > top - NEAR * scale)
    COUNTS["values"] += int(inside.sum())
    COUNTS["near"] += int(near.sum())
    found = []
    for i in np.flatnonzero(near)[:40]:
        row, k = points.reshape(-1, points.shape[2])[i], owner[i]
        exact = evaluate_exactly(bounder.problem.objective, _point(bounder, row))
        if exact > float(upper[k]) and _inside(bounder, regions, k, row):
            found.append((int(k), row.tolist(), exact.str(20), float(upper[k])))
    return found


def _point(bounder, row):
    return dict(bounder.problem.arrays(row))


def _inside(bounder, regions, k, row):
    """Whether a point is certainly inside a region."""
    n = bounder.problem.size
    low, high, opened = (x[k] for x in (regions.low, regions.high, regions.open))
    if not np.all(np.where(opened[:n], row > low[:n], row >= low[:n])):
        return False
    values = {}
    for j, (node, at) in enumerate(bounder.places, start=n):
        if np.isinf(low[j]) and np.isinf(high[j]):
            continue
        if node not in values:
            exact = evaluate_exactly(node, _point(bounder, row))
            values[node] = np.ravel(np.array(exact, dtype=object))
        x = values[node][at]
        above = x > float(low[j]) if opened[j] else x >= float(low[j])
        if not (above or np.isneginf(low[j])) or not (
            x <= float(high[j]) or np.isposinf(high[j])
        ):
            return False
    return True


def _moved(rng, bounder, state):
    """Return what regions remember, moved at random: weights stay positive."""
    if isinstance(bounder.method, DescentMethod):
        return state + 0.3 * rng.normal(size=state.shape)
    size = bounder.method.size
    p = state[:, :size] + 0.3 * rng.normal(size=(len(state), size))
    weights = state[:, size:] * rng.random((len(state), state.shape[1] - size))
    return np.concatenate([p, weights], axis=1)


@np.errstate(all="ignore")  # as in `maximize`
def broken(rng, bounder, regions=12, count=24, optimised=True):
    """Return what exceeds a bound over random regions with random parameters."""
    coordinates = Coordinates(bounder.problem, bounder)
    some, rows = regions_of(rng, bounder, coordinates, regions)
    points = points_of(rng, some, rows, bounder.problem.size, count)
    descent, found = descent_of(bounder), []
    for scale in SCALES:
        upper = bounds_of(rng, bounder, descent, some, scale)
        COUNTS["regions"] += len(some)
        COUNTS["finite"] += int(np.isfinite(upper).sum())
        COUNTS["empty"] += int(np.isneginf(upper).sum())
        found += violations(bounder, coordinates, some, upper, points)
    if optimised:
        value, _ = coordinates(rows)
        some.state[:] = _moved(rng, bounder, some.state)
        result = bounder.bound(some, float(np.nanmax(np.append(value, -1e9))))
        COUNTS["regions"] += len(some)
        points = np.concatenate([points, result.points[:, None]], axis=1)
        found += violations(bounder, coordinates, some, result.upper, points)
    return found
