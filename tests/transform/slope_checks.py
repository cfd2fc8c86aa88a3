"""An enclosed derivative holds every difference quotient, or says it is undefined."""

from __future__ import annotations

import itertools

import numpy as np
from flint import arb, ctx

import deuterium as dt
from deuterium.testing import evaluate_exactly

BITS = 2400


def quotients(f, x, points, others=None):
    """Yield the difference quotients of a scalar in a scalar, as balls."""
    point = {x: 0.0, **(others or {})}
    values = [evaluate_exactly(f, {**point, x: p}, bits=BITS) for p in points]
    with ctx.workprec(BITS):
        for (p, y), (q, z) in itertools.combinations(
            zip(points, values, strict=True), 2
        ):
            if p != q and y.is_finite() and z.is_finite():
                yield p, q, (z - y) / (arb(q) - arb(p))


def around(knots, low, high, rng, count=4):
    """Return points of an interval: its ends, neighbours of knots, some between."""
    points = {low, high, *rng.uniform(low, high, count).tolist()}
    for k in knots:
        points |= {k, np.nextafter(k, -np.inf), np.nextafter(k, np.inf)}
        points |= {k + s * w for s in (-1, 1) for w in (1e-14, 1e-6, 0.01)}
    return sorted(float(p) for p in points if low <= p <= high)


def slope_range(f, x, box, simplified=False):
    slope = dt.grad(f, x)
    if simplified:
        slope = dt.simplify(slope, box)
    found = dt.enclose(slope, box)
    return float(found.lower), float(found.upper)


def assert_holds_quotients(f, x, low, high, knots, others=None, ranges=None):
    """Assert it over one interval; return the enclosure of the derivative."""
    rng = np.random.default_rng(0)
    points = around(knots, low, high, rng)
    given = {k: (v, v) for k, v in (others or {}).items()}
    box = dt.Box({x: (low, high), **(ranges or given)})
    enclosures = [slope_range(f, x, box, s) for s in (False, True)]
    for p, q, slope in quotients(f, x, points, others):
        with ctx.workprec(BITS):
            for a, b in enclosures:
                assert b == np.inf or not slope > arb(b), (p, q, float(slope), (a, b))
                assert a == -np.inf or not slope < arb(a), (p, q, float(slope), (a, b))
    return enclosures[0]
