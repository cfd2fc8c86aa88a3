"""What the checker takes: memory and work by the size of the proof; refusals."""

import dataclasses
import json
import tracemalloc

import numpy as np
import pytest
import scipy.special

import deuterium as dt
from deuterium.certify import certificate
from deuterium.certify.certificate import Certificate
from deuterium.certify.checker import work_limit
from deuterium.certify.checker.lagrangian.parabola_cells import CoordinateFunctions
from deuterium.certify.format import sealed
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from tests.certify.forging import certified, cut, forged, leaf
from tests.certify.right_proofs import named

x, y = dt.symbol("x"), dt.symbol("y")


def written(body, **changes):
    body = {**body, **changes}
    return json.dumps({**body, "seal": sealed(body)})


def simple():
    v, domain = np.tanh(x), dt.Box({x: (0, 1)})
    return v, domain, forged(v, domain, [leaf()], 1.0).body


def test_a_deep_tree_takes_no_copies_of_its_region():
    p = dt.symbol("p", (400,))
    v, domain = np.sum(p), dt.Box({p: (0, 1)})
    label = {"values": [0.5] * 400, "atoms": [[0, 0]] * 20_000, "facts": {}}
    nodes = [cut(i % 400, 0.5 + 0.0001 * i) for i in range(4000)] + [leaf("empty")]

    def change(body):
        body["forms"].append(label)

    proof = forged(v, domain, nodes, 400.0, change)
    tracemalloc.start()
    try:
        with pytest.raises(CertificateError, match="may hold points"):
            proof.verify(v, domain)
        assert tracemalloc.get_traced_memory()[1] < 15e6
    finally:
        tracemalloc.stop()


def test_a_wide_range_far_out_takes_few_cells(monkeypatch):
    v = np.arctan(x + y + 1e22)
    domain = dt.Box({x: (0, 1), y: (0, 1)})
    cells = []
    cell = CoordinateFunctions.cell

    def counted(self, *place):
        cells.append(place)
        assert len(cells) < 1000
        return cell(self, *place)

    monkeypatch.setattr(CoordinateFunctions, "cell", counted)
    bounder = cluster_bounder_of(Problem(v, domain))
    told = dict.fromkeys(("energies", "corners"), [None] * len(bounder.layout.rules))
    for p in (0.0, 1.0, 1e-9, 1e300):
        nodes = [leaf("clusters", p=[p] * bounder.layout.multipliers, **told)]
        made = certified(bounder, nodes, 1.5)
        with pytest.raises(CertificateError, match="above the claim"):
            made.verify(v, domain)


def test_halvings_are_limited_by_the_leaves(monkeypatch):
    seed = named("relaxed net")
    for name, few in {"FIRST": 5, "EACH": 1, "MORE": 0}.items():
        monkeypatch.setattr(work_limit, name, few)
    monkeypatch.setattr(
        "deuterium.certify.checker.lagrangian.separable_maximum.EACH", 1
    )
    monkeypatch.setattr(
        "deuterium.certify.checker.lagrangian.separable_maximum.MORE", 0
    )
    proof = Certificate.loads(written(seed.body))
    with pytest.raises(CertificateError, match="needs more than the 6 halvings"):
        proof.verify(seed.v, seed.domain)


def test_cells_make_room_for_others(monkeypatch):
    seed = named("relaxed net")
    monkeypatch.setattr(work_limit, "KEPT", 10)
    Certificate.loads(written(seed.body)).verify(seed.v, seed.domain)
    kept = work_limit.WorkLimit()
    for i in range(25):
        kept.keep(i, i)
    assert len(kept.cells) == 5


UNREAD = [
    ('"more":1e999', "1e999 is no number"),
    ('"more":-1e999', "no number"),
    ('"more":' + "9" * 400, "no number"),
    ('"more":NaN', "NaN is no number"),
    ('"upper":1.0,"upper":1.0', "a key twice"),
    ('"more":{"a":1,"a":1}', "a key twice"),
    ('"more":' + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("field", "reason"), UNREAD)
def test_fields_that_nobody_reads_are_refused_too(field, reason):
    _, _, body = simple()
    text = written(body)
    with pytest.raises(CertificateError, match=reason):
        Certificate.loads("{" + field + "," + text[1:])


@pytest.mark.parametrize("field", ["upper", "lower", "witness", "root", "cut"])
def test_whole_numbers_that_are_no_doubles_are_refused(field):
    v, domain, body = simple()
    far = 2**53 + 1
    changes = {
        "witness": {"x": far},
        "root": {"lower": [-far], "upper": [1.0]},
        "proof": [{"cut": [0, far]}, *body["proof"], *body["proof"]],
    }
    name = "proof" if field == "cut" else field
    with pytest.raises(CertificateError, match="number"):
        text = written(body, **{name: changes.get(name, far)})
        Certificate.loads(text).verify(v, domain)


def test_nested_as_deep_as_can_be_read_is_refused_or_believed():
    v, domain, body = simple()
    for depth in (10, 100, 500, 900, 950, 980):
        deep = "[" * depth + "]" * depth
        text = written(body)
        text = '{"more":' + deep + "," + text[1:]
        try:
            made = Certificate.loads(text)
            made.verify(v, domain)
        except CertificateError:
            continue
        raise AssertionError("another seal")


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    v, domain, body = simple()
    path = tmp_path / "proof.json"
    path.write_text(written(body))
    Certificate.load(path).verify(v, domain)
    monkeypatch.setattr(certificate, "LARGEST", 100)
    with pytest.raises(CertificateError, match="more than 100 bytes"):
        Certificate.load(path)


@pytest.mark.parametrize("name", ["sin", "add"])
def test_an_operator_that_is_not_known_is_named(name):
    known = OPERATORS[name]
    strange = dataclasses.replace(known, name="mystery")
    v = apply(strange, (x,) * known.arity, {})
    domain = dt.Box({x: (0, 1)})
    made = forged(v, domain, [leaf()], 2.0)
    with pytest.raises(CertificateError, match=r"operator.*mystery"):
        made.verify(v, domain)


def test_right_proofs_that_were_refused():
    z, w = dt.symbol("z"), dt.symbol("w", (16,))
    cases = [
        (np.cosh(2 * np.tanh(x)), dt.Box({x: (-1, -1e-300)})),
        (np.cosh(scipy.special.expit(x) - 0.5), dt.Box({x: (-1, -5e-324)})),
        (x * x, dt.Box({x: (-1, 2), z: (0, 1)})),
        (dt.constant(2.0) * 1, dt.Box({x: (0, 1)})),
        (-np.rint(x * x) - 0.3 * x, dt.Box({x: (0, np.inf)})),
        (np.sum(np.sin(w) * w), dt.Ball(w, np.arange(16) / 7, 5e-324, order=np.inf)),
    ]
    for v, domain in cases:
        e = dt.maximize(v, domain, time_limit=None)
        text = json.dumps({**e.certificate.body, "seal": e.certificate.seal})
        Certificate.loads(text).verify(v, domain)
