"""The compiled path of enclose: sound by itself, close to the full rules, honest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.enclose import enclosure_cache, interval_program
from deuterium.interval import stacked
from deuterium.interval.stacked import FastPathUnsupported
from deuterium.testing import assert_encloses, boxes, graphs
from tests.amounts import drawn_from, examples

ANSWERS: list[bool] = []


@pytest.fixture(autouse=True, scope="module")
def always_compiled():
    """Let every graph through, and note which ones the program answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enclosure_cache, "FEWEST", 1)
        patch.setattr(enclosure_cache, "SMALL", 0)
        run = enclosure_cache.EnclosurePlan.run

        def noted(self, *args):
            answer = run(self, *args)
            ANSWERS.append(answer is not None)
            return answer

        patch.setattr(enclosure_cache.EnclosurePlan, "run", noted)
        yield


def _with_box(**options):
    return graphs(**options).flatmap(lambda v: st.tuples(st.just(v), boxes(v)))


def _slope(v):
    (x, *_) = dt.graph.free_symbols([v])
    return dt.grad(np.sum(v), x)


@examples(18, 300)
@given(_with_box(min_steps=2, max_steps=9))
def test_random_graphs(case):
    assert_encloses(*case, samples=6)


@examples(12, 200)
@given(_with_box(min_steps=2, max_steps=6, defined=False))
def test_random_graphs_that_may_be_undefined(case):
    assert_encloses(*case, samples=6)


@examples(12, 200)
@given(_with_box(min_steps=2, max_steps=5))
def test_gradients_of_random_graphs(case):
    v, box = case
    if dt.graph.free_symbols([v]):
        assert_encloses(_slope(v), box, samples=6)


def test_the_program_does_answer():
    ANSWERS.clear()
    strategy = _with_box(min_steps=2, max_steps=9)
    drawn_from(strategy, 60, lambda case: dt.enclose(*case))
    assert sum(ANSWERS) > 30
    assert sum(ANSWERS) > 0.5 * len(ANSWERS)


def network(activation, sizes, seed, hinge=False):
    rng = np.random.default_rng(seed)
    x, y = dt.symbol("x", (1, sizes[0])), dt.symbol("y")
    parameters, h = [], x
    for i, (m, n) in enumerate(pairwise(sizes)):
        w, b = rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n) / np.sqrt(m)
        parameters += [dt.constant(w), dt.constant(b)]
        h = h @ parameters[-2] + parameters[-1]
        if i < len(sizes) - 2:
            h = activation(h)
    t = h[0, 0]
    loss = -(y * log_expit(t) + (1 - y) * log_expit(-t))
    return x, y, dt.norm(dt.grad(loss, parameters))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", [np.tanh, expit, dt.relu])
@pytest.mark.parametrize("sizes", [(4, 6, 1), (3, 5, 4, 1)])
def test_networks_are_held_and_close_to_the_full_rules(
    activation, seed, sizes, monkeypatch
):
    x, y, norm = network(activation, sizes, seed)
    domain = dt.Box({x: (-0.5, 1)}) & dt.Choice(y, [0, 1])
    ANSWERS.clear()
    fast = assert_encloses(norm, domain, samples=8, seed=seed)
    assert ANSWERS == [True]
    monkeypatch.setattr(enclosure_cache, "FEWEST", 10**9)
    full = dt.enclose(norm * 1.0, domain)  # another graph: plans are kept
    assert not ANSWERS[-1]
    # never looser: simplified, it may be tighter
    assert 0.95 * full.upper < fast.upper < full.upper * (1 + 1e-10)


