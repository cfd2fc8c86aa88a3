"""Numbers as they are given: a domain holds every one of them, or refuses them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium.errors import BoundsError, DeuteriumError, InvalidInputError
from deuterium.interval.doubles import enclosing, exactly
from tests.amounts import examples

s = dt.symbol("s")
x2, x3, m = dt.symbol("x2", (2,)), dt.symbol("x3", (3,)), dt.symbol("m", (2, 2))
masked = np.ma.masked_array(np.ones(2), mask=[True, False])
matrix = np.array([[1.0, 2.0]]).view(np.matrix)

WHOLE = st.integers(-(2**70), 2**70)
EXACT = st.one_of(
    WHOLE,
    st.fractions(),
    st.fractions(min_value=Fraction(-1, 10**320), max_value=Fraction(1, 10**320)),
    st.decimals(-(10**300), 10**300, allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(np.float32),
    st.floats(allow_nan=False, allow_infinity=False, width=16).map(np.float16),
    st.tuples(st.floats(-1e9, 1e9), st.floats(-1e-9, 1e-9)).map(
        lambda t: np.longdouble(t[0]) + np.longdouble(t[1])
    ),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.booleans(),
)  # fmt: skip


def fraction(number):
    if isinstance(number, np.integer | np.bool_):
        return Fraction(int(number))
    return Fraction(*number.as_integer_ratio())


@examples(24, 300)
@given(EXACT)
def test_ends_hold_the_number_given_and_are_the_nearest(number):
    low, high = (float(end) for end in enclosing(number, "it"))
    exact = fraction(number)
    assert Fraction(low) <= exact <= Fraction(high)
    assert high <= math.nextafter(low, math.inf)
    if Fraction(low) == exact or Fraction(high) == exact:
        assert low == high == float(exactly(number, "it", ""))
    else:
        with pytest.raises(
            InvalidInputError, match="it must be a number that a double"
        ):
            exactly(number, "it", "")


@examples(24, 300)
@given(
    st.lists(EXACT, min_size=1, max_size=5), st.sampled_from([list, tuple, np.array])
)
def test_lists_and_arrays_lose_nothing_either(numbers, container):
    if container is np.array:
        array = np.array(numbers)  # what NumPy rounds here it rounds before we see it
        numbers, given_ = (
            [
                e.item()
                if isinstance(e, np.generic) and not isinstance(e, np.longdouble)
                else e
                for e in array
            ],
            array,
        )
    else:
        given_ = container(numbers)
    low, high = enclosing(given_, "them")
    for a, number, b in zip(low.tolist(), numbers, high.tolist(), strict=True):
        assert Fraction(a) <= fraction(number) <= Fraction(b)


@examples(24, 300)
@given(st.one_of(EXACT, WHOLE.map(lambda n: np.array([n]) if abs(n) < 2**63 else n)))
def test_constants_are_the_number_or_refused(number):
    try:
        v = s * number
    except InvalidInputError:
        return
    exact = fraction(number if np.ndim(number) == 0 else number[0])
    found = dt.enclose(v, dt.Box({s: (1, 1)}))
    low, high = (float(np.ravel(e)[0]) for e in (found.lower, found.upper))
    assert low == -np.inf or Fraction(low) <= exact
    assert high == np.inf or exact <= Fraction(high)


def test_bounds_are_rounded_outward():
    for low, high in ((Fraction(1, 3), Decimal("0.7")), (2**53 + 1, 2**53 + 3)):
        box = dt.Box({s: (low, high)}).hull(s)
        assert Fraction(float(box.lower)) <= Fraction(low)
        assert Fraction(float(box.upper)) >= Fraction(high)
    assert dt.enclose(s - 2**53, dt.Box({s: (0, 2**53 + 1)})).upper >= 1
    ball = dt.Ball(s, 0, Fraction(1, 3))
    assert Fraction(float(dt.enclose(s, ball).upper)) >= Fraction(1, 3)


def test_ends_are_compared_as_given():
    tiny = Fraction(1, 10**30)
    with pytest.raises(BoundsError, match="reversed"):
        dt.Box({s: (Fraction(1, 3) + tiny, Fraction(1, 3))})
    with pytest.raises(BoundsError, match="reversed"):
        dt.Box({s: (2**53 + 1, float(2**53))})
    dt.Box({s: (Decimal("0.1"), Fraction(1, 10))})


REFUSED = [
    "0.1", b"0.1", "text", None, object(), 1j, np.complex128(1), [1, 2j], 10**400,
    -(10**400), Fraction(10**400), Decimal("1e400"), Decimal("sNaN"), [0, None],
    np.datetime64("2020"), np.timedelta64(1, "s"), np.array(["1"]), np.array([None]),
    masked, np.ma.masked, [masked, masked], matrix, {1: 2}, {1, 2},
    (n for n in (1, 2)), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), [[1], [1, 2]],
]  # fmt: skip
PLACES = {
    "lower": lambda e: dt.Box({"q": (e, np.inf)}),
    "upper": lambda e: dt.Box({"q": (-np.inf, e)}),
    "pair": lambda e: dt.Box({"q": e}),
    "center": lambda e: dt.Ball("q", e, 1),
    "radius": lambda e: dt.Ball("q", 0, e),
    "order": lambda e: dt.Ball("q", 0, 1, e),
    "choice": lambda e: dt.Choice("q", [e]),
    "constant": lambda e: dt.constant(e),
    "factor": lambda e: x2 * e,
    "sum": lambda e: e + x2,
    "scalar": lambda e: s / e,
    "value": lambda e: s.evaluate({s: e}),
    "argument": lambda e: dt.compile([s], [s * 2])(e),
    "subs": lambda e: s.subs({s: e}),
    "clip": lambda e: np.clip(x2, e, None),
    "exponent": lambda e: x2**e,
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_number_is_refused(place):
    for number in REFUSED:
        is_text = isinstance(number, str) and place not in ("lower", "upper", "value")
        is_pair = isinstance(number, list) and len(number) == 2 and place == "pair"
        if is_text or is_pair or (number is None and place == "clip"):
            continue  # it means something there, or is refused in other words
        with pytest.raises(DeuteriumError) as caught:
            PLACES[place](number)
        assert len(str(caught.value)) > 20, number


def test_the_message_names_the_argument_and_the_next_step():
    for call, words in (
        (lambda: dt.Box({s: (0, "1")}), ("upper bound of 's'", "'1'")),
        (lambda: dt.Box({x2: (0, masked)}), ("mask", "filled")),
        (
            lambda: dt.constant(np.array([[1.0]]).view(np.matrix)),
            ("matrix", "np.asarray", "@"),
        ),
        (lambda: dt.Choice(s, [Fraction(1, 3)]), ("'s'", "1/3", "float(...)")),
        (lambda: x2 * np.array([2**53 + 1, 0]), (str(2**53 + 1), "dt.constant")),
        (lambda: s.evaluate({s: 10**400}), ("'s'", "largest double")),
    ):
        with pytest.raises(InvalidInputError) as caught:
            call()
        for word in words:
            assert word in str(caught.value)


def test_exact_numbers_that_no_double_holds_are_made_of_those_that_doubles_hold():
    assert str((s * Fraction(1, 3)).data) == "(1/3)*s"
    found = dt.enclose(s * Decimal("0.1") * 10 - s, dt.Box({s: (1, 1)}))
    assert found.lower <= 0 <= found.upper
    assert dt.constant(np.uint64(2**64 - 1)).value == 2**64 - 1
    assert dt.constant(np.float32(0.1)).value == float(np.float32(0.1))
    np.testing.assert_array_equal(dt.constant([True, False]).value, [1.0, 0.0])
    np.testing.assert_array_equal(dt.constant([2**63, -1]).value, [2.0**63, -1.0])


PAIRS = [(0, 10), (5, 20)]
TWO_WAYS = [
    lambda: dt.Box({x2: PAIRS}),
    lambda: dt.Box({x2: tuple(PAIRS)}),
    lambda: dt.Box({x2: [[0, 10], [5, 20]]}),
    lambda: dt.Box({x2: np.array(PAIRS)}),
    lambda: dt.Box({x2: [np.array([0, 10]), np.array([5, 20])]}),
    lambda: dt.Box({"x2": PAIRS}),
    lambda: dt.Box({s: PAIRS}),
    lambda: dt.Box({m: PAIRS}),
    lambda: dt.Box({m: np.zeros((2, 2, 2))}),
    lambda: dt.Box({m: [np.zeros((2, 2)), np.ones((2, 2))]}),
    lambda: dt.Box({dt.symbol("r", (2, 1)): [[[0, 1]], [[2, 3]]]}),
    lambda: dt.Choice(x2, [0, 1]),
    lambda: dt.Choice(m, np.arange(3.0)),
    lambda: dt.enclose(x2, dt.Choice("x2", [0, 1])),
]


@pytest.mark.parametrize("call", TWO_WAYS)
def test_what_can_be_read_two_ways_is_refused(call):
    with pytest.raises(BoundsError, match="can be read two ways") as caught:
        call()
    assert any(w in str(caught.value) for w in ("np.array", "np.full"))


def test_pairs_of_another_number_are_refused_with_the_way_to_write_them():
    for pairs in ([(0, 1)] * 3, ((0, 1),) * 3, [[0, 1]], np.zeros((3, 2))):
        with pytest.raises(BoundsError, match=r"np.transpose\(p\)"):
            dt.Box({x3: pairs})
    for wrong in ({0: 1, 5: 20}, {0, 1}, range(2), "ab", 3, np.array(3), [], (1,)):
        with pytest.raises(BoundsError, match=r"pair \(lower, upper\)"):
            dt.Box({x2: wrong})


@pytest.mark.parametrize(
    "symbol, bounds, lower, upper",
    [
        (x2, tuple(np.transpose(PAIRS)), [0, 5], [10, 20]),
        (x2, (np.array([0, 5]), np.array([10, 20])), [0, 5], [10, 20]),
        (x2, ([0, 5], [10, 20]), [0, 5], [10, 20]),
        (x2, [0, 1], [0, 0], [1, 1]),
        (x2, [0, [1, 2]], [0, 0], [1, 2]),
        (x2, np.array([0, 1]), [0, 0], [1, 1]),
        (x3, [(0, 1, 2), (3, 4, 5)], [0, 1, 2], [3, 4, 5]),
        (x3, np.arange(6).reshape(2, 3), [0, 1, 2], [3, 4, 5]),
        (s, [0, 1], 0, 1),
        (m, (np.zeros((2, 2)), [[1, 2], [3, 4]]), np.zeros((2, 2)), [[1, 2], [3, 4]]),
    ],
)
def test_what_can_be_read_one_way_is(symbol, bounds, lower, upper):
    box = dt.Box({symbol: bounds}).hull(symbol)
    np.testing.assert_array_equal(box.lower, lower)
    np.testing.assert_array_equal(box.upper, upper)


def test_tables_are_read_by_their_values():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({0: [1.0, 2.0], 1: [3.0, 4.0]}, index=[7, 3])
    box = dt.Box({m: (table, table + 1)}).hull(m)
    np.testing.assert_array_equal(box.lower, [[1, 3], [2, 4]])
    np.testing.assert_array_equal(dt.Box({x2: (table[0], 5)}).hull(x2).lower, [1, 2])
    rows = dt.Choice(x2, table).table(x2)
    np.testing.assert_array_equal(rows, [[1, 3], [2, 4]])
    np.testing.assert_array_equal(m.evaluate({m: table}), [[1, 3], [2, 4]])
    np.testing.assert_array_equal(dt.constant(table).value, [[1, 3], [2, 4]])
    with pytest.raises(BoundsError, match="pair"):
        dt.Box({x2: table})  # its columns' names would be taken
    missing = pandas.array([1, None], dtype="Int64")
    for call in (lambda: dt.constant(missing), lambda: dt.Box({x2: (missing, 2)})):
        with pytest.raises(InvalidInputError):
            call()


def test_what_lies_just_beyond_the_largest_double_ends_at_infinity():
    largest = int(np.finfo(float).max)
    assert dt.Box({s: (0, largest + 1)}).hull(s).upper == np.inf
    assert dt.Box({s: (largest + 1, np.inf)}).hull(s).lower == largest


def test_exponents_of_any_size_take_no_time():
    tiny, huge = Decimal("1e-999999999"), Decimal("-1e999999999")
    assert tuple(map(float, enclosing(tiny, "it"))) == (0.0, 5e-324)
    below = enclosing(Decimal("-1e-999999999"), "it")
    assert tuple(map(float, below)) == (-5e-324, 0.0)
    for call in (lambda: enclosing(huge, "it"), lambda: s * tiny, lambda: s * huge):
        with pytest.raises(InvalidInputError):
            call()
