"""The operators on whole arrays: value, derivative, enclosure, closed form, batches."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import symengine as se
from flint import arb, ctx

import deuterium as dt
from deuterium.errors import SymbolicError
from deuterium.graph import OPERATORS
from deuterium.interval import Interval
from tests.ops.array_cases import ARRAYS
from tests.ops.references import EPS, INF, MAX, TINY

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

CASES = [(name, i) for name, cases in ARRAYS.items() for i in range(len(cases))]
each_case = pytest.mark.parametrize(("name", "number"), CASES)


MAY_TIE = {"argmax_slope", "rank_slope"}  # undefined where two elements may be equal
BY_ROW = {"argmax_onehot", "argmax_slope", "sort", "reorder", "rank_slope"}


def case_of(name, number):
    return OPERATORS[name], ARRAYS[name][number]


def balls(x):
    flat = [arb(float(e)) for e in np.ravel(x)]
    out = np.empty(np.shape(x), dtype=object)
    for index, e in zip(np.ndindex(np.shape(x)), flat, strict=True):
        out[index] = e
    return out


def reference(case, xs, bits=300):
    with ctx.workprec(bits):
        return np.asarray(case.reference(*map(balls, xs)), dtype=object)


def scales(name):
    small = name in ("softmax", "logsumexp")
    return (1.0, 1e-300, 30.0, 800.0) if small else (1.0, 1e-310, 1e150, 1e308)


def boxes(case, scale, rng):
    """Return intervals of the case's shapes, some elements of them points."""
    result = []
    for shape in case.shapes:
        ends = np.sort(rng.uniform(-1, 1, (2, *shape)) * scale, axis=0)
        ends[1] = np.where(rng.random(shape) < 0.25, ends[0], ends[1])
        result.append(Interval.unchecked(ends[0], ends[1]))
    return result


def picks(args, rng, count=5):
    """Return points of the boxes: corners first, then inside."""
    for k in range(count):
        xs = []
        for a in args:
            t = rng.integers(0, 2, a.shape) if k < 3 else rng.random(a.shape)
            x = np.where(t == 1, a.upper, a.lower + t * (a.upper - a.lower))
            xs.append(np.clip(x, a.lower, a.upper))
        yield xs


def assert_holds(result, truth, what):
    """Assert that ball values lie inside, with no tolerance."""
    low, high = np.asarray(result.lower), np.asarray(result.upper)
    assert low.shape == high.shape == truth.shape, what
    assert np.array_equal(np.isnan(low), np.isnan(high)), what
    with ctx.workprec(300):
        for i in np.ndindex(truth.shape):
            y = arb(truth[i])
            if math.isnan(low[i]):
                continue
            assert low[i] == -INF or not y < arb(low[i]), (what, i, low[i], y)
            assert high[i] == INF or not y > arb(high[i]), (what, i, high[i], y)


@each_case
def test_value_and_batches(name, number, rng):
    op, case = case_of(name, number)
    batch = [rng.normal(size=(2, 3, *shape)) for shape in case.shapes]
    values = op.value(*batch, **case.attrs)
    for lead in np.ndindex(2, 3):
        xs = [b[lead] for b in batch]
        truth = reference(case, xs)
        assert values[lead].shape == truth.shape
        one = op.value(*xs, **case.attrs)
        for i in np.ndindex(truth.shape):
            expected = float(arb(truth[i]))
            assert np.asarray(one)[i] == pytest.approx(expected, rel=1e-13, abs=1e-14)
            assert values[lead][i] == pytest.approx(expected, rel=1e-13, abs=1e-14)


@each_case
def test_shape_rule(name, number, rng):
    op, case = case_of(name, number)
    truth = reference(case, [rng.normal(size=s) for s in case.shapes])
    assert tuple(op.shape(*case.shapes, **case.attrs)) == truth.shape


