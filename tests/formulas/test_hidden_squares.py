"""Roots and angles of what stays inside the domain, though its range seems not to."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from tests.amounts import some

s, t = dt.symbol("s"), dt.symbol("t")
x, y = dt.symbol("x", (3,)), dt.symbol("y", (3,))
UNIT = dt.Box({s: (0, 1), t: (0, 1)})
SIGNED = dt.Box({x: (-1, 1), y: (-1, 1)})
POSITIVE = dt.Box({x: (0.25, 1), y: (0.25, 1)})
INSIDE = {  # the largest value, at which the bound ends
    "Hellinger of two coins": (
        np.sqrt(1 - np.sqrt(s * t) - np.sqrt((1 - s) * (1 - t))), UNIT, 1.0,
    ),
    "Bhattacharyya's angle": (
        np.arccos(np.sqrt(s * t) + np.sqrt((1 - s) * (1 - t))), UNIT, np.pi / 2,
    ),
    "means": (np.sqrt((s + t) / 2 - np.sqrt(s * t)), UNIT, np.sqrt(0.5)),
    "discriminant": (np.sqrt((s + t) ** 2 - 4 * s * t), UNIT, 1.0),
    "Cauchy-Schwarz": (
        np.sqrt((x @ x) * (y @ y) - (x @ y) ** 2), SIGNED, np.sqrt(8),
    ),
    "two-pass deviation": (
        np.sqrt((np.sum(x**2) - np.sum(x) ** 2 / 3) / 2), SIGNED, np.sqrt(4 / 3),
    ),
    "moments": (
        np.sqrt(np.mean(x**4) - np.mean(x**2) ** 2), SIGNED, np.sqrt(2) / 3,
    ),
    "rest of a length": (np.sqrt(3 - x @ x), SIGNED, np.sqrt(3)),
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_it_is_as_finite_as_the_function(name):
    f, domain, largest = INSIDE[name]
    e = dt.maximize(f, domain, rtol=1e-3, time_limit=20)
    assert e.lower <= largest * (1 + 1e-9) <= e.upper * (1 + 2e-9)
    assert e.upper <= largest * 1.002


def test_an_angle_between_vectors_is_finite():
    cosine = x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
    for f in (np.arccos(cosine), np.arcsin(cosine)):
        e = dt.maximize(f, POSITIVE, max_regions=1)
        assert e.upper <= np.pi


def test_a_deviation_in_two_passes_has_a_slope():
    f = np.sqrt((np.sum(x**2) - np.sum(x) ** 2 / 3) / 2)
    found = privacy.lipschitz(f, x, dt.Box({x: (0, 1)}), time_limit=20)
    assert np.sqrt(0.5) * (1 - 1e-9) <= found.upper < np.sqrt(0.5) * (1 + 1e-9)


def in_passes(v):
    mean, total = sum(v) / len(v), 0.0
    for e in v:
        total = total + (e - mean) ** 2
    return (total / len(v)) ** 0.5


def running(v):
    mean, total = 0.0, 0.0
    for n, e in enumerate(v, start=1):
        away = e - mean
        mean = mean + away / n
        total = total + away * (e - mean)
    return np.sqrt(total / len(v))


def by_moments(v):
    return np.sqrt(sum(e * e for e in v) / len(v) - (sum(v) / len(v)) ** 2)


def by_pairs(v):
    return np.sqrt(sum((a - b) ** 2 for a in v for b in v) / 2) / len(v)


def stacked(v):
    return np.sqrt(np.mean(np.stack([(e - np.mean(v)) ** 2 for e in v])))


SPELLINGS = [in_passes, running, by_moments, by_pairs, stacked]


@pytest.mark.drawn
@pytest.mark.parametrize("deviation", SPELLINGS)
@pytest.mark.parametrize("n", some((2, 3, 5, 9, 14), 2))
def test_a_deviation_is_as_steep_as_numpys_however_it_is_spelled(deviation, n):
    v = dt.symbol("v", (n,))
    box, rng = dt.Box({v: (-1, 2)}), np.random.default_rng(n)
    f, point = deviation(v), rng.uniform(-1, 2, n)
    np.testing.assert_allclose(f.evaluate({v: point}), np.std(point), rtol=1e-12)
    slope = dt.grad(np.std(v), v).evaluate({v: point})
    np.testing.assert_allclose(dt.grad(f, v).evaluate({v: point}), slope, atol=1e-12)
    assert dt.grad(f, v).evaluate({v: np.full(n, 0.3)}).tolist() == [0.0] * n
    found = privacy.lipschitz(f, v, box, max_regions=1)
    assert n**-0.5 * (1 - 1e-9) <= found.upper <= n**-0.5 * (1 + 1e-9)
    assert found.verify()


RADICANDS = {
    "hidden square": lambda p, q: p[0] * q[0] ** 2 - 2 * p[0] * q[0] * q[1]
    + p[0] * q[1] ** 2,
    "form of a matrix": lambda p, q: (p[0] * q[0] + q[1]) ** 2 + (q[0] - p[1]) ** 2,
    "of moments": lambda p, q: (p @ p + 2) / 3 - (p[0] * q[1] + p[1] * q[0]) / 9,
    "variance": lambda p, q: np.mean((p * q) ** 2) - np.mean(p * q) ** 2,
    "product": lambda p, q: np.sum((p - q) ** 2) * (p @ p),
}  # fmt: skip


@pytest.mark.parametrize("name", RADICANDS)
def test_a_slope_by_a_constant_is_that_by_a_symbol(name):
    """Numbers that one differentiates by are no numbers to multiply out with."""
    numbers, point = np.array([2.0, 0.5]), np.array([0.75, -0.25])
    p, q, fixed = dt.symbol("p", (2,)), dt.symbol("q", (2,)), dt.constant(numbers)
    expected = dt.grad(np.sqrt(RADICANDS[name](p, q)), p)
    found = dt.grad(np.sqrt(RADICANDS[name](fixed, q)), fixed)
    np.testing.assert_allclose(
        found.evaluate({q: point}), expected.evaluate({p: numbers, q: point}), rtol=1e-9
    )


def test_a_root_of_a_product_of_squares_is_steep_to_an_end():
    a, b = x - np.mean(x), y - np.mean(y)
    box = SIGNED & dt.Box({s: (0, 1)})
    for f in (
        np.sqrt(np.sum(a**2) * np.sum(b**2)),
        np.sqrt(4 * np.sum(a**2) * np.sum(b**2) / 9),
        a @ b / (np.sqrt(np.sum(a**2) * np.sum(b**2)) + 0.5),
        np.sqrt((x @ x) * np.exp(s)),
    ):
        slope = dt.enclose(dt.grad(f, x), box)
        assert np.isfinite(slope.lower).all() and np.isfinite(slope.upper).all()


def test_what_does_leave_its_domain_is_undefined():
    for f in (
        np.sqrt((s + t) ** 2 - 4.01 * s * t),
        np.sqrt((s + t) / 2 - 1.01 * np.sqrt(s * t)),
    ):
        assert dt.maximize(f, UNIT, time_limit=20).upper == np.inf


def test_a_distance_on_a_sphere_from_a_fixed_place_is_steep_to_an_end():
    """The cosine of the latitude is a number there, and another one is positive."""
    north, east = 0.5, 0.25
    h = np.sin((s - north) / 2) ** 2
    h = h + np.cos(s) * np.cos(north) * np.sin((t - east) / 2) ** 2
    box = dt.Box({s: (-1.5, 1.5), t: (-1, 1)})
    for f in (
        2 * np.arcsin(np.sqrt(h)),
        2 * np.arctan2(np.sqrt(h), np.sqrt(1 - h)),
    ):
        found = privacy.lipschitz(f, [s, t], box, max_regions=500)
        assert 1 - 1e-9 <= found.upper < 3
        assert found.verify()


def test_a_root_of_squares_times_what_may_vanish_stays():
    f = np.sqrt(s * x[0] ** 2 + x[1] ** 2)
    found = dt.enclose(dt.grad(f, s), dt.Box({s: (0, 1), x: (-1, 1)}))
    assert found.upper == np.inf  # at s = 0 and x[1] = 0 it has no end


def test_means_less_more_than_geometric_ones_are_no_squares():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = np.sqrt(x + y + 1 - 2 * np.sqrt(x * y))
    found = dt.enclose(v, dt.Box({x: (0.25, 1), y: (0.25, 1)}))
    assert found.upper >= v.evaluate({x: 0.25, y: 1.0})
    off = np.sqrt(x + y - 0.1 - 2 * np.sqrt(x * y))
    assert dt.enclose(off, dt.Box({x: (0.25, 1), y: (0.25, 1)})).cause is not None
