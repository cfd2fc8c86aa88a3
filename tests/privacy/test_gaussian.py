"""Noise is never too little: held against the exact delta of the Gaussian mechanism."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import gaussian


def delta_of(epsilon: float, multiplier: float) -> mp.mpf:
    """Return the exact delta (Balle and Wang 2018, theorem 8), sensitivity 1."""
    with mp.workdps(60):
        eps, sigma = mp.mpf(epsilon), mp.mpf(multiplier)
        first = mp.ncdf(1 / (2 * sigma) - eps * sigma)
        return first - mp.exp(eps) * mp.ncdf(-1 / (2 * sigma) - eps * sigma)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 0.1, 0.5, 1, 2, 5, 10, 100, 1000])
@pytest.mark.parametrize("delta", [1e-15, 1e-10, 1e-5, 1e-3, 0.1, 0.5])
def test_enough_noise_and_hardly_more(epsilon, delta):
    noise = gaussian(1.0, epsilon=epsilon, delta=delta)
    assert delta_of(epsilon, noise.noise_multiplier) <= mp.mpf(delta)
    assert delta_of(epsilon, noise.noise_multiplier * (1 - 1e-6)) > mp.mpf(delta)


@pytest.mark.parametrize(
    ("epsilon", "delta", "sigma"),
    # solved for at 40 digits from the exact delta, independently of any library
    [(1.0, 1e-5, 3.730631634816464), (0.5, 1e-6, 8.057618484690193)],
)
def test_known_values(epsilon, delta, sigma):
    with mp.workdps(40):
        root = mp.findroot(lambda s: delta_of(epsilon, s) - mp.mpf(delta), sigma)
        assert abs(root / sigma - 1) < 1e-8
    noise = gaussian(1.0, epsilon=epsilon, delta=delta)
    assert noise.noise_multiplier == pytest.approx(float(root), rel=3e-9)
    assert noise.noise_multiplier >= root


def test_less_than_the_classical_formula():
    classical = math.sqrt(2 * math.log(1.25 / 1e-5)) / 1.0
    assert gaussian(1.0, epsilon=1.0, delta=1e-5).sigma < classical


@pytest.mark.parametrize(
    ("relation", "factor"), [("add_or_remove_one", 1), ("replace_one", 2)]
)
def test_relation_sets_sensitivity_not_multiplier(relation, factor):
    noise = gaussian(7.3, epsilon=1.0, delta=1e-5, relation=relation)
    assert noise.sensitivity == factor * 7.3
    assert noise.contribution == 7.3
    assert noise.relation == relation
    alone = gaussian(1.0, epsilon=1.0, delta=1e-5).noise_multiplier
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
        gaussian(arguments.pop("contribution"), **arguments)


def test_array_contribution_is_refused():
    x = dt.symbol("x", shape=(3,))
    with pytest.raises(InvalidInputError, match="scalar Interval"):
        gaussian(dt.enclose(x, dt.Box({x: (0, 1)})), epsilon=1, delta=1e-5)
