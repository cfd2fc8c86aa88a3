"""Choices on cells that touch zero: what the checker decides holds at every point."""

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.ball_functions import ONE, ZERO
from deuterium.certify.checker.clusters.cluster_maximum import FIRST, ClusterLoad
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.cell_series import CellSeries
from deuterium.certify.checker.lagrangian.parabola_cells import (
    CoordinateFunctions,
)
from deuterium.certify.checker.lagrangian.separable_maximum import Peak, least_bound
from deuterium.certify.checker.scalar_layout import ScalarLayout
from deuterium.errors import CertificateError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import draws, seeds
from tests.certify.cluster_cases import Case
from tests.certify.forging import certified, leaf

CUBE = 64  # times the third power of a cell's width: what Taylor's formula leaves


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(96):
        yield


def leaky(z):
    return np.maximum(z, 0.01 * z)


def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def selu(z):
    return 1.0507 * np.where(z > 0, z, 1.6733 * np.expm1(z))


def three_lines(z):
    return np.maximum(np.maximum(0.3 * z, z), 2 * z)


def many_branches(z):
    inner = np.where(np.tanh(0.5 * z) > 0, z * z, np.sin(z))
    return np.where(~(z < 0), inner, np.minimum(0.1 * z, -z * np.exp(z)))


def backward(z):
    """Choose by a condition that is false at 0, and so not decided on its left."""
    return np.where(-z > 0, np.exp(z), 2.0 - z)


def at_zero(z):
    """Choose by conditions that hold at 0."""
    return np.where(z >= 0, 1.0 + z, np.cos(z)) * np.where(z <= 0, 3.0, z)


def by_rules(z):
    """Choose by signs that no series tells."""
    return np.where(np.cbrt(z) > 0, z, 0.5 * z) + dt.relu(z * np.abs(z)) - np.abs(-z)


def elsewhere(z):
    """Choose at 1/2, and by what is undefined on the other side."""
    first = np.where(z > 0.5, 2 * z, np.maximum(z, 0.5))
    return first * np.where(z > 0, np.log1p(z), z)


def tangents(z):
    """Choose by a condition that holds at 0, where the branches touch."""
    return np.where(z >= 0, z + z * z, np.sin(z))


def by_negative(z):
    return np.where(-z > 0, np.tanh(z), 0.5 * z)


ALL = [
    leaky, elu, selu, three_lines, tangents, by_negative,
    many_branches, backward, at_zero, by_rules, elsewhere,
]  # fmt: skip


def functions(f):
    """Return a function and its derivative as graphs of one scalar."""
    z = dt.symbol("z")
    return [f(z), dt.grad(f(z), z), f(z) * dt.grad(f(z) ** 2, z)]


def drawn_function(rng):
    """Return a choice by something that is zero at zero, or not."""
    z = dt.symbol("z")
    parts = [z, -z, 0.3 * z, np.tanh(z), -np.expm1(z), z**3, z * np.exp(z), np.cbrt(z)]
    parts += [z - 0.25, np.abs(z), dt.relu(z), dt.relu(-z), np.sin(z) + z * z, z - z**2]

    def one():
        return parts[rng.integers(len(parts))]

    choices = [
        lambda: np.where(one() > 0, one(), one()),
        lambda: np.where(one() >= 0, one(), one()),
        lambda: np.maximum(one(), one()),
        lambda: np.minimum(one(), 0.0),
        lambda: dt.relu(one()) - np.abs(one()),
        lambda: np.where((one() > 0) & (one() < 0.5), one(), one()),
        lambda: np.where((one() > 0) | ~(one() > 0), one(), one()) * np.sign(one()),
    ]
    for _ in range(int(rng.integers(1, 4))):
        parts.append(choices[rng.integers(len(choices))]())
    v = parts[-1]
    return dt.grad(v, z) if rng.random() < 0.4 else v


def curve_of(graph, low=-3.0, high=3.0):
    """Return the curve of a graph of one scalar symbol."""
    layout = ScalarLayout([graph], {"z": 0}, 1)
    tasks = [(g.op, t, g.attrs) for g in layout.groups for t in g.tasks]
    term = int(layout.slots[graph])
    return CoordinateFunctions(0, [term], tasks, layout.numbers, (arb(low), arb(high)))


