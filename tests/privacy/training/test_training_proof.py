"""The proofs of a training run: right ones hold, and no other run passes for it."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.special

import deuterium as dt
from deuterium import privacy
from deuterium.commands import run_saved_check
from deuterium.errors import CertificateError, InvalidInputError, UnsupportedError
from deuterium.privacy.training import training_proof

X, Y = dt.symbol("x", (3,)), dt.symbol("y")
DOMAIN = dt.Box({X: (-1, 1)}) & dt.Choice(Y, [0, 1])
RNG = np.random.default_rng(4)
RECORDS = {"x": RNG.uniform(-1, 1, (20, 3)), "y": RNG.integers(0, 2, 20) * 1.0}


def loss(x, y, w1, b1, w2):
    t = (np.tanh(x @ w1 + b1) @ w2)[:, 0]
    one, other = scipy.special.log_expit(t), scipy.special.log_expit(-t)
    return -(y * one + (1 - y) * other)


def trainer(**options):
    rng = np.random.default_rng(3)
    start = {
        "w1": rng.normal(size=(3, 4)) / 2, "b1": rng.normal(size=4) / 4,
        "w2": rng.normal(size=(4, 1)) / 2,
    }  # fmt: skip
    given = {"noise_multiplier": 1.0, "learning_rate": 0.5, "count": 20} | options
    return privacy.ClipFreeSGD(
        loss, start, DOMAIN, relation="add_or_remove_one", insecure_rng=0, **given
    )


@pytest.fixture(scope="module")
def run():
    trained = trainer()
    made = privacy.TrainingProof.of(trained)
    for _ in range(3):
        report = made.step(trained, RECORDS)
        assert made.steps[-1].bound == report.bound
    return made


def changed(run, i, **fields):
    """Return a run of which one step says something else, its chain made anew."""
    steps, last = [], ""
    for k, step in enumerate(run.steps):
        new = dataclasses.replace(step, **(fields if k == i else {}))
        last = training_proof._linked(last, new.weights, new.bound, new.certificate)
        steps.append(dataclasses.replace(new, chain=last))
    return privacy.TrainingProof(run.norm, run.domain, steps)


def test_every_step_is_proved(run):
    assert [r.leaves > 0 for r in run.verify()] == [True] * 3


def test_it_is_saved_and_loaded_and_verified_from_the_shell(run, tmp_path):
    run.save(tmp_path / "run.json")
    again = privacy.TrainingProof.load(tmp_path / "run.json")
    assert [s.chain for s in again.steps] == [s.chain for s in run.steps]
    told = run_saved_check(tmp_path / "run.json")
    assert (told.kind, told.proofs) == ("TrainingProof", 3)
    assert told.regions == sum(r.leaves for r in again.verify())


def test_no_shorter_length_is_believed(run):
    for i, step in enumerate(run.steps):
        with pytest.raises(CertificateError, match=f"step {i}: proved is"):
            changed(run, i, bound=step.bound * 0.999).verify()


def test_no_claim_of_a_shorter_length_is_believed(run):
    body = json.loads(run.steps[1].certificate)
    body.pop("seal")
    bound = run.steps[1].bound * 0.5
    body |= {"upper": bound, "lower": "-inf"}
    forged = training_proof.Certificate(body, training_proof.sealed(body))
    forged = training_proof._claiming(forged, bound)
    with pytest.raises(CertificateError, match="above the claim"):
        changed(run, 1, bound=bound, certificate=forged).verify()


def test_other_weights_are_another_graph(run):
    longer = {n: 1.5 * w for n, w in run.steps[2].weights.items()}
    with pytest.raises(CertificateError, match=r"step 2: .*another graph"):
        changed(run, 2, weights=longer).verify()


def test_a_proof_of_another_domain_is_refused(run):
    wider = dt.Box({dt.symbol("x", (1, 3)): (-2, 2)}) & dt.Choice("y", [0, 1])
    wider = dt.Domain(wider.constraints, {})
    with pytest.raises(CertificateError, match="another domain"):
        privacy.TrainingProof(run.norm, wider, run.steps).verify()


@pytest.mark.parametrize("order", [[0, 2, 1], [1, 2], [0, 0, 1, 2]])
def test_steps_are_in_a_chain(run, order):
    steps = [run.steps[i] for i in order]
    with pytest.raises(CertificateError, match="does not belong behind"):
        privacy.TrainingProof(run.norm, run.domain, steps).verify()


@pytest.mark.parametrize("options", [{"clip": 1.0}, {"per_layer": True}])
def test_noise_that_follows_no_such_bound_has_no_proof(options):
    with pytest.raises(InvalidInputError, match="ClipFreeSGD without `clip`"):
        privacy.TrainingProof.of(trainer(**options))


def test_what_is_not_proved_in_time_is_not_added(monkeypatch):
    made = trainer()
    run = privacy.TrainingProof.of(made)
    report = dataclasses.replace(made.step(RECORDS), bound=0.5)
    monkeypatch.setattr(made, "step", lambda data: report)
    with pytest.raises(UnsupportedError, match="give more `time_limit`"):
        run.step(made, RECORDS, time_limit=0.5)
    assert not run.steps


def test_what_has_no_proofs_is_told(tmp_path):
    promise = {"scale": 1.0, "relation": "replace_one", "trusted": True}
    privacy.gaussian(1.0, **promise).save(tmp_path / "noise.json")
    with pytest.raises(InvalidInputError, match="has no proofs"):
        run_saved_check(tmp_path / "noise.json")
