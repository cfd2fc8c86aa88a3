"""What the gamma, quantile and Bessel functions and the angle mean on balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.graph.operator import Operator

Rule = Callable[..., Any]

UNKNOWN = arb("[+/- inf]")


def _between(low: Any, high: Any, function: Rule) -> Rule:
    """Return a rule of one variable on an open interval."""

    def rule(x: Any, **attrs: Any) -> Any:
        if x <= low or (high is not None and x >= high):
            return None
        inside = x > low and (high is None or x < high)
        return function(x, **attrs) if inside else UNKNOWN

    return rule


def _polygamma(x: Any, n: int) -> Any:
    """Return the Hurwitz zeta function ``zeta(n + 1, x)``, times (-1)**(n + 1) n!."""
    return (-1) ** (n + 1) * arb(n + 1).gamma() * arb(n + 1).zeta(x)


def _bessel(x: Any, n: int) -> Any:
    size = abs(x)
    if not x.overlaps(arb(0)):
        y = size.bessel_i(n)
        return -y if x < 0 and n % 2 else y
    return x.bessel_i(n)


def _angle(y: Any, x: Any) -> Any:
    if y == 0 and x < 0:
        return arb.pi()
    if y == 0 and x >= 0:
        return arb(0)
    if x > 0:
        return (y / x).atan()
    if y > 0 or y < 0:
        quarter = arb.pi() / 2
        return (quarter if y > 0 else -quarter) - (x / y).atan()
    return arb(0, arb.pi().upper())


def _off_cut(y: Any, x: Any) -> Any:
    if x == 0 and y == 0:
        return None
    known = x > 0 or y > 0 or y < 0 or (y == 0 and x < 0)
    return arb(0) if known else UNKNOWN


GAMMA: Mapping[Operator, Rule] = {
    ops.gammaln: _between(0, None, lambda x: x.lgamma()),
    ops.psi: _between(0, None, lambda x: x.digamma()),
    ops.polygamma: _between(0, None, _polygamma),
    ops.erfinv: _between(-1, 1, lambda x: x.erfinv()),
    ops.ndtri: _between(0, 1, lambda p: arb(2).sqrt() * (2 * p - 1).erfinv()),
    ops.i0: lambda x: _bessel(x, 0),
    ops.i1: lambda x: _bessel(x, 1),
    ops.bessel_i: _bessel,
    ops.arctan2: _angle,
    ops.off_cut: _off_cut,
}
