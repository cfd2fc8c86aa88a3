"""Signs, ranges and definedness are facts of the ends computed, on every fast path.

A claim such as "never negative" must hold of the very ends it is used with, and a NaN
at either end must spoil what comes of them.
"""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

import deuterium as dt
from deuterium import privacy
from deuterium.enclose.interval_pass import full_rules
from deuterium.enclose.interval_program import EnclosureProgram, _StepBuilder
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import Graph, free_symbols
from deuterium.interval.stacked import FastPathUnsupported
from deuterium.ops.logic import narrowed
from deuterium.optimize.bounders.derivative.row_intervals import RowProgram
from deuterium.testing import evaluate_exactly
from tests.amounts import draws, some
from tests.enclose import array_problems

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

Q = dt.symbol("q")
WEIGHTS = np.array([[1.0, 2.0], [3.0, 0.5], [1, 1], [2, 2]]) / 3
FRONTS = {
    "relu": dt.relu,
    "absolute": np.abs,
    "square": np.square,
    "arcsinh": lambda x: np.arcsinh(np.abs(x)),
    "hypot": lambda x: np.hypot(x, 0.0),
    "norms": lambda x: np.sqrt(np.sum(x * x, axis=-1, keepdims=True)) * np.ones(4),
    "root": lambda x: np.sqrt(np.abs(x)),
}
ENDS = {
    "a pole of a square": lambda y: np.sin(y) * np.cos(y) + 1e-28 / np.square(y),
    "a pole of a root": lambda y: y * y + 1e-9 / np.sqrt(np.square(y) + y),
    "a logarithm": lambda y: np.sin(y) + np.log(np.square(y) * 2.0 + y),
    "products": lambda y: np.sin(y) + 1e-28 / (y * y[..., ::-1]),
    "a biased product": lambda y: 1e-28 / np.square(np.square(y) @ np.abs(WEIGHTS[:2])),
    "a fourth power": lambda y: np.sin(y) + 1e-50 / y**4,
}


def compiled(v):
    fixed = full_rules(Graph([v]).constants)
    return EnclosureProgram([v], fixed)


@pytest.mark.drawn
@pytest.mark.parametrize("back", ENDS)
@pytest.mark.parametrize("front", FRONTS)
def test_a_pole_at_zero_is_not_hidden_behind_a_matrix(front, back):
    x = dt.symbol("x", shape=(16, 4))
    v = np.sum(ENDS[back](FRONTS[front](x) @ WEIGHTS))
    for low, high in ((-1, 1), (0, 1e-10), (0, 1), (0.0, 1e120))[: draws(2, 4)]:
        iv = dt.enclose(v, dt.Box({x: (low, high)}))
        assert iv.upper == np.inf
        ends = {"x": np.stack([np.full((16, 4), low), np.full((16, 4), high)])}
        with np.errstate(all="ignore"):
            with pytest.raises(FastPathUnsupported):
                compiled(v)({n: e * 1.0 for n, e in ends.items()}, ())
            (row,) = RowProgram([v]).rows({"x": ends["x"][:, None] * 1.0}, 1)
            assert np.isnan(row).all() or row[1] == np.inf
            for size in (1e-20, 1e-30):
                value = float(v.evaluate({x: np.full((16, 4), size)}))
                if low <= size <= high and np.isfinite(value):
                    assert iv.lower <= value


def test_a_bound_is_not_found_behind_a_hidden_pole():
    x = dt.symbol("x", shape=(4, 4))
    v = np.sum(1e-28 / np.square(np.abs(x) @ WEIGHTS))
    found = dt.maximize(v, dt.Box({x: (-1, 1)}), max_regions=20)
    assert found.upper == np.inf
    assert dt.search(v, dt.Box({x: (0, 1)}), seed=0).value > 0


OPEN = {"[0, inf)": (0, np.inf), "(-inf, 0]": (-np.inf, 0), "huge": (-1e308, 1e308)}


@pytest.mark.parametrize("domain", OPEN)
@pytest.mark.parametrize("pick", [np.min, np.max])
@pytest.mark.parametrize("sign", some([1.0, -1.0], 1))
def test_a_range_that_overflows_leaves_every_element_possible(rng, pick, sign, domain):
    x, b = dt.symbol("x", shape=(4, 5)), dt.constant(rng.normal(size=4))
    w = sign * np.abs(rng.normal(size=(5, 4)))
    norm = dt.norm(dt.grad(np.sum(pick(x @ w + b, axis=-1)), b))
    box = dt.Box({x: OPEN[domain]})
    iv, found = dt.enclose(norm, box), dt.maximize(norm, box, max_regions=10)
    for scale in (0.5, -0.5, 1e3):
        point = np.full((4, 5), scale)
        if box.contains(x, point):
            value = float(norm.evaluate({x: point}))
            assert value >= 2
            assert iv.lower <= value <= min(iv.upper, found.upper)
    assert found.upper <= iv.upper * (1 + 1e-9) < np.inf


