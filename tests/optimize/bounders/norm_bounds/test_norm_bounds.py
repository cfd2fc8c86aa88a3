"""Norm bounds of whole networks: never below a value found, and close to it."""

import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.interval import spectral_norm
from deuterium.optimize.bounders.norm_bounds import (
    norm_bounder_of,
    norm_propagation,
    norm_rules,
    saturating,
)
from deuterium.optimize.region import Regions
from tests.amounts import seeds, some
from tests.standard_problems import gradient_norm, graph, make

ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}


def network(rng, units, activation, head, scale):
    """Return the input and the gradient norm of a random network's loss."""
    x = dt.symbol("x", shape=(1, units[0]))
    h, parameters = x, []
    for i, (a, b) in enumerate(pairwise(units)):
        w = dt.constant(scale * rng.normal(size=(a, b)) / np.sqrt(a))
        c = dt.constant(scale * rng.normal(size=b) / np.sqrt(a))
        parameters += [w, c]
        h = h @ w + c
        if i < len(units) - 2:
            h = ACTIVATIONS[activation](h)
    if head == "softmax":
        loss = -dt.log_softmax(h)[0, 0]
    elif head == "sigmoid":
        loss = -np.sum(log_expit(h))
    else:
        loss = np.sum(np.square(h - 1.0))
    return x, dt.norm(dt.grad(loss, parameters))


