"""The published experiments of the original library, by their numbers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import symengine as se

from deuterium import Variable, get_gradients, random_symbols, to_vec


def test_readme_symbolic():
    a, b = Variable("a"), Variable("b")
    f = a**2 + 2 * np.log(a * np.sqrt(a * b**3)) - np.exp(a + 2 * b) + 5
    f.backward()
    sa, sb = se.symbols("a b")
    want = sa**2 + 2 * se.log(sa * se.sqrt(sa * sb**3)) - se.exp(sa + 2 * sb) + 5
    point = {sa: 1.3, sb: 0.4}
    for got, expected in (
        (f.data, want),
        (a.grad.data, want.diff(sa)),
        (b.grad.data, want.diff(sb)),
    ):
        assert abs(float((got - expected).subs(point))) < 1e-13
    assert f.free_symbols == {sa, sb}


def test_readme_numeric():
    a, b = Variable(2), Variable(3)
    f = a**2 + 2 * np.log(a * np.sqrt(a * b**3)) - np.exp(a / 30 + 2 * np.sqrt(b)) + 5
    f.backward()
    assert f.data == pytest.approx(-19.7749161040171, rel=1e-14)
    assert a.grad.data == pytest.approx(4.36166018294329, rel=1e-14)
    assert b.grad.data == pytest.approx(-18.7166239942088, rel=1e-14)


@pytest.fixture
def kernel_gradients():
    """R2: the mean of a convolution of ten inputs with a kernel of three."""
    inputs = to_vec(random_symbols(10, "x"))
    kernel = to_vec(random_symbols(3, "k"))
    np.convolve(inputs, kernel).mean().backward()
    return inputs, kernel


def test_convolution_in_closed_form(kernel_gradients):
    inputs, kernel = kernel_gradients
    simple = inputs[0].grad.simplify(rational=True)
    assert str(simple.data) == "(1/12)*k_0 + (1/12)*k_1 + (1/12)*k_2"
    (x_sum,) = {str(k.grad.simplify(rational=True).data) for k in kernel}
    assert x_sum == " + ".join(f"(1/12)*x_{i}" for i in range(10))


def test_substitution_in_full_and_in_part(kernel_gradients):
    gradient = kernel_gradients[0][0].grad
    k = random_symbols(4, "k")
    full = gradient.subs({k[0]: 0.5, k[1]: 0.25, k[2]: 0.75, k[3]: 0.8})
    assert full.data == pytest.approx(0.125, rel=1e-15)
    part = gradient.subs({k[0]: 0.5, k[3]: 0.8}).simplify(rational=True)
    assert str(part.data) == "1/24 + (1/12)*k_1 + (1/12)*k_2"
    rest = part.subs({k[1]: 0.5, k[2]: 0.45})
    assert rest.data == pytest.approx(0.120833333333333, rel=1e-14)


def _backends():
    x = se.Symbol("x")
    for name in ("lambda", "llvm"):
        try:
            se.Lambdify([x], [x], backend=name)
        except (ValueError, RuntimeError, TypeError, ImportError):
            yield pytest.param(name, marks=pytest.mark.skip(reason="not built in"))
        else:
            yield name


@pytest.mark.parametrize("backend", list(_backends()))
def test_compiled_ahead_of_time_and_pickled(kernel_gradients, backend):
    inputs, kernel = kernel_gradients
    symbols = random_symbols(10, "x") + random_symbols(3, "k")
    gradients = [k.grad for k in kernel] + [inputs[0].grad]
    function = se.Lambdify(symbols, gradients, cse=True, backend=backend)
    batch = np.random.default_rng(0).normal(size=(4, 13))
    want = np.column_stack(
        [*[batch[:, :10].sum(1) / 12] * 3, batch[:, 10:].sum(1) / 12]
    )
    np.testing.assert_allclose(function(batch), want, rtol=1e-13, atol=1e-14)
    if backend == "lambda":
        return  # symengine itself pickles what LLVM compiled, and nothing else
    again = pickle.loads(pickle.dumps(function))
    np.testing.assert_array_equal(again(batch), function(batch))


def test_lambdify_takes_variables_as_arguments_too():
    a, b = Variable("a"), Variable("b")
    function = se.Lambdify([a, b], [a * b, np.exp(a) - b])
    np.testing.assert_allclose(function(0.5, 3.0), [1.5, np.exp(0.5) - 3])


R3 = {"a": -2.97477174267099, "b": -0.0627510511750698, "c": 0.827809224675755}


def _r3():
    a, b, c = Variable("a"), Variable("b"), Variable("c")
    i = a - b + c
    j = i**b
    k = j.exp().sqrt()
    m = (3 + k / i).log()
    return m * a**-b


def test_the_original_unit_test():
    """The original compares without abs(), so it accepts any very negative value."""
    gradients = get_gradients(_r3())
    assert set(gradients) >= {"a", "b", "c"}
    for name, want in R3.items():
        got = gradients[name].evaluate({"a": 1, "b": 2, "c": 3})
        assert abs(got - want) < 1e-13
        as_expression = gradients[name].data.subs({"a": 1, "b": 2, "c": 3})
        assert abs(float(as_expression) - want) < 1e-13


def test_the_original_unit_test_on_numbers():
    a, b, c = Variable(1), Variable(2), Variable(3)
    i = a - b + c
    (np.log(3 + np.sqrt(np.exp(i**b)) / i) * a**-b).backward()
    for v, want in zip((a, b, c), R3.values(), strict=True):
        assert abs(v.grad.data - want) < 1e-13


def test_the_first_query():
    """R4: the largest gradient norm of a**2 + exp(2b - a) lies at (1, 3)."""
    a, b = Variable("a"), Variable("b")
    gradients = get_gradients(a**2 + np.exp(2 * b - a))
    norm = np.linalg.norm(to_vec([gradients["a"], gradients["b"]]))
    assert norm.evaluate({a: 1, b: 3}) == pytest.approx(331, rel=1)
    assert norm.evaluate({a: 1, b: 3}) / 5 == pytest.approx(
        66.19446391885754, rel=1e-14
    )


def test_the_second_query():
    """R5: published as 59.22, which has the two bounds swapped; 61.19 is right."""
    x, y = Variable("x"), Variable("y")
    f = (
        x**3
        + 2 * x * y
        + 1 / y**2
        + 5
        + np.sqrt(x + np.log(y))
        + np.exp(x * y)
        - 2 * np.sqrt(np.exp(x))
    )
    norm = np.linalg.norm(to_vec(list(get_gradients(f, ["x", "y"]).values())))
    found = norm.evaluate({x: 2, y: 1.5})
    assert found == pytest.approx(61.18758502747134, rel=1e-13)
    assert norm.evaluate({y: 2, x: 1.5}) == pytest.approx(59.22008712736098, rel=1e-13)
