"""Secure Gaussian noise drawn in blocks, as good as exact and fast.

What is returned is ``round((x + sigma N) / g) g`` for a grid g that is a power of two
between sigma / 2**9 and sigma / 2**8, and N exactly normal.  It is what the ideal
Gaussian mechanism releases, rounded: post-processing, so it promises what the ideal one
does (no gaps of floating-point numbers tell anything, I. Mironov, CCS 2012; C. F. F.
Karney, "Sampling exactly from the normal distribution", TOMS 2016, for deciding only as
many digits as are needed).

N is the normal quantile of a uniform number U, of which random bits are drawn as they
are needed.  The first 32 bits leave U in an interval (53 bits, in the tails, where
intervals must be shorter), and one number near all of its quantiles is kept.  If all
that ``x + sigma N`` can then be rounds to one multiple of g, that is it, whatever the
other bits are.  If not, the quantiles of both ends are worked out as doubles; and where
these do not decide, 64 bits more are drawn, and again, and quantiles have hundreds of
digits.  So the law is exact, for every double x: of values far larger than the noise,
multiples of g are put aside first.  Bits are the operating system's.  How long a draw
takes depends on x and the noise, as OpenDP's does.

Quantiles do not depend on x and sigma, so they are worked out in blocks beforehand.  A
block belongs to one call at a time, which passes over what it takes before it uses it,
and puts the block back when it is through: what was interrupted, in whatever way, is
never handed out again.  What was used is overwritten.  A forked process has blocks of
its own.  A copy of a whole running machine, started twice (a snapshot), would use one
block twice, like every generator whose state is in memory.
"""

from __future__ import annotations

import math
import os
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from deuterium.errors import InvalidInputError

__all__ = ["gaussian_block", "grid_of", "has_grid"]

FINER = 8  # bits: the grid is between 2**-9 and 2**-8 of sigma
BLOCK = 1 << 14  # quantiles drawn at once
BITS = 32  # of the first random number
PLACE = 14  # of them, that say where in a table to look
TAIL = 7  # bits: U is in a tail if it is less than 2**-7 from an end
LONG = 53  # bits there: of a double
CLOSE = 2.0**-28  # nearer to an end, 53 bits are too few, too
REST = (1 << (BITS - PLACE)) - 1  # the bits that a place leaves
MORE = 64  # bits at a time, when these do not decide
CELL = 2.0**-28  # of the grid: more than quantiles in double precision are wrong by
ROUNDED = 2.0**-50  # relative: more than doubles round on the way to a cell
WIDEST = 10.0  # no quantile of a double is farther away
FAR = 2.0**40  # grid steps: beyond, doubles are hardly finer than the grid
SIGMAS = 2.0**-400, 2.0**400  # what is worked out neither over- nor underflows


def grid_of(sigma: float) -> float:
    """Return the grid of noise of a standard deviation: a power of two."""
    return math.ldexp(1.0, math.frexp(sigma)[1] - 1 - FINER)


def has_grid(sigma: float) -> bool:
    """Whether noise of this standard deviation is drawn here."""
    return SIGMAS[0] <= sigma <= SIGMAS[1]


def gaussian_block(values: Any, sigma: float, draw: Any = None) -> Any:
    """Return values with noise, on the grid: of their shape (n,).

    Parameters
    ----------
    values : ndarray
        (n,): finite doubles.  So far from zero that doubles are coarser than the grid,
        what is returned is the double next to the number on the grid.
    sigma : float
        Standard deviation, from 2**-400 to 2**400.
    draw : callable, optional
        From a number to so many random bytes, asked for every call anew; else the
        operating system is, for blocks.

    Raises
    ------
    InvalidInputError
        Sigma is out of range, or a value is not finite.
    """
    x, law = np.asarray(values, dtype=np.float64), _rounding(float(sigma))
    found, done = np.empty(len(x)), 0
    if draw is not None and len(x):
        own = _filled(DrawnBlock(len(x)), draw)
        return _noisy(x, law, own.normals, own.drawn, draw, found)
    while done < len(x):
        block = _free_block()  # ours alone, until it is put back
        start = block.used
        stop = block.used = min(start + len(x) - done, BLOCK)  # before they are used
        normals, drawn = block.normals[start:stop], block.drawn[start:stop]
        end = done + stop - start
        try:
            _noisy(x[done:end], law, normals, drawn, os.urandom, found[done:end])
        finally:
            normals.fill(0.0)
            drawn.fill(0.0)
        _BLOCKS.append(block)
        done = end
    return found


# -- blocks ----------------------------------------------------------------------------