def test_a_slope_beyond_overflow_is_not_taken_for_certain(rng):
    x, t = dt.symbol("x", shape=(8, 3)), dt.symbol("t", shape=(8, 4))
    w = np.abs(rng.normal(size=(3, 4)))
    for f in (np.max, np.min):
        v = dt.norm(dt.grad(np.sum(f(t - np.exp(x) @ w, axis=-1)), t))
        iv = dt.enclose(v, dt.Box({x: (0, 800), t: (-1, 1)}))
        assert iv.upper >= v.evaluate({x: np.ones((8, 3)), t: np.zeros((8, 4))})


def test_the_contribution_of_a_minimum_over_an_unbounded_domain(rng):
    x = dt.symbol("x", shape=(1, 5))
    w, b = dt.constant(np.abs(rng.normal(size=(5, 4)))), dt.constant(rng.normal(size=4))
    g = dt.grad(np.sum(np.min(x @ w + b, axis=-1)), b)
    found = privacy.contribution(g, dt.Box({x: (0, np.inf)}), max_regions=5)
    assert 1 <= found.upper <= 2.01  # finite, as of `enclose`


def test_a_sum_that_overflows_on_its_way_may_be_anything():
    x = dt.symbol("x", shape=(4, 4))
    w = np.array([[3.0, 1.0], [3.0, 1.0], [-3.0, 2.0], [-3.0, 2.0]])
    y = x @ w
    v = np.sum(np.tanh(y * 1e-308)) + np.sum(
        np.hypot(y, 1.0) * 0.0 + np.sign(y) + y / y
    )
    point, box = np.full((4, 4), 1e308), dt.Box({x: (1e308, 1e308 * (1 + 1e-15))})
    low, high = np.full((4, 4), 1e308), np.full((4, 4), 1e308 * (1 + 1e-15))
    slopes = dt.grad(np.sum(dt.relu(y)) + np.sum(np.hypot(y, y[:, ::-1])), x)
    for f in (v, dt.norm(slopes), np.sum(np.sqrt(np.square(np.tanh(y)) + 1.0))):
        iv = dt.enclose(f, box)
        assert not array_problems.misses(
            f, point, np.asarray(iv.lower), np.asarray(iv.upper)
        )
        with np.errstate(all="ignore"):
            (row,) = RowProgram([f]).rows({"x": np.stack([low, high])[:, None]}, 1)
            row = np.where(np.isnan(row), [[[-np.inf]], [[np.inf]]], row)
            lower, upper = row.reshape(2, *f.shape)
        assert not array_problems.misses(f, point, lower, upper)


def test_an_argument_outside_its_domain_is_noticed_at_either_end():
    x = dt.symbol("x", shape=(20,))
    for f in (np.arccos, np.arcsin, np.arctanh, np.log1p):
        v = np.sum(np.sign(f(x) + 10.0) * 2.0 + np.square(x) * 0.5) + np.sum(np.sin(x))
        for box in ((-2.0, 0.5), (0.0, 2.0)):
            bad = f is not np.log1p or box[0] < -1
            assert (dt.enclose(v, dt.Box({x: box})).upper == np.inf) == bad


def test_the_ends_of_bounded_curves_keep_to_their_range():
    x = dt.symbol("x", shape=(40,))
    for f in (np.tanh, OPERATORS["erf"], OPERATORS["expit"], OPERATORS["ndtr"]):
        for program in (compiled(f(x)), RowProgram([f(x)])):
            e = np.stack([np.full((1, 40), -50.0), np.full((1, 40), 50.0)])
            (ends,) = program({"x": e}, (1,))
            low, high = f(x).op.range
            assert ends.min() >= low
            assert ends.max() <= high


def test_batches_of_boxes_and_finite_values_fare_like_single_boxes(rng):
    x, label = dt.symbol("x", shape=(1, 4)), dt.symbol("label", shape=(1, 2))
    scale = dt.symbol("scale")
    y = (dt.relu(x) @ WEIGHTS) * scale
    v = np.sum(label * np.sin(y) + 1e-28 / np.square(y + 1e-40)) + np.sum(np.tanh(y))
    low = np.stack([np.zeros((1, 4)), np.full((1, 4), -1.0), np.full((1, 4), 1e-30)])
    high = np.stack([np.ones((1, 4)), np.full((1, 4), 1e-30), np.full((1, 4), 2e-30)])
    finite = dt.OneHot(label) & dt.Choice(scale, [1.0, 0.5, 1e-10])
    batch = dt.enclose(v, dt.Box({x: (low, high)}) & finite)
    for k in range(3):
        single = dt.enclose(v, dt.Box({x: (low[k], high[k])}) & finite)
        for hot in np.eye(2):
            for s in (1.0, 0.5, 1e-10):
                for point in array_problems.points(rng, low[k], high[k], 4):
                    given = {x: point, label: hot[None], scale: s}
                    value = evaluate_exactly(v, given)
                    for iv in (single, batch[k]):
                        assert not value < arb(float(iv.lower))
                        assert not value > arb(float(iv.upper))


