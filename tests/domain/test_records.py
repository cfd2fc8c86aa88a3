"""Data brought to a domain: clipped, or refused with the record and the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import deuterium as dt
from deuterium.errors import (
    BoundsError,
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
)

X = dt.symbol("x", shape=(3,))
A = dt.symbol("a")
RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "domain",
    [
        dt.Box({X: (-1, 1)}),
        dt.Box({X: (np.array([0, -1, 2]), np.array([1, -0.5, 2]))}),
        dt.Ball(X, np.array([1.0, 2.0, 3.0]), 0.7),
        dt.Ball(X, 0.1, 0.3, order=np.inf),
        dt.Ball(X, 0, 1) & dt.Box({X: (-0.3, 0.9)}),
        dt.Ball(X, 0, 0.0),
    ],
)
def test_what_is_clipped_is_inside_and_what_is_inside_stays(domain):
    rows = np.concatenate([RNG.normal(size=(50, 3)) * s for s in (1e-3, 1, 1e3, 1e200)])
    moved = domain.clip({X: rows})["x"]
    assert all(domain.contains(X, row) for row in moved)
    inside = np.array([domain.contains(X, row) for row in rows])
    np.testing.assert_array_equal(moved[inside], rows[inside])
    np.testing.assert_array_equal(domain.check({X: moved})["x"], moved)


def test_a_point_moves_towards_the_centre_of_its_ball():
    moved = dt.Ball(X, 0, 1.0).clip({X: [[3.0, 0.0, 4.0]]})["x"]
    np.testing.assert_allclose(moved, [[0.6, 0.0, 0.8]], rtol=1e-12)


def test_a_table_is_read_by_its_columns():
    table = pd.DataFrame({"id": ["p", "q"], "a": [0.5, 7]}, index=[4, 9])
    assert dt.Box({A: (0, 1)}).clip(table)["a"].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    "data, error, words",
    [
        ({X: np.ones((2, 3)), A: [0, 1, 1]}, ShapeError, "one number of records"),
        ({X: np.ones((2, 3))}, MissingSymbolError, "no 'a'"),
        ({X: np.ones((2, 4)), A: [0, 1]}, ShapeError, "needs shape"),
        ({X: np.ones((2, 3)), A: [0, np.nan]}, InvalidInputError, "missing"),
        ({X: np.ones((2, 3)), A: ["u", "v"]}, InvalidInputError, "array of numbers"),
        ({X: np.ones((2, 3)), A: [0, 1], "aa": 1}, UnknownSymbolError, "mean 'a'"),
        ([1, 2], InvalidInputError, "mapping"),
    ],
)
def test_data_that_do_not_fit_are_refused_with_the_reason(data, error, words):
    domain = dt.Box({X: (-1, 1), A: (0, 1)})
    for bring in (domain.clip, domain.check):
        with pytest.raises(error, match=words):
            bring(data)


@pytest.mark.parametrize(
    "domain, value",
    [
        (dt.Choice(A, [0, 1]), [0, 1, 0.5]),
        (dt.OneHot(X), [[0, 1, 0], [1, 0, 0], [0, 0.5, 0.5]]),
        (
            dt.Box({X: (0, 1)}) & dt.Where(np.sum(X) <= 1),
            [[0, 1, 0], [0, 0, 0], [1] * 3],
        ),
    ],
)
def test_what_cannot_be_moved_is_refused_by_its_number(domain, value):
    (name,) = domain.names
    with pytest.raises(BoundsError, match="record 2"):
        domain.clip({name: value})
    domain.clip({name: value[:2]})


def test_check_moves_nothing():
    with pytest.raises(BoundsError, match="record 1 has a 'a' outside"):
        dt.Box({A: (0, 1)}).check({A: [0.5, 1.5]})


def test_a_domain_of_some_symbols_keeps_what_conditions_join():
    b, c = dt.symbol("b"), dt.symbol("c")
    whole = dt.Box({A: (0, 1), b: (0, 2), c: (0, 3)}) & dt.Where(b >= A)
    assert whole.restricted({"a"}).names == ["a", "b"]
    assert len(whole.restricted({"a"}).conditions) == 1
    assert whole.restricted({"c"}).names == ["c"]
    assert not whole.restricted({"c"}).conditions


def test_records_without_elements_are_in_a_ball():
    x = dt.symbol("x", shape=(0,))
    assert dt.Ball(x, [], 0.0).clip({x: np.zeros((2, 0))})["x"].shape == (2, 0)
