"""Compiled functions: equal to the interpreter, on every back end, in any batch."""

import json
import re

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.errors import (
    DeuteriumError,
    GraphError,
    InvalidInputError,
    MissingSymbolError,
)
from deuterium.evaluate import CompiledFunction, function
from deuterium.graph.hashcons import share_equal
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names
from deuterium.graph.traverse import topological
from tests.amounts import some

RNG = np.random.default_rng(20)


def to_numpy(x):
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def arrays_for(backend, *xs):
    if backend != "torch":
        return xs
    torch = pytest.importorskip("torch")
    return [torch.as_tensor(np.array(x)) for x in xs]


@pytest.fixture(params=["numpy", "jax", "torch"])
def backend(request):
    if request.param != "numpy":
        pytest.importorskip(request.param)
    if request.param == "torch":
        pytest.importorskip("array_api_compat")
    return request.param


def network_norm():
    x = dt.symbol("x", shape=(1, 5))
    W, b = dt.constant(RNG.normal(size=(5, 4))), dt.constant(RNG.normal(size=4))
    v = dt.constant(RNG.normal(size=(4, 3)))
    loss = -dt.log_softmax(np.tanh(x @ W + b) @ v)[0, 1]
    return x, dt.norm(dt.grad(loss, [W, b, v]))


UNARY = sorted(
    n
    for n, op in OPERATORS.items()
    if op.elementwise and op.arity == 1 and not attribute_names(op)
)


def test_every_function_of_one_variable(backend):
    """All in one program: to compile each by itself takes JAX seconds."""
    x, y = dt.symbol("x", shape=(4,)), dt.symbol("y", shape=(4,))
    at = np.array([0.2, 0.45, 0.55, 0.9])
    graphs = [OPERATORS[name](y if name == "arccosh" else x) for name in UNARY]
    found = dt.compile([x, y], graphs, backend=backend)(
        *arrays_for(backend, at, 1 + at)
    )
    for name, v, got in zip(UNARY, graphs, found, strict=True):
        want = v.evaluate({x: at, y: 1 + at})
        np.testing.assert_allclose(
            to_numpy(got), want, rtol=1e-13, atol=1e-15, err_msg=name
        )


X, Y = dt.symbol("x", shape=(3, 4)), dt.symbol("y", shape=(4,))
ARRAY_CASES = {
    "broadcast": X * Y + np.sum(Y),
    "movement": np.flip(X, 0)[1:, ::2] @ np.ones((2, 2)),
    "transpose": np.transpose(np.stack([X, X * 2]), (2, 0, 1)),
    "swap": X.T @ X,
    "concatenate": np.concatenate([X, np.ones((1, 4)), X[:1]], axis=0),
    "scatter": dt.grad(np.sum(X[[0, 0, 2]] ** 2), X),
    "reductions": np.max(X, axis=1) + np.prod(X, axis=1) + np.var(X, axis=1),
    "slopes of reductions": dt.grad(np.sum(np.max(X, 1) * np.prod(X, 1)), X),
    "cumsum": dt.grad(np.sum(np.cumsum(X, axis=0) ** 3), X) + np.cumsum(X, axis=0),
    "where": np.where(np.eye(3, 4) > 0, X, -X),
    "softmax": dt.softmax(X) + dt.logsumexp(X),
    "choices": np.maximum(X, Y) + np.minimum(X, 0.3) + np.hypot(X, Y) + X**Y,
    "slopes of choices": dt.grad(np.sum(np.maximum(X, Y) * np.hypot(X, Y)), Y),
    "pieces": np.abs(X) + dt.relu(X - 0.5) + np.sign(X) + X**3 + X**-2,
    "constants": X * np.log(dt.constant(3.0)) + dt.grad(np.sum(np.exp2(X)), X),
}


# what has been batched once runs with any batch
BATCHES = [(c, (2, 3)) for c in ARRAY_CASES]
BATCHES += [(c, batch) for c in ARRAY_CASES for batch in ((), (6,))]


