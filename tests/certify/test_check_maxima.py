"""Maxima of functions of one variable, checked; and whole proofs of one layer."""

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.special
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.ball_functions import ZERO
from deuterium.certify.checker.clusters.cluster_maximum import FIRST, HUB, ClusterLoad
from deuterium.certify.checker.defined_operator import applied
from deuterium.certify.checker.lagrangian.parabola_cells import (
    CoordinateFunctions,
    peak,
)
from deuterium.certify.checker.lagrangian.separable_maximum import Peak, least_bound
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.taylor_series import variable
from deuterium.errors import CertificateError, InvalidInputError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import seeds, some
from tests.certify.cluster_cases import Case, data, holds
from tests.certify.forging import forged, leaf

ONE = {op.name: e for op, e in TABLE.items() if op.arity == 1}
WITH_SERIES = {n for n, e in ONE.items() if e.series or e.sides}


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(96):
        yield


@pytest.mark.parametrize("name", sorted(WITH_SERIES))
def test_series_are_those_of_the_derivatives(name):
    x = dt.symbol("x")
    rng = np.random.default_rng([4, *name.encode()])
    for _ in range(6):
        at = float(rng.uniform(0.05, 0.95)) * rng.choice([1, -1])
        if name in ("log", "log2", "log10", "sqrt", "logit", "logit'"):
            at = abs(at)
        graph = apply(OPERATORS[name], (x,), {})
        series = list(applied(ONE[name], [variable(arb(at))], 0).coeffs())
        series += [ZERO] * (4 - len(series))
        for order, c in enumerate(series):
            exact = evaluate_exactly(graph, {"x": at})
            assert c.overlaps(exact / [1, 1, 2, 6][order]), (order, at)
            graph = dt.grad(graph, x)


def test_functions_without_series_are_known_by_ranges():
    without = set(ONE) - WITH_SERIES
    assert without == {"arccosh", "cbrt", "psi", "erfinv", "ndtri", "i0", "i1"}


def curve_of(graph, low, high):
    """Return the curve of a graph of one scalar symbol."""
    from deuterium.certify.checker.scalar_layout import ScalarLayout

    layout = ScalarLayout([graph], {"x": 0}, 1)
    term = int(layout.slots[graph])
    tasks = [(g.op, t, g.attrs) for g in layout.groups for t in g.tasks]
    return CoordinateFunctions(0, [term], tasks, layout.numbers, (arb(low), arb(high)))


def load_of(c, linear=0.0):
    """Return ``c`` times the curve's function, and a multiple of the hub."""
    return ClusterLoad({FIRST: arb(c), HUB: arb(linear)}, [])


def exact_maximum(graph, c, linear, low, high, count=2001):
    best = -np.inf
    for y in np.linspace(low, high, count):
        u = float(graph.evaluate({"x": y}))
        best = max(best, c * u + linear * y)
    return best


def curves():
    x = dt.symbol("x")
    s = 1 / (1 + np.exp(-x))
    return [
        np.tanh(x) ** 2 + s * (1 - s) * 3,
        dt.relu(x) ** 2 - dt.relu(x),
        np.abs(x) * np.exp(-x * x),
        dt.grad(dt.relu(x) ** 2, x) + np.sin(3 * x),
        np.cbrt(x) + x**3 / 4,
        np.maximum(x, 0.25) ** 2,
        scipy.special.log_expit(x) - x / 3,
    ]


@pytest.mark.parametrize("seed", seeds(2, 8))
@pytest.mark.parametrize("number", range(7))
def test_maxima_hold_every_value_and_come_close(number, seed):
    graph = curves()[number]
    rng = np.random.default_rng([seed, number])
    low, high = np.sort(rng.uniform(-3, 3, 2)).tolist()
    if seed == 1:
        low = 0.0
    high = max(high, low)
    curve = curve_of(graph, -3.0, 3.0)
    c, linear = rng.normal(size=2)
    load = load_of(c, linear)
    best = exact_maximum(graph, c, linear, low, high)
    found = Peak(curve, load, arb(low), arb(high), False)
    assert float(found.upper) >= best - 1e-12
    claim = arb(best) + 1e-5
    total = least_bound(ZERO, [found], claim)
    assert best - 1e-12 <= float(total) <= best + 2e-5


@pytest.mark.parametrize("seed", range(3))
def test_a_range_of_one_point_beside_the_end_of_a_cell_is_not_lost(seed):
    rng = np.random.default_rng(seed)
    x = dt.symbol("x")
    curve = curve_of(2 + np.tanh(x), -3.0, 3.0)
    load = load_of(1)
    for _ in range(200):
        grid = arb(int(rng.integers(-(2**20), 2**20))) / 2**20
        at = grid + arb(float(rng.normal()) * 10.0 ** -rng.integers(16, 26))
        at += arb(0, 10.0 ** -rng.integers(20, 28))
        found = Peak(curve, load, at, at, False)
        assert float(found.upper) >= 2 + math.tanh(float(at)) - 1e-12


