"""Rules where an end is a wide ball, or not known at all: they lose, but never lie."""

import itertools

import numpy as np
import pytest
from flint import arb, ctx

from deuterium import ops
from deuterium.certify.checker import logistic_family, point_steps, range_steps
from deuterium.certify.checker.ball_functions import UNKNOWN
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.scalar_layout import TaskGroup
from deuterium.graph.operator import OPERATORS
from tests.amounts import draws

ONE = {op.name: e for op, e in TABLE.items() if op.arity == 1}
TWO = {op.name: e for op, e in TABLE.items() if op.arity == 2}

INFINITE = arb("inf")
ANYTHING = arb(0, 1).union(INFINITE).union(-INFINITE)
SIZES = [0.0, 1e-300, 1e-30, 1e-3, 0.4, 0.99, 1.0, 1.3, 3.0, 40.0, 1e5]
NUMBERS = sorted({s * x for x in SIZES for s in (-1.0, 1.0)})
WIDTHS = [0.0, 0.0, 0.0, 0.0, 1e-30, 1e-9, 0.1, 1.0, 1e40]


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(96):
        yield


def draw(rng):
    """Return an interval, and balls around its ends or what stands for no end."""
    a, b = sorted(rng.choice(NUMBERS, 2))
    a = 0.0 if b > 0 and rng.random() < 0.3 else a
    balls = []
    for end, unknown in ((a, -INFINITE), (b, INFINITE)):
        width = float(rng.choice(WIDTHS))
        # the number is anywhere in its ball
        ball = arb(end) + arb(width * rng.uniform(-1, 1), width)
        balls.append(ball if width else arb(end))
        if rng.random() < 0.4:
            balls[-1] = (UNKNOWN, ANYTHING, unknown)[rng.integers(3)]
    if balls[0].is_finite() and rng.random() < 0.1:
        return a, a, balls[0], balls[0]
    return a, b, *balls


def inside(rng, a, b, low, high):
    """Return numbers between the ends; any, where an end is not known."""
    below = [x for x in NUMBERS if x <= b] if not low.is_finite() else []
    above = [x for x in NUMBERS if x >= a] if not high.is_finite() else []
    if below and above:
        return NUMBERS
    between = [a, b, *rng.uniform(a, b, 3), *[x for x in NUMBERS if a <= x <= b]]
    return between + below + above


def holds(value, low, high):
    """Return whether a value is not certainly outside."""
    return not value.is_finite() or not (value < low or value > high)


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(ONE))
def test_functions_of_one_variable(name):
    rng = np.random.default_rng([1, *name.encode()])
    for _ in range(draws(30, 1000)):
        a, b, low, high = draw(rng)
        try:
            least, most = ONE[name].range(low, high)
        except NoBound:
            continue
        for x in inside(rng, a, b, low, high):
            y = ONE[name].value(arb(x))
            assert holds(y, least, most), (x, low, high, least, most)


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(TWO))
def test_functions_of_two_variables(name):
    rng = np.random.default_rng([2, *name.encode()])
    f = TWO[name].value
    for _ in range(draws(300, 5000)):
        first, second = draw(rng), draw(rng)
        try:
            least, most = TWO[name].range(*first[2:], *second[2:])
        except NoBound:
            continue
        xs, ys = inside(rng, *first), inside(rng, *second)
        for x, y in itertools.islice(zip(rng.permuted(xs), rng.permuted(ys)), 12):  # noqa: B905
            z = f(arb(float(x)), arb(float(y)))
            assert holds(z, least, most), (x, y, first, second, least, most)


@pytest.mark.parametrize("family", logistic_family.FAMILIES)
def test_families(family):
    rng = np.random.default_rng(3)
    step = logistic_family.step_for(TaskGroup(family, [((1, 2, 3), (0,))], {}))
    for _ in range(150):
        a, b, *ends = draw(rng)
        low, high = [ends[0], *[None] * 3], [ends[1], *[None] * 3]
        step(low, high)
        for x in inside(rng, a, b, *ends):
            for k, name in enumerate(family.members, 1):
                assert holds(TABLE[name].value(arb(x)), low[k], high[k]), (x, ends)


