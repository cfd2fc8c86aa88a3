"""Slopes of the core over a region, sharpened by curvatures around a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium.certify.checker.ball_functions import ZERO, Ball, larger, smaller
from deuterium.certify.checker.binary_ranges import times
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_region import Region

Range = tuple[Ball, Ball]


def box_of(forms: DerivativeForms, region: Region) -> tuple[list[Ball], list[Ball]]:
    """Return the inputs' part of a region, where the objective is defined."""
    n = forms.size
    low, high = region.low, region.high
    if len(low) > n:
        low, high = low[:n], high[:n]
    forms.require_defined(low, high)
    return low, high


def slope(
    forms: DerivativeForms, region: Region, j: int, data: Mapping[str, Any]
) -> tuple[Ball, Ball]:
    """Return the range of one slope."""
    (least,), (most,) = forms.slope(j)(*box_of(forms, region))
    if "around" not in data:
        return least, most
    around = SlopesAround(forms, region, numbers(data["around"], forms.size))
    return around.slope(j, (least, most))


def slopes(
    forms: DerivativeForms, region: Region, data: Mapping[str, Any]
) -> list[Range]:
    """Return the ranges of all slopes.

    With the point ``around`` in the data, those of ``g(c) + H (x - c)`` are considered
    as well, for the range H of curvatures over the region and the point.
    """
    low, high = box_of(forms, region)
    plain = list(zip(*forms.slopes(low, high), strict=True))
    if "around" not in data:
        return plain
    around = SlopesAround(forms, region, numbers(data["around"], forms.size))
    return [around.slope(i, known) for i, known in enumerate(plain)]


class SlopesAround:
    """Slopes and curvatures around a point, over the hull of it and a region."""

    def __init__(
        self, forms: DerivativeForms, region: Region, center: Sequence[Ball]
    ) -> None:
        n = forms.size
        low, high = box_of(forms, region)
        for c, (a, b) in zip(center, forms.inputs.box, strict=True):
            if not a <= c <= b:  # derivatives are simplified over that box
                raise NoBound("the point is not in the box around the domain")
        hull = (
            [smaller(a, c) for a, c in zip(low, center, strict=True)],
            [larger(b, c) for b, c in zip(high, center, strict=True)],
        )
        forms.require_defined(*hull)
        self.size = n
        self.at = forms.slopes_at(center)[1:]
        self._rows = self._curvatures(forms, *hull)
        self._sides = [
            (a - c, b - c) for a, b, c in zip(low, high, center, strict=True)
        ]

    def _curvatures(
        self, forms: DerivativeForms, low: list[Ball], high: list[Ball]
    ) -> list[list[Range] | None]:
        """Return the rows of the Hessian; None for one that is not defined."""
        n = self.size
        try:
            found = forms.curvatures(low, high, fully=True)
        except NoBound:
            return [forms.curvature_row(low, high, i) for i in range(n)]
        return [[found[min(i, j), max(i, j)] for j in range(n)] for i in range(n)]

    def slope(self, i: int, known: Range) -> Range:
        """Return ``g_i(c) + sum_j h_ij (x_j - c_j)``, and what is known in common."""
        row = self._rows[i]
        if row is None:
            return known
        low = high = self.at[i]
        for curvature, side in zip(row, self._sides, strict=True):
            a, b = times(*curvature, *side)
            low, high = low + a, high + b
        return larger(low, known[0]), smaller(high, known[1])

    def along(self, p: Sequence[Ball]) -> Ball:
        """Return a lower bound of the slope along a vector."""
        least = sum([a * b for a, b in zip(p, self.at, strict=True)], ZERO)
        active = [i for i, v in enumerate(p) if not v.is_zero()]
        for j, side in enumerate(self._sides):
            low = high = ZERO
            for i in active:
                row = self._rows[i]
                if row is None:
                    raise NoBound("a curvature is not defined throughout the region")
                a, b = times(p[i], p[i], *row[j])
                low, high = low + a, high + b
            least = least + times(low, high, *side)[0]
        return least
