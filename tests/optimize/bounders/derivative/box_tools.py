"""A plain best-first search, for testing bounders alone."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.derivative import DerivativeBounder
from deuterium.optimize.region import Regions


@dataclass
class Found:
    """What a search found."""

    upper: float
    regions: int
    methods: dict[str, int]
    leaves: list[tuple[Any, Any, float]] = field(default_factory=list)


def climb(bounder: Any, incumbent: float, *, most: int, tol: float = 0.0) -> Found:
    """Cut the regions of largest bound until ``most`` were bounded."""
    root = bounder.root()
    pool = [(root.low[0], root.high[0])]
    heap = [(-np.inf, 0)]
    closed, count, methods, leaves = -np.inf, 0, {}, []
    while heap and count < most and max(closed, -heap[0][0]) > incumbent + tol:
        taken = [heapq.heappop(heap) for _ in range(min(len(heap), 32))]
        regions = regions_of([pool[i] for _, i in taken], [-b for b, _ in taken])
        found = bounder.bound(regions, incumbent)
        count += len(taken)
        for k, (inherited, _) in enumerate(taken):
            upper = min(float(found.upper[k]), -inherited)
            name = found.proofs[k][0]
            if upper <= incumbent or found.cut[k] < 0:
                methods[name] = methods.get(name, 0) + 1
                leaves.append((found.low[k], found.high[k], upper))
                closed = max(closed, upper)
                continue
            for half in halves(found, k):
                pool.append(half)
                heapq.heappush(heap, (-upper, len(pool) - 1))
    upper = max([closed, incumbent] + [-b for b, _ in heap])
    return Found(upper, count, methods, leaves)


def halves(found: Any, k: int) -> list[tuple[Any, Any]]:
    """Return the two halves of a region, or its two faces."""
    j, (low, high) = found.cut[k], (found.low[k], found.high[k])
    first, second = high.copy(), low.copy()
    if found.ends[k] is not None:
        first[j], second[j] = low[j], high[j]
    else:
        first[j] = second[j] = found.at[k]
    return [(low, first), (second, high)]


def regions_of(boxes: Any, bounds: Any = None) -> Regions:
    """Return boxes, pairs of ends, as a batch of regions."""
    low, high = (np.array(x, dtype=float) for x in zip(*boxes, strict=True))
    bounds = np.full(len(low), np.inf) if bounds is None else np.asarray(bounds)
    return Regions(
        low, high, np.zeros(low.shape, bool), bounds, np.zeros((len(low), 0))
    )


def vector_problem(f: Any, *sides: tuple[float, float], maximize: bool = True) -> Any:
    """Return the problem of a function of one vector over a box."""
    x = dt.symbol("x", shape=(len(sides),))
    low, high = zip(*sides, strict=True)
    domain = dt.Box({x: (np.array(low, float), np.array(high, float))})
    return Problem(f(x), domain, maximize=maximize)


def bounder_of(f: Any, *sides: tuple[float, float], maximize: bool = True) -> Any:
    """Return the bounder of a function of one vector over a box."""
    return DerivativeBounder(vector_problem(f, *sides, maximize=maximize))
