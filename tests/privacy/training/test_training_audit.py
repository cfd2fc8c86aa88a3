"""Whole training runs, audited: the adversary sees every step's weights.

It knows all records but one and works out the likelihood ratio of what it sees, with
that record and without, which is the best score there is.  The noise is chosen so that
an audit with a few thousand runs shows more than half the noise would promise.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.training import parameter_noise
from tests.privacy.mechanisms.audit import epsilon_lower_bound

ClipFreeSGD = partial(privacy.ClipFreeSGD, relation="add_or_remove_one")

pytestmark = pytest.mark.long  # by default the scales are compared: test_noise_by_layer

DELTA, CONFIDENCE = 0.01, 0.99
STEPS, RUNS, COUNT = 2, 2000, 10.0


def cross_entropy(t, y):
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def linear(x, y, w):
    return cross_entropy((x @ w)[:, 0], y)


def layered(x, y, w1, w2):
    return cross_entropy((np.tanh(x @ w1) @ w2)[:, 0], y)


def made(kind, multiplier):
    """Return a trainer, and the data with the record and without."""
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    loss, weights = linear, {"w": np.array([[0.1], [0.2]])}
    more = {
        "full batch": {},
        "Poisson": {"sampling_probability": 0.5},
        "clipped": {"clip": 0.3},
        "replaced": {"relation": "replace_one"},
        "per layer": {"per_layer": True},
    }[kind]
    if kind == "per layer":
        domain = dt.Box({x: (np.array([-1.0, 0.5]), np.array([1.0, 0.5]))})
        domain = domain & dt.Choice(y, [0, 1])
        w1 = np.array([[0.1, 0.05], [0.02, 0.01]])
        loss, weights = layered, {"w1": w1, "w2": np.array([[0.1], [0.05]])}
    trainer = ClipFreeSGD(
        loss,
        weights,
        domain,
        noise_multiplier=multiplier,
        learning_rate=0.3,
        count=COUNT,
        insecure_rng=5,
        **more,
    )
    nobody = [0.0, 0.5] if kind == "per layer" else [0.0, 0.0]
    mine = [1.0, 0.5] if kind == "per layer" else [1.0, 1.0]
    if kind == "replaced":  # as far apart as two records can be
        both = np.array([[nobody, mine], [nobody, [-1.0, -1.0]]])
        data = [{"x": r, "y": np.array([1.0, 0.0])} for r in both]
    else:
        data = [
            {"x": np.array([nobody]), "y": np.ones(1)},
            {"x": np.array([nobody, mine]), "y": np.array([1.0, 0.0])},
        ]
    return trainer, data


def sums(trainer, rows):
    """Return the sum of gradients of all rows, none sampled."""
    if trainer.clip is None:
        return trainer._sums.all(rows.rows, trainer.parameters)
    everybody = np.arange(rows.count)
    return trainer._sums.some(rows.rows, trainer.parameters, everybody, trainer.clip)


def scores(trainer, data, member):
    """Return the log of the likelihood ratio of every run."""
    rows = [trainer.prepared(d) for d in data]
    q, start = trainer.sampling_probability, dict(trainer.parameters)
    found, first = np.zeros(RUNS), [sums(trainer, r) for r in rows]
    for i in range(RUNS):
        trainer.parameters, trainer._velocity = dict(start), None
        for step in range(STEPS):
            both = [sums(trainer, r) for r in rows] if step else first
            report = trainer.step(rows[member])
            sigmas = report.sigmas or dict.fromkeys(start, report.sigma)
            t = 0.0
            for n, s, a, b in zip(sigmas, trainer.seen, *both, strict=True):
                t += float(((s - (a + b) / 2) * (b - a)).sum()) / sigmas[n] ** 2
            found[i] += t if q == 1 else np.log1p(q * np.expm1(t))
    return found


@pytest.fixture
def seen(monkeypatch):
    """Keep what every step released."""
    original = privacy.ClipFreeSGD._released

    def released(self, *args):
        noisy = original(self, *args)
        self.seen = noisy
        return noisy

    monkeypatch.setattr(privacy.ClipFreeSGD, "_released", released)


KINDS = ["Poisson", "per layer", "full batch", "clipped", "replaced"]


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("kind", KINDS)
def test_runs_keep_their_promise(kind):
    """The same noise with half the sensitivity would be promised at twice the ratio."""
    multiplier = 0.6 if kind == "Poisson" else 0.7
    trainer, data = made(kind, multiplier)
    out, also = (scores(trainer, data, member) for member in (0, 1))
    lost = epsilon_lower_bound(out, also, DELTA, CONFIDENCE)
    promised = []
    for m in (multiplier, 2 * multiplier):
        told, rest = made(kind, m)
        told.fit(rest[1], STEPS)
        promised.append(told.epsilon_at(DELTA))
    assert promised[1] < lost <= promised[0]


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("kind", ["per layer", "full batch"])
def test_half_the_sensitivity_is_caught(kind, monkeypatch):
    monkeypatch.setattr(parameter_noise, "NOISE_ROUNDING", 0.5)  # a factor of sigma
    trainer, data = made(kind, 1.4)
    out, also = (scores(trainer, data, member) for member in (0, 1))
    told, _ = made(kind, 1.4)
    told.fit(data[1], STEPS)
    assert epsilon_lower_bound(out, also, DELTA, CONFIDENCE) > told.epsilon_at(DELTA)
