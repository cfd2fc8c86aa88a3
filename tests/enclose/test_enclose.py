"""Enclosures: causes, batches, constants, and tightness where it is promised."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import deuterium as dt
from deuterium.testing import assert_encloses

x = dt.symbol("x")
a = dt.symbol("a", (3,))


def line():
    """Return this file's name and the line of the caller."""
    return f"test_enclose.py:{inspect.currentframe().f_back.f_lineno}"


def cause(v, bounds, symbol=x):
    found = dt.enclose(v, dt.Box({symbol: bounds}))
    assert np.isinf(found.upper).any()
    assert not np.isnan(found.lower).any()
    return found.cause


class TestCauses:
    def test_all_is_well(self):
        assert dt.enclose(np.exp(x), dt.Box({x: (0, 1)})).cause is None

    def test_a_pole(self):
        v, here = 1 / x, line()
        found = cause(np.exp(v) + 1, (-1, 2))
        assert (found.kind, found.operator) == ("undefined", "divide")
        assert found.source == here
        assert found.ranges == ((1, 1), (-1, 2))
        assert str(found) == f"undefined: divide of [1, 1], [-1, 2] at {here}"

    def test_outside_a_domain(self):
        v, here = np.sqrt(x - 1), line()
        found = cause(2 * v, (0, 2))
        assert (found.kind, found.operator) == ("undefined", "sqrt")
        assert (found.source, found.ranges) == (here, ((-1, 1),))

    def test_the_lower_end_knows_what_an_operator_cannot_go_below(self):
        found = dt.enclose(np.sqrt(x), dt.Box({x: (-1, 1)}))
        assert (found.lower, found.upper) == (0, np.inf)
        found = dt.enclose(np.log(x), dt.Box({x: (0, 1)}))
        assert (found.lower, found.upper) == (-np.inf, np.inf)

    def test_through_gradients(self):
        """The pole of 1/x in the gradient of log(x) names the line of the log."""
        v, here = np.log(x), line()
        v = v * 3
        g = dt.grad(v, x)
        found = cause(g, (0, 1))
        assert (found.operator, found.source) == ("reciprocal", here)
        second = dt.grad(g, x)
        assert cause(second, (0, 1)).source == here
        v.backward()
        symbol = next(n for n in dt.graph.topological([v]) if n.is_symbol)
        assert cause(symbol.grad, (0, 1)).source == here

    def test_through_functions_of_the_user(self):
        def loss(p):
            return -np.log(p)  # this is the line to name

        here = f"test_enclose.py:{loss.__code__.co_firstlineno + 1}"
        norm = dt.norm(dt.grad(loss(x) + x, [x]))
        assert cause(norm, (0, 1)).source == here

    def test_in_object_arrays(self):
        v = dt.to_vec(dt.random_symbols(2, "o"))
        v = np.log(v)
        here = f"test_enclose.py:{inspect.currentframe().f_lineno - 1}"
        found = dt.enclose(v.sum(), dt.Box({"o_0": (1, 2), "o_1": (0, 2)}))
        assert found.cause.source == here
        assert found.cause.ranges == ((0, 2),)

    def test_the_offending_element_of_an_array(self):
        v = np.log(a) * 2
        found = cause(v, ([1, 0, 2], [2, 0.5, 3]), a)
        assert found.ranges == ((0, 0.5),)

    def test_overflow(self):
        v, here = np.exp(x), line()
        found = cause(v + 1, (0, 1000))
        assert (found.kind, found.operator) == ("overflow", "exp")
        assert (found.source, found.ranges) == (here, ((0, 1000),))

    def test_unbounded(self):
        found = cause(x * 2 + 1, (0, np.inf))
        assert (found.kind, found.operator) == ("unbounded", "x")
        assert found.ranges == ((0, np.inf),)
        assert found.source.startswith("test_enclose.py:")

    def test_a_pole_on_an_unbounded_domain_is_a_pole(self):
        found = cause(1 / x, (-np.inf, np.inf))
        assert (found.kind, found.operator) == ("undefined", "divide")

    def test_undefined_is_never_hidden(self):
        """What is undefined stays so whatever is applied to it."""
        bad = np.log(x)
        for v in (
            0 * bad,
            bad - bad,
            np.tanh(bad),
            np.exp(-abs(bad)),
            np.maximum(bad, 0),
            np.minimum(bad, 0),
            np.clip(bad, -1, 1),
            np.sign(bad),
            dt.relu(bad),
            bad**2,
            bad**0.0 + 0 * bad,
            1 / (1 + bad**2),
            np.where(True, bad, 0),
            np.stack([bad, x]).max(),
            np.stack([bad, x]).prod(),
            dt.softmax(np.stack([bad, x]))[1],
            dt.logsumexp(np.stack([bad, x])),
            np.arctan(np.cumsum(np.stack([bad, x]))[1]),
            np.stack([bad, x]) @ np.zeros(2),
            np.hypot(bad, 0),
        ):
            found = cause(v, (-1, 1))
            assert (found.kind, found.operator) == ("undefined", "log")

    def test_after_a_round_trip_the_source_is_where_it_was_read(self):
        (again,) = dt.loads(dt.dumps([np.log(x)]))
        assert "test_enclose.py" in cause(again, (0, 1)).source


