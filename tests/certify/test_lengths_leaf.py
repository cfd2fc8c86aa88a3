"""Leaves by norms: what is found is believed, what was changed is not."""

import copy
import json
import sys
from itertools import pairwise

import numpy as np
import pytest
from flint import ctx
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds import norms
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.format import sealed
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.traverse import free_symbols, topological
from deuterium.optimize.bounders.label_enumeration import label_enumeration_of
from deuterium.optimize.bounders.norm_bounds import norm_bounder_of as bounder_of
from deuterium.optimize.root_enclosure import NOTHING
from tests.amounts import draws, some
from tests.standard_problems import graph, make

ACTIVATIONS = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "relu": dt.relu,
    "sin": np.sin,
    "softplus": lambda z: -log_expit(-z),
}


def network(seed, activation, classes=1, loss="log", most=20):
    """Return the gradient norm of a network of random depth, and its domain."""
    rng = np.random.default_rng(seed)
    first = int(rng.integers(8, 14))
    units = [first, *rng.integers(8, most, size=seed % 3 + 1), classes]
    x = dt.symbol("x", (1, units[0]))
    h, parameters = x, []
    for i, (m, n) in enumerate(pairwise(units)):
        w = dt.constant(2 * rng.normal(size=(m, n)) / np.sqrt(m))
        b = dt.constant(rng.normal(size=n))
        parameters += [w, b]
        h = h @ w + b
        h = ACTIVATIONS[activation](h) if i < len(units) - 2 else h
    centre, width = rng.normal(size=(1, units[0])), float(rng.choice([0.1, 1.0]))
    domain = dt.Box({x: (centre - width, centre + width)})
    if seed % 4 == 3:
        domain = dt.Ball(x, centre, width)
    value, labels = with_loss(h, loss)
    return dt.norm(dt.grad(value, parameters)), domain & labels if labels else domain


def with_loss(h, loss):
    if h.shape[1] > 1:
        label = dt.symbol("label", h.shape)
        if loss == "onehot":
            return -np.sum(label * dt.log_softmax(h)), dt.OneHot(label)
        return -dt.log_softmax(h)[0, 0], None
    y = dt.symbol("y", (1, 1))
    if loss == "choice":
        value = -np.mean(y * log_expit(h) + (1 - y) * log_expit(-h))
        return value, dt.Choice(y, [0, 1])
    if loss == "square":
        return np.mean((h - y) ** 2), dt.Box({y: (-1, 1)})
    return -np.mean(log_expit(h)), None


pytestmark = pytest.mark.usefixtures("once")


@pytest.fixture(autouse=True)
def norms_alone(monkeypatch):
    """Leave out the enclosure, which may be the better bound."""
    module = sys.modules["deuterium.optimize.maximize"]
    monkeypatch.setattr(module, "root_enclosure_of", lambda problem: NOTHING)


def bounded(v, domain, regions=1):
    return dt.maximize(
        v, domain, method="norms", max_regions=regions, time_limit=None, rtol=0.5
    )


def leaves(e):
    return [n["leaf"] for n in e.certificate.body["proof"] if "leaf" in n]


CASES = [
    *[(seed, a, 1, "log") for seed, a in enumerate(ACTIVATIONS)],
    *[(seed, a, 3, "first") for seed, a in enumerate(ACTIVATIONS)],
    (5, "tanh", 1, "choice"),
    (6, "sigmoid", 1, "square"),
    (7, "tanh", 4, "onehot"),
]
MIXED = [*CASES[::3], *CASES[1::3], *CASES[2::3]]


@pytest.mark.parametrize(("seed", "activation", "classes", "loss"), some(MIXED, 2))
def test_what_is_found_is_believed(seed, activation, classes, loss):
    v, domain = network(seed, activation, classes, loss)
    for regions in (1, 30 if loss == "onehot" else 9):
        e = bounded(v, domain, regions)
        if regions > 1 or loss in ("log", "first"):  # else labels are cut first
            assert "norms" in [method for method, _ in leaves(e)]
        assert e.certificate.verify(v, domain).leaves == e.certificate.leaves


@pytest.mark.parametrize("loss", ["choice", "square"])
def test_graphs_with_the_label_put_in_are_bounded_too(loss):
    v, domain = network(4, "tanh", 1, loss)
    inputs = ProofInputs(sorted(free_symbols([v]), key=lambda s: s.name), domain)
    for form in label_enumeration_of(Problem(v, domain), bounder_of).forms:
        upper, (method, data) = form.bounder.first()
        assert method == "norms"
        with ctx.workprec(96):
            region = Region(inputs.least, inputs.most, [False] * inputs.size)
            forms = DerivativeForms(form.problem.objective, inputs)
            found = norms(forms, region, json.loads(json.dumps(data)))
        assert 0 < float(found) <= upper
        assert float(found) == pytest.approx(upper, rel=1e-9)


