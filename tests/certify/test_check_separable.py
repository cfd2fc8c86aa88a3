"""Separable relaxations, checked: their parts, their maxima, and whole proofs."""

import copy
import math
from itertools import pairwise, product

import numpy as np
import pytest
import scipy.special
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.checker.ball_functions import ZERO
from deuterium.certify.checker.defined_operator import applied
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.lagrangian.lagrangian_leaf import Separable
from deuterium.certify.checker.lagrangian.parabola_cells import (
    CoordinateFunctions,
    CoordinateObjective,
    peak,
)
from deuterium.certify.checker.lagrangian.positive_definite import is_positive
from deuterium.certify.checker.lagrangian.quadratic_proof import Square
from deuterium.certify.checker.lagrangian.separable_maximum import (
    Peak,
    at_corners,
    least_bound,
)
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.taylor_series import variable
from deuterium.certify.format import sealed
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import some

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


def exact_maximum(graph, load, low, high, count=2001):
    best = -np.inf
    for y in np.linspace(low, high, count):
        u = float(graph.evaluate({"x": y}))
        value = float(load.coefficients[0]) * u + float(load.linear) * y
        for s in load.own:
            value += float(s.weight) * (y - float(s.centre)) ** 2
        for s in load.functions[0] if load.functions else ():
            value += float(s.weight) * (u - float(s.centre)) ** 2
        best = max(best, value)
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


@pytest.mark.parametrize("seed", range(4))
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
    own = [Square(0, arb(rng.normal()), arb(0.3))]
    functions = [[Square(1, arb(abs(rng.normal())), arb(0.1))]] if seed == 2 else ()
    load = CoordinateObjective([arb(c)], arb(linear), own, functions)
    best = exact_maximum(graph, load, low, high)
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
    load = CoordinateObjective([arb(1)], ZERO, [], ())
    for _ in range(200):
        grid = arb(int(rng.integers(-(2**20), 2**20))) / 2**20
        at = grid + arb(float(rng.normal()) * 10.0 ** -rng.integers(16, 26))
        at += arb(0, 10.0 ** -rng.integers(20, 28))
        found = Peak(curve, load, at, at, False)
        assert float(found.upper) >= 2 + math.tanh(float(at)) - 1e-12


def test_an_excluded_end_leaves_the_other_side_of_a_kink_out():
    x = dt.symbol("x")
    curve = curve_of(1 - dt.grad(dt.relu(x), x), -1.0, 1.0)
    load = CoordinateObjective([arb(1)], ZERO)
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
        load = CoordinateObjective([arb(sign)], ZERO, [], ())
        found = Peak(curve, load, *map(arb, ends), False)
        least_bound(ZERO, [found], ZERO)  # refines it
        assert found.upper >= 0  # the value at zero


def test_parabolas_and_corners():
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
    top = at_corners(arb(1), arb(-2), arb(3), (arb(-1), arb(2)), (arb(0), arb(1)))
    assert float(top) == 6


def test_positive_definite_matrices():
    rng = np.random.default_rng(1)
    for n in (1, 2, 5, 12):
        for _ in range(10):
            a = rng.normal(size=(n, n))
            m = a @ a.T
            least = np.linalg.eigvalsh(m)[0]
            for shift, expected in ((1e-6, True), (-least - 1e-6, False)):
                shifted = m + shift * np.eye(n)
                rows = [[arb(x) for x in row] for row in shifted.tolist()]
                assert is_positive(rows) == expected


# -- whole relaxations ---------------------------------------------------------------


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


def taken_apart(seed, units, act):
    v, domain, _ = network(seed, units, ACTS[act])
    problem = Problem(v, domain)
    n = problem.size
    facts = {"energies": []}
    s = Separable(problem.objective, {"x": 0}, [arb(-1)] * n, [arb(1)] * n, (), facts)
    return s, v, n


def whole(n):
    return Region([arb(-1)] * n, [arb(1)] * n, [False] * n)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("seed", range(3))
def test_any_multipliers_give_a_bound(act, seed):
    s, v, n = taken_apart(seed, (3, 4, 1), act)
    rng = np.random.default_rng(seed)
    region = whole(n)
    centre = rng.uniform(-1, 1, n)
    small = Region(
        [arb(max(c - 0.2, -1)) for c in centre],
        [arb(min(c + 0.2, 1)) for c in centre],
        [False] * n,
    )
    assert s.root.is_log
    count = len(s._definitions)
    for box, where in ((region, 1.0), (small, 0.2)):
        best = max(
            float(v.evaluate({"x": np.clip(centre * (where < 1) + d, -1, 1)}))
            for d in rng.uniform(-where, where, (60, n))
        )
        for scale in (0.0, 0.01, 0.3):
            p = (rng.normal(size=count) * scale).tolist()
            bound = s.bound(box, {"p": p}, arb(0))
            assert not bound.is_finite() or float(bound.upper()) >= best


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
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_any_multipliers_of_any_graph_give_a_bound(number, low):
    for seed in range(4):
        rng = np.random.default_rng([seed, number])
        x, graphs = odd_graphs(rng)
        domain = dt.Box({x: (low, 1)})
        problem = Problem(graphs[number], domain)
        ends = [arb(low)] * 3, [arb(1)] * 3
        facts = {"energies": [], "log": False}
        s = Separable(problem.objective, {"x": 0}, *ends, (), facts)
        points = rng.uniform(low, 1, (80, 3))
        points[:40] = np.where(rng.random((40, 3)) < 0.5, points[:40], low)
        points[20:60] = np.where(rng.random((40, 3)) < 0.5, points[20:60], 0.0)
        best = max(float(graphs[number].evaluate({"x": p})) for p in points)
        for scale in (0.0, 0.01, 0.3, 3.0):
            p = (rng.normal(size=len(s._definitions)) * scale).tolist()
            region = Region(*map(list, ends), [False] * 3)
            bound = s.bound(region, {"p": p}, arb(-100))
            assert not bound.is_finite() or float(bound.upper()) >= best - 1e-12


