"""The checker's ranges of numbers that are linear in what lies in a ball."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.sums_in_balls import summed

N = 5
x, y = dt.symbol("x", (N,)), dt.symbol("y", (2,))
A = np.random.default_rng(0).normal(size=(3, N))
CENTER = np.array([0.5, -1.0, 0.25, 0.0, 2.0])
DOMAIN = dt.Ball(x, CENTER, 1.5) & dt.Box({y: (-1, 1)})
FORMS = {
    "sum": (np.sum(x), np.ones(N), 0.0),
    "product": (A[0] @ x - 0.5, A[0], -0.5),
    "of a product of matrices": (np.sum(A @ x), A.sum(axis=0), 0.0),
    "of shares": (np.sum((x - A[1]) / 3), np.full(N, 1 / 3), -A[1].sum() / 3),
    "of elements": (x[3] - 2 * x[0] + 1, np.array([-2.0, 0, 0, 1, 0]), 1.0),
    "outer": (np.sum(np.outer(A[2], x)[:2]), np.full(N, A[2, :2].sum()), 0.0),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_range_is_that_of_the_ball(name):
    form, slope, added = FORMS[name]
    graph, starts, ranges = summed(np.exp(form), ProofInputs([x], DOMAIN))
    assert ranges and set(starts) > {"x"} and not graph.free_symbols & {"x"}
    low, high = ranges[-1]
    middle, away = slope @ CENTER + added, 1.5 * np.linalg.norm(slope)
    for found, truth in ((low, middle - away), (high, middle + away)):
        assert abs(float(found) - truth) <= 1e-12
    assert not high < middle + away * (1 - 1e-15)
    assert not low > middle - away * (1 - 1e-15)


OTHERS = {
    "squared": np.sum(x * x * x),
    "with another symbol": np.sum(x) + y[0],
    "times another symbol": np.sum(x) * y[0],
    "divided by itself": np.sum(x / (x + 9)),
    "sizes": np.sum(np.abs(x)),
    "over a number without end": np.sum(x * np.array([np.inf, 1, 1, 1, 1])),
    "one element": np.exp(x[1]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_linear_has_none(name):
    inputs = ProofInputs([x, y], DOMAIN)
    inner = 1 if name == "times another symbol" else 0  # the sum within it
    _, _, ranges = summed(OTHERS[name], inputs)
    assert len(ranges) <= max(inner, name == "with another symbol")
