"""Cluster leaves, checked: parts, ranges, energies, maxima; and what is refused."""

from functools import cache

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker import point_steps
from deuterium.certify.checker.ball_program import PointProgram
from deuterium.certify.checker.clusters import spoke_energy
from deuterium.certify.checker.clusters.cluster_leaf import _cut
from deuterium.certify.checker.clusters.cluster_maximum import (
    ClusterLoad,
    Spoke,
    spoke_maximum,
)
from deuterium.certify.checker.clusters.star_parts import StepRelation
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.lagrangian import separable_maximum
from deuterium.certify.checker.lagrangian.parabola_cells import (
    Cell,
    CoordinateFunctions,
)
from deuterium.certify.checker.lagrangian.separable_maximum import Peak, least_bound
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.scalar_layout import ScalarLayout
from deuterium.optimize.region import Regions
from tests.amounts import draws, seeds
from tests.certify.cluster_cases import (
    KINDS,
    Case,
    case_of,
    data,
    energy,
    holds,
    others,
)

FAR = 150  # halvings of cells, in tests that look at many leaves


@pytest.fixture(autouse=True)
def precision(rough_multipliers):
    with ctx.workprec(96):
        yield


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(separable_maximum, "MOST", FAR)


def slots_at(case, x):
    """Return the value of every slot at a point, hubs and spokes by their nodes."""
    s = case.clusters.structure
    row = [arb(float(c)) for c in x]
    values = [None] * s.count
    values[: case.size] = row
    for slot, c in s.values().items():
        values[slot] = c

    def at(node):
        return PointProgram([node], case.starts, case.size)(row)

    for block in s.blocks[1:]:
        for slot, c in zip(block.slots, at(block.nodes[0]), strict=True):
            values[slot] = c
    for step in s.spoke_steps.values():
        known = {node: at(node) for node in {n for n, _ in step.elements[0]}}
        for slot, (node, i) in zip(step.slots, step.elements[0], strict=True):
            values[slot] = known[node][i]
    for _ in range(3):  # sums are of functions and products, and have functions
        for group in s.groups:
            if all(values[i] is not None for _, ins in group.tasks for i in ins):
                point_steps.step_for(group)(values)
        for slot, (f, e, power) in s.stars.items():
            factor = arb(1) if f is None else values[f]
            values[slot] = None if factor is None else values[e] ** power * factor
        for slot, form in s.sums.items():
            if all(values[t] is not None for t in form.parts):
                values[slot] = summed(form, values)
    return values, at(case.clusters.root.graph)[0]


def summed(form, values):
    return sum([c * values[t] for t, c in form.parts.items()], form.constant)


@pytest.mark.parametrize("seed", seeds(1, 15))
@pytest.mark.parametrize("kind", KINDS)
def test_definitions_and_the_sum_are_those_of_the_graph(kind, seed):
    case = case_of(kind, seed)
    rng = np.random.default_rng(seed)
    compared = 0
    while compared < 4:
        try:
            values, top = slots_at(case, case.point(rng))
        except NoBound:
            continue  # rounding hides on which side of a kink the point lies
        compared += 1
        if top.is_finite():
            assert summed(case.clusters.structure.objective, values).overlaps(top)
        for made in case.clusters.defining:
            found = [summed(d, values) for d in made.definitions]
            if not isinstance(made, StepRelation):
                both = zip(found, made.slots, strict=True)
                assert all(x.overlaps(values[slot]) for x, slot in both)
            elif made.is_inequality:
                assert not any(x < 0 for x in found)
            else:
                assert all(x.contains(0) and x.rad() < 1e-9 for x in found)


@pytest.mark.parametrize("seed", seeds(1, 15))
@pytest.mark.parametrize("kind", KINDS)
def test_ranges_hold_every_point_of_a_region(kind, seed):
    case = case_of(kind, seed, others)
    rng = np.random.default_rng(seed)
    for _ in range(draws(3, 12)):
        x = case.point(rng)
        state = case.clusters.state(case.region(rng, x, int(rng.integers(8))))
        values, _ = slots_at(case, x)
        for slot, value in enumerate(values):
            if value is not None and state.low[slot] is not None:
                assert not value < state.low[slot]
                assert not value > state.high[slot]
                assert slot not in state.open or not value <= state.low[slot]