def test_atoms_have_the_ranges_of_their_definitions():
    s, _, n = taken_apart(0, (3, 4, 1), "tanh")
    rng = np.random.default_rng(3)
    state = s.ranges(whole(n))
    kinds = [b.kind for b in s.structure.blocks]
    assert kinds[:3] == ["input", "atom", "atom"]
    for block in s.structure.blocks[1:2]:
        for slot, d in zip(block.slots, block.definitions, strict=True):
            for x in rng.uniform(-1, 1, (20, n)):
                z = d.constant + sum(c * arb(x[t]) for t, c in d.parts.items())
                assert state.low[slot] <= z <= state.high[slot]


def solved(seed=0, units=(5, 6, 1), act="expit", rtol=0.02):
    v, domain, _ = network(seed, units, ACTS[act])
    e = dt.maximize(v, domain, rtol=rtol, time_limit=20, method="relax")
    return e.certificate, v, domain


@pytest.mark.parametrize("act", ACTS)
def test_whole_proofs_are_believed(act):
    certificate, v, domain = solved(act=act)
    assert certificate.verify(v, domain).leaves == certificate.leaves
    assert "relax" in certificate.summary()


@pytest.mark.parametrize(("seed", "act"), some(product(range(6), ACTS), 1))
def test_constant_factors_are_no_part_of_terms(act, seed):
    """Steps and slopes come with weights in front of them, of which energies know."""
    v, domain, _ = network(seed, (5, 2, 3, 1), ACTS[act])
    e = dt.minimize(v, domain, rtol=1e-6, method="relax", max_regions=60)
    leaves = leaves_of(e.certificate.body)
    assert any(q for leaf in leaves for q in leaf[1].get("energies", ()))
    e.certificate.verify(v, domain)


def leaves_of(body):
    return [n["leaf"] for n in body["proof"] if n.get("leaf", [""])[0] == "relax"]


def test_tampering_with_relaxations():
    certificate, v, domain = solved()

    def refused(change, reason):
        body = copy.deepcopy(certificate.body)
        change(body)
        with pytest.raises(CertificateError, match=reason):
            Certificate(body, sealed(body)).verify(v, domain)

    def each(key, to):
        def change(body):
            for leaf in leaves_of(body):
                leaf[1][key] = to(leaf[1].get(key))

        return change

    refused(each("p", lambda p: [x * 1.5 for x in p]), "above the claim")
    refused(each("p", lambda p: [0.0] * len(p)), "above the claim")
    refused(each("p", lambda p: p[:-1]), "numbers is wanted")
    refused(each("p", lambda p: [*p[:-1], "a"]), "number is wanted")
    refused(each("p", lambda p: None), "numbers is wanted")
    refused(each("empty", lambda e: True), "do not contradict")
    refused(each("p", lambda p: [*p[:-1], -1.0]), "must not be negative")

    def smaller(pairs):
        return [None if q is None else [q[0], [x / 3 for x in q[1]]] for q in pairs]

    refused(each("energies", smaller), "not proved positive definite")
    refused(each("energies", lambda q: q[:-1]), "cannot be read")
    for facts in ({}, {"energies": 3}, {"energies": [{"group": 99}]}):

        def change(body, facts=facts):
            body["forms"][0]["facts"] = facts

        refused(change, "wanted|cannot be read|no group")


def test_contradictory_ranges_are_empty():
    s, _, n = taken_apart(0, (3, 4, 1), "tanh")
    block = s.structure.blocks[1]
    s._places = [block.slots[0]]
    k = n + 1
    region = Region([arb(-1)] * n + [arb(50)], [arb(1)] * n + [arb(60)], [False] * k)
    with pytest.raises(NoPoint):
        s.bound(region, {"empty": True}, ZERO)
    region = Region([arb(-1)] * n + [arb(-60)], [arb(1)] * n + [arb(60)], [False] * k)
    with pytest.raises(NoBound, match="do not contradict"):
        s.bound(region, {"empty": True}, ZERO)
