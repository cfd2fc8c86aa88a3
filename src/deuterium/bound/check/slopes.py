"""Slopes of the core over a region, sharpened by curvatures around a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium.bound.check.binary import times
from deuterium.bound.check.data import numbers
from deuterium.bound.check.forms import Forms
from deuterium.bound.check.functions import ZERO, Ball, larger, smaller
from deuterium.bound.check.region import Region

Range = tuple[Ball, Ball]


def box_of(forms: Forms, region: Region) -> tuple[list[Ball], list[Ball]]:
    """Return the inputs' part of a region, where the objective is defined."""
    n = forms.size
    low, high = region.low, region.high
    if len(low) > n:
        low, high = low[:n], high[:n]
    forms.require_defined(low, high)
    return low, high


def slope(
    forms: Forms, region: Region, j: int, data: Mapping[str, Any]
) -> tuple[Ball, Ball]:
    """Return the range of one slope."""
    if "around" in data:
        return slopes(forms, region, data)[j]
    (least,), (most,) = forms.slope(j)(*box_of(forms, region))
    return least, most


def slopes(forms: Forms, region: Region, data: Mapping[str, Any]) -> list[Range]:
    """Return the ranges of all slopes.

    With the point ``around`` in the data, those of ``g(c) + H (x - c)`` are considered
    as well, for the range H of curvatures over the region and the point.
    """
    low, high = box_of(forms, region)
    plain = list(zip(*forms.slopes(low, high), strict=True))
    if "around" not in data:
        return plain
    around = Around(forms, region, numbers(data["around"], forms.size))
    better = []
    for i, (a, b) in enumerate(plain):
        c, d = around.slope(i)
        better.append((larger(a, c), smaller(b, d)))
    return better


class Around:
    """Slopes and curvatures around a point, over the hull of it and a region."""

    def __init__(self, forms: Forms, region: Region, center: Sequence[Ball]) -> None:
        n = forms.size
        low, high = box_of(forms, region)
        hull = (
            [smaller(a, c) for a, c in zip(low, center, strict=True)],
            [larger(b, c) for b, c in zip(high, center, strict=True)],
        )
        forms.require_defined(*hull)
        self.size = n
        self.at = forms.slopes_at(center)[1:]
        self._curvatures = forms.curvatures(*hull, fully=True)
        self._sides = [
            (a - c, b - c) for a, b, c in zip(low, high, center, strict=True)
        ]

    def curvature(self, i: int, j: int) -> Range:
        """Return the range of a second derivative."""
        return self._curvatures[min(i, j), max(i, j)]

    def slope(self, i: int) -> Range:
        """Return the range of ``g_i(c) + sum_j h_ij (x_j - c_j)``."""
        low = high = self.at[i]
        for j, side in enumerate(self._sides):
            a, b = times(*self.curvature(i, j), *side)
            low, high = low + a, high + b
        return low, high

    def along(self, p: Sequence[Ball]) -> Ball:
        """Return a lower bound of the slope along a vector."""
        n = self.size
        least = sum([p[i] * self.at[i] for i in range(n)], ZERO)
        for j, side in enumerate(self._sides):
            low = high = ZERO
            for i in range(n):
                a, b = times(p[i], p[i], *self.curvature(i, j))
                low, high = low + a, high + b
            least = least + times(low, high, *side)[0]
        return least
