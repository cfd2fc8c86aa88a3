"""How accurate a classifier is that was trained with certified noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_expit

from deuterium.domain.spaces import Box, Choice
from deuterium.graph.constructors import symbol
from deuterium.privacy import ClipFreeSGD, NormalizedSGD, noise_multiplier
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["PrivateAccuracy", "private_accuracies"]

EPSILONS = (1.0, 3.0, 8.0)
SPLITS = 3  # of the data, each with another start and other noise
TRAINED_ON = 0.8  # share of the records; the others are for the accuracy
STEPS = 60
CAP = 0.5  # of normalised gradients
# learning rates, tried on other splits: the largest with which epsilon 1 does not fail
RATES = {"supremum": 0.1, "normalised": 2.0}
SIZE = 0.5  # of the first weights


@dataclass(frozen=True)
class PrivateAccuracy:
    """Mean accuracy on held-out records after private training.

    Attributes
    ----------
    epsilon : float
        What all steps together promise, at the demo's delta and relation.
    supremum : float
        With noise made from the certified supremum of each step's gradients
        (`ClipFreeSGD`).
    normalised : float
        With gradients divided by their largest norm over both labels
        (`NormalizedSGD`).
    """

    epsilon: float
    supremum: float
    normalised: float


def private_accuracies(
    x: Any, y: Any, hidden: int, delta: float, relation: Relation
) -> tuple[PrivateAccuracy, ...]:
    """Return accuracies at three epsilons.

    The noise is NumPy's, from seeds, so that the demo repeats: for experiments only.

    Parameters
    ----------
    x, y : ndarray
        (records, features) and (records,).
    hidden : int
        Units of the hidden layer.
    delta, relation
        Of the promise.
    """
    found = []
    for epsilon in EPSILONS:
        multiplier = noise_multiplier(epsilon, delta, relation=relation, steps=STEPS)
        means = {
            way: float(
                np.mean(
                    [
                        _accuracy(way, x, y, hidden, multiplier, relation, seed)
                        for seed in range(SPLITS)
                    ]
                )
            )
            for way in RATES
        }
        found.append(PrivateAccuracy(epsilon, **means))
    return tuple(found)


def _accuracy(
    way: str, x: Any, y: Any, hidden: int, multiplier: float, relation: str, seed: int
) -> float:
    """Train on most records of a split; return the accuracy on the others."""
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(TRAINED_ON * len(x))
    one, label = symbol("x", shape=x.shape[1:]), symbol("y")
    domain = Box({one: (-1, 1)}) & Choice(label, [0, 1])
    common: dict[str, Any] = {
        "noise_multiplier": multiplier,
        "learning_rate": RATES[way],
        "count": cut,
        "relation": relation,
        "on_divergence": "ignore",
        "insecure_rng": seed,
    }
    about = _loss, _start(x.shape[1], hidden, seed), domain
    trainer: Any = (
        ClipFreeSGD(*about, **common)
        if way == "supremum"
        else NormalizedSGD(*about, secret=[label], cap=CAP, **common)
    )
    trainer.fit({"x": x[order[:cut]], "y": y[order[:cut]]}, STEPS)
    rest = order[cut:]
    right = (_logits(x[rest], **trainer.parameters) > 0) == (y[rest] > 0.5)
    return float(right.mean())


def _loss(x: Any, y: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    t = _logits(x, w1, b1, w2, b2)
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def _logits(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return (np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0]


def _start(features: int, hidden: int, seed: int) -> Mapping[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "w1": random.normal(0, SIZE * features**-0.5, (features, hidden)),
        "b1": np.zeros(hidden),
        "w2": random.normal(0, SIZE * hidden**-0.5, (hidden, 1)),
        "b2": np.zeros(1),
    }
