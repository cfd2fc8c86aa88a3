"""What a rule may not do: lose something undefined, round a number, mix up elements."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.traverse import free_symbols, topological
from deuterium.testing import assert_encloses, evaluate_exactly
from deuterium.transform.simplify import exact_constants
from deuterium.transform.simplify.rules import Assumptions
from tests.transform.simplify.rewrites import assert_each_rewrite

x, y, s = (dt.symbol(n) for n in "xys")
u, z = dt.symbol("u", (4,)), dt.symbol("z", (4,))
m = dt.symbol("m", (2, 3))
ENDS = {
    "x": (-1, 1),
    "y": (-1, 1),
    "s": (-2, 2),
    "u": (-1, 1),
    "z": (-1, 1),
    "m": (-1, 2),
}
LOST = np.log(z) - np.log(z)
LOST_SCALAR = np.log(x) - np.log(x)


def over_box(v, **ends):
    return dt.Box({n.name: (ENDS | ends)[n.name] for n in free_symbols([v])})


CANCELLING = {
    "sum of a softmax": np.sum(dt.softmax(u) + LOST),
    "shifted softmax": np.sum(dt.softmax(u - y + LOST) * u),
    "shifted log-sum-exp": dt.logsumexp(u - y + LOST),
    "softmax of another shift": dt.softmax(u + LOST_SCALAR)[0] * np.exp(u).sum(),
    "zero times a term": 1 - expit(y) + 0 * np.log(x),
    "complement of a square": 1 - np.square(np.tanh(y)) + LOST_SCALAR,
    "tanh by a logistic": 2 * expit(2 * y) + LOST_SCALAR - 1,
    "logistic by a tanh": 1 + LOST_SCALAR + np.tanh(y),
    "pair of logistics": y * expit(-s) - (1 - y + LOST_SCALAR) * expit(s),
    "sum": np.sqrt(x) + y - np.sqrt(x),
    "product": y * (1 / x) * x,
    "power": (y / np.sqrt(x)) ** 3 * np.sqrt(x) ** 3,
    "multiplied out": (y / np.exp(s) + LOST_SCALAR) * np.exp(s),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_what_cancels_is_undefined_where_its_terms_are(name):
    v = CANCELLING[name]
    domain = over_box(v)
    assert_each_rewrite(v, domain, points=8)
    found = dt.enclose(v, domain)
    assert np.all(found.upper == np.inf)
    assert found.cause.kind == "undefined"


def test_no_proof_of_what_is_undefined():
    v = CANCELLING["sum of a softmax"]
    found = dt.maximize(v, over_box(v), time_limit=0.5)
    assert found.upper == np.inf
    assert found.status != "optimal"
    assert str(found.cause).startswith("undefined: log of [-1, ")
    assert found.certificate is None


@pytest.mark.parametrize("name", CANCELLING)
def test_it_still_cancels_where_it_is_defined(name):
    v = CANCELLING[name]
    simple = dt.simplify(v, over_box(v, x=(0.5, 1), z=(0.5, 1)))
    names = {node.op.name for node in topological([simple]) if node.op is not None}
    assert not names & {"log", "sqrt", "reciprocal", "divide"}


# -- numbers ---------------------------------------------------------------------------

SLOPE = dt.grad(np.tanh(x), x)


@pytest.mark.parametrize(
    ("v", "ends"),
    [
        (1e-323 / SLOPE * expit(2 * x), (349, 350)),
        (1e308 * SLOPE / expit(2 * x), (10, 11)),
        (3e-324 * np.square(expit(2 * x)) / np.square(SLOPE), (300, 301)),
        (expit(2 * x) / SLOPE**40 * 2.0**-1000, (0, 0.5)),
        (expit(2 * x) * SLOPE ** (2**30), (0, 0.5)),
    ],
)
def test_a_coefficient_that_would_round_is_left_alone(v, ends):
    domain = dt.Box({x: ends})
    assert_each_rewrite(v, domain, points=3, bits=2000)
    assert_encloses(v, domain)


@pytest.mark.parametrize("f", [exact_constants.product, exact_constants.total])
def test_arithmetic_on_numbers_is_exact_or_refused(f):
    numbers = [0, 1, -1, 2, 0.5, 3, 0.1, 1e308, 5e-324, 2**53 + 1, 10**300, -0.0, 2**53]
    for a in numbers:
        for b in numbers:
            got = f(a, b)
            true = exact_constants.Fraction(a) * exact_constants.Fraction(b)
            if f is exact_constants.total:
                true = exact_constants.Fraction(a) + exact_constants.Fraction(b)
            assert got is None or exact_constants.Fraction(got) == true, (a, b, got)


def test_powers_of_numbers_are_exact_or_refused():
    for a in (0, 1, -1, 2, 0.5, 10, 1e200, 1e-200, 5e-324, 2**53 + 1, 10**300):
        for n in (-(2**31), -65, -2, -1, 1, 2, 3, 64, 65, 2**31):
            got = exact_constants.power(a, n)
            if got is not None and a != 1:
                assert (
                    exact_constants.Fraction(got) == exact_constants.Fraction(a) ** n
                ), (a, n, got)
    assert exact_constants.power(0, -1) is None
    assert exact_constants.power(1e-320, -1) is None
    assert exact_constants.power(2, 10) == 1024


def test_a_sum_of_whole_numbers_that_rounds_is_not_folded():
    v = np.sum(dt.constant(np.array([2.0**53, 1.0]))) - 2**53 + x
    assert float(evaluate_exactly(dt.simplify(v), {"x": 0.0})) == 1


def test_infinite_constants_do_not_cancel():
    for v in (x * np.inf / np.inf, x + np.inf - np.inf, 0 * dt.constant(np.inf) + x):
        assert not Assumptions(None).defined(v)
        assert dt.simplify(v) is not x
        assert np.isnan(dt.simplify(v).evaluate({x: 0.5}))
    assert Assumptions(None).defined(np.clip(x, -np.inf, np.inf))


def test_parameters_of_one_value_are_not_one():
    a, b = dt.constant(2.0), dt.constant(2.0)
    v = dt.simplify(expit(a) * expit(-b) * x, inputs=[a, b])
    assert {a, b} <= set(topological([v]))


# -- which element ---------------------------------------------------------------------

TOTAL = np.exp(m).sum(axis=-1, keepdims=True)
PICKED = {
    "exponentials of another row": np.exp(m)[::-1, :1] / TOTAL,
    "a softmax of another row": dt.softmax(m)[::-1, :1] * TOTAL,
    "an element": np.exp(m)[0, 1] / dt.softmax(m)[0, 1],
    "elements of each row": np.exp(m)[:, 1:2] / dt.softmax(m)[:, 1:2],
    "a row": np.exp(m)[1] / dt.softmax(m)[1],
    "softmaxes of other lengths": (
        dt.softmax(broadcast_to(x, (3,)))[0] * dt.softmax(broadcast_to(y, (4,)))[0]
    ),
}


@pytest.mark.parametrize("name", PICKED)
def test_elements_keep_their_rows(name):
    assert_each_rewrite(PICKED[name], over_box(PICKED[name]))


def test_nothing_is_asked_of_factors_of_an_empty_sum():
    empty = dt.symbol("e", (2, 0))
    for v in (
        np.sum(broadcast_to(np.log(x), (2, 0)) * empty, axis=1),
        np.log(np.sum(np.exp(empty), axis=1) + 1),
        (np.log(x) * empty) @ dt.constant(np.ones((0, 3))),
    ):
        found = dt.enclose(dt.simplify(v), dt.Box({x: (-1, 1), empty: (0, 1)}))
        assert np.all(found.lower == 0), v
        assert np.all(found.upper == 0), v


# -- facts -----------------------------------------------------------------------------


def test_an_end_that_is_not_known_is_no_fact():
    known = Assumptions(dt.Box({x: (800, 900)}))
    v = np.exp(x)  # its lower end overflows
    assert np.isnan(known.range(v).lower) == np.isnan(known.range(v).upper)
    assert known.defined(v) == (not np.isnan(known.range(v).lower))
