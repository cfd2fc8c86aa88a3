"""Laplace and discrete Gaussian noise, held against sums and integrals."""

from __future__ import annotations

import math
from functools import partial

import mpmath as mp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm as normal

from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import Sensitivity
from deuterium.privacy.mechanisms.privacy_curves import (
    pure_mu,
    rho_delta,
    rho_epsilon,
    rho_for,
)

discrete_gaussian = partial(privacy.discrete_gaussian, relation="add_or_remove_one")
laplace = partial(privacy.laplace, relation="add_or_remove_one")

EPSILONS = [0.01, 0.3, 1.0, 4.0, 20.0]


# -- Laplace ---------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("moved", [1.0, 0.1, 7.3])
def test_scale_is_sensitivity_over_epsilon_rounded_up(epsilon, moved):
    noise = laplace(moved, epsilon=epsilon, trusted=True)
    with mp.workdps(40):
        exact = mp.mpf(moved) / mp.mpf(epsilon)
        assert exact <= mp.mpf(noise.scale) <= exact * (1 + mp.mpf(1e-15))
    assert noise.pure_epsilon <= epsilon
    assert noise.epsilon_at(0) == noise.pure_epsilon
    assert (noise.epsilon, noise.delta, noise.sensitivity) == (epsilon, 0, moved)
    twice = laplace(moved, epsilon=epsilon, relation="replace_one", trusted=True)
    assert twice.sensitivity == 2 * moved
    assert twice.scale == pytest.approx(2 * noise.scale)
    assert twice.noise_multiplier == noise.noise_multiplier


@pytest.mark.parametrize("e0", [0.1, 1.0, 5.0])
def test_delta_against_an_integral(e0):
    noise = laplace(1.0, epsilon=e0, trusted=True)
    b = 1 / mp.mpf(e0)

    def excess(x, epsilon):
        p = mp.exp(-abs(x) / b) / (2 * b)
        q = mp.exp(-abs(x - 1) / b) / (2 * b)
        return max(p - mp.exp(epsilon) * q, 0)

    for share in (0.0, 0.25, 0.9):
        epsilon = share * e0
        edge = (1 - epsilon * b) / 2  # where the excess ends
        exact = mp.quad(lambda x, e=epsilon: excess(x, e), [-60 * b, 0, edge])
        assert noise.delta_at(epsilon) == pytest.approx(float(exact), rel=1e-9)
        assert noise.epsilon_at(noise.delta_at(epsilon)) >= epsilon * (1 - 1e-9)
    assert noise.delta_at(e0) == 0
    assert noise.epsilon_at(0.999) == 0


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.2, 0.8), (2, 3), (0.05, 3)])
def test_one_coordinate_is_the_worst_case_of_two(a, b):
    """The curves are those of one coordinate that moves by the whole L1 sensitivity."""

    def losses(shift, n=1200):
        at = np.linspace(0, shift, n + 1)
        inside = np.diff(1 - 0.5 * np.exp(-at))
        mass = np.concatenate([[0.5], inside, [0.5 * math.exp(-shift)]])
        # the larger loss of each cell: an upper bound
        return np.concatenate([[shift], shift - 2 * at[:-1], [-shift]]), mass

    (l1, p1), (l2, p2) = losses(a), losses(b)
    total, mass = l1[:, None] + l2, p1[:, None] * p2
    noise = laplace(a + b, scale=1.0, trusted=True)
    for share in (0.0, 0.2, 0.5, 0.8, 0.95):
        epsilon = share * (a + b)
        delta = (mass * np.clip(1 - np.exp(epsilon - total), 0, None)).sum()
        assert delta <= noise.delta_at(epsilon)
        assert delta > 0.01 * noise.delta_at(epsilon)


