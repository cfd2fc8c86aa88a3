"""The gamma function's logarithm, quantiles, Bessel functions and the angle, in balls.

NIST Digital Library of Mathematical Functions: psi rises on the positive numbers, and
its n-th derivative is ``(-1)**(n + 1) n! zeta(n + 1, x)`` (5.15.1), of one sign and
monotone; I_n is a series of positive terms (10.25.2), even or odd as n is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flint import arb

from deuterium import ops
from deuterium.certify.checker.ball_functions import (
    ONE,
    TWO,
    UNKNOWN,
    ZERO,
    Ball,
    between,
    larger,
    smaller,
    where_known,
)
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.operator_entry import Entry, Table, increases
from deuterium.certify.checker.unary_ranges import (
    Range,
    falling,
    rising,
    valley,
    within,
)
from deuterium.graph.operator import Operator

# where psi is zero; its signs at both ends of the ball are tested
TURN = "1.4616321449683623412626595423257213284681962040064463512959884 +/- 1e-61"


def turn() -> Ball:
    """Return where lgamma turns, at the precision of the day."""
    return arb(TURN)


def _positive(f: Any) -> Any:
    """Return a function that is not known where its argument may not be positive."""
    return lambda x: f(x) if x > ZERO else UNKNOWN


def _lgamma_range(a: Ball, b: Ball) -> Range:
    c = arb.lgamma(a)
    d = c if a is b else arb.lgamma(b)
    lowest = turn()
    if a >= lowest:
        return c, d
    if b <= lowest:
        return d, c
    return arb.lgamma(lowest), larger(c, d)


def _polygamma(x: Ball, n: int) -> Ball:
    size = arb(n + 1).gamma() * arb(n + 1).zeta(x)
    return size if n % 2 else -size


def _ndtri(p: Ball) -> Ball:
    return -(TWO * p).erfcinv() * TWO.sqrt()


def _bessel(x: Ball, n: int) -> Ball:
    return x.bessel_i(n)


def _i(n: int, **more: Any) -> Entry:
    value = partial(_bessel, n=n)
    if n % 2:
        return increases(value, keeps_sign=True, **more)
    return Entry(value, valley(value, ZERO if n else ONE), never_negative=True, **more)


GAMMA: Table = {
    ops.gammaln: Entry(
        _positive(arb.lgamma),
        within(_lgamma_range, "gammaln", ZERO, closed=False),
        series=lambda x: x.lgamma(),
    ),
    ops.psi: Entry(
        _positive(arb.digamma),
        within(rising(arb.digamma), "psi", ZERO, closed=False),
        rises=True,
    ),
    ops.erfinv: Entry(
        arb.erfinv,
        within(rising(arb.erfinv), "erfinv", -ONE, ONE, closed=False),
        rises=True,
        keeps_sign=True,
    ),
    ops.ndtri: Entry(
        _ndtri, within(rising(_ndtri), "ndtri", ZERO, ONE, closed=False), rises=True
    ),
    ops.i0: _i(0),
    ops.i1: _i(1),
}


def ordered_entry(op: Operator, attrs: Mapping[str, Any]) -> Entry | None:
    """Return what is stated of polygamma and Bessel functions of a given order."""
    if op is ops.bessel_i:
        return _i(attrs["n"])
    if op is not ops.polygamma:
        return None
    value = partial(_polygamma, n=attrs["n"])
    rule = falling(value, ZERO) if attrs["n"] % 2 else rising(value, None, ZERO)
    return Entry(_positive(value), within(rule, op.name, ZERO, closed=False))


# -- the angle -----------------------------------------------------------------------


def _crosses(a: Ball, b: Ball, c: Ball, d: Ball) -> bool:
    """Whether y in [a, b] and x in [c, d] may meet both sides of the cut."""
    apart = c > ZERO or a > ZERO or b < ZERO
    return not (apart or (a >= ZERO and d < ZERO))


@where_known
def _angle(y: Ball, x: Ball) -> Ball:
    if y.is_zero() and (x >= ZERO or x < ZERO):
        return ZERO if x >= ZERO else arb.pi()
    return between(-arb.pi(), arb.pi()) if _crosses(y, y, x, x) else arb.atan2(y, x)


def _corner(y: Ball, x: Ball) -> Ball:
    """Return the angle at a corner, or what it tends to where the corner is far away.

    Where both coordinates are, it is between those of the corners beside it.
    """
    if not y.is_finite():
        half = arb.pi() / 2
        return half if y > ZERO else -half if y < ZERO else UNKNOWN
    if x.is_finite():
        return _angle(y, x)
    if x > ZERO:
        return ZERO
    flat = arb.pi() if y >= ZERO else -arb.pi() if y < ZERO else UNKNOWN
    return flat if x < ZERO else UNKNOWN


def _angle_range(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    """Return the hull at the corners: along a segment the angle is monotone."""
    if _crosses(a, b, c, d) and not c >= ZERO:
        return ZERO if a >= ZERO else -arb.pi(), arb.pi()
    low = high = _corner(a, c)
    for y, x in ((a, d), (b, c), (b, d)):
        corner = _corner(y, x)
        low, high = smaller(low, corner), larger(high, corner)
    pi = arb.pi()
    least = ZERO if a >= ZERO else -pi
    most = ZERO if b < ZERO or (b <= ZERO and c > ZERO) else pi
    return low if low >= least else least, high if high <= most else most


def _still(a: Ball, b: Ball, c: Ball, d: Ball) -> Range:
    if _crosses(a, b, c, d):
        raise NoBound("a slope across the branch cut of arctan2, or at the origin")
    return ZERO, ZERO


ANGLES: Table = {
    ops.arctan2: Entry(_angle, _angle_range, keeps_sign=True),
    ops.off_cut: Entry(
        where_known(lambda y, x: UNKNOWN if _crosses(y, y, x, x) else ZERO),
        _still,
        never_negative=True,
    ),
}
