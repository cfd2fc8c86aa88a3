"""Balls count as balls, not as the boxes around them."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt


@pytest.mark.parametrize("n", [2, 30])
def test_lengths_in_a_ball_are_its_radius(n):
    v = dt.symbol("v", shape=(n,))
    ball = dt.Ball(v, np.zeros(n), 1.0)
    for f, top in (
        (dt.norm(v), 1.0), (np.sqrt(np.sum(v * v)), 1.0), (np.sum(v**2) + 1, 2.0),
        (np.exp(-np.sum(np.square(v))), 1.0),
    ):  # fmt: skip
        found = dt.enclose(f, ball)
        assert top <= found.upper <= top * (1 + 1e-12)
    assert dt.enclose(np.exp(-np.sum(v**2)), ball).lower == pytest.approx(np.exp(-1))


def test_balls_elsewhere_and_moved_squares_hold_every_point():
    rng = np.random.default_rng(0)
    for _ in range(4):
        n = int(rng.integers(1, 6))
        v, a = dt.symbol("v", shape=(n,)), dt.symbol("a")
        center, shift = rng.normal(size=n), rng.normal(size=n)
        domain = dt.Ball(v, center, 0.7) & dt.Box({a: (-1, 2)})
        f = a * dt.norm(v - shift) + np.sum(v)
        found = dt.enclose(f, domain)
        away = rng.normal(size=(500, n))
        points = center + 0.7 * away / np.linalg.norm(away, axis=1, keepdims=True)
        for end in (-1.0, 2.0):
            values = end * np.linalg.norm(points - shift, axis=1) + points.sum(1)
            assert (values >= found.lower - 1e-12).all()
            assert (values <= found.upper + 1e-12).all()
        far = np.linalg.norm(center - shift) + 0.7
        assert found.upper <= 2 * far + (center.sum() + 0.7 * n) + 1e-9


@pytest.mark.parametrize("n", [3, 30])
def test_what_is_maximised_over_a_ball_is_no_looser(n):
    v = dt.symbol("v", shape=(n,))
    ball = dt.Ball(v, np.zeros(n), 1.0)
    for f in (dt.norm(v), dt.norm(np.outer(v, v))):
        found = dt.maximize(f, ball, time_limit=None, max_regions=50)
        assert 1 <= found.upper <= 1 + 1e-9
        found.certificate.verify(f, ball)