BAD_SHAPES = [
    ("broadcast", [(3,)], {"shape": (2, 4), "ndim": 1}),
    ("broadcast", [(3,)], {"shape": (3,), "ndim": 2}),
    ("reshape", [(3,)], {"shape": (2,), "ndim": 1}),
    ("transpose", [(3, 2)], {"axes": (0, 0)}),
    ("concatenate", [(3,), (2, 2)], {"axis": -1, "ndim": 1}),
    ("concatenate", [(3, 2), (2, 2)], {"axis": -1, "ndim": 2}),
    ("concatenate", [(3,), (2,)], {"axis": 0, "ndim": 1}),
    ("gather", [(3,)], {"index": np.array([3]), "ndim": 1}),
    ("gather", [(3,)], {"index": np.array([-1]), "ndim": 1}),
    ("gather", [(3,)], {"index": np.array([1]), "ndim": 2}),
    ("scatter", [(3,)], {"index": np.array([0, 1, 4]), "shape": (4,)}),
    ("scatter", [(3,)], {"index": np.array([0, 1]), "shape": (4,)}),
    ("sum", [(3,)], {"axis": (0,)}),
    ("sum", [(3,)], {"axis": (-1, -1)}),
    ("prod", [()], {}),
    ("cumsum", [()], {"reverse": False}),
    ("matmul", [(2, 3), (2, 3)], {}),
    ("matmul", [(3,), (3, 2)], {}),
    ("select", [(2,), (2,)], {"mask": np.array([True])}),
]


@pytest.mark.parametrize(("name", "shapes", "attrs"), BAD_SHAPES)
def test_shape_rule_refuses(name, shapes, attrs):
    with pytest.raises((ValueError, IndexError)):
        OPERATORS[name].shape(*shapes, **attrs)


@each_case
def test_enclosure_holds_every_value(name, number):
    op, case = case_of(name, number)
    rng = np.random.default_rng(number)
    for scale, _ in itertools.product(scales(name), range(4)):
        args = boxes(case, scale, rng)
        result = op.enclosure(*args, **case.attrs)
        assert not np.any(np.asarray(result.lower) == INF)
        assert not np.any(np.asarray(result.upper) == -INF)
        if name not in MAY_TIE:
            assert not np.isnan(result.lower).any(), (name, scale, args)
        for xs in picks(args, rng):
            assert_holds(result, reference(case, xs), (name, args))


@each_case
def test_enclosure_with_infinite_ends(name, number):
    op, case = case_of(name, number)
    rng = np.random.default_rng(number)
    for _ in range(12):
        finite = boxes(case, 3.0, rng)
        args = [
            Interval.unchecked(
                np.where(rng.random(a.shape) < 0.3, -INF, a.lower),
                np.where(rng.random(a.shape) < 0.3, INF, a.upper),
            )
            for a in finite
        ]
        result = op.enclosure(*args, **case.attrs)
        assert not np.any(np.asarray(result.lower) == INF)
        assert not np.any(np.asarray(result.upper) == -INF)
        if name not in MAY_TIE:
            assert not np.isnan(result.lower).any(), (name, args)
            assert not np.isnan(result.upper).any(), (name, args)
        wide = [
            Interval.unchecked(np.maximum(a.lower, -700.0), np.minimum(a.upper, 700.0))
            for a in args
        ]
        for xs in picks(wide, rng, 3):
            assert_holds(result, reference(case, xs, 2500), (name, args))


@each_case
def test_enclosure_of_points_is_tight(name, number, rng):
    op, case = case_of(name, number)
    xs = [rng.normal(size=s) for s in case.shapes]
    truth = reference(case, xs)
    thin = op.enclosure(*[Interval.unchecked(x, x) for x in xs], **case.attrs)
    wide = op.enclosure(*[Interval.unchecked(x, x.copy()) for x in xs], **case.attrs)
    for result in (thin, wide):
        assert_holds(result, truth, name)
        assert np.all(np.asarray(result.upper) - np.asarray(result.lower) < 400 * EPS)


