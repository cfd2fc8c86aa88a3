"""Many releases together, held against exact curves and simulated privacy losses."""

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
from deuterium.privacy import (
    Accountant,
    Sensitivity,
)
from deuterium.privacy.accounting.participation import Participation
from tests.amounts import draws, seeds, some
from tests.privacy.accounting.noises import ADD, exact_delta, gaussian, multiplied

noise_multiplier = partial(privacy.noise_multiplier, relation=ADD)


# -- Gaussian noise, no sampling -------------------------------------------------------


def test_changing_sensitivities_add_up_exactly():
    """Fifty steps whose sensitivity and noise both change."""
    rng = np.random.default_rng(0)
    accountant, total = Accountant(ADD), mp.mpf(0)
    for _ in range(50):
        s = Sensitivity(
            quantity="contribution", norm=2, upper=rng.uniform(0.1, 5), status="optimal"
        )
        noise = gaussian(s, scale=rng.uniform(20, 90))
        accountant.compose(noise)
        total += (mp.mpf(s.upper) / mp.mpf(noise.sigma)) ** 2
    assert accountant.releases == 50
    assert repr(accountant) == "<Accountant, add_or_remove_one: 50 releases>"
    assert accountant.mu >= mp.sqrt(total)
    assert accountant.mu == pytest.approx(float(mp.sqrt(total)), rel=1e-12)
    assert accountant.rho == pytest.approx(float(total / 2), rel=1e-12)
    for epsilon in (0.1, 1.0):
        exact = exact_delta(1 / mp.sqrt(total), epsilon)
        assert accountant.delta_at(epsilon) >= exact
        assert accountant.delta_at(epsilon) == pytest.approx(float(exact), rel=1e-9)
    found = accountant.epsilon_at(1e-5)
    assert exact_delta(1 / mp.sqrt(total), found) <= 1e-5
    assert exact_delta(1 / mp.sqrt(total), found * (1 - 1e-6)) > 1e-5


@pytest.mark.parametrize(
    ("delta", "steps"), some([(1e-8, 1), (1e-5, 100), (0.01, 1), (0.01, 100)], 3)
)
def test_all_methods_agree_and_none_is_below_the_truth(steps, delta):
    found = {}
    for method in ("auto", "pld", "rdp"):
        accountant = Accountant(ADD, method=method).compose(multiplied(8.0), steps)
        found[method] = accountant.epsilon_at(delta)
        assert exact_delta(8.0 / math.sqrt(steps), found[method]) <= delta
        assert accountant.delta_at(0.5) >= exact_delta(8.0 / math.sqrt(steps), 0.5)
    assert found["auto"] <= found["pld"] <= found["rdp"]
    assert found["pld"] == pytest.approx(found["auto"], rel=1e-3, abs=1e-3)


def test_published_story_of_the_bars():
    """Effective multiplier 10, 2000 full batches: epsilon 28.4 at 1e-5, and 77.3."""
    assert Accountant(ADD).compose(multiplied(10.0), 2000).epsilon_at(
        1e-5
    ) == pytest.approx(28.4, abs=0.05)
    assert Accountant(ADD).compose(multiplied(5.0), 2000).epsilon_at(
        1e-5
    ) == pytest.approx(77.3, abs=0.05)


# -- sigma over C, or sigma over Delta -------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "pld", "rdp"])
def test_replacing_one_record_is_not_accounted_as_adding_one(method):
    """Contribution C = 1 and sigma = 2: the result moves by 2, the multiplier is 1.

    The value is pinned from the exact curve.  Handing sigma / C = 2 to an accountant
    that takes no notice of the relation would state an epsilon of 1.99.
    """
    with mp.workdps(40):
        exact = mp.findroot(lambda e: exact_delta(1.0, e) - mp.mpf("1e-5"), 4.4)
    assert float(exact) == pytest.approx(4.37717809568, abs=1e-10)
    noise = gaussian(1.0, scale=2.0, relation="replace_one", trusted=True)
    assert noise.noise_multiplier == 1.0
    assert noise.epsilon_at(1e-5) == pytest.approx(float(exact), rel=1e-9)
    accountant = Accountant("replace_one", method=method).compose(noise)
    assert accountant.epsilon_at(1e-5) >= exact
    assert accountant.epsilon_at(1e-5) == pytest.approx(float(exact), rel=0.1)
    confused = Accountant(ADD, method=method).compose(multiplied(2.0)).epsilon_at(1e-5)
    assert confused < 0.6 * float(exact)