def ascend(v, x, low, high, rng, starts=16, steps=24):
    """Return the values and points of a projected ascent from random points."""
    fn = dt.compile([x], [v, dt.grad(v, x)])
    at = rng.uniform(low, high, (starts, 1, x.size))
    at[: starts // 2] = np.where(rng.random(at[: starts // 2].shape) < 0.5, low, high)
    values, points = [], []
    for k in range(steps):
        value, slope = fn(at)
        values.append(value)
        points.append(at)
        slope /= np.linalg.norm(slope, axis=-1, keepdims=True) + 1e-300
        at = np.clip(at + (high - low) * 0.6 * (1 - k / steps) * slope, low, high)
    return np.concatenate(values), np.concatenate(points)


def certified(v, x, point):
    """Return a value certainly reached at a point."""
    return float(dt.enclose(v, dt.Box({x: (point, point)})).lower)


CASES = [
    (units, activation, head, scale)
    for units in ([10, 8, 1], [5, 12, 9, 4], [9, 8, 7, 6, 3])
    for activation in ACTIVATIONS
    for head in ("sigmoid", "softmax", "square")
    for scale in (0.7, 4.0)
    if head != "softmax" or units[-1] > 1
]
CASES = [case for k in range(3) for case in CASES[k::3]]  # the first are of every kind


@pytest.mark.parametrize("seed", seeds(1, 3))
@pytest.mark.parametrize(
    ("units", "activation", "head", "scale"), some(CASES, 3), ids=lambda c: str(c)
)
def test_no_value_exceeds_the_bound(units, activation, head, scale, seed):
    rng = np.random.default_rng(seed + 10 * len(units))
    x, v = network(rng, units, activation, head, scale)
    problem = Problem(v, dt.Box({x: (-1, 1)}))
    bounder = norm_bounder_of(problem)
    assert bounder is not None
    # the whole box and some parts of it, one of them a point
    low, high = np.full((6, x.size), -1.0), np.full((6, x.size), 1.0)
    for b in range(1, 6):
        ends = np.sort(rng.uniform(-1, 1, (2, x.size)), axis=0)
        low[b], high[b] = ends if b < 5 else (ends[0], ends[0])
    with np.errstate(all="ignore"):
        cheap, _ = bounder.certify(low, high, sharp=False)
        sharp, proofs = bounder.certify(low, high, sharp=True)
    assert np.all(sharp <= cheap)
    assert np.all(np.isfinite(sharp))
    json.dumps(proofs, allow_nan=False)
    for b in range(6):
        values, points = ascend(v, x, low[b], high[b], rng)
        best = certified(v, x, points[np.argmax(values)])
        assert best <= sharp[b]
        assert np.all(values <= sharp[b] * (1 + 1e-12))  # evaluated in floating point
    plain = dt.enclose(v, dt.Box({x: (low[:, None], high[:, None])})).upper
    assert sharp[0] <= plain[0] * (1 + 1e-9)
    assert sharp[5] <= plain[5] * (1 + 1e-6)  # a point


def test_regions_in_a_batch_have_the_bounds_they_have_alone():
    rng = np.random.default_rng(3)
    x, v = network(rng, [5, 8, 6, 3], "tanh", "softmax", 2.0)
    bounder = norm_bounder_of(Problem(v, dt.Box({x: (-1, 1)})))
    ends = np.sort(rng.uniform(-1, 1, (2, 40, 5)), axis=0)
    regions = Regions(
        ends[0],
        ends[1],
        np.zeros((40, 5), bool),
        np.full(40, np.inf),
        np.zeros((40, 0)),
    )
    together = bounder.bound(regions, 0.0)
    assert together.upper.shape == (40,)
    assert np.all((ends[0] < together.at[:, None]).any(axis=1))
    for b in (0, 17, 39):
        alone = bounder.bound(regions.take([b]), 0.0)
        assert alone.upper[0] <= together.upper[b] * (1 + 1e-12)
        value = dt.enclose(v, dt.Box({x: (together.points[b : b + 1],) * 2})).lower
        assert value.max() <= alone.upper[0]


def test_branch_and_bound_closes_in():
    rng = np.random.default_rng(5)
    x, v = network(rng, [2, 8, 3], "sigmoid", "softmax", 1.0)
    bounder = norm_bounder_of(Problem(v, dt.Box({x: (-1, 1)})))
    regions = bounder.root()
    first = bounder.bound(regions, 0.0).upper[0]
    low, high = np.array([[-1.0, -1.0]]), np.array([[1.0, 1.0]])
    for _ in range(8):
        axis = int(np.argmax(high[0] - low[0]))
        middle = 0.5 * (low[:, axis] + high[:, axis])
        left, right = high.copy(), low.copy()
        left[:, axis] = right[:, axis] = middle
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
    with np.errstate(all="ignore"):
        upper, _ = bounder.certify(low, high, sharp=False)
    values, points = ascend(v, x, -np.ones(2), np.ones(2), rng)
    best = certified(v, x, points[np.argmax(values)])
    assert best <= upper.max() <= 1.12 * best
    assert upper.max() < first


def test_a_ball_is_smaller_than_its_box():
    rng = np.random.default_rng(8)
    x, v = network(rng, [40, 30, 1], "tanh", "sigmoid", 1.0)
    centre = rng.normal(size=(1, 40)) * 0.1
    ball = Problem(v, dt.Ball(x, centre, 1.0))
    box = Problem(v, dt.Box({x: (centre - 1.0, centre + 1.0)}))
    small, large = (norm_bounder_of(p).first()[0] for p in (ball, box))
    assert small < 0.5 * large
    points = rng.normal(size=(500, 1, 40))
    points = centre + points / np.linalg.norm(points, axis=-1, keepdims=True) * 0.999999
    (values,) = dt.compile([x], [v])(points)
    assert values.max() <= small


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.sqrt(np.sum(np.square(np.log(x)))),
        lambda x: np.sqrt(np.sum(np.square(1 / x))) + 0 * np.sum(x),
        lambda x: np.sum(np.square(np.tanh(np.sqrt(x)))),
        lambda x: np.sum(np.square(dt.softmax(np.log(x)) @ np.ones((9, 9)))),
    ],
)
def test_undefined_values_are_no_bound(make):
    x = dt.symbol("x", shape=(1, 9))
    bounder = norm_bounder_of(Problem(make(x), dt.Box({x: (-1, 1)})))
    low, high = np.full((2, 9), -1.0), np.full((2, 9), 1.0)
    low[1] = 0.5  # here all is well
    with np.errstate(all="ignore"):
        for sharp in (False, True):
            upper, proofs = bounder.certify(low, high, sharp=sharp)
            assert upper[0] == np.inf
            assert np.isfinite(upper[1])
            assert proofs[1][0] == "norms"