@each_case
def test_batches_of_enclosures(name, number, rng):
    op, case = case_of(name, number)
    ends = [np.sort(rng.normal(size=(2, 2, 3, *s)), axis=0) for s in case.shapes]
    # the first argument has fewer batch axes than the others
    ends[0] = ends[0][:, :1] if len(ends) > 1 else ends[0]
    whole = op.enclosure(*[Interval.unchecked(*e) for e in ends], **case.attrs)
    assert np.shape(whole.lower) == np.shape(whole.upper)
    for i, j in np.ndindex(2, 3):
        args = [Interval.unchecked(*e[:, min(i, e.shape[1] - 1), j]) for e in ends]
        one = op.enclosure(*args, **case.attrs)
        for part, found in ((one.lower, whole.lower), (one.upper, whole.upper)):
            assert found[i, j] == pytest.approx(part, rel=1e-14, abs=1e-15, nan_ok=True)


@each_case
def test_nan_is_contagious(name, number, rng):
    op, case = case_of(name, number)
    for at, shape in enumerate(case.shapes):
        for place in list(np.ndindex(*shape))[:4]:
            xs = [rng.normal(size=s) for s in case.shapes]
            xs[at][place] = np.nan
            thin = [Interval.unchecked(x, x) for x in xs]
            wide = [Interval.unchecked(x, x + 1) for x in xs]
            for args in (thin, wide):
                found = op.enclosure(*args, **case.attrs)
                hit = _reached(name, case, xs, place)
                for end in (found.lower, found.upper):
                    assert np.isnan(end)[hit].all(), (name, place)
                    if name not in MAY_TIE:
                        assert not np.isnan(end)[~hit].any(), (name, place)


def _reached(name, case, xs, place):
    """Return which results depend on the element that is NaN."""
    if name in BY_ROW:
        hit = np.zeros(case.shapes[0], dtype=bool)
        hit[place[:-1]] = True
        return hit
    return np.isnan(np.asarray(OPERATORS[name].value(*xs, **case.attrs)))


def moved_along(x, d, step):
    return np.asarray(balls(x) + balls(d) * step, dtype=object)


def directional(case, xs, ds, order):
    """Return the derivative of each result along a direction, from differences."""
    with ctx.workprec(1500):
        h = arb(2) ** -200
        moved = {
            k: np.asarray(
                case.reference(
                    *[moved_along(x, d, k * h) for x, d in zip(xs, ds, strict=True)]
                ),
                dtype=object,
            )
            for k in (-1, 0, 1)
        }
        if order == 1:
            return (moved[1] - moved[-1]) / (2 * h)
        return (moved[1] - 2 * moved[0] + moved[-1]) / h**2


@each_case
def test_derivatives(name, number, rng):
    op, case = case_of(name, number)
    symbols = [dt.symbol(f"s{i}", shape=s) for i, s in enumerate(case.shapes)]
    out = op(*symbols, **case.attrs)
    weights = rng.normal(size=out.shape)
    y = np.sum(out * weights) if out.shape else out * float(weights)
    xs = [
        rng.permutation(np.arange(math.prod(s)) * 0.37 - 1).reshape(s)
        for s in case.shapes
    ]
    ds = [rng.normal(size=s) for s in case.shapes]
    first = dt.grad(y, symbols)
    along = sum(np.sum(g * d) for g, d in zip(first, ds, strict=True))
    second = dt.grad(along, symbols) if along.op is not None else None
    along_twice = None
    if second is not None:
        along_twice = sum(np.sum(g * d) for g, d in zip(second, ds, strict=True))
    at = dict(zip(symbols, xs, strict=True))
    box = dt.Box({s: (x, x) for s, x in at.items()})
    for order, graph in ((1, along), (2, along_twice)):
        if graph is None:
            continue
        parts = directional(case, xs, ds, order)
        with ctx.workprec(1500):
            flat = zip(np.ravel(parts), np.ravel(weights), strict=True)
            truth = sum((p * arb(w) for p, w in flat), arb(0)) + arb(0, 2.0**-120)
        found = dt.enclose(graph, _for(graph, box))
        assert found.upper - found.lower < 1e-11, (name, order, found)
        assert not truth < arb(float(found.lower)) - arb(2.0) ** -110, (
            name,
            order,
            found,
        )
        assert not truth > arb(float(found.upper)) + arb(2.0) ** -110, (
            name,
            order,
            found,
        )
        assert float(graph.evaluate(at)) == pytest.approx(float(truth), abs=1e-12)


