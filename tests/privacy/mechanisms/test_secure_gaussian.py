"""Noise drawn in blocks: every cell against exact quantiles, and the law as a whole."""

from __future__ import annotations

import math

import flint
import mpmath as mp
import numpy as np
import pytest
from scipy.stats import chi2, norm

from deuterium.errors import InvalidInputError
from deuterium.privacy.mechanisms import secure_gaussian
from deuterium.privacy.mechanisms.secure_gaussian import gaussian_block, grid_of
from tests.amounts import seeds

TAIL = 2**25  # first numbers below, and above its complement, have 21 bits more


class Bits:
    """A source of bytes that remembers: those that are given, then a generator's."""

    def __init__(self, *given, seed=0):
        self.given, self.rng = [np.uint32(g).tobytes() for g in given], None
        self.rng, self.drawn = np.random.default_rng(seed), []

    def __call__(self, count):
        if not count:
            return b""
        found = self.given.pop(0) if self.given else self.rng.bytes(count)
        assert len(found) == count
        self.drawn.append(found)
        return found


def quantile(u):
    """Return the quantile by the inverse error function, not by ours."""
    with mp.workdps(60):
        if u in (0, 1):
            return mp.inf * (2 * u - 1)
        return mp.sqrt(2) * mp.erfinv(2 * mp.mpf(u) - 1)


@pytest.mark.parametrize("sigma", [1.0, 3.7, 1e-9, 2.0**-400, 2.0**400])
@pytest.mark.parametrize("far", [0.0, 1e12, 1e19])
def test_cells_are_those_of_exact_quantiles(sigma, far):
    """Both tails, where they begin, and the middle; and values far beyond the noise."""
    rng = np.random.default_rng(1)
    some = [1, 2, 77, 2**18 - 1, TAIL - 1, TAIL, 2**31 - 1, 2**31, 2**31 + 1]
    some += [2**32 - b for b in (1, 2, 70_000, TAIL, TAIL + 1)]
    bits = np.array([*some, *rng.integers(0, 2**32, 80)], dtype=np.uint32)
    tail = (bits < TAIL) | (bits >= 2**32 - TAIL)
    more = rng.integers(0, 2**32, tail.sum(), dtype=np.uint32)
    values = (rng.normal(size=len(bits)) * 40 + far) * sigma
    source = Bits(bits, more)
    found = gaussian_block(values, sigma, source)
    assert len(source.drawn) <= 8
    grid, rest = grid_of(sigma), iter(more >> 11)
    assert math.frexp(grid)[0] == 0.5
    assert 2**8 <= sigma / grid < 2**9
    for x, b, y, t in zip(values, bits, found, tail, strict=True):
        k, known = (int(b) << 21 | int(next(rest)), 53) if t else (int(b), 32)
        with mp.workdps(60):
            ends = [quantile(mp.mpf(u) / 2**known) for u in (k, k + 1)]
            low, high = (mp.nint((mp.mpf(x) + sigma * e) / grid) for e in ends)
            # equal, but where more bits decide
            assert float(low * grid) <= y <= float(high * grid)


def test_the_table_is_as_good_as_it_says():
    """In every place but the tails': by balls, at its ends and in its middle."""
    flint.ctx.prec = 100
    _, _, off = secure_gaussian._middles()
    places = np.arange(2**7, 2**14 - 2**7, dtype=np.uint32)
    root = flint.arb(2).sqrt()

    def below(t):
        return (-flint.arb(t) / root).erfc() / 2

    for low in (0, 2**17, 2**18 - 1):
        bits = places << np.uint32(18) | np.uint32(low)
        block = secure_gaussian.DrawnBlock(len(bits))
        normals = secure_gaussian._filled(block, Bits(bits)).normals
        assert (block.drawn == bits).all()
        for b, z in zip(bits, normals, strict=True):
            assert below(z - off) * 2**32 < int(b)
            assert below(z + off) * 2**32 > int(b) + 1


def test_tails_are_as_good_as_they_say():
    flint.ctx.prec = 200
    rng = np.random.default_rng(2)
    _, _, off = secure_gaussian._middles()
    small = [2**k + int(rng.integers(2**k)) for k in range(25) for _ in range(20)]
    bits = np.array([*small, *(2**32 - 1 - np.array(small))], dtype=np.uint32)
    block = secure_gaussian.DrawnBlock(len(bits))
    normals = secure_gaussian._filled(block, Bits(bits)).normals
    root = flint.arb(2).sqrt()
    close = np.minimum(bits, ~bits) < 2**4
    np.testing.assert_array_equal(np.isnan(normals), close)  # nothing is said of them
    for u, z in zip(block.drawn[~close], normals[~close], strict=True):
        k = int(u * 2.0**21)
        low, high = ((-flint.arb(t) / root).erfc() / 2 for t in (z - off, z + off))
        assert low * 2**53 < k
        assert high * 2**53 > k + 1


def test_doubles_of_quantiles_are_as_good_as_they_must_be():
    """By CELL of a grid step, and a thousandth of that, down to 53 bits."""
    flint.ctx.prec = 200
    rng = np.random.default_rng(3)
    small = [2.0**-k * (1 + rng.random()) for k in range(2, 53) for _ in range(20)]
    u = np.rint(np.array(small) * 2.0**53) * 2.0**-53
    off = secure_gaussian.CELL / 2**9 / 1000
    root = flint.arb(2).sqrt()
    for v, z in zip(u, secure_gaussian._normal(u), strict=True):
        low, high = ((-flint.arb(t) / root).erfc() / 2 for t in (z - off, z + off))
        assert low < flint.arb(v) < high


