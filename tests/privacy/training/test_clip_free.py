"""Training without clipping: nobody's gradient is ever longer than the bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from tests.amounts import some
from tests.privacy.training.problems import (
    COUNT,
    KINDS,
    ClipFreeSGD,
    binary,
    problem,
    record_norms,
    start,
    worst_records,
)

SCALES = [0.2, 1.0, 3.0]
# each kind with one scale, and then with the others
SCALED = [(k, SCALES[(i + j) % 3]) for j in range(3) for i, k in enumerate(KINDS)]


@pytest.mark.parametrize(("kind", "scale"), some(SCALED, 2))
def test_no_step_exceeds_its_bound(kind, scale, rng):
    settings = {"noise_multiplier": 0.3, "learning_rate": 0.002}
    trainer, data, domain, loss = problem(kind, scale=scale, **settings)
    assert trainer.method == "star clusters"
    rows = trainer.prepared(data)
    mine = {k.name: np.asarray(v) for k, v in data.items()}
    for _ in range(6):
        bound = trainer.bound()
        for records in (mine, worst_records(domain, rng)):
            norms = record_norms(trainer, loss, domain, records)
            assert norms.max() <= bound
        report = trainer.step(rows)
        assert norms.max() <= report.bound  # the tangents may be others by now
        assert report.sensitivity == report.bound
        assert report.sigma >= 0.3 * report.sensitivity
    assert trainer.check(data) <= 1


@pytest.mark.parametrize(
    "kind", some(["classes tanh", "binary tanh", "binary expit"], 2)
)
def test_the_bound_is_near_the_largest_norm(kind):
    trainer, _, domain, loss = problem(kind, seed=3)
    shapes = domain.shapes
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in shapes.items()}
    weights = {n: dt.constant(w) for n, w in trainer.parameters.items()}
    g = dt.grad(loss(**one, **weights).sum(), list(weights.values()))
    box = dt.Domain(domain.constraints, {}) if hasattr(dt, "Domain") else None
    box = box or type(domain)(domain.constraints, {})
    found = dt.search(dt.norm(g), box, starts=16).value
    assert found <= trainer.bound() <= 2 * found


def test_the_sum_of_gradients_is_that_of_the_batch():
    trainer, data, domain, loss = problem("binary tanh")
    rows = trainer.prepared(data)
    sums = trainer._sum(rows, clipped=False)
    total = 0.0
    for name, part in zip(trainer.parameters, sums, strict=True):
        assert part.shape == trainer.parameters[name].shape
    step = 1e-6
    base = dict(trainer.parameters)

    def value(weights):
        one = {n: dt.symbol(n, shape=(COUNT, *s)) for n, s in domain.shapes.items()}
        symbols = {n: dt.symbol(n, shape=w.shape) for n, w in weights.items()}
        v = loss(**one, **symbols).sum()
        named = {k.name: x for k, x in data.items()}
        return float(v.evaluate({**named, **weights}))

    for name in ("w1", "b2"):
        place = (0,) * base[name].ndim
        up, down = base[name].copy(), base[name].copy()
        up[place] += step
        down[place] -= step
        total = (value({**base, name: up}) - value({**base, name: down})) / (2 * step)
        at = list(base).index(name)
        assert sums[at][place] == pytest.approx(total, rel=1e-6)


def test_noise_has_the_scale_it_says(rng):
    trainer, data, _, _ = problem("binary tanh", learning_rate=1.0)
    rows = trainer.prepared(data)
    start_weights = {n: w.copy() for n, w in trainer.parameters.items()}
    sums = trainer._sum(rows, clipped=False)
    noises = []
    for _ in range(300):
        trainer.parameters = dict(start_weights)
        report = trainer.step(rows)
        moved = [(start_weights[n] - w) * COUNT for n, w in trainer.parameters.items()]
        noises.append(
            np.concatenate([(m - s).ravel() for m, s in zip(moved, sums, strict=True)])
        )
    spread = np.std(noises)
    assert spread == pytest.approx(report.sigma, rel=0.03)
    assert abs(np.mean(noises)) < 4 * spread / math.sqrt(np.size(noises))


def test_the_accountant_runs_along():
    trainer, data, _, _ = problem("binary tanh")
    trainer.fit(data, 12)
    assert trainer.accountant.releases == len(trainer.history) == 12
    expected = privacy.Accountant("add_or_remove_one").compose(
        privacy.gaussian(
            1.0,
            noise_multiplier=5.0,
            relation="add_or_remove_one",
            trusted=True,
        ),
        12,
    )
    assert trainer.epsilon_at(1e-5) == expected.epsilon_at(1e-5)


def test_replacing_a_record_needs_twice_the_noise():
    """Sigma over C would promise four times too much Renyi divergence here."""
    added, data, _, _ = problem("binary tanh")
    replaced, _, _, _ = problem("binary tanh", relation="replace_one")
    a, b = added.step(data), replaced.step(data)
    assert a.bound == b.bound
    assert b.sensitivity == 2 * a.sensitivity
    assert b.sigma == 2 * a.sigma
    assert added.epsilon_at(1e-5) == replaced.epsilon_at(1e-5)


# -- batches, clipping, momentum, penalty ----------------------------------------------


def test_poisson_batches_take_about_the_share_asked_for():
    trainer, data, _, _ = problem("binary tanh", sampling_probability=0.2)
    rows = trainer.prepared(data)
    sizes = [trainer._drawn(rows.count).sum() for _ in range(400)]
    assert np.mean(sizes) == pytest.approx(12, abs=0.7)
    assert np.var(sizes) == pytest.approx(60 * 0.2 * 0.8, rel=0.25)
    trainer.fit(data, 5)
    full, _, _, _ = problem("binary tanh")
    full.fit(data, 5)
    assert trainer.epsilon_at(1e-5) < full.epsilon_at(1e-5)
    secure, _, _, _ = problem("binary tanh", sampling_probability=0.2)
    secure._rng = None
    drawn = np.concatenate([secure._drawn(1000) for _ in range(20)])
    assert drawn.mean() == pytest.approx(0.2, abs=0.02)


def test_a_batch_sums_those_drawn_and_nobody_else():
    trainer, data, _, _ = problem("classes tanh", sampling_probability=0.5)
    rows = trainer.prepared(data)
    trainer._drawn = lambda count: np.arange(count) < 7
    some = trainer._sum(rows, clipped=False)
    trainer.sampling_probability = 1.0
    few = {k: v[:7] for k, v in data.items()}
    exact = trainer._sum(trainer.prepared(few), clipped=False)
    for a, b in zip(some, exact, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
    trainer.sampling_probability = 0.5
    trainer._drawn = lambda count: np.zeros(count, dtype=bool)
    assert all((g == 0).all() for g in trainer._sum(rows, clipped=False))


def test_clipping_takes_the_smaller_of_both():
    trainer, data, domain, loss = problem("binary tanh", clip=0.5)
    rows = trainer.prepared(data)
    norms = record_norms(
        trainer, loss, domain, {k.name: np.asarray(v) for k, v in data.items()}
    )
    assert norms.max() > 0.5
    clipped = trainer._sum(rows, clipped=True)
    report = trainer.step(rows)
    assert report.bound > 0.5
    assert report.sensitivity == 0.5
    length = math.sqrt(sum(float((g * g).sum()) for g in clipped))
    assert length <= 0.5 * COUNT
    loose, _, _, _ = problem("binary tanh", clip=1e6)
    assert loose.step(data).sensitivity == loose.history[0].bound


@pytest.mark.parametrize("clip", [0.3, 1.0])
def test_a_clipped_sum_moves_by_at_most_the_clip(clip):
    trainer, data, _, _ = problem("classes tanh", clip=clip)
    whole = trainer._sum(trainer.prepared(data), clipped=True)
    for i in range(0, COUNT, 7):
        less = {k: np.delete(v, i, axis=0) for k, v in data.items()}
        part = trainer._sum(trainer.prepared(less), clipped=True)
        apart = sum(
            float(((a - b) ** 2).sum()) for a, b in zip(whole, part, strict=True)
        )
        assert math.sqrt(apart) <= clip * (1 + 1e-9)


def test_momentum_and_penalty():
    plain, data, _, _ = problem("binary tanh", noise_multiplier=1e-6)
    heavy, _, _, _ = problem("binary tanh", noise_multiplier=1e-6, momentum=0.9)
    decayed, _, _, _ = problem(
        "binary tanh",
        noise_multiplier=1e-6,
        penalty=lambda w1, b1, w2, b2: 5 * ((w1**2).sum() + (w2**2).sum()),
    )
    for t in (plain, heavy, decayed):
        t.learning_rate = 0.05
        t.fit(data, 10)

    def size(t):
        return sum(float((w**2).sum()) for w in t.parameters.values())

    assert size(decayed) < 0.5 * size(plain)
    assert decayed.bound() < plain.bound()
    moved = abs(heavy.parameters["w1"] - plain.parameters["w1"]).max()
    assert moved > 1e-3


def test_training_learns():
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(5,)), dt.symbol("y")
    records = rng.uniform(-1, 1, (2000, 5))
    labels = (records[:, 0] + records[:, 1] > 0) * 1.0
    weights = start(rng, [5, 4, 1], ["w1", "b1", "w2", "b2"], 0.5)
    m = privacy.noise_multiplier(3.0, 1e-5, relation="add_or_remove_one", steps=40)
    trainer = ClipFreeSGD(
        binary(np.tanh),
        weights,
        dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1]),
        noise_multiplier=m,
        learning_rate=2.0,
        count=2000,
        insecure_rng=1,
    ).fit({x: records, y: labels}, 40)
    p = trainer.parameters
    t = np.tanh(records @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    assert ((t[:, 0] > 0) == (labels > 0.5)).mean() > 0.85
    assert trainer.epsilon_at(1e-5) <= 3.0