@pytest.mark.parametrize(("case", "batch"), some(BATCHES, len(ARRAY_CASES)))
def test_array_operators(case, batch, backend):
    v = ARRAY_CASES[case]
    x, y = RNG.uniform(0.1, 2, (*batch, 3, 4)), RNG.uniform(0.1, 2, (*batch, 4))
    (got,) = dt.compile([X, Y], [v], backend=backend)(*arrays_for(backend, x, y))
    want = v.evaluate({X: x, Y: y})
    assert np.shape(want) == tuple(got.shape) == (*batch, *v.shape)
    np.testing.assert_allclose(to_numpy(got), want, rtol=1e-12, atol=1e-14)


def test_network_norm_on_every_back_end(backend):
    x, norm = network_norm()
    points = RNG.uniform(-1, 1, (50, 1, 5))
    fn = dt.compile([x], [norm], backend=backend)
    (got,) = fn(*arrays_for(backend, points))
    np.testing.assert_allclose(to_numpy(got), norm.evaluate({x: points}), rtol=1e-13)


def test_source_is_straight_line_shares_work_and_lets_go():
    x = dt.symbol("x", shape=(4,))
    fn = dt.compile([x], [np.sum(np.exp(x) * 2 + np.exp(x))])
    assert fn.source.count("xp.exp(") == 1
    assert "3.0 *" in fn.source  # a literal, not an array
    assert not re.search(r"\b(for|while|if)\b", fn.source)
    assigned = set(re.findall(r"^\s+(v\d+) =", fn.source, re.M))
    let_go = set(re.findall(r"v\d+", " ".join(re.findall(r"del (.*)", fn.source))))
    returned = set(re.findall(r"v\d+", fn.source.splitlines()[-1]))
    assert assigned == let_go | returned
    assert "test_function.py" in fn.source  # each step names the user's line


def test_slopes_share_work_with_the_function():
    x = dt.symbol("x", shape=(4,))
    s = np.sum(expit(x))
    assert dt.compile([x], [s, dt.grad(s, x)]).source.count("expit(") == 1


def test_constants_can_be_inputs_and_are_not_merged():
    a, b = dt.constant(2.0), dt.constant(2.0)
    assert dt.compile([a], [a * b])(5.0)[0] == 10.0
    W = dt.constant(RNG.normal(size=(3, 2)), name="W")
    x = dt.symbol("x", shape=(1, 3))
    other = RNG.normal(size=(7, 3, 2))  # one set of parameters per record
    points = RNG.normal(size=(7, 1, 3))
    np.testing.assert_allclose(
        dt.compile([x, W], [x @ W])(points, other)[0], points @ other
    )


def test_outputs_have_the_batch_axes_even_if_they_do_not_depend_on_it():
    x, y = dt.symbol("x"), dt.symbol("y", shape=(2,))
    fn = dt.compile([x, y], [x * 2, y + 1, dt.constant(3.0)])
    a, b, c = fn(np.arange(4.0), [1.0, 2.0])
    assert (a.shape, b.shape, c.shape) == ((4,), (4, 2), (4,))
    b[0] = 0  # and are arrays of their own
    assert b[1, 0] == 2.0


def test_chunks_bound_the_memory_and_change_nothing(monkeypatch):
    x, norm = network_norm()
    points = RNG.uniform(-1, 1, (1000, 1, 5))
    fn = dt.compile([x], [norm])
    whole = fn(points)[0]
    monkeypatch.setattr(function, "CHUNK_BYTES", 10_000)
    sizes = []
    run = fn._run
    monkeypatch.setattr(fn, "_run", lambda a: sizes.append(len(a)) or run(a))
    np.testing.assert_allclose(fn(points, progress=True)[0], whole, rtol=1e-14)
    assert len(sizes) > 10 and sum(sizes) == 1000


def test_saved_functions_come_back(tmp_path, backend):
    x, norm = network_norm()
    fn = dt.compile([x], [norm, x * 2], backend=backend)
    fn.save(tmp_path / "f.json")
    again = CompiledFunction.load(tmp_path / "f.json")
    points = arrays_for(backend, RNG.uniform(-1, 1, (3, 1, 5)))
    for a, b in zip(fn(*points), again(*points), strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.update(format="x"),
        lambda d: d.update(version=99),
        lambda d: d.update(backend="os"),
        lambda d: d.update(inputs=7),
        lambda d: d.update(inputs=-1),
        lambda d: d.update(graph=[]),
        lambda d: d["graph"]["nodes"].insert(0, {"op": "__import__", "args": []}),
    ],
)
def test_broken_files_are_refused(tmp_path, damage):
    x = dt.symbol("x")
    flat = dt.compile([x], [np.exp(x)]).to_json()
    damage(flat)
    path = tmp_path / "f.json"
    path.write_text(json.dumps(flat))
    with pytest.raises(GraphError):
        CompiledFunction.load(path)


