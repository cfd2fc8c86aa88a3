"""Proofs made shorter: right ones stay right, and nothing else comes out."""

import json

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.checker import shorter_proof
from deuterium.errors import CertificateError
from tests.certify.forging import cut, forged, leaf
from tests.certify.right_proofs import NAMES, named, sealed_again

x, y = dt.symbol("x"), dt.symbol("y")


def size(certificate):
    return len(json.dumps(certificate.body["proof"]))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shorter_holds_and_claims_the_same(name):
    seed = named(name)
    given = sealed_again(seed.body)
    made = given.minimised(seed.v, seed.domain)
    made.verify(seed.v, seed.domain)
    assert size(made) <= size(given) and made.leaves <= given.leaves
    assert {**made.body, "proof": 0} == {**given.body, "proof": 0}
    again = made.minimised(seed.v, seed.domain)
    assert size(again) <= size(made)


def test_splits_and_steps_and_numbers_that_are_not_needed_go():
    box = dt.Box({x: (-1, 2), y: (0, 1)})
    nodes = [
        cut(0, 0.0),
        cut(1, 0.5),
        leaf(),
        leaf("mean", center=[-0.5, 0.75], around=[0.0, 0.0]),
        leaf(steps=[("face", {"at": [0], "side": [1], "by": "monotone"})]),
    ]
    given = forged(x * x + y, box, nodes, 5.0)
    made = given.minimised(x * x + y, box)
    assert made.body["proof"] == [{"leaf": ["interval", {}]}]


def test_what_is_needed_stays():
    box = dt.Box({x: (-1, 1)})
    given = forged(x * (1 - x), box, [cut(0, 0.0), leaf(), leaf()], 1.0)
    made = given.minimised()
    assert [*made.body["proof"][0]] == ["cut"] and made.leaves == 2


def test_a_false_proof_is_refused():
    given = forged(x * x, dt.Box({x: (-1, 2)}), [leaf()], 3.0)
    with pytest.raises(CertificateError, match="above the claim"):
        given.minimised()


@pytest.mark.parametrize("after", range(0, 12, 3))
def test_the_rest_stays_as_it_is_when_time_is_up(monkeypatch, after):
    v = np.sin(3 * x) * np.cos(2 * y) - x * y
    e = dt.maximize(v, dt.Box({x: (-2, 2), y: (-2, 2)}), time_limit=None)
    steps = []

    def step(self):
        steps.append(0)
        if len(steps) > after:
            raise KeyboardInterrupt
        return whole(self)

    whole = shorter_proof.ShorterProof._step
    monkeypatch.setattr(shorter_proof.ShorterProof, "_step", step)
    e.certificate.minimised().verify()
    assert len(steps) == after + 1


def test_no_time_leaves_it_alone():
    e = dt.maximize(x * x - y, dt.Box({x: (-1, 2), y: (0, 1)}))
    assert e.certificate.minimised(time_limit=0.0) is e.certificate