@pytest.mark.parametrize("e0", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("order", [1.1, 2, 5, 40])
def test_renyi_divergence_against_an_integral(e0, order):
    noise = laplace(1.0, epsilon=e0, trusted=True)
    b = 1 / mp.mpf(e0)

    def integrand(x):
        p, q = mp.exp(-abs(x) / b), mp.exp(-abs(x - 1) / b)
        return (p / q) ** order * q / (2 * b)

    exact = mp.log(mp.quad(integrand, [-80 * b, 0, 1, 1 + 80 * b])) / (order - 1)
    found = noise.rdp([order])[0]
    assert found >= exact * (1 - mp.mpf(1e-12))
    assert found == pytest.approx(float(exact), rel=1e-8)
    assert noise.rho * order >= found


@pytest.mark.parametrize("epsilon", [1e-9, *EPSILONS, 200.0])
def test_mu_of_a_pure_epsilon_lies_below_its_trade_off_curve(epsilon):
    mu = pure_mu(epsilon)
    alpha = np.linspace(0, 1, 2001)[1:-1]
    pure = np.maximum.reduce(
        [np.zeros_like(alpha), 1 - np.exp(epsilon) * alpha,
         np.exp(-epsilon) * (1 - alpha)]
    )  # fmt: skip
    gauss = normal.cdf(normal.isf(alpha) - mu)
    assert (gauss <= pure + 1e-12).all()
    corner = 1 / (1 + mp.exp(epsilon))
    touching = mp.ncdf(mp.mpf(normal.isf(float(corner))) - mu)
    assert touching == pytest.approx(float(corner), rel=1e-6)


@pytest.mark.parametrize("mu", [1e-12, 1e-6, 0.01, 1.0, 30.0])
def test_mu_is_kept_to_the_last_digit(mu):
    """log(Phi(mu / 2) / Phi(-mu / 2)) cancels where mu is small."""
    noise = laplace(1.0, mu=mu, trusted=True)
    with mp.workdps(80):
        half = mp.mpf(mu) / 2
        exact = mp.log(mp.ncdf(half) / mp.ncdf(-half))
        assert 1 / mp.mpf(noise.noise_multiplier) <= exact
        assert 1 / mp.mpf(noise.noise_multiplier) >= exact * (1 - mp.mpf(1e-15))
    assert noise.mu <= mu
    assert noise.mu == pytest.approx(mu, rel=1e-15)


@pytest.mark.parametrize("wanted", [0.1, 1.0, 3.0])
def test_other_promises_of_laplace(wanted):
    by_rho = laplace(1.0, rho=wanted, trusted=True)
    assert by_rho.rho <= wanted
    assert by_rho.rho == pytest.approx(wanted, rel=1e-12)
    by_scale = laplace(1.0, scale=wanted, trusted=True)
    assert by_scale.scale == wanted
    assert by_scale.pure_epsilon == pytest.approx(1 / wanted)
    with_delta = laplace(1.0, epsilon=wanted, delta=0.01, trusted=True)
    assert with_delta.scale < 1 / wanted
    assert with_delta.delta_at(wanted) <= 0.01
    assert with_delta.delta_at(wanted) == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1e20])
def test_extreme_laplace_noise_has_curves(scale):
    noise = laplace(1.0, scale=scale, trusted=True)
    assert noise.pure_epsilon == pytest.approx(1 / scale, rel=1e-15)
    assert 0 < noise.mu <= 2.6 * max(scale**-0.5, 1 / scale)
    assert 0 < noise.delta_at(0.0) <= 1
    assert noise.delta_at(0.0) >= -math.expm1(-0.5 / scale)
    assert (noise.rdp([1.1, 2, 1e6]) <= noise.pure_epsilon).all()
    for arguments in ({"mu": 1e-320}, {"rho": 1e-320}, {"scale": 1e-300}):
        with pytest.raises(InvalidInputError, match="too far apart"):
            laplace(1.0, trusted=True, **arguments)


def test_laplace_refuses():
    for arguments in ({}, {"epsilon": 1.0, "rho": 1.0}):
        with pytest.raises(InvalidInputError, match="exactly one"):
            laplace(1.0, trusted=True, **arguments)
    with pytest.raises(InvalidInputError, match="goes with `epsilon`"):
        laplace(1.0, rho=1.0, delta=1e-5, trusted=True)
    with pytest.raises(InvalidInputError, match="epsilon"):
        laplace(1.0, epsilon=0.0, trusted=True)
    with pytest.raises(InvalidInputError, match="delta"):
        laplace(1.0, epsilon=1.0, delta=1.0, trusted=True)
    with pytest.raises(UnsupportedError, match="trusted=True"):
        laplace(1.0, epsilon=1.0)


# -- discrete Gaussian -----------------------------------------------------------------


def mass_of(sigma, reach):
    return np.exp(logarithms_of(sigma, reach))


def logarithms_of(sigma, reach):
    y = np.arange(-reach, reach + 1)
    logs = -(y.astype(float) ** 2) / (2 * sigma**2)
    return logs - logsumexp(logs)


