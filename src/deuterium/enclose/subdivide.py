"""Tighter ranges by cutting the box into parts.

The hull of enclosures over parts that cover a box encloses the whole.  The parts that
determine the two ends are cut first, many at a time.

References: S. Skelboe, "Computation of rational interval functions", BIT 14, 1974.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.domain.constraints import OneOf, UnitVectors
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.enclose import enclose
from deuterium.errors import ShapeError
from deuterium.graph.constructors import as_variable
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval
from deuterium.interval.environment import standard_only
from deuterium.options import require_whole

__all__ = ["enclose_subdivided"]

CUTS = 64  # parts cut at a time for each end
_GRAVITY = ("undefined", "unbounded", "overflow")  # of causes, the gravest first


@standard_only
def enclose_subdivided(
    v: Variable, domain: Domain, *, boxes: int = 4096, rtol: float = 1e-9
) -> Interval:
    """Return a range of a scalar, tightened by cutting the domain into parts.

    Parameters
    ----------
    v : Variable
        A scalar.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.  Only symbols without a
        finite list of values are cut, and a ball by the box around it.
    boxes : int
        At most so many parts.
    rtol : float
        Stop once no cut can move an end by more than this share of it.

    Returns
    -------
    Interval
        Certified like that of `deuterium.enclose`, never wider, with its ``.cause``:
        that of the smallest offending part.
    """
    v = as_variable(v)
    if v.shape:
        raise ShapeError(
            f"enclose_subdivided: only a scalar, this has shape {v.shape}; take a "
            "norm, a sum or one element"
        )
    boxes = require_whole(boxes, 1, "enclose_subdivided", "boxes")
    whole = enclose(v, domain)
    if whole.shape:
        raise ShapeError(
            f"enclose_subdivided: the bounds have batch axes {whole.shape}; take one "
            "box at a time"
        )
    with np.errstate(all="ignore"):  # ends may be infinite
        parts = _Parts(v, domain, whole)
        while parts.count < boxes:
            chosen = parts.worth_cutting(rtol, boxes - parts.count)
            if not len(chosen):
                break
            parts.cut(chosen)
        return parts.hull()


class _Parts:
    """Parts that cover the domain: their ends, and the function's range over each."""

    def __init__(self, v: Variable, domain: Domain, whole: Interval) -> None:
        self.v, self.whole = v, whole
        self.symbols = [s for s in free_symbols([v]) if not _is_finite(s, domain)]
        self.finite = Domain(
            {
                s.name: domain.constraints[s.name]
                for s in free_symbols([v])
                if _is_finite(s, domain)
            },
            {},
        )
        hulls = [domain.hull(s) for s in self.symbols]
        self.low = _row([h.lower for h in hulls])
        self.high = _row([h.upper for h in hulls])
        self.least = np.full(1, whole.lower)  # of the function, over each part
        self.most = np.full(1, whole.upper)
        width = self.high - self.low
        self.scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.least)

    def worth_cutting(self, rtol: float, room: int) -> Any:
        """Return the parts that determine the ends, if cutting them can help."""
        # the supremum is at least the largest `least`: no cut brings an end below it
        reached, left = self.least.max(), self.most.min()
        cuttable = self._cuttable()
        top = np.flatnonzero(cuttable & (self.most > _beyond(reached, rtol)))
        bottom = np.flatnonzero(cuttable & (self.least < -_beyond(-left, rtol)))
        many = min(CUTS, -(-room // 2))
        top = top[np.argsort(-self.most[top], kind="stable")[:many]]
        bottom = bottom[np.argsort(self.least[bottom], kind="stable")[:many]]
        return np.union1d(top, bottom)[:room]

    def _cuttable(self) -> Any:
        middle = _middle(self.low, self.high)
        return ((self.low < middle) & (middle < self.high)).any(axis=1)

    def cut(self, chosen: Any) -> None:
        """Replace parts by their halves, cut across the relatively widest side."""
        low, high = self.low[chosen], self.high[chosen]
        middle = _middle(low, high)
        relative = (high - low) / self.scale
        relative = np.where((low < middle) & (middle < high), relative, -1.0)
        rows, side = np.arange(len(chosen)), relative.argmax(axis=1)
        at = middle[rows, side]  # one number for both halves, so there is no gap
        first, second = high.copy(), low.copy()
        first[rows, side] = second[rows, side] = at
        self._replace(chosen, np.stack([low, second]), np.stack([first, high]))

    def _replace(self, chosen: Any, low: Any, high: Any) -> None:
        found = self._enclose(low, high)
        # what holds over a part holds over its halves
        least = np.maximum(found.lower, self.least[chosen])
        most = np.minimum(found.upper, self.most[chosen])
        for name, halves in (
            ("low", low), ("high", high), ("least", least), ("most", most)
        ):  # fmt: skip
            old = getattr(self, name)
            old[chosen] = halves[0]
            setattr(self, name, np.concatenate([old, halves[1]]))

    def _enclose(self, low: Any, high: Any) -> Interval:
        """Enclose the function over boxes whose ends are in the last axis."""
        box, start = {}, 0
        for s in self.symbols:
            shape = (*low.shape[:-1], *s.shape)
            part = slice(start, start + s.size)
            box[s] = low[..., part].reshape(shape), high[..., part].reshape(shape)
            start += s.size
        return enclose(self.v, Box(box) & self.finite)

    def hull(self) -> Interval:
        """Return the hull of the ranges, with the cause of an infinite end."""
        result = Interval.unchecked(
            np.array(self.least.min()), np.array(self.most.max())
        )
        bad = np.flatnonzero(~np.isfinite(self.least) | ~np.isfinite(self.most))
        if len(bad):
            size = ((self.high[bad] - self.low[bad]) / self.scale).sum(axis=1)
            result.cause = self._cause(bad[np.argmin(size)], bad[np.argmax(size)])
        return result

    def _cause(self, smallest: int, largest: int) -> Cause | None:
        """Return the smallest part's cause, unless the largest has a graver one.

        An unbounded domain has parts that merely overflow.
        """
        found = [
            self._enclose(self.low[i], self.high[i]).cause for i in (smallest, largest)
        ]
        known = [c for c in found if c is not None]
        gravest = min(known, key=lambda c: _GRAVITY.index(c.kind), default=None)
        return gravest or self.whole.cause


def _is_finite(s: Variable, domain: Domain) -> bool:
    """Return whether a symbol has finitely many values (which are not cut)."""
    kinds = domain.constraints[s.name]
    return any(isinstance(c, OneOf | UnitVectors) for c in kinds)


def _row(ends: list[Any]) -> Any:
    return np.concatenate([np.ravel(e) for e in ends] or [np.zeros(0)])[None]


def _beyond(end: float, rtol: float) -> float:
    """Return a number above ``end`` by the tolerance (or ``end``, if infinite)."""
    return end + rtol * abs(end) if np.isfinite(end) else end


def _middle(low: Any, high: Any) -> Any:
    """Return a number between the ends, finite also where an end is not."""
    above = low + np.maximum(1.0, np.abs(low))
    below = high - np.maximum(1.0, np.abs(high))
    middle = 0.5 * low + 0.5 * high
    middle = np.where(np.isposinf(high), above, middle)
    middle = np.where(np.isneginf(low), below, middle)
    return np.where(np.isneginf(low) & np.isposinf(high), 0.0, middle)
