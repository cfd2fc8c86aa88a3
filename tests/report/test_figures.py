"""Figures: on the Axes given, labelled, of the numbers that they are about."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy, report
from deuterium.errors import InvalidInputError

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

A, B = dt.symbol("a"), dt.symbol("b", (2,))
BOX = dt.Box({A: (0, 2), B: (-1, 1)})
F = A * B[0] + B[1] ** 2
RELATION = "add_or_remove_one"


@pytest.fixture(scope="module")
def bracket():
    return dt.maximize(F, BOX)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def noise():
    return privacy.gaussian(1.0, epsilon=1, delta=1e-6, relation=RELATION, trusted=True)


def drawn(ax):
    ax.figure.canvas.draw()
    assert ax.get_title() and ax.get_xlabel()
    return ax


def test_a_slice_goes_through_the_witness(ax, bracket):
    made = report.surface(
        F, BOX, A, bracket=bracket, units={"a": "years", "result": "norm"}, ax=ax
    )
    assert made is ax
    line = drawn(ax).lines[0].get_xydata()
    witness = float(bracket.witness["a"])
    value = line[np.abs(line[:, 0] - witness).argmin(), 1]
    assert bracket.lower <= value + 1e-9 <= bracket.upper + 2e-9
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a [years]", "value [norm]")
    assert any("certified" in t.get_text() for t in ax.get_legend().get_texts())


def test_a_surface_has_the_functions_values(ax):
    report.surface(F, BOX, [A, (B, 0)], at={B: [0.0, 0.5]}, ax=ax)
    values = np.asarray(drawn(ax).collections[0].get_array()).reshape(101, 101)
    a, b = np.linspace(0, 2, 101), np.linspace(-1, 1, 101)
    np.testing.assert_allclose(values, b[:, None] * a + 0.25, atol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b[0]")


@pytest.mark.parametrize(
    "along, domain",
    [([], BOX), (B, BOX), ((B, (0, 1)), BOX), ("a", BOX), (A * 2, BOX),
     (A, dt.Box({A: (0, np.inf), B: (0, 1)}))],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_drawn(along, domain, ax):
    with pytest.raises(InvalidInputError, match="surface"):
        report.surface(F, domain, along, ax=ax)


def test_both_sides_close(ax, bracket):
    report.bounds_over_time(bracket, unit="grams", ax=ax)
    upper, lower = (line.get_ydata() for line in drawn(ax).lines)
    assert upper[-1] == bracket.upper
    assert lower[-1] == bracket.lower
    assert ax.get_xlabel() == "time [s]"


def test_observed_norms_beside_the_bound(ax, bracket):
    report.norms_against_bound([1.0, 2.0, 0.5], bracket, ax=ax)
    assert drawn(ax).lines[0].get_xdata()[0] == bracket.upper
    assert "not to be released" in ax.get_title()
    assert sum(patch.get_height() for patch in ax.patches) == 3


def test_features_as_bars_and_as_an_image(ax):
    found = privacy.feature_sensitivity(B * np.array([1.0, 3.0]), B, BOX, time_limit=1)
    report.feature_bars(found, ax=ax)
    assert [t.get_text() for t in drawn(ax).get_yticklabels()] == ["b[0]", "b[1]"]
    assert sorted(p.get_width() for p in ax.patches) == sorted(found.upper)
    bars = report.feature_bars({"age": 0.25, "job": 0.75}, label="share")
    assert bars.get_xlabel() == "share"
    image = report.feature_image(
        np.arange(6), (2, 3), label="share", ax=Figure().subplots()
    )
    np.testing.assert_array_equal(
        image.images[0].get_array(), np.arange(6).reshape(2, 3)
    )
    with pytest.raises(InvalidInputError, match="give `shape`"):
        report.feature_image(np.arange(6))


def test_what_people_have_spent_is_internal(ax):
    account = privacy.IndividualAccountant(50, epsilon=2.0, delta=1e-5)
    account.step(np.linspace(0, 1, 50), 5.0)
    report.individual_epsilons(account.epsilon_at(1e-5), budget=2.0, ax=ax)
    assert "do not release" in drawn(ax).get_title()
    assert sum(patch.get_height() for patch in ax.patches) == 50


def test_curves_of_noise_are_its_own(noise, ax):
    report.epsilon_over_steps(noise, 100, 1e-5, ax=ax)
    steps, epsilons = drawn(ax).lines[0].get_data()
    total = privacy.Accountant(RELATION).compose(noise, 100)
    assert (steps[-1], epsilons[-1]) == (100, total.epsilon_at(1e-5))
    profile = report.privacy_profile(noise, epsilons=[0.5, 1.0], ax=Figure().subplots())
    np.testing.assert_array_equal(
        profile.lines[0].get_ydata(), noise.profile([0.5, 1.0])
    )


def test_the_trade_off_is_never_above_the_exact_one(noise, ax):
    from scipy.stats import norm

    report.trade_off(noise, ax=ax)
    alarms, missed = drawn(ax).lines[0].get_data()
    exact = norm.cdf(norm.ppf(1 - alarms) - noise.mu)
    assert (missed <= exact + 1e-12).all()
    assert np.max(exact - missed) < 1e-3
    given = report.trade_off(([0, 1], [1, 0]), label="nothing", ax=Figure().subplots())
    assert given.lines[0].get_label() == "nothing"
