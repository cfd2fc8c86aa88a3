"""Sums, products and matrix products against exact rationals."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from deuterium.interval import Interval, linear
from deuterium.interval.rounding import EPS, MAX, MIN_NORMAL, TINY
from tests.interval.exact_intervals import INF, exact, plus, product_hull

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ULP = 2.0**971  # of the largest double
KINDS = ["plain", "wide", "huge", "subnormal", "mixed", "cancelling", "positive"]


def numbers(kind, shape, rng):
    """Return random numbers of a kind."""
    x = rng.normal(size=shape)
    if kind == "wide":
        return x * 10.0 ** rng.uniform(-30, 30, shape)
    if kind == "huge":
        return x * 1e307
    if kind == "subnormal":
        return x * 1e-318
    if kind == "mixed":
        pool = [0.0, -0.0, 1.0, -1.0, TINY, MIN_NORMAL, 1e-160, 1e150, -1e150, 0.1]
        return rng.choice(pool, shape)
    if kind == "cancelling":
        return np.where(rng.random(shape) < 0.5, 1e16, -1e16) + x
    return np.abs(x) if kind == "positive" else x


def interval(kind, shape, rng, thin=False):
    """Return an interval around such numbers, or a thin one."""
    low = numbers(kind, shape, rng)
    if thin:
        return Interval.unchecked(low, low)
    other = numbers(kind, shape, rng)
    same = rng.random(shape) < 0.2  # some elements are points
    other = np.where(same, low, other)
    return Interval.unchecked(np.minimum(low, other), np.maximum(low, other))


def with_infinities(x, rng, share=0.2):
    low = np.where(rng.random(x.shape) < share, -INF, x.lower)
    high = np.where(rng.random(x.shape) < share, INF, x.upper)
    return Interval.unchecked(low, high)


def fractions(a):
    return np.array([exact(float(x)) for x in np.ravel(a)], dtype=object).reshape(
        np.shape(a)
    )


def total(terms):
    result = Fraction(0)
    for t in terms:
        result = plus(result, t)
    return result


def at_most(a, b):
    """Compare a double with an exact number."""
    return exact(float(a)) <= b


def assert_holds(found, least, greatest, slack, what):
    """Assert that the exact ends lie inside, and the found ones within the slack.

    A slack of None asks for soundness alone.
    """
    low, high = float(found[0]), float(found[1])
    assert not math.isnan(low) and not math.isnan(high), what
    assert low < INF and high > -INF, what
    assert exact(low) <= least and exact(high) >= greatest, (what, found)
    assert low <= high, (what, found)
    if slack is None:
        return
    for end, truth in ((low, least), (high, greatest)):
        if not isinstance(truth, float) and abs(truth) + slack < MAX / 4:
            assert math.isfinite(end), (what, found)
            assert abs(exact(end) - truth) <= slack, (what, found, float(truth))


# -- sums ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 300])
def test_sum(kind, count, rng):
    for thin in (False, True):
        x = interval(kind, (4, count), rng, thin)
        found = linear.add_reduce(x, (-1,))
        assert found.shape == (4,)
        for i in range(4):
            low, high = fractions(x.lower[i]), fractions(x.upper[i])
            size = sum(map(abs, [*low, *high]))
            slack = Fraction(EPS) * (count + 8) * size + Fraction(TINY)
            assert_holds(
                (found.lower[i], found.upper[i]), sum(low), sum(high), slack, (kind, i)
            )


@pytest.mark.parametrize("axis", [(-1,), (-2,), (-3,), (-1, -3), (-3, -2, -1), (0, 2)])
@pytest.mark.parametrize(
    "shape", [(2, 3, 4), (1, 2, 1), (2, 1, 1), (1, 1, 2), (3, 0, 2)]
)
def test_sum_over_axes(axis, shape, rng):
    x = interval("plain", shape, rng)
    found = linear.add_reduce(x, axis)
    least, greatest = (np.sum(fractions(e), axis=axis) for e in (x.lower, x.upper))
    assert found.shape == np.shape(least)
    for i in np.ndindex(found.shape):
        ends = np.asarray(found.lower)[i], np.asarray(found.upper)[i]
        truth = (np.asarray(e, dtype=object)[i] for e in (least, greatest))
        assert_holds(ends, *truth, Fraction(1, 10**12), (axis, i))


def test_sum_of_two_is_the_tightest():
    found = linear.add_reduce(
        Interval(np.array([0.5, 0.25]), np.array([1.0, 2.0])), (-1,)
    )
    assert (float(found.lower), float(found.upper)) == (0.75, 3.0)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_sum_with_infinite_ends(count, rng):
    for _ in range(40):
        x = with_infinities(interval("plain", (count,), rng), rng)
        found = linear.add_reduce(x, (-1,))
        least, greatest = total(fractions(x.lower)), total(fractions(x.upper))
        assert_holds((found.lower, found.upper), least, greatest, Fraction(1, 10**9), x)


@pytest.mark.parametrize(
    "terms",
    [
        [MAX, MAX], [MAX, MAX, MAX], [-MAX, -MAX, -MAX], [MAX, MAX, -MAX, -MAX],
        [MAX, MAX, -MAX, -MAX, 1.0] * 30, [MAX, 1e292, 1e292, 1e292], [MAX / 2] * 3,
        [1e308, 1e308, -1e308] * 7, [-1e308, -1e308, 1e308] * 7,
        # below the largest double, yet every rounding goes up until it overflows
        [MAX - 5 * ULP, 1.5 * ULP, 1.5 * ULP, 1.5 * ULP],
    ],
)  # fmt: skip
def test_sum_that_overflows_on_its_way(terms):
    for order in (terms, terms[::-1]):
        x = np.array(order)
        truth = sum(map(Fraction, order))
        for box in (Interval.unchecked(x, x), Interval.unchecked(x, x.copy())):
            found = linear.add_reduce(box, (-1,))
            assert_holds((found.lower, found.upper), truth, truth, None, order)
            running = linear.cumulative_sum(box)
            for i, t in enumerate(itertools.accumulate(map(Fraction, order))):
                assert exact(float(running.lower[i])) <= t, order
                assert exact(float(running.upper[i])) >= t, order


def test_sums_keep_the_sign():
    for n in (1, 2, 3, 100):
        for x in (0.0, TINY, 1e-310, 0.1, 1e300):
            up = Interval.unchecked(np.zeros(n), np.full(n, x))
            down = Interval.unchecked(np.full(n, -x), np.zeros(n))
            for rule in (lambda a: linear.add_reduce(a, (-1,)), linear.cumulative_sum):
                assert np.all(rule(up).lower >= 0) and np.all(rule(down).upper <= 0)


@pytest.mark.parametrize("kind", KINDS)
def test_cumulative_sum(kind, rng):
    x = interval(kind, (2, 40), rng)
    found = linear.cumulative_sum(x)
    for i in range(2):
        low, high = fractions(x.lower[i]), fractions(x.upper[i])
        size = sum(map(abs, [*low, *high]))
        for j in range(40):
            slack = Fraction(EPS) * 50 * size + Fraction(TINY)
            pair = found.lower[i, j], found.upper[i, j]
            assert_holds(pair, sum(low[: j + 1]), sum(high[: j + 1]), slack, (kind, j))


def test_cumulative_sum_of_infinite_ends_and_nothing():
    found = linear.cumulative_sum(Interval([1.0, -INF, 2.0], [1.0, 1.0, INF]))
    assert 1 - 1e-14 < found.lower[0] <= 1
    assert found.lower.tolist()[1:] == [-INF, -INF] and found.upper[2] == INF
    assert np.isfinite(found.upper[1])
    assert linear.cumulative_sum(Interval(np.zeros((2, 0)))).shape == (2, 0)


@pytest.mark.parametrize("n", [3, 30])
def test_nan_in_a_sum(n, rng):
    x = interval("plain", (3, n), rng)
    low, high = x.lower.copy(), x.upper.copy()
    low[1, 2] = high[1, 2] = np.nan
    low[2, 0], high[2, 0] = -INF, INF
    found = linear.add_reduce(Interval.unchecked(low, high), (-1,))
    assert np.isnan(found.lower).tolist() == [False, True, False]
    assert np.isnan(found.upper).tolist() == [False, True, False]
    running = linear.cumulative_sum(Interval.unchecked(low, high))
    for end in (running.lower, running.upper):
        assert np.isnan(end[1]).tolist() == [False, False] + [True] * (n - 2)
        assert not np.isnan(end[[0, 2]]).any()
    product = linear.multiply_reduce(Interval.unchecked(low, high))
    assert np.isnan(product.lower[1]) and np.isnan(product.upper[1])
    assert not np.isnan(product.lower[[0, 2]]).any()


# -- products ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8])
def test_product(kind, count, rng):
    for infinite in (False, True):
        x = interval(kind, (6, count), rng)
        if infinite:
            x = with_infinities(x, rng)
        found = linear.multiply_reduce(x)
        assert found.shape == (6,)
        for i in range(6):
            hull = (Fraction(1), Fraction(1))
            pairs = zip(fractions(x.lower[i]), fractions(x.upper[i]), strict=True)
            for pair in pairs:
                hull = product_hull(hull, pair)
            size = max([Fraction(0), *(abs(h) for h in hull if h not in (INF, -INF))])
            slack = INF if kind in ("mixed", "huge") else size * 32 * Fraction(EPS)
            low, high = float(found.lower[i]), float(found.upper[i])
            slack = (
                slack + Fraction(10) ** -300 if slack != INF else Fraction(10) ** 700
            )
            assert_holds((low, high), *hull, slack, (kind, count, infinite))


# -- matrix products -----------------------------------------------------------------


def exact_matmul(a, b):
    """Return exact ends and the sum of absolute products, as object arrays."""
    low_a, high_a, low_b, high_b = map(fractions, (a.lower, a.upper, b.lower, b.upper))
    shape = (*low_a.shape[:-1], low_b.shape[-1])
    least, greatest, size = (np.empty(shape, dtype=object) for _ in range(3))
    for i, j in np.ndindex(shape):
        hulls = [
            product_hull((low_a[i, k], high_a[i, k]), (low_b[k, j], high_b[k, j]))
            for k in range(low_a.shape[-1])
        ]
        least[i, j] = total(h[0] for h in hulls)
        greatest[i, j] = total(h[1] for h in hulls)
        size[i, j] = total(max(map(abs, h)) for h in hulls)
    return least, greatest, size


def check_matmul(a, b, factor):
    """Hold a matrix product against the exact one; the slack is in ulps of the size."""
    found = linear.matmul(a, b)
    least, greatest, size = exact_matmul(a, b)
    assert found.shape == least.shape
    for i in np.ndindex(least.shape):
        infinite = isinstance(size[i], float)
        slack = Fraction(0) if infinite else factor * Fraction(EPS) * size[i]
        slack += Fraction(MIN_NORMAL) * 4
        pair = found.lower[i], found.upper[i]
        assert_holds(pair, least[i], greatest[i], slack, (a, b, i))
    return found


SHAPES = [(1, 1, 1), (2, 3, 2), (1, 40, 1), (3, 1, 4), (4, 17, 3)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_thin_times_wide_is_nearly_exact(kind, shape, rng):
    m, k, n = shape
    for thin in ((True, False), (False, True), (True, True)):
        a = interval(kind, (m, k), rng, thin[0])
        b = interval(kind, (k, n), rng, thin[1])
        check_matmul(a, b, 6 * k + 40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_wide_times_wide(kind, shape, rng):
    m, k, n = shape
    a, b = interval(kind, (m, k), rng), interval(kind, (k, n), rng)
    check_matmul(a, b, 2 * k + 40)  # small: every product of ends is formed


def test_wide_times_wide_when_large(rng, monkeypatch):
    monkeypatch.setattr(linear, "EXACT_PRODUCTS", 0)
    for kind, shape in itertools.product(KINDS, SHAPES):
        m, k, n = shape
        a, b = interval(kind, (m, k), rng), interval(kind, (k, n), rng)
        found = linear.matmul(a, b)
        least, greatest, size = exact_matmul(a, b)
        for i in np.ndindex(least.shape):
            pair = found.lower[i], found.upper[i]
            # centre and radius: at most 1.5 times too wide (Rump), beside rounding
            slack = (
                Fraction(3, 2) * (greatest[i] - least[i]) + Fraction(1, 10**9) * size[i]
            )
            slack += Fraction(10) ** -150  # a radius is at least TINY
            assert_holds(pair, least[i], greatest[i], slack, kind)


def test_large_matrices_hold_points_inside(rng):
    a, b = interval("plain", (60, 80), rng), interval("plain", (80, 50), rng)
    assert linear._products(a, b) > linear.EXACT_PRODUCTS
    found = linear.matmul(a, b)
    for _ in range(3):
        x = a.lower + rng.integers(0, 2, a.shape) * (a.upper - a.lower)
        y = b.lower + rng.integers(0, 2, b.shape) * (b.upper - b.lower)
        x, y = np.clip(x, a.lower, a.upper), np.clip(y, b.lower, b.upper)
        for i, j in [(0, 0), (59, 49), (13, 31), (7, 2)]:
            value = sum(map(lambda p, q: Fraction(p) * Fraction(q), x[i], y[:, j]))
            assert Fraction(found.lower[i, j]) <= value <= Fraction(found.upper[i, j])


@pytest.mark.parametrize("limit", [0, 2**16])
def test_infinite_ends(limit, rng, monkeypatch):
    monkeypatch.setattr(linear, "EXACT_PRODUCTS", limit)
    for kind in ("plain", "mixed", "positive", "huge"):
        for thin in (False, True):
            for _ in range(10):
                a = interval(kind, (3, 4), rng, thin)
                b = with_infinities(interval(kind, (4, 2), rng), rng)
                found = linear.matmul(a, b)
                least, greatest, _ = exact_matmul(a, b)
                for i in np.ndindex(least.shape):
                    pair = found.lower[i], found.upper[i]
                    assert_holds(pair, least[i], greatest[i], None, (a, b))


def test_overflow_in_the_middle_of_a_matrix_product():
    # a sum of products that overflows on its way to a finite result, in any order
    rows = [[1e308, 1e308, -1e308, 1.0], [-1e308, 1e308, -1e308, -1e308]]
    columns = [[10.0], [10.0], [19.5], [1.0]]
    for thin in (True, False):
        a, b = np.array(rows), np.array(columns)
        left = Interval.unchecked(a, a if thin else a.copy())
        found = linear.matmul(left, Interval.unchecked(b, b))
        for i in range(2):
            truth = sum(
                Fraction(x) * Fraction(y[0])
                for x, y in zip(rows[i], columns, strict=True)
            )
            assert exact(float(found.lower[i, 0])) <= truth
            assert exact(float(found.upper[i, 0])) >= truth
            assert found.lower[i, 0] < INF and found.upper[i, 0] > -INF


def test_underflow_beside_cancellation():
    # sizes times EPS underflow, but the rounding errors of the products do not
    rng = np.random.default_rng(1)
    for _ in range(20):
        b = np.round(rng.uniform(-(2**13), 2**13, (100, 1))) * 2.0**-1060
        a = rng.normal(size=(1, 100)) * 2.0**1000
        near = a * (1 + EPS * rng.integers(-2, 3, a.shape))
        order = rng.permutation(200)
        a, b = np.hstack([a, -near])[:, order], np.vstack([b, b])[order]
        value = sum(
            Fraction(x) * Fraction(y) for x, y in zip(a[0], b[:, 0], strict=True)
        )
        for left, right in ((a, b), (b.T, a.T)):
            thin = Interval.unchecked(left, left), Interval.unchecked(right, right)
            wide = tuple(Interval.unchecked(e, e.copy()) for e in (left, right))
            for pair in (thin, wide, (thin[0], wide[1]), (wide[0], thin[1])):
                found = linear.matmul(*pair)
                assert Fraction(found.lower[0, 0]) <= value
                assert Fraction(found.upper[0, 0]) >= value


def test_rows_and_columns_of_one_sign_keep_it(rng):
    a = np.abs(rng.normal(size=(5, 40)))
    wide = Interval.unchecked(np.zeros((40, 3)), np.ones((40, 3)))
    thin = Interval.unchecked(a, a)
    assert np.all(linear.matmul(thin, wide).lower >= 0)
    assert np.all(linear.matmul(Interval.unchecked(-a, -a), wide).upper <= 0)
    nothing = Interval.unchecked(np.zeros((2, 40)), np.zeros((2, 40)))
    found = linear.matmul(nothing, wide)
    assert np.all(found.lower == 0) and np.all(found.upper == 0)


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("inner", [0, 1, 5])
def test_batches(thin, inner, rng):
    for lead_a, lead_b in [((), (3,)), ((2, 1), (3,)), ((3,), ()), ((2, 3), (2, 3))]:
        a = interval("plain", (*lead_a, 2, inner), rng, thin)
        b = interval("plain", (*lead_b, inner, 4), rng)
        found = linear.matmul(a, b)
        lead = np.broadcast_shapes(lead_a, lead_b)
        assert found.shape == (*lead, 2, 4) == np.shape(found.upper)
        a_low, a_high = (
            np.broadcast_to(e, (*lead, 2, inner)) for e in (a.lower, a.upper)
        )
        b_low, b_high = (
            np.broadcast_to(e, (*lead, inner, 4)) for e in (b.lower, b.upper)
        )
        for i in np.ndindex(lead):
            least, greatest, _ = exact_matmul(
                Interval.unchecked(a_low[i], a_high[i]),
                Interval.unchecked(b_low[i], b_high[i]),
            )
            for j in np.ndindex(least.shape):
                pair = found.lower[i][j], found.upper[i][j]
                slack = Fraction(1, 10**12)
                assert_holds(pair, least[j], greatest[j], slack, (lead_a, lead_b))


@pytest.mark.parametrize("limit", [0, 2**16])
def test_nan_in_a_matrix_product(limit, rng, monkeypatch):
    monkeypatch.setattr(linear, "EXACT_PRODUCTS", limit)
    a, b = interval("plain", (3, 4), rng), interval("plain", (4, 2), rng)
    low, high = a.lower.copy(), a.upper.copy()
    low[1, 2] = high[1, 2] = np.nan
    for right in (b, Interval.unchecked(b.lower, b.lower)):
        found = linear.matmul(Interval.unchecked(low, high), right)
        for end in (found.lower, found.upper):
            assert np.isnan(end).all(axis=1).tolist() == [False, True, False]
            assert np.isnan(end).any(axis=1).tolist() == [False, True, False]


def test_one_object_on_both_sides(rng):
    x = interval("plain", (3, 3), rng)
    found = linear.matmul(x, x)
    points = x.midpoint
    truth = [
        [
            sum(Fraction(p) * Fraction(q) for p, q in zip(r, c, strict=True))
            for c in points.T
        ]
        for r in points
    ]
    for i, j in np.ndindex(3, 3):
        assert Fraction(found.lower[i, j]) <= truth[i][j] <= Fraction(found.upper[i, j])
