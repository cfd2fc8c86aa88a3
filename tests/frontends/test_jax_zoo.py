"""Ten architectures: values, parameter gradients and bounds as JAX has them."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.frontends import jax as front_end
from tests.amounts import draws, some

jax = pytest.importorskip("jax")

from tests.frontends.jax_zoo import ZOO  # noqa: E402

CLOSE = 1e-10  # relative to the largest element, in float64


def paths(tree):
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        "/".join(str(getattr(k, "key", getattr(k, "idx", k))) for k in path): leaf
        for path, leaf in flat
    }


def close(got, want):
    want = np.asarray(want)
    assert np.shape(got) == want.shape
    assert np.abs(np.asarray(got) - want).max() <= CLOSE * max(1, np.abs(want).max())


def jax_s_own(loss, params, x):
    """Return JAX's value and gradients, compiled in little time."""
    lowered = jax.jit(jax.value_and_grad(loss)).lower(params, x)
    return lowered.compile(compiler_options={"xla_backend_optimization_level": 0})


# XLA takes seconds to compile these
LARGE = ("resnet", "lenet", "mobilenet", "transformer", "lstm", "mlp")
SMALL = [name for name in ZOO if name not in LARGE]
FIRST = ["lstm", *SMALL]
PAIRS = [(SMALL[0], "jax"), *((name, "numpy") for name in FIRST)]
FEW = len(PAIRS)
PAIRS += [(name, "numpy") for name in ZOO if name not in FIRST]
PAIRS += [(name, "jax") for name in SMALL[1:]]


@pytest.mark.drawn
@pytest.mark.parametrize(
    "name, backend",
    some([*PAIRS, *((name, "jax") for name in LARGE)], FEW),
)
def test_values_gradients_and_bounds_are_jax_s(name, backend):
    with jax.enable_x64(True):
        loss, params, x = ZOO[name]()
        model = front_end.lift(loss, params, x, parameters=0)
        assert list(model.inputs) == ["x"]
        assert set(model.parameters) == set(paths(params))
        gradient = dt.grad(model.output, list(model.parameters.values()))
        compiled = dt.compile([model.input], [model.output, *gradient], backend=backend)
        bound = dt.enclose(dt.norm(gradient), dt.Box({model.input: (-2, 2)}))
        both = jax_s_own(loss, params, x)
        rng = np.random.default_rng(1)
        for _ in range(draws(2, 20)):
            at = rng.uniform(-2, 2, np.shape(x))
            value, slopes = both(params, at)
            want = [value, *(paths(slopes)[k] for k in model.parameters)]
            for got, wanted in zip(compiled(at), want, strict=True):
                close(got, wanted)
            norm = np.sqrt(sum(np.sum(np.square(g)) for g in want[1:]))
            assert bound.lower <= norm <= bound.upper


def test_a_batch_of_records_runs_where_jax_runs():
    with jax.enable_x64(True):
        loss, params, x = ZOO["logistic"]()
        model = front_end.lift(loss, params, x, parameters=0)
        norm = dt.norm(dt.grad(model.output, list(model.parameters.values())))
        records = np.random.default_rng(0).normal(size=(5, *np.shape(x)))
        (norms,) = dt.compile([model.input], [norm], backend="jax")(records)
        assert isinstance(norms, jax.Array)
        slopes = jax.vmap(jax.grad(loss), (None, 0))(params, records)
        squares = [
            np.sum(np.square(g), axis=tuple(range(1, g.ndim)))
            for g in jax.tree_util.tree_leaves(slopes)
        ]
        close(norms, np.sqrt(sum(squares)))


def test_what_jax_differentiates_can_be_lifted_itself():
    with jax.enable_x64(True):
        loss, params, x = ZOO["mlp"]()
        slopes = front_end.lift(jax.grad(loss), params, x, parameters=0)
        model = front_end.lift(loss, params, x, parameters=0)
        assert set(slopes.outputs) == set(model.parameters)
        for name, v in slopes.outputs.items():
            own = dt.grad(model.output, model.parameters[name])
            close(v.evaluate({"x": x}), own.evaluate({"x": x}))