def test_relations_cannot_be_mixed():
    with pytest.raises(InvalidInputError, match="of one relation"):
        Accountant("replace_one").compose(multiplied(1.0))
    with pytest.raises(InvalidInputError, match="Did you mean"):
        Accountant("replace")


def test_sampling_under_replace_one_is_refused_and_without_it_is_right():
    noise = multiplied(1.0, "replace_one")
    accountant = Accountant("replace_one")
    with pytest.raises(UnsupportedError, match="issue 378"):
        accountant.compose(noise, sampling_probability=0.1)
    assert accountant.releases == 0
    unsampled = accountant.compose(noise, sampling_probability=1.0)
    assert unsampled.epsilon_at(1e-5) == pytest.approx(4.37717809568, abs=1e-9)


# -- Poisson sampling ------------------------------------------------------------------


@pytest.mark.parametrize("q", some([0.3, 0.01], 1))
@pytest.mark.parametrize("sigma", some([0.8, 3.0], 1))
def test_one_sampled_step_against_its_formula(q, sigma):
    """delta of (1-q) N(0) + q N(1) against N(0), both ways round."""
    accountant = Accountant(ADD).compose(multiplied(sigma), sampling_probability=q)
    for epsilon in (0.05, 0.5):
        edge = sigma**2 * math.log((math.expm1(epsilon) + q) / q) + 0.5
        tail = normal.sf(edge / sigma)
        added = q * normal.sf((edge - 1) / sigma) + (1 - q) * tail
        delta = added - math.exp(epsilon) * tail
        if math.exp(-epsilon) > 1 - q:
            edge = sigma**2 * math.log((math.exp(-epsilon) - 1 + q) / q) + 0.5
            mixed = q * normal.cdf((edge - 1) / sigma)
            mixed += (1 - q) * normal.cdf(edge / sigma)
            removed = normal.cdf(edge / sigma) - math.exp(epsilon) * mixed
            delta = max(delta, removed)
        found = accountant.delta_at(epsilon)
        assert found >= delta * (1 - 1e-12)
        assert found == pytest.approx(delta, rel=2e-3, abs=2e-12)


@pytest.mark.long
@pytest.mark.parametrize("seed", seeds(1, 2))
def test_sampled_composition_against_simulated_losses(seed):
    """E[max(0, 1 - exp(epsilon - loss))] over drawn losses estimates delta."""
    rng, q, steps, sigma, n = np.random.default_rng(seed), 0.2, 20, 1.5, 200_000
    loss = np.zeros(n)
    for _ in range(steps):
        x = rng.normal(0, sigma, n) + (rng.random(n) < q)
        ratio = np.stack([np.full(n, math.log1p(-q)),
                          math.log(q) + (2 * x - 1) / (2 * sigma**2)])  # fmt: skip
        loss += logsumexp(ratio, axis=0)
    accountant = Accountant(ADD).compose(
        multiplied(sigma), steps, sampling_probability=q
    )
    for epsilon in (0.5, 1.5):
        drawn = np.clip(1 - np.exp(epsilon - loss), 0, None)
        error = drawn.std() / math.sqrt(n)
        found = accountant.delta_at(epsilon)
        assert found >= drawn.mean() - 5 * error
        assert found <= drawn.mean() + 5 * error + 2e-3 * found


