"""Certificates: what they hold, whether they are believed, and when they are not."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from flint import arb

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.checker.ball_program import RangeProgram
from deuterium.certify.checker.verify import verify
from deuterium.certify.format import sealed
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from tests.amounts import draws
from tests.certify.forging import Source

INTERVAL = ["interval", {}]


def leaf(method="interval", steps=(), **data):
    return {"steps": list(steps), "leaf": (method, data)}


def cut(j, at, steps=()):
    return {"steps": list(steps), "cut": [j, at]}


def ends(j, reason="convex"):
    return {"steps": [], "ends": [j, (reason, {})]}


def face(at, side):
    return ("face", {"at": at, "side": side, "by": "monotone"})


def tighten(at, lower, upper):
    return ("tighten", {"at": at, "lower": lower, "upper": upper})


def made(v, domain, nodes, upper, lower, witness, maximize=True, atoms=(), labels=()):
    problem = Problem(v, domain, maximize=maximize)
    places = [(a(problem.objective), e) for a, e in atoms]
    source = Source(places=places, labels=labels)
    return Certificate.of(problem, nodes, upper, lower, witness, source)


def find(name, count=0):
    """Return a function that finds a node of the objective by its operator."""

    def found(objective):
        from deuterium.graph.traverse import topological

        nodes = [n for n in topological([objective]) if n.op and n.op.name == name]
        return nodes[count]

    return found


def below(name):
    """Return a function that finds the argument of an operator."""
    return lambda objective: find(name)(objective).args[0]


X = dt.symbol("x", (2,))
SQUARE = dt.Box({X: (-1, 2)})


def bowl():
    """sup x0**2 + x1**2 on [-1, 2]**2, by the ends of both inputs."""
    v = X[0] * X[0] + X[1] * X[1]
    nodes = [ends(0), ends(1), leaf(), leaf(), ends(1), leaf(), leaf()]
    return v, SQUARE, nodes, 8.0, 8.0, {"x": [2.0, 2.0]}


def saddle():
    """sup x0 x1 - x0**2 on a box, cut once; a tangent plane on one side."""
    v = X[0] * X[1] - X[0] * X[0]
    nodes = [
        cut(0, 0.0),
        leaf("mean", steps=[face([1], [0])], center=[-0.5, -1.0]),
        cut(0, 0.5),
        leaf(),
        cut(0, 1.5),
        leaf("mean", steps=[face([1], [1])], center=[1.0, 2.0]),
        leaf("interval", steps=[face([1], [1])]),
    ]
    return v, SQUARE, nodes, 2.0, 1.0, {"x": [1.0, 2.0]}


def hill():
    """sup of a concave function with its maximum inside."""
    v = 3 - (X[0] - 0.25) ** 2 - 2 * (X[1] - 0.5) ** 2 - X[0] * X[1]
    at, top = [0.0, 0.5], 2.9375
    eye = [[1.0, 0.0], [0.0, 1.0]]
    nodes = [leaf("concave", center=at, basis=eye)]
    return v, SQUARE, nodes, top + 1e-12, top - 1e-12, {"x": at}


def wave():
    """sup sin(x0) + cos(3 x1): most of the domain cannot hold it."""
    v = np.sin(X[0]) + np.cos(3 * X[1])
    nodes = [
        cut(0, 1.0),
        leaf("stationary", at=0),
        cut(1, -0.5),
        leaf("stationary", at=1),
        cut(1, 0.25),
        leaf(),
        cut(1, 1.0),
        leaf("stationary", at=1),
        cut(1, 1.25),
        leaf("curved", along=[0.0, 2.0]),
        cut(1, 1.75),
        leaf("stationary", at=1),
        leaf(),
    ]
    return v, SQUARE, nodes, 2.0, 1.99, {"x": [1.5707963, 0.0]}


def curved():
    """A point where the function bends up along a direction holds no maximum."""
    v = X[0] * X[1] * 3 - X[0] ** 2 - X[1] ** 2
    nodes = [
        cut(0, -0.5),
        leaf("mean", center=[-0.75, 0.0]),
        cut(0, 1.5),
        cut(1, -0.5),
        leaf(),
        cut(1, 1.5),
        leaf("curved", along=[1.0, 1.0]),
        leaf(),
        leaf(),
    ]
    return v, SQUARE, nodes, 20.0, 4.0, {"x": [2.0, 2.0]}


def finite():
    """A choice of values, cut between them; one region holds none."""
    y = dt.symbol("y")
    v = (y - 1) ** 2 * np.exp(y)
    nodes = [
        cut(0, 1.5),
        leaf("interval", steps=[tighten([0], [0.0], [1.0])]),
        cut(0, 2.5),
        leaf("empty"),
        leaf("interval", steps=[tighten([0], [3.0], [3.0])]),
    ]
    top = 4 * math.exp(3)
    return v, dt.Choice(y, [0, 1, 3]), nodes, top + 1e-9, top - 1e-9, {"y": 3.0}


def ball():
    """In a ball: corners of the box hold no point."""
    v = X[0] + X[1]
    domain = dt.Ball(X, 0, 1)
    nodes = [
        cut(0, 0.75),
        leaf(),
        cut(1, 0.75),
        leaf("interval", steps=[tighten([1], [-0.67], [0.67])]),
        leaf("empty"),
    ]
    return v, domain, nodes, 1.75, 1.41, {"x": [0.707, 0.707]}


def atoms():
    """Cut at a pre-activation; the side of its kink is known then."""
    z = X[0] - 3 * X[1]
    v = X[0] * (1 + dt.grad(dt.relu(z), X[1])) - dt.relu(z)
    nodes = [cut(2, 0.0, [tighten([2], [-7.0], [5.0])]), leaf(), leaf()]
    return v, SQUARE, nodes, 2.0, 2.0, {"x": [2.0, 1.0]}, [(below("relu"), 0)]


def contradiction():
    """Atoms out of reach of the inputs make a region empty."""
    v = np.tanh(X[0] + X[1])
    nodes = [
        cut(2, 5.0),
        leaf(),
        leaf("empty"),
    ]
    return v, SQUARE, nodes, 1.0, 0.9, {"x": [2.0, 2.0]}, [(find("add"), 0)]


def labelled():
    """With the label put in, the graph is another, simpler one."""
    x, y = dt.symbol("x"), dt.symbol("y")
    v = -(x - y) * x
    nodes = [
        cut(1, 0.5),
        leaf("interval", steps=[tighten([1], [0.0], [0.0])]),
        leaf(
            "concave",
            steps=[tighten([1], [1.0], [1.0])],
            center=[0.5, 1.0],
            basis=[[1.0]],
        ),
    ]
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    return v, domain, nodes, 0.25, 0.25, {"x": 0.5, "y": 1.0}, (), ["y"]


def convex_label():
    """A length is convex in a label that it is linear in."""
    x, y = dt.symbol("x"), dt.symbol("y")
    error = y - 1 / (1 + np.exp(-x))
    v = np.sqrt((error * x) ** 2 + error**2)
    nodes = [ends(1, "convex label"), leaf(), leaf()]
    domain = dt.Box({x: (-1, 1), y: (0, 1)})
    return v, domain, nodes, 1.04, 1.03, {"x": 1.0, "y": 0.0}, (), ["y"]


CASES = [
    bowl, saddle, hill, wave, curved, finite, ball, atoms, contradiction, labelled,
    convex_label,
]  # fmt: skip


def unpack(case):
    v, domain, nodes, upper, lower, witness, *rest = case()
    certificate = made(v, domain, nodes, upper, lower, witness, True, *rest)
    return certificate, v, domain


@pytest.mark.parametrize("case", CASES)
def test_right_proofs_are_believed(case):
    certificate, v, domain = unpack(case)
    report = certificate.verify(v, domain)
    assert report.leaves == certificate.leaves > 0
    assert report.nodes == len(certificate.body["proof"])


@pytest.mark.parametrize("case", CASES)
def test_the_claims_are_true(case):
    certificate, v, domain = unpack(case)
    best = dt.search(v, domain, seed=0).value
    assert certificate.lower - 1e-9 <= best <= certificate.upper + 1e-9


@pytest.mark.parametrize("case", CASES)
def test_files_keep_everything(case, tmp_path):
    certificate, v, domain = unpack(case)
    path = tmp_path / "proof.json"
    certificate.save(path)
    again = Certificate.load(path)
    assert again.body == certificate.body
    assert again.seal == certificate.seal
    again.verify(v, domain)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_what_was_there(tmp_path):
    certificate, _, _ = unpack(bowl)
    path = tmp_path / "proof.json"
    certificate.save(path)
    before = path.read_text()
    broken = Certificate({**certificate.body, "upper": float("nan")}, "")
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.save(path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_minimum_is_proved_from_below():
    v = X[0] ** 2 + X[1]
    nodes = [leaf()]
    c = made(v, SQUARE, nodes, -1.0, -1.0, {"x": [0.0, -1.0]}, maximize=False)
    c.verify(v, SQUARE)
    worse = made(v, SQUARE, nodes, -1.0, -0.5, {"x": [0.0, -1.0]}, maximize=False)
    with pytest.raises(CertificateError, match="above the claim"):
        worse.verify(v, SQUARE)
    worse = made(v, SQUARE, nodes, -1.5, -1.0, {"x": [0.0, -1.0]}, maximize=False)
    with pytest.raises(CertificateError, match="witness does not reach"):
        worse.verify(v, SQUARE)


def test_what_it_says_of_itself():
    certificate, _, _ = unpack(wave)
    assert certificate.upper == 2
    assert certificate.lower == 1.99
    assert certificate.witness["x"].tolist() == [1.5707963, 0.0]
    text = certificate.summary()
    assert "1.99 <= supremum <= 2.0" in text
    assert "4 stationary" in text
    assert "7 regions" in repr(certificate)


def test_no_inputs_at_all():
    v = np.sqrt(dt.constant(2.0))
    c = made(v, dt.Box({}), [leaf()], 1.4142135623730952, 1.414213562373095, {})
    c.verify(v, dt.Box({}))
    c = made(v, dt.Box({}), [leaf()], 1.414213562373095, 1.414213562373095, {})
    with pytest.raises(CertificateError, match="above the claim"):
        c.verify(v, dt.Box({}))


# -- tampering -----------------------------------------------------------------------


def tampered(certificate, change):
    """Return the certificate changed, sealed again: only the proof can give it away."""
    body = copy.deepcopy(certificate.body)
    change(body)
    return Certificate(body, sealed(body))


def refuse(case, change, reason):
    certificate, v, domain = unpack(case)
    with pytest.raises(CertificateError, match=reason):
        tampered(certificate, change).verify(v, domain)


def setter(*path, to):
    """Return a change of one place."""

    def change(body):
        place = body
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def drop(*path):
    def change(body):
        place = body
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


PROOF = "proof"
PLANE = ["concave", {"center": [2, 0], "basis": [[1, 0], [0, 1]]}]
FLAT, LINE = [[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]
TAMPERED = [
    # regions
    (bowl, drop(PROOF, 6), "do not cover the domain"),
    (bowl, drop(PROOF, 2), "do not cover the domain"),
    (bowl, lambda b: b[PROOF].append({"leaf": INTERVAL}), "goes on after"),
    (wave, drop(PROOF, 3), "do not cover the domain"),
    (bowl, setter("root", "upper", 0, to=1.5), "leaves out values of input 0"),
    (bowl, setter("root", "lower", to=[-1.0]), "root must have 2 inputs"),
    (bowl, setter("root", "lower", 1, to="x"), "root cannot be read"),
    (saddle, setter(PROOF, 0, "cut", 1, to=0.25), "node 1 .*not proved largest"),
    (saddle, setter(PROOF, 0, "cut", 1, to="inf"), "number is wanted"),
    (saddle, setter(PROOF, 0, "cut", 0, to=7), "no coordinate 7"),
    (saddle, setter(PROOF, 0, "cut", 0, to=True), "no coordinate True"),
    # claims
    (bowl, setter("upper", to=7.999999999999999), "above the claim"),
    (hill, lambda b: b.update(upper=b["upper"] - 3e-12), "above the claim"),
    (bowl, setter("lower", to=8.000000000000002), "witness does not reach"),
    (bowl, setter("lower", to="inf"), "witness does not reach"),
    # witness
    (bowl, setter("witness", "x", 0, to=2.0000000000000004), "not a point"),
    (bowl, setter("witness", "x", 0, to=1.5), "witness does not reach"),
    (bowl, setter("witness", to={}), "no value for 'x'"),
    (bowl, setter("witness", "x", to=[1, 2, 3]), "not have its shape"),
    (bowl, setter("witness", "x", to=["inf", 0]), "not finite"),
    (finite, setter("witness", "y", to=2.0), "not in dt.Choice"),
    (ball, setter("witness", "x", to=[0.71, 0.71]), "not in dt.Ball"),
    # steps and reasons
    (saddle, setter(PROOF, 5, "steps", 0, 1, "side", to=[0]), "not proved largest"),
    (saddle, setter(PROOF, 5, "steps", 0, 1, "at", to=[0]), "not proved largest"),
    (saddle, setter(PROOF, 5, "steps", 0, 1, "side", to=[]), "as many sides"),
    (saddle, setter(PROOF, 5, "steps", 0, 1, "by", to="luck"), "by 'monotone'"),
    (saddle, setter(PROOF, 5, "steps", 0, 0, to="jump"), "no step 'jump'"),
    (bowl, setter(PROOF, 0, "ends", 0, to=5), "no input 5"),
    (bowl, setter(PROOF, 0, "ends", 1, 0, to="wish"), "no reason 'wish'"),
    (saddle, setter(PROOF, 0, to={"ends": [0, ["convex", {}]]}), "not proved convex"),
    (finite, setter(PROOF, 1, "steps", 0, 1, "upper", to=[0.0]), "not proved between"),
    (finite, setter(PROOF, 4, "steps", 0, 1, "lower", to=[3.1]), "not proved between"),
    (finite, setter(PROOF, 2, "cut", 1, to=3.5), "may hold points"),
    (ball, setter(PROOF, 3, "steps", 0, 1, "upper", to=[0.66]), "not proved between"),
    (ball, setter(PROOF, 2, "cut", 1, to=0.6), "may hold points"),
    (atoms, setter(PROOF, 0, "steps", 0, 1, "upper", to=[4.9]), "not proved between"),
    (atoms, setter("forms", 0, "atoms", to=[[999, 0]]), "atoms cannot be read"),
    (atoms, setter("forms", 0, "atoms", to=[[0, 5]]), "atoms cannot be read"),
    (atoms, setter("forms", 0, "atoms", to=[]), "no coordinate 2"),
    (contradiction, setter(PROOF, 0, "cut", 1, to=3.5), "may hold points"),
    # labels
    (labelled, setter("labels", to=[]), "node 1 .*above the claim"),
    (labelled, setter("labels", to=["z"]), "labels must be symbols"),
    (labelled, setter("labels", to=["y", "y"]), "labels must be symbols"),
    (labelled, setter("labels", to=[3]), "labels must be names"),
    (labelled, setter("labels", to=["x", "y"]), "node 1 .*above the claim"),
    (convex_label, setter(PROOF, 0, "ends", 0, to=0), "not proved convex in 'x'"),
    (convex_label, setter(PROOF, 0, "ends", 0, to=2), "no input 2"),
    # leaves
    (saddle, setter(PROOF, 1, "leaf", 1, "center", to=[1.0, 0.0]), "not in the region"),
    (saddle, setter(PROOF, 1, "leaf", 1, "center", to=[-1.0]), "list of 2 numbers"),
    (saddle, setter(PROOF, 1, "leaf", 1, "center", to=[-1.0, "a"]), "number is wanted"),
    (saddle, setter(PROOF, 1, "leaf", 1, to={}), "node 1 cannot be read"),
    (saddle, setter(PROOF, 1, "leaf", 0, to="magic"), "no method 'magic'"),
    (curved, setter(PROOF, 8, "leaf", to=PLANE), "not proved concave"),
    (hill, setter(PROOF, 0, "leaf", 1, "center", to=[0.0, 0.0]), "above the claim"),
    (hill, setter(PROOF, 0, "leaf", 1, "basis", to=[[1.0, 0.0]]), "basis of 2 rows"),
    (hill, setter(PROOF, 0, "leaf", 1, "basis", to=FLAT), "not proved concave"),
    (hill, setter(PROOF, 0, "leaf", 1, "basis", to=LINE), "not proved concave"),
    (wave, setter(PROOF, 1, "leaf", 1, "at", to=1), "not proved to have one sign"),
    (wave, setter(PROOF, 0, "cut", 1, to=2.0), "node 1 .*one sign"),
    (wave, setter(PROOF, 3, "leaf", 1, "at", to=2), "no input 2"),
    (wave, setter(PROOF, 9, "leaf", 1, "along", to=[1.0, 0.0]), "moved both ways"),
    (wave, setter(PROOF, 7, "leaf", 0, to="empty"), "may hold points"),
    (curved, setter(PROOF, 6, "leaf", 1, "along", to=[1.0, -1.0]), "curvature along"),
    (curved, setter(PROOF, 6, "leaf", 1, "along", to=[0.0, 0.0]), "curvature along"),
    (curved, setter(PROOF, 6, "leaf", 1, "along", to=[1.0, 0.0]), "proved positive"),
    # what it is about
    (bowl, setter("sense", to="minimize"), "another objective"),
    (bowl, setter("sense", to="guess"), "no sense"),
    (bowl, setter("graph", to="0" * 64), "another graph"),
    (bowl, setter("graph", to="zz"), "SHA-256"),
    (bowl, setter("objective", to="0" * 64), "another objective"),
    (bowl, setter("domain", "x", "shape", to=[3]), "another domain"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "change", "reason"), TAMPERED)
def test_tampering_is_refused_with_its_reason(case, change, reason):
    refuse(case, change, reason)


def test_what_still_holds_is_refused_if_it_is_not_what_was_written():
    certificate, v, domain = unpack(bowl)
    certificate.body["upper"] = 9.0
    with pytest.raises(CertificateError, match="do not match its seal"):
        certificate.verify(v, domain)


def test_another_graph_or_domain_is_refused():
    certificate, v, domain = unpack(bowl)
    with pytest.raises(CertificateError, match="another graph"):
        certificate.verify(v + 0.0, domain)
    for other in [
        dt.Box({X: (-1, 2.5)}),
        dt.Box({X: (-1, 2)}) & dt.Ball(X, 0, 9),
        dt.Ball(X, 0.5, 1.5, order=np.inf),
    ]:
        with pytest.raises(CertificateError, match="another domain"):
            certificate.verify(v, other)
    with pytest.raises(CertificateError, match="must be a Domain"):
        certificate.verify(v, {X: (-1, 2)})
    # one set written in two ways is one
    certificate.verify(v, dt.Box({"x": (np.full(2, -1.0), [2, 2])}))
    # what is said of symbols that do not occur is said of something else
    certificate.verify(v, dt.Box({X: (-1, 2), "z": (0, 1)}))


def test_faces_are_not_for_finite_sets_and_balls():
    v = X[0] + X[1] ** 2
    step = face([0], [1])
    for domain in (dt.Ball(X, 0, 1), dt.Choice(X, [[0, 0], [1, 1], [0, 1]])):
        c = made(v, domain, [leaf(steps=[step])], 3.0, 0.0, {"x": [0.0, 0.0]})
        with pytest.raises(CertificateError, match="cannot be moved alone"):
            c.verify(v, domain)
        c = made(v, domain, [ends(1), leaf(), leaf()], 3.0, 0.0, {"x": [0.0, 0.0]})
        with pytest.raises(CertificateError, match="cannot be moved alone"):
            c.verify(v, domain)


def test_no_maximum_may_be_left_out_at_the_boundary():
    v = X[0] + X[1]
    for data in ({"at": 0}, {"at": 1}):
        c = made(v, SQUARE, [leaf("stationary", **data)], 1.0, 0.0, {"x": [0.0, 0.0]})
        with pytest.raises(CertificateError, match="one sign"):
            c.verify(v, SQUARE)
    v = X[0] ** 2 + X[1]
    c = made(v, SQUARE, [leaf("curved", along=[1.0, 0.0])], 1.0, 0.0, {"x": [0.0, 0.0]})
    with pytest.raises(CertificateError, match="both ways"):
        c.verify(v, SQUARE)


def test_a_kink_is_no_slope():
    v = -np.abs(X[0]) - np.abs(X[1])
    nodes = [leaf("mean", center=[0.0, 0.0])]
    c = made(v, SQUARE, nodes, 4.0, 0.0, {"x": [0.0, 0.0]})
    c.verify(v, SQUARE)
    c = made(v, SQUARE, [leaf("stationary", at=0)], 3.0, 0.0, {"x": [0.0, 0.0]})
    with pytest.raises(CertificateError, match="one sign"):
        c.verify(v, SQUARE)


def test_a_region_may_have_more_coordinates_than_a_form():
    """The labels' forms have atoms of their own, some more and some fewer."""
    x, y = dt.symbol("x"), dt.symbol("y")
    ranges = RangeProgram([2 * x * y + np.pi], {"x": 0, "y": 1}, 2)
    low, high = [arb(-1), arb(2), arb(-9)], [arb(1), arb(3), arb(9)]
    longer = ranges(low, high, [False] * 3)
    assert longer == ranges(low[:2], high[:2], [False] * 2)
    assert longer[1][0] > 9.14


