"""Private training three ways, on three small problems: what is compared, and how.

``clip-free`` is `deuterium.privacy.ClipFreeSGD`; ``clipped`` is the same with ``clip``
and nothing else (per-record norms, every gradient shortened to C, noise from C); and
``Opacus`` is its PrivacyEngine on the same network in torch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_expit, logsumexp

import deuterium as dt
from deuterium.privacy import ClipFreeSGD, noise_multiplier

DELTA = 1e-5
RELATION = "add_or_remove_one"
PAIRS = (("w1", "b1"), ("w2", "b2"))
SIZES = {"breast cancer": (30, 16, 1), "digits": (64, 32, 10), "bars": (25, 8, 1)}


@dataclass
class Task:
    """Records scaled to [-1, 1], labels, and how the network is made."""

    name: str
    train: tuple[Any, Any]
    test: tuple[Any, Any]

    @property
    def sizes(self):
        return SIZES[self.name]


def task(name, seed=0, share=0.8):
    """Return a problem, split by a seed; ``share=1`` trains on everything."""
    x, y = {"breast cancer": _cancer, "digits": _digits, "bars": _bars}[name]()
    order = np.random.default_rng(1000 + seed).permutation(len(x))
    cut = int(share * len(x))
    first, rest = order[:cut], order[cut:]
    return Task(name, (x[first], y[first]), (x[rest], y[rest]))


def _cancer():
    from deuterium.demo.breast_cancer import load_records

    _, x, y = load_records()
    return x, y


def _digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 8 - 1, np.eye(10)[data.target]  # pixels are 0 to 16


def _bars(count=1000, noise=0.2):
    """5x5 images with the middle column (0) or the middle row (1) lit."""
    rng = np.random.default_rng(7)
    images = np.zeros((2 * count, 5, 5))
    images[:count, :, 2] = 1
    images[count:, 2, :] = 1
    images = np.clip(images + rng.normal(0, noise, images.shape), 0, 1)
    return images.reshape(-1, 25) * 2 - 1, np.repeat([0.0, 1.0], count)


def binary(x, y, w1, b1, w2, b2):
    t = (np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0]
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def classes(x, y, w1, b1, w2, b2):
    return -(y * dt.log_softmax(np.tanh(x @ w1 + b1) @ w2 + b2)).sum(1)


def start(sizes, seed, size=0.5):
    rng = np.random.default_rng(seed)
    m, h, k = sizes
    return {
        "w1": rng.normal(size=(m, h)) * size / np.sqrt(m),
        "b1": np.zeros(h),
        "w2": rng.normal(size=(h, k)) * size / np.sqrt(h),
        "b2": np.zeros(k),
    }


def shown(x, scale=1.0, radius=None):
    """Return records as they are trained on: smaller, and moved into a ball."""
    x = x * scale
    if radius is None:
        return x
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x * np.minimum(1.0, radius * (1 - 1e-9) / np.maximum(length, 1e-9))


def trainer(
    t,
    multiplier,
    rate,
    seed,
    *,
    scale=1.0,
    radius=None,
    decay=0.0,
    clip=None,
    per_layer=False,
    regulariser=0.0,
    count=None,
):
    """Return a trainer; ``decay`` shrinks the weights; for the rest see `shown`."""
    m, _, k = t.sizes
    x = dt.symbol("x", shape=(m,))
    y = dt.symbol("y", shape=() if k == 1 else (k,))
    labels = dt.Choice(y, [0, 1]) if k == 1 else dt.OneHot(y)
    records = dt.Box({x: (-scale, scale)}) & labels
    if radius is not None:
        records = records & dt.Ball(x, np.zeros(m), radius)
    shrink = None
    if decay:

        def shrink(w1, b1, w2, b2):
            return decay / 2 * ((w1**2).sum() + (w2**2).sum())

    return ClipFreeSGD(
        binary if k == 1 else classes,
        start(t.sizes, seed),
        records,
        noise_multiplier=multiplier,
        relation=RELATION,
        learning_rate=rate,
        count=count or len(t.train[0]),
        clip=clip,
        per_layer=per_layer,
        regulariser=regulariser,
        penalty=shrink,
        insecure_rng=seed,
    )


def outputs(parameters, t, **how):
    x, _ = t.test
    p = parameters
    return np.tanh(shown(x, **how) @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]


def accuracy(parameters, t, **how):
    """Return the share of test records that are classified as they are labelled."""
    out, y = outputs(parameters, t, **how), t.test[1]
    if out.shape[1] == 1:
        return float(((out[:, 0] > 0) == (y > 0.5)).mean())
    return float((out.argmax(1) == y.argmax(1)).mean())


def log_loss(parameters, t, **how):
    """Return the mean loss of test records, which tells equal accuracies apart."""
    out, y = outputs(parameters, t, **how), t.test[1]
    if out.shape[1] == 1:
        return float(-(log_expit(np.where(y > 0.5, 1, -1) * out[:, 0])).mean())
    return float((logsumexp(out, axis=1) - (out * y).sum(1)).mean())


def run(t, epsilon, steps, seed, *, rate, scale=1.0, radius=None, **own):
    """Train, and return the accuracy and loss on test records."""
    m = noise_multiplier(epsilon, DELTA, relation=RELATION, steps=steps)
    how = {"scale": scale, "radius": radius}
    made = trainer(t, m, rate, seed, **how, **own)
    x, y = t.train
    made.fit({"x": shown(x, **how), "y": y}, steps)
    assert made.epsilon_at(DELTA) <= epsilon * (1 + 1e-9)
    return tuple(f(made.parameters, t, **how) for f in (accuracy, log_loss))


# -- the same in torch -----------------------------------------------------------------


def opacus_step(t, multiplier, rate, seed, *, clip=1.0, mode="hooks", loss=None, **how):
    """Return a function that takes one step, and the model; ``loss`` if not plain."""
    import torch
    from opacus import PrivacyEngine

    torch.manual_seed(seed)
    m, h, k = t.sizes
    model = torch.nn.Sequential(
        torch.nn.Linear(m, h), torch.nn.Tanh(), torch.nn.Linear(h, k)
    ).double()
    first = start(t.sizes, seed)
    with torch.no_grad():
        for layer, (w, b) in zip((model[0], model[2]), PAIRS, strict=True):
            layer.weight.copy_(torch.tensor(first[w].T))
            layer.bias.copy_(torch.tensor(first[b]))
    x, y = (torch.tensor(a) for a in (shown(t.train[0], **how), t.train[1]))
    label = y if k == 1 else y.argmax(1)
    plain = torch.nn.BCEWithLogitsLoss() if k == 1 else torch.nn.CrossEntropyLoss()
    loss = loss or plain
    data = torch.utils.data.TensorDataset(x, label)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        more = {"criterion": loss} if mode == "ghost" else {}
        made = PrivacyEngine().make_private(
            module=model,
            optimizer=torch.optim.SGD(model.parameters(), lr=rate),
            data_loader=torch.utils.data.DataLoader(data, batch_size=len(x)),
            noise_multiplier=multiplier,
            max_grad_norm=clip,
            poisson_sampling=False,
            grad_sample_mode=mode,
            **more,
        )
    private, optimizer = made[0], made[-2]
    if mode == "ghost":
        private, optimizer, loss = made[0], made[1], made[2]

    def step():
        optimizer.zero_grad()
        out = private(x)
        loss(out[:, 0] if k == 1 else out, label).backward()
        optimizer.step()

    return step, model


def run_opacus(t, epsilon, steps, seed, *, rate, clip, **how):
    """Train with Opacus, and return the accuracy on test records."""
    m = noise_multiplier(epsilon, DELTA, relation=RELATION, steps=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step, model = opacus_step(t, m, rate, seed, clip=clip, **how)
        for _ in range(steps):
            step()
    p = {n: v.detach().numpy() for n, v in model.named_parameters()}
    names = {"w1": "0.weight", "b1": "0.bias", "w2": "2.weight", "b2": "2.bias"}
    found = {n: p[v].T for n, v in names.items()}
    return accuracy(found, t, **how)
