"""What was bounded is what is released, and what is protected is never lost."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.privacy import Accountant, IndividualAccountant, Sensitivity

ADD, REPLACE = "add_or_remove_one", "replace_one"
X, V = dt.symbol("x"), dt.symbol("v", shape=(3,))
BOX = dt.Box({X: (-5, 3)})
CUBE = dt.Box({V: (-1, 1)})
QUICK = {"time_limit": 1}


def unit(**more):
    return privacy.gaussian(1.0, noise_multiplier=2.0, trusted=True, **more)


# -- a relation ------------------------------------------------------------------------

NEED_ONE = {
    "gaussian": lambda **r: privacy.gaussian(1.0, scale=1.0, trusted=True, **r),
    "laplace": lambda **r: privacy.laplace(1.0, scale=1.0, trusted=True, **r),
    "discrete_gaussian": lambda **r: privacy.discrete_gaussian(
        1, scale=1.0, trusted=True, **r
    ),
    "Accountant": Accountant,
    "noise_multiplier": lambda **r: privacy.noise_multiplier(1.0, 1e-5, **r),
    "ClipFreeSGD": lambda **r: privacy.ClipFreeSGD(
        lambda v, w: (v @ w)[:, 0],
        {"w": np.ones((3, 1))},
        CUBE,
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=1,
        **r,
    ),
    "sensitivity": lambda relation=None: Sensitivity(
        quantity="contribution", norm=2, upper=1.0
    ).sensitivity(relation),
}


@pytest.mark.parametrize("name", NEED_ONE)
def test_nothing_is_promised_without_a_relation(name):
    with pytest.raises(InvalidInputError, match=f"{name}: say which") as caught:
        NEED_ONE[name]()
    for relation in (ADD, REPLACE):
        assert f"relation={relation!r}" in str(caught.value)
        NEED_ONE[name](relation=relation)


def test_no_public_signature_has_a_relation_by_default():
    for name in privacy.__all__:
        thing = getattr(privacy, name)
        if (callable(thing) and not isinstance(thing, type)) or hasattr(thing, "step"):
            found = inspect.signature(thing).parameters.get("relation")
            assert found is None or found.default in (None, inspect.Parameter.empty)


def test_individual_losses_are_of_one_relation():
    assert IndividualAccountant(1).protects == "a record added or removed"


# -- no norm, no sensitivity -----------------------------------------------------------


def test_a_number_that_may_be_negative_is_taken_by_its_size():
    enclosed = dt.enclose(X, BOX)
    for relation, least in ((ADD, 5), (REPLACE, 8)):
        noise = privacy.gaussian(enclosed, scale=1.0, relation=relation)
        assert noise.sensitivity >= least
    about = {"quantity": "contribution", "norm": 2}
    assert Sensitivity.from_interval(enclosed, **about).upper == 5
    s = Sensitivity.from_interval(dt.enclose(-4 - X**2, BOX), **about)
    assert (s.lower, s.upper) == (4, 29)
    for quantity in ("diameter", "lipschitz"):
        with pytest.raises(UnsupportedError, match="no norm"):
            Sensitivity.from_interval(enclosed, quantity=quantity, norm=2)


@pytest.mark.parametrize("quantity", ["contribution", "diameter", "lipschitz"])
def test_a_bracket_of_no_norm_is_refused(quantity):
    about = {"quantity": quantity, "norm": 2}
    with pytest.raises(UnsupportedError, match="no norm"):
        Sensitivity.from_bracket(dt.maximize(X, BOX), **about)
    for v in (X, X**2 + 1):  # also where an infimum is positive
        with pytest.raises(UnsupportedError, match="infimum"):
            Sensitivity.from_bracket(dt.minimize(v, BOX), **about)
    for v in (np.abs(X), X**2, dt.norm([X, 2 * X]), X + 6):
        bracket = dt.maximize(v, BOX)
        assert Sensitivity.from_bracket(bracket, **about).upper == bracket.upper
    with pytest.raises(UnsupportedError, match="no norm"):
        made = dt.Bracket(lower=-1.0, upper=2.0, witness={}, status="optimal")
        Sensitivity.from_bracket(made, **about)


def test_nobody_is_charged_by_the_end_of_no_norm():
    people = IndividualAccountant(3, epsilon=1.0, delta=1e-5)
    norms = dt.enclose(V, dt.Box({V: ([-50, -0.1, 0], [0.1, 0.1, 1])}))
    with pytest.raises(UnsupportedError, match="no norms"):
        people.step(norms, 100.0)
    assert people.steps == 0
    for bad in ([1.0, -1.0, 0], [1.0, math.nan, 0], dt.search(X, BOX), "a", [None] * 3):
        with pytest.raises((InvalidInputError, UnsupportedError)):
            people.step(bad, 1.0)
    known = dt.enclose(np.abs(V), dt.Box({V: ([-50, -0.1, 0], [0.1, 0.1, 1])}))
    people.step(known, 1000.0)
    assert people.spent.values[0] >= 0.05**2


def test_a_sensitivity_charges_everybody_if_it_is_of_whole_records():
    whole = privacy.contribution([X, 2 * X], BOX)
    people = IndividualAccountant(2)
    people.step(whole, 1.0)
    assert (people.spent.values >= 125).all()
    for other in (
        privacy.diameter([X, X], BOX, **QUICK),
        privacy.contribution([X, X], BOX, 1),
    ):
        with pytest.raises(UnsupportedError):
            people.step(other, 1.0)


# -- trust -----------------------------------------------------------------------------


def test_what_nobody_certified_has_to_be_trusted():
    by_hand = Sensitivity(quantity="contribution", norm=2, upper=1.0)
    assert by_hand.status == "trusted"
    with pytest.raises(UnsupportedError, match="trusted=True"):
        privacy.gaussian(by_hand, scale=1.0, relation=ADD)
    assert privacy.gaussian(by_hand, scale=1.0, relation=ADD, trusted=True).trusted
    made = dt.Bracket(lower=1.0, upper=2.0, witness={}, status="optimal")
    s = Sensitivity.from_bracket(made, quantity="contribution", norm=2)
    with pytest.raises(UnsupportedError, match="trusted=True"):
        privacy.gaussian(s, scale=1.0, relation=ADD)
    certified = privacy.contribution(X**2, BOX)
    assert not privacy.gaussian(certified, scale=1.0, relation=ADD).trusted
    mixed = Sensitivity(quantity="diameter", norm=2, upper=0.1, domain=BOX)
    mixed = Sensitivity.from_interval(
        dt.enclose(X**2, BOX), quantity="contribution", norm=2, domain=BOX
    ).with_diameter(mixed)
    with pytest.raises(UnsupportedError, match="trusted=True"):
        privacy.gaussian(mixed, scale=1.0, relation=REPLACE)
    assert privacy.GaussianNoise(1.0, 1.0, 1.0, None, ADD).trusted


def test_noise_made_by_hand_cannot_promise_more_than_it_keeps():
    for m, sigma, moved in ((2.0, 1.0, 1.0), (0.0, 1.0, 1.0), (math.nan, 1.0, 1.0)):
        with pytest.raises(InvalidInputError):
            privacy.GaussianNoise(m, sigma, moved, None, ADD)
        with pytest.raises(InvalidInputError):
            privacy.LaplaceNoise(m, sigma, moved, None, ADD)
    with pytest.raises(InvalidInputError, match="relation"):
        privacy.GaussianNoise(1.0, 1.0, 1.0, None, "both")


# -- a scope ---------------------------------------------------------------------------


def scoped():
    f = privacy.feature_sensitivity([V[0] + V[1]], V, CUBE, time_limit=2)
    return {"feature": f[0], "other feature": f[1], "shared": shared()}


def shared():
    u = dt.symbol("u")
    return privacy.diameter(X * u, BOX & dt.Box({u: (0, 2)}), shared=[u], **QUICK)


def test_a_scope_is_part_of_the_noise_and_of_what_it_adds_up_to():
    for name, s in scoped().items():
        noise = privacy.gaussian(s, epsilon=1.0, delta=1e-5, relation=REPLACE)
        assert noise.scope == s.scope is not None
        assert s.scope in repr(noise)
        assert noise.protects == f"a record replaced, while {s.scope}"
        with pytest.raises(InvalidInputError, match="does not add up"):
            Accountant(REPLACE).compose(noise)
        alone = Accountant(REPLACE, scope=s.scope).compose(noise, 3)
        assert s.scope in repr(alone)
        assert alone.protects == noise.protects
        alone.compose(unit(relation=REPLACE))  # whole records, so this part, too
        assert alone.releases == 4
        for other, t in scoped().items():
            if other != name:
                different = privacy.laplace(t, epsilon=1.0, relation=REPLACE)
                with pytest.raises(InvalidInputError, match="does not add up"):
                    alone.compose(different)
        assert alone.releases == 4


def test_noise_for_a_feature_does_not_protect_the_record():
    """Three features, each released as if for itself: 1.83 of the record, not 1."""
    f = [V[0], V[1], V[2]]
    each = privacy.feature_sensitivity(f, V, CUBE, time_limit=3)
    noise = privacy.gaussian(each[0], epsilon=1.0, delta=1e-5, relation=REPLACE)
    whole = privacy.diameter(f, CUBE, **QUICK)
    true = privacy.gaussian(whole, scale=noise.sigma, relation=REPLACE)
    assert true.epsilon_at(1e-5) > 1.8
    assert noise.protects != true.protects == "a record replaced"


# -- a shape ---------------------------------------------------------------------------

SECURE = {"insecure_rng": 0}


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "discrete_gaussian"])
def test_nothing_else_is_released_than_what_was_bounded(kind):
    make = getattr(privacy, kind)
    norm = 1 if kind == "laplace" else 2
    one = make(privacy.contribution(X**2, BOX, norm), scale=30.0, relation=ADD)
    assert np.ndim(one.release(7, **SECURE)) == 0
    for value in ([7], [7, 8], np.zeros((1, 1))):
        with pytest.raises(ShapeError, match="what was bounded"):
            one.release(value, **SECURE)
    vector = privacy.contribution(V * 2, CUBE, norm, **QUICK)
    three = make(vector, scale=9.0, relation=ADD)
    assert three.release([1, 2, 3], **SECURE).shape == (3,)
    for value in (1, [1, 2], [[1, 2, 3]], [np.ones(3), np.ones(3)], [[1], [2], [3]]):
        with pytest.raises(ShapeError, match="what was bounded"):
            three.release(value, **SECURE)
    replaced = privacy.diameter(V * 2, CUBE, norm, **QUICK)
    with pytest.raises(ShapeError):
        make(replaced, scale=9.0, relation=REPLACE).release([1, 2], **SECURE)


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "discrete_gaussian"])
def test_a_list_of_arrays_goes_in_and_comes_out(kind):
    norm = 1 if kind == "laplace" else 2
    w = [dt.constant(np.ones((3, 2))), dt.constant(np.zeros(2))]
    t = np.tanh(V @ w[0] + w[1]).sum()
    g = dt.grad(t, w)
    s = privacy.contribution(g, CUBE, norm, **QUICK)
    assert (s.shape, s.size) == (((3, 2), (2,)), 8)
    noise = getattr(privacy, kind)(s, scale=5.0, relation=ADD)
    value = [np.zeros((3, 2)), np.ones(2)]
    released = noise.release(value, **SECURE)
    assert isinstance(released, list)
    assert [r.shape for r in released] == [(3, 2), (2,)]
    wrong = (
        value[::-1],
        value[:1],
        [*value, np.ones(2)],
        np.zeros(8),
        [np.zeros((2, 3)), np.ones(2)],
        [np.zeros(6), np.ones(2)],
    )
    for other in wrong:
        with pytest.raises(ShapeError, match="what was bounded"):
            noise.release(other, **SECURE)
    untold = getattr(privacy, kind)(1, scale=5.0, relation=ADD, trusted=True)
    assert [r.shape for r in untold.release(value, **SECURE)] == [(3, 2), (2,)]


def test_shapes_of_one_in_a_list_and_of_lists_of_numbers():
    alone = privacy.contribution([V * 2], CUBE, **QUICK)
    noise = privacy.gaussian(alone, scale=1.0, relation=ADD)
    assert noise.release(np.ones(3), **SECURE).shape == (3,)
    assert noise.release([np.ones(3)], **SECURE)[0].shape == (3,)
    numbers = privacy.contribution([X, 2 * X], BOX)
    noise = privacy.gaussian(numbers, scale=1.0, relation=ADD)
    assert len(noise.release([1.0, 2.0], **SECURE)) == 2
    assert noise.release(np.ones(2), **SECURE).shape == (2,)
    with pytest.raises(ShapeError):
        noise.release(np.ones(3), **SECURE)
    counted = Sensitivity(quantity="contribution", norm=2, upper=1.0, size=4)
    noise = privacy.gaussian(counted, scale=1.0, relation=ADD, trusted=True)
    assert noise.release(np.ones((2, 2)), **SECURE).shape == (2, 2)
    with pytest.raises(ShapeError, match="4 numbers"):
        noise.release(np.ones(3), **SECURE)


def test_what_is_no_array_of_numbers_is_not_released():
    noise = unit(relation=ADD)
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    ragged = [[1.0], [1.0, 2.0]]
    for value in (masked, ragged, [10**400], V, None, {"a": 1}):
        with pytest.raises(InvalidInputError, match="release"):
            noise.release(value, **SECURE)
    with pytest.raises(InvalidInputError, match="insecure_rng"):
        noise.release(1.0, insecure_rng=-1)
