"""The checker's ranges and values, against the point oracle, with no tolerance."""

import math

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium import ops
from deuterium.certify.checker import (
    choice_table,
    point_steps,
    range_steps,
    system_steps,
)
from deuterium.certify.checker.ball_functions import ZERO
from deuterium.certify.checker.ball_program import PointProgram, RangeProgram
from deuterium.certify.checker.counted_operators import COUNTED
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.operator_table import (
    TABLE,
    is_never_negative,
    keeps_sign,
    rises,
)
from deuterium.certify.checker.scalar_layout import _MAKERS, MOVES
from deuterium.certify.stated import STATED
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.ops.linalg import solution
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import seeds

ONE = {op.name: e for op, e in TABLE.items() if op.arity == 1}
TWO = {op.name: e for op, e in TABLE.items() if op.arity == 2}

SEEDS = [0, 1, 2]
ENDS = [-30.0, -3.0, -1.0, -0.5, 0.0, 1e-9, 0.3, 0.5, 1.0, 2.5, 40.0]


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(96):
        yield


def unary_operators():
    return sorted(ONE)


def test_every_operator_has_a_rule():
    special = {*MOVES, *_MAKERS, *COUNTED, ops.polygamma, ops.bessel_i}
    assert {*TABLE, *choice_table.RANGES, *special} == STATED
    for name, op in OPERATORS.items():
        tables = (TABLE, choice_table.RANGES, special)
        assert sum(op in table for table in tables) == 1, name
        assert op not in TABLE or op.elementwise
    spelled_out = {ops.pi, ops.scatter, ops.cumsum, ops.norm, ops.direction}
    spelled_out |= {ops.soft_direction, ops.rejection}
    computed = set(_MAKERS) - spelled_out
    known = {
        *point_steps._REDUCTIONS,
        *point_steps._ROWS,
        *system_steps.OPERATORS,
        ops.matmul,
    }
    known |= {*choice_table.ROWS}
    assert computed <= known
    assert computed <= {*range_steps.MAKERS, *choice_table.ROWS}
    assert set(choice_table.VALUES) == set(choice_table.RANGES)


def test_what_is_said_of_operators_is_so():
    for name, op in OPERATORS.items():
        assert rises(op) == (op.increasing if op.strictly else None), name
        assert is_never_negative(op) == op.nonnegative, name
        # what the bounders keep a sign by, the checker has to know
        assert keeps_sign(op) or not op.keeps_sign or op.nonnegative, name
        if op in TABLE:
            entry = TABLE[op]
            assert (entry.steepest is not None) == (op.lipschitz is not None), name
            assert entry.below_identity == op.below_identity, name
            assert (entry.bend is not None) == (op.bend is not None), name
            # what jumps has sides for the checker alone, on cells that zero is not in
            is_smooth = op.sides is None and not op.kinks and not entry.jumps
            assert (entry.sides is None) == is_smooth, name


def interval_of(graph, low, high, **options):
    a, b = RangeProgram([graph], {"x": 0}, 1, **options)([arb(low)], [arb(high)])
    return a[0], b[0]


def random_interval(rng):
    kind = rng.integers(4)
    if kind == 0:
        a, b = rng.choice(ENDS, 2)
    elif kind == 1:
        a = rng.normal() * 10.0 ** rng.integers(-8, 3)
        b = a + rng.exponential() * 10.0 ** rng.integers(-8, 2)
    elif kind == 2:
        a = b = float(rng.choice(ENDS))
    else:
        a, b = rng.uniform(-1, 1, 2)
    return float(min(a, b)), float(max(a, b))


def inside(rng, low, high):
    share = rng.choice([0.0, 1.0, rng.uniform()])
    return min(max(low + share * (high - low), low), high)


@pytest.mark.parametrize("seed", seeds(1, 12))
@pytest.mark.parametrize("name", unary_operators())
def test_ranges_of_one_variable_hold_every_value(name, seed):
    rng = np.random.default_rng([seed, *name.encode()])
    graph = apply(OPERATORS[name], (dt.symbol("x"),), {})
    bounded = 0
    for _ in range(60):
        low, high = random_interval(rng)
        try:
            a, b = interval_of(graph, low, high)
        except NoBound:
            continue
        bounded += 1
        for _ in range(6):
            x = inside(rng, low, high)
            y = evaluate_exactly(graph, {"x": x})
            assert not y.is_nan(), (low, high, x)
            # the ends are balls: compare with their outer sides
            assert not y < a.lower(), (low, high, x)
            assert not y > b.upper(), (low, high, x)
    assert bounded > 5


