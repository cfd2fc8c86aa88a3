"""What is handed on as JSON comes back the same, or is refused in a sentence."""

from __future__ import annotations

import contextlib
import json
from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import (
    CertificateError,
    DeuteriumError,
    InvalidInputError,
    UnsupportedError,
)
from deuterium.graph.saved import KINDS, _seal, _text
from tests.amounts import seeds

X = dt.symbol("x", (2,))
BOX = dt.Box({X: (0, 10)})
SHARED = BOX & dt.Where(np.sum(X) <= 1)
SIZE = np.sqrt(np.sum(X * X))
RELATION = {"relation": "add_or_remove_one"}


@pytest.fixture(scope="module")
def bracket():
    return dt.maximize(SIZE, SHARED, rtol=1.0)


@pytest.fixture(scope="module")
def contribution():
    return privacy.contribution([X * 2, np.tanh(X[0])], SHARED, rtol=1.0).scaled(
        Fraction(1, 5)
    )


def noises():
    given = {"trusted": True, **RELATION}
    yield privacy.gaussian(1.0, epsilon=1.0, delta=1e-5, **given)
    yield privacy.laplace(1.0, epsilon=1.0, **given)
    yield privacy.geometric(1, epsilon=1.0, **given)
    yield privacy.discrete_gaussian(1, epsilon=1.0, delta=1e-5, **given)


def test_a_certificate_needs_nothing_else(bracket, tmp_path):
    bracket.certificate.save(tmp_path / "proof.json")
    read = dt.Certificate.load(tmp_path / "proof.json")
    assert read.verify().leaves == read.verify(SIZE, SHARED).leaves
    assert dt.dumps([read.graph]) == dt.dumps([SIZE])
    assert read.domain.names == ["x"]
    assert len(read.domain.conditions) == 1


@pytest.mark.parametrize(
    "domain",
    [
        dt.Ball(X, [1.0, 2.0], 0.5),
        dt.Ball(X, 0.0, 0.5, np.inf) & BOX,
        dt.Choice(X, [[0.0, 1.0], [2.0, 2.0]]),
        dt.OneHot(X),
        dt.Box({X: ([0.0, 1.0], [1.0, 3.0])}),
        SHARED,
    ],
    ids=repr,
)
def test_every_domain_is_carried(domain):
    found = dt.maximize(np.sum(np.tanh(X)), domain, rtol=1.0).certificate
    again = dt.Certificate.loads(json.dumps({**found.body, "seal": found.seal}))
    assert again.verify().leaves >= 1
    assert len(again.domain.conditions) == len(domain.conditions)


def test_a_minimum_where_poles_cannot_matter_is_carried():
    t = dt.symbol("t")
    found = dt.minimize(1 / t**2, dt.Box({t: (0, 2)}))
    assert found.certificate.verify().leaves >= 1


def test_a_graph_put_in_its_place_is_refused(bracket):
    body = dict(bracket.certificate.body)
    body["program"] = json.loads(dt.dumps([np.sum(X)]))
    with pytest.raises(CertificateError, match="another graph"):
        dt.Certificate(body, bracket.certificate.seal).verify()
    for broken in ({}, {"format": "deuterium-graph"}, {**body["program"], "nodes": 1}):
        with pytest.raises(CertificateError, match="cannot be read"):
            dt.Certificate({**body, "program": broken}, "").verify()
    del body["program"]
    with pytest.raises(CertificateError, match="carries no graph"):
        dt.Certificate(body, bracket.certificate.seal).verify()
    with pytest.raises(CertificateError, match="or neither"):
        bracket.certificate.verify(SIZE)


def test_false_conditions_in_a_file_do_not_prove_anything(bracket):
    """A condition counts only as part of the graph whose hash is claimed."""
    body = dict(dt.maximize(np.sum(X), SHARED, rtol=1.0).certificate.body)
    body["program"] = json.loads(dt.dumps([np.sum(X), *SHARED.conditions]))
    assert dt.Certificate(body, "").problem().given is not None
    body["program"] = json.loads(dt.dumps([np.sum(X), X[0] <= 0.0]))
    with pytest.raises(CertificateError, match="another graph"):
        dt.Certificate(body, "").verify()


def test_conditions_do_not_make_a_norm_negative():
    found = dt.maximize(SIZE, SHARED, rtol=1.0)
    made = privacy.Sensitivity.from_bracket(found, quantity="contribution", norm=2)
    assert made.verify()[0].leaves >= 1


def test_a_bracket_comes_back_with_its_proof(bracket, tmp_path):
    bracket.save(tmp_path / "bracket.json")
    read = dt.Bracket.load(tmp_path / "bracket.json")
    assert (read.lower, read.upper) == (bracket.lower, bracket.upper)
    assert read.history == bracket.history
    assert read.to_json() == bracket.to_json()
    made = privacy.Sensitivity.from_bracket(read, quantity="contribution", norm=2)
    assert not made.is_trusted
    unchecked = dt.Bracket.load(tmp_path / "bracket.json", verify=False)
    made = privacy.Sensitivity.from_bracket(unchecked, quantity="contribution", norm=2)
    assert made.is_trusted  # nobody looked at the proof


