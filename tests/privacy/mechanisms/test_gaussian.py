"""Noise is never too little: held against the exact delta of the Gaussian mechanism."""

from __future__ import annotations

import math
from functools import partial

import mpmath as mp
import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import Sensitivity

gaussian = partial(privacy.gaussian, relation="add_or_remove_one")


def delta_of(epsilon: float, multiplier: float) -> mp.mpf:
    """Return the exact delta (Balle and Wang 2018, theorem 8), sensitivity 1."""
    with mp.workdps(60):
        eps, sigma = mp.mpf(epsilon), mp.mpf(multiplier)
        first = mp.ncdf(1 / (2 * sigma) - eps * sigma)
        return first - mp.exp(eps) * mp.ncdf(-1 / (2 * sigma) - eps * sigma)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 0.1, 0.5, 1, 2, 5, 10, 100, 1000])
@pytest.mark.parametrize("delta", [1e-15, 1e-10, 1e-5, 1e-3, 0.1, 0.5])
def test_enough_noise_and_hardly_more(epsilon, delta):
    noise = gaussian(1.0, epsilon=epsilon, delta=delta, trusted=True)
    assert delta_of(epsilon, noise.noise_multiplier) <= mp.mpf(delta)
    less = math.nextafter(noise.noise_multiplier, 0)
    assert delta_of(epsilon, less) > mp.mpf(delta)  # it is the least double
    # what was asked for is what it says of itself
    assert noise.epsilon_at(delta) <= epsilon
    assert noise.delta_at(epsilon) <= delta


@pytest.mark.parametrize(
    ("epsilon", "delta", "sigma"),
    # solved for at 40 digits from the exact delta, independently of any library
    [(1.0, 1e-5, 3.730631634816464), (0.5, 1e-6, 8.057618484690193)],
)
def test_known_values(epsilon, delta, sigma):
    with mp.workdps(40):
        root = mp.findroot(lambda s: delta_of(epsilon, s) - mp.mpf(delta), sigma)
        assert abs(root / sigma - 1) < 1e-8
    noise = gaussian(1.0, epsilon=epsilon, delta=delta, trusted=True)
    assert noise.noise_multiplier == pytest.approx(float(root), rel=3e-9)
    assert noise.noise_multiplier >= root


def test_less_than_the_classical_formula():
    classical = math.sqrt(2 * math.log(1.25 / 1e-5)) / 1.0
    assert gaussian(1.0, epsilon=1.0, delta=1e-5, trusted=True).sigma < classical


@pytest.mark.parametrize(
    ("relation", "factor"), [("add_or_remove_one", 1), ("replace_one", 2)]
)
def test_relation_sets_sensitivity_not_multiplier(relation, factor):
    noise = gaussian(7.3, epsilon=1, delta=1e-5, relation=relation, trusted=True)
    assert noise.sensitivity == factor * 7.3
    assert noise.contribution == 7.3
    assert noise.relation == relation
    alone = gaussian(1.0, epsilon=1.0, delta=1e-5, trusted=True).noise_multiplier
    assert noise.noise_multiplier == alone
    assert mp.mpf(noise.sigma) >= mp.mpf(noise.noise_multiplier) * noise.sensitivity
    assert noise.sigma == pytest.approx(noise.noise_multiplier * noise.sensitivity)


