"""Every element-wise operator of the table: value, derivative, enclosure, closed form.

An operator without a case here fails `test_every_operator_has_a_case`.
"""

import itertools
import math

import numpy as np
import pytest
import symengine as se
from flint import arb, ctx

import deuterium as dt
from deuterium.graph import OPERATORS
from deuterium.interval import Interval
from tests.amounts import draws
from tests.ops.array_cases import ARRAYS, NORMALISED, SYSTEMS
from tests.ops.references import (
    BINARY,
    EPS,
    INF,
    JUMPS,
    MAX,
    MIN_NORMAL,
    TINY,
    UNARY,
    is_fine,
    sharp,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

COMMON = [
    0.0, TINY, 1e-320, MIN_NORMAL, 1e-300, 1e-155, 1e-30, 1e-9, 1e-4, 0.1, 0.3, 0.5,
    0.75, 0.999, 1.0, 1.5, 2.0, 3.0, 7.25, 12.5, 33.3, 150.0, 800.0, 1e5, 1e17, 1e155,
    1e300, MAX,
]  # fmt: skip
ONE_VARIABLE = sorted(UNARY)
TWO_VARIABLES = sorted(BINARY)
PARAMETRIC = {"pi", "integer_power"}  # tested below, by name
PARAMETRIC |= {"polygamma", "bessel_i"}  # test_gamma
PARAMETRIC |= {"power_log", "exp_difference", "log_difference", "sinc"}  # on their own
PARAMETRIC |= {"on_domain"}  # test_on_domain
PARAMETRIC |= {"where", "narrowed", "interp", "interp'", "interp''"}  # test_choices


def test_every_operator_has_a_case():
    cases = set(UNARY) | set(BINARY) | set(ARRAYS) | SYSTEMS | NORMALISED | PARAMETRIC
    assert cases == set(OPERATORS), cases ^ set(OPERATORS)


def points_of(name):
    """Return points of the whole line: common ones, special ones, random ones."""
    rng = np.random.default_rng(sum(map(ord, name)))
    some = rng.choice([-1, 1], 40) * 2.0 ** rng.uniform(-12, 9, 40)
    case = UNARY[name]
    own = [x for s in case.special for x in (s, -s)]
    unit = rng.uniform(0, 1, 10) if case.domain == (0.0, 1.0) else []
    all_points = {
        *COMMON,
        *(-x for x in COMMON),
        *own,
        *some.tolist(),
        *map(float, unit),
    }
    return sorted(all_points)


def boxes_of(name, count=None):
    """Return boxes: points, neighbours, random pairs, and infinite ends."""
    rng = np.random.default_rng(len(name))
    points = points_of(name)
    count = draws(60, 500) if count is None else count
    boxes = [(p, p) for p in points]
    boxes += [(p, math.nextafter(p, INF)) for p in points if p < MAX]
    boxes += [(math.nextafter(p, -INF), p) for p in points if p > -MAX]
    boxes += list(itertools.pairwise(points))
    for _ in range(count):
        i, j = sorted(rng.integers(0, len(points), 2))
        boxes.append((points[i], points[j]))
    for p in points[::3]:
        boxes += [(-INF, p), (p, INF)]
    return [*boxes, (-INF, INF), (0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0)]


def enclosed(op, *columns, **attrs):
    """Return the pairs of ends of an operator over columns of boxes."""
    args = []
    for column in columns:
        ends = np.array(column, dtype=float)
        args.append(Interval.unchecked(ends[:, 0], ends[:, 1]))
    result = op.enclosure(*args, **attrs)
    shape = args[0].shape
    low, high = (np.broadcast_to(e, shape) for e in (result.lower, result.upper))
    assert np.array_equal(np.isnan(low), np.isnan(high)), "one end alone is undefined"
    return list(zip(low.tolist(), high.tolist(), strict=True))


def inside(low, high, rng, count=3):
    """Return finite points of a box: its ends and some between, at all magnitudes."""
    low, high = max(low, -MAX), min(high, MAX)
    points = {low, high}
    if low <= 0 <= high:
        points.add(0.0)
    for t in rng.uniform(0, 1, count):
        points.add(min(max(low * (1 - t) + high * t, low), high))
        size = max(abs(low), TINY) ** t * max(abs(high), TINY) ** (1 - t)
        for x in (size, -size):
            if low <= x <= high:
                points.add(x)
    return sorted(points)


def below(y, end):
    """Return whether a ball is certainly below an end."""
    return end != -INF and y < arb(end)


def above(y, end):
    return end != INF and y > arb(end)


def held(function, xs, low, high, what):
    """Assert that ball values lie inside, and return how many were decided."""
    decided = 0
    for x in xs:
        y = sharp(function, *x)
        if y.is_nan():
            continue
        with ctx.workprec(3000):
            assert not below(y, low) and not above(y, high), (what, x, (low, high), y)
        decided += y.is_finite()
    return decided


# -- enclosures of one variable ------------------------------------------------------


@pytest.mark.drawn
@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_enclosure_holds_every_value(name):
    op, case, boxes = OPERATORS[name], UNARY[name], boxes_of(name)
    rng = np.random.default_rng(1)
    decided = fine = 0
    for box, (low, high) in zip(boxes, enclosed(op, boxes), strict=True):
        assert math.isnan(low) == (not is_fine(name, *box)), (name, box, low, high)
        if math.isnan(low):
            continue
        fine += 1
        assert low <= high and low < INF and high > -INF, (name, box, low, high)
        assert low >= op.lower_bound, (name, box, low)
        xs = [(x,) for x in inside(*box, rng) if case.defined(x, x)]
        decided += held(case.ball, xs, low, high, (name, box))
    assert fine > 60 and decided > 300, (fine, decided)


def turning_points(name, low, high):
    if name in ("sin", "cos"):
        return _wave_turns(name, low, high)
    with ctx.workprec(200):
        turns = UNARY[name].turns()
        return [t for t in turns if not (t < arb(low)) and not (t > arb(high))]


def _wave_turns(name, low, high):
    with ctx.workprec(1500):
        half = arb.pi() / 2
        first = math.floor(low / (math.pi / 2)) - 1
        last = math.ceil(high / (math.pi / 2)) + 1
        odd = 1 if name == "sin" else 0
        ks = [k for k in range(first, min(last, first + 9) + 1) if k % 2 == odd]
        turns = [k * half for k in ks]
        return [t for t in turns if not (t < arb(low)) and not (t > arb(high))]


def exact_range(name, low, high):
    """Return the exact range over a finite box as balls: ends and turning points."""
    case = UNARY[name]
    values = [sharp(case.ball, x) for x in (low, high)]
    with ctx.workprec(400):
        values += [case.ball(t) for t in turning_points(name, low, high)]
    if any(not v.is_finite() for v in values):
        return None
    least, greatest = values[0], values[0]
    for v in values[1:]:
        least = v if v < least else least
        greatest = v if v > greatest else greatest
    return least, greatest


HULLS = {"absolute'", "relu'"}  # set-valued at the kink: not the range of the value


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(set(ONE_VARIABLE) - HULLS))
def test_enclosure_is_tight_and_keeps_the_sign(name):
    op, case = OPERATORS[name], UNARY[name]
    largest = 1e9 if name in ("sin", "cos", "tan") else INF
    boxes = [
        b
        for b in boxes_of(name, draws(48, 250))
        if -largest < b[0] and b[1] < largest and is_fine(name, *b)
    ]
    checked = 0
    for box, (low, high) in zip(boxes, enclosed(op, boxes), strict=True):
        bounds = exact_range(name, *box)
        if bounds is None:
            continue
        least, greatest = map(float, bounds)
        if max(abs(least), abs(greatest)) > MAX / 2:
            continue
        slack = case.absolute + 3 * MIN_NORMAL * (case.slack > 0)
        if case.absolute and _grows_with_size(name):
            slack += 16 * EPS * max(map(abs, box))
        checked += 1
        assert least - low <= case.slack * EPS * abs(least) + slack, (box, low, least)
        assert high - greatest <= case.slack * EPS * abs(greatest) + slack, (
            box,
            high,
            greatest,
        )
        if name not in ("sin", "cos", "tan") or max(map(abs, box)) < 1.5:
            assert low >= 0 or not bounds[0] >= 0, (name, box, low, least)
            assert high <= 0 or not bounds[1] <= 0, (name, box, high, greatest)
    assert checked > 50