def test_published_values():
    """Abadi and others (CCS 2016, section 3.2): 1.26; TensorFlow Privacy's MNIST: 2.92.

    Both by looser conversions, so that ours must lie below, and not far.
    """
    abadi = Accountant(ADD, method="rdp")
    abadi.compose(multiplied(4.0), 10_000, sampling_probability=0.01)
    assert 0.75 * 1.26 < abadi.epsilon_at(1e-5) < 1.26
    mnist, tighter = (
        Accountant(ADD, method="rdp"),
        Accountant(ADD),
    )
    for accountant in (mnist, tighter):
        steps = 60 * 60_000 // 256
        accountant.compose(multiplied(1.1), steps, sampling_probability=256 / 60_000)
    assert 0.85 * 2.92 < mnist.epsilon_at(1e-5) < 2.92
    assert 0.85 * mnist.epsilon_at(1e-5) < tighter.epsilon_at(1e-5)
    assert tighter.epsilon_at(1e-5) < mnist.epsilon_at(1e-5)


def test_sampling_nobody_or_everybody():
    noise = multiplied(1.0)
    nobody = Accountant(ADD).compose(noise, 10, sampling_probability=0.0)
    assert nobody.releases == nobody.epsilon_at(1e-5) == nobody.delta_at(0.0) == 0
    everybody = Accountant(ADD).compose(noise, 3, sampling_probability=1.0)
    assert everybody.epsilon_at(1e-5) == Accountant(ADD).compose(noise, 3).epsilon_at(
        1e-5
    )


def test_many_multipliers_are_rounded_down_until_they_are_few():
    rng = np.random.default_rng(0)
    multipliers = rng.uniform(2.0, 3.0, 40)
    accountant = Accountant(ADD, method="rdp")
    exact = np.zeros(1)
    for m in multipliers:
        accountant.compose(multiplied(m), sampling_probability=0.05)
        one = Accountant(ADD, method="rdp").compose(
            multiplied(m), sampling_probability=0.05
        )
        exact += one.rdp([8.0])
    assert accountant.rdp([8.0]) == pytest.approx(exact, rel=1e-9)
    few = accountant._tally.few()
    assert len(few) <= 32
    assert sum(few.values()) == 40
    at_least = sorted(k[1] for k, n in few.items() for _ in range(n))
    assert all(a <= b for a, b in zip(at_least, sorted(multipliers), strict=True))
    assert min(a / b for a, b in zip(at_least, sorted(multipliers), strict=True)) > 0.95
    steady = Accountant(ADD, method="rdp")
    steady.compose(multiplied(multipliers.min()), 40, sampling_probability=0.05)
    assert accountant.epsilon_at(1e-5) < steady.epsilon_at(1e-5)


@pytest.mark.parametrize(
    ("q", "m"), some([(0.2, 1.0), (0.999, 0.05), (0.999, 1.0), (0.2, 0.05)], 1)
)
def test_by_how_often_a_record_takes_part(q, m):
    """An upper bound of one step's formula, and never above the noise unsampled."""
    drawn = Participation(0.0, m, q, 1)
    for epsilon in (0.1, 2.0, 100.0):
        exact = q * exact_delta(m, epsilon)  # the mean, for a step that is taken or not
        assert drawn.delta_at(epsilon) >= exact
        assert drawn.delta_at(epsilon) <= float(exact) * (1 + 1e-6) + 1e-13
    whole = Accountant(ADD).compose(multiplied(m), 7).epsilon_at(1e-6)
    sampled = Accountant(ADD).compose(multiplied(m), 7, sampling_probability=q)
    assert sampled.epsilon_at(1e-6) <= whole


@pytest.mark.drawn
@pytest.mark.parametrize("ends", some([((0.056, 0.0465),), ((0.3631, 0.3626),)], 1))
def test_epsilon_is_continuous_in_the_noise(ends):
    found = [
        Accountant(ADD).compose(multiplied(m), 10, sampling_probability=0.05)
        for m in np.geomspace(*ends, draws(2, 3))
    ]
    epsilons = np.array([a.epsilon_at(1e-5) for a in found])
    slope = np.diff(np.log(epsilons)) / math.log(ends[0] / ends[1]) * (len(found) - 1)
    assert (slope >= 0).all()  # less noise, more loss
    assert (slope <= 2.3).all()  # as the square of 1 / multiplier, and a little


