"""Leaves: bounds of the objective over a region, worked out again from their data.

Each method returns an upper bound, as a ball; `EXCLUDED` where the supremum over the
whole domain is not taken in the region.  It raises NoBound where nothing is proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import arb, arb_mat

from deuterium.bound.check.forms import Forms
from deuterium.bound.check.functions import INFINITY, ZERO, Ball, larger
from deuterium.bound.check.reasons import NoBound, NoPoint
from deuterium.bound.check.region import Region

Data = Mapping[str, Any]
Leaf = Callable[[Forms, Region, Data], Ball]

EXCLUDED = -INFINITY


def numbers(x: Any, count: int) -> list[Ball]:
    """Return numbers of a proof's data, exactly."""
    if not isinstance(x, list) or len(x) != count:
        raise NoBound(f"a list of {count} numbers is wanted, got {x!r:.60}")
    return [finite(e) for e in x]


def finite(x: Any) -> Ball:
    """Return one finite number of a proof's data, exactly."""
    if type(x) not in (int, float):
        raise NoBound(f"a number is wanted, got {x!r:.60}")
    ball = arb(x)
    if not ball.is_finite():
        raise NoBound(f"a finite number is wanted, got {x!r:.60}")
    return ball


def input_of(x: Any, forms: Forms) -> int:
    """Return an input named in a proof's data."""
    if type(x) is not int or not 0 <= x < forms.size:
        raise NoBound(f"there is no input {x!r:.60}")
    return x


# -- values --------------------------------------------------------------------------


def empty(forms: Forms, region: Region, data: Data) -> Ball:
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


def interval(forms: Forms, region: Region, data: Data) -> Ball:
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


def mean(forms: Forms, region: Region, data: Data) -> Ball:
    """Mean value form of the core around a centre."""
    n = forms.size
    center = numbers(data["center"], n)
    reach = sides(region, center)
    (value,) = forms.core_at(center)
    least, most = forms.slopes(_inputs(region.low, n), _inputs(region.high, n))
    return forms.bound(linear(value, least, most, reach))


def _inputs(ends: list[Ball], n: int) -> list[Ball]:
    return ends if len(ends) == n else ends[:n]


def stationary(forms: Forms, region: Region, data: Data) -> Ball:
    """Prove that the core can be raised from every point, along one input."""
    j, n = input_of(data["at"], forms), forms.size
    _bounded(region, n)
    a, b = forms.slope(j)(_inputs(region.low, n), _inputs(region.high, n))
    inputs = forms.inputs
    if not inputs.movable[j]:
        raise NoBound(f"input {j} cannot be moved alone")
    if a[0] > ZERO and region.high[j] < inputs.most[j]:
        return EXCLUDED
    if b[0] < ZERO and region.low[j] > inputs.least[j]:
        return EXCLUDED
    raise NoBound(
        f"the slope by input {j} is not proved to have one sign where it could rise on"
    )


def _bounded(region: Region, n: int) -> None:
    ends = [*region.low[:n], *region.high[:n]]
    if not all(x.is_finite() for x in ends):
        raise NoBound("the region is not bounded")


# -- curvatures ----------------------------------------------------------------------


def curved(forms: Forms, region: Region, data: Data) -> Ball:
    """Prove that the core bends upwards everywhere, along some direction."""
    n = forms.size
    _bounded(region, n)
    along = _direction(forms, data)
    for j, v in enumerate(along):
        if not v.is_zero() and not _is_inner(forms, region, j):
            raise NoBound(f"input {j} cannot be moved both ways, alone")
    active = [j for j, v in enumerate(along) if not v.is_zero()]
    if len(active) == 1:
        ends = forms.curvature(active[0])(
            _inputs(region.low, n), _inputs(region.high, n)
        )
        if ends[0][0] > ZERO:
            return EXCLUDED
        raise NoBound("the curvature is not proved positive")
    v = arb_mat(n, 1, along)
    for fully in (False, True):
        bend = v.transpose() * _hessian(forms, region, fully) * v
        if bend[0, 0] > ZERO:
            return EXCLUDED
    raise NoBound("the curvature along the given direction is not proved positive")


def _direction(forms: Forms, data: Data) -> list[Ball]:
    if "along" in data:
        return numbers(data["along"], forms.size)
    (j,) = data["at"]
    return [arb(int(i == input_of(j, forms))) for i in range(forms.size)]


def _is_inner(forms: Forms, region: Region, j: int) -> bool:
    inputs = forms.inputs
    above = region.low[j] > inputs.least[j]
    return bool(inputs.movable[j] and above and region.high[j] < inputs.most[j])


def _hessian(forms: Forms, region: Region, fully: bool) -> Any:
    n = forms.size
    rows = forms.curvatures(_inputs(region.low, n), _inputs(region.high, n), fully)
    return arb_mat(rows)


def concave(forms: Forms, region: Region, data: Data) -> Ball:
    """Bound the core, proved concave over the region, by a tangent plane."""
    n = forms.size
    center = numbers(data["center"], n)
    reach = sides(region, center)
    free = [j for j in range(n) if region.low[j] < region.high[j]]
    basis = arb_mat([numbers(row, len(free)) for row in data["basis"]])
    if basis.nrows() != len(free):
        raise NoBound(f"a basis of {len(free)} rows is wanted")
    _bounded(region, n)
    width = [region.high[j] - region.low[j] for j in free]
    if not any(
        _is_negative(forms, region, free, width, basis, fully)
        for fully in (False, True)
    ):
        raise NoBound("the core is not proved concave")
    value, *slopes = forms.slopes_at(center)
    return forms.bound(linear(value, slopes, slopes, reach))


def _is_negative(
    forms: Forms,
    region: Region,
    free: list[int],
    width: list[Ball],
    basis: Any,
    fully: bool,
) -> bool:
    """Return whether ``P^T D H D P`` is negative and dominated by its diagonal."""
    n = len(free)
    hessian = _hessian(forms, region, fully)
    scaled = [
        hessian[free[a], free[b]] * width[a] * width[b]
        for a in range(n)
        for b in range(n)
    ]
    turned = basis.transpose() * arb_mat(n, n, scaled) * basis
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
}


def bound(forms: Forms, region: Region, method: str, data: Data) -> Ball:
    """Return the bound that a leaf's data prove over its region."""
    leaf = LEAVES.get(method)
    if leaf is None:
        raise NoBound(f"there is no method {method!r:.60}")
    try:
        return leaf(forms, region, data)
    except NoPoint:
        return EXCLUDED
