"""Secure Gaussian noise drawn in blocks, as good as exact and fast.

What is returned is ``round((x + sigma N) / g) g`` for a grid g that is a power of two
between sigma / 2**9 and sigma / 2**8, and N exactly normal.  It is what the ideal
Gaussian mechanism releases, rounded: post-processing, so it promises what the ideal one
does (no gaps of floating-point numbers tell anything, I. Mironov, CCS 2012; C. F. F.
Karney, "Sampling exactly from the normal distribution", TOMS 2016, for deciding only as
many digits as are needed).

N is the normal quantile of a uniform number U, of which random bits are drawn as they
are needed.  The first 32 bits leave U in an interval; if both ends of that interval,
widened by more than their evaluation errs, lie in one cell of the grid, the cell is
known, whatever the other bits are.  Quantiles are first read off a table of chords,
whose error is known from the second derivative; where that does not decide, they are
worked out as doubles; and where these do not, 64 bits more are drawn, and again, and
quantiles have hundreds of digits.  So the law is exact.  Bits are the operating
system's.  How long a draw takes depends on the noise, as OpenDP's does.
"""

from __future__ import annotations

import math
import os
from functools import cache
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError

__all__ = ["gaussian_block", "grid_of"]

CHORDS = 14  # bits: so many chords has the table, and it fits a core's cache
FINER = 8  # bits: the grid is between 2**-9 and 2**-8 of sigma
BITS = 32  # of the first random number
MORE = 64  # bits at a time, when these do not decide
ERROR = 1e-9  # relative: more than the errors of chords are wrong by
EXACT = 2.0**40  # grid steps: beyond, doubles are hardly finer than the grid
CELL = 2.0**-28  # of a grid step: more than quantiles in double precision are wrong by
ROUNDED = 2.0**-50  # relative: more than doubles round on the way to a cell
REST = (1 << (BITS - CHORDS)) - 1  # the bits that a place in the table leaves


def grid_of(sigma: float) -> float:
    """Return the grid of noise of a standard deviation: a power of two."""
    return math.ldexp(1.0, math.frexp(sigma)[1] - 1 - FINER)


def gaussian_block(values: Any, sigma: float, draw: Any = os.urandom) -> Any:
    """Return values with noise, on the grid: of their shape (n,).

    Parameters
    ----------
    values : ndarray
        (n,): finite doubles.
    sigma : float
        Standard deviation, a normal double.
    draw : callable
        From a number to so many random bytes.

    Raises
    ------
    InvalidInputError
        Values are so large that their neighbours are farther apart than the grid.
    """
    grid = grid_of(sigma)
    scaled = np.asarray(values, dtype=np.float64) / grid  # exact: a power of two
    if (np.abs(scaled) > EXACT).any() or not np.isfinite(1 / grid):
        raise InvalidInputError(
            "release: noise is so small beside the value that doubles near it are "
            "hardly finer than the grid on which noise is drawn; use a coarser unit"
        )
    ratio = sigma / grid  # in [2**8, 2**9), exact
    bits = np.frombuffer(draw(4 * len(scaled)), dtype=np.uint32)
    starts, slopes, errors = _chords()
    place = bits >> np.uint32(BITS - CHORDS)
    at = starts.take(place) + slopes.take(place) * (bits & np.uint32(REST))
    at *= ratio
    at += scaled
    slack = errors.take(place)
    slack *= ratio
    slack += np.abs(at) * ROUNDED + CELL
    cells = np.rint(at)
    unknown = np.flatnonzero(~(np.abs(at - cells) + slack < 0.5))
    if len(unknown):
        cells[unknown] = _closer(scaled[unknown], ratio, bits[unknown], draw)
    return cells * grid


@cache
def _chords() -> tuple[Any, Any, Any]:
    """Return chords of the quantile: starts, slopes by bit, and errors, over U.

    Over an interval of length h a chord is off by ``h**2 / 8`` times the second
    derivative at most, which is ``N / density(N)**2`` and grows away from 1/2; the
    interval of one number, of length 2**-32, adds a slope.  At both ends there is none.
    """
    from scipy.special import ndtri

    count = 1 << CHORDS
    with np.errstate(all="ignore"):
        ends = ndtri(np.arange(count + 1) / count)
        density = np.exp(-np.square(ends) / 2) / math.sqrt(2 * math.pi)
        bent = np.abs(ends) / np.square(density)
        steep = 1 / density
        most = np.maximum(bent[1:], bent[:-1]) / (8 * count**2)
        most += np.maximum(steep[1:], steep[:-1]) * 2.0**-BITS
        most = most * (1 + ERROR) + ERROR / 2**FINER
        slopes = (ends[1:] - ends[:-1]) / (REST + 1)
    known = np.isfinite(most) & np.isfinite(slopes)
    starts = np.where(known, ends[:-1], 0.0)
    return starts, np.where(known, slopes, 0.0), np.where(known, most, np.inf)


def _closer(scaled: Any, ratio: float, bits: Any, draw: Any) -> Any:
    """Return cells by quantiles in double precision, and more bits where needed.

    Shapes: ``scaled`` and ``bits`` (k,).
    """
    from scipy.special import ndtri

    width = 2.0**-BITS
    with np.errstate(all="ignore"):
        low = scaled + ratio * ndtri(bits * width)
        high = scaled + ratio * ndtri((bits + 1.0) * width)
        slack = np.maximum(np.abs(low), np.abs(high)) * ROUNDED + CELL
        cells, other = np.rint(low - slack), np.rint(high + slack)
    for i in np.flatnonzero(~(cells == other)):  # infinite ends, too
        cells[i] = _decided(scaled[i], ratio, int(bits[i]), draw)
    return cells


def _decided(scaled: float, ratio: float, bits: int, draw: Any) -> float:
    """Return the cell of one number, by as many more random bits as that takes."""
    from mpmath import mp

    own, known = mp.clone(), BITS
    scaled, ratio = float(scaled), float(ratio)  # exact beside numbers of many digits
    while True:
        bits = (bits << MORE) | int.from_bytes(draw(MORE // 8), "big")
        known += MORE
        own.prec = 2 * known + 64
        ends = []
        for u in (bits, bits + 1):
            if u == 0 or u == 1 << known:
                break  # infinitely far; more bits will tell
            ends.append(scaled + ratio * _quantile(own, own.mpf(u) / (1 << known)))
        if len(ends) < 2:
            continue
        slack = own.mpf(2) ** (-known)  # far more than is rounded at this precision
        cells = [own.nint(ends[0] - slack), own.nint(ends[1] + slack)]
        if cells[0] == cells[1]:
            return float(cells[0])


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