# -- the rest --------------------------------------------------------------------------


def test_tiny_deltas_are_left_to_renyi_divergence():
    accountant = Accountant(ADD).compose(multiplied(2.0), sampling_probability=0.1)
    assert accountant.epsilon_at(1e-14) >= accountant.epsilon_at(1e-9)
    with pytest.raises(UnsupportedError, match="nothing is left"):
        Accountant(ADD, method="pld").compose(multiplied(2.0)).epsilon_at(1e-14)


def test_event_is_what_dp_accounting_understands():
    from dp_accounting.rdp import RdpAccountant

    ours = Accountant(ADD, method="rdp").compose(multiplied(2.0), 3)
    ours.compose(multiplied(1.5), 2, sampling_probability=0.25)
    orders = [2, 3, 8, 64]
    theirs = RdpAccountant(orders=orders).compose(ours.event())
    assert ours.rdp(orders) == pytest.approx(theirs.rdp, rel=2e-9)
    assert (ours.rdp(orders) >= theirs.rdp).all()
    # between whole orders ours are chords
    assert ours.epsilon_at(1e-5) == pytest.approx(4.35069998, rel=5e-3)


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("q", "sigma"), some([(0.01, 0.8), (1e-8, 100.0), (0.5, 5.0)], 1)
)
def test_sampled_divergences_are_never_below_an_integral(q, sigma):
    """Also at orders between whole numbers, and where they are next to nothing."""
    accountant = Accountant(ADD).compose(multiplied(sigma), sampling_probability=q)
    orders = [1.1, 2.0, 7.9, 1.5, 2.5, 63.0][: draws(2, 6)]
    for order, found in zip(orders, accountant.rdp(orders), strict=True):
        with mp.workdps(40):
            s, a = mp.mpf(sigma), mp.mpf(order)

            def moment(x, s=s, a=a):
                mixed = 1 - mp.mpf(q) + mp.mpf(q) * mp.exp((2 * x - 1) / (2 * s**2))
                return mp.npdf(x, 0, s) * mixed**a

            ends = mp.linspace(-16 * s, order + 16 * s, 9)
            exact = mp.log(mp.quad(moment, ends)) / (a - 1)
        assert found >= exact
        assert found <= float(exact) * 2.2 + 1e-14


@pytest.mark.parametrize("m", [1e-9, 1e-4, 0.02])
def test_hardly_any_noise_neither_fills_the_memory_nor_fails(m, caplog):
    """Distributions of such losses would take terabytes; they are not asked for."""
    noise = multiplied(m)
    accountant = Accountant(ADD).compose(noise, 10, sampling_probability=0.1)
    assert accountant.epsilon_at(1e-5) > 0.05 / m**2
    assert accountant.epsilon_at(1e-5) <= Accountant(ADD).compose(noise, 10).rho * 100
    assert accountant.delta_at(1.0) >= 1 - 0.9**10 - 1e-12
    with pytest.raises(UnsupportedError, match="no losses above"):
        Accountant(ADD, method="pld").compose(noise).epsilon_at(1e-5)
    assert not caplog.records  # nor warnings of series that do not converge


@pytest.mark.parametrize("m", [1e-20, 1e-12, 1e8, 1e20])
def test_extreme_noise_has_curves(m):
    accountant = Accountant(ADD).compose(multiplied(m), 10)
    with mp.workdps(80):
        mu = mp.sqrt(10) / mp.mpf(m)
        assert accountant.mu >= mu
        assert accountant.rho >= mu**2 / 2
    assert accountant.mu == pytest.approx(float(mu), rel=1e-15)
    assert accountant.epsilon_at(1e-5) <= accountant.rho * 1.1 + accountant.mu * 6
    assert accountant.delta_at(1.0) > 0


