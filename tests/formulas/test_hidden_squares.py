"""Roots and angles of what stays inside the domain, though its range seems not to."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy

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
    assert np.sqrt(0.5) * (1 - 1e-9) <= found.upper < np.inf


def test_what_does_leave_its_domain_is_undefined():
    for f in (
        np.sqrt((s + t) ** 2 - 4.01 * s * t),
        np.sqrt((s + t) / 2 - 1.01 * np.sqrt(s * t)),
    ):
        assert dt.maximize(f, UNIT, time_limit=20).upper == np.inf


def test_means_less_more_than_geometric_ones_are_no_squares():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = np.sqrt(x + y + 1 - 2 * np.sqrt(x * y))
    found = dt.enclose(v, dt.Box({x: (0.25, 1), y: (0.25, 1)}))
    assert found.upper >= v.evaluate({x: 0.25, y: 1.0})
    off = np.sqrt(x + y - 0.1 - 2 * np.sqrt(x * y))
    assert dt.enclose(off, dt.Box({x: (0.25, 1), y: (0.25, 1)})).cause is not None
