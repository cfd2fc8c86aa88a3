"""Operators with an order or counts: bounds, values, slopes, every back end."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium import privacy
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.exceptions import NoBound
from deuterium.errors import UnsupportedError
from deuterium.graph import OPERATORS
from deuterium.graph.constructors import apply
from deuterium.interval import Interval
from deuterium.testing import assert_encloses
from deuterium.testing.definitions import ELEMENTWISE, guarded
from tests.amounts import draws
from tests.ops.references import EPS, INF, MAX, TINY
from tests.ops.test_table import below, held, inside

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

COUNTS = [(1, 1), (1, 2), (2, 1), (3, 2), (1, 5), (4, 4), (7, 1)]
CASES = [
    *(("sinc", {"n": n}) for n in range(9)),
    *(("power_log", {"n": n}) for n in (1, 2, 3, 6)),
    *(("exp_difference", {"m": m, "n": n}) for m, n in COUNTS),
    *(("log_difference", {"m": m, "n": n}) for m, n in COUNTS),
]
each = pytest.mark.parametrize(("name", "attrs"), CASES)
ENDS = [
    0.0, TINY, 1e-310, 1e-160, 1e-9, 0.1, 0.5, 1 - EPS, 1.0, 1 + EPS, 1.5, 2.0, 4.49,
    4.5, 12.0, 33.3, 700.0, 1e5, 1e160, MAX,
]  # fmt: skip


def reference(name):
    return lambda *xs, **attrs: guarded(partial(ELEMENTWISE[OPERATORS[name]], **attrs))(
        *xs
    )


def exact(name, attrs):
    """Return the reference, at as much precision as it takes for 80 right bits."""

    def value(*xs):
        for bits in (200, 800, 3000):
            with ctx.workprec(bits):
                y = reference(name)(*[arb(x) for x in xs], **attrs)
                if y.is_nan() or (y.is_finite() and y.rel_accuracy_bits() >= 80):
                    return y
        return y

    return value


def boxes(name, rng, count):
    positive = name in ("power_log", "log_difference")
    ends = [x for x in ENDS if x < 1e4] if name == "exp_difference" else list(ENDS)
    ends += [] if positive else [-x for x in ends]
    ends += (
        rng.uniform(0, 6, 12) * (1 if positive else rng.choice([-1, 1], 12))
    ).tolist()
    ends = sorted(ends)
    pairs = [
        (ends[i], ends[j]) for i, j in np.sort(rng.integers(0, len(ends), (count, 2)))
    ]
    close = [(x, x * (1 + rng.uniform(0, 1e-6))) for x in ends if 0 < x < 1e3]
    return [*pairs, *close, *((x, x) for x in ends)]


def defined(name, box):
    if name == "power_log":
        return box[0][0] > 0 or (box[0][0] == 0 and box[1][0] > 0)
    if name == "log_difference":
        return all(b[0] > 0 for b in box)
    return True


@pytest.mark.drawn
@each
def test_bounds_hold_every_value(name, attrs):
    op, rng, value = OPERATORS[name], np.random.default_rng(1), exact(name, attrs)
    single = boxes(name, rng, 60)
    picks = rng.integers(0, len(single), (draws(36, 160), op.arity))
    decided = 0
    for pick in picks:
        box = [single[i] for i in pick]
        found = op.enclosure(*[Interval.unchecked(*b) for b in box], **attrs)
        low, high = float(found.lower), float(found.upper)
        assert math.isnan(low) == math.isnan(high) == (not defined(name, box)), box
        if math.isnan(low):
            continue
        assert low <= high and low < INF and high > -INF, (box, low, high)
        xs = list(itertools.product(*[inside(*b, rng, 1) for b in box]))
        decided += held(value, xs[:: 1 + len(xs) // 6], low, high, (name, attrs, box))
    assert decided > draws(42, 200)


@pytest.mark.drawn
@each
def test_values_and_points_are_close(name, attrs):
    op, rng, value = OPERATORS[name], np.random.default_rng(2), exact(name, attrs)
    for _ in range(draws(12, 60)):
        x = rng.uniform(0.05, 6, op.arity)
        x[-1] = x[0] * (1 + 10.0 ** rng.uniform(-14, 0)) if op.arity > 1 else x[-1]
        truth = float(value(*x.tolist()))
        found = float(op.value(*x, **attrs))
        size = abs(truth) if name != "sinc" else 1.0
        ulps = 2 * 4 ** sum(attrs.values()) if name == "log_difference" else 64
        assert abs(found - truth) <= ulps / 2 * EPS * size, (x, found, truth)
        thin = op.enclosure(*[Interval.unchecked(a, a) for a in x], **attrs)
        assert thin.upper - thin.lower <= 3 * ulps * EPS * size


@pytest.mark.drawn
@each
def test_the_checker_says_the_same(name, attrs):
    op, rng, value = OPERATORS[name], np.random.default_rng(3), exact(name, attrs)
    entry = entry_of(op, attrs)
    rule, point = entry.range, entry.value
    for _ in range(draws(12, 60)):
        box = np.sort(rng.uniform(0.02, 7, (op.arity, 2)), axis=1)
        with ctx.workprec(120):
            low, high = rule(*[arb(float(e)) for b in box for e in b])
            for x in itertools.product(*[(b[0], b.mean(), b[1]) for b in box]):
                y = value(*map(float, x))
                assert not y < low and not y > high, (box, x)
                assert point(*[arb(float(e)) for e in x]).overlaps(y)
        found = op.enclosure(*[Interval.unchecked(*b) for b in box], **attrs)
        wide = (found.upper - found.lower) * (1 + 1e-9) + 1e-11
        assert float((high - low).upper()) <= wide, (name, attrs, box, found, low, high)


def test_the_checker_refuses_what_is_undefined():
    zero, one, two = arb(0), arb(1), arb(2)
    with pytest.raises(NoBound):
        entry_of(OPERATORS["power_log"], {"n": 1}).range(zero, one, zero, one)
    with pytest.raises(NoBound):
        entry_of(OPERATORS["log_difference"], {"m": 1, "n": 1}).range(
            zero, one, one, two
        )
    with pytest.raises(NoBound):
        entry_of(OPERATORS["rel_entr"]).range(zero, one, zero, one)


@each
def test_slopes_hold_differences(name, attrs):
    if sum(attrs.values()) > 6:
        return
    op, rng = OPERATORS[name], np.random.default_rng(4)
    symbols = [dt.symbol(n) for n in "ab"[: op.arity]]
    graph = apply(op, symbols, attrs)
    for at in range(op.arity):
        slope = dt.grad(graph, symbols[at])
        for _ in range(6):
            x = rng.uniform(0.3, 5, op.arity).tolist()
            with ctx.workprec(2000):
                h = arb(2) ** -200
                rule = reference(name)
                up = rule(*[arb(e) + h * (i == at) for i, e in enumerate(x)], **attrs)
                down = rule(*[arb(e) - h * (i == at) for i, e in enumerate(x)], **attrs)
                truth = (up - down) / (2 * h)
            given = dict(zip(symbols, x, strict=True))
            found = dt.enclose(slope, dt.Box({s: (e, e) for s, e in given.items()}))
            assert not below(truth, float(found.lower)) and found.cause is None
            assert slope.evaluate(given) == pytest.approx(
                float(truth), rel=1e-9, abs=1e-12
            )


@each
def test_closed_form(name, attrs):
    op = OPERATORS[name]
    symbols = [dt.symbol(n) for n in "ab"[: op.arity]]
    graph, x = apply(op, symbols, attrs), [0.7, 1.9][: op.arity]
    form = graph.to_symengine()
    values = dict(zip("ab", x, strict=False))
    found = complex(form.subs(values).n(300))
    assert found.real == pytest.approx(float(exact(name, attrs)(*x)), rel=1e-6)


@pytest.mark.drawn
@pytest.mark.parametrize("backend", ["numpy", "jax"])
@each
def test_compiled(name, attrs, backend):
    if backend == "jax":
        pytest.importorskip("jax")
        if sum(attrs.values()) > draws(1, 3):
            return  # compiled alike, which takes long
    op, rng = OPERATORS[name], np.random.default_rng(5)
    symbols = [dt.symbol(n, (7,)) for n in "ab"[: op.arity]]
    run = dt.compile(symbols, [apply(op, symbols, attrs)], backend=backend)
    x = rng.uniform(0.2, 20, (op.arity, 7))
    np.testing.assert_allclose(
        run(*x)[0], op.value(*x, **attrs), rtol=1e-11, atol=1e-12
    )
    with_number = dt.compile(
        symbols[:1], [apply(op, [symbols[0], 1.5][: op.arity], attrs)]
    )
    assert np.isfinite(with_number(x[0])[0]).all()


def test_orders_beyond_what_is_known_are_refused():
    x = dt.symbol("x")
    for name, attrs in (
        ("sinc", {"n": 9}), ("sinc", {"n": -1}), ("exp_difference", {"m": 0, "n": 1}),
        ("log_difference", {"m": 5, "n": 4}), ("power_log", {"n": 0.5}),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            apply(OPERATORS[name], [x, x][: OPERATORS[name].arity], attrs)
    last = apply(OPERATORS["log_difference"], [x, x + 1], {"m": 4, "n": 4})
    with pytest.raises(UnsupportedError, match="up to order 7"):
        dt.grad(last, x)


# -- formulas as users write them ----------------------------------------------------

S, Y, T = dt.symbol("s"), dt.symbol("y"), dt.symbol("t")
X = dt.symbol("x", (3,))
UNIT = dt.Box({S: (0, 1)})
FORMULAS = [
    (S * np.log(S), UNIT, -math.exp(-1), 0.0),
    (-S * np.log(S) - (1 - S) * np.log1p(-S), UNIT, 0.0, 2 / math.e),
    (S**2 * np.log(S), UNIT, -1 / (2 * math.e), 0.0),
    (np.sin(S) / S, dt.Box({S: (-1, 1)}), math.sin(1), 1.0),
    (np.sin(3 * S) / S, dt.Box({S: (-1, 1)}), math.sin(3), 3.0),
    (np.sinc(S), dt.Box({S: (-0.5, 0.5)}), 2 / math.pi, 1.0),
    (np.expm1(S) / S, dt.Box({S: (-1, 1)}), 1 - math.exp(-1), math.e - 1),
    (
        S / (1 - np.exp(-S)),
        dt.Box({S: (-1, 1)}),
        1 / (math.e - 1),
        1 / (1 - math.exp(-1)),
    ),
    (np.log1p(S) / S, dt.Box({S: (-0.5, 1)}), math.log(2), 2 * math.log(2)),
    (
        (np.exp(-Y) - np.exp(-S)) / (S - Y),
        UNIT & dt.Box({Y: (0, 1)}),
        math.exp(-1),
        1.0,
    ),
    ((1 - np.cos(S)) / S**2, dt.Box({S: (-1, 1)}), 1 - math.cos(1), 0.5),
    (np.log(np.cosh(S)), dt.Box({S: (-1000, 1000)}), 0.0, 1000 - math.log(2)),
]


@pytest.mark.parametrize("case", range(len(FORMULAS)))
def test_a_formula_is_bounded_as_written(case):
    f, domain, low, high = FORMULAS[case]
    found = assert_encloses(f, domain, samples=24)
    assert found.lower == pytest.approx(low, abs=1e-9)
    assert found.upper == pytest.approx(high, abs=1e-9)
    slope = dt.enclose(dt.grad(np.square(f), S), domain & dt.Box({S: (0.4, 0.5)}))
    assert np.isfinite(slope.upper)


def test_evaluate_takes_the_limit():
    assert (np.sin(S) / S).evaluate({S: 0.0}) == 1
    assert (S * np.log(S)).evaluate({S: 0.0}) == 0
    assert np.isnan((S * np.log(S)).evaluate({S: -1.0}))
    assert np.isnan((S / np.square(S)).evaluate({S: 0.0}))
    f = np.log(np.cosh(S))
    assert f.evaluate({S: 712.0}) == pytest.approx(712 - math.log(2))
    assert dt.grad(f, S).evaluate({S: 1000.0}) == 1
    both = (np.expm1(S) / S).evaluate({S: np.array([0.0, 1.0])})
    np.testing.assert_allclose(both, [1, math.e - 1])


@pytest.mark.parametrize(
    ("f", "by", "constant"),
    [
        (np.linalg.norm(X), [X], 1.0),
        (np.linalg.norm(X) ** 2, [X], 2 * math.sqrt(3)),
        (np.std(X), [X], 1 / math.sqrt(3)),
        (np.sqrt(np.mean(X**2) - np.mean(X) ** 2), [X], 1 / math.sqrt(3)),
        (np.sqrt(S**2 + Y**2), [S, Y], 1.0),
        (np.sqrt(2 * S**2 + 3 * Y**2), [S, Y], math.sqrt(3)),
        (np.sqrt(S**2 + Y**2 + T**2), [S, Y, T], 1.0),
        (np.hypot(S, 2 * Y), [S, Y], 2.0),
        (np.log(np.cosh(S * 1000)), [S], 1000.0),
    ],
)
def test_slopes_at_the_origin_are_bounded(f, by, constant):
    domain = dt.Box(dict.fromkeys(by, (-1, 1)))
    found = privacy.lipschitz(f, by, domain, time_limit=20)
    assert found.upper <= constant * 1.001
    assert found.lower >= constant * 0.99
    at = {v: np.zeros(v.shape) for v in by}
    assert all(np.all(g.evaluate(at) == 0) for g in dt.grad(f, by))


def test_a_vector_over_its_length_stays_undefined_at_the_origin():
    f = X / np.linalg.norm(X)
    assert np.isnan(f.evaluate({X: np.zeros(3)})).all()
    assert np.all(dt.enclose(f, dt.Box({X: (-1, 1)})).upper == np.inf)