@pytest.mark.parametrize("seed", seeds(1, 15))
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_above_every_value_whatever_the_data_say(kind, seed, few):
    rng = np.random.default_rng([seed, 9])
    case = case_of(kind, seed, others if rng.random() < 0.5 else ())
    for wild in range(draws(1, 6)):
        region, top = drawn_region(case, rng)
        try:
            found = case.clusters.bound(region, data(case, rng, (wild + 1) % 3), top)
        except NoBound:
            continue
        assert top <= found.upper()
        with pytest.raises(NoBound, match="do not contradict"):
            case.clusters.bound(region, {"empty": True}, top)


def drawn_region(case, rng):
    """Return a region, and the largest value known in it, as an exact number."""
    x = case.point(rng)
    region = case.region(rng, x, int(rng.integers(0, 6)))
    top = None
    for y in [x, *[case.point(rng) for _ in range(6)]]:
        value, atoms = case.values(y)
        if holds(region, [arb(float(c)) for c in y] + atoms):
            value = value.lower()
            top = value if top is None or value > top else top
    return region, top


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 8))
@pytest.mark.parametrize("kind", KINDS)
def test_the_bounder_is_believed(kind, seed):
    case = case_of(kind, seed)
    regions = case.bounder.root()
    for _ in range(draws(1, 4)):
        found = case.bounder.bound(regions, -np.inf)
        for i, (method, told) in enumerate(found.proofs):
            ends = (e[i].tolist() for e in (regions.low, regions.high))
            region = Region(*[list(map(arb, e)) for e in ends], list(regions.open[i]))
            claim = arb(float(found.upper[i]))
            assert method == "clusters"
            try:
                assert case.clusters.bound(region, told, claim) <= claim
            except NoPoint:
                continue
        j, at = int(found.cut[-1]), float(found.at[-1])
        if j < 0:
            return
        rows = [len(regions) - 1] * 2
        regions = Regions(
            *[e[rows].copy() for e in (found.low, found.high, found.open)],
            found.upper[rows],
            found.state[rows],
        )
        regions.high[0, j] = regions.low[1, j] = at
        regions.open[1, j] = True


# -- maxima ----------------------------------------------------------------------------


@pytest.mark.drawn
def test_the_maximum_over_a_spoke_is_the_largest_value():
    rng = np.random.default_rng(1)
    for _ in range(draws(180, 5000)):
        a, b = rng.choice([0.0, 1e-30, 1e-3, 1.0], 2) * rng.normal(size=2)
        low, high = np.sort(rng.normal(size=2) * rng.choice([0.0, 1e-9, 1.0]))
        found = spoke_maximum(*map(arb, (a, b, low, high)))
        tip = -arb(b) / (2 * arb(a)) if a else arb(low)
        ends = [e for e in (arb(low), arb(high), tip) if arb(low) <= e <= arb(high)]
        values = [(arb(a) * e + arb(b)) * e for e in ends]
        assert all(v.lower() <= found.upper() for v in values)
        assert any(v.overlaps(found) for v in values)


@pytest.mark.parametrize("radius", [0.0, 1e-20, 1e-3, 1.0, 5.0])
def test_the_maximum_over_a_spoke_holds_for_all_coefficients_of_balls(radius):
    rng = np.random.default_rng(2)
    for _ in range(100):
        a, b = rng.normal(size=2) * rng.choice([1e-18, 1.0])
        low, high = np.sort(rng.normal(size=2)).tolist()
        found = spoke_maximum(arb(a, radius), arb(b, radius), arb(low), arb(high))
        for _ in range(20):
            c, d = (arb(x) + float(radius * rng.uniform(-1, 1)) for x in (a, b))
            e = arb(rng.uniform(low, high))
            assert ((c * e + d) * e).lower() <= found.upper()
        assert found.upper() < 1e3


