"""The rows of `tightness.py`: what is bounded, in which time, and how closely.

Goals and limits are the project's own.  ``before`` is what was measured of the same
kinds of problems, in the same time, before closer bounds were worked on: constants,
kept here to be compared with, since that code is gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import architectures
import tightness_runs as kinds


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    name: str
    runs: kinds.Runs
    goal: float  # of the median over seeds
    limit: float  # seconds
    before: str
    most: float = math.inf  # that none may exceed


def layer(activation: str, goal: float, before: str) -> Row:
    name = f"one layer, {activation}"
    return Row(name, kinds.network(name, activation), goal, 20, before)


def net(name, goal, limit, before, activation=None, **options) -> Row:
    return Row(name, kinds.network(name, activation, **options), goal, limit, before)


def features(name, build, goal, before) -> Row:
    return Row(f"features' mean gap, {name}", kinds.features(build), goal, 60, before)


SMOOTH, KINKED, LENET = "1.02-3.4", "1.06-2.3, refused", "6800"
ROWS = [
    *(layer(a, 1.015, SMOOTH) for a in ("tanh", "sigmoid", "softplus", "gelu", "silu")),
    *(layer(a, 1.01, KINKED) for a in ("relu", "leaky", "elu")),
    net("one layer, 5 classes", 1.20, 20, "2.3"),
    net("one layer, squares of 5", 1.10, 20, "5.3"),
    net("one layer, poisson", 1.03, 20, "1.07"),
    net("one layer, huber", 1.03, 20, "1.07"),
    net("two layers", 1.15, 30, "1.6-2.1", "tanh"),
    net("two layers, 5 classes", 1.30, 30, "-"),
    net("three layers", 1.40, 30, "5.8", "tanh"),
    net("three layers, relu", 1.80, 30, "4.8", "relu"),
    net("five layers", 3, 30, "50", "tanh"),
    net("residual", 1.7, 30, "2.6-5.6"),
    net("convolution", 1.2, 30, "1.75"),
    net("image", 1.9, 40, "7.9"),
    net("image, relu", 2.5, 40, "12"),
    net("layer normalisation", 3, 30, "188"),
    net("attention", 5, 30, "107"),
    net("lstm", 3, 30, "10-308"),
    net("embedding", 1.05, 20, "-"),
    net("autoencoder", 1.10, 20, "1.28"),
    *(
        Row(
            f"{name}, {what}",
            kinds.network(name, search=search),
            goal,
            limit,
            LENET,
        )
        for name in ("lenet", "lenet, relu")
        for what, goal, limit, search in (
            ("first bound", 30, 2, 20),
            ("in a minute", 10, 60, 0),
        )
    ),
    Row("spellings, largest / least", kinds.spelled, 1.01, 20, "1.08-3.4, a crash"),
    *(Row(s, kinds.standard(s), 1.002, 30, "1.000-1.012") for s in ("S1", "S2", "S3")),
    Row("S4", kinds.standard("S4", "sigmoid", "tanh"), 1.08, 60, "1.09-1.57"),
    Row("S4, relu", kinds.standard("S4", "relu"), 1.15, 60, "1.09-1.57"),
    Row("S5", kinds.standard("S5"), 1.5, 60, "1.35-2.5"),
    features(
        "one layer", lambda w: architectures.dense(w, [20, 16, 1]), 0.05, "0.05-0.46"
    ),
    features(
        "two layers", lambda w: architectures.dense(w, [20, 16, 16, 1]), 0.5, "4.6"
    ),
    features("skip", kinds.skipping, 0.3, "1.3"),
    features(
        "softmax",
        lambda w: architectures.dense(w, [20, 16, 5], loss=architectures.classes),
        0.3,
        "3.0",
    ),
    Row("training step, 23 losses", kinds.steps, 1.3, math.nan, "1.1-5.3", most=2),
]
