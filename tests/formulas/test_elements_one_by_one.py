"""Formulas that name elements of an array are bounded as those of the array are."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy

x = dt.symbol("x", (4,))
SEEN = (0.1, 0.5, 0.3, 0.9)
CORNERS = dt.symbol("p", (6,))


def distance(p, q):
    total = 0
    for a, b in zip(p, q, strict=True):
        total += (a - b) ** 2
    return total**0.5


def shoelace(p):
    total = 0
    for i in range(3):
        j = (i + 1) % 3
        total = total + p[2 * i] * p[2 * j + 1] - p[2 * j] * p[2 * i + 1]
    return np.abs(total) / 2


LOOPS = {  # the steepest slope
    "a distance": (distance(x, SEEN), x, 1.0),
    "of the mean square": (distance(x, SEEN) / 2, x, 0.5),
    "between two points": (distance(x[:2], x[2:]), x, np.sqrt(2)),
    "from a line, and a length": (
        np.abs(x[0] * 0.6 + x[1] * 0.8 - 0.2) + np.hypot(x[2], x[3]), x, np.sqrt(2),
    ),
    "every other element": (np.hypot(x[0], x[2]) - np.hypot(x[3], x[1]), x, np.sqrt(2)),
    "an area": (shoelace(CORNERS), CORNERS, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_the_slope_is_that_of_the_array(name):
    f, v, steepest = LOOPS[name]
    found = privacy.lipschitz(f, v, dt.Box({v: (0, 1)}), max_regions=3000)
    slack = 1.25 if name == "an area" else 1.0101  # which is not convex
    assert steepest * (1 - 1e-6) <= found.upper <= steepest * slack
    assert found.verify()
