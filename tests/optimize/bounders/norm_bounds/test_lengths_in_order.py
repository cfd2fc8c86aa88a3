"""Slopes of order statistics: places of one element, and rows in another order."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy

N, ROOT = 6, np.sqrt(2)
x = dt.symbol("x", N)
BOX = dt.Box({x: (0, 10)})
# a statistic, and what bounds of its slope's parts by lengths give
STATISTICS = {
    "range": (np.max(x) - np.min(x), ROOT),
    "median absolute deviation": (np.median(np.abs(x - np.median(x))), 2 * ROOT),
    "mean deviation from a median": (np.mean(np.abs(x - np.median(x))), 1 + N**-0.5),
    "largest deviation": (np.max(np.abs(x - np.mean(x))), 1 + N**-0.5),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_slopes_of_order_statistics_are_bounded_by_their_lengths(name):
    """Intervals know of each element alone: of these they say 3 to 14."""
    f, most = STATISTICS[name]
    s = privacy.lipschitz(f, x, BOX, max_regions=3)
    assert s.upper <= most * (1 + 1e-9)
    assert s.verify()
    slope = dt.compile([x], dt.norm(dt.grad(f, x)))
    points = np.random.default_rng(5).uniform(0, 10, (400, N))
    points[200:] = np.rint(points[200:] / 4)  # many ties
    assert np.max(slope(points)) <= s.upper
