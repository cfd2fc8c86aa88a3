"""Certificates of graphs with conditions, rounding and order statistics."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

import deuterium as dt
from deuterium.certify.checker.ball_program import RangeProgram
from deuterium.certify.checker.exceptions import NoBound
from deuterium.graph.operator import OPERATORS
from deuterium.transform import grad as exact_grad
from tests.amounts import draws
from tests.certify.forging import leaf, refused

x, y, v = dt.symbol("x"), dt.symbol("y"), dt.symbol("v", (3,))
UNIT, SQUARE = dt.Box({x: (0, 1)}), dt.Box({x: (-1, 1), y: (0, 1)})
CUBE = dt.Box({v: (-1, 1)})
PROBLEMS = {
    "where": (np.where(x > 0.3, x * (1 - x), x / 2), UNIT, 0.25),
    "select": (np.select([x < -0.5, x < y], [y * x, x - y], y + 0.1), SQUARE, 1.1),
    "floor": (np.floor(3 * x) - x, SQUARE, 2.0),
    "remainder": (np.remainder(x, 0.3) * y, SQUARE, 0.3),
    "interp": (np.interp(x, [-0.5, 0, 0.4], [0, 1, 0.2]) * (1 + y), SQUARE, 2.0),
    "sort": (np.sort(v) @ np.array([1.0, -2, 1.5]), CUBE, 2.5),
    "median": (np.median(v) * v[0], CUBE, 1.0),
    "count": (np.sum(v > 0.2) + 0.5 * np.sum(v), CUBE, 4.5),
    "slope": (dt.norm(dt.grad(np.sum(np.where(v > 0, v * v, -v)), [v])), CUBE, 12**0.5),
    "rint": (np.rint(2 * x) + (x == 0.5), SQUARE, 2.0),
    "not": (np.where(~(x > y) & (x != 0), x, -2.0), SQUARE, 1.0),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_they_are_believed(name):
    f, domain, top = PROBLEMS[name]
    e = dt.maximize(f, domain, rtol=0.02, time_limit=10)
    assert e.lower <= top + 1e-9
    assert top - 1e-12 <= e.upper <= 1.021 * top
    e.certificate.verify(f, domain)


@pytest.mark.parametrize("name", PROBLEMS)
def test_one_that_claims_too_little_is_not(name):
    f, domain, top = PROBLEMS[name]
    for claim in (top - 1e-3, top - 0.5):
        refused(f, domain, [leaf()], claim, known=top)


def test_a_slope_across_a_jump_has_no_certificate():
    f = np.abs(exact_grad(np.where(x > 0.5, x, x + 1e-17), x))
    e = dt.maximize(f, UNIT, time_limit=0.3)
    assert e.upper == np.inf
    refused(f, UNIT, [leaf()], 1.0, known=np.inf)


@pytest.mark.drawn
def test_what_is_undefined_in_a_branch_not_taken_does_not_matter():
    """The slope of the second element has a jump, behind a relu that is flat there."""
    weights = np.array([[0.77, -2.31, 0.45], [1.04, 1.86, 0.69], [0.44, -0.13, -2.24]])
    step = OPERATORS["relu'"]
    f = np.sum(step(np.power(dt.relu(v @ weights), np.ones(3))))
    low, high = [1e-160, 5e-324, -5e-324], [1.0000000000000001e-160, 1e-323, 0.0]
    box = dt.Box({v: (low, high)})
    for run in (dt.maximize, dt.minimize)[: draws(1, 2)]:
        assert run(f, box, max_regions=20).certificate.verify(f, box)
    with pytest.raises(NoBound, match="jump"):  # of one that is taken
        open_ = dt.grad(f, v)[0]
        RangeProgram([open_], {"v": 0}, 3)([arb(-1)] * 3, [arb(1)] * 3)
