"""Brackets, proofs and sensitivities of what float32 computes."""

import copy

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.errors import CertificateError, UnsupportedError
from tests.optional_packages import needs

W = np.random.default_rng(1).normal(size=(3, 2))


@pytest.fixture(scope="module")
def problem():
    x = dt.symbol("x", shape=(2,))
    w = dt.constant(W, name="W")
    slope = dt.grad(np.sum(np.maximum(w @ x, 0) ** 2), w)
    return slope, dt.norm(slope), dt.Box({x: (-1, 1)})


@pytest.fixture(scope="module")
def found(problem):
    _, norm, box = problem
    options = {"rtol": 0.05, "time_limit": 2}
    return [dt.maximize(norm, box, **options, arithmetic=k) for k in (None, "float32")]


def test_the_upper_end_pays_and_the_lower_stays(problem, found):
    plain, rounded = found
    assert plain.rounding == 0 and plain.arithmetic is None
    assert 0 < rounded.rounding < 1e-4 * rounded.upper
    assert plain.upper < rounded.upper < 1.2 * plain.upper
    assert set(rounded.witness) == {"x"}
    at = problem[1].evaluate(rounded.witness)
    assert rounded.lower <= at <= rounded.upper and rounded.lower > 0.9 * at


@needs("flint")
def test_the_proof_holds_and_a_forged_one_does_not(problem, found):
    _, norm, box = problem
    proof = found[1].certificate
    assert (proof.upper, proof.lower) == (found[1].upper, found[1].lower)
    assert proof.arithmetic == "float32"
    again = Certificate.loads(
        __import__("json").dumps({**proof.body, "seal": proof.seal})
    )
    again.verify(norm, box)
    for field, value, told in (
        ("error", 0.0, "rounding errors"),
        ("upper", proof.body["upper"], "error added"),
        ("name", "float64", "error|domain|graph"),
        ("graph", "0" * 64, "another graph"),
        ("name", "float16", "no arithmetic"),
    ):
        body = copy.deepcopy(proof.body)
        body["arithmetic"][field] = value
        with pytest.raises(CertificateError, match=told):
            Certificate(body, sealed(body)).verify(norm, box)
    body = {n: x for n, x in proof.body.items() if n != "arithmetic"}
    with pytest.raises(CertificateError, match="another graph"):
        Certificate(body, sealed(body)).verify(norm, box)


def test_of_an_infimum_the_lower_end_pays():
    x = dt.symbol("x")
    box = dt.Box({x: (1, 2)})
    rounded = dt.minimize(np.exp(x), box, arithmetic="float32")
    assert rounded.lower < np.e - 1e-7 and rounded.upper >= np.e
    assert rounded.rounding > 1e-7


def test_contributions_say_what_they_cover(problem):
    slope, _, box = problem
    options = {"rtol": 0.05, "time_limit": 2, "arithmetic": "float32"}
    s = privacy.contribution(slope, box, **options)
    assert s.arithmetic == "float32" and 0 < s.rounding < s.upper
    assert any("float32" in a for a in s.assumptions)
    assert s.scaled(2.0).rounding == 2 * s.rounding
    x = dt.symbol("a")
    one = privacy.contribution(0.1 * x, dt.Box({x: (1, 3)}), arithmetic="float32")
    assert one.upper >= 3 * float(np.float32(0.1))
    assert one.diameter.arithmetic == "float32"
    with pytest.raises(UnsupportedError, match="twice its contribution"):
        privacy.diameter(slope, box, **options)