def _grows_with_size(name):
    return name in ("sin", "cos")  # a turning point just outside may be counted in


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_enclosure_of_a_part_lies_inside(name):
    op = OPERATORS[name]
    rng = np.random.default_rng(2)
    boxes = [b for b in boxes_of(name, 300) if b[0] < b[1] and is_fine(name, *b)]
    parts = []
    for low, high in boxes:
        points = inside(low, high, rng)
        i, j = sorted(rng.integers(0, len(points), 2))
        parts.append((points[i], points[j]))
    whole, part = enclosed(op, boxes), enclosed(op, parts)
    slack = UNARY[name].slack
    for box, sub, outer, inner in zip(boxes, parts, whole, part, strict=True):
        assert is_part(inner, outer, slack, UNARY[name].absolute), (name, box, sub)


def is_part(inner, outer, slack, absolute=0.0):
    """Return whether an enclosure lies in another, but for the library's own error.

    Library values need not be monotone to the last ulp.
    """
    if math.isinf(slack):
        slack, absolute = 16, 1e-12
    low, high = (abs(e) * slack * EPS + absolute for e in inner)
    fits_low = outer[0] <= inner[0] or outer[0] - inner[0] <= low
    return fits_low and (inner[1] <= outer[1] or inner[1] - outer[1] <= high)


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_nan_constants_and_shapes(name):
    op = OPERATORS[name]
    inputs = [np.array([0.6, np.nan, 0.7]), np.asarray(np.nan), np.array([[np.nan]])]
    if name == "arccosh":
        inputs[0] = inputs[0] + 1
    for x in inputs:
        thin = op.enclosure(Interval.unchecked(x, x))
        wide = op.enclosure(Interval.unchecked(x, x.copy()))
        for result in (thin, wide):
            assert np.shape(result.lower) == np.shape(result.upper) == x.shape
            assert np.array_equal(np.isnan(result.lower), np.isnan(x))
            assert np.array_equal(np.isnan(result.upper), np.isnan(x))
        assert np.array_equal(thin.lower, wide.lower, equal_nan=True)
        assert np.array_equal(thin.upper, wide.upper, equal_nan=True)
    for x in (0.75, 1.25):  # Python floats take the same way
        number = op.enclosure(Interval.unchecked(x, x + 0.25))
        array = op.enclosure(Interval.unchecked(np.array([x]), np.array([x + 0.25])))
        for a, b in ((number.lower, array.lower), (number.upper, array.upper)):
            assert np.array_equal(np.ravel(a), np.ravel(b), equal_nan=True)


