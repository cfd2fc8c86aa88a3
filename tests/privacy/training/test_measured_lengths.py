"""No record adds more than it is measured to, tiny, huge or ill-conditioned."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium.privacy import FilteredSGD, NormalizedSGD
from tests.amounts import draws

COMMON = {
    "relation": "add_or_remove_one",
    "learning_rate": 0.1,
    "count": 1,
    "insecure_rng": 0,
    "on_divergence": "ignore",
}
CAP = 0.7


def length(parts):
    """Return the norm of a list of arrays, whatever their size."""
    most = max(float(np.abs(g).max()) for g in parts)
    if most == 0:
        return 0.0
    return most * math.sqrt(sum(float(np.square(g / most).sum()) for g in parts))


def made(kind, loss, weights, domain, secret):
    if kind == "normalised":
        return NormalizedSGD(
            loss, weights, domain, secret=secret, cap=CAP, noise_multiplier=1.0,
            **COMMON,
        )  # fmt: skip
    return FilteredSGD(
        loss, weights, domain, epsilon=1.0, delta=1e-5, steps=5, first_clip=CAP,
        secret=secret if kind == "filtered, normalised" else [], **COMMON,
    )  # fmt: skip


KINDS = ["normalised", "filtered", "filtered, normalised"]


@pytest.mark.parametrize("kind", KINDS)
def test_features_whose_squares_underflow(kind):
    x, y = dt.symbol("x", (400,)), dt.symbol("y")
    trainer = made(
        kind, lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(400)},
        dt.Box({x: (-1, 1), y: (0, 1e100)}), [y],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for size in np.geomspace(1e-322, 1e-150, draws(60, 300)):
        row = rng.normal(size=(1, 400)) * size
        row[0, 0] = size
        for label in (1.0, 1e100):
            data = trainer.prepared({"x": row, "y": np.array([label])})
            trainer._squares = None
            assert length(trainer._planned(data).sums) <= CAP


def sine(x, y, w1, w2):
    return ((np.sin(x @ w1) @ w2 - y) ** 2).sum(axis=1)


def rectifier(x, y, w1, w2):
    return ((np.maximum(x @ w1, 0) @ w2 - y) ** 2).sum(axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("loss", "count"), [(sine, 1), (sine, 300), (rectifier, 70)])
def test_rounding_is_the_same_where_records_are_measured_and_added(kind, loss, count):
    """Of phases of 1e18, and at kinks to the last bit, rounding is all there is."""
    rng = np.random.default_rng(1)
    d, h, k = 40, 16, 3
    x, y = dt.symbol("x", (d,)), dt.symbol("y", (k,))
    weights = {"w1": rng.normal(size=(d, h)), "w2": rng.normal(size=(h, k))}
    trainer = made(
        kind, loss, weights, dt.Box({x: (-np.inf, np.inf)}) & dt.OneHot(y), [y]
    )
    records = rng.normal(size=(count, d)) * (1e18 if loss is sine else 1.0)
    if loss is rectifier:  # all units at their kinks
        rest = records[:, h:] @ weights["w1"][h:]
        records[:, :h] = np.linalg.solve(weights["w1"][:h].T, -rest.T).T
    labels = np.eye(k)[rng.integers(k, size=count)]
    trainer._checked = True  # whether rows see each other is nobody's question here
    data, seen = trainer.prepared({"x": records, "y": labels}), []
    whole = trainer._sums.weighted
    trainer._sums.weighted = lambda *given: seen.append(given) or whole(*given)
    trainer._planned(data)
    rows, now, taken, factors = seen[0]
    assert (factors > 0).any()
    for i in rng.permutation(count)[: draws(20, 70)]:
        alone = np.where(np.arange(count) == i, factors, 0.0)
        assert length(whole(rows, now, taken, alone)) <= CAP


@pytest.mark.parametrize("kind", KINDS)
def test_records_that_overflow_take_no_part_and_stop_nothing(kind):
    x, y = dt.symbol("x", (2,)), dt.symbol("y")
    trainer = made(
        kind, lambda x, y, w: (x @ w - y) ** 2, {"w": np.ones(2)},
        dt.Box({x: (-np.inf, np.inf), y: (0, 1)}), [y],
    )  # fmt: skip
    data = {"x": [[1e200, 1e200], [0.5, 1.0]], "y": [0.0, 1.0]}
    sums = trainer._planned(trainer.prepared(data)).sums
    assert np.isfinite(sums[0]).all()
    assert 0 < length(sums) <= CAP
    none = trainer.prepared({"x": [[1e200, 1e200]], "y": [0.0]})
    trainer._squares = None
    assert length(trainer._planned(none).sums) == 0


def test_lengths_of_losses_of_one_record():
    """What a lifted model's loss is measured by are the gradients that are added."""

    def loss(x, y, w):
        return (x @ w - y) ** 2

    loss.one_by_one = True
    x, y = dt.symbol("x", (3,)), dt.symbol("y")
    trainer = made(
        "normalised", loss, {"w": np.ones(3)}, dt.Box({x: (-1, 1), y: (0, 1)}), [y]
    )
    rng = np.random.default_rng(2)
    data = {"x": rng.uniform(-1, 1, (90, 3)), "y": rng.uniform(0, 1, 90)}
    data["x"][0] = 1e-162, 2e-162, 1e-162
    by_hand = 2 * np.abs(data["x"].sum(1) - data["y"])
    by_hand *= np.linalg.norm(data["x"], axis=1)
    rows = trainer.prepared(data).rows
    found = trainer._sums.norms(rows, trainer.parameters)
    assert found[1:] == pytest.approx(by_hand[1:])
    assert found[0] >= 3.9e-162
    tiny = trainer.prepared({n: v[:1] for n, v in data.items()})
    assert length(trainer._planned(tiny).sums) <= CAP