@pytest.mark.parametrize("seed", seeds(1, 6))
@pytest.mark.parametrize("name", unary_operators())
def test_ranges_are_as_tight_as_the_librarys(name, seed):
    rng = np.random.default_rng([seed, 7, *name.encode()])
    op = OPERATORS[name]
    graph = apply(op, (dt.symbol("x"),), {})
    for _ in range(40):
        low, high = random_interval(rng)
        with np.errstate(all="ignore"):
            known = op.enclosure(dt.Interval(np.float64(low), np.float64(high)))
        if np.isnan(known.lower) or not np.isfinite(known.upper):
            continue
        a, b = interval_of(graph, low, high)
        slack = 1e-13 * max(1.0, abs(float(known.lower)), abs(float(known.upper)))
        assert float(a.lower()) >= float(known.lower) - slack, (low, high)
        assert float(b.upper()) <= float(known.upper) + slack, (low, high)


def test_two_variables_hold_every_value():
    rng = np.random.default_rng(5)
    x = dt.symbol("x", (2,))
    for name in sorted(TWO):
        graph = apply(OPERATORS[name], (x[0], x[1]), {})
        tape = RangeProgram([graph], {"x": 0}, 2)
        bounded = 0
        for _ in range(80):
            (a, b), (c, d) = random_interval(rng), random_interval(rng)
            try:
                low, high = tape([arb(a), arb(c)], [arb(b), arb(d)])
            except NoBound:
                continue
            bounded += 1
            for _ in range(6):
                point = [inside(rng, a, b), inside(rng, c, d)]
                y = evaluate_exactly(graph, {"x": point})
                assert not y.is_nan(), (name, a, b, c, d, point)
                assert not y < low[0].lower(), (name, a, b, c, d, point)
                assert not y > high[0].upper(), (name, a, b, c, d, point)
        assert bounded > 5, name


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 4, 7])
def test_whole_powers_hold_every_value(n):
    rng = np.random.default_rng(n + 100)
    graph = apply(OPERATORS["integer_power"], (dt.symbol("x"),), {"n": n})
    for _ in range(50):
        low, high = random_interval(rng)
        try:
            a, b = interval_of(graph, low, high)
        except NoBound:
            assert n < 0
            assert low <= 0 <= high
            continue
        for _ in range(5):
            y = evaluate_exactly(graph, {"x": inside(rng, low, high)})
            assert not y < a.lower()
            assert not y > b.upper()


KNOWN = [
    ("sin", 0.0, 7.0, -1, 1),
    ("sin", -1.5, 1.5, "sin", "sin"),
    ("cos", 1.0, 2.0, None, None),
    ("cos", -1.0, 2.0, None, 1),
    ("cos", 3.0, 4.0, -1, None),
    ("sin", 1e6, 1e6 + 7, -1, 1),
    ("square", -1.0, 3.0, 0, 9),
    ("absolute", -4.0, 3.0, 0, 4),
    ("cosh", -1.0, 0.5, 1, None),
    ("expit'", -1.0, 2.0, None, 0.25),
    ("tanh'", -1.0, 2.0, None, 1),
    ("logit'", 0.25, 0.6, 4, None),
    ("relu", -1.0, 2.0, 0, 2),
    ("sign", 0.0, 2.0, 0, 1),
    ("relu'", -1.0, 0.0, 0, 0),
    ("relu'", 0.0, 1.0, 0, 1),
    ("absolute'", 0.0, 1.0, -1, 1),
]


@pytest.mark.parametrize(("name", "low", "high", "least", "most"), KNOWN)
def test_known_ranges(name, low, high, least, most):
    graph = apply(OPERATORS[name], (dt.symbol("x"),), {})
    a, b = interval_of(graph, low, high)
    if isinstance(least, (int, float)):
        assert a == arb(least)
    if isinstance(most, (int, float)):
        assert b == arb(most)
    if least == "sin":
        assert a.overlaps(arb(low).sin())
        assert b.overlaps(arb(high).sin())


def test_slopes_at_kinks_count_both_sides():
    x = dt.symbol("x")
    step = apply(OPERATORS["relu'"], (x,), {})
    assert [float(e) for e in interval_of(step, -1.0, 0.0)] == [0, 0]
    assert [float(e) for e in interval_of(step, -1.0, 0.0, slopes=True)] == [0, 1]
    assert [float(e) for e in interval_of(step, 0.0, 1.0, slopes=True)] == [0, 1]


def test_an_excluded_end_decides_the_side_of_a_kink():
    x = dt.symbol("x", (2,))
    z = x[0] - x[1]
    step = apply(OPERATORS["relu'"], (z,), {})
    box = [arb(-1), arb(-1), arb(0)], [arb(1), arb(1), arb(2)]
    tape = RangeProgram([step], {"x": 0}, 2, [(z, 0)])
    low, high = tape(*box, [False, False, True])
    assert (float(low[0]), float(high[0])) == (1, 1)
    low, high = tape(*box, [False, False, False])
    assert (float(low[0]), float(high[0])) == (0, 1)
    low, high = tape(*box)
    assert float(low[0]) == 0


