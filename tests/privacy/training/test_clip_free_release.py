"""What a step of training releases: audited, accounted for beforehand, or refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from tests.amounts import some
from tests.privacy.mechanisms.audit import epsilon_lower_bound
from tests.privacy.training.problems import (
    ClipFreeSGD,
    problem,
    record_norms,
    worst_records,
)

# -- audit -----------------------------------------------------------------------------


@pytest.mark.parametrize("halved", [False, True])
def test_audit_of_one_step(halved):
    """Membership shows no more than is promised; with half the noise it is caught."""
    trainer, data, domain, loss = problem("binary tanh", noise_multiplier=1.0)
    records = worst_records(domain, np.random.default_rng(5), 4000)
    norms = record_norms(trainer, loss, domain, records)
    worst = {n: x[[norms.argmax()]] for n, x in records.items()}
    rows = {k.name: np.asarray(v)[:10] for k, v in data.items()}
    more = {n: np.concatenate([rows[n], worst[n]]) for n in rows}
    without, with_record = (
        np.concatenate(
            [g.ravel() for g in trainer._sum(trainer.prepared(d), clipped=False)]
        )
        for d in (rows, more)
    )
    direction = with_record - without
    length = float(np.linalg.norm(direction))
    assert length <= trainer.bound()
    sigma = trainer.step(rows).sigma
    # the bound is not reached exactly: what is caught is noise for half the distance
    sigma = 0.5 * length if halved else sigma
    rng = np.random.default_rng(11)
    runs = 200_000
    out = rng.normal(0.0, sigma, runs)
    also = length + rng.normal(0.0, sigma, runs)
    shown = epsilon_lower_bound(out, also, 1e-5)
    promised = trainer.epsilon_at(1e-5)
    assert (shown > promised) == halved


# -- refusals --------------------------------------------------------------------------


def test_secure_noise_by_default():
    pytest.importorskip("opendp")
    trainer, data, _, _ = problem("binary tanh", insecure_rng=None)
    before = trainer.parameters["w1"].copy()
    trainer.step(data)
    assert np.abs(trainer.parameters["w1"] - before).max() > 0


def test_values_outside_are_moved_inside_and_wrong_labels_refused():
    trainer, data, _, _ = problem("binary tanh")
    x, y = data
    far = trainer.prepared({x: data[x] * 100, y: data[y]})
    assert far.rows["x"].max() == 1.5
    assert far.rows["x"].min() == -1
    with pytest.raises(InvalidInputError, match="outside the domain"):
        trainer.prepared({x: data[x], y: data[y] + 0.5})


def test_rows_must_not_see_each_other():
    def loss(x, y, w):
        t = ((x - np.mean(x, axis=0)) @ w)[:, 0]
        return (t - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, 1)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="must not see each other"):
        trainer.step({x: rng.random((4, 2)), y: rng.random(4)})


def test_an_unbounded_gradient_stops_the_training():
    def loss(x, y, w):
        return ((x @ w)[:, 0] - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, np.inf)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    with pytest.raises(InvalidInputError, match="no finite bound"):
        trainer.bound()


def test_refusals():
    good = {"noise_multiplier": 1.0, "learning_rate": 0.1, "count": 10}
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    domain = dt.Box({x: (0, 1), y: (0, 1)})
    w = {"w": np.ones((2, 1))}

    def loss(x, y, w):
        return (x @ w)[:, 0] * y

    with pytest.raises(UnsupportedError, match="add_or_remove_one"):
        ClipFreeSGD(
            loss, w, domain, **good, sampling_probability=0.1, relation="replace_one"
        )
    with pytest.raises(InvalidInputError, match="sampling_probability"):
        ClipFreeSGD(loss, w, domain, **good, sampling_probability=0.0)
    with pytest.raises(InvalidInputError, match="one number per row"):
        ClipFreeSGD(lambda x, y, w: (x @ w).sum(), w, domain, **good)
    with pytest.raises(InvalidInputError, match="symbols, not names"):
        ClipFreeSGD(loss, w, dt.Box({"x": (0, 1), "y": (0, 1)}), **good)
    with pytest.raises(InvalidInputError, match="cannot be both"):
        ClipFreeSGD(loss, {"x": np.ones((2, 1))}, domain, **good)
    with pytest.raises(InvalidInputError, match="finite"):
        ClipFreeSGD(loss, {"w": np.full((2, 1), np.nan)}, domain, **good)
    with pytest.raises(InvalidInputError, match="learning_rate"):
        ClipFreeSGD(loss, w, domain, **{**good, "learning_rate": 0})
    trainer = ClipFreeSGD(loss, w, domain, **good)
    with pytest.raises(InvalidInputError, match="data have no 'y'"):
        trainer.prepared({x: np.zeros((3, 2))})
    with pytest.raises(InvalidInputError, match="shape"):
        trainer.prepared({x: np.zeros((3, 3)), y: np.zeros(3)})
    with pytest.raises(InvalidInputError, match="records"):
        trainer.prepared({x: np.zeros((3, 2)), y: np.zeros(4)})
    s = trainer.contribution()
    assert s.quantity == "contribution"
    assert s.size == 2
    assert s.upper == trainer.bound()


# -- nothing is released that was not accounted for ------------------------------------


@pytest.mark.parametrize("where", ["_spread", "_sum", "_released", "_move"])
@pytest.mark.parametrize("stop", some([KeyboardInterrupt, MemoryError], 1))
def test_a_step_that_is_stopped(where, stop, monkeypatch):
    """Accounted for exactly if noise may have been drawn; and never half taken."""
    trainer, data, _, _ = problem("binary tanh")
    trainer.fit(data, 2)
    before = dict(trainer.parameters)

    def stopped(*args, **kwargs):
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(trainer, where, stopped)
        with pytest.raises(stop):
            trainer.step(data)
    drawn = where in ("_released", "_move")
    assert trainer.accountant.releases == 2 + drawn
    assert len(trainer.history) == 2
    assert all(trainer.parameters[n] is w for n, w in before.items())
    trainer.step(data)
    assert trainer.accountant.releases == 3 + drawn


def test_noise_is_drawn_after_it_was_accounted_for(monkeypatch):
    trainer, data, _, _ = problem("binary tanh")
    released, counts = privacy.ClipFreeSGD._released, []

    def watched(self, *args):
        counts.append(self.accountant.releases)
        return released(self, *args)

    monkeypatch.setattr(privacy.ClipFreeSGD, "_released", watched)
    trainer.fit(data, 3)
    assert counts == [1, 2, 3]


def test_no_record_is_drawn_more_often_than_said():
    trainer, _, _, _ = problem("binary tanh", sampling_probability=1 / 3)

    class Highest:
        def integers(self, low, high, count):
            return np.array([int(2**53 / 3) - 1, int(2**53 / 3), high - 1])

    trainer._rng = Highest()
    assert trainer._drawn(3).tolist() == [True, False, False]
    assert int(2**53 / 3) / 2**53 <= 1 / 3


def test_a_gradient_without_a_bound_can_be_clipped():
    def loss(x, y, w):
        return ((x @ w)[:, 0] - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, np.inf)}),
        noise_multiplier=1.0,
        learning_rate=1e-3,
        count=4,
        clip=0.5,
        insecure_rng=0,
    )
    rows = {x: np.ones((4, 2)), y: np.array([1.0, 2.0, 5.0, 1e200])}
    sums = trainer._sum(trainer.prepared(rows), clipped=True)
    three = {k: v[:3] for k, v in rows.items()}
    without = trainer._sum(trainer.prepared(three), clipped=True)
    # nothing is known of a gradient of 1e200 but its direction: it is clipped, too
    assert np.linalg.norm(sums[0] - without[0]) <= 0.5 * (1 + 1e-9)
    rows[y][3] = 1.7e308  # its gradient overflows: it takes no part
    kept = trainer._sum(trainer.prepared(rows), clipped=True)
    np.testing.assert_allclose(kept[0], without[0], rtol=1e-12)
    report = trainer.step(rows)
    assert report.bound == math.inf
    assert report.sensitivity == 0.5


def test_sigma_has_room_for_rounding():
    trainer, data, _, _ = problem("binary tanh", noise_multiplier=3.0)
    report = trainer.step(data)
    assert report.sigma >= 3.0 * report.sensitivity * (1 + 1e-6)
    assert report.sigma <= 3.0 * report.sensitivity * (1 + 2e-6)


def test_many_rows_are_summed_in_parts():
    trainer, _, domain, _ = problem("classes tanh")
    records = worst_records(domain, np.random.default_rng(3), 4500)
    rows = trainer.prepared(records)
    whole = trainer._sum(rows, clipped=False)
    taken = np.arange(4500)
    weighted = trainer._sums.some(rows.rows, trainer.parameters, taken, None)
    parts = [
        trainer._sums.some(rows.rows, trainer.parameters, p, None)
        for p in np.array_split(taken, 7)
    ]
    added = [sum(g) for g in zip(*parts, strict=True)]
    for a, b, c in zip(whole, weighted, added, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(a, c, rtol=1e-9, atol=1e-9)


def test_rows_that_look_alike_at_weights_of_zero():
    """A mean over the batch is seen although the loss does not change yet."""

    def loss(x, y, w):
        return (np.mean(x, axis=0, keepdims=True) @ w)[:, 0] * y

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.zeros((2, 1))},
        dt.Box({x: (0, 1), y: (0, 1)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="must not see each other"):
        trainer.step({x: rng.random((4, 2)), y: rng.random(4)})
