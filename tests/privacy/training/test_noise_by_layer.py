"""Noise for each parameter by what it needs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from tests.amounts import some
from tests.privacy.training.problems import (
    COUNT,
    KINDS,
    ClipFreeSGD,
    binary,
    problem,
    start,
    worst_records,
)

# -- noise by layer --------------------------------------------------------------------


@pytest.mark.parametrize("kind", some(KINDS, 1))
def test_noise_by_layer(kind, rng):
    trainer, data, domain, loss = problem(kind, per_layer=True, learning_rate=1e-3)
    even, _, _, _ = problem(kind, learning_rate=1e-3)
    records = worst_records(domain, rng)
    for _ in range(2):
        parts = trainer.bounds()
        now = {n: w.copy() for n, w in trainer.parameters.items()}
        even.parameters = dict(now)
        report, other = trainer.step(data), even.step(data)
        assert set(report.bounds) == set(report.sigmas) == set(now)
        assert report.sigma <= other.sigma * (1 + 1e-9)  # never more noise in all
        total = 0.0
        at = dict(trainer.parameters)
        trainer.parameters = now
        for n, norms in part_norms(trainer, loss, domain, records).items():
            assert norms.max() <= report.bounds[n] * (1 + 1e-12)
            assert norms.max() <= parts[n] * (1 + 1e-12)
            total = total + (norms / report.sigmas[n]) ** 2
        trainer.parameters = at
        assert math.sqrt(total.max()) <= 1 / 5.0  # one over the noise multiplier
    assert trainer.epsilon_at(1e-5) == even.epsilon_at(1e-5)


def part_norms(trainer, loss, domain, records):
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in domain.shapes.items()}
    weights = {n: dt.symbol(n, shape=w.shape) for n, w in trainer.parameters.items()}
    g = dt.grad(loss(**one, **weights).sum(), list(weights.values()))
    rows = {one[n]: x[:, None] for n, x in records.items()}
    fixed = {weights[n]: w for n, w in trainer.parameters.items()}
    count = len(next(iter(records.values())))
    return {
        n: np.linalg.norm(v.evaluate({**rows, **fixed}).reshape(count, -1), axis=1)
        for n, v in zip(weights, g, strict=True)
    }


def test_noise_by_layer_has_the_scales_it_says():
    trainer, data, _, _ = problem("classes tanh", per_layer=True, learning_rate=1.0)
    rows = trainer.prepared(data)
    first = {n: w.copy() for n, w in trainer.parameters.items()}
    sums = dict(zip(first, trainer._sum(rows, clipped=False), strict=True))
    noises = {n: [] for n in first}
    for _ in range(200):
        trainer.parameters = dict(first)
        report = trainer.step(rows)
        for n, w in trainer.parameters.items():
            noises[n].append((first[n] - w) * COUNT - sums[n])
    assert len(set(report.sigmas.values())) > 1
    for n, found in noises.items():
        assert np.std(found) == pytest.approx(report.sigmas[n], rel=0.1)


def test_noise_by_layer_is_less_where_layers_differ():
    """Many numbers with short gradients need not share the noise of a few long."""
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(60,)), dt.symbol("y")
    weights = start(rng, [60, 30, 1], ["w1", "b1", "w2", "b2"], 0.3)
    made = [
        ClipFreeSGD(
            binary(np.tanh),
            weights,
            dt.Box({x: (-0.05, 0.05)}) & dt.Choice(y, [0, 1]),
            noise_multiplier=1.0,
            learning_rate=1e-6,
            count=10,
            per_layer=by_layer,
            insecure_rng=0,
        )
        for by_layer in (False, True)
    ]
    data = {x: rng.uniform(-0.05, 0.05, (10, 60)), y: np.tile([0.0, 1.0], 5)}
    even, uneven = (t.step(data).sigma for t in made)
    assert uneven < 0.7 * even