def points(cell, rng, count=12):
    """Return doubles of the half-open cell, those next to its ends too."""
    width = cell.high - cell.low
    shares = [arb(1), arb(0.5), arb(2) ** -30, 1 - arb(2) ** -30]
    shares += [arb(int(rng.integers(1, 2**20))) / 2**20 for _ in range(count)]
    found = [cell.low + width * s for s in shares]
    return found + ([cell.low] if cell.starts else [])


def check(graph, level, index, rng):
    """Compare what is known over a cell with the values; return how far it is off."""
    curve = curve_of(graph)
    try:
        cell = curve.cell(level, index)
    except NoBound:
        return None
    ((t0, t1, t2, off, sinks),) = cell.parabolas
    low, high = cell.low, cell.high
    args = curve.slot, curve.tasks, curve._constants, low, high, curve._watches
    here = CellSeries(*args)
    try:
        a, b = curve._range(curve.terms[0], here, low, high)
    except NoBound:
        a, b = -arb("inf"), arb("inf")
    for x in points(cell, rng):
        value, d = evaluate_exactly(graph, {"z": float(x)}), x - cell.middle
        assert value.is_finite()
        miss = value - (t0 + d * (t1 + d * t2))
        assert not (miss > off or (not sinks and -miss > off)), (x, value)
        assert not (value < a or value > b), (x, value, a, b)
    return off if not sinks else arb("inf")


def drawn_cell(rng, touches):
    level = int(rng.integers(0, 12))
    if touches:
        return level, int(rng.integers(-1, 1))
    return level, int(rng.integers(-2 * 2**level, 2 * 2**level))


@pytest.mark.parametrize("f", ALL)
@pytest.mark.parametrize("seed", seeds(1, 30))
def test_what_is_known_over_a_cell_holds_at_its_points(f, seed):
    rng = np.random.default_rng([seed, *f.__name__.encode()])
    for graph in functions(f):
        for n in range(8):
            check(graph, *drawn_cell(rng, n % 2 == 0), rng)


@pytest.mark.parametrize("seed", seeds(6, 150))
def test_drawn_choices_hold_at_the_points_of_cells(seed):
    rng = np.random.default_rng([seed, 5])
    for _ in range(5):
        graph = drawn_function(rng)
        for n in range(6):
            check(graph, *drawn_cell(rng, n % 3 > 0), rng)


@pytest.mark.parametrize("f", [leaky, elu, selu, three_lines, by_rules])
@pytest.mark.parametrize("index", [-1, 0])
def test_choices_are_decided_on_cells_that_touch_zero(f, index):
    rng = np.random.default_rng(0)
    # derivatives of the others have at 0 a value that is not that of the left
    for graph in functions(f)[: 3 if f in (leaky, elu, selu) else 1]:
        for level in (4, 8):
            assert check(graph, level, index, rng) <= CUBE * 2.0 ** (-3 * level)


def test_zero_belongs_to_the_left():
    """A maximum over a range that holds 0 has the value at 0, whatever is chosen."""
    z = dt.symbol("z")
    for u in (z, 0.5 * z, np.tanh(z), np.expm1(3 * z), z * np.exp(z)):
        for v in (np.where(u > 0, -1.0, 0.0), 1.0 - np.where(u > 0, 2.0, 1.0)):
            curve, load = curve_of(v), ClusterLoad({FIRST: ONE}, [])
            for ends in ((0, 1), (0, 0), (-1, 1), (-1, 0)):
                found = Peak(curve, load, *map(arb, ends), False)
                least_bound(ZERO, [found], arb(-1))  # refines it
                assert found.upper == 0
            opened = Peak(curve, load, arb(0), arb(1), True)
            assert least_bound(ZERO, [opened], arb(-1)) == -1


def test_a_condition_that_is_false_only_at_zero_is_not_decided_left_of_it():
    z = dt.symbol("z")
    curve = curve_of(np.where(-z > 0, -1.0, 0.0))
    load = ClusterLoad({FIRST: ONE}, [])
    left = Peak(curve, load, arb(-1), arb(0), False)
    assert least_bound(ZERO, [left], arb(-1)) == 0
    right = Peak(curve, load, arb(0), arb(1), True)
    assert least_bound(ZERO, [right], arb(0)) == 0