# -- random graphs -------------------------------------------------------------------


def check(seed):
    """Hold every fast path of one problem against balls; return values compared."""
    v, x, (low, high) = array_problems.problem(seed)
    if v.size > 60 or not free_symbols([v]):
        return 0
    with np.errstate(all="ignore"):
        found = enclosures(v, x, low, high)
        count = 0
        for name, (a, b, lower, upper) in found.items():
            assert np.all(lower <= upper), f"seed {seed}, {name}: {lower} above {upper}"
            rng = np.random.default_rng(seed)
            for point in array_problems.points(rng, a, b, 5):
                wrong = array_problems.misses(v, point, lower, upper)
                assert not wrong, f"seed {seed}, {name}, at {point.tolist()}: {wrong}"
                count += 1
    return count


def enclosures(v, x, low, high):
    """Return boxes and ends: of `enclose`, the fast program, and rows of a batch."""
    iv = dt.enclose(v, dt.Box({x: (low, high)}))
    found = {"enclose": (low, high, np.asarray(iv.lower), np.asarray(iv.upper))}
    try:
        (e,) = compiled(v)({"x": np.stack([low, high])}, ())
        found["program"] = (low, high, e[0].reshape(v.shape), e[1].reshape(v.shape))
    except FastPathUnsupported:
        pass
    middle = low + 0.5 * (np.minimum(high, 1e300) - low)
    middle = np.clip(np.where(np.isfinite(middle), middle, 0.0), low, high)
    boxes = [(low, high), (low, middle), (middle, middle)]
    e = np.stack([np.stack(side) for side in zip(*boxes, strict=True)])
    (rows,) = RowProgram([v]).rows({"x": e}, 3)
    unknown = np.isnan(rows[0])
    for k, box in enumerate(boxes):
        lower = np.where(unknown[k], -np.inf, rows[0, k]).reshape(v.shape)
        upper = np.where(unknown[k], np.inf, rows[1, k]).reshape(v.shape)
        found[f"row {k}"] = (*box, lower, upper)
    return found


@pytest.mark.drawn
def test_random_graphs_of_arrays():
    count = draws(15, 1500)
    assert sum(map(check, range(count))) > 4.5 * count


def bracketed(seed):
    """Hold the bracket of one scalar problem against values; return how many."""
    v, x, (low, high) = array_problems.problem(seed)
    if v.shape or not free_symbols([v]) or v.size > 60:
        return 0
    box = dt.Box({x: (low, high)})
    with np.errstate(all="ignore"):
        found = dt.maximize(v, box, max_regions=3, seed=0)
        reached = dt.search(v, box, seed=0, starts=4)
        assert found.lower <= found.upper
        assert not found.upper < reached.value, f"seed {seed}"
        for point in array_problems.points(np.random.default_rng(seed), low, high, 4):
            wrong = array_problems.misses(
                v, point, np.array(-np.inf), np.array(found.upper)
            )
            assert not wrong, f"seed {seed}, at {point.tolist()}: {wrong}"
    return 4


@pytest.mark.drawn
def test_brackets_of_random_graphs_of_arrays():
    count = draws(3, 80)
    assert sum(map(bracketed, range(count))) >= count


def test_every_claim_of_a_program_holds_of_the_ends_of_its_steps():
    cut = 0
    for seed in range(150):
        v, _, (low, high) = array_problems.problem(seed)
        fixed = full_rules(Graph([v]).constants)
        cut += _claims(_StepBuilder([v], fixed), np.stack([low, high]))
    assert cut > 300


def _claims(build, e):
    """Run a program step by step; return how many claims were looked at."""
    done, count = list(build.start), 0
    for i, _ in build.symbols:
        done[i] = e
    with np.errstate(all="ignore"):
        for i, step, places in build.steps:
            try:
                done[i] = step(*[done[k] for k in places])
            except FastPathUnsupported:
                break
            node, known = build.order[i], build.known[build.order[i]]
            low, high = build._range(node)
            sound = np.isnan(done[i]) | ((done[i] >= low) & (done[i] <= high))
            assert np.all(sound), node.op.name
            if known.nonnegative:
                count += 1
                assert np.all(np.isnan(done[i]) | (done[i] >= 0)), node.op.name
    return count


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_that_do_not_hang_on_boxes_are_not_taken_for_a_batch(count):
    x, bound = dt.constant(0.375), dt.constant(0.125)
    kept = narrowed(Q > 0, x, bound, upward=True, holds=True)
    program = EnclosureProgram([kept], full_rules(Graph([kept]).constants))
    low = np.linspace(-2, 1, count)
    (ends,) = program({"q": np.stack([low, low + 1])}, (count,))
    assert ends.shape in ((2, 1), (2, count))
    np.testing.assert_array_equal(ends, 0.375)