FUNCTIONS = ["tanh", "expit", "relu", "relu'", "absolute", "square", "sin"]


def star(rng):
    """Return a curve of a few functions of x, a load, and what it is at a point."""
    x = dt.symbol("x")
    names = rng.choice(FUNCTIONS, 3, replace=False)
    graphs = [dt.graph.constructors.apply(dt.graph.operator.OPERATORS[n], (x,), {})
              for n in names]  # fmt: skip
    layout = ScalarLayout(graphs, {"x": 0}, 1)
    terms = [int(layout.slots[g]) for g in graphs]
    tasks = [(g.op, t, g.attrs) for g in layout.groups for t in g.tasks]
    curve = CoordinateFunctions(0, terms, tasks, {}, (arb(-3), arb(3)))

    def some():
        return {k: arb(float(c)) for k, c in enumerate(rng.normal(size=5))
                if rng.random() < 0.6}  # fmt: skip

    own, spokes = some(), []
    for _ in range(int(rng.integers(0, 4))):
        ends = np.sort(rng.normal(size=2) * rng.choice([0.0, 1.0, 3.0]))
        spokes.append(Spoke(some(), some(), *map(arb, ends)))
    program = PointProgram(graphs, {"x": 0}, 1)

    def value(z):
        z = arb(float(z))
        f = [arb(1), z, *program([z])]
        total = sum([c * f[k] for k, c in own.items()], arb(0))
        for s in spokes:
            b, a = (
                sum([c * f[k] for k, c in part.items()], arb(0))
                for part in (s.linear, s.quadratic)
            )
            tip = arb(float((-b / (2 * a)).mid())) if a < 0 else s.low
            some = [s.low, s.high, *[tip] * bool(s.low <= tip <= s.high)]
            total = total + max([(a * e + b) * e for e in some], key=lambda x: x.mid())
        return total

    return curve, ClusterLoad(own, spokes), value


@pytest.mark.parametrize("seed", seeds(12, 400))
def test_a_cluster_is_bounded_above_all_its_values_and_closely(seed):
    rng = np.random.default_rng(seed)
    curve, load, value = star(rng)
    low, high = np.sort(rng.uniform(-3, 3, 2)).tolist()
    low, high = (0.0, abs(high)) if seed % 4 == 0 else (low, high)
    is_open = bool(seed % 8 == 0)
    peak = Peak(curve, load, arb(low), arb(high), is_open)
    grid = np.linspace(low, high, 60)[is_open:]
    near = np.array([low + 1e-9, -1e-9, 0.0, 1e-9])  # kinks and jumps
    grid = [*grid, *near[(near > low) & (near <= high)]]
    values = [value(z) for z in grid]
    for _ in range(60):
        assert all(v.lower() <= peak.upper for v in values)
        if not peak.refine():
            break
    best = max(float(v.mid()) for v in values)
    assert best <= float(peak.upper) <= best + 0.2 * (1 + abs(best))
    assert peak.gap >= -1e-12


@pytest.mark.parametrize("ends", [(-1.0, -0.5), (0.5, 1.0), (-1.0, 0.5), (-0.5, 1.0)])
def test_what_functions_are_off_their_parabolas_counts_on_both_sides(ends):
    cell = Cell(
        arb(-1), arb(1), False, arb(0), [(arb(0), arb(0), arb(0), arb(1), False)]
    )
    for part in (
        ({2: arb(1)}, {}),
        ({2: arb(-1)}, {}),
        ({}, {2: arb(1)}),
        ({}, {2: arb(-1)}),
    ):
        upper, seen = ClusterLoad({}, [Spoke(*part, *map(arb, ends))]).over(
            cell, arb(-1), arb(1)
        )
        assert upper == 1 and seen <= 0


