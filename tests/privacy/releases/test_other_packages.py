"""Chained to OpenDP's and jax-privacy's own parts, and asked by their own maps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import UnsupportedError

AGE, X = dt.symbol("age"), dt.symbol("x", shape=(3,))
PEOPLE = dt.Box({AGE: (18, 100), X: (-1, 1)})
TABLE = pd.DataFrame({"age": [20, 30, 200.0]})
MOST = {"add_or_remove_one": 1.0, "replace_one": 0.82, "replace_special": 1.0}


@pytest.mark.parametrize("relation", privacy.RELATIONS)
def test_opendp_maps_say_what_is_certified(relation):
    s = privacy.contribution(AGE / 100, PEOPLE)
    transformation = s.to_opendp(relation)
    for distance in (1, 2, 7):
        moved = transformation.map(distance)
        assert moved >= distance * s.sensitivity(relation)
        assert moved == pytest.approx(distance * MOST[relation])
    assert transformation(TABLE) == pytest.approx(1.5)
    noise = privacy.gaussian(s, relation=relation, scale=3.0)
    chained = transformation >> noise.to_opendp()
    assert chained.map(1) == pytest.approx(noise.rho, rel=1e-9)
    assert math.isfinite(chained(TABLE))


def test_opendp_takes_vectors_and_integers():
    s = privacy.contribution([X, AGE / 100], PEOPLE, time_limit=5)
    noise = privacy.gaussian(s, relation="replace_one", scale=1.0)
    chained = s.to_opendp("replace_one") >> noise.to_opendp()
    assert len(chained({X: np.ones((2, 3)), AGE: [20, 30]})) == 4
    adults = privacy.contribution(np.where(AGE > 25, 1.0, 0.0), PEOPLE, norm=1)
    relation = "add_or_remove_one"
    noise = privacy.geometric(adults, relation=relation, epsilon=0.5)
    chained = adults.to_opendp(relation, integer=True) >> noise.to_opendp()
    assert isinstance(chained(TABLE), int)
    assert chained.map(1) == pytest.approx(0.5)


def test_opendp_gets_no_sensitivity_that_there_is_not():
    diameter = privacy.diameter(np.max(X), PEOPLE)
    assert diameter.to_opendp("replace_one").map(1) >= 2.0
    with pytest.raises(UnsupportedError, match="add_or_remove_one or"):
        diameter.to_opendp("add_or_remove_one")


@pytest.mark.parametrize("relation", privacy.RELATIONS)
def test_jax_privacy_asks_for_the_sensitivity(relation):
    clipping = pytest.importorskip("jax_privacy.clipping")
    dp_accounting = pytest.importorskip("dp_accounting")
    s = privacy.contribution([np.tanh(X), AGE / 100], PEOPLE, time_limit=5)
    function = s.to_jax_privacy(relation)
    assert isinstance(function, clipping.BoundedSensitivityCallable)
    for other in dp_accounting.NeighboringRelation:
        assert function.sensitivity(other) == s.sensitivity(other)
    assert function.sensitivity() == s.sensitivity(relation)
    rows = {"x": 3 * np.ones((4, 3)), "age": np.array([1.0, 20, 30, 400])}
    for mine, theirs in zip(s.value(rows), function(rows), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_jax_privacy_gets_sums_in_boxes_only():
    pytest.importorskip("jax_privacy.clipping")
    with pytest.raises(UnsupportedError, match="diameter"):
        privacy.diameter(AGE, PEOPLE).to_jax_privacy("replace_one")
    ball = privacy.contribution(X, dt.Ball(X, 0, 1))
    with pytest.raises(UnsupportedError, match="'x' is not bounded by a Box"):
        ball.to_jax_privacy("replace_one")


def test_members_of_dp_accounting_name_relations():
    dp_accounting = pytest.importorskip("dp_accounting")
    s = privacy.contribution(AGE, PEOPLE)
    for theirs in dp_accounting.NeighboringRelation:
        name = theirs.name.lower()
        noise = privacy.gaussian(s, relation=theirs, scale=9.0)
        assert noise.relation == name
        assert privacy.Accountant(theirs).compose(noise).relation == name