def test_takes_an_interval_by_its_upper_end_and_no_estimate():
    a = dt.symbol("a")
    box = dt.Box({a: (0, 3)})
    assert gaussian(dt.enclose(a**2, box), epsilon=1, delta=1e-5).contribution == 9
    with pytest.raises(UnsupportedError, match="not a bound"):
        gaussian(dt.search(a**2, box), epsilon=1, delta=1e-5)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"epsilon": 0.0}, "epsilon"), ({"epsilon": -1.0}, "epsilon"),
        ({"epsilon": math.nan}, "epsilon"), ({"epsilon": math.inf}, "epsilon"),
        ({"epsilon": "1"}, "epsilon"), ({"delta": 0.0}, "delta"),
        ({"delta": 1.0}, "delta"), ({"delta": math.nan}, "delta"),
        ({"mu": 1.0}, "exactly one"), ({"epsilon": None}, "exactly one"),
        ({"epsilon": None, "mu": 1.0}, "goes with `epsilon`"),
        ({"epsilon": None, "delta": None, "mu": 0.0}, "mu"),
        ({"epsilon": None, "delta": None, "rho": -1.0}, "rho"),
        ({"epsilon": None, "delta": None, "scale": math.inf}, "scale"),
        ({"epsilon": None, "delta": None, "scale": 1e-99, "contribution": 1e300},
         "too far apart"),
        ({"epsilon": None, "delta": None, "noise_multiplier": 0}, "noise_multiplier"),
        ({"relation": "replace_on"}, "Did you mean 'replace_one'"),
        ({"contribution": 0.0}, "positive and finite"),
        ({"contribution": -1.0}, "positive and finite"),
        ({"contribution": math.inf}, "positive and finite"),
        ({"contribution": math.nan}, "positive and finite"),
        ({"contribution": "x"}, "one number"),
        ({"contribution": [1.0, 2.0]}, "one number"),
    ],
)  # fmt: skip
def test_refuses(change, why):
    arguments = {"contribution": 1.0, "epsilon": 1.0, "delta": 1e-5} | change
    with pytest.raises(InvalidInputError, match=why):
        gaussian(arguments.pop("contribution"), trusted=True, **arguments)


def test_array_contribution_is_refused():
    x = dt.symbol("x", shape=(3,))
    with pytest.raises(InvalidInputError, match="scalar Interval"):
        gaussian(dt.enclose(x, dt.Box({x: (0, 1)})), epsilon=1, delta=1e-5)


def test_a_plain_number_must_be_called_trusted():
    with pytest.raises(UnsupportedError, match="trusted=True"):
        gaussian(1.0, epsilon=1, delta=1e-5)
    assert gaussian(1.0, epsilon=1, delta=1e-5, trusted=True).trusted
    s = Sensitivity(quantity="contribution", norm=2, upper=1.0, status="optimal")
    assert not gaussian(s, epsilon=1, delta=1e-5).trusted


@pytest.mark.parametrize("moved", [1.0, 0.1, 7.3, 1e-300, 3e200])
@pytest.mark.parametrize("wanted", [1.0, 0.3, 1 / 3, 17.0, 1e-6])
def test_other_promises_are_kept_exactly(moved, wanted):
    by_mu = gaussian(moved, mu=wanted, trusted=True)
    assert by_mu.mu <= wanted
    assert by_mu.mu == pytest.approx(wanted, rel=1e-15)
    by_rho = gaussian(moved, rho=wanted, trusted=True)
    assert mp.mpf(1) / (2 * mp.mpf(by_rho.noise_multiplier) ** 2) <= mp.mpf(wanted)
    assert by_rho.rho == pytest.approx(wanted, rel=1e-14)
    by_scale = gaussian(moved, scale=wanted * moved, trusted=True)
    assert by_scale.sigma == wanted * moved
    for noise in (by_mu, by_rho, by_scale):
        with mp.workdps(40):
            least = mp.mpf(noise.noise_multiplier) * mp.mpf(noise.sensitivity)
            assert mp.mpf(noise.sigma) >= least
            assert noise.sigma <= least * (1 + mp.mpf(1e-15))


