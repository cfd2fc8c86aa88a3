"""Linear operators multiplied out: their norms hold, whatever the scale, and are close.

The checker's maps are compared with the same matrices: it must not believe less.
"""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from numpy.lib.stride_tricks import sliding_window_view

import deuterium as dt
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.composed_map import ComposedMap
from deuterium.certify.checker.norm_bounds.norm_graph import NormGraph
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.graph.traverse import Graph
from deuterium.optimize.bounders.norm_bounds.norm_propagation import NormLayout
from tests.amounts import seeds


def random_map(rng, scale):
    """Return a linear function of an image of random steps, as NumPy understands it."""
    kernel = scale * rng.normal(size=(4, int(rng.integers(1, 4))))
    factor = rng.normal(size=(5, 6)) / scale
    left = rng.normal(size=(3, 9))
    steps = {
        "windows": lambda x: (
            sliding_window_view(x.reshape(5, 6)[:, :6], (2, 2)).reshape(20, 4) @ kernel
        ),
        "factor": lambda x: x.reshape(5, 6) * factor,
        "quotient": lambda x: x.reshape(5, 6) / factor,
        "rows": lambda x: x.reshape(5, 6).mean(axis=0),
        "mean of two": lambda x: x.reshape(15, 2).sum(axis=1) / 3,
        "left": lambda x: left @ np.concatenate([x.reshape(-1)[:27]]).reshape(9, 3),
        "opposite": lambda x: -x.reshape(5, 6).T[::2],
        "shift": lambda x: 0.1 * scale - x,
    }
    keep = [k for k in ("factor", "quotient", "shift") if rng.random() < 0.5]
    end = rng.choice(["windows", "rows", "mean of two", "left", "opposite"])
    names = [
        *rng.permutation(keep),
        end,
        *rng.permutation(["shift"])[: rng.integers(2)],
    ]

    def f(x):
        for name in names:
            x = steps[name](x)
        return x

    return f


@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
@pytest.mark.parametrize("seed", seeds(4, 200))
def test_norms_hold_and_are_close(seed, scale):
    rng = np.random.default_rng(seed)
    f = random_map(rng, scale)
    x = dt.symbol("x", shape=(5, 6))
    v = np.sum(np.square(f(np.tanh(x))))
    layout = NormLayout(Graph([v]))
    for end, chain in layout.chains.items():
        with ctx.workprec(1000):
            matrix = matrix_of(end, chain.base)
        with np.errstate(all="ignore"):
            found, true = chain.map, norm_of(matrix)
        if found is None:
            assert scale > 1
            continue
        assert true <= found.sigma <= 1.02 * true
        rows = np.array([float(sum(e * e for e in r).sqrt()) for r in matrix.tolist()])
        assert np.all(rows * (1 - 1e-12) <= found.rows)
        assert np.all(found.rows <= rows * (1 + 2e-7) + 1e-9 * true)
        believed(v, chain, end, true)


def believed(v, chain, end, true):
    """Have the checker believe the bounder's norm, and no smaller ones."""
    symbols = list(Graph([v]).symbols)
    with ctx.workprec(96):
        inputs = ProofInputs(symbols, dt.Box(dict.fromkeys(symbols, (-1, 1))))
        own = ComposedMap(NormGraph(DerivativeForms(v, inputs), {}), chain.base, end)
        assert own.is_linear == chain.is_linear
        assert float(own.norm(chain.map.sigma)) == chain.map.sigma
        assert all(a <= b for a, b in zip(own.rows, chain.map.rows, strict=True))
        for share in (0.999, 0.9, 1e-3):
            with pytest.raises(NoBound, match="not proved to be at most"):
                own.norm(true * share)


def matrix_of(end, base):
    """Return the matrix from one node to another, in balls."""
    nodes = []
    while end is not base:
        nodes.append(end)
        end = next(a for a in end.args if not is_number(a))
    columns = []
    for k in range(-1, base.size):
        at = np.array([arb(int(i == k)) for i in range(base.size)])
        at = at.reshape(base.shape)
        for n in reversed(nodes):
            at = applied(n, [value_of(a) if is_number(a) else at for a in n.args])
        columns.append(np.ravel(at))
    zero, *rest = columns
    return arb_mat([[c[i] - zero[i] for c in rest] for i in range(len(zero))])


def is_number(v):
    return v.is_constant or (v.op is not None and all(is_number(a) for a in v.args))


def value_of(v):
    if v.is_constant:
        flat = [arb(float(e)) for e in np.ravel(v.value)]
        out = np.empty(len(flat), dtype=object)
        out[:] = flat
        return out.reshape(v.shape)
    return applied(v, [value_of(a) for a in v.args])


def applied(n, args):
    """Return an operator's value on balls."""
    if n.op.name == "scatter":
        out = np.full(int(np.prod(n.shape)), arb(0), dtype=object)
        np.add.at(out, np.ravel(n.attrs["index"]), np.ravel(args[0]))
        return out.reshape(n.shape)
    return n.op.value(*args, **n.attrs)


def norm_of(matrix):
    """Return the norm of a matrix of balls, less the errors of computing it."""
    rows = matrix.tolist()
    top = max(float(abs(e)) for r in rows for e in r)
    near = np.array([[float(e / arb(top)) for e in r] for r in rows])
    return float(np.linalg.norm(near, 2)) * top * (1 - 1e-13)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x * y,
        lambda x, y: np.tanh(x),
        lambda x, y: 1 / x,
        lambda x, y: x * x,
    ],
)
def test_what_is_not_linear_has_no_map(f):
    x, y = dt.symbol("x", shape=(4,)), dt.symbol("y", shape=(4,))
    v = np.sum(f(x, y))
    symbols = list(Graph([v]).symbols)
    inputs = ProofInputs(symbols, dt.Box(dict.fromkeys(symbols, (1, 2))))
    with pytest.raises(NoBound, match=r"function of another|not taken for|a quotient"):
        ComposedMap(NormGraph(DerivativeForms(v, inputs), {}), x, v)