def test_atoms_are_cut_down_to_the_box():
    x = dt.symbol("x", (2,))
    z = x[0] + x[1]
    tape = RangeProgram([np.exp(z)], {"x": 0}, 2, [(z, 0)])
    low, high = tape([arb(0), arb(0), arb(0.5)], [arb(1), arb(1), arb(0.75)])
    assert low[0].overlaps(arb(0.5).exp())
    assert high[0].overlaps(arb(0.75).exp())
    low, high = tape.atoms([arb(0), arb(0), arb(-9)], [arb(1), arb(1), arb(9)])
    assert (float(low[0]), float(high[0])) == (0, 2)
    with pytest.raises(NoPoint):
        tape([arb(0), arb(0), arb(3)], [arb(1), arb(1), arb(4)])


UNDEFINED = [
    ("log", -1.0, 1.0), ("log", 0.0, 1.0), ("sqrt", -1e-300, 1.0),
    ("reciprocal", -1.0, 1.0), ("reciprocal", 0.0, 1.0), ("tan", 1.0, 2.0),
    ("arcsin", 0.0, 1.0000000000000002), ("arctanh", 0.0, 1.0), ("logit", 0.0, 0.5),
    ("arccosh", 0.9, 2.0), ("log1p", -1.0, 0.0), ("jump_slope", -1.0, 1.0),
    ("jump_slope", 0.0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), UNDEFINED)
def test_no_bound_where_a_function_is_not_defined(name, low, high):
    graph = apply(OPERATORS[name], (dt.symbol("x"),), {})
    with pytest.raises(NoBound):
        interval_of(graph, low, high)
    # ... however well it is hidden
    with pytest.raises(NoBound):
        interval_of(np.minimum(dt.relu(graph), 1.0) * 0.0, low, high)


def test_infinite_boxes():
    x = dt.symbol("x")
    inf = math.inf
    for graph, least, most in [
        (np.tanh(x), -1, 1), (np.exp(-(x**2)), 0, 1), (np.arctan(x), -1.58, 1.58),
        (1 / (1 + np.exp(-x)), 0, 1), (np.maximum(np.minimum(x, 3), -2), -2, 3),
    ]:  # fmt: skip
        a, b = interval_of(graph, -inf, inf)
        assert float(a.lower()) >= least
        assert float(b.upper()) <= most
    a, b = interval_of(x * x + 1, -inf, inf)
    assert float(a) == 1
    assert not b.is_finite()


def random_arrays(seed):
    rng = np.random.default_rng(seed)
    x = dt.symbol("x", (2, 3))
    w = rng.normal(size=(3, 4))
    return (
        rng,
        x,
        [
            np.sum(x @ w),
            np.sum(w.T @ x.T),
            np.sum(np.matmul(x, x.T) ** 2),
            np.sum(dt.softmax(x) ** 2),
            np.sum(dt.logsumexp(x)),
            np.max(x),
            np.prod(x[0]),
            np.sum(np.cumsum(x, axis=1)[:, 1] * x[:, 0]),
            np.sum(np.where([True, False, True], x, -x) ** 3),
            np.sum(np.concatenate([x, x * 2], axis=0)),
            np.sum(dt.grad(np.sum(np.max(x, axis=1)), x) * x),
            np.sum(dt.grad(np.sum(x[:, [0, 0, 1]] ** 3), x)),
            np.sqrt(np.sum(np.tanh(x @ w) ** 2)) * np.pi,
            np.sum(np.linalg.solve(x.T @ x + np.eye(3), x.T @ w[:2, :1])),
            np.sum(np.linalg.solve(x.T @ x / 2 + np.eye(3), np.tanh(x.T))),
            np.sum(solution(np.tanh(x.T @ x) + 9 * np.eye(3), x.T) ** 2),
        ],
    )


@pytest.mark.parametrize("seed", range(6))
def test_array_operators_hold_every_value(seed):
    rng, x, graphs = random_arrays(seed)
    middle = rng.normal(size=6)
    radius = rng.exponential(size=6) * 10.0 ** rng.integers(-3, 1)
    low, high = middle - radius, middle + radius
    ends = [arb(e) for e in low], [arb(e) for e in high]
    for graph in graphs:
        (a,), (b,) = RangeProgram([graph], {"x": 0}, 6)(*ends)
        at = PointProgram([graph], {"x": 0}, 6)
        for _ in range(8):
            point = np.clip(
                low + rng.choice([0, 1, rng.uniform()], 6) * (high - low), low, high
            )
            y = evaluate_exactly(graph, {"x": point.reshape(2, 3)})
            assert not y < a.lower()
            assert not y > b.upper()
            assert y.overlaps(at([arb(e) for e in point])[0])
        known = dt.enclose(graph, dt.Box({x: (low.reshape(2, 3), high.reshape(2, 3))}))
        if np.isfinite(known.upper):
            slack = 1e-9 * (1 + abs(float(known.upper)) + abs(float(known.lower)))
            assert float(b.upper()) <= float(known.upper) + slack


