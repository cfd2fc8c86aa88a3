"""Networks, regions and the search for violations, shared by the tests here."""

from itertools import pairwise

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.optimize.region import Regions
from deuterium.testing.oracle import evaluate_exactly

ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}
NEAR = 1e-9  # so close to the bound, a value is computed exactly


def gradient_norm(rng, units, activation, scale=1.0, head="logistic"):
    """Return the input and the gradient norm of a random network's loss."""
    x = dt.symbol("x", shape=(1, units[0]))
    h, parameters = x, []
    for i, (a, b) in enumerate(pairwise(units)):
        w = dt.constant(scale * rng.normal(size=(a, b)))
        c = dt.constant(scale * rng.normal(size=b))
        parameters += [w, c]
        h = h @ w + c
        if i < len(units) - 2:
            h = ACTIVATIONS[activation](h)
    if head == "logistic":
        loss = -log_expit(h)[0, 0]
    elif head == "squares":
        loss = ((h - 0.5) ** 2).sum()
    else:
        loss = -dt.log_softmax(h)[0, 0]
    return x, dt.norm(dt.grad(loss, parameters))


def bounder_of(v, domain):
    """Return problem and bounder of a graph that must be suited."""
    problem = Problem(v, domain)
    bounder = cluster_bounder_of(problem)
    assert bounder is not None
    return problem, bounder


class Coordinates:
    """Values of a bounder's coordinates, and of the objective, at rows of inputs."""

    def __init__(self, problem, bounder):
        self.problem = problem
        nodes = [node for node, _ in bounder.places]
        order = list(dict.fromkeys(nodes))
        self.where = [(order.index(v), i) for v, i in bounder.places]
        self.run = dt.compile(problem.symbols, [problem.objective, *order])

    def __call__(self, rows):
        out = self.run(*self.problem.arrays(rows).values())
        flat = [np.reshape(o, (len(rows), -1)) for o in out[1:]]
        atoms = [flat[k][:, i] for k, i in self.where]
        return out[0], np.column_stack([rows, *atoms])


def random_region(rng, root, values, cuts):
    """Return the root cut at random, always keeping the point with these values."""
    low, high, opened = root.low[0].copy(), root.high[0].copy(), root.open[0].copy()
    for j in rng.choice(len(low), size=cuts):
        c = values[j]
        width = 2.0 if not np.isfinite(high[j] - low[j]) else high[j] - low[j]
        at = c + width * rng.normal() * 0.3
        if rng.random() < 0.3 and (low[j] < 0 < high[j]):
            at = 0.0
        if not low[j] < at < high[j]:
            continue
        if c <= at:
            high[j] = at
        else:
            low[j], opened[j] = at, True
    return low, high, opened


def random_regions(rng, bounder, coordinates, count, cuts):
    """Return regions around random points, and the points' rows."""
    root, n = bounder.root(), coordinates.problem.size
    lower, upper = coordinates.problem.lower, coordinates.problem.upper
    rows = rng.uniform(lower, upper, (count, n))
    rows[::3] = np.where(rng.random((len(rows[::3]), n)) < 0.5, lower, upper)
    _, values = coordinates(rows)
    found = [random_region(rng, root, v, cuts) for v in values]
    low, high, opened = (np.array(x) for x in zip(*found, strict=True))
    state = np.repeat(root.state, count, axis=0)
    return Regions(low, high, opened, np.full(count, np.inf), state), rows


def violations(bounder, coordinates, regions, upper, rows):
    """Return where a value inside a region exceeds its bound, exactly decided."""
    found = []
    value, values = coordinates(rows)
    for k in range(len(regions)):
        above = np.where(
            regions.open[k], values > regions.low[k], values >= regions.low[k]
        )
        inside = np.all(above & (values <= regions.high[k]), axis=1)
        near = inside & (value > upper[k] * (1 - np.sign(upper[k]) * NEAR))
        for i in np.flatnonzero(near)[:5]:
            point = dict(coordinates.problem.arrays(rows[i]))
            exact = evaluate_exactly(coordinates.problem.objective, point)
            if not exact <= float(upper[k]) and _clearly(regions, values[i], k):
                found.append((k, rows[i], value[i], upper[k]))
    return found


def _clearly(regions, values, k):
    """Whether a point is in a region even if its coordinates are off by roundings."""
    slack = 1e-12 * (1 + np.abs(values))
    atom = np.arange(len(values)) >= 0
    low, high = regions.low[k], regions.high[k]
    exact = values == np.clip(values, low, high)
    return bool(np.all(~atom | (exact & (values <= high) & (values >= low - slack))))