@pytest.mark.parametrize("count", [1, 7, 300])
def test_a_batch_is_its_boxes_one_by_one(count, monkeypatch):
    x, y, norm = network(np.tanh, (4, 6, 1), 0)
    rng = np.random.default_rng(5)
    low = rng.uniform(-1, 0.5, (count, 1, 4))
    high = low + rng.uniform(0, 0.5, (count, 1, 4))
    labels = dt.Choice(y, [0, 1])
    monkeypatch.setattr(interval_program, "CHUNK", 200)
    monkeypatch.setattr(interval_program, "ROWS", 1)
    batch = dt.enclose(norm, dt.Box({x: (low, high)}) & labels)
    assert batch.lower.shape == (count,)
    for i in {0, count // 2, count - 1}:
        one = dt.enclose(norm, dt.Box({x: (low[i], high[i])}) & labels)
        np.testing.assert_allclose(batch.lower[i], one.lower, rtol=1e-12)
        np.testing.assert_allclose(batch.upper[i], one.upper, rtol=1e-12)


def test_an_infinite_end_falls_back_and_keeps_its_cause():
    x = dt.symbol("x", shape=(20,))
    norm = dt.norm([np.log(x) * 2, np.exp(x)])
    assert dt.enclose(norm, dt.Box({x: (0.5, 1)})).cause is None
    iv = dt.enclose(norm, dt.Box({x: (0, 1)}))
    assert iv.upper == np.inf
    assert iv.cause.operator == "log"
    batch = dt.enclose(norm, dt.Box({x: (np.zeros((2, 20)), np.ones((2, 20)))}))
    assert np.all(batch.upper == np.inf)


def test_a_simplification_may_make_it_finite_where_the_domain_allows():
    x = dt.symbol("x", shape=(1, 3))
    w = dt.constant(np.array([[60.0], [50.0], [40.0]]))
    p = 1 / (1 + np.exp(-(x @ w)))  # rounds to 1 in the box
    loss = -np.mean(1 * np.log(p) + (1 - 1) * np.log(1 - p))
    norm = dt.norm(dt.grad(loss, [w]))
    iv = dt.enclose(norm, dt.Box({x: (-1, 1)}))
    assert iv.cause is None
    assert iv.upper < 2.0


def test_small_graphs_are_simplified_too(monkeypatch):
    """The seed's 2-2-1 network: 145 times too high if taken as written."""
    monkeypatch.setattr(enclosure_cache, "SMALL", 10**9)
    monkeypatch.setattr(enclosure_cache, "FEWEST", 8)
    rng = np.random.default_rng(0)
    x = dt.symbol("x", shape=(1, 2))
    w, v = dt.constant(rng.normal(size=(2, 2))), dt.constant(rng.normal(size=(2, 1)))

    def norm(sigmoid, log_sigmoid):
        return dt.norm(dt.grad(-np.sum(log_sigmoid(sigmoid(x @ w) @ v)), [w, v]))

    seed = norm(lambda z: 1 / (1 + np.exp(-z)), lambda z: np.log(1 / (1 + np.exp(-z))))
    stable = norm(expit, log_expit)
    box = dt.Box({x: (-1, 1)})
    loose, tight = assert_encloses(seed, box), assert_encloses(stable, box)
    assert loose.upper <= tight.upper * (1 + 1e-12)


def test_plans_go_with_their_graphs():
    import gc

    before = len(enclosure_cache._PLANS)
    x, y, norm = network(np.tanh, (4, 6, 1), 1)
    dt.enclose(norm, dt.Box({x: (-1, 1), y: (0, 1)}))
    assert len(enclosure_cache._PLANS) > before
    del norm, x, y
    gc.collect()
    assert len(enclosure_cache._PLANS) <= before


# -- rules on stacked ends, against exact values -------------------------------------


def _stack(low, high):
    return np.stack([np.asarray(low, float), np.asarray(high, float)])


def _random_ends(rng, shape):
    a, b = rng.normal(size=(2, *shape)) * 10.0 ** rng.integers(-3, 4, shape)
    return _stack(np.minimum(a, b), np.maximum(a, b))


@pytest.mark.parametrize("few", [0, 10**9])
def test_rules_hold_points_inside(rng, few, monkeypatch):
    from fractions import Fraction

    from deuterium.interval import rounding

    monkeypatch.setattr(rounding, "_FEW", few)
    e, f = _random_ends(rng, (40,)), _random_ends(rng, (40,))
    c = rng.normal(size=40)
    results = {
        "add": stacked.add(e, f),
        "multiply": stacked.multiply(e, f),
        "thin": stacked.multiply_thin(e, c),
        "square": stacked.square(stacked.sizes(e)),
        "sum": stacked.sum_any(e, (-1,), 40),
        "squares": stacked.sum_of_squares(stacked.sizes(e), np.abs(c), (-1,), 40),
    }
    for t in (0.0, 0.3, 1.0):
        x, y = (np.clip(g[0] + t * (g[1] - g[0]), g[0], g[1]) for g in (e, f))
        exact = [[Fraction(v) for v in z.tolist()] for z in (x, y, c)]
        xs, ys, cs = exact
        want = {
            "add": [a + b for a, b in zip(xs, ys, strict=True)],
            "multiply": [a * b for a, b in zip(xs, ys, strict=True)],
            "thin": [a * b for a, b in zip(xs, cs, strict=True)],
            "square": [a * a for a in xs],
            "sum": [sum(xs)],
            "squares": [sum((a * b) ** 2 for a, b in zip(xs, cs, strict=True))],
        }
        for name, values in want.items():
            low, high = results[name].reshape(2, -1)
            for v, a, b in zip(values, low.tolist(), high.tolist(), strict=True):
                assert Fraction(a) <= v <= Fraction(b), name


def test_affine_holds_points_inside_and_is_tight(rng):
    from fractions import Fraction

    e = _random_ends(rng, (1, 6))
    w, bias = rng.normal(size=(6, 3)), rng.normal(size=3)
    out = stacked.affine(e, np.stack([w, np.abs(w)]), bias)
    for corner in range(64):
        pick = np.array([(corner >> k) & 1 for k in range(6)])
        x = np.where(pick, e[1, 0], e[0, 0])
        for j in range(3):
            value = sum(
                Fraction(a) * Fraction(b)
                for a, b in zip(x.tolist(), w[:, j].tolist(), strict=True)
            ) + Fraction(bias[j])
            assert Fraction(out[0, 0, j]) <= value <= Fraction(out[1, 0, j])
    low = np.minimum(e[0] * w.T, e[1] * w.T).sum(-1) + bias
    np.testing.assert_allclose(out[0, 0], low, rtol=1e-11)


@np.errstate(all="ignore")
def test_extreme_ends_never_give_a_wrong_finite_answer():
    big = _stack([1e200], [1e300])
    assert not np.isfinite(stacked.multiply(big, big)[1, 0])
    assert np.isfinite(stacked.multiply(big, big)[0, 0])  # never +inf as a lower end
    assert np.isnan(stacked.inflate_relative(_stack([np.inf], [np.inf]), 1e-15)[0, 0])
    with pytest.raises(FastPathUnsupported):
        stacked.sqrt(_stack([-1e-300], [1.0]))
    wide = stacked.softmax(_stack([[-1000.0, -1000.0]], [[1000.0, 1000.0]]))
    assert wide[0, 0].tolist() == [0.0, 0.0]
    assert wide[1, 0].tolist() == [1.0, 1.0]
    tiny = stacked.within(stacked.square(_stack([1e-200], [1e-180])), 0.0, np.inf)
    assert tiny[0, 0] >= 0 and tiny[1, 0] > 0


def test_the_slope_of_relu_is_the_hull_of_both_sides_at_the_kink():
    e = _stack([-1.0, 0.0, 0.0, -1.0, 1e-300], [0.0, 0.0, 1.0, -1e-300, 1.0])
    assert stacked.step(e).tolist() == [[0, 0, 0, 0, 1], [1, 1, 1, 0, 1]]
    x = dt.symbol("x", shape=(30,))
    slope = dt.grad(np.sum(dt.relu(x) * 2 + np.square(x) * 0.25), x)
    iv = dt.enclose(slope * slope + np.exp(slope), dt.Box({x: (-1, 0)}))
    assert np.all(iv.upper >= 4 + np.exp(2.0))


def test_affine_pays_for_the_rounding_of_its_products(rng):
    from fractions import Fraction

    x = rng.normal(size=(1, 200))
    w = rng.normal(size=(200, 5))
    out = stacked.affine(np.stack([x, x]), np.stack([w, np.abs(w)]), 0.0)
    for j in range(5):
        value = sum(
            Fraction(a) * Fraction(b)
            for a, b in zip(x[0].tolist(), w[:, j].tolist(), strict=True)
        )
        assert Fraction(out[0, 0, j]) < value < Fraction(out[1, 0, j])


def test_a_domain_keeps_the_numbers_it_was_made_of():
    """What happens to the caller's arrays later changes neither domain nor answer."""
    x, y = dt.symbol("x", shape=(20,)), dt.symbol("y", shape=(2,))
    v = dt.norm([np.tanh(x) * 2 + x * x, np.exp(x)])
    low, high, point = np.zeros(20), np.ones(20), np.array([0.0, 1.0])
    box, ball = dt.Box({x: (low, high)}), dt.Ball(y, point, 1.0)
    choice = dt.Choice(y, [point])
    before = dt.enclose(v, box)
    low[:], high[:], point[:] = -9, 9, 9
    for form in (v, v * 1.0 + 0):  # the plan that is kept, and a new one
        np.testing.assert_allclose(dt.enclose(form, box).upper, before.upper)
    assert dt.enclose(y, choice).upper.tolist() == [0.0, 1.0]
    assert dt.enclose(y, ball).upper.tolist() == [1.0, 2.0]


def test_a_plan_answers_for_the_domain_it_was_asked_about():
    """Another thread may use the same plan between any two steps of this one."""

    class Interrupted(enclosure_cache.EnclosurePlan):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name in ("_boxes", "_stack") and value is not None:
                super().__setattr__(name, (object(), "of another thread"))

    plan = Interrupted(dt.symbol("x") + 1)
    assert plan.boxes("domain", lambda d: f"boxes of {d}") == "boxes of domain"
    ends, lead = plan._ends_of({"x": dt.Interval(0, 1)}, 0)
    assert ends["x"].tolist() == [0.0, 1.0]
    assert lead == ()


def test_an_answer_is_the_callers_own():
    x = dt.symbol("x", shape=(4, 5))
    v = np.reshape(np.reshape(x, (20,)), (5, 4))
    for _ in range(4):
        v = np.negative(v)
    v = np.reshape(v, (20,)) * 1 + 0
    box = dt.Box({x: (0, 1)})
    first = dt.enclose(v, box)
    first.lower[...], first.upper[...] = 5, 9
    again = dt.enclose(v, box)
    assert again.lower.max() == 0.0
    assert again.upper.max() == 1.0


def test_a_result_that_does_not_depend_on_the_boxes_survives_many_of_them():
    x, y = dt.symbol("x", shape=(300,)), dt.symbol("y", shape=(300,))
    weights = dt.constant(np.arange(300.0))
    fixed = {weights: dt.Interval(weights.value, weights.value)}
    compiled_ = interval_program.EnclosureProgram([(x * weights).sum(), y], fixed)
    ends_ = {"x": np.zeros((2, 100, 300)), "y": np.zeros((2, 1, 300))}
    first, second = compiled_(ends_, (100,))
    assert first.shape == (2, 100)
    assert second.shape == (2, 1, 300)


@pytest.mark.parametrize("ends", [20.0, 400.0, 700.0])
def test_a_small_formula_is_enclosed_however_it_is_spelled(ends):
    x = dt.symbol("x")
    box, e = dt.Box({x: (-ends, ends)}), np.exp
    for v in (e(x) / (1 + e(x)), e(x) / (e(x) + 1), 1 - 1 / (1 + e(x))):
        found = dt.enclose(v, box)
        assert 0 <= found.lower <= found.upper <= 1