@pytest.mark.parametrize("name", unary_operators())
def test_points_agree_with_the_oracle(name):
    rng = np.random.default_rng([3, *name.encode()])
    graph = apply(OPERATORS[name], (dt.symbol("x"),), {})
    tape = PointProgram([graph], {"x": 0}, 1)
    seen = 0
    for x in [*rng.normal(size=20) * 3, *rng.uniform(0, 1, 10), *rng.uniform(1, 5, 5)]:
        y = evaluate_exactly(graph, {"x": x})
        if y.is_nan():
            with pytest.raises(NoBound):
                tape([arb(x)])
        else:
            seen += 1
            (value,) = tape([arb(x)])
            assert value.overlaps(y)
            assert value.rel_accuracy_bits() > 40 or value.is_zero()
    assert seen > 3


def test_constants_are_folded_and_the_undefined_stays_so():
    x = dt.symbol("x")
    graph = x + np.log(dt.constant(2.0)) * np.sum(dt.constant([1.0, 2.0]))
    tape = RangeProgram([graph], {"x": 0}, 1)
    assert len(tape._steps) == 1
    a, _ = tape([arb(0)], [arb(0)])
    assert a[0].overlaps(3 * arb(2).log())
    with pytest.raises(NoBound):
        interval_of(x + np.log(dt.constant(-1.0)), 0.0, 1.0)
    # what is not wanted does no harm
    both = np.stack([np.log(x), x * 2])
    a, _ = RangeProgram([both[1]], {"x": 0}, 1)([arb(-1)], [arb(1)])
    assert float(a[0]) == -2


@pytest.mark.parametrize("seed", seeds(1, 4))
@pytest.mark.parametrize("name", ["expit", "tanh"])
def test_families_from_one_exponential(name, seed):
    rng = np.random.default_rng([seed, 8])
    x = dt.symbol("x")
    graphs = [apply(OPERATORS[name + "'" * k], (x,), {}) for k in range(3)]
    for wanted in ([0, 1, 2], [0, 1], [1, 2], [0, 2]):
        some = [graphs[k] for k in wanted]
        tape = RangeProgram(some, {"x": 0}, 1)
        assert len(tape._steps) == 1
        for _ in range(60):
            low, high = random_interval(rng)
            a, b = tape([arb(low)], [arb(high)])
            for graph, p, q in zip(some, a, b, strict=True):
                alone = interval_of(graph, low, high)
                slack = 1e-25
                assert p.overlaps(alone[0]) or abs(p - alone[0]) < slack
                assert q.overlaps(alone[1]) or abs(q - alone[1]) < slack
                for _ in range(4):
                    y = evaluate_exactly(graph, {"x": inside(rng, low, high)})
                    assert not y < p.lower()
                    assert not y > q.upper()


@pytest.mark.parametrize("shape", [(2, 30, 25), (1, 40, 16)])
def test_large_matrices_hold_every_value(shape):
    rows, inner, columns = shape
    rng = np.random.default_rng(inner)
    x = dt.symbol("x", (rows, inner))
    w = rng.normal(size=(inner, columns))
    graph = x @ w
    low = rng.normal(size=(rows, inner))
    high = low + rng.exponential(size=(rows, inner)) * (rng.uniform(size=inner) < 0.8)
    ends = [arb(e) for e in low.ravel()], [arb(e) for e in high.ravel()]
    a, b = RangeProgram([graph], {"x": 0}, rows * inner)(*ends)
    exact_low = low @ np.maximum(w, 0) + high @ np.minimum(w, 0)
    exact_high = high @ np.maximum(w, 0) + low @ np.minimum(w, 0)
    assert np.allclose([float(e) for e in a], exact_low.ravel(), rtol=1e-12, atol=1e-12)
    assert np.allclose(
        [float(e) for e in b], exact_high.ravel(), rtol=1e-12, atol=1e-12
    )
    for corner in (np.where(w[:, 0] > 0, high, low), np.where(w[:, 0] > 0, low, high)):
        y = evaluate_exactly(graph, {"x": corner}).ravel()
        assert all(not v < e.lower() for v, e in zip(y, a, strict=True))
        assert all(not v > e.upper() for v, e in zip(y, b, strict=True))


def test_a_root_of_what_is_zero_but_for_rounding():
    low, high = ONE["sqrt"].range(ZERO, arb(1e-30, 2e-30))
    assert low == 0
    assert high.is_finite()
    assert high >= arb(3e-30).sqrt()