def test_graphs_without_long_arrays_are_left_to_others():
    x, y = dt.symbol("x"), dt.symbol("y", shape=(3,))
    assert norm_bounder_of(Problem(x * x, dt.Box({x: (-1, 1)}))) is None
    assert norm_bounder_of(Problem(np.sum(np.square(y)), dt.Box({y: (-1, 1)}))) is None
    assert norm_bounder_of(Problem(np.sin(x), dt.Box({x: (-1, 1)}))) is None


# -- planted errors: the test above would see them ---


def is_sound(activation, head="softmax", scale=1.0, units=(20, 24, 16, 3)):
    """Return whether a bound exceeds what an ascent finds, in a tight case."""
    rng = np.random.default_rng(1)
    x, v = network(rng, list(units), activation, head, scale)
    low, high = np.full((1, x.size), -0.01), np.full((1, x.size), 0.01)
    bounder = norm_bounder_of(Problem(v, dt.Box({x: (-0.01, 0.01)})))
    with np.errstate(all="ignore"):
        upper, _ = bounder.certify(low, high, sharp=True)
    values, _ = ascend(v, x, low[0], high[0], rng)
    return values.max() <= upper[0]


def test_the_tight_case_is_sound_as_it_stands():
    assert all(is_sound(a) for a in ACTIVATIONS)


def shrunk(module, name, factor):
    old = getattr(module, name)
    return lambda *args, **kw: factor * old(*args, **kw)


def test_planted_errors_are_seen(monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(
            norm_propagation,
            "spectral_norm",
            shrunk(spectral_norm, "spectral_norm", 0.2),
        )
        m.setattr(norm_rules, "cut", lambda ends, centre, width: ends)
        assert not is_sound("relu", "sigmoid", units=(20, 24, 16, 1))
    with monkeypatch.context() as m:
        m.setattr(norm_propagation, "_corners", lambda v, k: _corner_too_few(v, k))
        assert not is_sound("tanh")
    with monkeypatch.context() as m:
        m.setattr(saturating, "root", shrunk(saturating, "root", 0.5))
        assert not is_sound("sigmoid")


_corners = norm_propagation._corners


def _corner_too_few(v, vertices):
    return _corners(v, [0 for _ in vertices])


# -- how close ---


LIMITS = {  # times intervals alone: cheap, and sharp
    ("S4", "sigmoid"): (0.80, 0.80),
    ("S4", "tanh"): (1.0, 1.0),
    ("S4", "relu"): (0.40, 0.40),
    ("S5", "sigmoid"): (0.25, 0.22),
    ("S5", "tanh"): (0.10, 0.08),
    ("S5", "relu"): (0.05, 0.04),
}


@pytest.mark.parametrize("seed", some([0, 7], 1))
@pytest.mark.parametrize(("size", "activation"), sorted(LIMITS))
def test_standard_problems_are_bounded_closely(size, activation, seed):
    p = make(size, activation, seed=seed)
    x, v = graph(p)
    problem = Problem(v, dt.Box({x: (-1, 1)}))
    plain = float(dt.enclose(v, dt.Box({x: (-1, 1)})).upper)
    bounder = norm_bounder_of(problem)
    cheap, _ = bounder.first()
    sharp = bounder.bound(bounder.root(), 0.0).upper[0]
    limits = LIMITS[size, activation]
    assert cheap <= limits[0] * plain
    assert sharp <= limits[1] * plain
    rng = np.random.default_rng(seed)
    rows = np.sign(rng.normal(size=(64, p.inputs)))
    assert gradient_norm(p, rows).max() <= sharp
