"""Accountants of Laplace and discrete noise, and of mixtures with Gaussian noise."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import (
    Accountant,
    Sensitivity,
)
from tests.amounts import seeds
from tests.privacy.accounting.noises import (
    ADD,
    discrete_gaussian,
    gaussian,
    laplace,
    multiplied,
)

# -- other noise -----------------------------------------------------------------------


def test_laplace_and_mixtures():
    noise = laplace(1.0, epsilon=0.5, trusted=True)
    accountant = Accountant(ADD).compose(noise)
    assert accountant.epsilon_at(1e-6) == pytest.approx(0.5, abs=1e-3)
    accountant.compose(noise)
    alone = accountant.epsilon_at(1e-6)
    assert 0.5 < alone <= 1.0 + 1e-3
    both = accountant.compose(multiplied(2.0))
    assert both.epsilon_at(1e-6) > max(alone, multiplied(2.0).epsilon_at(1e-6))
    assert both.epsilon_at(1e-6) < alone + multiplied(2.0).epsilon_at(1e-6)
    assert both.rho == pytest.approx(2 * 0.125 + 0.125)
    with pytest.raises(UnsupportedError, match="laplace noise has no exact mu"):
        _ = both.mu
    twice = laplace(1.0, epsilon=0.5, relation="replace_one", trusted=True)
    replaced = Accountant("replace_one").compose(twice, 2)
    assert replaced.epsilon_at(1e-6) == pytest.approx(alone)


@pytest.mark.parametrize("method", ["auto", "pld", "rdp"])
def test_pure_epsilons_add_up(method):
    accountant, exact = Accountant(ADD, method=method), mp.mpf(0)
    for epsilon in (0.1, 0.3, 0.7):
        noise = laplace(1.0, epsilon=epsilon, trusted=True)
        accountant.compose(noise, 3)
        exact += 3 / mp.mpf(noise.noise_multiplier)
    assert accountant.epsilon_at(0) >= exact
    assert accountant.epsilon_at(0) == pytest.approx(3.3, rel=1e-15)
    assert accountant.epsilon_at(1e-9) <= accountant.epsilon_at(0)
    accountant.compose(multiplied(5.0))
    with pytest.raises(InvalidInputError, match="delta"):
        accountant.epsilon_at(0)


@pytest.mark.parametrize("seed", seeds(1, 4))
def test_mixtures_lie_above_optimistic_distributions(seed):
    """dp-accounting's loss distributions, rounded so that they say too little."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    rng, low = np.random.default_rng(seed), None
    accountants = [Accountant(ADD, method=m) for m in ("auto", "pld", "rdp")]
    for _ in range(3):
        q, count = rng.choice([1.0, 0.5, 0.1, 0.01]), int(rng.choice([1, 5, 50]))
        m = rng.uniform(0.7, 6)
        if rng.random() < 0.6:
            make, noise = pld.from_gaussian_mechanism, multiplied(m)
        else:
            make, noise = (
                pld.from_laplace_mechanism,
                laplace(1.0, scale=m, trusted=True),
            )
        for accountant in accountants:
            accountant.compose(noise, count, sampling_probability=q)
        one = make(m, sampling_prob=q, pessimistic_estimate=False,
                   use_connect_dots=False).self_compose(count)  # fmt: skip
        low = one if low is None else low.compose(one)
    for delta in (1e-9, 1e-5, 1e-2):
        least = low.get_epsilon_for_delta(delta)
        found = [a.epsilon_at(delta) for a in accountants]
        assert min(found) >= least * (1 - 1e-12)
        assert found[0] <= least * 1.1 + 1e-3
    for epsilon in (0.1, 1.0, 5.0):
        least = low.get_delta_for_epsilon(epsilon)
        found = [a.delta_at(epsilon) for a in accountants]
        assert min(found) >= least * (1 - 1e-9) - 1e-13  # theirs is from an FFT


def test_discrete_noise_is_accounted_by_renyi_divergence():
    noise = discrete_gaussian(1.0, scale=4.0, trusted=True)
    accountant = Accountant(ADD).compose(noise, 10)
    assert accountant.rho == pytest.approx(10 / 32, rel=1e-12)
    exact = multiplied(4.0 / math.sqrt(10)).epsilon_at(1e-5)
    assert exact < accountant.epsilon_at(1e-5) < 1.15 * exact
    assert 0 < accountant.delta_at(3.0) < 1
    with pytest.raises(UnsupportedError, match="nothing is left"):
        Accountant(ADD, method="pld").compose(noise).epsilon_at(1e-5)
    with pytest.raises(UnsupportedError, match="sampled discrete"):
        accountant.compose(noise, sampling_probability=0.5)


def test_sampled_laplace():
    noise = laplace(1.0, epsilon=1.0, trusted=True)
    accountant = Accountant(ADD).compose(noise, sampling_probability=0.1)
    # amplification by sampling (Li, Qardaji and Su 2012): log(1 + q (e^epsilon - 1))
    assert accountant.epsilon_at(1e-9) <= math.log1p(0.1 * math.expm1(1.0)) * 1.001
    assert accountant.epsilon_at(1e-9) >= 0.9 * math.log1p(0.1 * math.expm1(1.0))
    pure = math.log1p(0.1 * math.expm1(1.0))
    assert accountant.epsilon_at(1e-14) <= pure * (1 + 1e-9)
    for order in (1.5, 2, 8, 1000):  # both ways round, against integrals
        exact = []
        for away in (True, False):

            def moment(x, away=away, order=order):
                p = mp.exp(-abs(x)) / 2
                mixed = 0.9 * p + 0.1 * mp.exp(-abs(x - 1)) / 2
                top, low = (mixed, p) if away else (p, mixed)
                return (top / low) ** order * low

            moments = mp.quad(moment, [-60, 0, 0.5, 1, 61])
            exact.append(mp.log(moments) / (order - 1))
        assert accountant.rdp([order])[0] >= max(exact)
        assert accountant.rdp([order])[0] <= pure * (1 + 1e-9)


@pytest.mark.long
def test_many_sampled_laplace_steps():
    """Distributions serve while losses are moderate, divergences beyond."""
    noise = laplace(1.0, epsilon=1.0, trusted=True)
    pure = math.log1p(0.01 * math.expm1(1.0))
    for steps in (1000, 10**6):
        accountant = Accountant(ADD).compose(noise, steps, sampling_probability=0.01)
        rho = steps * pure**2 / 2
        assert accountant.epsilon_at(1e-5) <= rho + 2 * math.sqrt(rho * math.log(1e5))
    assert accountant.epsilon_at(1e-12) < 10**6 * pure
    large = laplace(1.0, scale=1e-3, trusted=True)
    accountant = Accountant(ADD).compose(large, sampling_probability=0.5)
    assert accountant.epsilon_at(1e-5) == pytest.approx(1000 + math.log(0.5))
    rarely = Accountant(ADD).compose(large, sampling_probability=1e-300)
    exact = mp.log1p(mp.mpf(1e-300) * mp.expm1(1000))
    assert exact <= rarely.rdp([1e9])[0] <= float(exact) * (1 + 1e-12)


def test_sampling_needs_a_sum_of_contributions():
    s = Sensitivity(quantity="lipschitz", norm=2, upper=1.0, status="optimal")
    moved = gaussian(s, mu=1.0, relation="replace_one", distance=1.0)
    with pytest.raises(UnsupportedError):
        Accountant("replace_one").compose(moved, sampling_probability=0.5)
