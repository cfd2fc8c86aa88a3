"""Noise drawn in blocks: every cell against exact quantiles, and the law as a whole."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import chi2

from deuterium.errors import InvalidInputError
from deuterium.privacy.mechanisms import secure_gaussian
from deuterium.privacy.mechanisms.secure_gaussian import gaussian_block, grid_of
from tests.amounts import seeds


class Bits:
    """A source of bytes that remembers what it gave."""

    def __init__(self, first, seed=0):
        self.first, self.rng, self.more = first, np.random.default_rng(seed), 0

    def __call__(self, count):
        if self.first is not None:
            given, self.first = self.first, None
            assert len(given) == count
            return given
        self.more += 1
        return self.rng.bytes(count)


@pytest.mark.parametrize("sigma", [1.0, 3.7, 1e-9])
def test_cells_are_those_of_exact_quantiles(sigma):
    """Of the first 32 bits: the middle, both tails, and wherever tables are coarse."""
    rng = np.random.default_rng(1)
    some = [1, 2, 77, 2**18 - 1, 2**18, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 70_000]
    bits = np.array([*some, *rng.integers(1, 2**32 - 1, 60)], dtype=np.uint32)
    values = rng.normal(size=len(bits)) * 40 * sigma
    source = Bits(bits.tobytes())
    found = gaussian_block(values, sigma, source)
    grid = grid_of(sigma)
    assert math.frexp(grid)[0] == 0.5
    assert 2**8 <= sigma / grid < 2**9
    with mp.workdps(40):
        for x, b, y in zip(values, bits, found, strict=True):
            ends = [
                mp.mpf(x)
                + mp.mpf(sigma) * mp.sqrt(2) * mp.erfinv(2 * mp.mpf(u) / 2**32 - 1)
                for u in (int(b), int(b) + 1)
            ]
            low, high = (mp.nint(e / grid) * grid for e in ends)
            assert low <= y <= high  # equal, but where more bits decide
    assert source.more <= 6


def test_the_outermost_interval_is_decided_by_more_bits():
    outer = np.array([0, 2**32 - 1] * 5, dtype=np.uint32)
    source = Bits(outer.tobytes())
    found = gaussian_block(np.zeros(10), 1.0, source)
    assert source.more >= 10
    assert (found[::2] < -6.2).all()
    assert (found[1::2] > 6.2).all()
    assert len(set(np.abs(found))) > 3


@pytest.mark.parametrize("seed", seeds(8, 100))
def test_where_the_first_bits_do_not_decide(seed):
    """A cell ends inside the interval of the first 32 bits: more say on which side.

    Against quantiles found another way, by the root of the logarithm of a tail.
    """
    rng = np.random.default_rng(seed)
    sigma = float(np.exp(rng.uniform(-20, 20)))
    grid, first = grid_of(sigma), int(rng.integers(1, 2**31))
    with mp.workdps(60):
        u = (first + mp.mpf(rng.random())) / 2**32
        edge = mp.mpf(int(rng.integers(-1000, 1000))) + mp.mpf(1) / 2
        x = float(edge * grid - sigma * mp.sqrt(2) * mp.erfinv(2 * u - 1))
    source, drawn = Bits(np.array([first], dtype=np.uint32).tobytes(), seed), []

    def draw(count):
        drawn.append(source(count))
        return drawn[-1]

    (found,) = gaussian_block(np.array([x]), sigma, draw)
    assert source.more == 1
    with mp.workdps(120):
        bits = (first << 64) | int.from_bytes(drawn[1], "big")

        def cell(k):
            log_tail = mp.log(mp.mpf(k)) - 96 * mp.log(2)
            z = mp.findroot(
                lambda t: mp.log(mp.erfc(t / mp.sqrt(2)) / 2) - log_tail,
                mp.sqrt(mp.mpf("1e-9") - 2 * (log_tail + mp.log(2))),
            )
            return mp.floor((mp.mpf(x) - mp.mpf(sigma) * z) / mp.mpf(grid) + 0.5)

        assert cell(bits) == cell(bits + 1) == mp.mpf(found) / mp.mpf(grid)


def test_the_law_is_normal_by_the_cell():
    """Chi squared over forty bins of equal probability, also with coarse tables."""
    n, x = 60_000, 0.123
    for seed in range(2):
        draw = np.random.default_rng(seed).bytes
        noise = gaussian_block(np.full(n, x), 2.5, draw) - x
        shares = [0.5 * math.erfc(-z / 2.5 / math.sqrt(2)) for z in noise]
        counts = np.histogram(shares, 40, (0, 1))[0]
        # bins are cut by a grid of up to 2**-8 sigma, hence the few per cent allowed
        statistic = ((counts - n / 40) ** 2 / (n / 40)).sum()
        assert statistic < chi2.isf(1e-6, 39) + 40
        assert noise.std() == pytest.approx(2.5, rel=0.02)
        assert noise.mean() == pytest.approx(0.0, abs=0.05)


def test_exact_quantiles_are_exact():
    with mp.workdps(60):
        own = mp.mp.clone()
        own.prec = 250
        for u in ("0.3", "1e-30", "0.5", "0.999999999999"):
            x = secure_gaussian._quantile(own, own.mpf(u))
            assert abs(own.ncdf(x) - own.mpf(u)) < own.mpf(u) * own.mpf(10) ** -55


def test_values_far_beyond_the_noise_are_refused():
    with pytest.raises(InvalidInputError, match="coarser unit"):
        gaussian_block(np.array([1e10]), 1e-6)
