"""What becomes of a graph, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError
from deuterium.graph.traverse import topological
from deuterium.transform.vectorize import vectorize
from tests.transform.vectorize.graphs import names, numbers, operations, scalars

x = scalars("x", 40)
POINT = np.random.default_rng(0).uniform(0.5, 1.5, 40)
VALUES = {v.name: float(p) for v, p in zip(x, POINT, strict=True)}
W = np.random.default_rng(1).normal(size=(40, 30))


def constants(array):
    return dt.to_vec(array)


def close(result, expected):
    given = {s.name: VALUES[s.name] for s in topological([result]) if s.is_symbol}
    np.testing.assert_allclose(result.evaluate(given), expected, rtol=1e-13)


# -- what stays as it is -------------------------------------------------------------


def test_single_nodes_and_leaves_pass_through():
    a, c = dt.symbol("a"), dt.constant(2.0)
    array = dt.symbol("array", shape=(3, 4))
    for v in (a, c, a + c, np.exp(a), array, array @ array.T, dt.constant(np.eye(2))):
        assert vectorize(v) is v
    assert vectorize([a, c, a]) == [a, c, a]
    assert vectorize([]) == []


def test_operators_with_arrays_for_attributes():
    knots, heights = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, -1.0])
    v = sum(np.interp(e, knots, heights) * np.interp(e, knots, -heights) for e in x)
    w = vectorize(v)
    assert len(topological([w])) < len(topological([v]))
    close(w, -sum(np.interp(p, knots, heights) ** 2 for p in POINT))


def test_a_small_expression_is_not_changed():
    a, b = dt.symbol("a"), dt.symbol("b")
    v = a**2 + 2 * np.log(a * np.sqrt(a * b**3)) - np.exp(a + 2 * b) + 5
    assert vectorize(v) is v


@pytest.mark.long
def test_long_chains_of_other_operators_stay_scalar():
    v = dt.symbol("x_0")
    for i in range(100_000):
        v = np.sin(v) if i % 2 else v * 1.5
    assert vectorize(v) is v


@pytest.mark.long
def test_two_long_chains_and_their_sum_stay_scalar():
    a, b = dt.symbol("x_0"), dt.symbol("x_1")
    for _ in range(20_000):
        a, b = np.sin(a + b), np.cos(a)
    v = a + b
    assert vectorize(v) is v


def test_array_nodes_stay_as_they_are():
    array = dt.symbol("array", shape=(40,))
    inner = np.exp(array * 2)
    result = vectorize(np.sum([np.sin(e) for e in inner]))
    assert inner in set(operations(result))
    assert len(operations(result)) == len(operations(inner)) + 2  # sin and sum


def test_elements_of_an_array_are_taken_back_from_it():
    array = dt.symbol("array", shape=(5, 8))
    elements = dt.to_vec(array)
    result = vectorize(np.stack([np.tanh(e) for e in elements.ravel()]))
    assert "gather" not in names(result)
    assert names(result).count("tanh") == 1
    p = np.random.default_rng(0).normal(size=(5, 8))
    expected = np.tanh(p).ravel()
    np.testing.assert_allclose(result.evaluate({"array": p}), expected, rtol=1e-15)


def test_stacked_scalars_become_the_array_they_were_made_of():
    stacked = np.stack(list(np.exp(x)))
    result = vectorize(np.tanh(stacked))
    assert names(result) == ["concatenate", "exp", "tanh"]
    close(result, np.tanh(np.exp(POINT)))


# -- sums and products ---------------------------------------------------------------


def chain(terms):
    total = terms[0]
    for t in terms[1:]:
        total = total + t
    return total


def chain_from_the_right(terms):
    return chain(terms[::-1])


def nested(terms):
    total = terms[-1]
    for t in terms[-2::-1]:
        total = t + total
    return total


def tree(terms):
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        odd = terms[len(terms) // 2 * 2 :]
        terms = [a + b for a, b in pairs] + list(odd)
    return terms[0]


@pytest.mark.parametrize("shape", [chain, chain_from_the_right, nested, tree])
def test_a_sum_of_any_shape_is_one_sum(shape):
    result = vectorize(shape(list(np.exp(x))))
    assert names(result) == ["concatenate", "exp", "sum"]
    close(result, np.exp(POINT).sum())


def test_a_chain_of_forty_thousand_terms():
    a, b = dt.symbol("x_0"), dt.symbol("x_1")
    terms = [a * 2.0, b * 3.0] * 20_000
    assert len(operations(vectorize(chain(terms)))) < 10


def test_differences_are_sums():
    v = x[0] * 1.0
    for e in x[1:]:
        v = v - np.exp(e)
    result = vectorize(-v)
    assert names(result).count("sum") == 1
    assert "subtract" not in names(result)
    close(result, np.exp(POINT[1:]).sum() - POINT[0])


def test_a_product_is_one_product():
    result = vectorize(np.prod(np.exp(x)))
    assert names(result) == ["concatenate", "exp", "prod"]
    close(result, np.exp(POINT.sum()))


def test_a_product_keeps_its_order_and_with_it_its_magnitude():
    factors = [e for v in x for e in (v * 1e200, v * 1e-200)]
    result = vectorize(np.prod(factors))
    assert "prod" in names(result)
    close(result, np.prod(POINT**2))


def test_what_is_used_twice_is_not_taken_apart():
    part = chain(list(np.exp(x)))
    outputs = [np.sin(part) + chain([part, *np.cos(x)]), part]
    result = vectorize(outputs)
    assert names(result).count("exp") == 1
    assert names(result).count("sum") == 2
    total = np.exp(POINT).sum()
    close(result[0], np.sin(total) + total + np.cos(POINT).sum())
    close(result[1], total)


def test_doubled_terms_count_twice():
    doubled = chain([e + e for e in np.exp(x)])
    close(vectorize(doubled), 2 * np.exp(POINT).sum())


# -- matrix products -----------------------------------------------------------------


def matrices(result):
    return [n for n in operations(result) if n.op.name == "matmul"]


def test_a_dense_layer_is_a_product_with_one_constant_matrix():
    bias = np.arange(30.0)
    layer = x.reshape(1, 40) @ constants(W) + constants(bias)
    result = vectorize(np.stack(list(layer.ravel())))
    assert names(result) == ["concatenate", "reshape", "matmul", "add", "reshape"]
    (product,) = matrices(result)
    np.testing.assert_array_equal(product.args[1].value, W)
    close(result, POINT @ W + bias)


def test_layers_of_equal_neurons_are_computed_once():
    layer = x.reshape(1, 40) @ constants(np.repeat(W[:, :3], 10, axis=1))
    result = vectorize(np.stack(list(layer.ravel())))
    assert matrices(result)[0].shape == (1, 3)
    close(result, np.repeat(POINT @ W[:, :3], 10))


def test_several_layers_of_one_size_are_one_stack_of_matrices():
    layers = [
        x[i : i + 10].reshape(1, 10) @ constants(W[i : i + 10]) for i in (0, 10, 20, 30)
    ]
    flat = np.concatenate([layer.ravel() for layer in layers])
    result = vectorize(np.stack(list(flat)))
    assert matrices(result)[0].shape == (4, 1, 30)
    close(
        result,
        np.concatenate([POINT[i : i + 10] @ W[i : i + 10] for i in range(0, 40, 10)]),
    )


@pytest.mark.parametrize("weights", ["numbers", "symbols"])
def test_a_convolution_is_windows_times_filters(weights):
    kernel = numbers(np.random.default_rng(2), 4, 5)
    k = np.array([[c.value for c in row] for row in kernel])
    if weights == "symbols":
        kernel, k = x[20:].reshape(4, 5), POINT[20:].reshape(4, 5)
    windows = [x[i : i + 5] for i in range(16)]
    flat = [np.sum(w * row) for w in windows for row in kernel]
    result = vectorize(np.stack(flat))
    (product,) = matrices(result)
    assert product.shape == (16, 4)
    expected = [POINT[i : i + 5] @ row for i in range(16) for row in k]
    close(result, expected)


def test_sums_of_products_that_share_nothing_are_no_matrix_product():
    rng = np.random.default_rng(3)
    rows = [rng.choice(40, 6, replace=False) for _ in range(25)]
    weights = rng.normal(size=(25, 6))
    flat = [np.sum(x[r] * constants(w)) for r, w in zip(rows, weights, strict=True)]
    result = vectorize(np.stack(flat))
    assert "matmul" not in names(result)
    close(result, [POINT[r] @ w for r, w in zip(rows, weights, strict=True)])


def test_an_outer_product_broadcasts():
    a, b = np.exp(x[:10]), np.sin(x[10:])
    flat = [u * v for u in a for v in b]
    result = vectorize(np.stack(flat))
    (product,) = [n for n in operations(result) if n.op.name == "multiply"]
    assert product.shape == (10, 30)
    close(result, np.outer(np.exp(POINT[:10]), np.sin(POINT[10:])).ravel())


def test_mixed_constant_and_variable_weights():
    rng = np.random.default_rng(4)
    weights = numbers(rng, 12, 40)
    w = np.array([[c.value for c in row] for row in weights])
    weights[::2] = x  # half of the rows are squares of x
    w[::2] = POINT
    result = vectorize(np.stack([np.sum(x * row) for row in weights]))
    close(result, w @ POINT)


# -- leaves --------------------------------------------------------------------------


def test_symbols_of_one_name_are_one_symbol():
    again = scalars("x", 40)
    result = vectorize(np.sum(np.exp(x) * np.sin(again)))
    assert sum(v.is_symbol for v in topological([result])) == 40
    close(result, np.exp(POINT) @ np.sin(POINT))


def test_kept_constants_stay_nodes_to_differentiate_by():
    w = constants(W[:, 0])
    loss = np.sum(np.tanh(x * w))
    assert vectorize(dt.grad(loss, w[3])) is not None
    result = vectorize(loss, keep=w)
    g = dt.grad(result, w[3])
    close(g, POINT[3] * (1 - np.tanh(POINT[3] * W[3, 0]) ** 2))
    fn = dt.compile([*x, *w], [result])
    (value,) = fn(*POINT, *np.ones(40))
    assert value == pytest.approx(np.tanh(POINT).sum(), rel=1e-14)


def test_kept_constants_of_one_name_stay_apart():
    w = [dt.constant(float(i), name="w") for i in range(40)]
    result = vectorize(np.sum(np.exp(x) * np.array(w, dtype=object)), keep=w)
    close(result, np.exp(POINT) @ np.arange(40.0))
    close(dt.grad(result, w[7]), np.exp(POINT[7]))


def test_zeros_keep_their_signs():
    values = [0.0, -0.0] * 20
    result = vectorize(
        np.stack([np.minimum(v, c) for v, c in zip(x, values, strict=True)])
    )
    signs = np.signbit(result.evaluate(VALUES))
    np.testing.assert_array_equal(signs, np.signbit(values))


# -- forms of input and output -------------------------------------------------------


def test_object_arrays_and_lists_come_back_as_such():
    v = np.exp(x).reshape(4, 10)
    result = vectorize(v)
    assert result.shape == (4, 10)
    assert isinstance(result, np.ndarray)
    close(result[2, 3], np.exp(POINT[23]))
    assert isinstance(vectorize(list(x)), list)


def test_only_variables_are_vectorised():
    with pytest.raises(InvalidInputError, match="only Variables"):
        vectorize([x[0], 1.0])


def test_the_result_is_a_graph_like_any_other():
    rng = np.random.default_rng(0)
    loss = np.sum(np.tanh(x[:10].reshape(1, 10) @ numbers(rng, 10, 12)))
    result = vectorize(loss)
    again = dt.loads(dt.dumps([result]))[0]
    given = {v.name: VALUES[v.name] for v in x[:10]}
    assert again.evaluate(given) == result.evaluate(given)
    form = result.to_symengine()
    assert float(form.subs(given)) == pytest.approx(loss.evaluate(given), rel=1e-13)


def test_vectorising_again_changes_nothing():
    rng = np.random.default_rng(0)
    once = vectorize(np.sum(np.tanh(x.reshape(1, 40) @ numbers(rng, 40, 30))))
    assert vectorize(once) is once
