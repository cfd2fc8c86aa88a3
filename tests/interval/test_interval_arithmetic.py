"""Interval arithmetic against exact rationals: no tolerance inside, one ulp outside."""

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from deuterium.errors import BoundsError
from deuterium.interval import Interval, as_interval, interval_arithmetic, rounding
from tests.amounts import examples
from tests.interval.exact_intervals import (
    INF,
    assert_tight,
    exact,
    plus,
    product_hull,
    rounded_down,
    rounded_up,
    times,
)

# the rules are run where warnings are off; what is public is tested to be quiet
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

MAX, TINY = rounding.MAX, rounding.TINY
ENDS = [
    0.0, TINY, 3 * TINY, 2.0**-1022, 1e-310, 1e-200, 2.0**-511, 0.1, 1.0,
    1 + 2.0**-52, 3.0, 7.3, 2.0**26 + 1, 2.0**53 - 1, 1e154, 2.0**512, 1e200, 1e308,
    MAX,
]  # fmt: skip
ENDS = sorted({s * x for x in ENDS for s in (1, -1)})
BOXES = [
    *itertools.combinations_with_replacement(ENDS, 2),
    *[(-INF, x) for x in ENDS],
    *[(x, INF) for x in ENDS],
    (-INF, INF),
]
FEW = BOXES[:: len(BOXES) // 110] + BOXES[-60::7]
NAN = Interval.unchecked(np.array([np.nan]), np.array([np.nan]))


def arrays(boxes):
    ends = np.array(boxes, dtype=float)
    return Interval.unchecked(ends[:, 0], ends[:, 1])


def run(rule, *columns, **attrs):
    """Apply a rule to columns of boxes, and return the pairs of ends."""
    with np.errstate(all="ignore"):
        result = rule(*map(arrays, columns), **attrs)
    return list(zip(result.lower.tolist(), result.upper.tolist(), strict=True))


def is_undefined(pair):
    """Return whether both ends are NaN; one alone is an error anywhere."""
    assert math.isnan(pair[0]) == math.isnan(pair[1]), pair
    return math.isnan(pair[0])


def pairs():
    both = list(itertools.product(FEW, FEW))
    return [a for a, _ in both], [b for _, b in both]


def ends(box):
    return tuple(map(exact, box))


@pytest.mark.parametrize(
    ("name", "hull"),
    [
        ("add", lambda a, b: (plus(a[0], b[0]), plus(a[1], b[1]))),
        ("subtract", lambda a, b: (plus(a[0], -b[1]), plus(a[1], -b[0]))),
        ("multiply", product_hull),
        ("maximum", lambda a, b: (max(a[0], b[0]), max(a[1], b[1]))),
        ("minimum", lambda a, b: (min(a[0], b[0]), min(a[1], b[1]))),
        ("hull", lambda a, b: (min(a[0], b[0]), max(a[1], b[1]))),
    ],
)
def test_two_arguments(name, hull):
    left, right = pairs()
    found = run(getattr(interval_arithmetic, name), left, right)
    steps = 1 if name == "multiply" else 0  # sums are the tightest there are
    for a, b, pair in zip(left, right, found, strict=True):
        assert_tight(pair, *hull(ends(a), ends(b)), steps, (name, a, b))


def inverse_hull(b):
    """Return the exact hull of 1/y over a box without zero."""
    return tuple(Fraction(0) if isinstance(y, float) else 1 / y for y in (b[1], b[0]))


def test_divide():
    left, right = pairs()
    found = run(interval_arithmetic.divide, left, right)
    finite = 0
    for a, b, pair in zip(left, right, found, strict=True):
        assert is_undefined(pair) == (b[0] <= 0 <= b[1]), (a, b)
        if not is_undefined(pair):
            finite += 1
            hull = product_hull(ends(a), inverse_hull(ends(b)))
            assert_tight(pair, *hull, 1, (a, b))
    assert finite > 1000


def test_divide_by_each_sign():
    eight = Interval(8.0, 8.0)
    assert run(interval_arithmetic.divide, [(8, 8)], [(-4, -2)]) == [(-4, -2)]
    assert run(interval_arithmetic.divide, [(-8, 4)], [(-4, -2)]) == [(-2, 4)]
    assert run(interval_arithmetic.divide, [(-8, 4)], [(2, 4)]) == [(-4, 2)]
    assert (eight / Interval(2.0, 4.0)).contains(np.array([2.0, 3.0, 4.0])).all()


def _power_hull(a, n):
    corners = [x**n if not isinstance(x, float) else _infinite_power(x, n) for x in a]
    if n % 2 == 0 and a[0] <= 0 <= a[1]:
        corners.append(Fraction(0))
    return min(corners), max(corners)


def _infinite_power(x, n):
    return INF if x > 0 or n % 2 == 0 else -INF


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7])
def test_integer_power(n):
    small = [b for b in BOXES if all(abs(x) in (0, INF) or abs(x) > 1e-201 for x in b)]
    found = run(interval_arithmetic.integer_power, small, n=n)
    steps = {2: 1, 3: 4, 4: 6, 5: 8, 7: 12}[n]
    for a, pair in zip(small, found, strict=True):
        assert_tight(pair, *_power_hull(ends(a), n), steps, (a, n))