def test_a_bracket_of_other_numbers_than_its_proof_is_refused(bracket):
    body = json.loads(bracket.to_json())
    body["object"]["fields"]["upper"] = 0.5
    forged = dt.Bracket.from_json(resealed(body))
    with pytest.raises(InvalidInputError, match="the certificate is of"):
        forged.verified()


def test_an_empty_domain_is_called_so_by_its_proof():
    """The status does not spare a bracket what its numbers have to be."""
    t = dt.symbol("t")
    for find in (dt.maximize, dt.minimize):
        empty = find(t, dt.Box({t: (0, 1)}) & dt.Where(t >= 2))
        assert empty.status == "infeasible"
        read = dt.Bracket.from_json(empty.to_json()).verified()
        assert (read.lower, read.upper) == (empty.lower, empty.upper)
        found = find(t, dt.Box({t: (0, 1)}))
        for lower, upper in ((0.0, 0.1), (-np.inf, -np.inf), (np.inf, np.inf)):
            forged = dt.Bracket(lower, upper, found.witness, "infeasible")
            forged.__dict__["certificate"] = found.certificate
            with pytest.raises(InvalidInputError, match="the certificate is of"):
                forged.verified()


def test_a_proof_of_real_numbers_is_none_of_an_arithmetic():
    t = dt.symbol("t")
    found = dt.maximize(t * t + t, dt.Box({t: (0, 1)}))
    forged = dt.Bracket(
        found.lower, found.upper, found.witness, "optimal", arithmetic="float32"
    )
    forged.__dict__["certificate"] = found.certificate
    with pytest.raises(InvalidInputError, match="in real numbers"):
        forged.verified()


def test_brackets_without_a_proof():
    t = dt.symbol("t")
    found = dt.maximize(1 / t, dt.Box({t: (0, 1)}))
    read = dt.Bracket.from_json(found.to_json())
    assert (read.upper, read.certificate, read.cause) == (np.inf, None, found.cause)
    with pytest.raises(InvalidInputError, match="no certificate"):
        read.verified()


def test_a_sensitivity_comes_back_with_all_it_rests_on(contribution, tmp_path):
    contribution.save(tmp_path / "s.json")
    read = privacy.Sensitivity.load(tmp_path / "s.json")
    assert repr(read) == repr(contribution)
    assert read.factor == Fraction(1, 5)
    assert dt.dumps(read.vector) == dt.dumps(contribution.vector)
    point = {"x": [[0.25, 0.5], [0.0, 1.0]]}
    assert str(read.value(point)) == str(contribution.value(point))
    noise = privacy.gaussian(read, epsilon=1, delta=1e-6, **RELATION)
    assert not noise.trusted
    unchecked = privacy.Sensitivity.load(tmp_path / "s.json", verify=False)
    assert unchecked.is_trusted
    promise = {"epsilon": 1, "delta": 1e-6, **RELATION}
    with pytest.raises(UnsupportedError, match="nobody certified"):
        privacy.gaussian(unchecked, **promise)
    assert privacy.gaussian(unchecked, trusted=True, **promise).trusted


def test_a_contribution_of_one_number_keeps_both_sides_and_its_diameter():
    s = privacy.contribution(np.sin(X[0]), BOX)
    read = privacy.Sensitivity._restored(s._stored())
    assert read.diameter is s.diameter
    again = privacy.Sensitivity.from_json(s.to_json())
    assert again.sensitivity("replace_one") == s.sensitivity("replace_one")
    assert len(again.verify()) == 2


def test_what_no_certificate_proves_is_trusted_after_a_file(tmp_path):
    interval = dt.enclose(SIZE, BOX)
    s = privacy.Sensitivity.from_interval(interval, quantity="contribution", norm=2)
    s.save(tmp_path / "s.json")
    assert not s.is_trusted
    assert privacy.Sensitivity.load(tmp_path / "s.json").is_trusted


@pytest.mark.parametrize("noise", list(noises()), ids=lambda n: n.law)
def test_noise_and_accountants_come_back_the_same(noise, tmp_path):
    assert type(noise).from_json(noise.to_json()) == noise
    budget = {"epsilon": 50.0, "delta": 1e-5}
    spent = privacy.Accountant("add_or_remove_one", **budget).compose(noise, 3)
    spent.save(tmp_path / "account.json")
    read = privacy.Accountant.load(tmp_path / "account.json")
    assert read.epsilon_at(1e-5) == spent.epsilon_at(1e-5)
    assert read.budget == spent.budget
    assert read.to_json() == spent.to_json()


