"""The problems of the certified maximum, each a graph and a domain.

``standard(size, activation, weights, seed)`` is one of `tests.standard_problems`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import deuterium as dt
from deuterium import random_symbols, to_vec

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.optimize.global_functions import FUNCTIONS  # noqa: E402
from tests.standard_problems import ACTIVATIONS, SIZES, graph, make  # noqa: E402

__all__ = ["ACTIVATIONS", "SIZES"]
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
    both: bool = False  # whether the label may be 0 as well as 1, not 1 alone


def standard(size: str, activation: str, weights: str, seed: int = 0) -> Case:
    """Return one of the standard problems."""
    network = make(size, activation, weights, seed)
    x, norm = graph(network)
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
        (network.layers, activation),
    )


def best_found() -> dict[str, dict[str, float]]:
    """Return the best values published, of seed 0."""
    return json.loads((ROOT / "benchmarks" / "best_found.json").read_text())


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
    cases = []
    for f in FUNCTIONS.values():
        x = dt.symbol("x", shape=(f.n,))
        low, high = np.array(f.box, dtype=float).T
        cases.append(Case(f.name, f.f(x), dt.Box({x: (low, high)}), known=f.minimum))
    return cases
