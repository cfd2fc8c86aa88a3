"""Certified slopes of the gradient norm hold every slope there is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium.errors import InvalidInputError
from deuterium.privacy import norm_slopes


def problem(seed, features=4, hidden=3):
    rng = np.random.default_rng(seed)
    x, y = dt.symbol("x", shape=(1, features)), dt.symbol("y")
    w = dt.constant(rng.normal(size=(features, hidden)))
    b = dt.constant(rng.normal(size=hidden))
    u = dt.constant(rng.normal(size=(hidden, 1)))
    t = np.tanh(x @ w + b) @ u
    loss = -(y * log_expit(t) + (1 - y) * log_expit(-t)).sum()
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    return x, y, dt.grad(loss, [w, b, u]), domain


@pytest.mark.parametrize("seed", range(4))
def test_holds_the_slope_at_random_records_and_corners(seed, rng):
    x, y, g, domain = problem(seed)
    ranges = norm_slopes(g, x, domain)
    assert ranges.shape == x.shape
    assert np.isfinite(ranges.lower).all()
    assert np.isfinite(ranges.upper).all()
    records = rng.uniform(-1, 1, size=(4000, 1, 4))
    records[::2] = np.sign(records[::2])
    labels = rng.integers(0, 2, size=4000).astype(float)
    slopes = dt.grad(dt.norm(g), x).evaluate({x: records, y: labels})
    # the values carry rounding errors of their own, far below this margin
    assert (slopes >= ranges.lower - 1e-9).all()
    assert (slopes <= ranges.upper + 1e-9).all()
    widest = np.abs(slopes).max(axis=0)
    assert (ranges.upper <= 20 * widest).all()  # and is of use


def test_holds_where_the_norm_vanishes():
    x = dt.symbol("x", shape=(2,))
    w = dt.constant(np.array([1.0, -2.0]))
    g = dt.grad(((x * w).sum()) ** 2 / 2, [w])  # (x.w) x, zero at x = 0
    box = dt.Box({x: (-1, 1)})
    direct = dt.enclose(dt.grad(dt.norm(g), x), box)
    ranges = norm_slopes(g, x, box)
    assert np.isfinite(direct.upper).all()
    assert np.isfinite(ranges.upper).all()
    at = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    slopes = dt.grad(dt.norm(g), x).evaluate({x: at})
    assert (np.abs(slopes) <= ranges.upper + 1e-9).all()


@pytest.mark.parametrize("gradients", [[], [1.0], None])
def test_refuses_what_is_no_gradient(gradients):
    x = dt.symbol("x", shape=(2,))
    with pytest.raises(InvalidInputError):
        norm_slopes(gradients, x, dt.Box({x: (0, 1)}))
