"""Trade-offs, advantage, reconstruction: closed forms and simulated attacks."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from scipy.stats import laplace as laplace_law
from scipy.stats import norm as normal

from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import Accountant
from tests.privacy.accounting.noises import ADD, multiplied

laplace = partial(privacy.laplace, relation=ADD, trusted=True)
ALPHAS = np.array([0.0, 1e-4, 0.01, 0.2, 0.5, 0.9, 1.0])


def test_gaussian_trade_off_is_the_likelihood_ratio_test():
    """The best test of N(0, 1) against N(mu, 1) is a threshold."""
    noise = multiplied(1.7)
    thresholds = normal.isf(ALPHAS)
    exact = normal.cdf(thresholds - 1 / 1.7)
    found = noise.trade_off(ALPHAS)
    assert (found <= exact).all()
    assert found == pytest.approx(exact, abs=1e-10)
    assert noise.advantage == pytest.approx(2 * normal.cdf(0.5 / 1.7) - 1, rel=1e-9)


def test_laplace_trade_off_against_its_threshold_tests():
    """Dong, Roth and Su (2022), lemma A.6: likelihood ratios are monotone."""
    noise = laplace(1.0, epsilon=1.3)
    at = np.array([0.01, 0.2, 0.4])
    exact = laplace_law.cdf(laplace_law.isf(at), loc=1.3)
    found = noise.trade_off(at)
    assert (found <= exact).all()
    assert found == pytest.approx(exact, abs=2e-3)
    assert noise.advantage == pytest.approx(1 - math.exp(-1.3 / 2), rel=1e-9)


@pytest.mark.long
def test_no_simulated_test_beats_the_trade_off_of_sampled_steps():
    q, steps, sigma, n = 0.3, 5, 1.0, 50_000
    many = Accountant(ADD).compose(multiplied(sigma), steps, sampling_probability=q)
    rng = np.random.default_rng(0)
    scores = []
    for present in (False, True):
        x = rng.normal(0, sigma, (steps, n)) + present * (rng.random((steps, n)) < q)
        scores.append(np.log1p(q * np.expm1(x - 0.5)).sum(0))
    alphas = np.array([0.01, 0.1, 0.5])
    for alpha, bound in zip(alphas, many.trade_off(alphas), strict=True):
        threshold = np.quantile(scores[0], 1 - alpha)
        missed = (scores[1] <= threshold).mean()
        assert missed >= bound - 1e-2  # four standard errors
        assert missed <= bound + 0.05  # and it is close to the best there is
    seen = max(
        (scores[1] > t).mean() - (scores[0] > t).mean() for t in np.linspace(-1, 3, 60)
    )
    assert seen <= many.advantage + 1e-2
    assert seen >= 0.9 * many.advantage


def test_reconstruction_of_one_of_ten_by_the_best_attacker():
    """Unit vectors with Gaussian noise: the largest coordinate is the best guess."""
    rng, sigma, n = np.random.default_rng(1), 1.2, 40_000
    x = rng.normal(0, sigma, (n, 10))
    x[:, 0] += 1
    right = (x.argmax(1) == 0).mean()
    noise = privacy.gaussian(1.0, scale=sigma, relation=ADD, trusted=True)
    assert right <= noise.reconstruction(0.1)
    assert right >= 0.6 * noise.reconstruction(0.1)
    assert noise.reconstruction(0.0) == pytest.approx(0.0, abs=1e-9)
    assert noise.reconstruction(1.0) == 1.0


def test_one_curve_of_one_release_and_many():
    one, many = multiplied(2.0), Accountant(ADD).compose(multiplied(4.0), 4)
    assert many.trade_off(ALPHAS) == pytest.approx(one.trade_off(ALPHAS), abs=1e-9)
    discrete = privacy.discrete_gaussian(
        1, epsilon=1.0, delta=1e-5, relation=ADD, trusted=True
    )
    close = multiplied(discrete.noise_multiplier).trade_off(0.01)
    assert discrete.trade_off(0.01) <= close + 1e-9
    assert discrete.trade_off(0.01) >= 0.7 * close


def test_statements_say_what_is_promised_and_what_it_rests_on():
    noise = privacy.gaussian(1.0, epsilon=1.0, delta=1e-5, relation=ADD, trusted=True)
    said = noise.statement()
    for words in ("(1, 1e-05)", "a record added or removed", "nobody certified it",
                  "insecure_rng"):  # fmt: skip
        assert words in said
    assert said == noise.statement(delta=1e-5)
    shown = math.ceil(noise.epsilon_at(1e-6) * 1000) / 1000
    assert f"({shown:g}, 1e-06)" in noise.statement(delta=1e-6)
    assert "(0.5, 0)" in laplace(1.0, epsilon=0.5).statement()
    with pytest.raises(InvalidInputError, match="at which `delta`"):
        multiplied(1.0).statement()
    both = Accountant(ADD).compose(noise, 2)
    assert "2 releases" in both.statement(delta=1e-5)


def test_refuses_what_is_no_probability():
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(InvalidInputError):
            multiplied(1.0).trade_off(bad)
        with pytest.raises(InvalidInputError):
            multiplied(1.0).reconstruction(bad)


# -- dp-accounting's events, back ------------------------------------------------------


def test_events_come_back_as_they_went():
    from dp_accounting import dp_event

    there = Accountant(ADD).compose(multiplied(2.0), 3)
    there.compose(multiplied(1.5), 2, sampling_probability=0.25)
    there.compose(laplace(1.0, epsilon=0.1))
    back = Accountant(ADD).compose_event(there.to_event())
    assert back._tally.counts == there._tally.counts
    again = Accountant(ADD).compose_event(dp_event.NoOpDpEvent())
    assert again.releases == 0
    some = dp_event.ComposedDpEvent(
        [dp_event.GaussianDpEvent(1.0), dp_event.NonPrivateDpEvent()]
    )
    with pytest.raises(UnsupportedError, match="no counterpart"):
        again.compose_event(some)
    sampled = dp_event.PoissonSampledDpEvent(0.1, dp_event.GaussianDpEvent(1.0))
    other = Accountant("replace_one")
    with pytest.raises(UnsupportedError, match="replace_one"):
        other.compose_event(
            dp_event.ComposedDpEvent([dp_event.GaussianDpEvent(1.0), sampled])
        )
    assert again.releases == other.releases == 0
