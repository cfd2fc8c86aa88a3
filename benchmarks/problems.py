"""The problems of the certified maximum, each a graph and a domain.

``standard(size, activation, weights, seed)`` is the norm of the loss's gradient by all
parameters, of one record in [-1, 1]^n with a fixed label:

    S1   2 - 2 - 1, biases after the activation    -log(sigmoid(h @ w))
    S2   10 - 10 - 1                               binary cross-entropy, y = 1
    S3   25 - 8 - 1                                the same
    S4   100 - 100 - 1                             the same
    S5   784 - 256 - 128 - 10                      softmax cross-entropy, class 0

Weights are standard normal (plain), or those over the root of the fan-in (scaled).
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import random_symbols, to_vec

ROOT = Path(__file__).parents[1]
SIZES = {
    "S1": [2, 2, 1],
    "S2": [10, 10, 1],
    "S3": [25, 8, 1],
    "S4": [100, 100, 1],
    "S5": [784, 256, 128, 10],
}
ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}
WEIGHTS = ("scaled", "plain")
LIMITS = {"S1": 1.0, "S2": 10.0, "S3": 30.0, "S4": 60.0, "S5": 60.0}  # seconds


@dataclass
class Case:
    """One thing to maximise."""

    name: str
    graph: Any
    domain: Any
    target: float = 1.0  # of certified upper over best lower
    limit: float = 10.0  # seconds to reach it in
    known: float = np.nan  # the best value known
    network: Any = None  # (layers, activation), where it is one


def layers_of(size: str, weights: str, seed: int) -> list[tuple[Any, Any]]:
    """Return [(W, b), ...]; the last bias of S1 is None."""
    random, layers = np.random.RandomState(seed), []
    units = SIZES[size]
    for i, (m, n) in enumerate(pairwise(units)):
        bare = size == "S1" and i == len(units) - 2
        w = random.normal(size=m * n).reshape(m, n)
        b = None if bare else random.normal(size=n)
        scale = np.sqrt(m) if weights == "scaled" else 1.0
        layers.append((w / scale, None if b is None else b / scale))
    return layers


def norm_of(layers, activation: str, size: str):
    """Return the input symbol and the gradient's norm."""
    act = ACTIVATIONS[activation]
    x = dt.symbol("x", shape=(1, len(layers[0][0])))
    h, parameters = x, []
    for i, (w, b) in enumerate(layers):
        hidden = i < len(layers) - 1
        parameters.append(dt.constant(w))
        h = h @ parameters[-1]
        h = act(h) if hidden and size == "S1" else h
        if b is not None:
            parameters.append(dt.constant(b))
            h = h + parameters[-1]
        h = act(h) if hidden and size != "S1" else h
    one = h.shape[1] == 1
    loss = -np.sum(log_expit(h)) if one else -dt.log_softmax(h)[0, 0]
    return x, dt.norm(dt.grad(loss, parameters))


def standard(size: str, activation: str, weights: str, seed: int = 0) -> Case:
    """Return one of the standard problems."""
    layers = layers_of(size, weights, seed)
    x, norm = norm_of(layers, activation, size)
    relu = activation == "relu"
    target = {
        "S1": 1.0001,
        "S2": 1.005,
        "S3": 1.02 if relu else 1.005,
        "S4": 1.25 if relu else 1.10,
        "S5": 1.8 if weights == "scaled" else 3.0,
    }[size]
    known = best_found().get(size, {}).get(f"{activation} {weights}", np.nan)
    return Case(
        f"{size} {activation} {weights} {seed}",
        norm,
        dt.Box({x: (-1, 1)}),
        target,
        LIMITS[size],
        known if seed == 0 else np.nan,
        (layers, activation),
    )


def best_found() -> dict[str, dict[str, float]]:
    """Return the best values published, of seed 0; empty where they are not there."""
    path = ROOT.parent / "shared" / "problems" / "best_found.json"
    return json.loads(path.read_text()) if path.exists() else {}


def queries() -> list[Case]:
    """Return two database queries: the sup of their gradient's norm."""
    a, b = dt.symbol("a"), dt.symbol("b")
    mean = (a**2 + np.exp(2 * b - a)) / 5  # one of five people, who make a mean
    slope = dt.norm(dt.grad(mean, [a, b]))
    x, y = dt.symbol("x"), dt.symbol("y")
    other = x**3 + 2 * x * y + 1 / y**2 + 5 + np.sqrt(x + np.log(y)) + np.exp(x * y)
    other = other - 2 * np.sqrt(np.exp(x))
    steep = dt.norm(dt.grad(other, [x, y]))
    first = dt.Box({a: (1, 2), b: (0.5, 3)})
    second = dt.Box({x: (1, 2), y: (1, 1.5)})
    close = 1 + 1e-9
    return [
        Case("query R4", slope, first, close, 0.2, 66.19446391885754),
        Case("query R5", steep, second, close, 0.2, 61.18758502747134),
    ]


def notebook(seed: int = 0) -> tuple[list[Case], Case]:
    """Return the seed notebook's network, 2-2-1: the gradient's elements, its norm."""
    random = np.random.RandomState(seed)
    x = to_vec(np.array(random_symbols(2, "x")).reshape(1, 2))
    w1, b, w2 = (to_vec(random.normal(size=s)) for s in ((2, 2), (1, 2), (2, 1)))

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    p = sigmoid((sigmoid(x @ w1) + b) @ w2)
    loss = -np.mean(np.multiply(1, np.log(p)) + np.multiply(0, np.log(1 - p)))
    loss.backward()
    grads = np.array([v.grad for v in [*w1.flat, *b.flat, *w2.flat]])
    box = dt.Box(dict.fromkeys(("x_0", "x_1"), (-1, 1)))
    close = 1 + 1e-6
    elements = [Case(f"notebook {i}", g, box, close, 0.5) for i, g in enumerate(grads)]
    return elements, Case("notebook norm", np.linalg.norm(grads), box, close, 0.5)


def global_functions() -> list[Case]:
    """Return the literature's test functions, to be minimised."""
    path = ROOT / "tests" / "bound" / "global_functions.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    cases = []
    for f in module.FUNCTIONS.values():
        x = dt.symbol("x", shape=(f.n,))
        low, high = np.array(f.box, dtype=float).T
        cases.append(Case(f.name, f.f(x), dt.Box({x: (low, high)}), known=f.minimum))
    return cases