def test_square_of_all():
    for rule in (
        interval_arithmetic.square,
        lambda a: interval_arithmetic.integer_power(a, 2),
    ):
        for a, pair in zip(BOXES, run(rule, BOXES), strict=True):
            assert_tight(pair, *_power_hull(ends(a), 2), 1, a)


def test_absolute_and_negative():
    for a, pair in zip(BOXES, run(interval_arithmetic.absolute, BOXES), strict=True):
        size = sorted(map(abs, a))
        assert pair == (0.0 if a[0] <= 0 <= a[1] else size[0], size[1])
    for a, pair in zip(BOXES, run(interval_arithmetic.negative, BOXES), strict=True):
        assert pair == (-a[1], -a[0])


def test_reciprocal():
    for a, pair in zip(BOXES, run(interval_arithmetic.reciprocal, BOXES), strict=True):
        assert is_undefined(pair) == (a[0] <= 0 <= a[1]), a
        if not is_undefined(pair):
            assert_tight(pair, *inverse_hull(ends(a)), 1, a)


@pytest.mark.parametrize("n", [-1, -2, -3, -4, -9])
def test_negative_integer_power(n):
    # undefined at zero only, however near an end comes to it
    with ctx.workprec(4000):
        for a, pair in zip(
            FEW, run(interval_arithmetic.integer_power, FEW, n=n), strict=True
        ):
            assert is_undefined(pair) == (a[0] <= 0 <= a[1]), a
            if is_undefined(pair):
                continue
            assert pair[0] < INF and pair[1] > -INF
            values = [Fraction(x) ** n for x in a if abs(x) < INF]
            assert all(pair[0] <= v <= pair[1] for v in values), (a, pair)


@pytest.mark.parametrize("n", [9, 10, 33, 100, 1025, 2**20, 2**31, 2**60 + 1])
def test_large_exponents(n):
    points = [0.0, 0.5, 1 - 2.0**-53, 1.0, 1 + 2.0**-52, 1.001, 1.5, 3.0, 1e10, MAX]
    points = sorted({s * x for x in points for s in (1, -1)})
    boxes = list(itertools.combinations_with_replacement(points, 2))
    found = run(interval_arithmetic.integer_power, boxes, n=n)
    with ctx.workprec(2000):
        top = arb(MAX)
        for a, pair in zip(boxes, found, strict=True):
            assert not is_undefined(pair)
            assert pair[0] < INF and pair[1] > -INF
            for x in {*a, *([0.0] if a[0] <= 0 <= a[1] else [])}:
                y = arb(x) ** n
                assert pair[0] == -INF or not y < arb(pair[0]), (a, n, pair)
                assert pair[1] == INF or not y > arb(pair[1]), (a, n, pair)
                if a[0] == a[1] and abs(y) < top and abs(y) > arb(1e-300) and n < 2**50:
                    assert pair[1] - pair[0] <= 12 * rounding.EPS * abs(pair[1]), (a, n)