def _for(graph, box):
    """Return the box without the symbols that have dropped out."""
    names = {s.name for s in dt.graph.free_symbols([graph])}
    return dt.Domain({n: c for n, c in box.constraints.items() if n in names}, {})


@each_case
def test_closed_form(name, number, rng):
    op, case = case_of(name, number)
    symbols = [dt.symbol(f"s{i}", shape=s) for i, s in enumerate(case.shapes)]
    graph = op(*symbols, **case.attrs)
    if not case.closed:
        with pytest.raises(SymbolicError, match="no closed form"):
            graph.to_symengine()
        return
    form = np.asarray(graph.to_symengine(), dtype=object)
    xs = [rng.normal(size=s) for s in case.shapes]
    values = {}
    for i, x in enumerate(xs):
        for index in np.ndindex(x.shape):
            key = "_".join([f"s{i}", *map(str, index)])
            values[se.Symbol(key)] = float(x[index])
    truth = reference(case, xs)
    assert form.shape == truth.shape
    for i in np.ndindex(truth.shape):
        number_ = float(se.sympify(form[i]).subs(values))
        assert number_ == pytest.approx(float(arb(truth[i])), rel=1e-12, abs=1e-14)


# -- extreme entries -----------------------------------------------------------------


def ends(rule, low, high, **attrs):
    result = rule.enclosure(
        Interval.unchecked(np.array(low, dtype=float), np.array(high, dtype=float)),
        **attrs,
    )
    return np.asarray(result.lower), np.asarray(result.upper)


EXTREME_ROWS = [
    ([0, 0, 0], [0, 0, 0]),
    ([-MAX, 0, MAX], [-MAX, 0, MAX]),
    ([-MAX, -MAX, -MAX], [MAX, MAX, MAX]),
    ([-INF, -INF, -INF], [-1, 0, 1]),
    ([-1, 0, 1], [INF, INF, INF]),
    ([-INF] * 3, [INF] * 3),
    ([800, -800, 0], [800, -800, 0]),
    ([-1e5, 0, 1e5], [-1e4, 1, 2e5]),
    ([TINY, -TINY, 0], [TINY, -TINY, 1e-310]),
    ([1e308, 1e308, 1e308], [MAX, MAX, MAX]),
]


@pytest.mark.parametrize("row", EXTREME_ROWS)
def test_extreme_rows_of_normalisers(row):
    for name in ("softmax", "logsumexp"):
        case = ARRAYS[name][0]
        low, high = ends(OPERATORS[name], *row)
        assert np.all(low <= high) and np.all(low < INF) and np.all(high > -INF), row
        if name == "softmax":
            assert np.all((low >= 0) & (high <= 1))
        finite = np.clip(row, -MAX, MAX)
        for x in (finite[0], finite[1], np.clip(0.0, *finite)):
            with ctx.workprec(2500):
                if np.ptp(x / 2) > 1e5:
                    continue  # exponentials beyond what balls hold
                truth = case.reference(balls(x)[None])[0]
            for i in range(3 if name == "softmax" else 1):
                y = truth[i] if name == "softmax" else truth
                with ctx.workprec(2500):
                    lower, upper = np.ravel(low)[i], np.ravel(high)[i]
                    assert lower == -INF or not y < arb(lower), (name, row)
                    assert upper == INF or not y > arb(upper), (name, row)


