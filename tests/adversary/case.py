"""A case: a graph, the domain of each of its symbols, and points with exact values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import Any

import numpy as np

import deuterium as dt

from . import graphs, regions, values
from .regions import Region

POINTS, MANY = 12, 6  # of each case, and how many times as many to choose from


@dataclass
class Case:
    """What is certified, and over what."""

    v: Any
    regions: dict[str, Region]
    seed: int = 0
    batch: tuple[int, ...] = ()
    count: int = POINTS
    conditions: tuple[Any, ...] = ()  # which hold, beside the domains of the symbols
    _values: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def domain(self) -> Any:
        """The domain, as the package takes it."""
        parts = [r.domain(name) for name, r in self.regions.items()]
        if self.conditions:
            parts.append(dt.Where(*self.conditions))
        return reduce(and_, parts, dt.Box({}))

    @property
    def rng(self) -> Any:
        """Random numbers, the same for the same case."""
        return np.random.default_rng([self.seed, 7])

    def points(self) -> list[Mapping[str, Any]]:
        """Return points, as many as ``count``; one mapping for each box of a batch."""
        rng = self.rng
        if self.conditions:
            return [self._fulfilling(rng)]
        boxes = int(np.prod(self.batch)) if self.batch else 1
        return [
            {n: _box(r, b, self.batch).points(rng, self.count)
             for n, r in self.regions.items()}
            for b in range(boxes)
        ]  # fmt: skip

    def _fulfilling(self, rng: Any) -> Mapping[str, Any]:
        """Return points at which the conditions certainly hold."""
        count = MANY * self.count
        points = {n: r.points(rng, count) for n, r in self.regions.items()}
        holds = np.ones(count, dtype=bool)
        for c in self.conditions:
            found = values.evaluate(dt.graph.topological([c]), points)
            rows = np.broadcast_to(found, (count, *c.shape)).reshape(count, -1)
            holds &= [all(x > 0 for x in row) for row in rows]
        if not holds.any():
            raise dt.errors.BoundsError("no point was found at which conditions hold")
        rows = np.resize(np.flatnonzero(holds), self.count)
        return {n: p[rows] for n, p in points.items()}

    def of(self, v: Any) -> Case:
        """Return the case of another Variable over the same domain and points."""
        needed = {s.name for s in dt.graph.free_symbols([v, *self.conditions])}
        kept = {n: r for n, r in self.regions.items() if n in needed}
        return replace(self, v=v, regions=kept, _values={})

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "seed": self.seed,
            "graph": json.loads(dt.dumps([self.v])),
            "domain": {n: r.to_json() for n, r in self.regions.items()},
            "batch": list(self.batch),
            "count": self.count,
            "conditions": [json.loads(dt.dumps([c])) for c in self.conditions],
        }

    @classmethod
    def from_json(cls, flat: Mapping[str, Any]) -> Case:
        """Read what `to_json` wrote."""
        (v,) = dt.loads(json.dumps(flat["graph"]))
        read = {n: Region.from_json(r) for n, r in flat["domain"].items()}
        where = [dt.loads(json.dumps(c))[0] for c in flat.get("conditions", ())]
        batch = tuple(flat["batch"])
        return cls(v, read, flat["seed"], batch, flat["count"], tuple(where))


def _box(region: Region, b: int, batch: tuple[int, ...]) -> Region:
    """Return one of a batch of boxes."""
    if not batch or region.kind != "box":
        return region
    at = np.unravel_index(b, batch)
    low, high = (
        np.broadcast_to(e, (*batch, *region.shape))[at]
        for e in (region.lower, region.upper)
    )
    return replace(region, lower=low, upper=high)


def draw(seed: int) -> Case:
    """Return the case of a seed."""
    rng = np.random.default_rng([seed, 1])
    v = graphs.draw(rng)
    batch: tuple[int, ...] = ()
    if rng.random() < 0.08:
        batch = ((2,), (3,), (1,), (2, 2))[rng.integers(4)]
    drawn = {
        s.name: regions.draw(rng, s.shape, batch) for s in dt.graph.free_symbols([v])
    }
    case = Case(v, drawn, seed, batch)
    if batch or not drawn or rng.random() > 0.12:
        return case
    case = replace(case, conditions=_conditions(rng, dt.graph.free_symbols([v])))
    try:
        case.points()
    except dt.DeuteriumError:
        return replace(case, conditions=())
    return case


def _conditions(rng: Any, symbols: list[Any]) -> tuple[Any, ...]:
    """Return one or two conditions, each on several symbols or several elements."""
    found = []
    for _ in range(int(rng.integers(1, 3))):
        x, y = (symbols[i] for i in rng.integers(len(symbols), size=2))
        k = float(rng.choice((0.0, 1.0, -1.0, 0.5, 1e-9, 3.0)))
        ways = (
            lambda x=x, k=k: np.sum(x) <= k,
            lambda x=x, k=k: np.sum(np.abs(x)) < abs(k) + 1,
            lambda x=x, y=y: np.sum(x) >= np.sum(y),
            lambda x=x, k=k: (x > k) | (x <= -k),
            lambda x=x, y=y: np.sum(np.square(x)) <= 1 + np.sum(np.square(y)),
            lambda x=x, k=k: x != k,
            lambda x=x: np.prod(x) >= 0,
        )
        found.append(ways[rng.integers(len(ways))]())
    return tuple(found)


def scalar(case: Case) -> Case | None:
    """Return the case of a number made from an array, for what bounds numbers."""
    v = case.v
    if case.batch or not v.size:
        return None
    if not v.shape:
        return case
    rng = np.random.default_rng([case.seed, 2])
    ways = (
        lambda: np.sum(v),
        lambda: np.ravel(v)[int(rng.integers(v.size))],
        lambda: dt.norm([v]),
        lambda: np.max(np.ravel(v)),
        lambda: np.min(np.ravel(v)),
        lambda: np.prod(np.ravel(v)[:4]),
    )
    return case.of(ways[rng.integers(len(ways))]())


def exact_values(v: Any, points: Mapping[str, Any], doubt: Any = None) -> Any:
    """Return values at points, sharper where ``doubt`` says that they do not decide."""
    order = dt.graph.topological([v])
    found = values.evaluate(order, points)
    count = max((len(p) for p in points.values()), default=1)
    found = np.broadcast_to(found, (count, *v.shape))
    if doubt is None:
        return found
    places = list(np.ndindex(v.shape))
    rows = [i for i in range(count) if any(doubt(at, found[(i, *at)]) for at in places)]
    if rows:
        found = found.copy()
        some = {n: p[rows] for n, p in points.items()}
        again = values.evaluate(order, some, values.MORE_BITS)
        found[rows] = np.broadcast_to(again, (len(rows), *v.shape))
    return found


def at_point(points: Mapping[str, Any], i: int) -> str:
    """Return one of the points, to be read."""
    return str({n: p[i : i + 1].ravel().tolist() for n, p in points.items()})[:600]