class TestBatches:
    def test_leading_axes(self):
        v = np.tanh(a).sum() * x
        lower = np.random.default_rng(0).normal(size=(2, 5, 3))
        box = {a: (lower, lower + 0.5), x: (np.zeros((5,)), np.ones(5))}
        found = dt.enclose(v, dt.Box(box))
        assert found.shape == (2, 5)
        alone = dt.enclose(v, dt.Box({a: (lower[1, 3], lower[1, 3] + 0.5), x: (0, 1)}))
        assert found.lower[1, 3] == pytest.approx(float(alone.lower), rel=1e-15)
        assert found.upper[1, 3] == pytest.approx(float(alone.upper), rel=1e-15)

    def test_what_does_not_depend_on_the_batch_has_its_axes(self):
        t = dt.symbol("t")
        found = dt.enclose(
            np.stack([x, t])[0], dt.Box({x: (0, 1), t: ([0, 1], [1, 2])})
        )
        assert found.shape == (2,)

    def test_one_bad_box_leaves_the_others(self):
        found = dt.enclose(np.log(x), dt.Box({x: ([1, 0, 2], [2, 1, 3])}))
        np.testing.assert_array_equal(np.isfinite(found.upper), [True, False, True])
        assert found.cause.ranges == ((0, 1),)


class TestConstants:
    def test_without_symbols(self):
        found = dt.enclose(dt.constant(0.1) + dt.constant(0.2), dt.Box({}))
        assert found.lower < 0.3 or found.upper > 0.3
        assert 0 < found.width < 1e-16

    def test_long_integers_are_not_doubles(self):
        n = 2**53 + 1
        found = dt.enclose(dt.constant(n) * 1, dt.Box({}))
        assert int(found.lower) < n < int(found.upper)
        assert_encloses(dt.constant(n) + x, dt.Box({x: (0, 0)}))

    def test_numbers_and_arrays_of_numbers(self):
        found = dt.enclose(dt.constant([1.0, 2.0]), dt.Box({}))
        np.testing.assert_array_equal(found.lower, [1, 2])
        assert dt.enclose(3, dt.Box({})).upper == 3


def test_a_symbol_alone():
    found = dt.enclose(x, dt.Box({x: (0.1, 0.2)}))
    assert (found.lower, found.upper) == (0.1, 0.2)


def test_squares_powers_and_norms_are_tight():
    """The first notebook takes x**2 on [-1, 1] to be [1, 1] and 1/x to be [-1, 1]."""
    box = dt.Box({x: (-1, 1)})
    for v in (x**2, x * x, np.square(x), abs(x), x**4, np.sqrt(x * x)):
        found = dt.enclose(v, box)
        assert (found.lower, found.upper) == (0, 1)
    assert dt.enclose(1 / x, box).upper == np.inf
    found = dt.enclose(np.linalg.norm(a), dt.Box({a: (-3, [0, 4, 0])}))
    assert found.lower == 0
    assert found.upper == pytest.approx(np.sqrt(34), rel=1e-15)


def test_the_answer_is_the_users_to_change():
    """No view of the domain's arrays, nor of a constant's."""
    bounds = np.zeros(3)
    found = dt.enclose(a, dt.Box({a: (bounds, bounds + 1)}))
    found.lower[0] = 9.0
    assert bounds[0] == 0
    w = dt.constant(np.ones(3))
    dt.enclose(w, dt.Box({})).lower[0] = 5.0
    assert w.value[0] == 1


def test_the_cause_is_found_behind_axes_that_are_spread():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = 0.3 * x - (0.25 + np.sin(x) ** 2) / y
    domain = dt.Choice(x, [1.0]) & dt.Choice(y, [-2.0, 0.0])
    assert dt.enclose(v, domain).cause.operator == "divide"
