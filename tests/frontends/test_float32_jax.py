"""What JAX computes in float32 lies in the enclosures that say so: no exception."""

import numpy as np
import pytest

import deuterium as dt
from tests.amounts import draws, some
from tests.frontends.float_agreement import assert_holds, enclosed_gradient
from tests.optional_packages import needs

pytestmark = needs("jax")

ZOO = (
    "poisson", "logistic", "graph_convolution", "autoencoder", "mlp", "lstm",
    "mobilenet", "transformer", "lenet", "resnet",
)  # fmt: skip


def in_float32(tree):
    import jax

    return jax.tree_util.tree_map(lambda a: np.asarray(a, np.float32), tree)


def agrees(loss, params, x, narrow=1e-2):
    """Lift a loss, differentiate it in float32 by XLA, and compare at one record."""
    import jax

    from deuterium import frontends
    from tests.frontends.test_jax_zoo import paths

    params, x = in_float32(params), in_float32(x)
    slopes = paths(jax.jit(jax.grad(loss))(params, x))
    model = frontends.jax.lift(loss, params, x, parameters=0)
    at = np.asarray(x, np.float64)
    found = enclosed_gradient(model, dt.Box({model.inputs["x"]: (at, at)}))
    assert_holds(found, [slopes[n] for n in model.parameters], narrow=narrow)


@pytest.mark.drawn
@pytest.mark.parametrize("name", some(ZOO, 2))
def test_architectures(name):
    from tests.frontends.jax_zoo import ZOO as all_of_them

    loss, params, x = all_of_them[name]()
    rng = np.random.default_rng(0)
    for size in (1.0, *10 ** rng.uniform(-2, 1, draws(0, 5))):
        agrees(loss, params, x * size, narrow=0.5)


def written_out(params, x):
    """Softmax and logistic function as they should not be written."""
    import jax.numpy as jnp

    z = params["W"] @ x
    p = jnp.exp(z) / jnp.sum(jnp.exp(z))
    return -jnp.log(p[0]) + jnp.sum(1 / (1 + jnp.exp(-z)))


def small_differences(params, x):
    """Sums that cancel, of numbers of many sizes, and a length."""
    import jax.numpy as jnp

    y = params["W"] @ x
    rest = (y - 1000.0) + 1000.0
    return jnp.sqrt(jnp.sum(rest**2)) + jnp.sum(jnp.exp(rest) - 1.0)


def ties(params, x):
    """Choices between equal numbers, of which JAX takes half each."""
    import jax.numpy as jnp

    y = params["W"] @ x
    return jnp.sum(jnp.maximum(y, y[::-1])) + jnp.max(jnp.stack([y, y])) ** 2


@pytest.mark.drawn
@pytest.mark.parametrize(
    "loss, narrow", [(written_out, 0.1), (small_differences, None), (ties, None)]
)
def test_adversarial_functions(loss, narrow):
    for seed in range(draws(1, 50)):
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(4, 7)) * 10 ** rng.uniform(-1, 1)
        agrees(loss, {"W": W}, rng.normal(size=7), narrow=narrow)


def test_overflow_is_said():
    import jax.numpy as jnp

    from deuterium import frontends

    model = frontends.jax.lift(
        lambda w, x: 1 / (1 + jnp.exp(-w * x)), 1.0, 0.0, parameters=0
    )
    slope = dt.grad(model.output, next(iter(model.parameters.values())))
    box = dt.Box({model.input: (-200, 200)})
    assert np.isfinite(dt.enclose(slope, box).upper)  # of real numbers
    found = dt.enclose(slope, box, arithmetic="float32")  # exp(200) is none of them
    assert found.upper == np.inf
    assert found.cause.kind == "overflow" and "float32" in found.cause.operator