def test_a_half_open_range_has_the_right_branch_alone():
    """The slope of relu, times a spoke, from 0 on: 0 at 0 unless 0 is left out."""
    x = dt.symbol("x")
    layout = ScalarLayout([dt.grad(dt.relu(x), x)], {"x": 0}, 1)
    (group,) = layout.groups
    tasks = [(group.op, t, group.attrs) for t in group.tasks]
    curve = CoordinateFunctions(0, [tasks[0][1][0][0]], tasks, {}, (arb(-1), arb(1)))
    load = ClusterLoad({}, [Spoke({2: arb(1)}, {}, arb(-2), arb(-1))])
    for is_open, most in ((False, 0.0), (True, -1.0)):
        peak = Peak(curve, load, arb(0), arb(1), is_open)
        assert least_bound(arb(0), [peak], arb(most)) == most


# -- energies --------------------------------------------------------------------------


@cache
def energies():
    """Return the energies of some cases, those of both shapes."""
    found = []
    for kind, seed in (("network", 1), ("network", 4), ("products", 1), ("kinked", 0)):
        case = case_of(kind, seed)
        found += [e for e in case.clusters.energies if e is not None and e.terms]
    return found


def test_an_energy_with_too_small_a_diagonal_is_refused():
    rng = np.random.default_rng(5)
    shapes, refused = set(), 0
    for e in energies():
        for _ in range(20):
            told = energy(e, rng)
            if told is None or not any(told[0]):
                continue
            e.squares(told)
            count = sum(x != 0 for x in told[0])
            shapes.add(count < len(e.terms))
            top = np.array([[float(c) for c in row] for row in e._matrix])
            inner = top * np.sqrt(told[0])[:, None] / np.sqrt(told[1])
            if np.linalg.norm(inner, 2) < 0.9:  # there was nothing to be small for
                continue
            short = [(np.array(told[1]) * (1 - 2e-6)).tolist()]
            with pytest.raises(NoBound, match="not proved"):
                e.squares([told[0], *short, told[2]])
            refused += 1
    assert shapes == {True, False}
    assert refused > 20


def test_what_an_energy_adds_is_never_negative():
    rng = np.random.default_rng(6)
    for e in energies():
        for _ in range(20):
            told = energy(e, rng)
            if told is None:
                continue
            added = e.squares(told)
            at = {
                t: arb(float(x))
                for t, x in zip(e.terms, rng.normal(size=99), strict=False)
            }
            for slot, d in zip(e.made.slots, e.made.definitions, strict=True):
                at[slot] = summed_or_zero(d, at)
            total = sum([w * (at[t] - c) ** 2 for t, w, c in added], arb(0))
            assert total.upper() >= 0


def summed_or_zero(form, values):
    some = {t: c for t, c in form.parts.items() if t in values}
    return sum([c * values[t] for t, c in some.items()], form.constant)


@pytest.mark.parametrize(
    "change",
    [
        lambda e: [[-1e-9, *e[0][1:]], e[1], e[2]],
        lambda e: [e[0], [0.0, *e[1][1:]], e[2]],
        lambda e: [e[0], [-x for x in e[1]], e[2]],
        lambda e: [e[0], [float("nan"), *e[1][1:]], e[2]],
        lambda e: [[float("inf"), *e[0][1:]], e[1], e[2]],
        lambda e: [e[0], e[1], [float("nan"), *e[2][1:]]],
        lambda e: [e[0][1:], e[1], e[2]],
        lambda e: [e[0], [*e[1], 1.0], e[2]],
        lambda e: [e[0], e[1], e[2][1:]],
        lambda e: [e[0], e[1]],
        lambda e: [*e, []],
        lambda e: {"nu": e[0]},
        lambda e: [e[1], e[0], e[2]],
        lambda e: [[True, *e[0][1:]], e[1], e[2]],
        lambda e: [["1", *e[0][1:]], e[1], e[2]],
    ],
)
def test_an_energy_that_cannot_be_read_is_refused(change):
    rng = np.random.default_rng(7)
    e = next(e for e in energies() if len(e.terms) != len(e.made.slots))
    told = None
    while told is None or not all(told[0]):
        told = energy(e, rng)
    with pytest.raises(NoBound):
        e.squares(change(told))


