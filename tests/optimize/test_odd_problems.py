"""Problems at the edge: jumps, undefined values, the largest numbers, exact ties."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.testing import sample_points

x, y, z = dt.symbol("x"), dt.symbol("y", (2,)), dt.symbol("z", (3,))
SLOPE = dt.grad(np.max(y), y)
ROOT = np.sqrt(0.5 + 0.375 * np.sin(x))

# name: the graph, the domain
PROBLEMS = {
    # slopes of a maximum jump where two elements tie
    "tie": (SLOPE[0] - 2 * SLOPE[1] - 0.25 * np.sum(y * y), dt.Box({y: (-1, 1)})),
    "tie away from the middle": (
        3 * SLOPE[1] - 0.25 * np.sum(y * y) + y[0],
        dt.Box({y: ([-1, -0.5], [1, 2])}),
    ),
    "tie on a line": (-SLOPE[0] + 0.125 * y[0], dt.Box({y: ([-1, 0.25], [1, 0.25])})),
    # candidates at infinity
    "reached at infinity": (-1 / (1 + np.sum(z * z)), dt.Box({z: (0, np.inf)})),
    "quotient of infinite ends": (
        (2 - (0.25 + x**4) ** -2) ** 2,
        dt.Box({x: (0, np.inf)}),
    ),
    "no slope times any": (
        dt.relu(np.sign(np.sin(y[0] * y[1]) + 2)),
        dt.Box({y: (0, np.inf)}),
    ),
    "minimum with what may be infinite": (
        np.minimum(np.square(x / (0.3 + x * x)) - x / (0.3 + x * x), 1.75),
        dt.Box({x: (-np.inf, 1)}),
    ),
    # the largest and the smallest numbers
    "large": (
        np.cos(x) * np.sum(y) - np.sum(y * y),
        dt.Box({x: (-1e300, 1), y: (-1e300, 1e300)}),
    ),
    "large and finite": (
        np.sum(y) * x,
        dt.Choice(x, [0, 1]) & dt.Box({y: (-1e300, 1e300)}),
    ),
    "tails": (np.logaddexp(x, 0), dt.Box({x: (-1e300, 1)})),
    "saturated": (-(np.tanh(1e300 * x) ** 2), dt.Box({x: (0, 1)})),
    "smallest": (np.sin(x) - x * x, dt.Box({x: (5e-324, 1)})),
    # exponents that are whole at some values only
    "powers": (np.max(z ** np.prod(z)), dt.OneHot(z)),
    "constant to a power": (0.5 ** np.max(y) + 0.25 * np.sum(y), dt.OneHot(y)),
    # values that are known better than rounding says
    "nothing left": ((ROOT - ROOT) ** 4 - (ROOT - ROOT), dt.Choice(x, [-1, 0.5])),
    "one": (np.hypot(x, 0.0) / np.sqrt(x * x), dt.Box({x: (1, 2)})),
    "half": (np.max(dt.softmax(y)), dt.Choice(y, [[0.5, -0.5], [-1, -1]])),
    # ends that are no doubles
    "ball": (
        x * np.tanh(y[0]),
        dt.Ball(x, 0.1, 0.3, order=np.inf) & dt.Ball(y, 0.1, 0.7),
    ),
    "convex label in a ball": (
        np.sqrt((x - np.tanh(y[0])) ** 2 * y[1] ** 2 + (x - np.tanh(y[0])) ** 2),
        dt.Ball(x, 0.1, 0.3, order=np.inf) & dt.Box({y: (-1, 1)}),
    ),
}


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_brackets_hold_and_are_believed(name, maximize):
    v, domain = PROBLEMS[name]
    find = dt.maximize if maximize else dt.minimize
    e = find(v, domain, time_limit=0.5, rtol=1e-3)
    assert e.lower <= e.upper
    for point in sample_points(domain, dt.graph.free_symbols([v]), 30):
        with np.errstate(all="ignore"):
            value = float(v.evaluate(point))
        slack = 1e-12 * abs(value)
        assert not value > e.upper + slack or not maximize
        assert not value < e.lower - slack or maximize
    if np.isfinite(e.lower) and np.isfinite(e.upper):
        e.certificate.verify(v, domain)


def test_an_undefined_constant_is_a_cause_and_no_error():
    v = dt.constant(-1.5) ** (0.25 + x * x)
    for find in (dt.maximize, dt.minimize):
        e = find(v, dt.Ball(x, -0.1, 0.1), time_limit=0.5)
        assert (e.lower, e.upper) == (-np.inf, np.inf)
        assert e.cause.kind == "undefined"
        assert e.cause.operator == "power"


LOW = -1e305 * dt.symbol("x")
HALF = dt.Box({dt.symbol("x"): (1, 2)}) & dt.Where(dt.symbol("x") > 1.5)


def test_an_objective_below_all_that_counts_for_nothing_is_no_empty_domain():
    """Where conditions do not hold, -1e300 is put in; the objective may be lower."""
    for run, v in ((dt.maximize, LOW), (dt.minimize, -LOW)):
        found = run(v, HALF, time_limit=5)
        assert found.status == "precision_limit"
        upper = found.upper if v is LOW else -found.lower
        assert -1.5e305 <= upper <= -1e300
    iv = dt.enclose(LOW, HALF)
    assert iv.lower <= -2e305 and iv.upper >= -1.5e305
    pole = LOW - 1 / np.square(dt.symbol("x") - 1.5)  # -inf, which cannot matter
    found = dt.maximize(pole, HALF.plain, time_limit=5)
    assert found.upper >= -1.5e305 and found.status != "infeasible"


def test_an_empty_domain_is_still_known():
    x = dt.symbol("x")
    empty = dt.Box({x: (1, 2)}) & dt.Where(x * x - x > 5)
    for v in (x, LOW, np.log(x - 1)):
        assert dt.maximize(v, empty, time_limit=5).status == "infeasible"
        with pytest.raises(dt.errors.BoundsError, match="empty"):
            dt.enclose(v, empty)