def test_no_text_of_a_file_enters_the_code(tmp_path):
    evil = "x\n    raise SystemExit('run')\n#\r\x0c\u2028"
    x = dt.symbol(evil, shape=(2,))
    fn = dt.compile([x], [np.exp(x)])
    np.testing.assert_array_equal(fn([0.0, 0.0])[0], [1.0, 1.0])
    fn.save(tmp_path / "f.json")
    CompiledFunction.load(tmp_path / "f.json")([0.0, 0.0])


def test_outputs_are_the_callers_own(backend):
    x, c = dt.symbol("x", shape=(4, 5)), dt.constant(np.arange(6.0).reshape(2, 3))
    fn = dt.compile([x], [x, x.T, np.reshape(x, (20,)), x * 1.0, c, c.T], backend)
    (data,) = arrays_for(backend, np.ones((4, 5)))
    outputs = fn(data)
    if backend == "jax":
        return  # its arrays cannot be written to
    for array in outputs:
        array[...] = 7
    assert float(data.max()) == 1.0
    assert [float(a.max()) for a in fn(data)] == [1.0, 1.0, 1.0, 1.0, 5.0, 5.0]


def test_no_outputs_is_a_function_too():
    assert dt.compile([dt.symbol("x")], [])(1.0) == ()


def test_clear_errors():
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    with pytest.raises(MissingSymbolError, match="'y'"):
        dt.compile([x], [np.sum(x) + y])
    with pytest.raises(InvalidInputError, match="takes 1 arguments"):
        dt.compile([x], [x])(1.0, 2.0)
    with pytest.raises(InvalidInputError, match="symbols or constants"):
        dt.compile([x * 2], [x * 2])
    with pytest.raises(dt.DeuteriumError, match="backend"):
        dt.compile([x], [x], backend="fortran")
    with pytest.raises(InvalidInputError, match=r"\(2,\)"):
        dt.compile([x], [x])(np.ones(3))


def test_share_makes_equal_parts_one():
    a = dt.symbol("a")
    b = dt.symbol("a")  # the same symbol
    (v,) = share_equal([np.exp(a * 2) + np.exp(b * 2)])
    assert len(topological([v])) == 5  # a, 2, product, exp, sum


def test_values_at_poles_are_ieee_values_not_errors():
    x = dt.symbol("x")
    fn = dt.compile([x], [np.log(x), 1 / x, log_expit(x)])
    logs, inverses, _ = fn(np.array([0.0, -1.0]))
    assert logs[0] == -np.inf and np.isnan(logs[1]) and inverses[0] == np.inf


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_arguments_are_repeated_to_their_shapes_or_refused(backend):
    """A number for an array means that number in every place, on every back end."""
    pytest.importorskip(backend)
    x = dt.symbol("x", (3,))
    fn = dt.compile([x], [np.sum(x)], backend=backend)
    assert float(fn(2.0)[0]) == 6
    assert float(fn([[1.0]])[0][0]) == 3
    wrong = [np.ones(2), np.ones((3, 1, 2)), 2**53 + 1, "a", 1j, np.ones(3) * 1j]
    if backend == "jax":
        import jax.numpy as jnp

        assert float(fn(jnp.float32(2.0))[0]) == 6
        wrong += [jnp.ones(2), jnp.ones(3) * 1j]
    for value in wrong:
        with pytest.raises(DeuteriumError):
            fn(value)


@pytest.mark.parametrize("one", [1.0, np.ones(2)])
def test_a_small_logarithm_is_not_rounded_away_by_what_is_recognised(one):
    x = dt.symbol("x", (2,))
    points = np.array([1e-16, 0.5])
    for v in ((one + x) * np.log1p(x), 1 / ((x + one) * np.log1p(x))):
        (got,) = dt.compile([x], [v])(points)
        np.testing.assert_allclose(got, v.evaluate({x: points}), rtol=1e-12)
    (at_pole,) = dt.compile([x], [(one + x) * np.log1p(x)])(-np.ones(2))
    np.testing.assert_array_equal(at_pole, 0.0)
