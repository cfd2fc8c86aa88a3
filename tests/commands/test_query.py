"""The query: what it says is true, and what cannot be bounded is said to be so."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

import deuterium as dt
from deuterium.commands import run_query
from deuterium.errors import FormulaError, MissingSymbolError, UnknownSymbolError
from deuterium.frontends.formula import lift
from deuterium.testing import assert_encloses
from tests.amounts import some

FIRST = "a**2 + exp(2*b - a)"
FIRST_BOX = {"a": (1.0, 2.0), "b": (0.5, 3.0)}


def test_the_first_query():
    r = run_query(FIRST, FIRST_BOX)
    with mp.workdps(40):  # at (1, 3), where 2a - E < 0 and E is largest
        e = mp.exp(5)
        supremum = mp.sqrt((2 - e) ** 2 + (2 * e) ** 2)
        assert supremum <= mp.mpf(r.upper) <= supremum * (1 + mp.mpf(10) ** -12)
        assert supremum * (1 - mp.mpf(10) ** -12) <= mp.mpf(r.reached) <= supremum
    assert {n: float(x) for n, x in r.found.witness.items()} == {"a": 1, "b": 3}
    assert r.status == "certified"
    assert r.cause is None
    assert 0 <= r.gap < 1e-12
    assert r.lower <= 2.2215905565104195 < r.lower * 1.001
    assert r.gradient == {"a": "2*a - exp(-a + 2*b)", "b": "2*exp(-a + 2*b)"}
    assert r.bounds == FIRST_BOX


QUERIES = [
    ("a*b*sin(a)", {"a": (-2, 2), "b": (0, 3)}),
    ("log(1 + exp(a)) - b*a", {"a": (-5, 5), "b": (0, 1)}),
    ("tanh(2*a + b)**2 + a/ (1 + b**2)", {"a": (-1, 1), "b": (-1, 1)}),
    ("a**3 - 3*a*b**2", {"a": (-1, 1), "b": (-1, 1)}),
    ("sqrt(1 + a**2 + b**2)", {"a": (-3, 1), "b": (-2, 2)}),
]


@pytest.mark.parametrize(("text", "bounds"), QUERIES)
@pytest.mark.parametrize("boxes", some([500, 1], 1))
def test_range_holds_and_reached_is_below(text, bounds, boxes):
    r = run_query(text, bounds, boxes=boxes)
    symbols = [dt.symbol(n) for n in bounds]
    norm = dt.norm(dt.grad(lift(text), symbols))
    claimed = dt.Interval(r.lower, r.upper)
    assert_encloses(norm, dt.Box(bounds), samples=45, enclosure=claimed)
    assert r.reached <= r.upper
    assert claimed.contains(r.found.value)
    assert r.gap == (r.upper - r.reached) / r.reached
    assert all(bounds[n][0] <= x <= bounds[n][1] for n, x in r.found.witness.items())


@pytest.mark.parametrize(("text", "bounds"), some(QUERIES, 2))
def test_more_boxes_are_tighter(text, bounds):
    one, many = run_query(text, bounds, boxes=1), run_query(text, bounds, boxes=2000)
    assert many.upper <= one.upper
    assert many.lower >= one.lower
    assert many.gap < 0.05


@pytest.mark.parametrize(
    ("text", "bounds", "status", "operator", "source"),
    [
        ("b + log(a)", {"a": (0, 1), "b": (0, 1)}, "undefined", "log", "formula:5"),
        ("b / a", {"a": (-1, 1), "b": (0, 1)}, "undefined", None, "formula:3"),
        ("sqrt(a)", {"a": (0, 1)}, "undefined", None, "formula:1"),
        ("a**2", {"a": (0, math.inf)}, "unbounded", "a", "formula:1"),
    ],
)  # fmt: skip
def test_what_has_no_bound(text, bounds, status, operator, source, short_search):
    r = run_query(text, bounds, boxes=200)
    assert r.status == status
    assert r.upper == math.inf
    assert r.lower >= 0
    assert r.gap == math.inf
    assert r.cause.source == source
    assert operator in (None, r.cause.operator)
    assert math.isfinite(r.reached)


def test_undefined_everywhere():
    """The derivative 1/a has values on this box, but log(a) has none."""
    r = run_query("log(a)", {"a": (-3, -2)})
    assert r.status == "undefined"
    assert (r.lower, r.upper) == (0, math.inf)
    assert r.cause.operator == "log"
    assert r.found.status == "nothing found"
    assert r.found.witness == {}
    assert r.reached == 0


def test_undefined_in_part():
    r = run_query("log(a) + b", {"a": (-1, 2), "b": (0, 1)})
    assert r.status == "undefined"
    assert r.upper == math.inf


def test_gradient_that_is_constant_still_has_a_whole_witness():
    r = run_query("3*a + 4*b", {"a": (0, 1), "b": (-1, 1)})
    assert (r.lower, r.upper, r.gap) == (5, 5, 0)
    assert set(r.found.witness) == {"a", "b"}
    zero = run_query("0*a", {"a": (0, 1)})
    assert (zero.lower, zero.upper, zero.gap) == (0, 0, 0)


def test_same_seed_same_answer():
    first, again = (run_query(QUERIES[0][0], QUERIES[0][1], seed=4) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("text", "bounds", "error", "why"),
    [
        ("a + b", {"a": (0, 1)}, MissingSymbolError, "--bound b=LOWER:UPPER"),
        ("alpha", {"alpa": (0, 1)}, UnknownSymbolError, "Did you mean 'alpha'"),
        ("1 + 2", {}, FormulaError, "no symbols"),
        ("a^2", {"a": (0, 1)}, FormulaError, "use \\*\\*"),
    ],
)
def test_refusals(text, bounds, error, why):
    with pytest.raises(error, match=why):
        run_query(text, bounds)


def test_what_has_no_end_is_not_searched_for_long():
    found = run_query("a**2", {"a": (0.0, math.inf)})
    assert found.status == "unbounded"
    assert found.reached >= 1e200
    assert found.found.evaluations < 1000