def test_zeroth_and_first_power():
    assert run(interval_arithmetic.integer_power, [(-1, 2), (0, 0)], n=0) == [
        (1, 1),
        (1, 1),
    ]
    assert run(interval_arithmetic.integer_power, [(-1, 2)], n=1) == [(-1, 2)]


def test_exact_where_the_result_is_short():
    assert run(interval_arithmetic.integer_power, [(2, 3), (-3, 2)], n=10) == [
        (1024, 59049),
        (0, 59049),
    ]
    assert run(interval_arithmetic.multiply, [(0.5, 3)], [(-7, 12)]) == [(-21, 36)]
    assert run(interval_arithmetic.divide, [(6, 12)], [(-4, -2)]) == [(-6, -1.5)]
    assert run(interval_arithmetic.sqrt, [(0, 2.25), (4, 9)]) == [(0, 1.5), (2, 3)]


def test_sqrt():
    for a, pair in zip(BOXES, run(interval_arithmetic.sqrt, BOXES), strict=True):
        assert is_undefined(pair) == (a[0] < 0), a
        if is_undefined(pair):
            continue
        low, high = pair
        assert 0 <= low < INF and low <= high
        assert Fraction(low) ** 2 <= exact(a[0]), a
        if high < INF:
            assert Fraction(high) ** 2 >= exact(a[1]), a
        for end, root in zip(a, pair, strict=True):
            if end < INF:
                near = math.sqrt(end)
                assert abs(root - near) <= math.ulp(near), (a, pair)


def test_power_of_reals():
    bases = [
        (0.0, 0.0), (0.0, TINY), (0.0, 0.5), (0.0, INF), (TINY, 1.0), (0.3, 0.3),
        (0.3, 0.9), (0.5, 2.0), (1.0, 1.0), (1 - 2.0**-53, 1 + 2.0**-52), (1.0, INF),
        (2.0, 1e10), (1e300, MAX), (-1.0, 2.0), (-TINY, 0.0),
    ]  # fmt: skip
    exponents = [
        (0.5, 0.5), (-0.5, 0.5), (0.0, 1.5), (1e-300, 2.5), (-3.5, -0.25), (-1.0, 2.0),
        (0.1, INF), (-INF, -0.1), (-INF, INF), (300.5, 1e5), (1e300, 1e301),
        (-TINY, TINY),
    ]  # fmt: skip
    for base, exponent in itertools.product(bases, exponents):
        ((low, high),) = run(interval_arithmetic.power, [base], [exponent])
        undefined = base[0] < 0 or (base[0] == 0 and exponent[0] < 0)
        assert is_undefined((low, high)) == undefined, (base, exponent)
        if undefined:
            continue
        assert 0 <= low < INF and low <= high
        for x, y in itertools.product(inner(base), inner(exponent)):
            at_zero = arb(int(y == 0))  # 0**0 is 1, as in NumPy
            value = at_zero if x == 0 else (arb(y) * arb(x).log()).exp()
            assert not value < arb(low), (base, exponent, x, y)
            assert high == INF or not value > arb(high), (base, exponent, x, y)
        if base[0] == base[1] and exponent[0] == exponent[1] and 0 < low < high < INF:
            assert high - low <= 12 * rounding.EPS * high + 4 * rounding.MIN_NORMAL


def inner(box, count=4):
    """Return finite points of a box: its ends, and some between."""
    low, high = max(box[0], -MAX), min(box[1], MAX)
    some = np.random.default_rng(3).uniform(0, 1, count)
    between = [low * (1 - t) + high * t for t in some]
    return sorted({low, high, *(min(max(b, low), high) for b in between)})


def test_power_with_integers_among_the_exponents():
    base = [
        (-2.0, 3.0),
        (-2.0, -1.0),
        (0.0, 2.0),
        (-1.0, 1.0),
        (0.0, 1.0),
        (-3.0, -2.0),
    ]
    exponent = [
        (2.0, 2.0),
        (3.0, 3.0),
        (0.0, 0.0),
        (2.5, 2.5),
        (-1.0, -1.0),
        (-2.0, -2.0),
    ]
    found = run(interval_arithmetic.power, base, exponent)
    assert found[:3] == [(0, 9), (-8, -1), (1, 1)]
    assert is_undefined(found[3]) and is_undefined(found[4])
    assert found[5][0] <= 1 / 9 and found[5][1] == 0.25


