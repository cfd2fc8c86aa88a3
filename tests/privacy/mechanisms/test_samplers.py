"""Noise that is drawn: its distribution, and whose it is."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
from scipy import stats

from deuterium import privacy
from deuterium.errors import InvalidInputError, MissingDependencyError
from tests.amounts import draws, some

discrete_gaussian = partial(privacy.discrete_gaussian, relation="add_or_remove_one")
geometric = partial(privacy.geometric, relation="add_or_remove_one")
gaussian = partial(privacy.gaussian, relation="add_or_remove_one")
laplace = partial(privacy.laplace, relation="add_or_remove_one")

MAKERS = {
    "gaussian": lambda scale: gaussian(1.0, scale=scale, trusted=True),
    "laplace": lambda scale: laplace(1.0, scale=scale, trusted=True),
    "geometric": lambda scale: geometric(1.0, scale=scale, trusted=True),
    "discrete": lambda scale: discrete_gaussian(1.0, scale=scale, trusted=True),
}
DISTRIBUTIONS = {
    "gaussian": lambda scale: stats.norm(scale=scale).cdf,
    "laplace": lambda scale: stats.laplace(scale=scale).cdf,
}
every = pytest.mark.parametrize("name", MAKERS)
either = pytest.mark.parametrize("seed", some([None, 0, 1], 2))  # None: OpenDP


def released(name, scale, count, seed, value=0):
    if seed is None:
        pytest.importorskip("opendp")
    return MAKERS[name](scale).release(np.full(count, value), insecure_rng=seed)


@either
@pytest.mark.drawn
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_noise_has_its_distribution(name, seed):
    noise = released(name, 2.5, draws(6_000, 20_000), seed)
    # a chance of one in 10**6 for each run of OpenDP's noise, which has no seed
    assert stats.kstest(noise, DISTRIBUTIONS[name](2.5)).pvalue > 1e-6


@either
@pytest.mark.drawn
@pytest.mark.parametrize("sigma", [0.4, 1.7, 30.0])
def test_discrete_noise_has_its_distribution(sigma, seed):
    noise = released("discrete", sigma, draws(6_000, 20_000), seed)
    assert noise.dtype.kind == "i"
    y = np.arange(-int(12 * sigma) - 3, int(12 * sigma) + 4)
    mass = np.exp(-(y.astype(float) ** 2) / (2 * sigma**2))
    expected = mass / mass.sum() * len(noise)
    edges = np.flatnonzero(expected >= 5)
    low, high = edges[0], edges[-1]
    counts = np.bincount(noise - y[0], minlength=len(y))
    pooled = [
        np.concatenate([[c[:low].sum()], c[low : high + 1], [c[high + 1 :].sum()]])
        for c in (counts, expected)
    ]
    keep = pooled[1] > 1
    f = pooled[1][keep] * pooled[0][keep].sum() / pooled[1][keep].sum()
    assert stats.chisquare(pooled[0][keep], f).pvalue > 1e-6


@every
@either
def test_shape_value_and_fresh_noise(name, seed):
    if seed is None:
        pytest.importorskip("opendp")
    noise = MAKERS[name](0.5)
    rng = None if seed is None else np.random.default_rng(seed)
    value = np.arange(60).reshape(20, 3) * 1000  # most discrete noise is zero
    one, other = (noise.release(value, insecure_rng=rng) for _ in range(2))
    assert one.shape == (20, 3)
    assert (np.abs(one - value) < 20).all()
    assert (one != other).any()
    single = noise.release(5000, insecure_rng=rng)
    assert isinstance(single, int | float)
    assert abs(single - 5000) < 20
    assert noise.release(np.zeros((0, 2)), insecure_rng=rng).shape == (0, 2)


@every
def test_numpy_noise_repeats_with_its_seed(name):
    noise = MAKERS[name](3.0)
    same = [noise.release(np.zeros(50), insecure_rng=7).tolist() for _ in range(2)]
    assert same[0] == same[1]


@every
def test_opendp_confirms_the_privacy_loss(name):
    """Its own proof of the very measurement, for the sensitivity claimed."""
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    noise = MAKERS[name](2.5)
    pure = noise.norm == 1
    make = dp.m.make_laplace if pure else dp.m.make_gaussian
    metric = dp.l1_distance if pure else dp.l2_distance
    whole = isinstance(noise.release(0, insecure_rng=0), int)
    element = {"T": int} if whole else {"T": float, "nan": False}
    measurement = make(
        dp.vector_domain(dp.atom_domain(**element)), metric(T=float), scale=2.5
    )
    loss = noise.pure_epsilon if pure else noise.rho
    assert measurement.map(1.0) == pytest.approx(loss, rel=1e-9)


@every
def test_what_is_released_without_opendp(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    noise = MAKERS[name](1.0)
    if name == "gaussian":
        assert abs(noise.release(0)) < 10
        noise = gaussian(1e-200, scale=1e-200, trusted=True)  # no grid of ours
    with pytest.raises(MissingDependencyError, match=r"deuterium\[noise\]"):
        noise.release(0)


@pytest.mark.parametrize("scale", [0.3, 1.0, 1e-9, 1e6])
def test_gaussian_noise_is_on_its_grid(scale):
    grid = 2.0 ** (np.floor(np.log2(scale)) - 8)
    found = MAKERS["gaussian"](scale).release(np.full(300, 1e3 * scale))
    np.testing.assert_array_equal(np.rint(found / grid) * grid, found)
    assert len(set(found)) > 150
    assert np.abs(found / scale - 1e3).max() < 10


@every
def test_refuses_what_noise_cannot_hide(name):
    for bad in (np.nan, np.inf, [1.0, -np.inf]):
        with pytest.raises(InvalidInputError):
            MAKERS[name](1.0).release(bad, insecure_rng=0)


@either
def test_large_integers_are_not_cut_to_32_bits(seed):
    if seed is None:
        pytest.importorskip("opendp")
    noise = MAKERS["discrete"](2.0)
    for value in (5_000_000_000, -(2**50), 2.0**40):
        assert abs(noise.release(value, insecure_rng=seed) - int(value)) < 40
    for value in (2**62, 2**70, 1e300):
        with pytest.raises(InvalidInputError, match="64-bit"):
            noise.release(value, insecure_rng=seed)


@every
def test_what_is_no_number_is_not_released(name):
    for bad in ("a", 1j, [object()], None):
        with pytest.raises(InvalidInputError, match=r"real numbers|not finite"):
            MAKERS[name](1.0).release(bad, insecure_rng=0)


def test_discrete_noise_is_for_integers():
    with pytest.raises(InvalidInputError, match="integers"):
        MAKERS["discrete"](1.0).release([1.0, 2.5], insecure_rng=0)
    assert MAKERS["discrete"](1.0).release([1.0, 2.0], insecure_rng=0).dtype.kind == "i"
