"""Activations written with choices: functions of one hub, smooth on its sides."""

from functools import cache

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import symbol
from deuterium.ops.logic import is_positive
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.optimize.region import Regions
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import draws, seeds
from tests.optimize.bounders.clusters.relax_nets import (
    Coordinates,
    random_regions,
    violations,
)

SPELLINGS = {
    "relu": [
        dt.relu,
        lambda z: np.maximum(z, 0),
        lambda z: np.where(z > 0, z, 0),
        lambda z: np.where(z < 0, 0, z),
        lambda z: z * (z > 0),
        lambda z: z - np.minimum(z, 0),
    ],
    "leaky": [
        lambda z: np.maximum(z, 0.01 * z),
        lambda z: np.where(z > 0, z, 0.01 * z),
        lambda z: np.where(z < 0, 0.01 * z, z),
        lambda z: dt.relu(z) - 0.01 * dt.relu(-z),
        lambda z: z * np.where(z > 0, 1, 0.01),
    ],
    "elu": [
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, z, np.exp(z) - 1),
        lambda z: np.maximum(z, 0) + np.minimum(np.expm1(z), 0),
    ],
    "selu": [
        lambda z: 1.0507 * np.where(z > 0, z, 1.67326 * np.expm1(z)),
        lambda z: 1.0507 * (np.maximum(z, 0) + np.minimum(0, 1.67326 * np.expm1(z))),
    ],
    "tanh": [
        np.tanh,
        lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
        lambda z: 2 * expit(2 * z) - 1,
    ],
    "silu": [lambda z: z * expit(z), lambda z: z / (1 + np.exp(-z))],
}
KINKED = ("relu", "leaky", "elu", "selu")
EACH = [(a, i) for a in SPELLINGS for i in range(len(SPELLINGS[a]))]


