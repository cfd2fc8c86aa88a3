"""Local and smooth sensitivities against every data set on a grid."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import ShapeError, UnsupportedError

N, TOP = 5, 3
AGES = dt.symbol("ages", shape=(N,))
BOX = dt.Box({AGES: (0, TOP)})
GRID = [np.array(p, dtype=float) for p in itertools.product(range(TOP + 1), repeat=N)]
QUERIES = {
    "median": (np.median(AGES), np.median),
    "quantile": (2 * np.quantile(AGES, 0.3) - 1, lambda x: 2 * np.quantile(x, 0.3) - 1),
    "max": (np.max(AGES), np.max),
    "range": (np.max(AGES) - np.min(AGES), np.ptp),
}


def local(run, x):
    found = 0.0
    for i, value in itertools.product(range(N), range(TOP + 1)):
        y = x.copy()
        y[i] = value
        found = max(found, abs(run(y) - run(x)))
    return found


def smooth(run, x, beta):
    """Over one data set of each sorted kind, and how few changes lead to it."""
    most = 0.0
    for y in itertools.combinations_with_replacement(range(TOP + 1), N):
        counts = [
            np.bincount(np.array(z, dtype=int), minlength=TOP + 1) for z in (x, y)
        ]
        changes = int(np.maximum(counts[0] - counts[1], 0).sum())
        most = max(
            most, math.exp(-beta * changes) * local(run, np.array(y, dtype=float))
        )
    return most


@pytest.mark.parametrize("name", QUERIES)
def test_smooth_sensitivity_is_an_upper_bound_with_its_decay(name):
    f, run = QUERIES[name]
    rng, beta = np.random.default_rng(0), 0.4
    for x in (GRID[i] for i in rng.integers(len(GRID), size=2)):
        found = float(privacy.smooth_sensitivity(f, {AGES: x}, BOX, beta=beta).values)
        exact = smooth(run, x, beta)
        assert found >= exact * (1 - 1e-12)
        if name in ("median", "max"):
            assert found == pytest.approx(exact, rel=1e-9)
        y = x.copy()
        y[rng.integers(N)] = rng.uniform(0, TOP)
        near = float(privacy.smooth_sensitivity(f, {AGES: y}, BOX, beta=beta).values)
        assert math.exp(-beta) <= found / near * (1 + 1e-9)
        assert found / near <= math.exp(beta) * (1 + 1e-9)


def test_local_sensitivity_is_never_below_any_change():
    x = np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    found = privacy.local_sensitivity(np.var(AGES), {AGES: x}, BOX, time_limit=None)
    assert repr(found).startswith("<internal, do not release")
    exact = 0.0
    for i in range(N):
        values = [np.var(np.r_[np.delete(x, i), z]) for z in np.linspace(0, TOP, 301)]
        exact = max(exact, np.abs(np.array(values) - np.var(x)).max())
    assert exact <= float(found.values) <= exact * 1.02


def test_other_functions_need_their_diameter():
    x = np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    with pytest.raises(UnsupportedError, match="give the `diameter`"):
        privacy.smooth_sensitivity(np.var(AGES), {AGES: x}, BOX, beta=0.1)
    whole = privacy.Sensitivity(quantity="diameter", norm=2, upper=TOP**2 * 4 / 25)
    about = {"beta": 3.0, "diameter": whole, "time_limit": None}
    found = privacy.smooth_sensitivity(np.var(AGES), {AGES: x}, BOX, **about)
    only = privacy.local_sensitivity(np.var(AGES), {AGES: x}, BOX, time_limit=None)
    assert found.values == max(only.values, math.exp(-3.0) * whole.upper * (1 + 1e-14))
    with pytest.raises(ShapeError, match="leading axis of people"):
        one = dt.symbol("one")
        privacy.local_sensitivity(one, {one: 1.0}, dt.Box({one: (0, 1)}))


def test_what_decays_beyond_all_doubles_is_not_zero():
    x = dt.symbol("x", (5,))
    for beta in (1.0, 400.0):  # three changes away the median moves
        found = privacy.smooth_sensitivity(
            np.median(x), {x: np.zeros(5)}, dt.Box({x: (0, 1)}), beta=beta
        )
        assert float(found.values) >= max(math.exp(-2 * beta), 5e-324)
