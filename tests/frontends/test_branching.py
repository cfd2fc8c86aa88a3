"""Functions with Python's own choices, followed every way."""

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import UnsupportedError
from deuterium.graph.traverse import topological
from tests.amounts import seeds

X, Y, V = dt.symbol("x"), dt.symbol("y"), dt.symbol("v", (3,))


def brackets(x, y):
    if x <= 0:
        return 0.0
    if x < 1 and not y > x:
        return 0.1 * x
    if 1 <= x < 2 or y < 0:
        return 0.1 + 0.2 * (x - 1)
    return x * y


def largest(x, y):
    return max(x, y, 0.25) - min(abs(x), y)


def in_order(x, y):
    low, middle, high = sorted([x, y, x * y])
    return low + 10 * middle + 100 * high


def loop(x, y):
    total = 0.0
    for k in range(3):
        if x > k - 1:
            total += (x - k + 1) ** 2
        if y == k:
            total += 7
    return total


def guarded(x, y):
    return math.nan if y != y else (np.log(x) if x > 0 else np.exp(x)) + y


def counted(x, y):
    return float(x > 0) + 2 * float(y >= x) + int(x < y)


def pairs(x, y):
    if x > y:
        return x, [y, 1.0]
    return y, [x, 2.0]


def early(x, y):
    if x > y:
        x = y
    return x if x else y


FUNCTIONS = [brackets, largest, in_order, loop, guarded, counted, early]


def points(seed):
    rng = np.random.default_rng(seed)
    whole = rng.integers(-2, 4, size=(20, 2)).astype(float)
    return [*rng.uniform(-2, 3, size=(20, 2)), *whole]


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 10))
@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_graph_is_the_function(f, seed):
    graph = dt.traced(f)(X, Y)
    compiled = dt.compile([X, Y], [graph])
    for x, y in points(seed):
        value = f(float(x), float(y))
        assert graph.evaluate({X: x, Y: y}) == pytest.approx(value, rel=1e-12)
        assert float(compiled(x, y)[0]) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_enclosures_hold_values(f):
    graph = dt.traced(f)(X, Y)
    rng = np.random.default_rng(1)
    for _ in range(10):
        low = rng.uniform(-2, 2, 2)
        high = low + rng.uniform(0, 2, 2)
        box = dt.enclose(graph, dt.Box({X: (low[0], high[0]), Y: (low[1], high[1])}))
        for x, y in rng.uniform(low, high, (50, 2)):
            assert box.lower - 1e-12 <= f(x, y) <= box.upper + 1e-12


def test_structures_are_joined_part_by_part():
    a, (b, c) = dt.traced(pairs)(X, Y)
    for x, y in ((1, 2), (2, 1), (1, 1)):
        values = [e.evaluate({X: x, Y: y}) for e in (a, b, c)]
        first, second = pairs(x, y)
        assert values == [first, *second]


def test_elements_of_an_array():
    graph = dt.traced(lambda v: max(v) - min(v))(V)
    assert graph.evaluate({V: [1, 5, 2]}) == 4
    assert dt.maximize(graph, dt.Box({V: (0, 1)})).upper == pytest.approx(1, rel=0.01)


def test_largest_and_least_make_no_ways():
    """Each pair that Python compares doubled them, to 256; a slope was 2 for 1."""

    @dt.traced
    def tax(x):
        owed = 0.0
        for k in range(8):
            owed += max(x - 4**k, 0) / 8
        return owed

    f = tax(X)
    assert len(topological([f])) <= 60
    assert dt.enclose(dt.grad(f, X), dt.Box({X: (5, 15)})).upper == 0.25
    s = privacy.lipschitz(f, X, dt.Box({X: (0, 1e6)}))
    assert s.upper == pytest.approx(1, rel=1e-6)
    spread = dt.traced(lambda v: max(v[0], v[1], v[2]) - min(list(v)))(V)
    s = privacy.lipschitz(spread, V, dt.Box({V: (0, 1)}))
    assert s.upper == pytest.approx(2**0.5, rel=1e-6)


def test_pythons_names_are_its_own_again():
    before = max, min, sorted
    with pytest.raises(ZeroDivisionError):
        dt.traced(lambda x: max(x, 1 / 0))(X)
    assert (max, min, sorted) == before
    mixed = dt.traced(lambda x: (max(3, 2), max("a", "b"), min([], default=x)))(X)
    assert mixed[:2] == (3, "b") and mixed[2] is X
    with pytest.raises(dt.DeuteriumError):
        max(X, Y)


def test_slopes_where_the_ways_meet():
    @dt.traced
    def tax(x):
        return x / 4 if x <= 10 else 2.5 + (x - 10) / 2

    slope = dt.grad(tax(X), X)
    assert dt.enclose(slope, dt.Box({X: (0, 100)})).upper == 0.5


def test_numbers_go_through_as_they_are():
    assert dt.traced(brackets)(0.5, 0.0) == brackets(0.5, 0.0)


def test_too_many_ways():
    def many(x):
        return sum(1.0 if x > k else 0.0 for k in range(9, 100))

    def endless(x):
        while x > 0:
            x = x - 1
        return x

    for f in (many, endless):
        with pytest.raises(UnsupportedError, match="ways"):
            dt.traced(f)(X)


def test_what_cannot_be_joined():
    with pytest.raises(UnsupportedError, match="str"):
        dt.traced(lambda x: x if x > 0 else "none")(X)


def test_outside_python_is_still_refused():
    dt.traced(brackets)(X, Y)
    with pytest.raises(dt.DeuteriumError, match=r"deuterium\.traced"):
        bool(X > 0)