def test_moved_inputs_free_their_atoms():
    # moved to the face, x0 = 2, the atom x0 + x1 may be anything that x1 allows
    v = np.exp(X[0]) + np.tanh(X[0] + X[1])
    atom = [(find("add", 0), 0)]
    problem = Problem(v, SQUARE)
    at = [i for i in range(2) if find("add", i)(problem.objective).args[0].shape == ()]
    assert at
    nodes = [
        cut(2, 0.0),
        leaf("interval", steps=[face([0], [1])]),
        leaf(),
    ]
    top = math.exp(2)
    c = made(v, SQUARE, nodes, top + 1, 0.0, {"x": [0.0, 0.0]}, True, atom)
    c.verify(v, SQUARE)
    c = made(v, SQUARE, nodes, top + 0.5, 0.0, {"x": [0.0, 0.0]}, True, atom)
    with pytest.raises(CertificateError, match=r"node 1 .*above the claim"):
        c.verify(v, SQUARE)


# -- files that are none -------------------------------------------------------------

BROKEN = [
    (b"", "not JSON"),
    (b"\xff\xfe\x00", "not JSON"),
    (b"[]", "not a deuterium-certificate"),
    (b"{}", "not a deuterium-certificate"),
    (b"null", "not a deuterium-certificate"),
    (b'{"format":"deuterium-certificate"}', "version None"),
    (b'{"format":"deuterium-certificate","version":2}', "version 2"),
    (b'{"format":"deuterium-certificate","version":true}', "version True"),
    (b'{"format":"deuterium-certificate","version":1}', "`seal`"),
    (b'{"format":"deuterium-certificate","version":1,"seal":""}', "`deuterium`"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000, "nested too deeply"),
    (b'{"format":NaN}', "NaN"),
    (b'{"format":Infinity}', "Infinity"),
    (b'{"format":' + b"9" * 10_000 + b"}", "no number"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_what_is_no_certificate(text, reason, tmp_path):
    path = tmp_path / "proof.json"
    path.write_bytes(text)
    with pytest.raises(CertificateError, match=reason):
        Certificate.load(path)


WRONG = [
    ("upper", None), ("upper", "many"), ("upper", 10**400), ("upper", True),
    ("lower", [1]), ("witness", []), ("witness", {"x": [None]}), ("witness", {"x": {}}),
    ("proof", {}), ("proof", [3]), ("proof", [{}]), ("proof", [{"leaf": 3}]),
    ("proof", [{"leaf": ["a", {}], "cut": [0, 1]}]), ("proof", [{"cut": [1]}]),
    ("proof", [{"leaf": ["a", []]}]), ("proof", [{"leaf": ["a", {}], "steps": 3}]),
    ("proof", [{"leaf": ["a", {}], "more": 3}]), ("proof", [{"ends": [0, "convex"]}]),
    ("domain", 3), ("root", []), ("forms", 3), ("sense", 3), ("graph", 3),
    ("objective", "0"), ("deuterium", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_fields_that_cannot_be(field, value):
    certificate, _, _ = unpack(bowl)
    body = {**certificate.body, field: value, "seal": certificate.seal}
    with pytest.raises(CertificateError):
        Certificate.loads(json.dumps(body))


JUNK = [None, True, 0, -1, 3, 1e300, 10**400, "inf", "x", [], [[]], {}, {"at": 0}, -0.5]


def places(x, path=()):
    """Yield every place in nested lists and mappings."""
    for key in list(x) if isinstance(x, dict) else range(len(x)):
        yield (*path, key)
        if isinstance(x[key], (dict, list)):
            yield from places(x[key], (*path, key))


@pytest.mark.drawn
@pytest.mark.parametrize("case", CASES)
def test_fuzzed_contents_never_crash(case):
    certificate, v, domain = unpack(case)
    rng = np.random.default_rng(len(certificate.body["proof"]))
    where = list(places(certificate.body))[:: draws(5, 1)]
    believed = 0
    for path in where:
        junk = JUNK[int(rng.integers(len(JUNK)))]
        for change in (setter(*path, to=junk), drop(*path)):
            other = tampered(certificate, change)
            try:
                other.verify(v, domain)
                believed += 1
            except CertificateError:
                continue
            # what is believed still is true
            assert other.upper >= certificate.lower - 1e-9
    assert believed < len(where)


@pytest.mark.parametrize("case", [bowl, wave, finite])
def test_fuzzed_files_never_crash(case, tmp_path):
    certificate, v, domain = unpack(case)
    path = tmp_path / "proof.json"
    certificate.save(path)
    text = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        other = bytearray(text)
        for _ in range(int(rng.integers(1, 4))):
            other[int(rng.integers(len(text)))] = int(rng.integers(32, 127))
        if rng.uniform() < 0.2:
            other = other[: int(rng.integers(len(text)))]
        try:
            Certificate.loads(bytes(other)).verify(v, domain)
        except CertificateError:
            refused += 1
    assert refused > 140


def test_simplification_is_compared_with_the_graph(monkeypatch):
    from deuterium.certify.checker import proof_objective

    certificate, v, domain = unpack(bowl)
    right = proof_objective.derived
    monkeypatch.setattr(proof_objective, "derived", lambda *a: right(*a) - 1)
    monkeypatch.setattr(
        "deuterium.certify.checker.verify._same_objective", lambda *a: None
    )
    with pytest.raises(CertificateError, match="where it is"):
        verify(certificate.body, v, domain)


def test_without_python_flint(monkeypatch):
    import sys

    certificate, v, domain = unpack(bowl)
    monkeypatch.setitem(sys.modules, "deuterium.certify.checker.verify", None)
    with pytest.raises(dt.errors.MissingDependencyError, match=r"deuterium\[verify\]"):
        certificate.verify(v, domain)


def test_a_derivative_alone_defines_nothing():
    # log(x) has the derivative 1/x for negative x, too
    x = dt.symbol("x")
    v, domain = -np.log(x) + 2 * x, dt.Box({x: (-2, -1)})
    wide = dt.Box({x: (-2, 3)})
    for nodes, where in [
        ([leaf("stationary", at=0)], domain),
        ([leaf(steps=[face([0], [1])])], domain),
        ([cut(0, -1.0), leaf("stationary", at=0), leaf()], wide),
        ([cut(0, -1.0), ends(0), leaf(), leaf(), leaf()], wide),
    ]:
        c = made(v, where, nodes, 9.0, -math.inf, {})
        with pytest.raises(CertificateError, match=r"log|is the graph defined"):
            c.verify(v, where)


def test_the_example_of_the_page_on_certificates():
    page = Path(__file__).parents[2] / "docs" / "certificates.md"
    text = page.read_text().split("```json")[1].split("```")[0]
    shown = json.loads(text.replace(", ...}", "}"))
    x = dt.symbol("x")
    v, domain = x**2, dt.Box({x: (-1, 2)})
    c = made(v, domain, shown["proof"], 4.0, 4.0, {"x": 2.0})
    assert {k: c.body[k] for k in shown} == shown
    c.verify(v, domain)