@pytest.mark.parametrize("sigma", [0.7, 2.0, 11.3])
@pytest.mark.parametrize("shift", [1, 3])
def test_discrete_delta_against_a_sum(sigma, shift):
    noise = discrete_gaussian(float(shift), scale=sigma, trusted=True)
    reach = int(60 * sigma) + 10
    logs = logarithms_of(sigma, reach)
    log_p, log_q = logs[shift:], logs[:-shift]
    p, q = np.exp(log_p), np.exp(log_q)
    for epsilon in (0.0, 0.1, 1.0, 5.0):
        exact = np.clip(p - np.exp(epsilon) * q, 0, None).sum()
        assert noise.delta_at(epsilon) >= exact
    for order in (1.5, 2, 10):
        divergence = logsumexp(order * log_p + (1 - order) * log_q) / (order - 1)
        assert noise.rdp([order])[0] >= divergence * (1 - 1e-12)
    assert noise.rho == pytest.approx(shift**2 / (2 * sigma**2), rel=1e-12)


def test_discrete_delta_in_two_coordinates():
    """A move by (1, 1) has L2 norm sqrt(2)."""
    sigma = 2.5
    noise = discrete_gaussian(math.sqrt(2), scale=sigma, trusted=True)
    mass = mass_of(sigma, 150)
    p, q = np.outer(mass[1:], mass[1:]), np.outer(mass[:-1], mass[:-1])
    for epsilon in (0.0, 0.5, 2.0):
        exact = np.clip(p - np.exp(epsilon) * q, 0, None).sum()
        assert exact <= noise.delta_at(epsilon)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-5, 0.01])
def test_discrete_calibration_keeps_its_promise(epsilon, delta):
    noise = discrete_gaussian(1.0, epsilon=epsilon, delta=delta, trusted=True)
    assert noise.delta_at(epsilon) <= delta
    assert noise.epsilon_at(delta) <= epsilon
    assert noise.epsilon_at(delta) == pytest.approx(epsilon, rel=1e-6)
    from dp_accounting import get_sigma_gaussian

    exact = get_sigma_gaussian(epsilon, delta)
    assert 0.99 * exact < noise.noise_multiplier < 1.3 * exact


def test_discrete_refuses_what_it_has_not():
    noise = discrete_gaussian(2.0, rho=0.5, trusted=True)
    assert noise.sigma == pytest.approx(2.0)
    assert noise.rho <= 0.5
    with pytest.raises(UnsupportedError, match="not exactly Gaussian"):
        _ = noise.mu
    with pytest.raises(UnsupportedError, match="norm=2"):
        s = Sensitivity(quantity="contribution", norm=1, upper=1.0, status="optimal")
        discrete_gaussian(s, rho=1.0)
    with pytest.raises(InvalidInputError, match="exactly one"):
        discrete_gaussian(1.0, trusted=True)
    with pytest.raises(InvalidInputError, match="goes with `epsilon`"):
        discrete_gaussian(1.0, rho=1.0, delta=1e-5, trusted=True)


# -- conversions from rho --------------------------------------------------------------


@pytest.mark.parametrize("rho", [1e-6, 1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("delta", [1e-12, 1e-5, 0.1])
def test_conversion_is_the_best_over_orders(rho, delta):
    from dp_accounting.rdp.rdp_privacy_accountant import compute_epsilon

    orders = 1 + np.geomspace(1e-2, 1e5, 4001)
    theirs, _ = compute_epsilon(orders, rho * orders, delta)
    ours = rho_epsilon(rho, delta)
    if ours > 0 and theirs > 0:  # they also know the bound by total variation
        assert ours <= theirs * (1 + 1e-9)
    # the Gaussian mechanism of this rho: nothing smaller can be true
    m = mp.mpf(1) / mp.sqrt(2 * mp.mpf(rho))
    with mp.workdps(50):
        x, eps = 1 / (2 * m), mp.mpf(ours)
        exact = mp.ncdf(x - eps * m) - mp.exp(eps) * mp.ncdf(-x - eps * m)
        assert exact <= delta
    assert rho_delta(rho, ours) <= delta * (1 + 1e-6)
    back = rho_for(ours, delta) if ours > 0 else rho
    assert back >= rho * (1 - 1e-6)


def test_no_loss_promises_nothing_lost():
    assert rho_epsilon(0.0, 1e-5) == 0
    assert rho_delta(0.0, 1.0) == 0
