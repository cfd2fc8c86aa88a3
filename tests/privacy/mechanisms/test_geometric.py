"""Geometric noise, held against sums over its law."""

from __future__ import annotations

import math
from functools import partial

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import Accountant, Sensitivity

ADD = "add_or_remove_one"
geometric = partial(privacy.geometric, relation=ADD)


def chances(scale, shift, reach=400):
    """Return the law and its neighbour's, over whole numbers, in logarithms."""
    k = np.arange(-reach, reach + 1)
    top = math.log(math.tanh(0.5 / scale))
    return top - np.abs(k) / scale, top - np.abs(k - shift) / scale


@pytest.mark.parametrize("epsilon", [0.01, 0.3, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("moved", [1.0, 3.0])
def test_scale_is_sensitivity_over_epsilon_rounded_up(epsilon, moved):
    noise = geometric(moved, epsilon=epsilon, trusted=True)
    with mp.workdps(40):
        exact = mp.mpf(moved) / mp.mpf(epsilon)
        assert exact <= mp.mpf(noise.scale) <= exact * (1 + mp.mpf(1e-15))
    assert noise.pure_epsilon <= epsilon
    assert noise.epsilon_at(0) == noise.pure_epsilon
    assert noise.epsilon == epsilon


@pytest.mark.parametrize("scale", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("shift", [1, 2, 5])
def test_every_promise_against_a_sum(scale, shift):
    noise = geometric(float(shift), scale=scale, trusted=True)
    p, q = chances(scale, shift)
    loss = p - q
    assert loss.max() <= noise.pure_epsilon * (1 + 1e-12)
    for share in (0.0, 0.2, 0.7, 0.99):
        epsilon = share * noise.pure_epsilon
        lost = np.clip(np.exp(p) - np.exp(epsilon + q), 0, None).sum()
        assert lost <= noise.delta_at(epsilon) * (1 + 1e-12)
        assert noise.epsilon_at(noise.delta_at(epsilon)) >= epsilon * (1 - 1e-9)
    for order in (1.1, 2.0, 5.0, 40.0):
        moment = np.logaddexp.reduce(order * p + (1 - order) * q)
        assert moment / (order - 1) <= noise.rdp([order])[0] * (1 + 1e-9)
    assert noise.rho == pytest.approx(noise.pure_epsilon**2 / 2)
    assert noise.mu == pytest.approx(privacy.laplace(
        float(shift), scale=scale, relation=ADD, trusted=True
    ).mu)  # fmt: skip


def test_randomised_response_is_what_delta_is_of():
    """With little noise for the sensitivity, next to nothing is given away."""
    noise = geometric(8.0, scale=2.0, trusted=True)
    p, q = chances(2.0, 8)
    lost = np.clip(np.exp(p) - np.exp(1.0 + q), 0, None).sum()
    assert 0.7 * noise.delta_at(1.0) < lost <= noise.delta_at(1.0)


def test_two_coordinates_lose_no_more_than_their_sum():
    noise = geometric(5.0, scale=3.0, trusted=True)
    (p1, q1), (p2, q2) = chances(3.0, 2, 60), chances(3.0, 3, 60)
    p, q = p1[:, None] + p2, q1[:, None] + q2
    for epsilon in (0.0, 0.5, 1.5):
        lost = np.clip(np.exp(p) - np.exp(epsilon + q), 0, None).sum()
        assert lost <= noise.delta_at(epsilon)


@pytest.mark.parametrize("wanted", [0.1, 1.0, 3.0])
def test_other_promises(wanted):
    by_rho = geometric(1.0, rho=wanted, trusted=True)
    assert wanted * (1 - 1e-12) <= by_rho.rho <= wanted
    by_mu = geometric(1.0, mu=wanted, trusted=True)
    assert wanted * (1 - 1e-12) <= by_mu.mu <= wanted


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("scale", [0.4, 3.0])
def test_noise_has_its_law(scale, seed):
    if seed is None:
        pytest.importorskip("opendp")
    made = geometric(1.0, scale=scale, trusted=True)
    drawn = made.release(np.zeros(20_000, int), insecure_rng=seed)
    assert drawn.dtype.kind == "i"
    counts = np.array([(drawn == k).sum() for k in (-2, -1, 0, 1, 2)])
    law = np.exp(chances(scale, 0, 2)[0])
    rest = len(drawn) - counts.sum(), 1 - law.sum()
    found, expected = np.append(counts, rest[0]), np.append(law, rest[1]) * len(drawn)
    assert stats.chisquare(found, expected * found.sum() / expected.sum()).pvalue > 1e-6


def test_composition_promises_no_less_than_the_sum_over_the_law():
    """Where one record counts one, a loss is epsilon or -epsilon, and losses add up."""
    noise, n = geometric(1.0, epsilon=0.5, trusted=True), 4
    other = privacy.gaussian(1.0, noise_multiplier=2.0, relation=ADD, trusted=True)
    alone = Accountant(ADD).compose(noise, n)
    mixed = Accountant(ADD).compose(noise, n).compose(other, 2)
    assert alone.epsilon_at(0) == pytest.approx(n * noise.pure_epsilon)
    assert alone.rho == pytest.approx(n * noise.rho)
    ups = np.arange(n + 1)
    mass = stats.binom(n, 1 / (1 + math.exp(-0.5))).pmf(ups)
    for epsilon in (0.3, 1.0):
        lost = mass * -np.expm1(epsilon - 0.5 * (2 * ups - n))
        assert np.clip(lost, 0, None).sum() <= alone.delta_at(epsilon)
        assert np.clip(lost, 0, None).sum() <= mixed.delta_at(epsilon)
    assert mixed.epsilon_at(1e-5) > max(
        alone.epsilon_at(1e-5), Accountant(ADD).compose(other, 2).epsilon_at(1e-5)
    )


def test_sampling_amplifies():
    noise = geometric(1.0, epsilon=1.0, trusted=True)
    whole = Accountant(ADD).compose(noise, 3)
    sampled = Accountant(ADD).compose(noise, 3, sampling_probability=0.1)
    amplified = 3 * math.log1p(0.1 * math.expm1(1.0))
    assert sampled.rdp([1e9])[0] == pytest.approx(amplified, rel=1e-9)
    assert sampled.epsilon_at(1e-6) < whole.epsilon_at(1e-6)


def test_refusals():
    with pytest.raises(InvalidInputError, match="exactly one"):
        geometric(1.0, trusted=True)
    with pytest.raises(InvalidInputError, match="epsilon"):
        geometric(1.0, epsilon=0.0, trusted=True)
    with pytest.raises(UnsupportedError, match="trusted=True"):
        geometric(1.0, epsilon=1.0)
    with pytest.raises(UnsupportedError, match="norm=1"):
        s = Sensitivity(quantity="contribution", norm=2, upper=1.0, status="optimal")
        geometric(s, epsilon=1.0)
    with pytest.raises(InvalidInputError, match="integers"):
        geometric(1.0, epsilon=1.0, trusted=True).release(0.5, insecure_rng=0)
    with pytest.raises(UnsupportedError, match="pld"):
        noise = geometric(1.0, epsilon=1.0, trusted=True)
        Accountant(ADD, method="pld").compose(noise).epsilon_at(1e-5)
