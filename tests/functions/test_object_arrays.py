"""Object arrays of scalar Variables: NumPy does the looping, as in the notebooks."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp
import symengine as se

import deuterium as dt
from deuterium import Variable, random_symbols, relu, to_vec

N = 4
POINT = {f"o_{i}": 0.2 * (i + 1) for i in range(N)} | {"s": 0.7}
NUMBERS = np.array([POINT[f"o_{i}"] for i in range(N)])


@pytest.fixture
def o():
    return to_vec(random_symbols(N, "o"))


@pytest.fixture
def s():
    return Variable("s")


def values(array):
    """Evaluate whatever came out: a Variable, or an object array of them."""
    if isinstance(array, Variable):
        return array.evaluate(known(array))
    return np.vectorize(lambda v: Variable(v).evaluate(known(Variable(v))))(array)


def known(v):
    return {n.name: POINT[n.name] for n in dt.graph.free_symbols([v])}


METHODS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan "
    "arcsin arccos arctan sinh cosh tanh arcsinh arctanh conjugate negative positive "
    "absolute"
)


@pytest.mark.parametrize("name", METHODS.split())
def test_functions_of_one_argument(o, name):
    got = getattr(np, name)(o)
    assert got.dtype == object
    np.testing.assert_allclose(values(got), getattr(np, name)(NUMBERS), rtol=1e-15)


BINARY = [
    lambda a, s: a * s,
    lambda a, s: s * a,
    lambda a, s: a + s,
    lambda a, s: s - a,
    lambda a, s: s / a,
    lambda a, s: a / s,
    lambda a, s: a**s,
    lambda a, s: s**a,
    lambda a, s: a**2,
    lambda a, s: 2**a,
    lambda a, s: np.float64(2.0) * a,
    lambda a, s: a * np.float32(2.0),
    lambda a, s: np.multiply(a, s),
    lambda a, s: np.multiply(s, a),
    lambda a, s: np.hypot(a, s),
    lambda a, s: a - np.ones(N),
    lambda a, s: np.ones((2, N)) * a,
    lambda a, s: a[:, None] * a,
    lambda a, s: -a,
    lambda a, s: abs(a - s),
    lambda a, s: 1 - a,
]


@pytest.mark.parametrize("call", BINARY)
def test_arithmetic(o, s, call):
    got = call(o, s)
    assert isinstance(got, np.ndarray)
    assert got.dtype == object
    np.testing.assert_allclose(values(got), call(NUMBERS, POINT["s"]), rtol=1e-15)


WHOLE = [
    lambda a: a.sum(),
    lambda a: a.mean(),
    lambda a: np.mean(a),
    lambda a: np.sum(a),
    lambda a: np.prod(a),
    lambda a: np.var(a),
    lambda a: np.std(a),
    lambda a: np.linalg.norm(a),
    lambda a: np.linalg.norm(a, ord=2),
    lambda a: np.linalg.norm(a, ord=1),
    lambda a: np.dot(a, a),
    lambda a: a @ np.arange(4.0),
    lambda a: np.arange(4.0) @ a,
    lambda a: a.reshape(2, 2) @ a.reshape(2, 2),
    lambda a: np.convolve(a, a),
    lambda a: np.outer(a, a),
    lambda a: np.cumsum(a),
    lambda a: np.einsum("i,i", a, a),
    lambda a: np.tensordot(a, a, 1),
    lambda a: np.concatenate([a, 2 * a]),
    lambda a: np.where(np.arange(4) % 2, a, -a),
    lambda a: a.reshape(2, 2).T,
    lambda a: np.array([i * 2 for i in a.flatten().tolist()]),
    lambda a: np.lib.stride_tricks.sliding_window_view(a, 3).sum(axis=-1),
    lambda a: np.pad(a, 1),
]


@pytest.mark.parametrize("call", WHOLE)
def test_whole_arrays(o, call):
    np.testing.assert_allclose(values(call(o)), call(NUMBERS), rtol=1e-14)


def test_a_norm_of_an_object_array_knows_its_squares(o):
    """NumPy multiplies an element by itself; the enclosure must see a square."""
    box = dt.Box({f"o_{i}": (-1, 1) for i in range(N)})
    found = dt.enclose(np.linalg.norm(o), box)
    assert found.cause is None
    assert found.lower == 0
    assert 2 <= found.upper < 2 + 1e-14


def test_in_place_on_object_arrays(o, s):
    o += s
    o *= 2
    o -= to_vec(np.ones(N))
    np.testing.assert_allclose(values(o), (NUMBERS + 0.7) * 2 - 1, rtol=1e-15)


def test_object_arrays_meet_array_variables(o):
    x = dt.symbol("x", (N,))
    for call in (
        lambda a, b: a + b,
        lambda a, b: b * a,
        lambda a, b: a**b,
        lambda a, b: a @ b,
        lambda a, b: np.concatenate([a, b]),
        lambda a, b: np.maximum(a, b),
        lambda a, b: sp.xlogy(a, b),
    ):
        for both in ((o, x), (x, o)):
            v = call(*both)
            assert isinstance(v, Variable)
            got = v.evaluate(
                {**{f"o_{i}": NUMBERS[i] for i in range(N)}, x: NUMBERS + 1}
            )
            numbers = (NUMBERS, NUMBERS + 1) if both[0] is o else (NUMBERS + 1, NUMBERS)
            np.testing.assert_allclose(got, call(*numbers), rtol=1e-14)


def test_numbers_meet_scalars_and_arrays(s):
    assert isinstance(np.float64(2) * s, Variable)
    assert isinstance(s * np.float64(2), Variable)
    assert (np.float64(2) ** s).evaluate({s: 3.0}) == 8.0
    array = np.arange(3.0) * s
    assert isinstance(array, Variable)
    assert array.shape == (3,)
    np.testing.assert_array_equal((s - np.arange(3.0)).evaluate({s: 1.0}), [1, 0, -1])
    np.testing.assert_array_equal(np.add(s, [1, 2]).evaluate({s: 1.0}), [2, 3])


def test_relu_of_everything(o):
    assert relu(-2.0) == 0
    np.testing.assert_array_equal(relu(np.array([-1.0, 2.0])), [0, 2])
    got = relu(o - 0.5)
    assert got.dtype == object
    np.testing.assert_allclose(values(got), np.maximum(NUMBERS - 0.5, 0))
    assert relu(Variable("a")).evaluate({"a": -1}) == 0
    x = dt.symbol("x", (2,))
    np.testing.assert_array_equal(relu(x).evaluate({x: [-1, 1]}), [0, 1])


class TestToVec:
    def test_symbols_and_numbers(self):
        assert [v.name for v in to_vec(random_symbols(2, "x"))] == ["x_0", "x_1"]
        assert to_vec([[1, 2.5], [3, 4]])[1, 0].value == 3
        mixed = to_vec([se.Symbol("a"), 2, "b", se.Symbol("a") + 1])
        assert str(mixed.tolist()) == "[a, 2, b, 1 + a]"

    def test_shapes(self):
        assert to_vec(np.array(random_symbols(6, "x")).reshape(2, 3)).shape == (2, 3)
        assert to_vec(np.array(1)).shape == ()
        assert to_vec(3.0).shape == ()
        assert to_vec([]).shape == (0,)
        assert to_vec("a").item().name == "a"

    def test_a_variable_stays_itself(self):
        v = Variable("a") ** 2
        assert to_vec([v])[0] is v
        assert to_vec(v).item() is v

    def test_array_variables_are_taken_apart(self):
        x = dt.symbol("x", (2, 3))
        apart = to_vec(x)
        assert apart.shape == (2, 3)
        assert str(apart[1, 2].data) == "x_1_2"
        assert to_vec([x, x]).shape == (2, 2, 3)
        assert to_vec([[x[0], [1, 2, 3]]]).shape == (1, 2, 3)

    def test_the_graph_is_not_cut(self):
        a = Variable("a")
        gradients = to_vec([dt.grad(a**3, a)])
        assert dt.grad(gradients[0], a).evaluate({a: 2}) == 12


def test_random_symbols_count_from_zero():
    assert list(map(str, random_symbols(3, "k"))) == ["k_0", "k_1", "k_2"]
    assert random_symbols(0, "k") == []
