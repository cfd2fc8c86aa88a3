"""What an arithmetic computes, by any order of summation, lies in its enclosure."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.enclose.rounding_errors import moved_function
from deuterium.enclose.written_form import written_form_of
from deuterium.errors import InvalidInputError
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological
from deuterium.ops import arrays
from tests.amounts import draws

KINDS = {"float32": np.float32, "float64": np.float64}


def computed(v, values, kind, rng):
    """Evaluate a graph as written, each node rounded, sums one by one in some order."""
    number = KINDS[kind]

    def in_order(terms):
        total = number(0)
        for t in rng.permutation(terms.ravel()):
            total = number(total + t)
        return total

    def rule(op):
        def run(*args, **attrs):
            if op is arrays.add_reduce and len(attrs["axis"]) == np.ndim(args[0]):
                return in_order(args[0])
            if op is arrays.matmul:
                a, b = args
                return np.array(
                    [[in_order(row * col) for col in b.T] for row in a], number
                )
            exact = op.value(*[np.asarray(a, np.float64) for a in args], **attrs)
            return np.asarray(exact).astype(number)

        return run

    def leaf(n):
        return number(n.value) if n.is_constant else np.asarray(values[n.name], number)

    with np.errstate(all="ignore"):
        return np.asarray(interpret(topological([v]), leaf, rule)[v], np.float64)


W = np.random.default_rng(5).normal(size=(6, 5))
Z = dt.symbol("z", shape=(3,))


def cancelling(x):
    return np.sum((x - 100.0) + 100.0) ** 2 + np.sum(np.exp(x) - 1)


def network(x):
    w = dt.constant(W, name="W")
    h = np.minimum(np.maximum(w @ x, 0), 1.5)
    return dt.logsumexp(np.tanh(w.T @ h)) - h[0]


def quotients(x):
    return np.sum(x / (2 + np.sum(x**2))) + np.sqrt(np.sum(x**2) + 1e-3)


def choices(x):
    y = W @ x
    return np.max(y) * np.sum(np.where(y > 0.1, y, 0.1)) + np.sum(np.abs(np.sort(y)))


def products(x):
    return np.prod(x) + np.sum(np.log1p(x**2)) * 0.1 - np.sum(1 / (1 + np.exp(-x)))


FUNCTIONS = (cancelling, network, quotients, choices, products)


@pytest.mark.drawn
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_held(function, kind):
    x = dt.symbol("x", shape=(5,))
    value = function(x)
    slope = dt.grad(value, x)
    rng = np.random.default_rng(3)
    for size in (1e-3, 0.3, 30.0)[: draws(2, 3)] * draws(1, 30):
        at = (rng.normal(size=5) * size).astype(np.float32).astype(np.float64)
        for half in (0.0, 1e-6 * size):
            box = dt.Box({x: (at - half, at + half)})
            for v in (value, slope):
                found = dt.enclose(v, box, arithmetic=kind)
                (written,) = written_form_of(v).graph
                got = computed(written, {"x": at}, kind, rng)
                assert np.all((found.lower <= got) & (got <= found.upper)), function
                assert np.all(found.width >= dt.enclose(v, box).width)


def test_products_and_what_is_cut_keep_their_errors():
    rng = np.random.default_rng(0)
    w = dt.constant(rng.normal(size=(40, 30)).astype(np.float32).astype(float))
    x = dt.symbol("x", shape=(30,))
    at = rng.normal(size=30).astype(np.float32).astype(float)
    for v in (w @ x, np.minimum(w @ x, 1e6), np.maximum(w @ x, -1e6)):
        found = dt.enclose(v, dt.Box({x: (at, at)}), arithmetic="float32")
        got = computed(v, {"x": at}, "float32", rng)
        assert np.all((found.lower <= got) & (got <= found.upper))
        assert np.all(found.width < 3e-4)


def test_a_rounding_that_decides_takes_both_slopes():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 30)).astype(np.float32).astype(float)
    at = rng.normal(size=30).astype(np.float32).astype(float)
    bias = -(numbers @ at).astype(np.float32).astype(float)
    w, x = dt.constant(numbers), dt.symbol("x", shape=(30,))
    slope = dt.grad(np.sum(np.maximum(w @ x + bias, 0)), w)
    found = dt.enclose(slope, dt.Box({x: (at, at)}), arithmetic="float32")
    (written,) = written_form_of(slope).graph
    got = [computed(written, {"x": at}, "float32", rng) for _ in range(4)]
    assert any((g != got[0]).any() for g in got)  # orders of summation decide
    assert all(np.all((found.lower <= g) & (g <= found.upper)) for g in got)


def test_it_is_small_and_smaller_in_float64():
    x = dt.symbol("x", shape=(5,))
    norm = dt.norm(dt.grad(network(x), x))
    box = dt.Box({x: (-1, 1)})
    plain, *both = (dt.enclose(norm, box, arithmetic=k).upper for k in (None, *KINDS))
    assert plain < both[1] < both[0] < 1.0001 * plain


def test_numbers_that_are_none_of_float32_count():
    x = dt.symbol("x")
    found = dt.enclose(0.1 * x, dt.Box({x: (1, 1)}), arithmetic="float32")
    assert found.lower <= float(np.float32(0.1)) <= found.upper
    assert found.width < 1e-6
    whole = dt.enclose(4 * x - x, dt.Choice(x, [1, 3]), arithmetic="float32")
    assert (whole.lower, whole.upper) == (3, 9)  # integers are exact


def test_of_a_length_the_vector_counts():
    n = 10_000
    x = dt.symbol("x", shape=(n,))
    box = dt.Box({x: (0, 1)})
    assert dt.enclose(dt.norm(x * 3), box, arithmetic="float32").upper < 300.001
    assert dt.enclose(np.sum(x * x), box, arithmetic="float32").upper > n * 1.0005


def test_what_has_no_known_error_is_infinite_and_says_so():
    x = dt.symbol("x")
    found = dt.enclose(np.remainder(x, 3), dt.Box({x: (1, 2)}), arithmetic="float32")
    assert found.upper == np.inf
    assert found.cause.kind == "rounding" and "remainder" in found.cause.operator
    far = dt.enclose(np.exp(x), dt.Box({x: (0, 90)}), arithmetic="float32")
    assert far.upper == np.inf and far.cause.kind == "overflow"
    near = dt.enclose(1 / (x - 1), dt.Box({x: (1 + 1e-9, 2)}), arithmetic="float32")
    assert near.upper == np.inf and near.cause.kind == "undefined"
    with pytest.raises(InvalidInputError, match=r"float32, float64.*float31"):
        dt.enclose(x, dt.Box({x: (1, 2)}), arithmetic="float31")


def test_decisions_become_inputs_of_their_own():
    x = dt.symbol("rounding_0", shape=(5,))
    slope = dt.grad(np.sum(np.maximum(W @ x, 0) ** 2), x)
    box = dt.Box({x: (-1, 1)})
    moved = moved_function(slope, box, "float32")
    assert len(moved.names) == 1 and moved.names[0] not in ("rounding_0",)
    assert np.all(moved.error < 1e-3)
    apart = moved_function(slope, dt.Box({x: (0, 0)}), "float32")
    assert apart.names  # a kink is reached
    one = dt.constant(np.ones((1, 5)))
    far = dt.grad(np.sum(np.maximum(one @ x, 0) ** 2), x)
    assert not moved_function(far, dt.Box({x: (1, 2)}), "float32").names


def test_batches_and_conditions():
    x = dt.symbol("x", shape=(5,))
    v = np.sum(np.maximum(W @ x, 0))
    boxes = dt.Box({x: (np.zeros((3, 5)), np.ones((3, 5)) * [[1], [2], [3]])})
    many = dt.enclose(dt.grad(v, x), boxes, arithmetic="float32")
    assert many.shape == (3, 5) and np.all(np.isfinite(many.upper))
    y = dt.symbol("y")
    domain = dt.Box({y: (-5, 5)}) & dt.Where(y >= 2)
    found = dt.enclose(np.log(y), domain, arithmetic="float32")
    assert 0 < found.lower <= np.log(2) and np.log(5) < found.upper < 1.6095


@pytest.mark.parametrize(
    "numbers", [[2.0**24, 1, -(2.0**24)], [2.0**23] * 3 + [1, -(2.0**24), -(2.0**23)]]
)
def test_sums_of_integers_round_where_parts_of_them_are_large(numbers):
    s, one = dt.symbol("s", (1, len(numbers))), np.ones((1, len(numbers)))
    for v in (np.sum(s @ np.transpose([numbers])), np.sum(s * numbers)):
        found = dt.enclose(v, dt.Choice(s, [one]), arithmetic="float32")
        assert found.lower <= 0 and found.upper >= 1
    few = dt.enclose(
        np.sum(s * np.sign(numbers)), dt.Choice(s, [one]), arithmetic="float32"
    )
    assert few.lower == few.upper


@pytest.mark.parametrize(
    "v",
    [
        np.sqrt(1 + np.square(Z)),
        np.sum(np.sqrt(np.sum(np.square(Z.reshape((1, 3))), axis=1))),
        dt.softmax(np.square(Z)),
        dt.grad(np.sum(np.sqrt(1 + np.square(Z))), Z),
        np.square(Z) @ [0.0, 0.0, 1e-40],
    ],
)
def test_what_overflows_on_the_way_has_no_bound(v):
    with np.errstate(all="ignore"):
        large = np.square(np.float32(1e22))
        assert np.isinf(np.sqrt(1 + large)) and np.isnan(large - large)
    found = dt.enclose(v, dt.Box({Z: (1e22, 2e22)}), arithmetic="float32")
    assert np.all(np.isinf(found.upper)) and found.cause.kind == "overflow"


def test_what_overflows_may_be_no_number_behind_any_bounded_function():
    x = dt.symbol("x")
    large = (x * 1e30) * 1e20
    for v in (np.tanh(large - 0.5 * large), np.sin(x + 1e300), np.sin(1e39 * x)):
        assert (
            dt.enclose(v, dt.Box({x: (0.5, 1)}), arithmetic="float32").upper == np.inf
        )
    either = dt.enclose(
        np.where(large - 0.5 * large > 0, 1, 2),
        dt.Box({x: (0.5, 1)}),
        arithmetic="float32",
    )
    assert either.lower == 1 and either.upper == 2