def test_a_matrix_is_proved_by_its_own_factor_not_by_a_rounded_one(monkeypatch):
    """Whatever comes out of floating point, nothing false is proved."""
    own, rows, one = [arb(1)] * 2, [[arb(0.9)], [arb(0.9)]], [arb(1)]
    assert not spoke_energy._is_above(own, rows, one)
    for wrong in (np.eye(2), np.zeros((2, 2)), 1e9 * np.eye(2)):
        monkeypatch.setattr(np.linalg, "cholesky", lambda m, w=wrong: w)
        assert not spoke_energy._is_above(own, rows, one)


@pytest.mark.parametrize(("n", "m"), [(16, 16), (32, 64), (64, 32), (1, 5), (5, 1)])
def test_a_large_energy_is_proved(n, m):
    rng = np.random.default_rng([n, m])
    matrix = rng.normal(size=(n, m))
    d, nu = np.exp(rng.normal(size=n)), np.exp(rng.normal(size=m))
    inner = matrix * np.sqrt(nu) / np.sqrt(d)[:, None]
    rows = [[arb(c) for c in row] for row in matrix.tolist()]
    for growth, holds_true in ((1e-6, True), (-1e-6, False)):
        above = d * np.linalg.norm(inner, 2) ** 2 * (1 + growth)
        own, weights = ([arb(c) for c in e.tolist()] for e in (above, nu))
        assert spoke_energy._is_above(own, rows, weights) is holds_true


# -- a leaf, taken apart ---------------------------------------------------------------


def test_a_spoke_that_does_not_depend_on_its_hub_counts():
    case = case_of("network", 1)
    s, state = case.clusters.structure, case.clusters.state(case.whole())
    for spoke in s.spokes:
        for c in (arb(1), arb(-1)):
            load, rest = case.clusters._load(s.owner[spoke], {spoke: c}, state)
            ends = c * state.low[spoke].lower(), c * state.high[spoke].upper()
            assert load is None
            assert all(e <= rest for e in ends) and any(e.overlaps(rest) for e in ends)


def test_two_cuts_of_one_number_leave_what_both_do():
    one, two, far = arb(1), arb(2), arb("inf")
    for cuts, left in (
        (((one, far, False), (two, far, True)), (2, far, True)),
        (((two, far, False), (one, far, True)), (2, far, False)),
        (((two, far, True), (two, far, False)), (2, far, True)),
        (((two, far, False), (two, far, False)), (2, far, False)),
        (((-far, two, False), (-far, one, False)), (-far, 1, False)),
    ):
        for first, second in (cuts, cuts[::-1]):
            assert _cut(first, *second) == left
    assert _cut(None, one, two, True) == (1, 2, True)


def test_hubs_share_cells_only_if_their_functions_are_the_same():
    x = dt.symbol("x", (2,))
    z = x @ dt.constant([[1.0, 2.0], [0.5, -1.0]])
    for c, shapes in (([2.0, 2.0], 1), ([2.0, 3.0], 2)):
        v = np.sum(np.sin(np.square(z) + dt.constant(c)))
        case = Case.of(v, dt.Box({x: (-1, 1)}))
        (block,) = case.clusters.structure.blocks[1:]
        curves = [case.clusters._curves[h] for h in block.slots]
        assert len({curve._shape for curve in curves}) == shapes


def test_ranges_of_both_sides_of_a_kink_are_put_together_for_what_follows():
    """A maximum with another hub takes the hull, not what is right of the kink."""
    x = dt.symbol("x", (2,))
    a, b = x @ dt.constant([[1.0], [2.0]]), x @ dt.constant([[3.0], [-1.0]])
    v = np.sum(np.tanh(np.maximum(np.abs(a) * a, b - 20.0)))
    case = Case.of(v, dt.Box({x: (-1, 1)}))
    (free,) = [b for b in case.clusters.structure.blocks if b.kind == "free"]
    state = case.clusters.state(case.whole())
    assert state.low[free.slots[0]] <= -9