def test_a_range_that_starts_inside_a_cell_holds_its_own_lower_end():
    """The sign at an end that is not left out is that end's own."""
    z = dt.symbol("z")
    curve = curve_of(np.where(z - 0.375 > 0, -1.0, 0.0), 0.375, 1.0)
    (parabola,) = curve.cell(0, 0).parabolas
    value = parabola[0] + parabola[1] * arb(-0.3125)
    assert curve.cell(0, 0).starts
    assert value + parabola[3] >= 0


# -- whole proofs ----------------------------------------------------------------------


def network(f, seed):
    rng = np.random.default_rng(seed)
    x = dt.symbol("x", (1, 2))
    w, u = (dt.constant(np.round(rng.normal(size=s), 2)) for s in ((2, 3), (3, 1)))
    b = dt.constant(np.zeros(3))
    loss = np.sum(np.square(f(x @ w + b) @ u - 1.0))
    return dt.norm(dt.grad(loss, [w, b, u])), dt.Box({x: (-1, 1)})


@pytest.mark.parametrize("f", [leaky, elu, selu, three_lines, tangents, by_negative])
@pytest.mark.parametrize("seed", seeds(1, 10))
def test_proofs_are_believed(f, seed):
    v, domain = network(f, seed)
    found = dt.maximize(v, domain, method="clusters", rtol=0.01, time_limit=1)
    found.certificate.verify(v, domain)


@pytest.mark.parametrize("f", [leaky, elu, selu])
def test_a_proof_that_leaves_zero_to_the_right_is_refused(f):
    x = dt.symbol("x", (2,))
    v = np.sum(np.where(f(np.sum(x)) > 0, -1.0, 0.0) * (3.0 - x))
    claim = -3.9
    for low, is_right in ((0.0, False), (0.25, True)):
        domain = dt.Box({x: (low, 1)})
        case = Case.of(v, domain)
        steps = len(case.clusters.defining)
        told = {"p": [0.0] * sum(len(m.slots) for m in case.clusters.defining)}
        told |= {"energies": [None] * steps, "corners": [None] * steps}
        proof = certified(case.bounder, [leaf("clusters", **told)], claim)
        assert (v.evaluate({x: np.full(2, low)}) <= claim) == is_right
        if is_right:
            proof.verify(v, domain)
            continue
        with pytest.raises(CertificateError, match="above the claim"):
            proof.verify(v, domain)


def test_the_slope_of_a_jump_is_not_told_at_the_jump():
    z = dt.symbol("z")
    curve = curve_of(apply(OPERATORS["jump_slope"], (np.tanh(z),), {}))
    with pytest.raises(NoBound):
        curve.cell(4, -1)
    for index in (-2, 0, 1):
        assert curve.cell(4, index).parabolas == [(ZERO, ZERO, ZERO, ZERO, False)]


@pytest.mark.drawn
def test_signs_are_those_of_the_values():
    """Every sign that is known of any function holds at every point of the cell."""
    rng = np.random.default_rng(11)
    for _ in range(draws(24, 2000)):
        graph = drawn_function(rng)
        layout = ScalarLayout([graph], {"z": 0}, 1)
        curve = curve_of(graph)
        cell_at = drawn_cell(rng, rng.random() < 0.7)
        low, high = (arb((cell_at[1] + n, -cell_at[0])) for n in (0, 1))
        args = curve.slot, curve.tasks, curve._constants, low, high, True
        here = CellSeries(*args)
        nodes = {int(s): n for n, s in layout.slots.items() if n.shape == ()}
        for slot, (least, most) in here._signs.items():
            if slot not in nodes:
                continue
            for share in (arb(2) ** -30, arb(0.375), arb(1)):
                x = low + (high - low) * share
                value = evaluate_exactly(nodes[slot], {"z": float(x)})
                assert not (least > 0 and value <= 0)
                assert not (least == 0 and value < 0)
                assert not (most < 0 and value >= 0)
                assert not (most == 0 and value > 0)


@pytest.mark.parametrize("sides", ["cells", "signs"])
def test_a_side_that_a_function_is_less_itself_is_nothing(sides):
    x = dt.symbol("x", shape=(3,))  # intervals of x - x reach -1, where log1p ends
    v = np.sum(np.log1p(x - np.minimum(x, 0)) * np.arange(1.0, 4.0))
    domain = dt.Box({x: (-2.5, 1.5 if sides == "cells" else -0.5)})
    for run in (dt.maximize, dt.minimize):
        e = run(v, domain, method="clusters", max_regions=1, time_limit=None)
        assert e.certificate.verify(v, domain)
