"""Which systems are recognised as regressions, that the value is theirs, and bounds."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.graph.traverse import topological

x, y = dt.symbol("x", (6, 2)), dt.symbol("y", (6,))
w, z, s = dt.symbol("w", (6, 2)), dt.symbol("z", (2,)), dt.symbol("s")
EYE = np.eye(2)
SKEW = np.array([[2.0, 0.5], [-0.25, 1.0]])
MIXED = np.arange(1.0, 5.0).reshape(2, 2)

FIT = [
    (lambda x, y: np.linalg.solve(x.T @ x + EYE, x.T @ y), [x, y]),
    (lambda x, y: np.linalg.solve(EYE + x.T @ x, x.T @ y), [x, y]),
    (lambda x, y: np.linalg.solve(x.T @ x / 6 + EYE, x.T @ y / 6), [x, y]),
    (lambda x, y: np.linalg.solve(3 * (x.T @ x) + EYE, -2 * (x.T @ y)), [x, y]),
    (lambda x, y: np.linalg.solve(x.T.dot(x) + SKEW, np.dot(x.T, y)), [x, y]),
    (lambda x, w: np.linalg.solve(x.T @ x + EYE, x.T @ w), [x, w]),
    (lambda x, y, s: np.linalg.solve(x.T @ x + s * EYE + EYE, x.T @ y), [x, y, s]),
    (lambda x, w: np.linalg.solve(x @ x.T + np.eye(6), x @ w[:2]), [x, w]),
    (lambda x, y: np.linalg.solve(np.einsum("ki,kj->ij", x, x) + EYE, x.T @ y), [x, y]),
]
SOLVE = [
    (lambda x, z: np.linalg.solve(x.T @ x + EYE, z), [x, z]),
    (lambda x, z: np.linalg.solve(np.cov(x.T) + EYE, z), [x, z]),
    (lambda x, z: np.linalg.solve(np.cov(x, rowvar=False) * 2 + EYE, z), [x, z]),
    (lambda x, w: np.linalg.inv(x.T @ x + EYE) @ (w.T @ w), [x, w]),
    (lambda x, y, w: np.linalg.solve(x.T @ x + EYE, w.T @ y), [x, y, w]),
]
NEITHER = [
    (lambda x, z: np.linalg.solve(x.T @ x, z), [x, z]),
    (lambda x, z: np.linalg.solve(EYE * 99 - x.T @ x, z), [x, z]),
    (lambda x, w, z: np.linalg.solve(x.T @ w + EYE * 9, z), [x, w, z]),
    (
        lambda x, z: np.linalg.solve((x.T @ x) * np.arange(1.0, 5).reshape(2, 2), z),
        [x, z],
    ),
    (
        lambda x, z: np.linalg.solve(np.where(EYE > 0, 9.0, x.T @ x / 9) + EYE, z),
        [x, z],
    ),
]


def names(v):
    return {n.op.name for n in topological([v]) if n.op is not None}


def agrees(call, symbols):
    """Compare with numbers, and the gradient along a line with differences."""
    rng = np.random.default_rng(3)
    v = call(*symbols)
    at = {p: rng.uniform(0.1, 1, size=p.shape) for p in symbols}
    np.testing.assert_allclose(v.evaluate(at), call(*at.values()), rtol=1e-10)
    total = np.sum(v * rng.normal(size=v.shape))
    along = {p: rng.normal(size=p.shape) for p in symbols}
    slopes = dt.grad(total, symbols)
    slope = sum(
        np.sum(g.evaluate(at) * along[p]) for g, p in zip(slopes, symbols, strict=True)
    )
    ahead, behind = (
        total.evaluate({p: a + h * along[p] for p, a in at.items()})
        for h in (1e-6, -1e-6)
    )
    assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-7)
    return v


@pytest.mark.parametrize(("call", "symbols"), FIT)
def test_regressions(call, symbols):
    v = agrees(call, symbols)
    assert "ridge_fit" in names(v)
    box = dt.Box({p: (np.zeros(p.shape), np.ones(p.shape)) for p in symbols})
    found = dt.enclose(v, box)
    assert np.isfinite(found.upper).all() and np.isfinite(found.lower).all()


@pytest.mark.parametrize(("call", "symbols"), SOLVE)
def test_ridges(call, symbols):
    v = agrees(call, symbols)
    assert "ridge_solve" in names(v) and "ridge_fit" not in names(v)
    box = dt.Box({p: (np.zeros(p.shape), np.ones(p.shape)) for p in symbols})
    assert np.isfinite(dt.enclose(v, box).upper).all()


@pytest.mark.parametrize(("call", "symbols"), NEITHER)
def test_other_systems(call, symbols):
    v = agrees(call, symbols)
    assert not {"ridge_fit", "ridge_solve"} & names(v)


def test_gradients_are_bounded_too():
    """The slope of the weights by one answer: at most 1 / (2 sqrt(ridge)) long."""
    weights = np.linalg.solve(x.T @ x + EYE, x.T @ y)
    slope = dt.grad(weights[0], y)
    known = {v.name for v in dt.graph.free_symbols([slope])}
    box = dt.Box({p: (0, 1) for p in (x, y) if p.name in known})
    found = dt.enclose(slope, box)
    assert np.isfinite(found.upper).all() and np.isfinite(found.lower).all()
