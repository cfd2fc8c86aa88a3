"""Diverging training is noticed before the budget is spent."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import DivergedError, InvalidInputError
from deuterium.privacy import ClipFreeSGD, DivergenceWarning

DATA = {"x": np.linspace(-1, 1, 40).reshape(20, 2), "y": np.arange(20) % 2 * 1.0}


def trainer(rate=3.0, **more):
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    rng = np.random.default_rng(0)
    return ClipFreeSGD(
        lambda x, y, a, b: ((np.tanh(x @ a) @ b)[:, 0] - y) ** 2,
        {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(3, 1))},
        dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1]),
        noise_multiplier=1.0,
        learning_rate=rate,
        count=20,
        relation="add_or_remove_one",
        insecure_rng=0,
        **more,
    )


def test_one_warning_and_training_goes_on():
    made = trainer()
    with pytest.warns(DivergenceWarning, match="training diverges") as caught:
        made.fit(DATA, 7)
    assert len(caught) == 1
    assert len(made.history) == made.accountant.releases == 7


@pytest.mark.parametrize("rate", [3.0, 30.0, 1e3, 1e30])
def test_it_stops_before_anything_is_spent_on_it(rate):
    made = trainer(rate, on_divergence="stop")
    with pytest.warns(DivergenceWarning, match="Nothing was released"):
        made.fit(DATA, 60)
    taken = len(made.history)
    assert taken < 6
    assert made.accountant.releases == taken
    before = dict(made.parameters)
    with pytest.raises(DivergedError, match="smaller learning rate"):
        made.step(DATA)
    assert made.accountant.releases == len(made.history) == taken
    assert all(made.parameters[n] is w for n, w in before.items())
    growth = [r.bound / made.history[0].bound for r in made.history]
    assert max(growth) < 1e4


@pytest.mark.parametrize("choice", ["warn", "stop", "ignore"])
def test_sound_training_is_left_alone(choice):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = trainer(1e-3, on_divergence=choice).fit(DATA, 30)
    assert len(made.history) == 30


def test_it_can_be_told_to_be_quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer(on_divergence="ignore").fit(DATA, 6)


@pytest.mark.parametrize("choice", ["warn", "stop", "ignore"])
@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_weights_that_are_no_numbers_cost_nothing(choice, bad):
    """Also where clipping would hide that every gradient is undefined."""
    made = trainer(on_divergence=choice, clip=1.0)
    made.parameters["a"] = np.full((2, 3), bad)
    with pytest.raises(DivergedError, match="nothing is released"):
        made.step(DATA)
    assert made.accountant.releases == 0


def test_clipped_noise_does_not_feed_on_itself():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer(1.0, clip=0.5).fit(DATA, 12)


def test_choices_are_checked():
    with pytest.raises(InvalidInputError, match="on_divergence"):
        trainer(on_divergence="halt")
    for steps in (-1, 1.5, True, None, "x"):
        with pytest.raises(InvalidInputError, match="steps"):
            trainer().fit(DATA, steps)
