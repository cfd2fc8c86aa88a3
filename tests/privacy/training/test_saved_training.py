"""Training that is saved and taken up again is the training that went on."""

from __future__ import annotations

import json

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import BudgetError, InvalidInputError

X, Y = dt.symbol("x", shape=(2,)), dt.symbol("y")
RECORDS = dt.Box({X: (-1, 1)}) & dt.Choice(Y, [-1, 1])
RNG = np.random.default_rng(0)
DATA = {"x": RNG.uniform(-1, 1, (20, 2)), "y": RNG.choice([-1.0, 1.0], 20)}
COMMON = {"learning_rate": 0.5, "count": 20, "relation": "add_or_remove_one"}


def loss(x, y, w):
    return np.tanh(1 - y * (x @ w))


def trainer(kind, seed=1, **more):
    about = {**COMMON, "insecure_rng": seed, **more}
    start = (loss, {"w": np.zeros(2)}, RECORDS)
    if kind == "filtered":
        about |= {"epsilon": 2.0, "delta": 1e-5, "steps": 6, "first_clip": 0.5}
        return privacy.FilteredSGD(*start, secret=[Y], momentum=0.5, **about)
    about["noise_multiplier"] = about.get("noise_multiplier", 4.0)
    if kind == "normalized":
        return privacy.NormalizedSGD(
            *start, secret=[Y], sampling_probability=0.5, **about
        )
    return privacy.ClipFreeSGD(*start, per_layer=True, **about)


@pytest.mark.parametrize("kind", ["filtered", "normalized", "clip-free"])
def test_going_on_is_as_if_nothing_had_been_saved(kind, tmp_path):
    whole = trainer(kind).fit(DATA, 4)
    first = trainer(kind).fit(DATA, 2)
    first.save(tmp_path / "half.npz")
    second = trainer(kind, seed=9).load(tmp_path / "half.npz")
    assert second.history == first.history
    assert second.epsilon_at(1e-5) == first.epsilon_at(1e-5)
    second.fit(DATA, 2)
    assert np.array_equal(second.parameters["w"], whole.parameters["w"])
    assert second.history == whole.history
    assert second.epsilon_at(1e-5) == whole.epsilon_at(1e-5)
    if kind == "filtered":
        assert np.array_equal(second.spent.values, whole.spent.values)
        second.fit(DATA, 2)
        with pytest.raises(BudgetError, match="all 6 steps"):
            second.step(DATA)
    assert not list(tmp_path.glob("*.part"))


def test_another_trainer_is_refused_and_nothing_changes(tmp_path):
    path = tmp_path / "kept.npz"
    trainer("normalized").fit(DATA, 2).save(path)
    other = trainer("normalized", noise_multiplier=2.0)
    for wrong in (other, trainer("clip-free")):
        with pytest.raises(InvalidInputError, match="whose"):
            wrong.load(path)
        assert wrong.history == []
        assert wrong.accountant.releases == 0
    with np.load(path, allow_pickle=False) as file:
        arrays = {n: file[n] for n in file.files}
    meta = json.loads(str(arrays.pop("meta")))
    other_law = meta["accountant"].replace("gaussian", "nonsense")
    for change in ({"format": 99}, {"accountant": other_law[:-9] + other_law[-8:]}):
        np.savez(path, meta=np.array(json.dumps({**meta, **change})), **arrays)
        with pytest.raises(InvalidInputError):
            trainer("normalized").load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InvalidInputError, match="no file that a trainer saved"):
        trainer("normalized").load(path)
    evil = np.array([{"a": 1}], dtype=object)
    np.savez(path, meta=evil)
    with pytest.raises(InvalidInputError, match="no file that a trainer saved"):
        trainer("normalized").load(path)


@pytest.mark.long
def test_accounts_come_back_from_json():
    add = "add_or_remove_one"
    there = privacy.Accountant(add, epsilon=3.0, delta=1e-6)
    noise = privacy.gaussian(1.0, noise_multiplier=3.0, relation=add, trusted=True)
    there.compose(noise, 2, sampling_probability=0.25).compose(noise)
    there.compose(privacy.laplace(1.0, epsilon=0.1, relation=add, trusted=True))
    back = privacy.Accountant.from_json(there.to_json())
    assert back.to_json() == there.to_json()
    assert back.epsilon_at(1e-6) == there.epsilon_at(1e-6)
    with pytest.raises(BudgetError):
        back.compose(noise, 500)
