"""`.evaluate`: values in, numbers out, and what is wrong with either."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import (
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
)

x, m = dt.symbol("x"), dt.symbol("m", (2, 3))


def test_numbers_come_out_as_floats_and_arrays():
    assert type((x * 2).evaluate({x: 3})) is float
    assert (m * 2).evaluate({m: 1}).shape == (2, 3)
    assert (m * 2).evaluate({m: 1}).dtype == np.float64
    assert dt.constant(3).evaluate() == 3.0


@pytest.mark.parametrize("key", [x, "x", x.data, dt.symbol("x")])
def test_keys(key):
    assert (x**2).evaluate({key: 3}) == 9


def test_values_broadcast_and_carry_batches():
    v = (m * x).sum()
    assert v.evaluate({m: [1, 2, 3], x: 2}) == 24
    batch = np.arange(24.0).reshape(4, 2, 3)
    got = v.evaluate({m: batch, x: [1, 2, 3, 4]})
    np.testing.assert_allclose(got, batch.sum((1, 2)) * [1, 2, 3, 4])
    grid = v.evaluate({m: batch[:, None], x: np.arange(5.0)})
    assert grid.shape == (4, 5)
    assert (x * 0 + 1).evaluate({x: np.ones((2, 3))}).shape == (2, 3)
    assert (m[0] * 1).evaluate({m: batch, x: np.ones(4)}).shape == (4, 3)


def test_constants_can_be_given_other_values():
    w = dt.constant(2.0, name="w")
    assert (w * x).evaluate({x: 3, w: 5}) == 15
    assert (w * x).evaluate({x: 3}) == 6


def test_a_symbol_given_as_variable_need_not_occur():
    g = dt.grad(2 * x, x)
    assert g.evaluate({x: 3}) == 2
    assert g.evaluate({x: [3, 4]}).shape == (2,)


WRONG = [
    ({}, MissingSymbolError, ["'x'", "given no value"]),
    ({"x": 1, "xx": 2}, UnknownSymbolError, ["'xx'", "Did you mean 'x'?"]),
    ({"x": "one"}, InvalidInputError, ["'x'", "real numbers"]),
    ({"x": None}, InvalidInputError, ["'x'", "real numbers"]),
    ({"x": 1j}, InvalidInputError, ["'x'", "real numbers"]),
    ({x + 1: 2}, InvalidInputError, ["keyed by name"]),
    ({3: 2}, InvalidInputError, ["keyed by name"]),
]


@pytest.mark.parametrize("values, error, words", WRONG)
def test_wrong_values(values, error, words):
    with pytest.raises(error) as caught:
        (x * 2).evaluate(values)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 3, 3), (2, 1, 4)])
def test_wrong_shapes(shape):
    with pytest.raises(ShapeError, match=r"'m' has shape \(2, 3\)"):
        (m * 2).evaluate({m: np.ones(shape)})


def test_undefined_values_are_nan_or_infinite_and_silent():
    assert np.isnan(np.log(x).evaluate({x: -1}))
    assert np.log(x).evaluate({x: 0}) == -np.inf
    assert (1 / x).evaluate({x: 0}) == np.inf
    assert np.exp(x).evaluate({x: 1000}) == np.inf


def test_the_answer_is_the_users_to_change():
    values = np.ones((2, 3))
    got = m.evaluate({m: values})
    got[0, 0] = 5.0
    assert values[0, 0] == 1
    w = dt.constant(np.ones(3))
    w.evaluate({})[0] = 7.0
    assert w.value[0] == 1