def test_a_domain_comes_back():
    domain = SHARED & dt.OneHot("label") & dt.Choice("k", [1, 2]) & dt.Ball("b", 0, 1)
    assert repr(dt.Domain.from_json(domain.to_json())) == repr(domain)
    assert type(BOX).from_json(BOX.to_json()).contains(X, [1, 2])


# -- what is refused -------------------------------------------------------------------


def resealed(body):
    body = {k: x for k, x in body.items() if k != "seal"}
    return _text({**body, "seal": _seal(body)})


def changed(noise, **fields):
    body = json.loads(noise.to_json())
    body["object"]["fields"] |= fields
    return resealed(body)


def test_every_change_is_noticed():
    noise = next(noises())
    text = noise.to_json()
    with pytest.raises(InvalidInputError, match="was changed"):
        type(noise).from_json(text.replace('"epsilon":1.0', '"epsilon":0.1'))
    for broken in ("", "[]", "null", '{"format":"deuterium-object"}', "[" * 100_000):
        with pytest.raises(InvalidInputError, match=r"GaussianNoise\.load"):
            type(noise).from_json(broken)
    with pytest.raises(InvalidInputError, match="holds a GaussianNoise"):
        privacy.Accountant.from_json(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"sigma": 0.5},  # less than the multiplier says
        {"sigma": "much"},
        {"relation": "none"},
        {"sigma": {"kind": "fraction", "text": "1/0"}},
        {"sigma": {"kind": "array", "dtype": "|O8", "shape": [1], "values": [1]}},
        {"sigma": {"kind": "node", "at": 7}},
        {"sigma": {"kind": "os.system", "fields": {}}},
        {"other": 1},
        {"relation": []},
    ],
    ids=str,
)
def test_what_a_constructor_would_refuse_is_refused(fields):
    with pytest.raises(DeuteriumError):
        privacy.GaussianNoise.from_json(changed(next(noises()), **fields))


@pytest.mark.parametrize(
    "releases",
    [
        [["Accountant", 1.0, 1.0, 1]],
        [["GaussianNoise", -1.0, 1.0, 1]],
        [["GaussianNoise", 1.0, 2.0, 1]],
        [["GaussianNoise", 1.0, 1.0, -3]],
        [["GaussianNoise", 1.0]],
        7,
    ],
    ids=str,
)
def test_releases_that_nobody_made(releases):
    body = json.loads(privacy.Accountant(**RELATION).to_json())
    body["object"]["fields"]["releases"] = releases
    with pytest.raises(InvalidInputError):
        privacy.Accountant.from_json(resealed(body))


def test_files_that_cannot_be_read_or_written(tmp_path):
    noise = next(noises())
    with pytest.raises(InvalidInputError, match="cannot be read"):
        privacy.GaussianNoise.load(tmp_path / "none.json")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        noise.save(tmp_path / "no" / "noise.json")
    strange = privacy.Sensitivity(
        quantity="contribution", norm=2, upper=1.0, proof=object()
    )
    with pytest.raises(InvalidInputError, match="cannot be written as JSON"):
        strange.to_json()
    assert "os.system" not in KINDS


def numbers_in(x, path=()):
    """Return the paths to everything in some contents."""
    pairs = x.items() if isinstance(x, dict) else ()
    pairs = enumerate(x) if isinstance(x, list) else pairs
    found = [path] if path else []
    for key, e in pairs:
        found += numbers_in(e, (*path, key))
    return found


ODD = [
    None, True, 0, -1, 1.5, 1e308, "", "x", "inf", [], {}, [1], 2**70,
    {"kind": "node", "at": 0}, {"kind": "float", "text": "nan"},
    {"kind": "array", "dtype": "<f8", "shape": [2], "values": [1, 2]},
    {"kind": "tuple", "items": []}, {"kind": "mapping", "items": []},
]  # fmt: skip


@pytest.mark.parametrize("number", seeds(1, 10))
def test_whatever_a_file_holds_only_our_own_errors_leave(number, tmp_path):
    rng = np.random.default_rng(number)
    t = dt.symbol("t", (2,))
    made = [
        privacy.contribution([np.sin(t[0]) * t[1]], dt.Box({t: (0, 1)})),
        privacy.feature_sensitivity(t[0] * t[1], t, dt.Box({t: (0, 1)})),
        dt.Box({t: (0, 1)}) & dt.Ball(t, 0.0, 1.0) & dt.Choice("c", [1, 2]),
        dt.maximize(t[0] * t[1], dt.Box({t: (0, 1)})),
    ]
    for _ in range(60):
        one = made[int(rng.integers(len(made)))]
        body = json.loads(one.to_json())
        body.pop("seal")
        paths = numbers_in(body)
        *above, key = paths[int(rng.integers(len(paths)))]
        place = body
        for k in above:
            place = place[k]
        place[key] = ODD[int(rng.integers(len(ODD)))]
        path = tmp_path / "odd.json"
        path.write_text(_text({**body, "seal": _seal(body)}), "utf-8")
        with contextlib.suppress(DeuteriumError):
            repr(type(one).load(path))
