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


FORMS = {
    "product": lambda w, v: w @ v,
    "sum of products": lambda w, v: np.sum(v * w),
    "one by one": lambda w, v: sum(a * b for a, b in zip(w, v, strict=True)),
    "in two parts": lambda w, v: v[1:] @ w[1:] - (-v[0]) * w[0],
    "shares": lambda w, v: np.dot(w * 3, (v - 0.5) / 3) + np.sum(w) / 2,
    "matrix": lambda w, v: np.sum(np.outer(w, [0.25, 0.75]).T @ v),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [2, 10, 40])
def test_a_linear_number_moves_by_the_radius_times_its_slope(form, n):
    """Ten inputs were too many for boxes: the quotient had no bound at all."""
    rng = np.random.default_rng(n)
    w, center = rng.normal(size=n), rng.normal(size=n)
    v = dt.symbol("v", shape=(n,))
    ball, made = dt.Ball(v, center, 1.5), FORMS[form](w, v)
    middle, away = w @ center, 1.5 * np.linalg.norm(w)
    found = dt.enclose(made, ball)
    slack = 1e-12 * n
    assert middle + away <= found.upper + 1e-13 <= middle + away + slack
    assert middle - away >= found.lower - 1e-13 >= middle - away - slack
    for f in (1 / (middle + 1.125 * away - made), np.log(middle + 2 * away - made)):
        top = float(f.evaluate({v: center + 1.5 * w / np.linalg.norm(w)}))
        top = top if f.op is not np.log(v).op else np.log(3 * away)
        found = dt.maximize(f, ball, max_regions=200)
        assert top * (1 - 1e-9) <= found.upper <= top * (1 + 2e-2)
        found.certificate.verify(f, ball)


def test_what_is_not_linear_or_not_in_one_ball_keeps_its_box():
    v, u = dt.symbol("v", shape=(3,)), dt.symbol("u", shape=(3,))
    domain = dt.Ball(v, 0, 1) & dt.Ball(u, 0, 2)
    rng = np.random.default_rng(1)
    points = rng.normal(size=(2, 2000, 3))
    points /= np.linalg.norm(points, axis=-1, keepdims=True)
    values = {v: points[0], u: 2 * points[1]}
    for f in (
        np.sum(v) + np.sum(u), np.sum(v * u), np.sum(v) * np.sum(v), np.sum(np.abs(v)),
        np.sum(v) / (4 + np.sum(u)), np.sum(v) * dt.constant(0.0), v[0] * np.sum(v),
    ):  # fmt: skip
        found = dt.enclose(f, domain)
        used = {str(s).split("_")[0] for s in f.free_symbols}
        reached = f.evaluate({s: x for s, x in values.items() if s.name in used})
        assert (found.lower <= reached).all() and (reached <= found.upper).all()
