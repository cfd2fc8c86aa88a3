"""From a query and data to released numbers: what is released is what was bounded."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import (
    BoundsError,
    BudgetError,
    InvalidInputError,
    ShapeError,
    UnknownSymbolError,
    UnsupportedError,
)
from tests.amounts import some

AGE, INCOME = dt.symbol("age"), dt.symbol("income")
X = dt.symbol("x", shape=(3,))
PEOPLE = dt.Box({AGE: (18, 100), INCOME: (0, 2e5), X: (-1, 1)})
TABLE = pd.DataFrame(
    {"id": ["p", "q", "r"], "age": [20, 30, 200.0], "income": [1e4, -5, 3e5]}
)
PROMISE = {"epsilon": 1.0, "delta": 1e-6}


def released(query, data=TABLE, domain=PEOPLE, relation="add_or_remove_one", **more):
    kept = {"insecure_rng": 0, **PROMISE, **more}
    return privacy.release(query, data, domain, relation=relation, **kept)


def test_the_value_is_the_bounded_graph_on_clipped_records():
    s = privacy.contribution([AGE / 100, INCOME / 2e5], PEOPLE)
    assert s.value(TABLE) == [pytest.approx(1.5), pytest.approx(1.05)]
    with pytest.raises(BoundsError, match="record 2 has a 'age'"):
        s.value(TABLE, outside="refuse")


def test_values_of_many_records_are_those_of_numpy():
    rows = np.random.default_rng(3).normal(size=(10_001, 3))
    s = privacy.contribution(np.tanh(X), PEOPLE, time_limit=5)
    exact = np.tanh(np.clip(rows, -1, 1)).sum(axis=0)
    np.testing.assert_allclose(s.value({X: rows}), exact, rtol=1e-12)
    np.testing.assert_allclose(s.scaled(0.5).value({X: rows}), exact / 2, rtol=1e-12)


def test_what_adds_the_same_for_everyone_is_counted():
    s = privacy.contribution([dt.constant(1.0), AGE], PEOPLE)
    assert s.value(TABLE)[0] == 3


def test_no_sum_is_evaluated_as_a_whole():
    s = privacy.diameter(np.mean(X), PEOPLE)
    assert s.value({X: [0.5, 0.25, 9.0]}) == pytest.approx(1.75 / 3)
    with pytest.raises(ShapeError, match="2 values"):
        s.value({X: np.ones((2, 3))})
    with pytest.raises(ShapeError, match="leading axis"):
        privacy.contribution(AGE, PEOPLE).value({AGE: 20})


@pytest.mark.parametrize("relation", privacy.RELATIONS)
@pytest.mark.parametrize("mechanism", privacy.MECHANISMS)
def test_every_relation_and_mechanism_releases(relation, mechanism):
    promise = dict(PROMISE)
    if mechanism in ("laplace", "geometric"):
        promise["delta"] = None
    adults = np.where(AGE > 25, 1.0, 0.0)
    out = released(adults, relation=relation, mechanism=mechanism, **promise)
    assert out.noise.relation == relation
    assert out.noise.epsilon == 1.0
    assert out.noise.sensitivity == 1.0  # of 0 and 1, replaced or left out
    assert out.noise.protects in out.statement
    assert "INSECURE" in out.statement


def test_shapes_and_names_come_back():
    assert set(released({"age": AGE / 100, "income": INCOME}).value) == {
        "age",
        "income",
    }
    out = released([AGE, X], {AGE: [20, 30], X: np.zeros((2, 3))})
    assert [np.shape(v) for v in out.value] == [(), (3,)]
    assert np.shape(released(X, {X: np.zeros((2, 3))}).value) == (3,)


def test_noise_is_as_large_as_the_statement_says():
    s = privacy.contribution(AGE, PEOPLE)
    noise = privacy.gaussian(s, relation="add_or_remove_one", **PROMISE)
    values = [s.release(TABLE, noise, insecure_rng=i) for i in range(300)]
    assert values[7] == released(AGE, insecure_rng=7).value
    assert np.std(values) == pytest.approx(noise.sigma, rel=0.2)
    assert np.mean(values) == pytest.approx(150, abs=4 * noise.sigma / math.sqrt(300))


def test_a_budget_is_kept_and_nothing_is_released_beyond_it():
    accountant = privacy.Accountant("add_or_remove_one", epsilon=2.0, delta=1e-6)
    for _ in range(3):
        released(AGE, accountant=accountant)
    spent = accountant.epsilon_at(1e-6)
    with pytest.raises(BudgetError, match="budget of epsilon 2 at delta 1e-06"):
        released(AGE, accountant=accountant)
    assert accountant.releases == 3
    assert accountant.epsilon_at(1e-6) == spent <= 2.0


@pytest.mark.parametrize("budget", [{"epsilon": 1}, {"delta": 0.1}])
def test_half_a_budget_is_refused(budget):
    with pytest.raises(InvalidInputError, match="only one of them"):
        privacy.Accountant("replace_one", **budget)


def test_bad_data_are_not_charged_for():
    accountant = privacy.Accountant("add_or_remove_one")
    with pytest.raises(UnknownSymbolError, match="Did you mean 'age'"):
        released(AGE, {"agee": [1]}, accountant=accountant)
    assert accountant.releases == 0


def test_what_is_refused():
    with pytest.raises(InvalidInputError, match="neighbours"):
        released(AGE, relation=None)
    with pytest.raises(InvalidInputError, match="Did you mean 'gaussian'"):
        released(AGE, mechanism="gauss")
    with pytest.raises(UnsupportedError, match="replace_one only"):
        released(np.mean(X), {X: [0, 0, 0]}, whole=True)
    with pytest.raises(InvalidInputError, match="outside"):
        released(AGE, outside="ignore")


def test_noise_of_something_else_is_refused():
    s, other = privacy.contribution(X, PEOPLE), privacy.contribution(AGE, PEOPLE)
    noise = privacy.gaussian(other, relation="replace_one", **PROMISE)
    with pytest.raises(UnsupportedError, match="another shape"):
        s.release({X: np.zeros((2, 3))}, noise)
    less = privacy.gaussian(other.scaled(0.5), relation="replace_one", **PROMISE)
    with pytest.raises(UnsupportedError, match="moves by"):
        other.release({AGE: [20]}, less)


def test_a_whole_query_moves_as_its_diameter_says():
    out = released(
        np.max(X), {X: [0, 0.5, 2]}, relation="replace_one", whole=True,
        mechanism="laplace", delta=None,
    )  # fmt: skip
    assert out.sensitivity.quantity == "diameter"
    assert out.noise.sensitivity == pytest.approx(2.0)


ROW, LABEL, NUMBER = dt.symbol("row", (2,)), dt.symbol("label", (3,)), dt.symbol("n")
DOMAINS = [
    (NUMBER, dt.Box({NUMBER: (0, 1)})),
    (ROW, dt.Box({ROW: (0, 1)}) & dt.Where(np.sum(ROW) <= 1)),
    (ROW, dt.Ball(ROW, 0, 1)),
    (LABEL, dt.OneHot(LABEL)),
    (LABEL, dt.Simplex(LABEL)),
    (NUMBER, dt.Choice(NUMBER, [1, 2])),
]


@pytest.mark.parametrize("outside", some(["clip", "refuse"], 1))
def test_no_records_at_all_are_nothing_and_no_error(outside):
    """Whether there is a record is what add_or_remove_one must not tell."""
    for v, domain in DOMAINS:
        s = privacy.contribution(v, domain)
        total = s.value({v.name: np.zeros((0, *v.shape))}, outside=outside)
        assert np.shape(total) == v.shape and not np.any(total)


def test_dates_are_no_data():
    s = privacy.contribution(NUMBER, dt.Box({NUMBER: (0, 1)}))
    for kind in ("M8[s]", "m8[s]"):
        with pytest.raises(dt.errors.InvalidInputError, match="numbers"):
            s.value({"n": np.array([1], dtype=kind)})