@pytest.mark.parametrize("m", [0.7, 1.0, 3.3, 1e3])
def test_one_release_is_what_it_is_by_itself(m):
    noise = multiplied(m)
    alone = Accountant(ADD).compose(noise)
    assert alone.mu == noise.mu
    assert alone.epsilon_at(1e-5) == noise.epsilon_at(1e-5)
    assert alone.delta_at(0.5) == noise.delta_at(0.5)


def test_profile_is_delta_at():
    accountant = Accountant(ADD).compose(multiplied(2.0), sampling_probability=0.5)
    assert accountant.profile([0.1, 1.0]).tolist() == [
        accountant.delta_at(0.1), accountant.delta_at(1.0)
    ]  # fmt: skip


@pytest.mark.parametrize(("epsilon", "delta"), some([(0.5, 1e-6), (1.0, 1e-5)], 1))
@pytest.mark.parametrize(("steps", "q"), some([(1, 1.0), (300, 1.0), (30, 0.05)], 2))
def test_multiplier_for_many_steps(epsilon, delta, steps, q):
    m = noise_multiplier(epsilon, delta, steps=steps, sampling_probability=q)

    def reached(multiplier):
        accountant = Accountant(ADD)
        accountant.compose(multiplied(multiplier), steps, sampling_probability=q)
        return accountant.epsilon_at(delta)

    assert reached(m) <= epsilon
    assert reached(m * 0.997) > epsilon


def test_refuses():
    for bad in (-1, 1.5, True, "3"):
        with pytest.raises(InvalidInputError, match="count"):
            Accountant(ADD).compose(multiplied(1.0), bad)
    for bad in (-0.1, 1.1, math.nan, "q"):
        with pytest.raises(InvalidInputError, match="sampling_probability"):
            Accountant(ADD).compose(multiplied(1.0), sampling_probability=bad)
    with pytest.raises(InvalidInputError, match="method"):
        Accountant(ADD, method="prv")
    with pytest.raises(InvalidInputError, match="got float"):
        Accountant(ADD).compose(1.0)
    for bad in (0, 1.5, True):
        with pytest.raises(InvalidInputError, match="steps"):
            noise_multiplier(1.0, 1e-5, steps=bad)
    for epsilon, delta in ((0.0, 1e-5), (1e9, 1e-5), (1.0, 0.0), (1.0, 1e-300)):
        with pytest.raises(InvalidInputError, match="must be a number from"):
            noise_multiplier(epsilon, delta)
    with pytest.raises(InvalidInputError, match="must be > 0"):
        noise_multiplier(1.0, 1e-5, sampling_probability=0.0)
    sampled = Accountant(ADD).compose(multiplied(1.0), sampling_probability=0.5)
    for what in ("mu", "rho"):
        with pytest.raises(UnsupportedError, match="sampl"):
            getattr(sampled, what)


@pytest.mark.parametrize(
    ("m", "q", "steps"),
    some([(3.0, 0.99, 60), (0.05, 0.5, 1), (1.0, 0.999, 10)], 1),
)
@pytest.mark.parametrize("method", some(["auto", "rdp"], 1))
def test_sampling_never_costs_more(m, q, steps, method):
    """However it is worked out: who may be left out is not better known for it."""
    whole = Accountant(ADD, method=method).compose(multiplied(m), steps)
    part = Accountant(ADD, method=method)
    part.compose(multiplied(m), steps, sampling_probability=q)
    most = 1.0 if method == "auto" else 1 + 1e-9  # what either rounds by
    for delta in (1e-12, 0.1):
        assert part.epsilon_at(delta) <= whole.epsilon_at(delta) * most
    for epsilon in (0.0, 1.0):
        assert part.delta_at(epsilon) <= whole.delta_at(epsilon) * most