TWO = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "hull"]


OTHERS = [(1, 1), (1, 2), (0, 0), (0, 1), (-1, 2), (-INF, INF), (1, INF), (2.5, 2.5)]


@pytest.mark.parametrize("name", TWO)
def test_nan_is_contagious(name):
    rule = getattr(interval_arithmetic, name)
    boxes = [arrays([other]) for other in OTHERS]
    thin = [Interval.unchecked(box.lower, box.lower) for box in boxes]
    with np.errstate(all="ignore"):
        for b in boxes + thin:
            for result in (rule(NAN, b), rule(b, NAN), rule(NAN, NAN)):
                assert np.isnan(result.lower).all() and np.isnan(result.upper).all()


@pytest.mark.parametrize(
    "name", ["negative", "absolute", "square", "sqrt", "reciprocal"]
)
def test_nan_is_contagious_alone(name):
    for x in (NAN, Interval.unchecked(math.nan, math.nan)):
        result = getattr(interval_arithmetic, name)(x)
        assert np.isnan(result.lower).all() and np.isnan(result.upper).all()


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 20])
def test_nan_is_contagious_in_integer_powers(n):
    with np.errstate(all="ignore"):
        result = interval_arithmetic.integer_power(NAN, n)
    assert np.isnan(result.lower).all() and np.isnan(result.upper).all()


@examples(60, 800)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
def test_random_boxes_hold_exact_results(numbers, places):
    a, b = sorted(numbers[:2]), sorted(numbers[2:])
    x, y = (
        Fraction(e[0]) + Fraction(t) * (Fraction(e[1]) - Fraction(e[0]))
        for e, t in zip((a, b), places, strict=True)
    )
    for name, value in [
        ("add", x + y),
        ("subtract", x - y),
        ("multiply", x * y),
        ("divide", x / y if b[0] * b[1] > 0 else None),
    ]:
        ((low, high),) = run(getattr(interval_arithmetic, name), [a], [b])
        if value is not None and not is_undefined((low, high)):
            assert low <= rounded_up(value) and high >= rounded_down(value)
            assert low == -INF or Fraction(low) <= value, (name, a, b)
            assert high == INF or Fraction(high) >= value, (name, a, b)


# -- shapes, constants, spelling -----------------------------------------------------


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power"])
def test_broadcasting_and_constants(name):
    rule = getattr(interval_arithmetic, name)
    rng = np.random.default_rng(5)
    low = rng.uniform(0.5, 2, (3, 1, 4))
    a = Interval.unchecked(low, low + rng.uniform(0, 1, low.shape))
    ends_b = rng.uniform(0.5, 2, (5, 1))
    for b in (
        Interval.unchecked(ends_b, ends_b),
        Interval.unchecked(ends_b, ends_b.copy()),
        Interval.unchecked(0.75, 0.75),
        Interval.unchecked(np.asarray(0.75), np.asarray(0.75)),
    ):
        for x, y in ((a, b), (b, a)):
            whole = rule(x, y)
            xs = np.broadcast_arrays(x.lower, x.upper, y.lower, y.upper)
            assert whole.shape == xs[0].shape
            for i in np.ndindex(whole.shape):
                one = rule(
                    Interval.unchecked(xs[0][i], xs[1][i]),
                    Interval.unchecked(xs[2][i], xs[3][i]),
                )
                assert one.lower == whole.lower[i] and one.upper == whole.upper[i]


def test_one_object_as_both_arguments():
    x = Interval(np.array([-1.0, 2.0]), np.array([3.0, 2.5]))
    difference = x - x
    assert (difference.lower <= 0).all() and (difference.upper >= 0).all()
    assert np.array_equal((x * x).lower, [-3.0, 4.0])
    thin = as_interval(np.array([0.1, 3.0]))
    assert thin.is_thin and (-thin).is_thin
    assert (thin - thin).contains(0.0).all()


