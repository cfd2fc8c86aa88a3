"""Bounds of a step for losses of many kinds: no search finds a longer gradient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium.domain.domain import Domain
from deuterium.privacy.training.hub_tables import HubTable
from deuterium.privacy.training.step_lagrangian import proved
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.step_ranges import spectral
from deuterium.privacy.training.step_rows import mixed
from tests.amounts import seeds
from tests.privacy.training.cases import ClipFreeSGD, exactly

pytest.importorskip("flint")

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky": lambda z: np.maximum(z, 0.1 * z),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(z, 0),
    "by exp": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
}


def cross_entropy(t, y):
    return -(y * dt.log_softmax(t)).sum(1)


def smoothed(t, y):
    return -((0.9 * y + 0.1 / y.shape[1]) * dt.log_softmax(t)).sum(1)


def squares(t, y):
    return np.square(t - y).sum(1)


def logistic(t, y):
    return -(y * log_expit(t) + (1 - y) * log_expit(-t)).sum(1)


def hinge(t, y):
    return np.maximum(0, 1 - (2 * y - 1) * t).sum(1)


HEADS = {f.__name__: f for f in (cross_entropy, smoothed, squares, logistic, hinge)}


def layers(x, w, act):
    for i in range(2):
        if f"w{i}" in w:
            x = act(x @ w[f"w{i}"] - w[f"b{i}"])
    return x @ w["v"]


def skipping(x, w, act):
    return (x + act(x @ w["w0"]) @ w["u"]) @ w["v"]


def convolved(x, w, act):
    windows = np.lib.stride_tricks.sliding_window_view(x, 2, axis=1)
    return act(windows @ w["k"]).mean(axis=1) @ w["v"]


def gated(x, w, act):
    return (act(x @ w["w0"]) * np.tanh(x @ w["u"])) @ w["v"]


def shapes(kind, m, h, k):
    return {
        "one": {"w0": (m, h), "b0": (h,), "v": (h, k)},
        "two": {"w0": (m, h), "b0": (h,), "w1": (h, 2), "b1": (2,), "v": (2, k)},
        "skipping": {"w0": (m, h), "u": (h, m), "v": (m, k)},
        "convolved": {"k": (2, 2), "v": (2, k)},
        "gated": {"w0": (m, h), "u": (m, h), "v": (h, k)},
    }[kind]


NETWORKS = {
    "one": layers,
    "two": layers,
    "skipping": skipping,
    "convolved": convolved,
    "gated": gated,
}


class AnyLoss:
    """A random loss with its weights and domain, by a seed."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        kind, act = rng.choice(list(NETWORKS)), rng.choice(list(ACTIVATIONS))
        head = rng.choice(list(HEADS))
        m, h, k = int(rng.integers(2, 4)), 3, int(rng.choice([1, 2, 3]))
        if head in ("cross_entropy", "smoothed"):
            k = max(k, 2)
        scale = rng.choice([0.1, 1.0, 1.0, 4.0])
        self.weights = {
            n: rng.normal(size=s) * scale for n, s in shapes(kind, m, h, k).items()
        }
        network, activation, last = NETWORKS[kind], ACTIVATIONS[act], HEADS[head]
        self.loss = lambda x, y, **w: last(network(x, w, activation), y)
        x, y = dt.symbol("x", shape=(m,)), dt.symbol("y", shape=(k,))
        several = k > 1 and (
            head in ("cross_entropy", "smoothed") or rng.random() < 0.5
        )
        labels = dt.OneHot(y) if several else dt.Box({y: (0, 1)})
        center = rng.normal(size=m) * rng.choice([0, 1])
        inputs = [
            dt.Box({x: (center - 1, center + 1)}),
            dt.Ball(x, center, 1.0),
            dt.OneHot(x),
        ]
        self.domain = inputs[rng.choice(3, p=[0.6, 0.2, 0.2])] & labels

    def trainer(self):
        return ClipFreeSGD(
            self.loss,
            self.weights,
            self.domain,
            noise_multiplier=1.0,
            learning_rate=1.0,
            count=1,
            insecure_rng=0,
        )


def longest(trainer, seed):
    """Return the longest gradient that a search finds, worked out exactly."""
    one = trainer._one
    named = {n: dt.constant(w) for n, w in trainer.parameters.items()}
    total = trainer.loss(**one, **named).reshape(())
    norm = dt.norm(dt.grad(total, list(named.values())))
    box = Domain(trainer.domain.constraints, {})
    found = dt.search(norm, box, starts=4, seed=seed)
    point = {n: np.asarray(v) for n, v in found.witness.items()}
    return exactly(norm, point)


@pytest.mark.parametrize("seed", seeds(2, 50))
def test_no_search_exceeds_a_bound(seed):
    case = AnyLoss(seed)
    trainer = case.trainer()
    for turn in range(3):
        if turn:  # a little, and a lot
            for n, w in trainer.parameters.items():
                size = 1e-3 if turn == 1 else 0.3
                trainer.parameters[n] = w + case.rng.normal(size=w.shape) * size
        bounds = [trainer.bound(), trainer.bound()]  # the second one's ranges are kept
        assert longest(trainer, seed) <= min(bounds)