def test_the_outermost_interval_is_decided_by_more_bits():
    outer = np.array([0, 2**32 - 1] * 5, dtype=np.uint32)
    source = Bits(outer, outer)  # nothing but zeros, or ones, in 53 bits
    found = gaussian_block(np.zeros(10), 1.0, source)
    assert len(source.drawn) >= 12
    assert (found[::2] < -8.2).all()
    assert (found[1::2] > 8.2).all()
    assert len(set(np.abs(found))) > 3


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_where_the_first_bits_do_not_decide(seed):
    """A cell ends inside the interval of the first 32 bits: more say on which side.

    Against quantiles found another way, by the root of the logarithm of a tail.
    """
    rng = np.random.default_rng(seed)
    sigma = float(np.exp(rng.uniform(-20, 20)))
    grid, first = grid_of(sigma), int(rng.integers(TAIL, 2**31))
    with mp.workdps(60):
        u = (first + mp.mpf(rng.random())) / 2**32
        edge = mp.mpf(int(rng.integers(-1000, 1000))) + mp.mpf(1) / 2
        x = float(edge * grid - sigma * quantile(u))
    source = Bits([first], seed=seed)
    (found,) = gaussian_block(np.array([x]), sigma, source)
    assert len(source.drawn) == 2
    with mp.workdps(120):
        bits = (first << 64) | int.from_bytes(source.drawn[1], "big")

        def cell(k):
            log_tail = mp.log(mp.mpf(k)) - 96 * mp.log(2)
            z = mp.findroot(
                lambda t: mp.log(mp.erfc(t / mp.sqrt(2)) / 2) - log_tail,
                mp.sqrt(mp.mpf("1e-9") - 2 * (log_tail + mp.log(2))),
            )
            return mp.floor((mp.mpf(x) - mp.mpf(sigma) * z) / mp.mpf(grid) + 0.5)

        assert cell(bits) == cell(bits + 1) == mp.mpf(found) / mp.mpf(grid)


@pytest.mark.parametrize("x", [0.123, -7.0, 3e12])
@pytest.mark.parametrize("seed", range(3))
def test_the_law_is_normal_by_the_cell(x, seed):
    """Chi squared: counts of runs of cells, by what is exactly to be expected."""
    n, sigma = 60_000, 2.5
    grid, source = grid_of(sigma), np.random.default_rng(seed).bytes
    cells = (gaussian_block(np.full(n, x), sigma, source) - x) / grid
    shift = (x / grid) - np.rint(x / grid)
    inner = np.rint(norm.ppf(np.arange(1, 100) / 100) * sigma / grid) + 0.5
    ends = np.array([-np.inf, *inner, np.inf]) - shift  # between cells
    counts = np.histogram(cells, ends)[0]
    expected = n * np.diff(norm.cdf(ends * grid / sigma))
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(1e-6, len(expected) - 1)
    tails = np.abs(cells * grid) > 3 * sigma
    assert tails.sum() == pytest.approx(n * 0.0027, abs=70)


def test_exact_quantiles_are_exact():
    with mp.workdps(60):
        own = mp.mp.clone()
        own.prec = 250
        for u in ("0.3", "1e-30", "0.5", "0.999999999999"):
            x = secure_gaussian._quantile(own, own.mpf(u))
            assert abs(own.ncdf(x) - own.mpf(u)) < own.mpf(u) * own.mpf(10) ** -55


def test_the_same_bits_far_away_give_the_same_noise():
    """No second law, and no refusal, tells that a value is large."""
    bits = np.random.default_rng(0).integers(0, 2**32, 500, dtype=np.uint32)
    near = gaussian_block(np.zeros(500), 1.0, Bits(bits))
    far = gaussian_block(np.full(500, 2.0**43), 1.0, Bits(bits))
    np.testing.assert_array_equal(far - 2.0**43, near)
    huge = np.array([1e300, -1.7e308, 0.0, 5e-324])
    found = gaussian_block(huge, 1.0)
    assert (found[:2] == huge[:2]).all()
    assert (np.abs(found[2:]) < 10).all()


def test_zeros_have_no_sign():
    """It would tell more than the cell."""
    bits = np.arange(2**31 - 2**15, 2**31 + 2**15, dtype=np.uint32)
    for x in (-1e-30, -1e-4, 0.0, -0.0):
        found = gaussian_block(np.full(len(bits), x), 1.0, Bits(bits))
        assert (found == 0).all()
        assert not np.signbit(found).any()
        law = secure_gaussian._rounding(1.0)
        (one,) = secure_gaussian._closer(
            np.array([x]), law, np.array([2.0**31]), Bits()
        )
        assert math.copysign(1, one) == 1


def test_what_cannot_be_noised_is_refused():
    for bad in (np.nan, np.inf):
        with pytest.raises(InvalidInputError, match="not finite"):
            gaussian_block(np.array([1.0, bad]), 1.0)
    for sigma in (0.0, -1.0, np.nan, np.inf, 1e-200):
        assert not secure_gaussian.has_grid(sigma)
        with pytest.raises(InvalidInputError, match="standard deviations"):
            gaussian_block(np.zeros(2), sigma)