@pytest.mark.parametrize("multiplier", [1e-3, 0.05, 0.3, 1.0, 3.7, 40.0, 1e4, 1e9])
def test_curves_are_exact_and_never_below(multiplier):
    noise = gaussian(1.0, noise_multiplier=multiplier, trusted=True)
    for epsilon in (0.0, 1e-9, 1e-3, 0.5, 2.0, 30.0, 1e4):
        with mp.workdps(120):
            exact = mp.mpf(delta_of(epsilon, multiplier))
        found = noise.delta_at(epsilon)
        assert found >= exact
        # 60 digits of the oracle cancel where delta is tiny
        assert found <= exact * (1 + mp.mpf(1e-15)) + mp.mpf(1e-40)
    for delta in (1e-12, 1e-5, 0.1, 0.9):
        found = noise.epsilon_at(delta)
        assert delta_of(found, multiplier) <= mp.mpf(delta)
        if found > 1e-9:
            assert delta_of(found * (1 - 1e-9) - 1e-12, multiplier) > mp.mpf(delta)


def test_profile_and_renyi_curve():
    noise = gaussian(2.0, mu=0.5, trusted=True)
    assert noise.profile([0.1, 1.0]).tolist() == [
        noise.delta_at(0.1), noise.delta_at(1.0)
    ]  # fmt: skip
    assert noise.rdp([2.0, 8.0]) == pytest.approx([2 / 8, 8 / 8], rel=1e-14)
    for bad in ([1.0], [0.5], [math.nan]):
        with pytest.raises(InvalidInputError, match="above 1"):
            noise.rdp(bad)
    for bad in (0, 1, -1, math.nan, "x"):
        with pytest.raises(InvalidInputError, match="delta"):
            noise.epsilon_at(bad)
    for bad in (-1, math.inf, math.nan, "x"):
        with pytest.raises(InvalidInputError, match="epsilon"):
            noise.delta_at(bad)


@pytest.mark.parametrize("multiplier", [1e-20, 1e-12, 1e-6, 1e12, 1e20])
@pytest.mark.parametrize("delta", [5e-324, 1e-30, 1e-5, 1 - 1e-10])
def test_extreme_noise_is_accounted_for_exactly(multiplier, delta):
    """Where the two terms agree in forty digits, and where exp overflows any double."""
    noise = gaussian(1.0, noise_multiplier=multiplier, trusted=True)
    found = noise.epsilon_at(delta)
    with mp.workdps(200):
        m = mp.mpf(multiplier)

        def exact(epsilon):
            half, shift = 1 / (2 * m), mp.mpf(epsilon) * m
            return mp.ncdf(half - shift) - mp.exp(epsilon) * mp.ncdf(-half - shift)

        assert exact(found) <= delta
        if found:
            assert exact(math.nextafter(found, 0)) > delta
    assert noise.delta_at(0.0) == pytest.approx(
        math.erf(1 / multiplier / math.sqrt(8)), rel=1e-12
    )
    assert noise.delta_at(1e300) == 5e-324
    assert noise.rho == pytest.approx(0.5 / multiplier**2, rel=1e-15)


@pytest.mark.parametrize(
    ("sensitivity", "wanted"),
    [
        (1.0, {"mu": 1e-320}), (1.0, {"rho": 1e-320}), (1.0, {"rho": 1e308}),
        (1.0, {"noise_multiplier": 1e-30}), (1e-30, {"scale": 1.0}),
        (1e308, {"epsilon": 1e-6, "delta": 1e-5}),
    ],
)  # fmt: skip
def test_noise_beyond_every_number_is_refused(sensitivity, wanted):
    with pytest.raises(InvalidInputError, match=r"too far apart|beyond every number"):
        gaussian(sensitivity, trusted=True, **wanted)


def test_numbers_of_numpy_are_numbers():
    for kind in (np.float32, np.float64, np.int64):
        assert gaussian(1.0, scale=kind(2), trusted=True).sigma == 2
        assert gaussian(1.0, epsilon=kind(1), delta=1e-5, trusted=True).epsilon == 1
    for name in ("scale", "mu", "rho", "noise_multiplier"):
        with pytest.raises(InvalidInputError, match=name):
            gaussian(1.0, trusted=True, **{name: True})
    with pytest.raises(InvalidInputError, match="epsilon"):
        gaussian(1.0, epsilon=True, delta=1e-5, trusted=True)
