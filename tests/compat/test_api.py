"""The seed notebooks' names, with the quirks of the original put right."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import symengine as se

import deuterium as dt
from deuterium import Variable, get_gradients, random_symbols, relu, to_vec


def gradient(v, x, at):
    """Return a gradient three ways, which must agree."""
    by_function = dt.grad(v, x).evaluate(at)
    v.backward()
    by_method = x.grad.evaluate(at)
    assert by_function == by_method
    name = x.name if x.is_symbol else x.name or str(x.value)
    assert get_gradients(v)[name].evaluate(at) == by_function
    return by_function


def test_an_argument_used_twice_counts_twice():
    x = Variable("x")
    assert gradient(x + x, x, {x: 5}) == 2
    assert gradient(x * x, x, {x: 5}) == 10
    assert gradient(x - x, x, {x: 5}) == 0
    assert gradient(x / x, x, {x: 5}) == 0
    assert gradient(np.hypot(x, x), x, {x: 5}) == pytest.approx(math.sqrt(2))
    assert gradient(x**x, x, {x: 3}) == pytest.approx(27 * (1 + math.log(3)), rel=1e-15)


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 4, 7, 2.0, np.int64(3), True])
def test_integer_powers_of_negative_numbers(n):
    x = Variable("x")
    v = x**n
    g = dt.grad(v, x)
    assert v.evaluate({x: -2}) == (-2.0) ** int(n)
    assert g.evaluate({x: -2}) == int(n) * (-2.0) ** (int(n) - 1)
    for closed_form in (v, g, dt.grad(g, x)):
        assert "log" not in str(closed_form.data)
        found = dt.enclose(closed_form, dt.Box({x: (-3, -2)}))
        assert found.cause is None
    v.backward()
    assert "log" not in str(x.grad.data)


def test_a_constant_exponent_is_a_parameter_too():
    x, n = Variable("x"), Variable(3)
    v = x**n
    assert v.evaluate({x: -2}) == -8
    assert dt.grad(v, x).evaluate({x: -2}) == 12
    assert dt.enclose(v, dt.Box({x: (-3, -2)})).contains(-8.0)
    assert dt.grad(v, n).evaluate({x: 2}) == pytest.approx(8 * math.log(2), rel=1e-15)


def test_backward_twice_gives_the_same():
    x, y = Variable("x"), Variable("y")
    v = x**2 * y
    v.backward()
    first = x.grad
    v.backward()
    assert x.grad.evaluate({x: 3, y: 2}) == first.evaluate({x: 3, y: 2}) == 12
    (x * 5).backward()
    assert x.grad.evaluate({}) == 5
    assert y.grad.evaluate({x: 3}) == 9, "left as it was: it is not below the output"


def test_a_gradient_that_nothing_reached_is_zero():
    assert Variable("x").grad == 0
    np.testing.assert_array_equal(dt.symbol("x", (2,)).grad.value, [0, 0])


def test_two_symbols_of_one_name_are_one():
    one, two = Variable("x"), Variable("x")
    assert one == two
    v = one * two + two
    assert dt.grad(v, one).evaluate({two: 3}) == 7
    assert v.free_symbols == {se.Symbol("x")}
    assert dt.enclose(one * two, dt.Box({"x": (-1, 1)})).lower == 0
    v.backward()
    found = [n.grad for n in dt.graph.topological([v]) if n.is_symbol]
    assert len(found) == 2
    assert found[0] is found[1]


def test_names_of_two_shapes_are_refused():
    v = dt.symbol("x", (2,)).sum() + dt.symbol("x")
    with pytest.raises(dt.errors.GraphError, match="two symbols are named 'x'"):
        dt.enclose(v, dt.Box({"x": (0, 1)}))


def test_no_recursion():
    x = Variable("x")
    v = x
    for _ in range(3 * sys.getrecursionlimit()):
        v = np.sin(v)
    v.backward()
    assert abs(x.grad.evaluate({x: 0.5})) < 1
    assert abs(dt.grad(v, x).evaluate({x: 0.5})) < 1
    assert "nodes" in repr(v)


def test_gradients_by_name():
    a, b, c = Variable("a"), Variable("b"), dt.constant(2.0, name="c")
    v = a * b + c * a + 7 * b
    every = get_gradients(v)
    assert set(every) == {"a", "b", "c", "7"}
    assert every["c"] is not None
    assert every["7"].data == b.data
    some = get_gradients(v, ["a", b])
    assert set(some) == {"a", "b"}
    assert some["b"].evaluate({a: 2}) == 9


def test_what_a_variable_is_made_of():
    assert Variable("x").is_symbol
    assert Variable(2.5).data == 2.5
    assert Variable(2).data == 2
    assert isinstance(Variable(2).data, int)
    x = Variable(se.Symbol("x"))
    assert x.is_symbol
    assert Variable(x) is x
    assert str(Variable(se.sympify("x**2 + 1")).data) == "1 + x**2"
    assert Variable([1.0, 2.0]).shape == (2,)
    assert Variable(np.eye(2)).shape == (2, 2)
    assert Variable(2.0, name="w").name == "w"


def test_arrays_of_gradients_keep_their_shape():
    x = to_vec(np.array(random_symbols(4, "x")).reshape(2, 2))
    g = dt.grad((x**2).sum(), x)
    assert g.shape == (2, 2)
    assert str(g[1, 0].data) == "2*x_2"


class TestConventionsAtKinks:
    """Values at kinks are one-sided and fixed; enclosures are the hull."""

    def slope(self, call, at):
        x = Variable("x")
        g = dt.grad(call(x), x)
        around = dt.enclose(g, dt.Box({x: (at - 1, at + 1)}))
        return g.evaluate({x: at}), (float(around.lower), float(around.upper))

    def test_relu(self):
        assert self.slope(relu, 0) == (0, (0, 1))
        assert self.slope(lambda x: np.maximum(x, 0), 0) == (0, (0, 1))
        assert self.slope(lambda x: np.maximum(0, x), 0) == (0, (0, 1))

    def test_absolute(self):
        assert self.slope(abs, 0) == (0, (-1, 1))

    def test_ties_of_maximum_and_minimum_go_to_different_sides(self):
        """Their slopes add up to those of a sum, of which there is no doubt."""
        for choose, slope in ((np.maximum, 1), (np.minimum, 2)):
            value, (low, high) = self.slope(lambda x, f=choose: f(2 * x, x), 0)
            assert value == slope
            assert low <= 1 < 2 <= high
        assert self.slope(lambda x: np.maximum(x, 1), 1) == (0, (0, 1))
        assert self.slope(lambda x: np.maximum(1, x), 1) == (0, (0, 1))
        assert self.slope(lambda x: np.clip(x, -1, 1), 1) == (1, (0, 1))

    def test_max_and_min_give_ties_to_the_first(self):
        x = dt.symbol("x", (3,))
        for reduce, sign in ((np.max, 1), (np.min, -1)):
            g = dt.grad(reduce(x), x)
            np.testing.assert_array_equal(g.evaluate({x: [2, 2, 2]}), [1, 0, 0])
            np.testing.assert_array_equal(
                g.evaluate({x: np.array([1, 2, 2]) * sign}), [0, 1, 0]
            )
            found = dt.enclose(g, dt.Box({x: ([0, 0, 0], [1, 1, 1])}))
            np.testing.assert_array_equal(found.lower, [0, 0, 0])
            np.testing.assert_array_equal(found.upper, [1, 1, 1])

    def test_a_jump_has_no_slope_that_could_be_crossed(self):
        x = Variable("x")
        second = dt.grad(dt.grad(relu(x), x), x)
        assert second.evaluate({x: 0}) == 0
        assert dt.enclose(second, dt.Box({x: (1, 2)})).upper == 0
        crossed = dt.enclose(second, dt.Box({x: (-1, 1)}))
        assert crossed.upper == np.inf
        assert crossed.cause.kind == "undefined"