def test_an_excluded_end_leaves_the_other_side_of_a_kink_out():
    x = dt.symbol("x")
    curve = curve_of(1 - dt.grad(dt.relu(x), x), -1.0, 1.0)
    load = load_of(1)
    closed = Peak(curve, load, arb(0), arb(1), False)
    assert float(closed.upper) == 1
    opened = Peak(curve, load, arb(0), arb(1), True)
    assert float(opened.upper) == 0
    left = Peak(curve, load, arb(-1), arb(0), False)
    assert float(left.upper) == 1
    point = Peak(curve, load, arb(0), arb(0), False)
    assert float(point.upper) == 1


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 0.0), (0.0, 0.0), (-1.0, 1.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_kink_at_the_end_of_a_range_has_its_own_value(ends, sign):
    x = dt.symbol("x")
    for function in (dt.relu, np.abs):
        curve = curve_of(dt.grad(function(x), x), *ends)
        load = load_of(sign)
        found = Peak(curve, load, *map(arb, ends), False)
        least_bound(ZERO, [found], ZERO)  # refines it
        assert found.upper >= 0  # the value at zero


def test_parabolas():
    rng = np.random.default_rng(0)
    for _ in range(300):
        t0, t1, t2 = rng.normal(size=3)
        a, b = np.sort(rng.normal(size=2))
        d = np.linspace(a, b, 401)
        best = np.max(t0 + t1 * d + t2 * d**2)
        top = float(peak(*map(arb, (t0, t1, t2, a, b))))
        assert best - 1e-12 <= top <= best + 1e-3
        wide = arb(0, abs(t2))
        assert float(peak(arb(t0), arb(t1), wide, arb(a), arb(b)).upper()) >= best


# -- whole proofs --------------------------------------------------------------------


def network(seed, units, act):
    rng = np.random.default_rng(seed)
    x = dt.symbol("x", (units[0],))
    h = x.reshape((1, units[0]))
    params = []
    for i, (n, m) in enumerate(pairwise(units)):
        w = dt.constant(rng.normal(size=(n, m)))
        b = dt.constant(rng.normal(size=m) / 2)
        params += [w, b]
        h = h @ w + b
        if i < len(units) - 2:
            h = act(h)
    loss = -scipy.special.log_expit(h[0, 0])
    return dt.norm(dt.grad(loss, params)), dt.Box({x: (-1, 1)}), x


ACTS = {"expit": scipy.special.expit, "tanh": np.tanh, "relu": dt.relu}


def odd_graphs(rng):
    """Graphs with every kind of coordinate, used in every way."""
    x = dt.symbol("x", (3,))
    w, c = rng.normal(size=(3, 4)), rng.normal(size=4)
    z = x @ w
    p = dt.softmax(z)
    return x, [
        c @ np.tanh(p) + np.tanh(np.max(z)),
        np.sum(dt.relu(np.max(z) + c * z) ** 2) - np.exp(-np.max(z * c)),
        c @ (np.tanh(z) * p),
        c @ np.tanh(x[[0, 1, 1, 2]] * c) + c @ np.abs(2 * x[[2, 2, 0, 1]]),
        dt.norm([np.tanh(z) * np.sum(p * c), z]),
        np.sum(dt.grad(np.sum(dt.relu(z) * c), x) * x),
        np.sum(np.abs(x)) - np.sum(dt.grad(np.sum(np.abs(x)), x) * c[:3]),
        np.sqrt(1 + np.sum(z * z)) / (2 + np.tanh(z[0])),
    ]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("low", some([-1.0, 0.0], 1))
@pytest.mark.parametrize("seed", seeds(1, 8))
@pytest.mark.usefixtures("rough_multipliers")
def test_any_multipliers_of_any_graph_give_a_bound(number, low, seed):
    rng = np.random.default_rng([seed, number])
    x, graphs = odd_graphs(rng)
    case = Case.of(graphs[number], dt.Box({x: (low, 1)}))
    if case is None:
        return
    for cuts, wild in ((0, 0), (0, 2), (3, 1), (6, 2)):
        at = case.point(rng)
        region = case.region(rng, at, cuts)
        top, atoms = case.values(at)
        if not holds(region, [arb(float(c)) for c in at] + atoms):
            continue
        bound = case.clusters.bound(region, data(case, rng, wild), top - 1)
        assert not bound < top


@pytest.mark.parametrize("act", some(ACTS, 1))
def test_whole_proofs_are_believed(act):
    v, domain, _ = network(0, (4, 4, 1), ACTS[act])
    e = dt.maximize(v, domain, rtol=0.02, time_limit=20, method="clusters")
    certificate = e.certificate
    assert certificate.verify(v, domain).leaves == certificate.leaves
    assert "clusters" in certificate.summary()


# networks of which the enclosure of the whole is not the closest bound there is
BY_CLUSTERS = [(2, "relu"), (2, "tanh"), (0, "tanh"), (1, "tanh")]


@pytest.mark.parametrize(("seed", "act"), some(BY_CLUSTERS, 1))
def test_constant_factors_are_no_part_of_terms(act, seed):
    """Steps and slopes come with weights in front of them, of which energies know."""
    v, domain, _ = network(seed, (5, 2, 3, 1), ACTS[act])
    e = dt.minimize(v, domain, rtol=1e-6, method="clusters", max_regions=8)
    body = e.certificate.body
    leaves = [n["leaf"] for n in body["proof"] if n.get("leaf", [""])[0] == "clusters"]
    assert any(q for leaf in leaves for q in leaf[1].get("energies", ()))
    e.certificate.verify(v, domain)


def test_leaves_of_a_method_that_is_gone_are_refused():
    x = dt.symbol("x")
    v, domain = np.tanh(x), dt.Box({x: (0, 1)})
    proof = forged(v, domain, [leaf("relax", p=[])], 2.0, facts={"log": False})
    with pytest.raises(CertificateError, match="no method 'relax'"):
        proof.verify(v, domain)
    with pytest.raises(InvalidInputError, match="one of auto, box, clusters"):
        dt.maximize(v, domain, method="relax")
