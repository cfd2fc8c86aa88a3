"""Leaves: bounds of the objective over a region, worked out again from their data.

Each method returns an upper bound, as a ball; `EXCLUDED` where the supremum over the
whole domain is not taken in the region.  It raises NoBound where nothing is proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import arb_mat

from deuterium.certify.checker.ball_functions import INFINITY, ZERO, Ball, larger
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.norm_bounds import norms
from deuterium.certify.checker.outer_slopes import SlopesAround, box_of, slope, slopes
from deuterium.certify.checker.proof_region import Region

Data = Mapping[str, Any]
Leaf = Callable[[DerivativeForms, Region, Data], Ball]

EXCLUDED = -INFINITY


def input_of(x: Any, forms: DerivativeForms) -> int:
    """Return an input named in a proof's data."""
    if type(x) is not int or not 0 <= x < forms.size:
        raise NoBound(f"there is no input {x!r:.60}")
    return x


# -- values --------------------------------------------------------------------------


def empty(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """No point of the domain is in the region."""
    n = forms.size
    for j, (a, b) in enumerate(zip(region.low, region.high, strict=True)):
        if a > b or (region.open[j] and a >= b):
            return EXCLUDED
        if j < n and (a > forms.inputs.most[j] or b < forms.inputs.least[j]):
            return EXCLUDED
    for part in forms.inputs.parts:
        if part.table is not None and not forms.inputs.rows_in(part, region):
            return EXCLUDED
        if any(forms.inputs.misses(part, ball, region) for ball in part.balls):
            return EXCLUDED
    if forms.atoms:
        forms.value(region.low, region.high, region.open)  # NoPoint if it is so
    raise NoBound("the region may hold points of the domain")


def interval(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Ranges of the objective's own graph."""
    return forms.value(region.low, region.high, region.open)[1][0]


# -- slopes --------------------------------------------------------------------------


def sides(region: Region, center: Sequence[Ball]) -> tuple[list[Ball], list[Ball]]:
    """Return how far the region reaches from a point of it, below and above."""
    low, high = [], []
    for a, b, c in zip(region.low, region.high, center, strict=False):
        if not a <= c <= b:
            raise NoBound("the centre is not in the region")
        low.append(a - c)
        high.append(b - c)
    return low, high


def linear(
    value: Ball, least: Sequence[Ball], most: Sequence[Ball], reach: Any
) -> Ball:
    """Return the largest of ``value + g d`` for slopes and sides in their ranges."""
    for g, h, a, b in zip(least, most, *reach, strict=True):
        if not (a.is_zero() and b.is_zero()):
            value = value + larger(h * b, g * a)
    return value


def mean(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Mean value form of the core around a centre."""
    center = numbers(data["center"], forms.size)
    reach = sides(region, center)
    (value,) = forms.core_at(center)
    least, most = zip(*slopes(forms, region, data), strict=True)
    return forms.bound(linear(value, least, most, reach))


def stationary(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Prove that the core can be raised from every point, in one direction."""
    _bounded(region, forms.size)
    if "along" in data:
        return _rising_along(forms, region, data)
    j = input_of(data["at"], forms)
    least, most = slope(forms, region, j, data)
    if (least > ZERO and _may_move(forms, region, j, 1)) or (
        most < ZERO and _may_move(forms, region, j, -1)
    ):
        return EXCLUDED
    raise NoBound(
        f"the slope by input {j} is not proved to have one sign where it could rise on"
    )


def _rising_along(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    n = forms.size
    along = numbers(data["along"], n)
    for j, v in enumerate(along):
        if not v.is_zero() and not _may_move(forms, region, j, 1 if v > ZERO else -1):
            raise NoBound(f"input {j} cannot be moved alone that way")
    around = SlopesAround(forms, region, numbers(data["around"], n))
    if around.along(along) > ZERO:
        return EXCLUDED
    raise NoBound("the slope along the given direction is not proved positive")


def _may_move(forms: DerivativeForms, region: Region, j: int, way: int) -> bool:
    """Return whether an input may leave the region, up or down, alone."""
    inputs = forms.inputs
    if way > 0:
        return bool(inputs.movable[j] and region.high[j] < inputs.most[j])
    return bool(inputs.movable[j] and region.low[j] > inputs.least[j])


def _bounded(region: Region, n: int) -> None:
    ends = [*region.low[:n], *region.high[:n]]
    if not all(x.is_finite() for x in ends):
        raise NoBound("the region is not bounded")


# -- curvatures ----------------------------------------------------------------------


def curved(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Prove that the core bends upwards everywhere, along some direction."""
    n = forms.size
    _bounded(region, n)
    along = numbers(data["along"], n)
    active = [j for j, v in enumerate(along) if not v.is_zero()]
    for j in active:
        if not (_may_move(forms, region, j, 1) and _may_move(forms, region, j, -1)):
            raise NoBound(f"input {j} cannot be moved both ways, alone")
        slope(forms, region, j, {})
    if len(active) == 1:
        if forms.curvature(active[0])(*box_of(forms, region))[0][0] > ZERO:
            return EXCLUDED
        raise NoBound("the curvature is not proved positive")
    v = arb_mat(n, 1, along)
    for fully in (False, True):
        bend = v.transpose() * _hessian(forms, region, fully) * v
        if bend[0, 0] > ZERO:
            return EXCLUDED
    raise NoBound("the curvature along the given direction is not proved positive")


def _hessian(forms: DerivativeForms, region: Region, fully: bool) -> Any:
    n = forms.size
    found = forms.curvatures(*box_of(forms, region), fully)
    balls = {key: a.union(b) for key, (a, b) in found.items()}
    return arb_mat([[balls[min(i, j), max(i, j)] for j in range(n)] for i in range(n)])


def concave(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Bound the core, proved concave over the region, by a tangent plane."""
    n = forms.size
    center = numbers(data["center"], n)
    reach = sides(region, center)
    free = [j for j in range(n) if region.low[j] < region.high[j]]
    basis = arb_mat([numbers(row, len(free)) for row in data["basis"]])
    if basis.nrows() != len(free):
        raise NoBound(f"a basis of {len(free)} rows is wanted")
    if not any(
        _is_negative(_hessian(forms, region, fully), free, basis)
        for fully in (False, True)
    ):
        raise NoBound("the core is not proved concave")
    value, *at = forms.slopes_at(center)
    return forms.bound(linear(value, at, at, reach))


def _is_negative(hessian: Any, free: list[int], basis: Any) -> bool:
    """Return whether ``P^T H P`` is negative and dominated by its diagonal."""
    n = len(free)
    turned = arb_mat(n, n, [hessian[i, j] for i in free for j in free])
    turned = basis.transpose() * turned * basis
    for a in range(n):
        rest = sum([abs(turned[a, b]) for b in range(n) if b != a], ZERO)
        if not turned[a, a] + rest < ZERO:
            return False
    return True


LEAVES: Mapping[str, Leaf] = {
    "empty": empty,
    "interval": interval,
    "mean": mean,
    "stationary": stationary,
    "curved": curved,
    "concave": concave,
    "norms": norms,
}


def bound(
    forms: DerivativeForms, region: Region, method: str, data: Data, claim: Ball
) -> Ball:
    """Return the bound that a leaf's data prove, as closely as a claim asks for."""
    if method == "clusters":
        try:
            return forms.clusters.bound(region, data, claim)
        except NoPoint:
            return EXCLUDED
    leaf = LEAVES.get(method)
    if leaf is None:
        raise NoBound(f"there is no method {method!r:.60}")
    try:
        return leaf(forms, region, data)
    except NoPoint:
        return EXCLUDED
