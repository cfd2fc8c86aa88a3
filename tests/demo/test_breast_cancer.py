"""The demo end to end, with few epochs: certified >= found >= data."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

import deuterium as dt
from deuterium.demo import breast_cancer, run_demo
from deuterium.demo.full_batch import adam
from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.privacy import gaussian
from tests.demo.short_demo import short_demo, shortened
from tests.optional_packages import needs

pytestmark = needs("sklearn")

LEARNT = 100  # epochs, after which it has learnt


def shown(seed, epochs):
    return short_demo(seed=seed, epochs=epochs)


@pytest.fixture(params=[(0, LEARNT), (1, 5)])
def result(request):
    return shown(*request.param)


def test_certified_is_above_found_is_above_data(result):
    assert result.certified >= result.found.value >= result.on_data > 0
    assert result.certified >= result.reached
    assert result.reached >= result.found.value * (1 - 1e-9)
    assert result.ratio == result.certified / result.reached
    assert 1 <= result.ratio <= 1 + breast_cancer.GAP * (1 + 1e-9)
    assert result.certified <= result.enclosed


def test_witness_is_a_record_of_the_domain(result):
    x, y = result.found.witness["x"], result.found.witness["y"]
    assert x.shape == (1, 30)
    assert (np.abs(x) <= 1).all()
    assert y in (0, 1)


def test_features(result):
    assert [p.name for p in result.features] == list(breast_cancer.PUBLIC_BOUNDS)
    shares = np.array([p.share for p in result.features])
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    slopes = np.array([p.derivative for p in result.features])
    assert shares == pytest.approx(slopes**2 / (slopes**2).sum())
    for p in result.features:
        assert p.bounds == breast_cancer.PUBLIC_BOUNDS[p.name]
        assert -np.inf < p.range[0] <= p.derivative <= p.range[1] < np.inf
        assert 0 <= p.mean_on_data <= max(-p.range[0], p.range[1])
        assert 0 < p.moves < np.inf
        alone = gaussian(
            p.moves,
            scale=result.noise.sigma,
            relation="add_or_remove_one",
            trusted=True,
        )
        assert p.epsilon == pytest.approx(alone.epsilon_at(1e-5), rel=1e-9)


def test_noise_is_that_of_the_certified_bound(result):
    certified = dt.Interval(0.0, result.certified)
    alike = gaussian(certified, epsilon=1.0, delta=1e-5, relation="add_or_remove_one")
    assert (result.noise.sigma, result.noise.trusted) == (alike.sigma, False)
    replaced = gaussian(certified, scale=alike.sigma, relation="replace_one")
    assert result.replaced == replaced.epsilon_at(1e-5) > 1.0


def test_the_proof_is_saved_and_checked(tmp_path):
    pytest.importorskip("flint")
    path = tmp_path / "proof.json"
    result = short_demo(seed=0, epochs=0, proof=path)
    assert result.proof.verified
    assert result.proof.path == str(path)
    proof = dt.Certificate.load(path)
    assert proof.verify().leaves == result.proof.regions
    assert proof.upper == result.certified
    assert shown(1, 5).proof.path is None


def test_without_flint_the_proof_is_said_to_be_unchecked(monkeypatch):
    def missing(self):
        raise MissingDependencyError("no flint")

    monkeypatch.setattr(dt.Certificate, "verify", missing)
    with shortened():
        result = run_demo(relation="add_or_remove_one", epochs=2)
    assert not result.proof.verified
    assert result.proof.regions > 0


def test_private_accuracies(result):
    assert [p.epsilon for p in result.private] == [1, 3, 8]
    for p in result.private:
        assert 0 <= p.supremum <= 1
        assert 0 <= p.normalised <= 1


def test_blas_has_one_thread(monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = []

    def look(*_):
        seen.extend(p["num_threads"] for p in threadpoolctl.threadpool_info())
        raise KeyboardInterrupt

    monkeypatch.setattr(breast_cancer, "train", look)
    with threadpoolctl.threadpool_limits(2), pytest.raises(KeyboardInterrupt):
        run_demo(relation="add_or_remove_one")
    assert set(seen) <= {1}


def test_result_is_frozen_and_repeats():
    result = shown(1, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.certified = 0.0
    with shortened():
        again = run_demo(relation="add_or_remove_one", seed=1, epochs=5)
    assert again.certified == result.certified
    assert again.features == result.features


def test_certified_bound_against_a_gradient_written_by_hand(rng):
    """Backpropagation in NumPy, per record, at random records and corners."""
    _, x, y = breast_cancer.load_records()
    weights = breast_cancer.train(x, y, seed=0, epochs=LEARNT)
    w1, b1, w2, b2 = weights
    certified = shown(0, LEARNT).certified
    records = rng.uniform(-1, 1, (20_000, 30))
    records[::2] = np.sign(records[::2])
    records = np.concatenate([records, x])
    labels = np.concatenate([rng.integers(0, 2, 20_000), y])
    hidden = np.tanh(records @ w1 + b1)
    delta = 1 / (1 + np.exp(-(hidden @ w2 + b2).ravel())) - labels
    back = delta[:, None] * w2.ravel() * (1 - hidden**2)
    square = delta**2 * ((hidden**2).sum(1) + 1)
    square += (back**2).sum(1) * ((records**2).sum(1) + 1)
    norms = np.sqrt(square)
    assert norms.max() <= certified
    problem = breast_cancer._Problem(weights)
    rows = problem.rows(records, labels.astype(float))
    assert problem.norm.evaluate(rows) == pytest.approx(norms, rel=1e-9)


def test_training_learns():
    result = shown(0, LEARNT)
    assert result.accuracy > 0.95
    assert result.records == 569
    assert result.parameters == 30 * 16 + 16 + 16 + 1
    assert result.layers == (30, 16, 1)


def test_public_bounds_are_stated_not_computed():
    names, x, y = breast_cancer.load_records()
    assert names == list(breast_cancer.PUBLIC_BOUNDS)
    assert x.shape == (569, 30)
    assert np.abs(x).max() <= 1
    assert set(y.tolist()) == {0.0, 1.0}
    for low, high in breast_cancer.PUBLIC_BOUNDS.values():
        assert low == 0
        assert len(f"{high:g}".replace(".", "").strip("0")) <= 3  # round numbers


def test_adam_finds_the_bottom_and_leaves_its_start_alone():
    start = [np.array([3.0, -2.0])]
    (end,) = adam(lambda w: [2 * (w - np.array([1.0, 1.0]))], start, 2000)
    assert end == pytest.approx([1, 1], abs=1e-6)
    assert start[0].tolist() == [3.0, -2.0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"epsilon": 0.0}, "epsilon"),
        ({"delta": 2.0}, "delta"),
        ({"relation": "other"}, "relation"),
        ({"seed": -1}, "seed"),
        ({"epochs": 1.5}, "epochs"),
        ({"epochs": True}, "epochs"),
    ],
)
def test_refusals_come_before_the_work(change, why, monkeypatch):
    monkeypatch.setattr(breast_cancer, "train", None)
    with pytest.raises(InvalidInputError, match=f"`{why}`"):
        run_demo(**{"relation": "add_or_remove_one", **change})


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        MissingDependencyError, match=r"pip install 'deuterium\[demo\]'"
    ):
        run_demo(relation="add_or_remove_one")


def test_norm_is_that_of_the_loss_gradient():
    weights = breast_cancer.train(*breast_cancer.load_records()[1:], seed=2, epochs=1)
    problem = breast_cancer._Problem(weights)
    assert isinstance(problem.norm, dt.Variable)
    assert len(problem.gradient) == 4
    assert [g.shape for g in problem.gradient] == [w.shape for w in weights]
