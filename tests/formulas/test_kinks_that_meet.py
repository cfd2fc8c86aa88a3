"""Sums of kinks of one number have the slopes that occur, also where several meet."""

import numpy as np
import pytest
import scipy.special as sp
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium import privacy
from tests.amounts import examples

s = dt.symbol("s")
LOW, HIGH = -6, 7
TERMS = {  # of widths of 1: kinks of one term are where those of another are
    "slab": lambda s, k: np.clip(s - k, 0, 1),
    "share": lambda s, k: np.maximum(np.minimum(s, k + 1) - k, 0),
    "above": lambda s, k: np.maximum(2 * s - 2 * k, 0),
    "below": lambda s, k: np.maximum(k - s, 0),
    "size": lambda s, k: np.abs((k - s) / 2),
    "hat": lambda s, k: np.maximum(1 - np.abs(s - k), 0),
    "capped": lambda s, k: np.minimum(np.abs(s - k), 1),
    "branches": lambda s, k: np.where(s > k, np.where(s < k + 1, s - k, 1), 0),
}
SUMS = st.lists(
    st.tuples(st.sampled_from(sorted(TERMS)), st.integers(-5, 5), st.integers(-4, 4)),
    min_size=2,
    max_size=8,
)


def steepest(f):
    """Return the largest slope of a sum, which has kinks at integers alone."""
    middles = np.arange(LOW, HIGH) + 0.5
    return max(abs(f(m + 0.25) - f(m - 0.25)) / 0.5 for m in middles)


@examples(few=8, many=400)
@given(SUMS)
def test_the_steepest_slope_is_that_of_a_piece(terms):
    def f(s):
        return sum(c / 4 * TERMS[name](s, k) for name, k, c in terms)

    written = f(s)
    found = privacy.lipschitz(written, s, dt.Box({s: (LOW, HIGH)}), time_limit=10)
    assert steepest(f) <= found.upper <= steepest(f) * (1 + 1e-9) + 1e-12
    slope = dt.grad(written, s)
    places = np.arange(LOW, HIGH, 0.5)
    as_it_was = slope.evaluate({s: places})
    assert np.array_equal(dt.simplify(slope).evaluate({s: places}), as_it_was)


@pytest.mark.parametrize("name", sorted(TERMS))
def test_so_it_is_of_arrays(name):
    edges, rates = np.arange(-3, 4), np.array([1, 3, 2, 5, -1, 4, 2]) / 8

    def f(s):
        return np.sum(rates * TERMS[name](s, edges))

    found = privacy.lipschitz(f(s), s, dt.Box({s: (LOW, HIGH)}), time_limit=10)
    assert steepest(f) <= found.upper <= steepest(f) * (1 + 1e-9)


def test_twelve_brackets_in_another_formula():
    edges = [0, 9.275, 20.3, 41.775, 89.1, 170.05, 215.95, 539.9, 600, 650, 700, 800]
    rates = [0.1, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37, 0.2, 0.4, 0.1, 0.3, 0.25]

    def tax(s):
        parts = zip(rates, edges, [*edges[1:], 1e3], strict=True)
        return sum(r * np.maximum(np.minimum(s, b) - a, 0) for r, a, b in parts)

    d = dt.symbol("d")
    box = dt.Box({s: (0, 900), d: (5, 30)})
    found = privacy.lipschitz(tax(np.maximum(s - d, 0)), [s, d], box, time_limit=10)
    assert found.upper <= 0.4 * np.sqrt(2) * (1 + 1e-9)


RISING = {
    "elu": np.maximum(s, 0) + np.minimum(np.exp(s) - 1, 0),
    "elu by parts": dt.relu(s) - dt.relu(-np.expm1(s)),
    "celu": np.maximum(0, s) + np.minimum(0, (np.exp(s / 0.5) - 1) / 2),
    "tanh on one side": np.maximum(np.tanh(s), 0) + np.minimum(s, 0),
    "a probability": 4 * np.maximum(sp.expit(s) - 0.5, 0) + np.minimum(s, 0),
    "from the top": np.maximum(1 - np.exp(-s), 0) + np.maximum(-s, 0),
}


@pytest.mark.parametrize("name", RISING)
def test_kinks_of_a_number_and_of_what_rises_with_it_meet(name):
    found = privacy.lipschitz(RISING[name], s, dt.Box({s: (-3, 3)}))
    assert 1 - 1e-9 <= found.upper <= 1.01


def test_an_element_of_an_array_of_one_is_a_number():
    x = dt.symbol("x", (1,))
    found = privacy.lipschitz(
        np.maximum(x[0], 0) + np.minimum(np.exp(x[0]) - 1, 0), x, dt.Box({x: (-3, 3)})
    )
    assert found.upper == 1.0


def test_kinks_of_what_turns_do_not_meet_by_it():
    f = np.maximum(s, 0) + np.maximum(1 - s * s, 0) + np.maximum(np.sin(s), 0)
    points = np.linspace(-3, 3, 6001)
    slopes = dt.grad(f, s).evaluate({s: points})
    found = privacy.lipschitz(f, s, dt.Box({s: (-3, 3)}), max_regions=200)
    assert found.upper >= np.abs(slopes).max() * (1 - 1e-9)


@pytest.mark.parametrize("k", [1, -2])
def test_at_a_kink_itself_its_own_value_counts(k):
    v = np.where(k * s > k, 1, 2) + np.where(1 - s > 0, 4, 8)
    below, above = (1, 2)[:: k // abs(k)][::-1]
    for f in (v, dt.simplify(v)):
        assert [f.evaluate({s: x}) for x in (0.9, 1, 1.1)] == [4 + below, 10, 8 + above]
