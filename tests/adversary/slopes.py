"""Gradients held against differences of exact values."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, ctx

import deuterium as dt
from deuterium import ops

from . import values
from .case import Case, at_point

WHOLE = (
    ops.floor, ops.ceil, ops.rint, ops.trunc, ops.floor_divide, ops.remainder,
)  # fmt: skip
BITS, STEP = 6000, -1300  # of differences: the step is 2**STEP
CLOSER = arb((1, -1000))  # a step so much shorter must say the same
AROUND, AWAY = 24, -600  # points around a kink, and how far away: 2**AWAY


def disagreement(case: Case) -> str:
    """Return what is wrong with the gradient of a number, or nothing.

    One element of one symbol is moved to both sides.  Where the two one-sided slopes
    differ there is a kink, and nothing to compare; where they agree and the gradient
    says something else, it must lie among the slopes at points around: at a tie,
    ``sort(x)[1]`` may take the slope of any of the elements that tie.
    """
    rng = np.random.default_rng([case.seed, 4])
    symbols = [s for s in dt.graph.free_symbols([case.v]) if s.size]
    if not symbols:
        return ""
    s = symbols[rng.integers(len(symbols))]
    place = np.unravel_index(int(rng.integers(s.size)), s.shape) if s.shape else ()
    (points,) = case.points()
    order = dt.graph.topological([case.v])
    slope = dt.grad(case.v, s)
    with ctx.workprec(BITS):
        h = arb((1, STEP))
        at, right, left, near = (
            values.evaluate(order, _moved(points, s.name, place, h * k), BITS)
            for k in (0, 1, -1, CLOSER)
        )
        given = values.evaluate(dt.graph.topological([slope]), points, BITS)
        given = np.broadcast_to(given, (case.count, *s.shape))
        at, right, left, near = (
            np.broadcast_to(y, (case.count,)) for y in (at, right, left, near)
        )
        # a saw with more teeth than the step tells apart, and what is smooth by chance
        odd = _jumping(case, points, (s.name, place, h)) | _at_kinks(case, points)
        for i in range(case.count):
            if odd[i]:
                continue
            y, a, b, c = at[i], right[i], left[i], near[i]
            g = given[(i, *place)]
            if not all(x.is_finite() for x in (y, a, b, c)) or not _surely(g):
                continue
            up, down = (a - y) / h, (y - b) / h
            size = abs(up) + abs(down) + arb((1, -900))
            closer = (c - y) / (h * CLOSER)
            apart = abs(up - down) + abs(up - closer)
            if not apart < size * arb((1, -200)):
                continue  # a kink, a jump, or so steep that nothing is known
            if g.is_nan() or size > arb((1, 500)):
                continue  # a formula may be undefined where a limit is not
            if not abs(g - up) < size * arb((1, -150)):
                if g.rad() > abs(g) * arb((1, -150)) and g.overlaps(up):
                    continue
                if _among_slopes(g, case.v, points, i, (s.name, place, h)):
                    continue
                where = list(map(int, place))
                return (
                    f"slope by {s.name}{where}: {g.str(20)}, differences say "
                    f"{up.str(20)} at {at_point(points, i)}"
                )[:500]
    return ""


def _among_slopes(g: arb, v: Any, points: Any, i: int, step: Any) -> bool:
    """Return whether a number lies in the hull of the slopes around a point."""
    name, place, h = step
    rng, order = np.random.default_rng(0), dt.graph.topological([v])
    around = {}
    for n, p in points.items():
        one = p[i : i + 1]
        centre = [values.exact(x) for x in one.ravel().tolist()] * AROUND
        moves = rng.integers(-(2**40), 2**40, len(centre)).tolist()
        moved = [x + arb((k, AWAY - 40)) for x, k in zip(centre, moves, strict=True)]
        around[n] = values.filled((AROUND, *one.shape[1:]), moved)
    at, right = (
        np.broadcast_to(
            values.evaluate(order, _moved(around, name, place, h * k), BITS), (AROUND,)
        )
        for k in (0, 1)
    )
    slopes = [(b - a) / h for a, b in zip(at, right, strict=True)]
    slopes = [x for x in slopes if x.is_finite()]
    room = arb((1, -150)) * sum((abs(x) for x in slopes), arb((1, -900)))
    below = any(x <= g + room for x in slopes)
    return below and any(x >= g - room for x in slopes)


def _jumping(case: Case, points: Any, step: Any) -> Any:
    """Return at which points a floor is not known to be the same to both sides."""
    name, place, h = step
    found = np.zeros(case.count, dtype=bool)
    for n in dt.graph.topological([case.v]):
        if n.op not in WHOLE:
            continue
        whole = np.floor_divide(*n.args) if n.op is ops.remainder else n
        order = dt.graph.topological([whole])
        known = [
            values.evaluate(order, _moved(points, name, place, h * k), BITS)
            for k in (0, 1, -1)
        ]
        known = [np.broadcast_to(k, (case.count, *n.shape)) for k in known]
        for at in np.ndindex(known[0].shape):
            x, *others = (k[at] for k in known)
            same = x.is_exact() and all(y.is_exact() and x == y for y in others)
            found[at[0]] |= not same
    return found


def _at_kinks(case: Case, points: Any) -> Any:
    """Return at which points a part has a kink, where its slope is what is agreed on.

    ``abs(x) * sign(x)`` has the slope 1 at 0, and the product rule says 0.
    """
    found = np.zeros(case.count, dtype=bool)
    for n in dt.graph.topological([case.v]):
        if n.op is None or not n.op.kinks or len(n.args) != 1:
            continue
        (a,) = n.args
        exact = values.evaluate(dt.graph.topological([a]), points, BITS)
        spread = np.broadcast_to(exact, (case.count, *a.shape))
        for at in np.ndindex(spread.shape):
            found[at[0]] |= any(spread[at].contains(arb(k)) for k in n.op.kinks)
    return found


def _surely(x: Any) -> bool:
    return bool(x.is_finite() or x.is_nan())


def _moved(points: Any, name: str, place: Any, by: Any) -> Any:
    moved = dict(points)
    old = points[name]
    new = values.filled(old.shape, [values.exact(x) for x in old.ravel().tolist()])
    for i in range(len(new)):
        new[(i, *place)] = new[(i, *place)] + by
    moved[name] = new
    return moved
