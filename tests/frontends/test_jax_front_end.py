"""Functions of JAX on Variables: names, control flow, exactness, refusals."""

import re
import sys

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.frontends import jax as front_end
from deuterium.graph.traverse import topological
from tests.amounts import some

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

RNG = np.random.default_rng(0)


def lifted(function, *example, **how):
    """Lift, compare with JAX at random arguments, and return the model."""
    model = front_end.lift(function, *example, **how)
    with jax.enable_x64(True):
        args = [RNG.uniform(0.2, 1.5, np.shape(x)) for x in example]
        want = jax.tree_util.tree_leaves(function(*map(jnp.asarray, args)))
    at = dict(zip(model.inputs.values(), args, strict=True))
    got = dt.compile(list(at), list(model.outputs.values()))(*at.values())
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, np.asarray(b, dtype=float), rtol=1e-12)
    return model


def operators(v):
    return [node.op.name for node in topological([v]) if node.op is not None]


# -- names ---------------------------------------------------------------------------


def test_pytrees_come_in_and_go_out_under_their_paths():
    def model(params, batch, scale):
        h = batch["image"] @ params["layer1"]["W"] * scale + batch["extra"][0]
        return {"logits": h, "parts": (h[0], params["shift"])}

    params = {"layer1": {"W": np.ones((3, 2))}, "shift": 0.5, "steps": np.arange(3)}
    batch = {"image": np.ones(3), "extra": [1.0]}
    found = front_end.lift(model, params, batch, 2.0, parameters=0)
    assert list(found.inputs) == ["batch/extra/0", "batch/image", "scale"]
    assert list(found.parameters) == ["layer1/W", "shift"]
    assert list(found.outputs) == ["logits", "parts/0", "parts/1"]
    assert found.parameters["layer1/W"].name == "layer1/W"


def test_several_arguments_of_parameters_are_told_apart():
    found = front_end.lift(
        lambda first, x, second: x * first["w"] + second["w"],
        {"w": 2.0}, 1.0, {"w": 3.0}, parameters=[0, -1],
    )  # fmt: skip
    assert list(found.parameters) == ["first/w", "second/w"]
    assert found.output.evaluate({"x": 5.0}) == 13


def test_shapes_alone_will_do():
    shape = jax.ShapeDtypeStruct((4, 3), np.float32)
    assert front_end.lift(lambda x: x.sum(axis=0), shape).output.shape == (3,)


def test_keys_of_random_numbers_are_numbers():
    def noisy(x, key):
        return x + jax.random.normal(key, (3,))

    key = jax.random.key(3)
    model = front_end.lift(noisy, np.ones(3), key)
    assert list(model.inputs) == ["x"]
    with jax.enable_x64(True):
        want = noisy(np.zeros(3), key)
    np.testing.assert_allclose(model.output.evaluate({"x": np.zeros(3)}), want, 1e-12)


@pytest.mark.parametrize("parameters", [1, "0", [0.5], -2])
def test_parameters_are_positions(parameters):
    with pytest.raises(InvalidInputError, match="parameters"):
        front_end.lift(jnp.sin, 1.0, parameters=parameters)


def test_complex_arguments_are_refused():
    with pytest.raises(InvalidInputError, match="complex"):
        front_end.lift(jnp.abs, 1j)


# -- calls, loops, branches ----------------------------------------------------------


def test_calls_are_followed():
    @jax.custom_vjp
    def doubled(x):
        return 2 * x

    doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (g,))

    def function(x):
        y = jax.jit(jnp.sin)(x) + jax.checkpoint(jnp.cos)(x)
        return y * doubled(x) + jax.nn.relu(x)

    lifted(function, np.ones(3))


def test_loops_of_known_length_are_written_out():
    def function(x):
        def step(carry, row):
            return carry * row, carry + row

        last, rows = lax.scan(step, 1.0, x, reverse=True)
        total = lax.fori_loop(0, 3, lambda i, c: c + x[i] * (i + 1), last)

        def turn(state):
            return state[0] + 2, state[1] * total

        _, rest = lax.while_loop(lambda state: state[0] < 4, turn, (0, total))
        return rows, total, rest, jnp.stack([x[0]] * 2)

    lifted(function, np.ones(4))


def test_a_loop_over_numbers_stays_a_number():
    def function(x):
        def step(pair, _):
            return (pair[1], pair[0] + pair[1]), pair[0]

        (last, _), rows = lax.scan(step, (0, 1), None, 6)  # Fibonacci's numbers
        return x[last % 5] * rows[-1]

    found = operators(lifted(function, np.ones(5)).output)
    assert set(found) <= {"gather", "reshape", "multiply"}