# -- what was changed ----------------------------------------------------------------


def forged(e, v, domain, change):
    """Check a certificate with its data changed, and sealed again."""
    body = copy.deepcopy(dict(e.certificate.body))
    for node in body["proof"]:
        if "leaf" in node and node["leaf"][0] == "norms":
            change(node["leaf"][1])
    Certificate(body, sealed(body)).verify(v, domain)


@pytest.fixture(scope="module")
def plain():
    """A leaf of one pass, with curves, layers and cubes."""
    v, domain = network(1, "sigmoid", most=32)
    return bounded(v, domain), v, domain


@pytest.fixture(scope="module")
def cornered():
    """A leaf of one pass for each class."""
    v, domain = network(1, "sigmoid", 3, "first", most=32)
    return bounded(v, domain), v, domain


@pytest.fixture(scope="module")
def windowed():
    """A leaf with maps through windows, kernels and means."""
    rng = np.random.default_rng(2)
    x = dt.symbol("x", shape=(16,))
    first, last = (dt.constant(rng.normal(size=s)) for s in ((4, 3), (3, 1)))
    h = np.tanh(sliding_window_view(x, 4) @ first).mean(axis=0)
    v = dt.norm(dt.grad(np.logaddexp(0, (h @ last)[0]), [x, first, last]))
    domain = dt.Box({x: (-1, 1)})
    return bounded(v, domain), v, domain


MAPS = {
    "another base": (
        lambda c: c.__setitem__(0, c[0] - 1),
        "no node|not proved|no function",
    ),
    "itself": (lambda c: c.__setitem__(0, 10_000), "there is no node"),
    "no number": (lambda c: c.__setitem__(1, "1"), "number"),
    "infinite": (lambda c: c.__setitem__(1, float("inf")), "finite|number|JSON"),
    "negative": (lambda c: c.__setitem__(1, -1.0), "is claimed"),
    "a little less": (
        lambda c: c.__setitem__(1, c[1] * (1 - 1e-5)),
        "not proved to be",
    ),
    "less": (lambda c: c.__setitem__(1, 0.5 * c[1]), "not proved to be"),
    "too long": (lambda c: c.append(0.0), "is described"),
    "more": (lambda c: c.__setitem__(1, 3.0 * c[1]), "above the claim"),
}


@pytest.mark.parametrize("change", MAPS)
def test_norms_of_maps_must_hold(windowed, change):
    how, message = MAPS[change]
    (_, data) = leaves(windowed[0])[0]
    used = {k for k, c in data["nodes"].items() if "chain" in c}
    assert used <= set(data["chains"])
    assert any(data["chains"][k][1] != 1.0 for k in used)
    forged(*windowed, lambda data: None)

    def changed(data):
        for k in used:
            how(data["chains"][k])

    with pytest.raises((CertificateError, ValueError), match=message):
        forged(*windowed, changed)


def test_maps_that_are_not_used_prove_less(windowed):
    def without(data):
        for c in data["nodes"].values():
            c.pop("chain", None)

    with pytest.raises(CertificateError, match="above the claim"):
        forged(*windowed, without)


def entries(data, key):
    """Return all choices with a key, over all passes."""
    passes = [data["nodes"], *data.get("each", [])]
    return [c for nodes in passes for c in nodes.values() if key in c]


def test_unchanged_the_forger_has_no_trouble(plain, cornered):
    for made in (plain, cornered):
        forged(*made, lambda data: None)
    data = [leaves(plain[0])[0][1], leaves(cornered[0])[0][1]]
    assert all(entries(d, "weights") and entries(d, "near") for d in data)
    assert any(
        "along" in layer for c in entries(data[0], "long") for layer in c["long"]
    )
    assert len(data[1]["each"]) == 3


@pytest.mark.parametrize("share", some([1 - 1e-6, 0.9, 1e-3], 1))
@pytest.mark.parametrize("which", range(2))
def test_norms_of_matrices_must_hold(plain, cornered, which, share):
    made = (plain, cornered)[which]
    for place in leaves(made[0])[0][1]["sigma"]:

        def change(data, place=place):
            data["sigma"][place] *= share

        with pytest.raises(CertificateError, match="not proved to be at most"):
            forged(*made, change)


def test_a_norm_without_an_end_proves_little(plain):
    """As that of weights near the largest double: no fault of the proof's form."""

    def change(data):
        data["sigma"] = dict.fromkeys(data["sigma"], "inf")

    with pytest.raises(CertificateError, match=r"above the claim|not proved"):
        forged(*plain, change)