# -- enclosures of two variables -----------------------------------------------------


def pairs_of(name, count=None):
    count = draws(360, 1500) if count is None else count
    rng = np.random.default_rng(7)
    pool = [0.0, TINY, 1e-310, 1e-160, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 33.3, 800.0, 1e160]
    pool += [MAX, MAX / 2, 1 + EPS]
    pool = sorted({*pool, *(-x for x in pool), *rng.normal(size=6).tolist()})
    single = [(p, p) for p in pool]
    some = [(pool[i], pool[j]) for i, j in np.sort(rng.integers(0, len(pool), (80, 2)))]
    infinite = [(-INF, p) for p in pool[::4]] + [(p, INF) for p in pool[::4]]
    boxes = [*single, *some, *infinite, (-INF, INF)]
    if name in (
        "power",
        "xlogy",
        "xlog1py",
        "rel_entr",
        "kl_div",
    ):  # more that are inside the domain
        boxes += [b for b in boxes if b[0] > 0] * 3
    picks = rng.integers(0, len(boxes), (count, 2))
    return [boxes[i] for i in picks[:, 0]], [boxes[j] for j in picks[:, 1]]


@pytest.mark.drawn
@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_enclosure_of_two_holds_every_value(name):
    op, case = OPERATORS[name], BINARY[name]
    left, right = pairs_of(name)
    rng = np.random.default_rng(4)
    decided = fine = 0
    for a, b, (low, high) in zip(left, right, enclosed(op, left, right), strict=True):
        assert math.isnan(low) == (not case.fine(a, b)), (name, a, b, low, high)
        if math.isnan(low):
            continue
        fine += 1
        assert low <= high and low < INF and high > -INF, (name, a, b, low, high)
        assert low >= op.lower_bound
        xs = list(itertools.product(inside(*a, rng, 1), inside(*b, rng, 1)))
        decided += held(case.ball, xs[:: 1 + len(xs) // 9], low, high, (name, a, b))
    assert fine > draws(36, 150) and decided > draws(144, 600), (fine, decided)


@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_enclosure_of_two_points_is_tight(name):
    op, case = OPERATORS[name], BINARY[name]
    rng = np.random.default_rng(11)
    xs = [(x, x) for x in rng.choice([-1, 1], 400) * 2.0 ** rng.uniform(-6, 6, 400)]
    ys = [(y, y) for y in rng.choice([-1, 1], 400) * 2.0 ** rng.uniform(-6, 6, 400)]
    checked = 0
    for a, b, (low, high) in zip(xs, ys, enclosed(op, xs, ys), strict=True):
        if math.isnan(low):
            continue
        y = float(sharp(case.ball, a[0], b[0]))
        size = abs(y) if case.slack < INF else max(1.0, abs(y), abs(a[0]), abs(b[0]))
        terms = 3 if name == "kl_div" else 1  # each rounded by its own size
        slack = min(case.slack, 16) * terms * EPS * size + 3 * MIN_NORMAL
        assert y - low <= slack and high - y <= slack, (name, a, b, low, y, high)
        checked += 1
    assert checked > 60


@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_enclosure_of_a_part_of_two_lies_inside(name):
    op, case = OPERATORS[name], BINARY[name]
    left, right = pairs_of(name, 400)
    rng = np.random.default_rng(5)
    kept = [(a, b) for a, b in zip(left, right, strict=True) if case.fine(a, b)]
    parts = []
    for pair in kept:
        part = []
        for box in pair:
            points = inside(*box, rng)
            i, j = sorted(rng.integers(0, len(points), 2))
            part.append((points[i], points[j]))
        parts.append(part)
    whole = enclosed(op, *zip(*kept, strict=True))
    part = enclosed(op, *zip(*parts, strict=True))
    for pair, sub, outer, inner in zip(kept, parts, whole, part, strict=True):
        assert is_part(inner, outer, case.slack), (name, pair, sub)


@pytest.mark.parametrize("name", TWO_VARIABLES)
@pytest.mark.parametrize(
    "other", [(1, 1), (0, 0), (1, 2), (-INF, INF), (1, INF), (0, 1)]
)
def test_nan_of_two(name, other):
    op = OPERATORS[name]
    box = Interval.unchecked(np.array([float(other[0])]), np.array([float(other[1])]))
    nan = np.array([np.nan])
    for bad in (Interval.unchecked(nan, nan), Interval.unchecked(nan, nan.copy())):
        for pair in ((box, bad), (bad, box), (bad, bad)):
            result = op.enclosure(*pair)
            assert np.isnan(result.lower).all() and np.isnan(result.upper).all(), pair


@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_two_arguments_broadcast(name):
    op = OPERATORS[name]
    rng = np.random.default_rng(8)
    a = np.sort(rng.uniform(0.2, 3, (2, 4, 1, 3)), axis=0)
    b = np.sort(rng.uniform(0.2, 3, (2, 5, 1)), axis=0)
    whole = op.enclosure(Interval.unchecked(*a), Interval.unchecked(*b))
    assert whole.lower.shape == whole.upper.shape == (4, 5, 3)
    for i, j, k in np.ndindex(4, 5, 3):
        one = op.enclosure(
            Interval.unchecked(*a[:, i, 0, k].tolist()),
            Interval.unchecked(*b[:, j, 0].tolist()),
        )
        assert one.lower == whole.lower[i, j, k] and one.upper == whole.upper[i, j, k]


# -- values --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_value(name):
    op, case = OPERATORS[name], UNARY[name]
    xs = [x for x in points_of(name) if is_fine(name, x, x) and abs(x) < 1e15]
    values = np.broadcast_to(op.value(np.array(xs)), (len(xs),)).tolist()
    checked = 0
    for x, y in zip(xs, values, strict=True):
        exact = sharp(case.ball, x)
        truth = float(exact)
        if abs(truth) > MAX / 2 or not exact.is_finite():
            continue
        error = abs(y - truth)
        slack = case.slack * EPS * abs(truth) + case.absolute + 2 * MIN_NORMAL
        assert error <= slack, (name, x, y, truth)
        assert np.ndim(op.value(x)) == 0
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_value_of_two(name):
    op, case = OPERATORS[name], BINARY[name]
    left, right = pairs_of(name, 600)
    checked = 0
    for (x, _), (y, _) in zip(left, right, strict=True):
        if math.isinf(x) or math.isinf(y) or not case.fine((x, x), (y, y)):
            continue
        exact = sharp(case.ball, x, y)
        truth = float(exact)
        if not exact.is_finite() or not abs(truth) < MAX / 2:
            continue
        found = float(op.value(np.array([x]), np.array([y]))[0])
        size = abs(truth) if case.slack < INF else max(1, abs(truth), abs(x), abs(y))
        slack = (min(case.slack, 16) + 1) * EPS * size + 2 * MIN_NORMAL
        assert abs(found - truth) <= slack, (name, x, y, found, truth)
        checked += 1
    assert checked > 60


def test_values_at_the_origin_and_ties():
    assert OPERATORS["direction_cosine"].value(0.0, 0.0) == 0
    assert (
        OPERATORS["xlogy"].value(0.0, 0.0) == 0 == OPERATORS["xlogy"].value(0.0, -1.0)
    )
    assert OPERATORS["relu'"].value(0.0) == 0 == OPERATORS["absolute'"].value(0.0)


# -- derivatives ---------------------------------------------------------------------


def difference(function, order, *args, at=0):
    """Return a derivative by central differences in 2600 bits, as a ball."""
    with ctx.workprec(2600):
        x = [arb(a) for a in args]
        h = (abs(x[at]) if args[at] else arb(1)) * arb(2) ** -300

        def shifted(k):
            moved = list(x)
            moved[at] = moved[at] + k * h
            return function(*moved)

        if order == 1:
            d = (shifted(1) - shifted(-1)) / (2 * h)
        else:
            d = (shifted(1) - 2 * shifted(0) + shifted(-1)) / h**2
        # the differences are off by about h**2 relative to the scale of the function
        return d + arb(0, float(abs(d)) * 2.0**-400 + 2.0**-500)


STEPS_ALONE = {"sign", "absolute'", "relu'", "jump_slope", "is_positive", "is_zero"}
STEPS_ALONE |= {
    f"{n}{d}" for n in ("floor", "ceil", "rint", "trunc") for d in ("", "'")
}

DERIVATIVE_POINTS = [
    1e-5, 0.02, 0.3, 0.5, 0.8125, 0.9, 1.1, 1.75, 2.5, 4.0, 9.5, 21.0, 34.0,
]  # fmt: skip


def smooth_points(name):
    """Return points well inside the domain, away from kinks and jumps."""
    case = UNARY[name]
    points = [*DERIVATIVE_POINTS, *(-x for x in DERIVATIVE_POINTS)]
    points += [0.0] if case.smooth and name != "cbrt" else []
    margin = 1e-7
    names = {name, f"{name}'"} & {name, *JUMPS}
    return [x for x in points if all(is_fine(n, x - margin, x + margin) for n in names)]


def check_derivative(graph, symbols, point, truth, what, loose=1e-5):
    """Hold the enclosure of a derivative at a point, and its value, against balls."""
    at = dict(zip(symbols, point, strict=True))
    found = dt.enclose(graph, dt.Box({s: (x, x) for s, x in at.items()}))
    low, high = float(found.lower), float(found.upper)
    with ctx.workprec(2600):
        assert not below(truth, low) and not above(truth, high), (what, point, found)
    size = max(abs(float(truth)), 1e-12)
    assert found.cause is None and high - low <= loose * size + 1e-9, (
        what,
        point,
        found,
    )
    value = float(graph.evaluate(at))
    assert abs(value - float(truth)) <= 0.01 * loose * size + 1e-12, (
        what,
        point,
        value,
    )


@pytest.mark.drawn
@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_derivatives(name):
    op, case = OPERATORS[name], UNARY[name]
    x = dt.symbol("x")
    first = dt.grad(op(x), x)
    second = dt.grad(first, x)
    points = smooth_points(name)
    assert len(points) >= 5
    points = points[:: draws(2, 1)]
    for p in points:
        truth = difference(case.ball, 1, p)
        check_derivative(first, [x], [p], truth, f"{name}'")
        if name in STEPS_ALONE:
            assert truth == 0 or float(truth) == 0
            continue
        truth = difference(case.ball, 2, p)
        # in its tail, this one is a difference of nearly equal numbers
        loose = 1e-2 if name == "log_ndtr'" else 1e-5
        check_derivative(second, [x], [p], truth, f"{name}''", loose)


@pytest.mark.drawn
@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_enclosed_derivatives_over_boxes(name):
    op, case = OPERATORS[name], UNARY[name]
    x = dt.symbol("x")
    first = dt.grad(op(x), x)
    second = dt.grad(first, x)
    points = sorted(smooth_points(name))
    rng = np.random.default_rng(3)
    for _ in range(draws(3, 12)):
        i, j = sorted(rng.integers(0, len(points), 2))
        box = dt.Box({x: (points[i], points[j])})
        for order, graph in ((1, first), (2, second)):
            found = dt.enclose(graph, box)
            for p in points[i : j + 1]:
                truth = difference(case.ball, order, p)
                low, high = float(found.lower), float(found.upper)
                with ctx.workprec(2600):
                    assert not below(truth, low), (name, order, p, found)
                    assert not above(truth, high), (name, order, p, found)


def test_derivatives_are_of_intervals_as_well():
    """Errors of `arithmetic=` are derivatives' ranges times errors."""
    for name in ONE_VARIABLE:
        if OPERATORS[name].derivative is not None:
            found = OPERATORS[name].derivative(Interval(0.25, 0.5))
            assert isinstance(found, Interval), name
    assert (
        dt.enclose(
            np.log2(dt.symbol("x")), dt.Box({"x": (1, 2)}), arithmetic="float32"
        ).upper
        < 1.01
    )


@pytest.mark.parametrize("name", sorted(set(TWO_VARIABLES) - {"maximum", "minimum"}))
def test_derivatives_of_two(name):
    op, case = OPERATORS[name], BINARY[name]
    s = [dt.symbol("x"), dt.symbol("y")]
    rng = np.random.default_rng(6)
    for p in rng.uniform(0.3, 3, (8, 2)).tolist():
        for at in (0, 1):
            first = dt.grad(op(*s), s[at])
            truth = difference(case.ball, 1, *p, at=at)
            check_derivative(first, s, p, truth, f"{name} by {at}")
            second = dt.grad(first, s[at])
            truth = difference(case.ball, 2, *p, at=at)
            check_derivative(second, s, p, truth, f"{name} by {at} twice")


def test_mixed_second_derivatives_are_symmetric():
    x, y = dt.symbol("x"), dt.symbol("y")
    for name in TWO_VARIABLES:
        one = dt.grad(dt.grad(OPERATORS[name](x, y), x), y)
        two = dt.grad(dt.grad(OPERATORS[name](x, y), y), x)
        point = {x: 0.7, y: 1.9}
        assert one.evaluate(point) == pytest.approx(two.evaluate(point), abs=1e-13)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_derivatives_of_a_choice(name):
    x, y = dt.symbol("x"), dt.symbol("y")
    by_x, by_y = dt.grad(OPERATORS[name](x, y), [x, y])
    larger = 1.0 if name == "maximum" else 0.0
    for a, b, expected in (
        (2.0, 1.0, larger),
        (1.0, 2.0, 1 - larger),
        (1.0, 1.0, 1 - larger),
    ):
        assert by_x.evaluate({x: a, y: b}) == expected
        assert by_y.evaluate({x: a, y: b}) == 1 - expected
    either = dt.enclose(by_x, dt.Box({x: (0, 2), y: (1, 3)}))
    assert (either.lower, either.upper) == (0, 1)
    clear = dt.enclose(by_x, dt.Box({x: (0, 1), y: (2, 3)}))
    assert clear.lower == clear.upper == 1 - larger


def test_derivatives_of_powers_with_rounded_exponents():
    # 0.1 - 1 is not a double: the exponent of the derivative must not be rounded
    x = dt.symbol("x")
    for exponent in (0.1, 1e-20, 2.7, 1 / 3, -0.3):
        slope = dt.grad(x**exponent, x)
        for p in (1e-200, 0.3, 5.0, 1e200):
            found = dt.enclose(slope, dt.Box({x: (p, p)}))
            with ctx.workprec(300):
                e = arb(exponent)
                truth = e * ((e - 1) * arb(p).log()).exp()
                assert not below(truth, float(found.lower)), (exponent, p)
                assert not above(truth, float(found.upper)), (exponent, p)


# -- facts ---------------------------------------------------------------------------

WITH_FACTS = [n for n in ONE_VARIABLE if OPERATORS[n].derivative]


@pytest.mark.parametrize("name", WITH_FACTS)
def test_domain_and_range_are_true(name):
    op, case = OPERATORS[name], UNARY[name]
    assert op.domain == case.domain, name
    ends = zip(op.domain, op.closed, case.closed, strict=True)
    assert all(math.isinf(end) or ours == theirs for end, ours, theirs in ends)
    low, high = op.range
    xs = [x for x in points_of(name) if is_fine(name, x, x)]
    values = [sharp(case.ball, x) for x in xs]
    values += [case.ball(t) for t in case.turns() if case.smooth]
    values = [v for v in values if v.is_finite()]
    for v in values:
        assert not below(v, low) and not above(v, high), (name, v)
    floats = [float(v) for v in values]
    assert math.isinf(low) or min(floats) - low < 1e-9, "the range is too wide below"
    assert math.isinf(high) or high - max(floats) < 1e-9, "the range is too wide above"
    assert op.lower_bound == low


@pytest.mark.parametrize("name", WITH_FACTS)
def test_monotone_pieces_are_true(name):
    op, case = OPERATORS[name], UNARY[name]
    xs = [x for x in points_of(name) if is_fine(name, x, x) and abs(x) < 1e4]
    if op.increasing is None and not op.extrema and name != "log_ndtr'":
        assert name in HULLS | STEPS_ALONE | {"sin", "cos", "tan", "absolute"} | {
            "reciprocal"
        }, f"{name}: neither monotone nor turning, and no rule is known"
        return
    turns = sorted(op.extrema)
    edges = [-INF, *turns, INF]
    for a, b in itertools.pairwise(edges):
        piece = [x for x in xs if a <= x <= b]
        signs = set()
        for p, q in itertools.pairwise(piece):
            with ctx.workprec(3000):
                d = case.ball(arb(q)) - case.ball(arb(p))
                signs |= {1 if d > 0 else -1 if d < 0 else 0}
        assert {1, -1} - signs, (name, a, b, "turns inside")
        if op.increasing is not None:
            assert (-1 if op.increasing else 1) not in signs, name


@pytest.mark.parametrize("name", [n for n in WITH_FACTS if OPERATORS[n].extrema])
def test_turning_points_are_the_nearest_doubles(name):
    case = UNARY[name]
    turns = OPERATORS[name].extrema
    with ctx.workprec(300):
        truth = sorted(float(t) for t in case.turns())
    assert sorted(turns) == truth, name


@pytest.mark.parametrize("name", [n for n in WITH_FACTS if OPERATORS[n].exact_points])
def test_exact_points_are_exact(name):
    for point, value in OPERATORS[name].exact_points:
        with ctx.workprec(200):
            assert abs(UNARY[name].ball(arb(point)) - arb(value)) < 1e-50, (name, point)


# -- closed forms --------------------------------------------------------------------


def closed_value(graph, point):
    form = graph.to_symengine()
    try:
        return float(
            form.subs({se.Symbol(k): v for k, v in point.items()}).n(400, real=True)
        )
    except RuntimeError:  # symengine has no numbers of it, but SymPy has
        return float(graph.to_sympy().evalf(60, subs=point))


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_closed_form(name):
    graph = OPERATORS[name](dt.symbol("x"))
    points = [x for x in smooth_points(name) if x and abs(x) < 12]
    assert len(points) >= 5
    for p in points:
        truth = float(sharp(UNARY[name].ball, p))
        assert closed_value(graph, {"x": p}) == pytest.approx(
            truth, rel=1e-8, abs=1e-12
        )


@pytest.mark.parametrize("name", TWO_VARIABLES)
def test_closed_form_of_two(name):
    graph = OPERATORS[name](dt.symbol("x"), dt.symbol("y"))
    for a, b in [(0.3, 1.7), (1.7, 0.3), (2.5, 2.25), (0.9, 0.11)]:
        truth = float(sharp(BINARY[name].ball, a, b))
        assert closed_value(graph, {"x": a, "y": b}) == pytest.approx(truth, rel=1e-9)


# -- the two with attributes or no arguments -----------------------------------------


def test_pi():
    op = OPERATORS["pi"]
    found = op.enclosure()
    assert found.lower < found.upper and op.value() == math.pi
    with ctx.workprec(200):
        assert not below(arb.pi(), found.lower) and not above(arb.pi(), found.upper)
    assert found.upper - found.lower <= 3 * math.ulp(math.pi)
    graph = dt.symbol("x") * op()
    assert closed_value(graph, {"x": 2.0}) == pytest.approx(2 * math.pi)


EXPONENTS = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 7, 10, 21]


@pytest.mark.parametrize("n", EXPONENTS)
def test_integer_power(n):
    op = OPERATORS["integer_power"]
    rng = np.random.default_rng(9)
    points = sorted({s * x for x in COMMON for s in (1, -1)})
    pairs = np.sort(rng.integers(0, len(points), (300, 2)))
    boxes = [(points[i], points[j]) for i, j in pairs] + [(p, p) for p in points]
    boxes += [(-INF, p) for p in points[::5]] + [(p, INF) for p in points[::5]]
    for box, (low, high) in zip(boxes, enclosed(op, boxes, n=n), strict=True):
        assert math.isnan(low) == (n < 0 and box[0] <= 0 <= box[1]), (n, box)
        if math.isnan(low):
            continue
        assert low <= high and low < INF and high > -INF, (n, box)
        held(lambda x: x**n, [(x,) for x in inside(*box, rng)], low, high, (n, box))
    for p in (-2.5, -0.3, 0.7, 3.0):
        x = dt.symbol("x")
        graph = op(x, n=n)
        assert graph.evaluate({x: p}) == pytest.approx(p**n, rel=1e-14)
        assert closed_value(graph, {"x": p}) == pytest.approx(p**n, rel=1e-14)
        first = dt.grad(graph, x)
        check_derivative(first, [x], [p], difference(lambda t: t**n, 1, p), n)
        second = dt.grad(first, x)
        check_derivative(second, [x], [p], difference(lambda t: t**n, 2, p), n)


def test_integer_power_refuses_other_exponents():
    with pytest.raises(TypeError, match="integer"):
        OPERATORS["integer_power"](dt.symbol("x"), n=0.5)


# -- no false alarms in compositions -------------------------------------------------

X = dt.symbol("x")
Y = dt.symbol("y")


@pytest.mark.parametrize(
    ("graph", "bounds"),
    [
        (np.sqrt(np.log1p(X)), (0, 1)),
        (np.sqrt(np.expm1(X)), (0, 1)),
        (np.sqrt(np.sin(X)), (0, 3)),
        (np.sqrt(np.tanh(X)), (0, 5)),
        (np.sqrt(np.tan(X)), (0, 1.5)),
        (np.sqrt(-np.expm1(X)), (-1e-300, 0)),
        (np.sqrt(np.sin(X)), (0, 1e-310)),
        (np.sqrt(np.arctan(X)), (0, 1e-310)),
        (np.sqrt(np.arcsinh(X)), (TINY, 1)),
        (np.sqrt(np.log(X)), (1, 2)),
        (np.sqrt(np.log2(X)), (1, 1)),
        (np.sqrt(np.arccos(X)), (0.5, 1)),
        (np.sqrt(np.cosh(X) - 1), (-1, 1)),
        (np.arccosh(np.cosh(X)), (-1, 1)),
        (np.arcsin(np.sin(X)), (-9, 9)),
        (np.arccos(np.tanh(X)), (-900, 900)),
        (np.sqrt(1 - np.cos(X) ** 2), (-1e3, 1e3)),
        (np.sqrt(np.square(X) + np.square(X)), (-1e-170, 1e-170)),
        (np.log(np.exp(X)), (-700, 1e300)),
        (np.sqrt(np.exp(X)), (-1e300, 900)),
        (np.cosh(X), (-INF, 1)),
        (np.exp(X), (800, 900)),
        (1 / np.exp(X), (800, 900)),
        (dt.grad(np.tanh(X), X), (700, 1e300)),
        (np.hypot(X, X), (MAX / 2, MAX)),
        (X**-2, (1e-200, 1)),
        (X**-3, (-1e-200, -1e-201)),
        (np.sqrt(X**4.0), (-1e-100, 1)),
    ],
)
def test_no_false_alarm(graph, bounds):
    found = dt.enclose(graph, dt.Box({"x": bounds}))
    assert found.cause is None or found.cause.kind != "undefined", found
    assert found.lower <= found.upper


def test_no_false_alarm_in_norms():
    v = dt.symbol("v", shape=(7,))
    for graph in (
        np.sqrt(np.sum(v * v)),
        np.sqrt(np.sum(np.square(v)[:, None] * np.ones((7, 3)), axis=0)),
        np.sqrt(np.square(v)[None, :] @ np.ones((7, 2))),
        np.sqrt(np.cumsum(np.square(v))),
        np.sqrt(np.prod(np.square(v))),
        np.linalg.norm(v),
    ):
        for size in (1.0, 1e-160, 1e-300, 1e160):
            found = dt.enclose(graph, dt.Box({v: (-size, size)}))
            assert np.all(found.lower >= 0), (graph, size)
            assert found.cause is None or found.cause.kind == "overflow"