def test_softmax_of_one_and_of_equals_is_exact_or_nearly():
    low, high = ends(OPERATORS["softmax"], [[3.0]], [[9.0]])
    assert low == 1 == high
    low, high = ends(OPERATORS["softmax"], [0.0] * 4, [0.0] * 4)
    assert np.all(high - low <= 16 * EPS) and np.all((low <= 0.25) & (high >= 0.25))


def test_argmax_onehot_and_ties():
    op, slope = OPERATORS["argmax_onehot"], OPERATORS["argmax_slope"]
    low, high = ends(op, [1, 1, 0], [1, 1, 0])
    assert low.tolist() == [0, 0, 0] and high.tolist() == [1, 1, 0]
    low, high = ends(op, [0, 2, 1], [1, 3, 1.5])
    assert low.tolist() == [0, 1, 0] == high.tolist()
    low, high = ends(op, [0, 2, 1], [1, 3, 2])  # a tie at one end alone
    assert low.tolist() == [0, 0, 0] and high.tolist() == [0, 1, 1]
    assert ends(op, [5.0], [7.0]) == (1, 1)
    low, high = ends(slope, [0, 2, 1], [1, 3, 1.5])
    assert low.tolist() == [0, 0, 0] == high.tolist()
    low, high = ends(slope, [0, 2, 1], [1, 3, 2])
    assert np.isnan(low[1:]).all() and np.isnan(high[1:]).all()
    assert op.value(np.array([1.0, 2.0, 2.0])).tolist() == [0, 1, 0]
    low, high = ends(op, [-INF, -INF], [INF, INF])
    assert low.tolist() == [0, 0] and high.tolist() == [1, 1]


def test_scatter_adds_duplicates_with_care():
    op = OPERATORS["scatter"]
    index = np.array([0, 0, 0, 2])
    rng = np.random.default_rng(0)
    for scale in (1.0, 1e-310, 1e16, 4e307):
        x = rng.normal(size=4) * scale
        low, high = ends(op, x, x, index=index, shape=(3,))
        total = sum(map(Fraction, x[:3]))
        assert low[0] == -INF or Fraction(low[0]) <= total
        assert high[0] == INF or Fraction(high[0]) >= total
        assert low[0] < INF and high[0] > -INF
        assert low[1] == high[1] == 0 and low[2] == high[2] == x[3]
    low, high = ends(op, [-INF, 1, 1, 1], [1, INF, 1, 1], index=index, shape=(3,))
    assert low[0] == -INF and high[0] == INF
    low, high = ends(
        op, [MAX, MAX, -MAX, 1], [MAX, MAX, -MAX, 1], index=index, shape=(3,)
    )
    assert low[0] <= MAX <= high[0]


def test_scatter_of_nothing():
    op = OPERATORS["scatter"]
    index = np.zeros(0, dtype=np.int64)
    low, high = ends(op, np.zeros(0), np.zeros(0), index=index, shape=(2,))
    assert low.tolist() == [0, 0] == high.tolist()


def test_select_ignores_what_it_does_not_take():
    op, nan = OPERATORS["select"], np.array([np.nan, np.nan])
    good = Interval.unchecked(np.array([1.0, 2.0]), np.array([1.5, 2.5]))
    bad = Interval.unchecked(nan, nan)
    found = op.enclosure(good, bad, mask=np.array([True, False]))
    assert found.lower[0] == 1 and found.upper[0] == 1.5 and np.isnan(found.lower[1])


def test_moved_constants_stay_constants():
    x = np.arange(6.0).reshape(2, 3)
    thin = Interval.unchecked(x, x)
    for name in ("broadcast", "reshape", "transpose", "gather", "concatenate"):
        for case in ARRAYS[name]:
            if case.shapes == ((2, 3),):
                assert OPERATORS[name].enclosure(thin, **case.attrs).is_thin