@pytest.mark.parametrize("which", range(2))
def test_norms_over_cubes_must_hold(plain, cornered, which):
    made = (plain, cornered)[which]
    for change in (
        lambda c: c.update(sigma=c["sigma"] * (1 - 1e-6)),
        lambda c: c.update(weights=[0.5 * q for q in c["weights"]]),
        lambda c: c.update(weights=[q and 0.9 * q for q in c["weights"]]),
        lambda c: c.update(weights=[c["weights"][0], *c["weights"][:0:-1]]),
    ):

        def changed(data, change=change):
            for c in entries(data, "weights"):
                change(c)

        with pytest.raises(CertificateError, match="over a cube is not proved"):
            forged(*made, changed)


def worse(key, value):
    def change(data):
        for c in entries(data, key):
            value(c[key])

    return change


WORSE = {
    "t": worse("long", lambda layers: layers[0].update(t=layers[0]["t"] * 1.5)),
    "t of near": worse("near", lambda layers: layers[0].update(t=3.0)),
    "by": worse("long", lambda layers: layers[0].update(by=1.0)),
    "layers": worse("long", lambda layers: layers.clear()),
    "no sigma": lambda data: data["sigma"].clear(),
    "no choices": lambda data: [
        c.clear() for c in [data["nodes"], *data.get("each", [])]
    ],
    "no weights": worse(
        "weights", lambda q: q.__setitem__(slice(None), [0.0] * len(q))
    ),
    "mean": lambda data: data.update(mean=data.get("mean", 0.0) * 1.5),
    "each": lambda data: data.update(each=data.get("each", [])[::-1]),
}


@pytest.mark.drawn
@pytest.mark.parametrize("change", WORSE)
def test_other_choices_prove_less(plain, cornered, change):
    made = (
        [cornered] if change in ("mean", "each") else [plain, cornered][: draws(1, 2)]
    )
    for case in made:
        with pytest.raises(CertificateError, match=r"above the claim|not proved"):
            forged(*case, WORSE[change])


UNREADABLE = {
    "negative t": worse("long", lambda layers: layers[0].update(t=-1.0)),
    "negative by": worse("long", lambda layers: layers[0].update(by=-1.0)),
    "text": worse("near", lambda layers: layers[0].update(t="0.1")),
    "no t": worse("near", lambda layers: layers[0].pop("t")),
    "infinite": worse("near", lambda layers: layers[0].update(t="inf")),
    "endless": worse("near", lambda layers: layers.extend(layers * 5)),
    "weights too few": worse("weights", lambda q: q.pop()),
    "each too few": lambda data: data["each"].pop(),
    "each no list": lambda data: data.update(each={}),
    "no mean": lambda data: data.pop("mean"),
    "simplex of another node": lambda data: data.update(simplex=0),
    "simplex of none": lambda data: data.update(simplex=10_000),
    "simplex -1": lambda data: data.update(simplex=-1),
    "sigma as text": lambda data: [
        data["sigma"].update({k: "1"}) for k in data["sigma"]
    ],
}


@pytest.mark.parametrize("change", UNREADABLE)
def test_what_makes_no_sense_is_refused(plain, cornered, change):
    made = cornered if change.split()[0] in ("each", "no", "simplex") else plain
    with pytest.raises(CertificateError, match="node 0"):
        forged(*made, UNREADABLE[change])


@pytest.mark.parametrize("which", range(2))
def test_less_cannot_be_claimed(plain, cornered, which):
    e, v, domain = (plain, cornered)[which]
    body = copy.deepcopy(dict(e.certificate.body))
    body["upper"] *= 1 - 1e-9
    with pytest.raises(CertificateError, match="above the claim"):
        Certificate(body, sealed(body)).verify(v, domain)


def test_corners_need_convexity():
    x = dt.symbol("x", (1, 3))
    p = dt.softmax(x)
    domain = dt.Box({x: (-1, 1)})
    for v, convex in [
        (np.sqrt(np.sum((p - 0.5) ** 2)), True),
        (-np.sqrt(np.sum((p - 0.5) ** 2)), False),
        (np.sum(np.sqrt(p)), False),
        (np.sum(p * np.exp(p)), False),
    ]:
        graph = Problem(v, domain).objective
        order = topological([graph])
        place = [n.op is not None and n.op.name == "softmax" for n in order].index(True)
        data = {"simplex": place, "nodes": {}, "each": [{}] * 3, "mean": 0.0}
        with ctx.workprec(96):
            inputs = ProofInputs([x], domain)
            region = Region(inputs.least, inputs.most, [False] * 3)
            if convex:
                assert norms(DerivativeForms(graph, inputs), region, data) >= 0.5
                continue
            with pytest.raises(NoBound, match="convex"):
                norms(DerivativeForms(graph, inputs), region, data)


# -- the networks of the plan --------------------------------------------------------


@pytest.mark.parametrize("size", some(["S4", "S5"], 0))
def test_large_networks(size):
    x, v = graph(make(size, "sigmoid"))
    domain = dt.Box({x: (-1, 1)})
    e = bounded(v, domain)
    assert [method for method, _ in leaves(e)] == ["norms"]
    assert e.certificate.verify(v, domain).leaves == 1