def test_spelling_is_quiet_and_takes_numbers():
    warnings.simplefilter("error")
    huge = Interval(-MAX, MAX)
    assert (huge * huge).upper == INF and (huge + huge).lower == -INF
    assert (Interval(-INF, INF) * 0).lower == 0
    assert (1 / Interval(0.0, TINY)).upper != (1 / Interval(0.0, TINY)).upper
    x = Interval(1.0, 2.0)
    assert (x**2).upper == 4 and (x**-1).lower == 0.5 and (2**x).contains(3.0)
    assert (x**0.5).contains(1.2) and (3 - x).contains(1.5) and (2 * x).contains(3.0)
    assert (np.array([1.0, 2.0]) / x).shape == (2,)


@pytest.mark.parametrize(
    "bad", [(1, 0), (math.nan, 1), (0, math.nan), (INF, INF), (-INF, -INF), (INF, -INF)]
)
def test_bad_ends_are_refused(bad):
    with pytest.raises(BoundsError, match="Interval"):
        Interval(*bad)


def test_intersection_and_views():
    warnings.simplefilter("error")
    a, b = Interval([0.0, 1.0], [2.0, 3.0]), Interval([1.0, -1.0], [5.0, 2.0])
    both = interval_arithmetic.intersect(a, b)
    assert both.lower.tolist() == [1, 1] and both.upper.tolist() == [2, 2]
    assert a[1:].shape == (1,) and a.midpoint.tolist() == [1, 2]
    assert Interval(-INF, INF).midpoint == 0 and a.width.tolist() == [2, 2]
    assert a.contains(Interval(0.5, 1.5)).tolist() == [True, False]


# -- directed rounding ---------------------------------------------------------------


@examples(60, 1600)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_directed_rounding_of_two_numbers(x, y):
    a, b = np.array([x]), np.array([y])
    with np.errstate(all="ignore"):
        total = float(rounding.add_down(a, b)[0]), float(rounding.add_up(a, b)[0])
        ratio = float(rounding.divide_down(a, b)[0]), float(rounding.divide_up(a, b)[0])
    value = Fraction(x) + Fraction(y)
    assert total == (rounded_down(value), rounded_up(value))
    if y:
        value = Fraction(x) / Fraction(y)
        assert_tight(ratio, value, value, 1, (x, y))


@examples(45, 1000)
@given(st.integers(-(2**53), 2**53), st.integers(-1074, 900))
def test_short_numbers_are_told_apart(m, e):
    try:
        x = math.ldexp(m, e)
    except OverflowError:
        return
    if Fraction(x) != Fraction(m) * Fraction(2) ** e or x == 0:
        return
    odd = abs(m) // (abs(m) & -abs(m))
    assert bool(rounding.is_short(np.float64(x))) == (odd < 2**26), x


@pytest.mark.parametrize("ulps", [0, 1, 4, 8192])
def test_widening_covers_a_relative_error(ulps):
    for x in [
        s * y
        for y in (0.0, TINY, 1e-308, 1.0, 1 + rounding.EPS, 1e300, MAX)
        for s in (1, -1)
    ]:
        off = Fraction(abs(x)) * ulps * Fraction(rounding.EPS)
        low, high = (
            float(rounding.widen_down(x, ulps)),
            float(rounding.widen_up(x, ulps)),
        )
        assert low == -INF or Fraction(low) <= Fraction(x) - off
        assert high == INF or Fraction(high) >= Fraction(x) + off
    assert rounding.widen_down(INF, ulps) <= MAX * (1 - ulps * rounding.EPS)
    assert rounding.widen_up(-INF, ulps) >= -MAX * (1 - ulps * rounding.EPS)
    assert (
        rounding.widen_down(-INF, ulps) == -INF and rounding.widen_up(INF, ulps) == INF
    )


@pytest.mark.parametrize("n", [1, 2, 10, 10**6])
def test_gamma(n):
    u = Fraction(1, 2**53)
    assert Fraction(rounding.gamma(n)) >= n * u / (1 - n * u)


def test_times_is_what_it_says():
    assert (
        times(exact(INF), exact(0.0)) == 0 and times(exact(-INF), Fraction(2)) == -INF
    )