class DrawnBlock:
    """Quantiles and what was drawn for them, how many are used, and whose they are.

    Attributes
    ----------
    normals : ndarray
        Quantiles: (count,).  NaN where nothing useful is known.
    drawn : ndarray
        ``2**32 U``, of which LONG bits are known in the tails, BITS else: (count,).
    spare : ndarray
        Room to work in, so that no memory is taken and left behind.
    """

    __slots__ = ("drawn", "normals", "process", "spare", "used")

    def __init__(self, count: int) -> None:
        self.normals, self.drawn, self.spare = np.zeros((3, count))
        self.used, self.process = count, os.getpid()


_BLOCKS: list[DrawnBlock] = []  # those that no call has: at most one for each thread
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BLOCKS.clear)


def _free_block() -> DrawnBlock:
    """Return a block that has something left."""
    try:
        block = _BLOCKS.pop()  # atomic
    except IndexError:
        block = DrawnBlock(BLOCK)
    if block.process != os.getpid():
        return _free_block()
    return block if block.used < BLOCK else _filled(block, os.urandom)


def _filled(block: DrawnBlock, draw: Any) -> DrawnBlock:
    """Return the block, drawn anew."""
    middles, steeps, _ = _middles()
    normals, drawn, slopes = block.normals, block.drawn, block.spare
    bits = np.frombuffer(draw(BITS // 8 * len(drawn)), dtype=np.uint32)
    place = drawn.view(np.int64)
    np.right_shift(bits, np.uint32(BITS - PLACE), place)
    np.subtract(bits & np.uint32(REST), 0.5 * (REST + 1), normals)
    steeps.take(place, out=slopes, mode="clip")  # "raise" would copy
    slopes *= normals
    middles.take(place, out=normals, mode="clip")
    np.multiply(slopes, normals, drawn)  # N + z + N z**2 / 2, of z = sqrt(2) slopes
    drawn += math.sqrt(2)
    drawn *= slopes
    normals += drawn
    drawn[:] = bits
    edge = np.uint32(1 << (BITS - TAIL))
    (tails,) = (bits + edge < 2 * edge).nonzero()  # modulo 2**32
    rest = np.frombuffer(draw(4 * len(tails)), dtype=np.uint32)
    far = drawn[tails] + (rest >> np.uint32(32 + BITS - LONG)) * 2.0 ** (BITS - LONG)
    drawn[tails], u = far, far * 2.0**-BITS
    normals[tails] = np.where(np.abs(u - 0.5) > 0.5 - CLOSE, np.nan, _normal(u))
    slopes.fill(0.0)
    block.used = 0
    return block


def _is_tail(drawn: Any) -> Any:
    edge = 2.0 ** (BITS - TAIL)
    return (drawn < edge) | (drawn >= 2.0**BITS - edge)


def _normal(u: Any) -> Any:
    """Return quantiles of multiples of 2**-53, which 1 - u are, too."""
    return np.copysign(_ndtri()(np.minimum(u, 1 - u)), u - 0.5)


@cache
def _ndtri() -> Any:
    from scipy.special import ndtri  # takes its time, even a second time

    return ndtri


@cache
def _middles() -> tuple[Any, Any, float]:
    """Return middles of the places, slopes by sqrt(2) bits, and what they are off.

    With the density d at the quantile N, the quantile's derivatives are 1 / d, ``N /
    d**2`` and ``(1 + 2 N**2) / d**3``, which grow away from 1/2.  By Taylor, the first
    two leave no more than ``(h / 2)**3 / 6`` times the third, in a place of length h;
    the interval of one number, of length 2**-32, adds a slope.  In a tail, 2**-28 from
    the end at least, one of length 2**-53 adds ``2**-53 / d < 2**-53 / (2**-28 N)``
    (Mills), which is less.
    """
    count = 1 << PLACE
    with np.errstate(all="ignore"):
        middles = _normal((np.arange(count) + 0.5) / count)
        steeps = 1 / _density(middles) / 2.0**BITS / math.sqrt(2)
    end = float(_normal(np.array(2.0**-TAIL)))
    third = (1 + 2 * end**2) / _density(end) ** 3
    off = third * (0.5 / count) ** 3 / 6 + 2.0**-BITS / _density(end)
    return middles, steeps, 1.001 * float(off)  # more than doubles are rounded by


def _density(x: Any) -> Any:
    return np.exp(-np.square(x) / 2) / math.sqrt(2 * math.pi)


# -- cells -----------------------------------------------------------------------------


class CellRule(NamedTuple):
    """What sums with noise are rounded by: the grid, and what of a cell is certain.

    Adding ``shift``, where doubles are one grid step apart, rounds to the grid.
    """

    sigma: Any  # an array, of no axes, is multiplied faster than a number
    shift: Any
    grid: float
    sure: float
    near: float  # values that are no larger are no far ones


@lru_cache(maxsize=64)
def _rounding(sigma: float) -> CellRule:
    if not has_grid(sigma):
        raise InvalidInputError(
            f"release: noise is drawn in blocks for standard deviations from "
            f"{SIGMAS[0]:.3g} to {SIGMAS[1]:.3g}, not {sigma!r}"
        )
    grid = grid_of(sigma)
    sure = grid * (0.5 - CELL) - sigma * (_middles()[2] + WIDEST * ROUNDED)
    return CellRule(
        np.array(sigma), np.array(1.5 * 2.0**52 * grid), grid, sure, FAR * grid
    )


def _noisy(x: Any, law: CellRule, noisy: Any, drawn: Any, draw: Any, found: Any) -> Any:
    """Return values with noise made of these quantiles, which are used up: (n,)."""
    np.abs(x, found)
    size = found[found.argmax()]
    if not size <= law.near:
        return _far(x, law, noisy, drawn, draw, found)
    noisy *= law.sigma
    noisy += x
    np.add(noisy, law.shift, found)
    found -= law.shift
    noisy -= found
    np.abs(noisy, noisy)
    sure = law.sure - size * ROUNDED
    if not noisy[noisy.argmax()] < sure:  # NaN is a maximum, too
        i = np.flatnonzero(~(noisy < sure))
        found[i] = _closer(x[i], law, drawn[i], draw)
    return found


def _far(x: Any, law: CellRule, normals: Any, drawn: Any, draw: Any, found: Any) -> Any:
    """Return the same: multiples of the grid are left out, and come back at the end."""
    if not np.isfinite(x).all():
        raise InvalidInputError("release: the value is not finite; noise hides nothing")
    base = x.copy()  # beyond, all doubles are multiples
    near = np.abs(x) < 2.0**52 * law.grid
    base[near] = np.rint(x[near] / law.grid) * law.grid
    np.add(base, _noisy(x - base, law, normals, drawn, draw, found), found)
    return found


def _closer(x: Any, law: CellRule, drawn: Any, draw: Any) -> Any:
    """Return the same by quantiles as doubles, and more bits where needed.

    Shapes: ``x`` and ``drawn``, as of a block, (k,).
    """
    u, tail = drawn * 2.0**-BITS, _is_tail(drawn)
    with np.errstate(all="ignore"):
        low = x + law.sigma * _normal(u)
        high = x + law.sigma * _normal(u + np.where(tail, 2.0**-LONG, 2.0**-BITS))
        slack = np.maximum(np.abs(low), np.abs(high)) + WIDEST * law.sigma
        slack = slack * ROUNDED + CELL * law.grid
        cells = np.rint((low - slack) / law.grid)
        same = cells == np.rint((high + slack) / law.grid)
    for i in np.flatnonzero(~(same & np.isfinite(cells))):
        known = LONG if tail[i] else BITS
        bits = int(drawn[i] * 2.0 ** (known - BITS))
        cells[i] = _decided(float(x[i]), law, bits, known, draw)
    return cells * law.grid + 0.0  # no negative zeros, which would tell more


def _decided(x: float, law: CellRule, bits: int, known: int, draw: Any) -> float:
    """Return the cell of one number, by as many more random bits as that takes."""
    from mpmath import mp

    own = mp.clone()
    while True:
        bits = (bits << MORE) | int.from_bytes(draw(MORE // 8), "big")
        known += MORE
        if bits in (0, (1 << known) - 1):
            continue  # an end is infinitely far; more bits will tell
        own.prec = 2 * known + 64
        place, ratio = (
            own.mpf(x) / law.grid,
            own.mpf(float(law.sigma)) / law.grid,
        )  # exact
        slack = own.mpf(2) ** (-known)  # far more than is rounded at this precision
        low, high = (
            place + ratio * _quantile(own, own.mpf(u) / (1 << known))
            for u in (bits, bits + 1)
        )
        cell = own.nint(low - slack)
        if cell == own.nint(high + slack):
            return float(cell)


def _quantile(own: Any, u: Any) -> Any:
    """Return the normal quantile at the working precision: Newton from a double."""
    from scipy.special import ndtri_exp

    below = u < 0.5
    p = u if below else 1 - u
    x = own.mpf(float(ndtri_exp(float(own.log(p)))))
    for _ in range(12):
        step = (own.ncdf(x) - p) / own.npdf(x)
        x -= step
        if abs(step) < own.mpf(2) ** (-own.prec // 2 - 8):
            break
    return x if below else -x