def test_a_branch_is_taken_where_its_predicate_is_a_number():
    model = lifted(lambda x: lax.cond(3 > 2, jnp.sin, jnp.cos, x), np.ones(2))
    assert operators(model.output) == ["sin"]
    model = lifted(lambda x: lax.switch(2, [jnp.sin, jnp.cos, jnp.exp], x), np.ones(2))
    assert operators(model.output) == ["exp"]


def test_a_branch_by_an_input_is_chosen_in_the_graph():
    model = lifted(lambda x: lax.cond(x > 0.7, jnp.sin, lambda x: x - 1, x), 1.0)
    assert "where" in operators(model.output)


def test_batching_by_vmap_is_a_function_like_others():
    lifted(jax.vmap(lambda x: jnp.linalg.norm(x) * x), np.ones((3, 2)))


# -- meaning -------------------------------------------------------------------------


@pytest.mark.parametrize("axis", some([1, 0, -1], 1))
def test_softmax_and_its_kin_are_the_operators_they_are(axis):
    def function(x):
        kept = jax.nn.logsumexp(x, axis=axis, keepdims=True)
        return jax.nn.softmax(x, axis), jax.nn.log_softmax(x, axis), kept

    model = lifted(function, np.ones((3, 4, 2)))
    names = ("softmax", "logsumexp", "logsumexp")
    for v, name in zip(model.outputs.values(), names, strict=True):
        assert name in operators(v)
        assert not {"exp", "max", "log"} & set(operators(v))


def test_softplus_and_logaddexp_are_the_operators_they_are():
    def function(x, y):
        soft = jax.nn.softplus(x) + 0.0 * jnp.logaddexp(0.0, y)
        return soft, jnp.logaddexp(x, y), jax.nn.log_sigmoid(y)

    model = lifted(function, np.ones(3), np.ones(3))
    soft, whole, log = (set(operators(v)) for v in model.outputs.values())
    assert "log_expit" in soft
    assert not soft & {"exp", "log1p", "where"}
    assert log == {"log_expit", "negative"}
    assert whole == {"logaddexp"}


def test_a_shift_that_does_not_cancel_stays():
    def function(x):
        shifted = x - lax.stop_gradient(jnp.max(x))
        total = jnp.sum(jnp.exp(shifted))
        return jnp.exp(shifted) / jnp.sum(jnp.exp(x)), jnp.log(total)

    model = lifted(function, np.ones(3))
    assert "max" in operators(model.outputs["0"])
    assert "max" in operators(model.outputs["1"])


