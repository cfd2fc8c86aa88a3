"""Where floating point is set to another mode, no promise of privacy is made."""

from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import ArithmeticModeError
from deuterium.interval import environment
from tests.float_modes import MODES, floating, needs_modes, switch

pytestmark = needs_modes

x = dt.symbol("x", shape=(3,))
BOX = dt.Box({x: (-1, 2)})
PARTS = [np.tanh(x) * 3.0, np.sin(x)]
BRACKET = dt.maximize(np.sum(x * x), BOX)
RANGE = dt.enclose(np.sum(x * x), BOX)
REACHED = privacy.contribution(PARTS, BOX, max_regions=1)
ADD = "add_or_remove_one"
VALUES = [np.zeros(3), np.ones(3)]
KEEPS = {"epsilon": 1.0, "delta": 1e-6, "relation": ADD}
NOISE = privacy.gaussian(REACHED, **KEEPS)
TOTAL = privacy.contribution(PARTS, BOX, norm=1, max_regions=1)
LAPLACE = privacy.laplace(TOTAL, epsilon=1.0, relation=ADD)
SPENT = privacy.Accountant(ADD).compose(NOISE)
SAMPLED = privacy.Accountant(ADD).compose(NOISE, 9, sampling_probability=0.1)


def loss(x, y, w):
    t = (x @ w)[:, 0]
    return np.logaddexp(0.0, t) - y * t


def trainer():
    features, y = dt.symbol("features", shape=(3,)), dt.symbol("y")
    return privacy.ClipFreeSGD(
        lambda features, y, w: loss(features, y, w),
        {"w": np.full((3, 1), 0.1)},
        dt.Box({features: (-1, 1)}) & dt.Choice(y, [0.0, 1.0]),
        count=20,
        learning_rate=0.1,
        noise_multiplier=1.0,
        relation=ADD,
    )


ROWS = {"features": np.full((20, 3), 0.5), "y": np.ones(20)}
TRAINER = trainer()
PEOPLE = privacy.IndividualAccountant(3, epsilon=1.0, delta=1e-6)

ENTRIES = {
    "contribution": lambda: privacy.contribution(PARTS, BOX),
    "lipschitz": lambda: privacy.lipschitz(np.sum(np.sin(x)), x, BOX),
    "diameter": lambda: privacy.diameter(PARTS, BOX),
    "feature_sensitivity": lambda: privacy.feature_sensitivity(
        PARTS, x, BOX, time_limit=0.1
    ),
    "norm_slopes": lambda: privacy.norm_slopes(PARTS, x, BOX),
    "a Sensitivity's number": lambda: REACHED.sensitivity("replace_one"),
    "a Sensitivity scaled": lambda: REACHED.scaled(Fraction(1, 3)),
    "from_bracket": lambda: privacy.Sensitivity.from_bracket(
        BRACKET, quantity="contribution", norm=2
    ),
    "from_interval": lambda: privacy.Sensitivity.from_interval(
        RANGE, quantity="contribution", norm=2
    ),
    "gaussian": lambda: privacy.gaussian(REACHED, **KEEPS),
    "discrete_gaussian": lambda: privacy.discrete_gaussian(
        REACHED, rho=0.1, relation=ADD
    ),
    "laplace": lambda: privacy.laplace(TOTAL, epsilon=1.0, relation=ADD),
    "noise_multiplier": lambda: privacy.noise_multiplier(
        epsilon=1.0, delta=1e-6, steps=1, relation=ADD
    ),
    "a mechanism's mu": lambda: NOISE.mu,
    "a mechanism's rho": lambda: NOISE.rho,
    "a mechanism's epsilon": lambda: NOISE.epsilon_at(1e-6),
    "a mechanism's delta": lambda: NOISE.delta_at(1.0),
    "a mechanism's release": lambda: NOISE.release(VALUES, insecure_rng=0),
    "Laplace noise's epsilon": lambda: LAPLACE.pure_epsilon,
    "Laplace noise's release": lambda: LAPLACE.release(VALUES, insecure_rng=0),
    "an accountant's epsilon": lambda: SPENT.epsilon_at(1e-6),
    "an accountant's delta": lambda: SPENT.delta_at(1.0),
    "an accountant's mu": lambda: SPENT.mu,
    "an accountant's rdp": lambda: SAMPLED.rdp([2.0, 3.0]),
    "an accountant's profile": lambda: SAMPLED.profile([1.0]),
    "a person's accountant": lambda: privacy.IndividualAccountant(3, mu=1.0),
    "a person's step": lambda: PEOPLE.step(0.1, 1.0),
    "a person's mu": lambda: PEOPLE.mu(),
    "a person's epsilon": lambda: PEOPLE.epsilon_at(1e-6),
    "a trainer": trainer,
    "a trainer's step": lambda: TRAINER.step(ROWS),
    "a trainer's fit": lambda: TRAINER.fit(ROWS, 1),
    "a trainer's bound": lambda: TRAINER.bound(),
    "a trainer's bounds": lambda: TRAINER.bounds(),
    "a trainer's contribution": lambda: TRAINER.contribution(),
    "a trainer's check": lambda: TRAINER.check(ROWS),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_works_as_a_rule(entry):
    ENTRIES[entry]()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_refuses(entry, mode):
    with floating(mode), pytest.raises(ArithmeticModeError, match="floating point"):
        ENTRIES[entry]()


def test_nothing_is_charged_or_trained_meanwhile():
    one, people = trainer(), privacy.IndividualAccountant(3, epsilon=1.0, delta=1e-6)
    with floating("FTZ"):
        for step in (lambda: one.step(ROWS), lambda: people.step(0.1, 1.0)):
            with pytest.raises(ArithmeticModeError):
                step()
    assert not one.history
    assert not people.spent.values.any()
    assert people.step(0.1, 1.0).values.all()


def _changes_after(answers, monkeypatch):
    """Have the mode change after so many looks at it."""
    left = iter([True] * answers)
    monkeypatch.setattr(environment, "is_standard", lambda: next(left, False))


def test_who_was_charged_as_the_mode_changed_is_left_out_for_good(monkeypatch):
    people = privacy.IndividualAccountant(3, epsilon=1.0, delta=1e-6)
    with monkeypatch.context() as patch:
        _changes_after(5, patch)  # those before anyone is charged
        with pytest.raises(ArithmeticModeError):
            people.step(0.1, 1.0)
    assert not people.step(0.1, 1.0).values.any()
    assert np.isinf(people.spent.values).all()


def test_no_step_is_taken_with_a_bound_found_as_the_mode_changed(monkeypatch):
    one = trainer()
    rows, before = one.prepared(ROWS), one.parameters["w"].copy()
    sums = one._sum

    def meddled(*args, **more):
        found = sums(*args, **more)
        switch("FTZ")
        return found

    monkeypatch.setattr(one, "_sum", meddled)
    try:
        with pytest.raises(ArithmeticModeError):
            one.step(rows)
    finally:
        switch("")
    assert not one.history
    assert not one.accountant.releases
    assert (one.parameters["w"] == before).all()
