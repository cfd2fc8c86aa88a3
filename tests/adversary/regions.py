"""Domains that are hard on bounds, and points of them.

A point is made of numbers that lie in the domain for certain: ints, floats, or pairs
``(mantissa, exponent)``, which reach between neighbouring doubles and beyond the
largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import deuterium as dt

from .values import filled

LEAST, LARGEST = 5e-324, 1.7976931348623157e308
BEYOND = (1, 1100)  # larger than every double
INTERESTING = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-9, -1e-9, 3.0, 1.5707963267948966,
    LEAST, -LEAST, 1e-308, 1e-300, -1e-300, 1e-160, 1e16, 700.0, -745.0,
)  # fmt: skip


@dataclass
class Region:
    """The domain of one symbol: ``box``, ``ball``, ``ball inf``, ``choice`` or more."""

    kind: str
    shape: tuple[int, ...]
    lower: Any = None  # of a box; the centre of a ball
    upper: Any = None  # of a box; the radius of a ball
    values: Any = None  # of a choice
    label: str = ""  # how it was drawn, for the table of what was covered

    def domain(self, name: str) -> Any:
        """Return the package's domain."""
        s = dt.symbol(name, self.shape)
        if self.kind == "box":
            return dt.Box({s: (self.lower, self.upper)})
        if self.kind == "choice":
            return dt.Choice(s, list(self.values))
        if self.kind == "onehot":
            return dt.OneHot(s)
        if self.kind == "simplex":
            return dt.Simplex(s)
        return dt.Ball(s, self.lower, float(self.upper), order=ORDERS[self.kind])

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, floats exact."""
        plain = lambda x: None if x is None else np.asarray(x).tolist()
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "lower": plain(self.lower),
            "upper": plain(self.upper),
            "values": plain(self.values),
            "label": self.label,
        }

    @classmethod
    def from_json(cls, flat: dict[str, Any]) -> Region:
        """Read what `to_json` wrote."""
        arrays = {
            k: None if flat[k] is None else np.asarray(flat[k], dtype=np.float64)
            for k in ("lower", "upper", "values")
        }
        shape = tuple(flat["shape"])
        for k in ("lower", "upper"):  # an empty list says nothing of its shape
            if arrays[k] is not None and not arrays[k].size:
                arrays[k] = np.zeros(shape)
        if flat["kind"] == "choice" and not arrays["values"].size:
            arrays["values"] = np.zeros((len(flat["values"]), *shape))
        return cls(flat["kind"], shape, label=flat["label"], **arrays)

    def points(self, rng: Any, count: int) -> Any:
        """Return points, an object array with one more axis in front."""
        flat = [x for i in range(count) for x in self._point(rng, i)]
        return filled((count, *self.shape), flat)

    def _point(self, rng: Any, i: int) -> list[Any]:
        size = math.prod(self.shape)
        if self.kind == "choice":
            row = self.values[rng.integers(len(self.values))]
            return np.broadcast_to(row, self.shape).ravel().tolist()
        if self.kind == "onehot":
            n = self.shape[-1]
            return np.eye(n)[rng.integers(n, size=self.shape[:-1])].ravel().tolist()
        if self.kind == "box":
            return self._of_box(rng, i)
        if self.kind == "simplex":
            return _of_simplex(rng, size)
        center = np.broadcast_to(self.lower, self.shape).ravel().tolist()
        return _of_ball(rng, center, float(self.upper), ORDERS[self.kind], size)

    def _of_box(self, rng: Any, i: int) -> list[Any]:
        low = np.broadcast_to(self.lower, self.shape).ravel().tolist()
        high = np.broadcast_to(self.upper, self.shape).ravel().tolist()
        if i % 4 == 0:  # a corner, or all elements made in one way
            way = int(rng.integers(WAYS))
            return [within(rng, a, b, way) for a, b in zip(low, high, strict=True)]
        ways = rng.integers(WAYS, size=len(low))
        if i % 4 == 1:
            ways = rng.integers(2, size=len(low))
        return [
            within(rng, a, b, int(w)) for a, b, w in zip(low, high, ways, strict=True)
        ]


WAYS = 7


def within(rng: Any, low: float, high: float, way: int) -> Any:
    """Return a number between two ends."""
    a, b = max(low, -LARGEST), min(high, LARGEST)
    if way == 0:
        return low if np.isfinite(low) else (-1, 1100) if rng.random() < 0.5 else a
    if way == 1:
        return high if np.isfinite(high) else BEYOND if rng.random() < 0.5 else b
    if way == 2:  # one of the numbers where functions turn, bend or end
        inside = [x for x in INTERESTING if low <= x <= high]
        return inside[rng.integers(len(inside))] if inside else a
    if way == 3:  # next to an end
        x = math.nextafter(a, b) if rng.random() < 0.5 else math.nextafter(b, a)
        return x if low <= x <= high else a
    if way == 4:  # between doubles, exactly inside
        t = Fraction(int(rng.integers(1, 2**20)), 2**20)
        return dyadic(Fraction(a) + (Fraction(b) - Fraction(a)) * t)
    if way == 5:  # of any size
        x = near(rng, a if rng.random() < 0.5 else b)
        return x if low <= x <= high else b
    return min(max(a + (b / 2 - a / 2) * 2 * rng.random(), a), b)


def near(rng: Any, end: float) -> float:
    """Return a number off an end by an amount of any size."""
    away = 10.0 ** rng.uniform(-320, 10) * rng.choice((-1.0, 1.0))
    return float(end + away)


def dyadic(x: Fraction) -> Any:
    """Return a fraction whose denominator is a power of two as a pair."""
    bits = x.denominator.bit_length() - 1
    assert x.denominator == 1 << bits
    return (x.numerator, -bits)


def as_fraction(x: Any) -> Fraction:
    """Return the exact number."""
    if isinstance(x, tuple):
        mantissa, exponent = x
        return Fraction(mantissa) * Fraction(2) ** exponent
    return Fraction(x)


def _of_simplex(rng: Any, size: int) -> list[Any]:
    """Return numbers whose sum is 1, or off by what a simplex allows for rounding."""
    shares = [Fraction(0)] * size
    way, k = rng.integers(4), int(rng.integers(size))
    if way > 0:
        parts = rng.integers(0, 2**20, size=size) * rng.integers(2, size=size)
        shares = [Fraction(int(p), 2**20 * size) for p in parts]
    shares[k] += 1 - sum(shares)
    if way == 3 and shares[k] < 1:
        shares[k] += Fraction(1e-12) * int(rng.choice((-1, 1))) / 2
    return [dyadic(x * 2**60 // 1 / Fraction(2**60)) for x in shares]


ORDERS = {"ball": 2, "ball inf": np.inf, "ball 1": 1}


def in_ball(away: list[Fraction], radius: Fraction, order: float) -> bool:
    """Return whether a step from the centre stays in a ball."""
    if order == 1:
        return sum(map(abs, away)) <= radius
    if order == 2:
        return sum(x * x for x in away) <= radius * radius
    return all(abs(x) <= radius for x in away)


def _of_ball(
    rng: Any, center: list[float], radius: float, order: float, size: int
) -> list[Any]:
    """Return a point certainly in a ball: the middle, a pole, or anywhere."""
    r = Fraction(radius)
    for _ in range(8):
        way = rng.integers(4)
        step = np.zeros(size)
        if way == 1 and size:
            step[rng.integers(size)] = rng.choice((-1.0, 1.0))
        elif way == 2:
            step = rng.normal(size=size)
            step /= max(np.linalg.norm(step, order), 1e-300) if size else 1
            step *= 1 - 1e-15 if rng.random() < 0.5 else rng.random()
        elif way == 3:
            step = rng.choice((-1.0, 1.0, 0.0), size=size)
            step /= max(np.sum(step != 0), 1) ** (1 / order)
        moved = [Fraction(float(x)) * r for x in step]
        inside = in_ball(moved, r, order)
        if inside:
            return [dyadic(Fraction(c) + x) for c, x in zip(center, moved, strict=True)]
    return list(center)


# -- drawing -------------------------------------------------------------------------


def draw(rng: Any, shape: tuple[int, ...], batch: tuple[int, ...] = ()) -> Region:
    """Return a region for a symbol of a shape; with batch axes, a box."""
    kinds = list(_BOXES)
    p = rng.random()
    if batch or p < 0.72:
        label = kinds[rng.integers(len(kinds))]
        low, high = _BOXES[label](rng, (*batch, *shape))
        if not batch and shape and rng.random() < 0.3:  # ends that broadcast
            low, high = _BOXES[label](rng, (1,) * len(shape) if len(shape) > 1 else ())
        low, high = np.asarray(low, float), np.asarray(high, float)
        return Region("box", shape, low, high, label=label)
    if p < 0.8:
        center = np.asarray(_number(rng, shape), float)
        radius = rng.choice((0.0, LEAST, 1e-300, 1e-9, 0.1, 1.0, 3.0, 1e8, 1e300))
        kind = list(ORDERS)[rng.integers(3)]
        return Region(kind, shape, center, np.float64(radius), label=kind)
    if p < 0.82 and shape and math.prod(shape):
        return Region("simplex", shape, label="simplex")
    if p < 0.9 and shape and shape[-1]:
        return Region("onehot", shape, label="onehot")
    rows = np.stack([_number(rng, shape) for _ in range(int(rng.integers(1, 5)))])
    return Region("choice", shape, values=rows, label="choice")


def _number(rng: Any, shape: Any) -> Any:
    if rng.random() < 0.5:
        return rng.normal(size=shape).round(2) * 1.0
    return rng.choice(INTERESTING, size=shape) * 1.0


def _touching_zero(rng: Any, shape: Any) -> Any:
    size = 10.0 ** rng.choice((-320.0, -300.0, -100.0, -9.0, -1.0, 0.0, 0.0, 1.0, 3.0))
    end = np.full(shape, size) * rng.uniform(0.3, 1.0, size=shape)
    zero = np.zeros(shape)
    return (zero, end) if rng.random() < 0.7 else (-end, zero)


def _one_ulp(rng: Any, shape: Any) -> Any:
    low = np.asarray(_number(rng, shape))
    return low, np.nextafter(low, np.inf)


def _point(rng: Any, shape: Any) -> Any:
    x = np.asarray(_number(rng, shape))
    return x, x


def _subnormal(rng: Any, shape: Any) -> Any:
    return _sorted(
        LEAST * rng.integers(-9, 1000, size=shape),
        LEAST * rng.integers(-9, 2**40, size=shape),
    )


def _huge(rng: Any, shape: Any) -> Any:
    ends = [
        rng.choice((-1.0, 1.0, 1.0)) * 10.0 ** rng.uniform(100, 308, size=shape)
        for _ in "ab"
    ]
    return _sorted(*ends)


def _infinite(rng: Any, shape: Any) -> Any:
    low = rng.choice((-np.inf, 0.0, -1.0, 1.0))
    high = np.inf if np.isfinite(low) or rng.random() < 0.5 else rng.choice((0.0, 1.0))
    return np.full(shape, low), np.full(shape, high)


def _around(rng: Any, shape: Any) -> Any:
    """Around, or up to, a number where something happens."""
    c = np.full(shape, rng.choice((0.0, 1.0, -1.0, 0.5, 1.5707963267948966)))
    w = 10.0 ** rng.choice((-300.0, -16.0, -9.0, -3.0, -1.0, 0.0))
    side = rng.integers(3)
    return (c if side == 0 else c - w), (c if side == 1 else c + w)


def _ordinary(rng: Any, shape: Any) -> Any:
    c = rng.normal(size=shape)
    w = rng.choice((1e-9, 0.1, 1.0, 3.0)) * rng.random(size=shape)
    return c - w, c + w


def _unit(rng: Any, shape: Any) -> Any:
    low, high = ((0, 1), (-1, 1), (-2, 2), (-0.5, 3), (1, 2))[rng.integers(5)]
    return np.full(shape, float(low)), np.full(shape, float(high))


def _mixed(rng: Any, shape: Any) -> Any:
    """A kind of its own for each element: pinned, wide, at zero."""
    size = math.prod(shape)
    pairs = []
    for _ in range(size):
        kind = _BOXES[_SIMPLE[rng.integers(len(_SIMPLE))]]
        low, high = kind(rng, ())
        pairs.append((float(low), float(high)))
    ends = np.array(pairs, dtype=float).reshape(*shape, 2)
    return ends[..., 0], ends[..., 1]


def _sorted(a: Any, b: Any) -> Any:
    return np.minimum(a, b), np.maximum(a, b)


_BOXES: dict[str, Callable[..., Any]] = {
    "touching zero": _touching_zero,
    "one ulp": _one_ulp,
    "point": _point,
    "subnormal": _subnormal,
    "huge": _huge,
    "infinite": _infinite,
    "around": _around,
    "ordinary": _ordinary,
    "unit": _unit,
    "mixed": _mixed,
}
_SIMPLE = ["touching zero", "one ulp", "point", "around", "ordinary", "unit"]
LABELS = [*_BOXES, *ORDERS, "simplex", "onehot", "choice"]
