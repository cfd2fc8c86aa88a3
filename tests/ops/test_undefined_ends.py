"""NaN at either end is undefined, in every rule; and no rule leaves ends half known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from deuterium.graph.operator import OPERATORS
from deuterium.interval import Interval, stacked
from deuterium.interval.stacked import FastPathUnsupported
from deuterium.ops.on_domain import FUNCTIONS
from deuterium.optimize.bounders.derivative import row_intervals
from tests.amounts import draws
from tests.ops.array_cases import ARRAYS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

INF, NAN, TINY = np.inf, np.nan, 5e-324
MAX = float(np.finfo(float).max)
SPOILT = [(a, NAN) for a in (-INF, -2.0, -0.0, 0.0, 0.25, 1.0, 3.0)]
SPOILT += [(NAN, b) for b in (-2.0, -0.0, 0.0, 0.25, 1.0, 3.0, INF)]
NUMBERS = [
    -INF, -MAX, -3.0, -1.0, -0.5, -1e-200, -TINY, -0.0, 0.0, TINY, 1e-310, 1e-160,
    0.25, 0.5, 1.0, 1.0 + 2**-52, 2.0, 800.0, 1e160, MAX, INF,
]  # fmt: skip
FINE = [
    (a, b)
    for a, b in itertools.combinations_with_replacement(NUMBERS, 2)
    if a < INF and b > -INF
]
FINE += [(0.0, -0.0)]
COUNTS = [{"m": m, "n": n} for m, n in ((1, 1), (2, 1), (1, 3), (4, 4))]
POWERS = {
    "integer_power": [{"n": n} for n in (-3, -2, -1, 0, 1, 2, 3, 12, 31)],
    "power_log": [{"n": n} for n in (1, 2, 5)],
    "sinc": [{"n": n} for n in range(9)],
    "exp_difference": COUNTS,
    "log_difference": COUNTS,
}
POLYGONS = [
    {"xs": np.array(xs), "ys": np.array(ys)}
    for xs, ys in (
        ([0.5], [2.0]),
        ([-1.0, 0.0, 0.25, 3.0], [0.5, -1.0, 0.1, 0.1]),
        ([-MAX, -TINY, 0.0, 1.0, MAX], [-MAX, MAX, 0.0, TINY, -MAX]),
    )
]
POWERS["polygamma"] = [{"n": n} for n in (1, 2, 3, 4, 20)]
POWERS["bessel_i"] = [{"n": n} for n in (2, 3, 4, 5, 20)]
ATTRIBUTES = POWERS | dict.fromkeys(("interp", "interp'", "interp''"), POLYGONS)
ATTRIBUTES["on_domain"] = [{"of": of} for of in FUNCTIONS]
ATTRIBUTES["narrowed"] = [
    {"upward": up, "holds": holds} for up in (True, False) for holds in (True, False)
]
ELEMENTWISE = sorted(n for n, op in OPERATORS.items() if op.elementwise and op.arity)


def interval(pairs, shape=None):
    low, high = np.array(pairs).T
    if shape is not None:
        low, high = low.reshape(shape), high.reshape(shape)
    return Interval.unchecked(low, high)


def is_undefined(x):
    return np.isnan(x.lower) | np.isnan(x.upper)


def is_valid(x):
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    both = np.isnan(low) & np.isnan(high)
    return both | ((low <= high) & (low < INF) & (high > -INF))


def attributes(name):
    return ATTRIBUTES.get(name, [{}])


def arguments(name):
    """Return columns of fine arguments of an element-wise operator."""
    op = OPERATORS[name]
    if op.arity == 1:
        return [[p] for p in FINE]
    return list(itertools.product(FINE[:: 3 if op.arity == 2 else 9], repeat=op.arity))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_nan_at_one_end_spoils_every_elementwise_rule(name):
    op = OPERATORS[name]
    for attrs in attributes(name):
        for place in range(op.arity):
            others = [[(0.0, 0.0), (0.5, 0.75), (1.0, 1.0), (-INF, INF)]] * op.arity
            others[place] = SPOILT
            if name == "where" and place:  # which looks at the branch that is chosen
                others[0] = [(-1.0, 1.0), (1.0, 1.0) if place == 1 else (0.0, 0.0)]
            table = list(itertools.product(*others))
            args = [interval(column) for column in zip(*table, strict=True)]
            with np.errstate(all="ignore"):
                found = op.enclosure(*args, **attrs)
            assert is_undefined(found).all(), (attrs, place)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_no_elementwise_rule_leaves_ends_half_known_or_reversed(name):
    op, table = OPERATORS[name], arguments(name)
    for attrs in attributes(name):
        args = [interval(column) for column in zip(*table, strict=True)]
        with np.errstate(all="ignore"):
            found = op.enclosure(*args, **attrs)
        fine = is_valid(found)
        assert fine.all(), [(attrs, table[i]) for i in np.flatnonzero(~fine)[:5]]
        known = ~np.isnan(found.lower)
        low, high = op.range
        assert np.all(found.lower[known] >= low)
        assert np.all(found.upper[known] <= high)


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if OPERATORS[n].arity <= 2])
def test_rules_on_plain_floats_agree_on_what_is_undefined(name):
    op = OPERATORS[name]
    for attrs in attributes(name):
        for a, b in SPOILT:
            args = [Interval.unchecked(a, b)]
            args += [Interval.unchecked(0.0, 0.5)] * (op.arity - 1)
            with np.errstate(all="ignore"):
                assert is_undefined(op.enclosure(*args, **attrs)).all()
                assert is_undefined(op.enclosure(*args[::-1], **attrs)).all()


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_rules_of_arrays(name):
    rng = np.random.default_rng(0)
    op = OPERATORS[name]
    for case in ARRAYS[name]:
        for _ in range(draws(60, 300)):
            args = [
                interval([FINE[i] for i in rng.integers(0, len(FINE), n)], shape)
                for shape in case.shapes
                for n in [int(np.prod(shape))]
            ]
            spoilt = rng.random() < 0.5
            reached = None
            if spoilt:
                which = rng.integers(len(args))
                args[which], reached = _spoiled(rng, op, args, which, case.attrs)
            with np.errstate(all="ignore"):
                found = op.enclosure(*args, **case.attrs)
            if spoilt:
                assert is_undefined(found)[reached].all()
            else:
                assert is_valid(found).all(), args
                known = ~np.isnan(found.lower)
                assert np.all(np.asarray(found.lower)[known] >= op.lower_bound)


def _spoiled(rng, op, args, which, attrs):
    """Spoil one element; return the argument, and what depends on the element."""
    x = args[which]
    at = tuple(int(rng.integers(n)) for n in x.shape)
    low, high = np.array(x.lower), np.array(x.upper)
    low[at], high[at] = SPOILT[rng.integers(len(SPOILT))]
    whole = [np.ones(a.shape) for a in args]
    whole[which][at] = np.nan
    if op.name in (
        "argmax_onehot",
        "argmax_slope",
        "softmax",
        "direction",
        "sort",
        "rank_slope",
        "reorder",
    ):
        whole[which][at[:-1]] = np.nan  # every element of the row depends on it
        return Interval.unchecked(low, high), np.isnan(whole[which])
    reached = np.isnan(np.asarray(op.value(*whole, **attrs), dtype=float))
    return Interval.unchecked(low, high), reached


# -- stacked ends --------------------------------------------------------------------

PAIR = np.stack([np.eye(1), np.eye(1)])
RULES = {
    "add": lambda e: stacked.add(e, np.ones(e.shape)),
    "multiply": lambda e: stacked.multiply(e, np.ones(e.shape)),
    "multiply by zero": lambda e: stacked.multiply(e, np.zeros(e.shape)),
    "multiply_thin": lambda e: stacked.multiply_thin(e, np.array([2.0])),
    "multiply_nonnegative": lambda e: stacked.multiply_nonnegative(e, e),
    "square": lambda e: stacked.square(stacked.sizes(e)),
    "sizes": stacked.sizes,
    "sum": lambda e: stacked.sum_any(e, (-1,), 1),
    "sum_nonnegative": lambda e: stacked.sum_nonnegative(e, (-1,), 1),
    "sum_of_squares": lambda e: stacked.sum_of_squares(
        stacked.sizes(e), None, (-1,), 1
    ),
    "exp": lambda e: stacked.monotone(e, np.exp, (1e-15, 0.0), (0.0, INF)),
    "tanh": lambda e: stacked.monotone(e, np.tanh, (1e-15, 0.0), (-1.0, 1.0)),
    "log1p": lambda e: stacked.monotone(e, np.arcsinh, (1e-15, 0.0), (-INF, INF)),
    "bump": lambda e: stacked.logistic_slope(e, 0.0, 1.0),
    "sqrt": stacked.sqrt,
    "step": stacked.step,
    "softmax": stacked.softmax,
    "affine": lambda e: stacked.affine(e, PAIR, 0.0),
    "affine by zero": lambda e: stacked.affine(e, 0.0 * PAIR, 0.0),
    "within": lambda e: stacked.within(e * 1.0, -1.0, 1.0),
    "settled": stacked.nan_at_both_ends,
    "interval": lambda e: np.stack(
        [stacked.interval(e).lower, stacked.interval(e).upper]
    ),
    "rows: affine": lambda e: row_intervals._RowBuilder.affine(e, PAIR, 0.0),
    "rows: add": lambda e: row_intervals.add(e, -e),
    "rows: root": row_intervals.root,
    "rows: step": row_intervals.step,
    "rows: absolute'": row_intervals.absolute_slope,
    "rows: flat": row_intervals.jump_slope,
    "rows: reciprocal": row_intervals.reciprocal,
    "rows: total": lambda e: row_intervals.total(e, (-1,), 1),
    "rows: multiply": lambda e: row_intervals.multiply(e, np.zeros(e.shape)),
    "rows: multiply infinity": lambda e: row_intervals.multiply(
        np.broadcast_to(np.array([-INF, INF]).reshape(2, 1, 1), e.shape), e
    ),
    "rows: multiply_thin": lambda e: row_intervals.multiply_thin(e, np.array([0.0])),
    "rows: cube": lambda e: row_intervals.integer_power(e, 3),
    "rows: square": lambda e: row_intervals.integer_power(e, 2),
    "rows: power -2": lambda e: row_intervals.integer_power(e, -2),
    "rows: power -3": lambda e: row_intervals.integer_power(e, -3),
    "rows: power 0.5": lambda e: row_intervals.real_power(e, 0.3),
    "rows: power -0.5": lambda e: row_intervals.real_power(e, -0.5),
    "rows: sin": row_intervals.wave(np.sin, 0.5),
    "rows: cos": row_intervals.wave(np.cos, 0.0),
    "rows: quotient": lambda e: row_intervals._quotient(e, np.array([-3.0])),
}


@pytest.mark.parametrize("copies", [1, 400])  # few and many are rounded differently
@pytest.mark.parametrize("name", RULES)
def test_a_nan_at_one_end_spoils_every_rule_on_stacked_ends(name, copies):
    for low, high in SPOILT:
        e = np.stack([np.full((copies, 1), low), np.full((copies, 1), high)])
        with np.errstate(all="ignore"):
            try:
                found = RULES[name](e)
            except FastPathUnsupported:
                continue
        assert np.isnan(found).any(axis=0).all(), (low, high)
    if name in ("settled", "interval"):
        assert np.isnan(found).all()


def test_ends_that_add_up_to_nan_are_not_taken_for_undefined():
    e = np.array([[-INF, 1.0], [INF, 2.0]])
    assert stacked.nan_at_both_ends(e) is e
    assert np.array_equal(stacked.interval(e).lower, [-INF, 1.0])


WIDE = np.stack([np.full((8, 2), 3.0), np.full((8, 2), 3.0)])
CANCEL = np.array([[1e10, -1e10]] * 4 + [[-1e10, 1e10]] * 4)
RULES_OF_ROWS = {
    "affine": lambda e: stacked.affine(e, WIDE, 1.0),
    "affine that cancels": lambda e: stacked.affine(
        e, np.stack([CANCEL, np.abs(CANCEL)]), 0.0
    ),
    "sum": lambda e: stacked.sum_any(e, (-1,), 8),
    "total": lambda e: row_intervals.total(e, (-1,), 8),
    "product": lambda e: stacked.multiply(e, e[:, ::-1]),
    "product with zero": lambda e: row_intervals.multiply(e, e[:, ::-1]),
    "sum of two": lambda e: stacked.add(e, e),
    "sums of squares": lambda e: stacked.sum_of_squares(
        stacked.sizes(e), None, (-1,), 8
    ),
}


@pytest.mark.parametrize("copies", [1, 60])
@pytest.mark.parametrize("name", RULES_OF_ROWS)
def test_what_overflows_leaves_no_end_infinite_on_the_inside(name, copies):
    # a lower end of +inf would be taken for a number by what follows
    for low, high in FINE:
        e = np.stack([np.full((copies, 8), low), np.full((copies, 8), high)])
        with np.errstate(all="ignore"):
            found = stacked.nan_at_both_ends(RULES_OF_ROWS[name](e))
            raw = RULES_OF_ROWS[name](e)
        known = ~np.isnan(raw).any(axis=0)
        assert np.all(raw[0][known] < INF), (low, high)
        assert np.all(raw[1][known] > -INF), (low, high)
        assert np.all(np.isnan(found[0]) == np.isnan(found[1]))
        assert np.all(np.isnan(found[0]) | (found[0] <= found[1]))


def test_ends_infinite_on_the_inside_are_undefined():
    e = np.array([[INF, -INF, 1.0], [INF, -INF, 2.0]])
    assert np.isnan(stacked.nan_at_both_ends(e)).tolist() == [[True, True, False]] * 2