ROWS = ["max", "logsumexp", "softmax", "argmax_onehot", "prod", "sum", "argmax_slope"]


@pytest.mark.drawn
@pytest.mark.parametrize("name", ROWS)
def test_rows(name):
    rng = np.random.default_rng([4, *name.encode()])
    outs = (3, 4, 5) if name in ("softmax", "argmax_onehot") else (3,)
    group = TaskGroup(OPERATORS[name], [(outs, (0, 1, 2))], {})
    step, value = (
        range_steps.step_for(group, {}, slopes=False),
        point_steps.step_for(group),
    )
    for _ in range(draws(60, 150)):
        drawn = [draw(rng) for _ in range(3)]
        low, high = ([d[k] for d in drawn] + [None] * 3 for k in (2, 3))
        try:
            step(low, high)
        except NoBound:
            continue
        for _ in range(8):
            row = [arb(float(rng.choice(inside(rng, *d)))) for d in drawn]
            found = [*row, *[None] * 3]
            value(found)
            for k in outs:
                assert holds(found[k], low[k], high[k]), (drawn, row)


def test_products_with_a_constant_matrix():
    rng = np.random.default_rng(5)
    group = TaskGroup(ops.matmul, [((4, 5), (0, 1, 2, 3, 6, 7))], {"shape": (1, 2, 2)})
    group.tasks = [((6, 7), (0, 1, 2, 3, 4, 5))]
    for _ in range(150):
        drawn = [draw(rng) for _ in range(2)]
        weights = [float(rng.choice(NUMBERS)) for _ in range(4)]
        balls = [arb(w) + arb(0, float(rng.choice(WIDTHS[:-1]))) for w in weights]
        fixed = dict(enumerate(balls, 2))
        low, high = ([d[k] for d in drawn] + balls + [None] * 2 for k in (2, 3))
        range_steps.step_for(group, fixed, slopes=False)(low, high)
        for _ in range(8):
            u, v = (arb(float(rng.choice(inside(rng, *d)))) for d in drawn)
            for k in range(2):
                exact = u * weights[k] + v * weights[2 + k]
                assert holds(exact, low[6 + k], high[6 + k])


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(ONE))
def test_values_of_wide_balls(name):
    rng = np.random.default_rng([6, *name.encode()])
    f = ONE[name].value
    for _ in range(draws(12, 150)):
        x = float(rng.choice(NUMBERS))
        width = float(rng.choice(WIDTHS[4:]))
        found = f(arb(x) + arb(width * rng.uniform(-1, 1), width))
        exact = f(arb(x))
        assert not exact.is_finite() or not found.is_finite() or found.overlaps(exact)


@pytest.mark.parametrize("name", sorted({*ONE, *TWO}))
def test_what_is_not_known_is_not_hidden_at_a_point(name):
    if name in ONE:
        assert not ONE[name].value(UNKNOWN).is_finite()
        return
    for known in (arb(0), arb(1), arb(-1), arb(2)):
        for pair in ((known, UNKNOWN), (UNKNOWN, known)):
            assert not TWO[name].value(*pair).is_finite()


@pytest.mark.parametrize("name", ROWS)
def test_what_is_not_known_is_not_hidden_in_a_row(name):
    outs = (2, 3) if name in ("softmax", "argmax_onehot") else (2,)
    for row in ([UNKNOWN, arb(1)], [arb(0), UNKNOWN]):
        values = [*row, None, None]
        point_steps.step_for(TaskGroup(OPERATORS[name], [(outs, (0, 1))], {}))(values)
        assert not all(values[k].is_finite() for k in outs)


@pytest.mark.parametrize("count", [2, 4, 30])
def test_a_logarithm_of_exponentials_far_out(count):
    row = [arb(4e139, 1e111)] * count  # differences tell nothing: one share is 1 still
    value = range_steps.log_sum_exp(row)
    assert value >= arb(3.9e139) and value <= arb(4.1e139)
