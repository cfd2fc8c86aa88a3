"""Bounds taken from the data do not go unnoticed; public ones raise no alarm."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import deuterium as dt
from deuterium.privacy import DataDependentBoundsWarning, warn_if_from_data

X = dt.symbol("x", shape=(1, 4))
Y = dt.symbol("y")


def data(seed=0, count=50):
    rng = np.random.default_rng(seed)
    return rng.uniform([0, 10, -5, 2], [3, 90, 5, 7], (count, 1, 4))


@pytest.mark.parametrize("seed", range(3))
def test_the_datas_own_extremes_are_noticed(seed):
    rows = data(seed)
    low, high = rows.min(axis=0), rows.max(axis=0)
    with pytest.warns(DataDependentBoundsWarning, match="protects nobody") as caught:
        warn_if_from_data(dt.Box({X: (low, high)}), {X: rows})
    assert caught[0].filename == __file__
    # some of them widened by hand
    high[0, 0] += 1
    with pytest.warns(DataDependentBoundsWarning):
        warn_if_from_data(dt.Box({X: (low, high)}), {"x": rows})


def test_data_scaled_by_its_own_extremes_is_noticed():
    rows = data()
    low, high = rows.min(axis=0), rows.max(axis=0)
    scaled = (rows - low) / (high - low)
    with pytest.warns(DataDependentBoundsWarning):
        warn_if_from_data(dt.Box({X: (0, 1)}), {X: scaled})


def test_one_feature_with_its_own_range_is_noticed():
    ages = np.random.default_rng(0).integers(17, 91, 500)
    ages[:2] = 17, 90
    with pytest.warns(DataDependentBoundsWarning):
        warn_if_from_data(dt.Box({Y: (17, 90)}), {Y: ages})


def test_public_bounds_raise_no_alarm():
    rows = data()
    low, high = rows.min(axis=0), rows.max(axis=0)
    label = np.random.default_rng(0).integers(0, 2, 50)
    pixels = np.random.default_rng(0).integers(0, 17, (50, 1, 4))
    pixels[:, :, :3] //= 2  # most pixels never reach 16
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for domain, given in (
            (dt.Box({X: (-10, 100)}), {X: rows}),
            (dt.Box({X: (low - 1, high + 1)}), {X: rows}),
            (dt.Box({X: (low, high + 1)}), {X: rows}),
            (dt.Box({X: (0, 16)}), {X: pixels}),
            (dt.Box({Y: (0, 1)}), {Y: label}),  # only two values: no evidence
            (dt.Choice(Y, [0, 1]), {Y: label}),
            (dt.Ball(X, rows.mean(axis=0), 100.0), {X: rows}),
            (dt.Box({X: (low, high)}), {X: rows[:1]}),
            (dt.Box({X: (low, high)}), {"other": rows}),
        ):
            warn_if_from_data(domain, given)
        warn_if_from_data(dt.Box({X: (low, high)}), {X: rows}, public=True)