def gradient_norm(activation, hub, inputs=4, hidden=5, seed=0, most=8):
    """Return a problem; weights are few-digit numbers, so that hubs are exact."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return dt.constant(rng.integers(-most, most + 1, shape) / 8.0)

    x = dt.symbol("x", (inputs,))
    w, b, v = draw(inputs, hidden), draw(hidden), draw(hidden, 1)
    loss = -log_expit(activation(hub(x, w, b)) @ v)[0]
    return Problem(dt.norm(dt.grad(loss, [w, b, v])), dt.Box({x: (-1, 1)}))


def plus(x, w, b):
    return x @ w + b


def minus(x, w, b):
    return x @ w - b


def program_of(problem):
    """Return what a spelling must not change: hubs, and the order of the steps."""
    bounder = cluster_bounder_of(problem)
    assert bounder is not None
    facts = bounder.facts()
    groups = [(g.kind, g.size) for g in bounder.program.groups]
    return facts["log"], groups, facts["steps"], [p[1:] for p in facts["products"]]


@pytest.mark.drawn
@pytest.mark.parametrize("name", SPELLINGS)
def test_the_program_is_the_same_however_an_activation_is_written(name):
    first, *others = SPELLINGS[name]
    expected = program_of(gradient_norm(first, plus))
    assert [k for k, _ in expected[1]] == ["input", *["atom"] * 4]
    assert program_of(gradient_norm(first, minus)) == expected
    for activation in others[:: draws(2, 1)]:
        assert program_of(gradient_norm(activation, plus)) == expected


@cache
def looseness(activation):
    """Return the bound of a whole domain, over the largest value of its corners."""
    problem = gradient_norm(activation, plus, 8, 6, most=3)
    bounder = cluster_bounder_of(problem)
    upper = bounder.bound(bounder.root(), 1e-9).upper[0]
    return upper / Coordinates(problem, bounder)(corners(8))[0].max()


@pytest.mark.drawn
@pytest.mark.parametrize("name", KINKED)
def test_the_bounds_are_as_good_as_for_relu(name):
    usual = looseness(dt.relu)
    for activation in SPELLINGS[name][:: draws(3, 1)]:
        assert 1 <= looseness(activation) <= 1.1 * usual


def corners(inputs):
    """Return all corners of the cube."""
    return 2.0 * (np.arange(2**inputs)[:, None] >> np.arange(inputs) & 1) - 1


def random_activation(rng):
    """Return an activation of two random pieces, written in a random way."""
    pieces = [
        lambda z: z,
        lambda z: 0.0 * z,
        lambda z: 0.25 * z,
        np.expm1,
        np.tanh,
        lambda z: np.square(z) - z,
        lambda z: expit(z) - 0.25,
        lambda z: -0.5 * z,
    ]
    left, right = (pieces[i] for i in rng.integers(len(pieces), size=2))
    return [
        lambda z: np.where(z > 0, right(z), left(z)),
        lambda z: np.where(z < 0, left(z), right(z)),
        lambda z: np.where(z <= 0, left(z), right(z)),
        lambda z: np.where(-z > 0, left(z), right(z)),
        lambda z: np.maximum(left(z), right(z)),
        lambda z: np.minimum(left(z), right(z)),
        lambda z: left(np.minimum(z, 0)) + right(dt.relu(2 * z)),
        lambda z: np.where(z > 0.25, right(z), left(z)),
    ][rng.integers(8)]


def near_kinks(rng, problem, bounder, rows):
    """Return rows at, just above and just below the kink of a hub."""
    first = next((d for d in bounder.program.rules if not d.is_spoke), None)
    if first is None:
        return np.zeros((0, problem.size))
    form = first.form
    ((term, c),) = form.parts.items()
    slopes = np.zeros((problem.size, first.target.size))
    slopes[term.coordinate] = c.lower
    found = []
    for row in rows:
        j = rng.integers(slopes.shape[1])
        i = np.argmax(np.abs(slopes[:, j]))
        if slopes[i, j] == 0:
            continue
        z = row @ slopes[:, j] + form.constant.lower[j]
        at = row[i] - z / slopes[i, j]
        for end in (at, np.nextafter(at, 2), np.nextafter(at, -2), at + 1e-9):
            moved = row.copy()
            moved[i] = end
            found.append(moved)
    found = np.array(found).reshape(-1, problem.size)
    return found[(np.abs(found) <= 1).all(axis=1)]


def cut_at_zero(regions, rows, values):
    """Return the regions cut where hubs change their sign, with open lower ends."""
    low, high, opened = regions.low.copy(), regions.high.copy(), regions.open.copy()
    n = rows.shape[1]
    for k, value in enumerate(values):
        for j in range(n, len(value)):
            if not low[k, j] < 0 < high[k, j]:
                continue
            if value[j] > 0:
                low[k, j], opened[k, j] = 0.0, True
            else:
                high[k, j] = 0.0
    return Regions(low, high, opened, regions.bound, regions.state)


@pytest.mark.drawn
@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize("seed", seeds(2, 30))
def test_no_value_exceeds_a_bound(seed):
    rng = np.random.default_rng(seed)
    hub = plus if seed % 2 else minus
    problem = gradient_norm(random_activation(rng), hub, 3, 3, seed)
    bounder = cluster_bounder_of(problem)
    if bounder is None:
        return
    coordinates = Coordinates(problem, bounder)
    regions, rows = random_regions(rng, bounder, coordinates, draws(4, 12), 2)
    some = np.concatenate([rows, rng.uniform(-1, 1, (300, 3)), corners(3)])
    some = np.concatenate([some, near_kinks(rng, problem, bounder, some[:100])])
    for cut in (regions, cut_at_zero(regions, rows, coordinates(rows)[1])):
        upper = bounder.bound(cut, 1e-9).upper
        assert not violations(bounder, coordinates, cut, upper, some)


@pytest.mark.parametrize("seed", seeds(3, 100))
def test_the_sides_are_the_function_at_each_number_of_theirs(seed):
    rng = np.random.default_rng(seed)
    problem = gradient_norm(random_activation(rng), plus, 2, 3, seed)
    bounder = cluster_bounder_of(problem)
    if bounder is None:
        return
    for group in bounder.program.groups:
        for z in (-3.5, -0.125, -1e-300, 0.0, 5e-324, 1e-9, 0.25, 2.0):
            point = {group.vector: np.full(group.size, z)}
            for f in group.functions:
                side = f.right if z > 0 else f.left
                pair = [_exact(v, point) for v in (f.full, side)]
                assert pair[0] is None or pair[0] == pair[1], (z, f.full, side)


def _exact(v, point):
    total = (v * dt.constant(np.arange(1.0, v.size + 1))).sum()
    ball = evaluate_exactly(total, {s.name: x for s, x in point.items()})
    return float(ball.mid()) if ball.is_finite() else None


def test_zero_belongs_to_the_left_side():
    z = symbol("z", (2,))
    left, right = KinkSide(z, False), KinkSide(z, True)
    above, below = is_positive(z), is_positive(-z)

    def of(side, c):
        found = side.decided(c.op, c.args, c.attrs)
        return None if found is None else float(np.ravel(found.evaluate({}))[0])

    assert (of(left, above), of(right, above)) == (0.0, 1.0)
    assert (of(left, below), of(right, below)) == (None, 0.0)
