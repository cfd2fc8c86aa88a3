"""The rules on Python floats equal the rules on arrays, bit for bit."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deuterium.errors import InvalidInputError
from deuterium.graph.operator import OPERATORS
from deuterium.interval import Interval, as_interval, interval_arithmetic, scalar
from tests.amounts import examples

INF = math.inf
SPECIAL = [
    0.0, -0.0, 5e-324, -5e-324, 2.5e-308, -2.2250738585072014e-308, 1e-160, -1e-160,
    1.0, -1.0, 0.1, -3.0, 1.0000000000000002, 2.0**512, -(2.0**600), 1e300, -1e308,
    1.7976931348623157e308, -1.7976931348623157e308,
]  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from(SPECIAL),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-8, 8, width=16),
)
NAN = (math.nan, math.nan)


@st.composite
def ends(draw):
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    if draw(st.booleans()):
        high = low
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return NAN
    return (-INF if kind in (1, 3) else low), (INF if kind in (2, 3) else high)


def on_arrays(rule, *args):
    """Run a rule where it cannot take the scalar path."""
    boxes = [Interval.unchecked(np.array([a]), np.array([b])) for a, b in args]
    with np.errstate(all="ignore"):
        result = rule(*boxes)
    return float(result.lower[0]), float(result.upper[0])


def same(a, b):
    return a == b or (a != a and b != b)


def check(name, *args):
    rule = getattr(interval_arithmetic, name)
    fast = rule(*[Interval.unchecked(*a) for a in args])
    assert type(fast.lower) is float and type(fast.upper) is float
    slow = on_arrays(rule, *args)
    assert same(fast.lower, slow[0]) and same(fast.upper, slow[1]), (name, args)
    direct = getattr(scalar, name)(*[Interval.unchecked(*a) for a in args])
    assert same(direct.lower, slow[0]) and same(direct.upper, slow[1]), (name, args)


@examples(72, 3000)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@given(a=ends(), b=ends())
def test_two_arguments(name, a, b):
    check(name, a, b)


@examples(72, 3000)
@given(a=ends())
def test_square(a):
    check("square", a)


POOL = sorted({*SPECIAL, -INF, INF})
PAIRS = [
    (a, b) for a, b in itertools.combinations_with_replacement(POOL, 2)
    if a < INF and b > -INF
]  # fmt: skip


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_every_pair_of_special_ends(name):
    some = [*PAIRS[::3], NAN, (0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0)]
    left = Interval.unchecked(*np.array(some).T[:, :, None])
    right = Interval.unchecked(*np.array(some).T[:, None, :])
    with np.errstate(all="ignore"):
        slow = getattr(interval_arithmetic, name)(left, right)
    for (i, a), (j, b) in itertools.product(enumerate(some), enumerate(some)):
        fast = getattr(scalar, name)(Interval.unchecked(*a), Interval.unchecked(*b))
        found = slow.lower[i, j], slow.upper[i, j]
        assert same(fast.lower, found[0]) and same(fast.upper, found[1]), (a, b)


def test_square_of_every_special_pair():
    for a in [*PAIRS, NAN]:
        check("square", a)


def test_reciprocal_of_every_special_pair():
    for a in [*PAIRS[::3], NAN]:
        fast = interval_arithmetic.reciprocal(Interval.unchecked(*a))
        found = on_arrays(interval_arithmetic.reciprocal, a)
        assert same(fast.lower, found[0]) and same(fast.upper, found[1]), a


NEAR = sorted({0.0, 5e-324, 1e-300, 0.25, 0.5, 1.0, np.pi / 2, 2.5, np.pi, 7.0, 1e5})
ODD = [
    *itertools.combinations_with_replacement(sorted({-x for x in NEAR} | {*NEAR}), 2),
    *PAIRS[::5],
    NAN,
]
UNARY = [op for op in OPERATORS.values() if op.arity == 1 and op.elementwise]


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
@pytest.mark.filterwarnings("ignore")
def test_functions_of_one_variable(op):
    """Those that have no rule of their own for floats take the one for arrays."""
    boxes = ODD if np.isfinite(op.ulps or np.inf) else ODD[::40]
    attrs = (
        {"n": 2} if op.name in ("polygamma", "bessel_i", "power_log", "sinc") else {}
    )
    if op.name in ("interp", "interp'", "interp''", "integer_power", "on_domain"):
        return
    low, high = np.array(boxes).T
    with np.errstate(all="ignore"):
        slow = op.enclosure(Interval.unchecked(low, high), **attrs)
        lows, highs = (np.broadcast_to(e, low.shape) for e in (slow.lower, slow.upper))
        for i, (a, b) in enumerate(boxes):
            fast = op.enclosure(Interval.unchecked(a, b), **attrs)
            found = float(fast.lower), float(fast.upper)
            assert same(found[0], lows[i]) and same(found[1], highs[i]), (a, b)


def test_which_intervals_count_as_scalar():
    assert scalar.is_scalar(Interval.unchecked(1.0, 2.0))
    assert not scalar.is_scalar(Interval.unchecked(np.float64(1.0), np.float64(2.0)))
    assert not scalar.is_scalar(Interval(1.0, 2.0))


def test_numbers_that_no_double_holds_are_rounded_outward():
    third, long = Fraction(1, 3), 2**53 + 1
    for x in (Interval(third), Interval(third, third), as_interval(third)):
        assert Fraction(float(x.lower)) < third < Fraction(float(x.upper))
    for x in (Interval(long), Interval([long, 1]), as_interval(long)):
        assert float(np.ravel(x.lower)[0]) == 2**53 < 2**53 + 2 == np.ravel(x.upper)[0]
    assert Interval(0.1).is_thin and as_interval(3).is_thin
    with pytest.raises(InvalidInputError):
        Interval("0.1", "0.2")