def test_most_losses_are_taken_apart():
    taken = [AnyLoss(seed).trainer().method == "star clusters" for seed in range(10)]
    assert sum(taken) >= 9


SPELLINGS = {
    "x @ w + b": lambda x, w, b, v: np.tanh(x @ w + b) @ v,
    "x @ w - (-b)": lambda x, w, b, v: np.tanh(x @ w - (-b)) @ v,
    "einsum": lambda x, w, b, v: np.tanh(np.einsum("ni,ij->nj", x, w) + b) @ v,
    "exponentials": lambda x, w, b, v: (2 / (1 + np.exp(-2 * (x @ w + b))) - 1) @ v,
    "one more axis": lambda x, w, b, v: (np.tanh(x[:, None] @ w + b) @ v)[:, 0],
}


def test_spellings_have_one_bound(rng):
    weights = {
        "w": rng.normal(size=(4, 3)),
        "b": rng.normal(size=3),
        "v": rng.normal(size=(3, 1)),
    }
    x, y = dt.symbol("x", shape=(4,)), dt.symbol("y")
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    settings = {"noise_multiplier": 1.0, "learning_rate": 1.0, "count": 1}
    bounds = []
    for spelled in SPELLINGS.values():

        def loss(x, y, w, b, v, spelled=spelled):
            t = spelled(x, w, b, v)[:, 0]
            return np.logaddexp(0, t) - y * t

        trainer = ClipFreeSGD(loss, weights, domain, **settings)
        assert trainer.method == "star clusters"
        bounds.append(trainer.bound())
    assert max(bounds) <= 1.01 * min(bounds)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_tables_are_above_every_combination(name, rng):
    """Between nodes, at the ends of ranges, either side of a kink."""
    x = dt.symbol("x", shape=(1,))
    program = StepProgram({}, {"x": (1,)}, {})
    f = ACTIVATIONS[name](2 * x)
    several = dt.simplify([f, dt.grad(f.sum(), x), np.square(f)])
    program.share(sum(several).sum())
    for v in several:
        program.kind(v)
        program.sum_of(v)
    group = program.groups[1]
    table = HubTable(group.vector, group.functions, [{}], 0.1)
    low = rng.normal(size=40) * rng.choice([0.1, 1.0, 10.0], 40)
    high = low + rng.exponential(size=40) * rng.choice([0.0, 0.01, 1.0, 10.0], 40)
    low[:4], high[4:8] = 0.0, np.maximum(low[4:8], 0.0)
    low = np.minimum(low, high)
    ends = np.array([low, high])[:, None]
    own, inner = table.looked_at(ends)
    c = rng.normal(size=(len(group.functions) + 1, 1, 40))
    share = np.linspace(0, 1, 501)[:, None]
    z = np.clip(low + (high - low) * share, low, high)
    z[:-1][z[:-1] == 0] += 1e-9  # a kink's value belongs to its left side
    z = np.clip(z, low, high)
    functions = [f.full for f in group.functions]
    found = dt.compile([group.vector], functions)(z[..., None])
    values = [*(np.asarray(v).reshape(z.shape) for v in found), np.ones(z.shape)]
    top = np.maximum(own.largest(c).max(axis=0), inner.largest(c).max(axis=0))[0]
    every = sum(a * v for a, v in zip(c[:, 0], values, strict=True))
    assert (every <= top + 1e-9 * (1 + np.abs(top))).all()
    least, most = table.ranges(ends)
    for k, v in enumerate(values):
        assert (v >= least[0, :, k] - 1e-9 * (1 + np.abs(v))).all()
        assert (v <= most[0, :, k] + 1e-9 * (1 + np.abs(v))).all()


def test_spectral_norms_and_energies(rng):
    for shape in ((3, 5), (6, 2), (8, 8)):
        a = rng.normal(size=(4, *shape)) * 10.0 ** rng.integers(-60, 30, (4, 1, 1))
        norms = np.linalg.norm(a, 2, axis=(1, 2))
        found = spectral(a)
        assert (found >= norms).all()
        assert (found <= 1.2 * norms).all()
        nu, scale = (
            rng.exponential(size=(4, shape[1])),
            rng.exponential(size=(4, shape[0])),
        )
        t = proved(a, np.abs(a), nu, scale)
        for k in range(4):
            left = t[k] * np.diag(scale[k]) - a[k] @ np.diag(nu[k]) @ a[k].T
            assert np.linalg.eigvalsh(left)[0] >= -1e-12 * np.abs(left).max()


def test_mixtures_of_classes(rng):
    for _ in range(200):
        norms = rng.exponential(size=(3, 4))
        p = rng.dirichlet(np.ones(4))
        low, high = p * rng.random(4), p + (1 - p) * rng.random(4)
        found = mixed(norms, low, high)
        assert (norms @ p <= found * (1 + 1e-12)).all()
        assert (found <= norms.max(axis=1) * (1 + 1e-9)).all()
