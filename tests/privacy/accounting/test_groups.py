"""Noise and accounts for groups of people: what is promised, and that none is lost."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

import deuterium as dt
from deuterium import privacy, report
from deuterium.errors import BudgetError, InvalidInputError, UnsupportedError
from deuterium.privacy.accounting.fitting import group_probability
from deuterium.privacy.sensitivity.relations import RELATIONS

ADDED = "add_or_remove_one"
MADE = (
    (privacy.gaussian, {"epsilon": 1.0, "delta": 1e-5}),
    (privacy.discrete_gaussian, {"epsilon": 1.0, "delta": 1e-5}),
    (privacy.laplace, {"epsilon": 1.0}),
    (privacy.geometric, {"epsilon": 1.0}),
)


def one(noise_multiplier=1.0, relation=ADDED):
    return privacy.gaussian(
        1.0, noise_multiplier=noise_multiplier, relation=relation, trusted=True
    )


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(("make", "promise"), MADE)
def test_noise_is_as_many_times_larger(make, promise, relation):
    alone = make(2, relation=relation, trusted=True, **promise)
    group = make(2, relation=relation, trusted=True, group=5, **promise)
    assert group.scale == pytest.approx(5 * alone.scale, rel=1e-15)
    assert group.noise_multiplier == alone.noise_multiplier
    assert group.epsilon_at(1e-5) == alone.epsilon_at(1e-5)
    assert "up to 5 records" in group.protects
    assert group.protects in group.statement(delta=1e-5)
    back = group.for_group(1)
    assert back.scale == group.scale
    assert back.noise_multiplier == pytest.approx(5 * group.noise_multiplier)
    assert back.protects == alone.protects
    assert back.epsilon is None


def test_a_group_of_gaussian_noise_is_exact():
    noise = one(4.0)
    for k in (2, 3, 7):
        group = noise.for_group(k)
        assert group.mu == pytest.approx(k * noise.mu, rel=1e-15)
        assert Fraction(group.noise_multiplier) * k <= Fraction(noise.noise_multiplier)
        assert group.for_group(k) is group


def test_an_account_takes_noise_of_any_group_as_its_own():
    noise, three = one(4.0), privacy.gaussian(
        1.0, noise_multiplier=2.0, relation=ADDED, trusted=True, group=3
    )  # fmt: skip
    alone = privacy.Accountant(ADDED).compose(noise, 5).compose(three, 2)
    assert alone.mu == pytest.approx(math.sqrt(5 / 16 + 2 / 36))
    group = privacy.Accountant(ADDED, group=3).compose(noise, 5).compose(three, 2)
    assert group.mu == pytest.approx(math.sqrt(5 * 9 / 16 + 2 / 4))
    assert alone.for_group(3).mu == pytest.approx(group.mu)
    assert group.protects == "up to 3 records added or removed"
    assert group.protects in group.statement(delta=1e-5)
    assert "groups of 3" in repr(group)


def test_a_budget_is_the_groups():
    account = privacy.Accountant(ADDED, epsilon=1, delta=1e-5, group=2)
    spent = one().for_group(1)
    with pytest.raises(BudgetError):
        account.compose(spent)
    assert account.compose(one(9.0)).epsilon_at(1e-5) <= 1


def test_files_keep_the_group():
    noise = one(3.0).for_group(2)
    assert privacy.GaussianNoise.from_json(noise.to_json()) == noise
    account = privacy.Accountant(ADDED, group=2).compose(noise)
    again = privacy.Accountant.from_json(account.to_json())
    assert (again.group, again.mu) == (2, account.mu)


def test_a_query_is_released_for_a_group():
    x = dt.symbol("x")
    out = privacy.release(
        x, {"x": [0.1, 0.7]}, dt.Box({x: (0, 1)}), relation="replace_one", group=4,
        epsilon=1, delta=1e-6, insecure_rng=0,
    )  # fmt: skip
    assert out.noise.sensitivity == 4.0
    assert "up to 4 records replaced" in out.statement


def hockey_stick(group, q, m, epsilon, *, added):
    """Return delta of one sampled step, by what k people of one direction may add.

    The ratio of densities rises with the output, so one threshold divides it.
    """
    at = np.arange(group + 1)
    weights = binom(group, q).pmf(at)
    sign, over = (1, epsilon) if added else (-1, -epsilon)

    def ratio(t):
        return np.log(weights @ np.exp(at * (2 * t - at) / (2 * m * m))) - over

    low, high = -60.0 * m, 60.0 * m
    if ratio(low) > 0:  # fewer are never so rare
        return 0.0
    t = brentq(ratio, low, high, xtol=1e-14)
    with_ = weights @ norm.sf(sign * t, sign * at, m)
    without = norm.sf(sign * t, 0, m)
    first, second = (with_, without) if added else (without, with_)
    return first - math.exp(epsilon) * second


@pytest.mark.parametrize("group", [2, 5])
@pytest.mark.parametrize(("q", "m"), [(0.05, 1.0), (0.7, 0.8)])
def test_sampled_groups_promise_no_more_than_they_keep(group, q, m):
    account = privacy.Accountant(ADDED, group=group)
    account.compose(one(m), sampling_probability=q)
    for epsilon in (0.1, 0.5, 2.0):
        true = [hockey_stick(group, q, m, epsilon, added=a) for a in (True, False)]
        assert account.delta_at(epsilon) >= max(true) * (1 - 1e-6)
    assert account.epsilon_at(1e-5) <= privacy.Accountant(ADDED, group=group).compose(
        one(m)
    ).epsilon_at(1e-5) * (1 + 1e-9)


@pytest.mark.parametrize("q", [1e-300, 1e-9, 0.01, 0.5, 1 - 1e-12, 1.0])
def test_somebody_of_a_group_is_drawn(q):
    for group in (1, 2, 3, 50):
        found = Fraction(group_probability(q, group))
        assert found >= 1 - (1 - Fraction(q)) ** group or found == 1


def test_what_is_refused():
    x, y = dt.symbol("x"), dt.symbol("y")
    box = dt.Box({x: (0, 1), y: (0, 1)})
    part = privacy.diameter(x * y, box, shared=[y])
    with pytest.raises(UnsupportedError, match="whole records"):
        privacy.gaussian(
            part, epsilon=1, delta=1e-5, relation="replace_one", group=2
        )  # fmt: skip
    noise = privacy.gaussian(part, epsilon=1, delta=1e-5, relation="replace_one")
    with pytest.raises(UnsupportedError, match="whole records"):
        noise.for_group(2)
    with pytest.raises(UnsupportedError, match="whole records"):
        privacy.Accountant("replace_one", scope=noise.scope, group=2)
    for wrong in (0, 1.5, True, 2**40):
        with pytest.raises(InvalidInputError, match="group"):
            one().for_group(wrong)
    many = privacy.Accountant(ADDED, group=2)
    with pytest.raises(UnsupportedError, match="for_group"):
        many.for_group(3)
    with pytest.raises(UnsupportedError, match="for_group"):
        many.compose_event(many.to_event())


def test_a_figure_tells_the_group():
    noise = one(4.0).for_group(2)
    ax = report.epsilon_over_steps(noise, 5, 1e-5)
    (line,) = ax.get_lines()
    assert line.get_label() == noise.protects
    assert line.get_ydata()[0] == pytest.approx(noise.epsilon_at(1e-5))
