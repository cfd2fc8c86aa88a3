"""What every front end promises: names, values, derivatives, and honest refusals."""

from functools import cache

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import DeuteriumError, InvalidInputError
from deuterium.frontends import LiftedModel
from deuterium.frontends.framework_names import OPERATORS
from deuterium.graph.provenance import at_line, describe
from tests.amounts import draws
from tests.frontends.front_end_adapters import ADAPTERS, ARGUMENTS

# where operators are drawn that are not defined on all of (-2, 2), by NumPy's names
DOMAINS = {
    "power": (0.2, 2), "sqrt": (0.1, 3), "reciprocal": (0.3, 2), "log": (0.1, 3),
    "log2": (0.1, 3), "log10": (0.1, 3), "log1p": (-0.8, 2), "arcsin": (-0.95, 0.95),
    "arccos": (-0.95, 0.95), "arccosh": (1.1, 4), "arctanh": (-0.95, 0.95),
    "tan": (-1.4, 1.4), "erfinv": (-0.95, 0.95), "gammaln": (0.2, 4), "psi": (0.2, 4),
}  # fmt: skip
CLOSE = 1e-12  # relative: a few roundings of float64, and of special functions
IN_SINGLE = 1e-6  # the same of float32


def lines():
    """Return each front end with each of its lines of the table."""
    return [
        pytest.param(make, name, id=f"{make.__name__}-{name}")
        for make in ADAPTERS
        for name in make().operators()
    ]


@cache
def available(make):
    front_end = make()
    if not front_end.is_here():
        pytest.skip(f"{front_end.package} or its front end is not there")
    return front_end


@pytest.fixture(params=ADAPTERS, ids=lambda make: make.__name__)
def front_end(request):
    return available(request.param)


@pytest.mark.drawn
@pytest.mark.parametrize("make, name", lines())
def test_every_line_of_the_table_has_the_framework_s_values(make, name):
    front_end = available(make)
    call = front_end.operators()[name]
    arity = getattr(call, "nin", 1)
    near = IN_SINGLE if name in front_end.in_single else CLOSE
    low, high = DOMAINS.get(call.__name__, (-2, 2))
    rng = np.random.default_rng(len(name))
    for _ in range(draws(1, 10)):
        arrays = [rng.uniform(low, high, 5) for _ in range(arity)]
        model, want = front_end.operator(name, arrays)
        assert isinstance(model, LiftedModel)
        assert list(model.inputs) == list(ARGUMENTS[:arity])
        for k in range(5) if model.output.shape == () else [slice(None)]:
            at = dict(zip(ARGUMENTS, (a[k] for a in arrays), strict=False))
            got = model.output.evaluate(at)
            np.testing.assert_allclose(got, want[k], rtol=near, atol=near)


def test_every_operator_has_a_name_somewhere():
    for op in OPERATORS:
        assert op.onnx or op.torch or op.jax or op.sympy


W = np.array([[0.5, -0.25, 1.0], [0.75, 0.125, -0.5]])
B = np.array([0.1, -0.2, 0.3])
X = np.array([0.4, -0.9])


def test_parameters_are_named_and_differentiable(front_end):
    model = front_end.layer(W, B, X)
    assert list(model.inputs) == ["x"]
    assert set(model.parameters) == {front_end.weight, front_end.bias}
    weight, bias = (model.parameters[k] for k in (front_end.weight, front_end.bias))
    assert weight.name == front_end.weight
    np.testing.assert_array_equal(weight.value, W)
    slopes = dt.grad(model.output, [weight, bias])
    t = np.tanh(X @ W + B)
    wanted = [t.sum(), np.outer(X, 1 - t**2), 1 - t**2]
    for v, want in zip([model.output, *slopes], wanted, strict=True):
        assert v.shape == want.shape
        np.testing.assert_allclose(v.evaluate({"x": X}), want, rtol=1e-14)
    bound = dt.enclose(dt.norm(slopes), dt.Box({model.input: (-1, 1)}))
    assert np.linalg.norm(np.append(wanted[1], wanted[2])) <= bound.upper < 6


def test_it_says_what_it_is(front_end):
    model = front_end.layer(W, B, X)
    said = repr(model)
    assert said.startswith("LiftedModel(")
    assert model.framework and model.framework in said
    for name in (*model.inputs, *model.outputs, *model.parameters):
        assert name in said


def test_only_one_of_several_is_asked_for_by_name(front_end):
    model = front_end.layer(W, B, X)
    assert model.output is next(iter(model.outputs.values()))
    with pytest.raises(InvalidInputError, match="inputs"):
        _ = LiftedModel({}, model.outputs).input


def test_what_is_missing_is_named(front_end):
    with pytest.raises(DeuteriumError, match=front_end.missing):
        front_end.unliftable()


def test_places_with_one_line_number_are_told_apart():
    places = [at_line(f"node {i}", 0) for i in range(3)]
    assert [describe(p) for p in places] == [f"node {i}:0" for i in range(3)]
