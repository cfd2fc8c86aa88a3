"""A recognised network is never bounded less well than the gradient's enclosure."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.training.step_bounds import EnclosedBound
from deuterium.transform import grad
from tests.amounts import seeds, some
from tests.privacy.training import cases
from tests.privacy.training.cases import Case, exactly

ClipFreeSGD = partial(privacy.ClipFreeSGD, relation="add_or_remove_one")

SCALES = [(0.01, 0.1, 0.5, 1.0, 1.0, 2.0, 5.0, 10.0), (1e-60, 1e-9, 1.0, 30.0, 1e4)]
# what is made up for rounding, layer by layer, times what weights make of it
ROUNDED, ROUNDED_LARGE = 1 + 1e-7, 1 + 1e-4


def enclosed(trainer):
    """Return what encloses the norm of the gradient of any loss."""
    symbols = trainer._weights
    slopes = grad(trainer._single, list(symbols.values()))
    return EnclosedBound(dict(zip(symbols, slopes, strict=True)), trainer._rows)


def every_factor(weights, rng):
    """Give the factors of the whole gradient, of each part, and some others."""
    yield {}
    for name in weights:
        yield {n: float(n == name) for n in weights}
    yield {n: float(10.0 ** rng.uniform(-3, 3)) for n in weights}


@pytest.mark.parametrize("sizes", some([(s,) for s in SCALES], 1))
@pytest.mark.parametrize("seed", seeds(1, 10, start=501))
def test_no_bound_is_looser_than_the_enclosure(seed, sizes, monkeypatch):
    monkeypatch.setattr(cases, "SIZES", sizes)
    check(Case(seed), ROUNDED if max(sizes) < 100 else ROUNDED_LARGE)


@pytest.mark.long
@pytest.mark.parametrize("sizes", SCALES)
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_no_bound_is_looser_in_many_draws(seed, sizes, monkeypatch):
    monkeypatch.setattr(cases, "SIZES", sizes)
    check(Case(seed), ROUNDED if max(sizes) < 100 else ROUNDED_LARGE)


def check(case, rounded):
    """Compare with the enclosure, and with a record's gradient worked out exactly."""
    trainer = case.trainer()
    plain, norms = enclosed(trainer), case.norms(trainer)
    for turn in range(2):
        if turn:
            for n, w in trainer.parameters.items():
                trainer.parameters[n] = w * 0.7 + case.rng.normal(size=w.shape) * 0.1
        now = trainer.parameters
        point = {**case.worst(trainer, norms), **now}
        exact = dict(zip(now, [exactly(v, point) for v in norms], strict=True))
        for i, factors in enumerate(every_factor(now, case.rng)):
            found = trainer._bound(now, factors, kind=f"{i}")
            least = plain(now, factors)
            assert found <= least * rounded + 1e-60 or not least < math.inf
            squares = [factors.get(n, 1.0) * p * p for n, p in exact.items()]
            assert not sum(squares).sqrt().lower() > found


def deep(seed, hidden=3, scale=1.0, **more):
    """Return a trainer of several tanh layers."""
    rng = np.random.default_rng(seed)
    sizes = [6, *[5] * hidden, 1]
    weights = {
        f"w{i}": rng.normal(size=sizes[i : i + 2]) * scale for i in range(hidden + 1)
    }

    def loss(x, y, **w):
        h = x
        for i in range(hidden):
            h = np.tanh(h @ w[f"w{i}"])
        return ((h @ w[f"w{hidden}"])[:, 0] - y) ** 2

    x, y = dt.symbol("x", shape=(6,)), dt.symbol("y")
    domain = dt.Box({x: (-1, 1), y: (-1, 1)})
    settings = {"noise_multiplier": 1.0, "learning_rate": 1e-8, "count": 10, **more}
    return ClipFreeSGD(loss, weights, domain, **settings, insecure_rng=0)


@pytest.mark.long
@pytest.mark.parametrize("seed", seeds(1, 4))
def test_three_layers_that_saturate(seed):
    """Lengths layer by layer know nothing of cancelling and saturating units."""
    trainer = deep(seed, scale=3.0)
    data = {"x": np.zeros((10, 6)), "y": np.zeros(10)}
    for _ in range(3):
        plain = enclosed(trainer)
        assert trainer.bound() <= plain(trainer.parameters) * ROUNDED
        for n, part in trainer.bounds().items():
            only = {m: float(m == n) for m in trainer.parameters}
            assert part <= plain(trainer.parameters, only) * ROUNDED
        trainer.step(data)


@pytest.mark.parametrize("bad", [math.inf, math.nan, 1e60])
@pytest.mark.parametrize("kind", some(["one", "enclosed", "deep", "classes"], 2))
def test_weights_beyond_all_numbers_have_no_bound(kind, bad):
    """By the bound itself, whatever the trainer makes sure of; records around zero."""
    if kind == "deep":
        trainer = deep(0)
    else:
        k = 3 if kind == "classes" else 1
        act = np.arctan if kind == "enclosed" else np.tanh
        x, y = dt.symbol("x", shape=(4,)), dt.symbol("y", shape=(k,))
        labels = dt.OneHot(y) if k > 1 else dt.Box({y: (0, 1)})

        def loss(x, y, w0, w1):
            t = act(x @ w0) @ w1
            return -(y * dt.log_softmax(t)).sum(1) if k > 1 else (t - y)[:, 0] ** 2

        weights = {"w0": np.ones((4, 2)), "w1": np.ones((2, k))}
        settings = {"noise_multiplier": 1.0, "learning_rate": 1.0, "count": 1}
        trainer = ClipFreeSGD(loss, weights, dt.Box({x: (-1, 1)}) & labels, **settings)
    for name in trainer.parameters:
        weights = {n: w.copy() for n, w in trainer.parameters.items()}
        weights[name][0, 0] = bad
        assert not trainer._bound(weights) < math.inf