def test_numbers_are_exact():
    model = lifted(lambda x: x / jnp.sqrt(3.0), 1.0)
    assert operators(model.output) == ["sqrt", "divide"]

    def picked(x):
        return x[jnp.arange(6).reshape(2, 3).sum(axis=0) // 2]

    assert operators(lifted(picked, np.ones(5)).output) == ["gather"]


def test_whole_numbers_are_computed_as_jax_computes_them():
    def function(x):
        return x * (jnp.int32(-7) // 2) + (jnp.array([200], jnp.uint8) + jnp.uint8(100))

    lifted(function, np.ones(1))


def test_labels_may_be_inputs():
    def loss(logits, label):
        return -jnp.sum(jax.nn.one_hot(label, 3) * jax.nn.log_softmax(logits))

    model = front_end.lift(loss, np.ones(3), 1)
    domain = dt.Box({"logits": (-1, 1)}) & dt.Choice("label", [0, 1, 2])
    slope = dt.norm(dt.grad(model.output, model.inputs["logits"]))
    assert dt.enclose(slope, domain).upper < 1.5


def test_nan_does_not_matter_where_it_is_not_chosen():
    fill = np.array([np.nan, 2.0])
    lifted(lambda x: jnp.where(np.array([True, False]), x, fill), np.ones(2))


def test_updates_of_one_place_are_joined():
    at = jnp.array([0, 0, 2])
    lifted(lambda x: x.at[at].add(x).at[at].multiply(2 * x).at[at].max(1.1), np.ones(3))


def test_complex_constants_are_refused():
    with pytest.raises(UnsupportedError, match="no real number"):
        front_end.lift(lambda x: jnp.abs(x * 1j), 1.0)


def test_several_arrays_are_sorted_by_numbers():
    keys = np.array([3, 1, 2])
    lifted(lambda x: lax.sort((jnp.asarray(keys), x), num_keys=1)[1], np.ones(3))
    lifted(lambda x: jnp.sort(x)[::-1], np.ones(4))


@pytest.mark.parametrize("padding", some(["SAME", "VALID"], 1))
def test_the_slope_of_pooling_is_added_where_the_extremes_are(padding):
    def pooled(x):
        window = ((2, 2), (1, 2), padding)
        least = lax.reduce_window(x, jnp.inf, lax.min, *window)
        return jnp.sum(
            jnp.sin(lax.reduce_window(x, -jnp.inf, lax.max, *window)) * least
        )

    lifted(jax.grad(pooled), np.ones((4, 5)))


def test_stopped_gradients_are_warned_of():
    with pytest.warns(UserWarning, match=r"stop_gradient at .*lift jax.grad"):
        front_end.lift(lambda x: lax.stop_gradient(x) * x, 1.0)


def test_places_in_code_are_the_user_s():
    model = front_end.lift(lambda x: jnp.log(x), 1.0)
    cause = dt.enclose(model.output, dt.Box({model.input: (-1, 1)})).cause
    assert "test_jax_front_end.py" in str(cause)


# -- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, example, said",
    [
        (lambda x, i: x[i], (np.ones(3), 1), ["dynamic_slice", "one_hot"]),
        (lambda x, i: jnp.take(x, i), (np.ones(3), np.array([1])), ["gather"]),
        (lambda x, i: x.at[i].add(1.0), (np.ones(3), 1), ["scatter", "one_hot"]),
        (lambda x: jnp.argmax(x), (np.ones(3),), ["argmax", "jnp.max"]),
        (lambda x: jnp.argsort(x), (np.ones(3),), ["sort", "order of elements"]),
        (lambda x: lax.igamma(x, x), (1.0,), ["igamma", "primitive('igamma')"]),
        (lambda x: lax.while_loop(lambda c: c < 3, lambda c: c * x, x), (2.0,),
         ["while", "how often"]),
        (lambda x: lax.bitwise_and(x, 3), (1,), ["and", "bits"]),
        (lambda x: lax.reduce_precision(x, 5, 3), (1.0,), ["reduce_precision"]),
    ],
)  # fmt: skip
def test_what_cannot_be_lifted_is_named_with_its_place(function, example, said):
    with pytest.raises(UnsupportedError) as error:
        front_end.lift(function, *example)
    for words in ["test_jax_front_end.py:", *said]:
        assert words in str(error.value)


def test_the_layer_is_named():
    def model(x):
        with jax.named_scope("encoder.2.attn"):
            return lax.igamma(x, x)

    with pytest.raises(UnsupportedError, match=re.escape("in encoder.2.attn")):
        front_end.lift(model, 1.0)


def test_a_primitive_can_be_given_a_meaning():
    @front_end.primitive("igamma")
    def one_minus_exp(call):
        assert call.known(0) is not None
        return 1 - np.exp(-call.node(1))

    try:
        lifted(lambda x: lax.igamma(jnp.ones(3), x), np.ones(3))
    finally:
        del front_end.RULES["igamma"]


def test_without_jax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(dt.DeuteriumError, match=r"pip install 'deuterium\[jax\]'"):
        front_end.lift(lambda x: x, 1.0)


# -- libraries of layers -------------------------------------------------------------


@pytest.mark.long  # by default, those of Flax stand for both
def test_a_model_of_equinox():
    eqx = pytest.importorskip("equinox", reason="Equinox is not installed")
    model = eqx.nn.MLP(3, "scalar", 4, 1, key=jax.random.key(0))
    found = front_end.lift(model, np.ones(3))
    assert next(iter(found.parameters)) == "layers/0/weight"
    x = np.array([0.3, -0.2, 0.9])
    slopes = dt.grad(found.output, list(found.parameters.values()))
    want = jax.tree_util.tree_leaves(eqx.filter_grad(lambda m, x: m(x))(model, x))
    want = [g for g in want if eqx.is_array(g)]
    for v, g in zip(slopes, want, strict=True):
        np.testing.assert_allclose(v.evaluate({found.input: x}), g, atol=1e-6)


@pytest.mark.long
def test_a_model_of_flax():
    nn = pytest.importorskip("flax.linen", reason="Flax is not installed")

    class Small(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.avg_pool(nn.relu(nn.Conv(2, (3, 3))(x)), (2, 2), (2, 2))
            x = nn.BatchNorm(use_running_average=True)(x)
            return nn.Dense(2)(x.reshape(-1))

    model, x = Small(), RNG.normal(size=(1, 4, 4, 1))
    variables = model.init(jax.random.key(0), x)
    found = front_end.lift(model.apply, variables, x, parameters=0)
    assert "params/Dense_0/kernel" in found.parameters
    got = found.output.evaluate({found.input: x})
    np.testing.assert_allclose(got, model.apply(variables, x), atol=1e-6)


def test_a_module_of_flax_nnx():
    nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed")
    layer = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    found = front_end.lift(layer, np.ones(3))
    assert set(found.parameters) == {"kernel", "bias"}
