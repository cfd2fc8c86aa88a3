"""Lengths of results and of their errors, rule by rule and through networks."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops
from deuterium.enclose import error_lengths
from deuterium.enclose.computed_value import Computed
from deuterium.enclose.error_lengths import Lengths, Operand
from deuterium.interval import Interval
from deuterium.interval.float_arithmetic import require_arithmetic
from deuterium.ops import arrays
from tests.amounts import draws

KIND = require_arithmetic("float64", "test")
A, B = dt.symbol("a", shape=(4, 6)), dt.symbol("b", shape=(4, 6))
C, ROW = dt.symbol("c", shape=(6, 3)), dt.symbol("row", shape=(1, 6))
INDEX = np.array([[0, 5, 5], [23, 7, 5]])
FEW = dt.symbol("few", shape=(2, 3))
NODES = [
    A + B, A - B, A * B, A / B, -A, A @ C, A.T, A.reshape((2, 12)), np.sum(A, axis=0),
    np.sum(A), A.reshape((24,))[INDEX], np.broadcast_to(ROW, (4, 6)), dt.softmax(A),
    arrays.scatter(FEW, index=INDEX, shape=(4, 6)),
]  # fmt: skip


def test_every_rule_has_a_case():
    assert {v.op for v in NODES} >= set(error_lengths.RULES)


def length(x):
    return np.sqrt(np.sum(np.square(x), keepdims=True))


def operand(node, rng, *, is_matrix, is_exact):
    """Return what is known of an argument, a value of it, and what is computed."""
    x = rng.normal(size=node.shape) * 10.0 ** rng.integers(-2, 3)
    error = np.zeros(node.shape) if is_exact else rng.exponential(size=node.shape)
    off = x + error * rng.choice([-1.0, 1.0], node.shape)
    wide = 0.0 if is_matrix else rng.exponential(size=node.shape)
    known = Computed(Interval(x - wide, x + wide), error)
    exact = Lengths(length(x) * (1 + 1e-12), length(off - x) * (1 + 1e-12))
    return Operand(node, known, exact), x, off


@pytest.mark.drawn
@pytest.mark.parametrize("node", NODES, ids=lambda v: v.op.name)
def test_no_result_and_no_error_is_longer(node):
    rule = error_lengths.RULES[node.op]
    for seed in range(draws(12, 400)):
        rng = np.random.default_rng(seed)
        by = [node.op is ops.divide and i == 1 for i in range(len(node.args))]
        made = [
            operand(a, rng, is_matrix=exact or rng.random() < 0.5, is_exact=exact)
            for a, exact in zip(node.args, by, strict=True)
        ]
        charges = error_lengths._Charges(4.0, KIND, node.size)
        reach, off = rule(node, [m[0] for m in made], charges)
        exact, computed = (
            node.op.value(*[m[i] for m in made], **node.attrs) for i in (1, 2)
        )
        assert length(exact) <= reach * (1 + 1e-9)
        assert length(computed - exact) <= off * (1 + 1e-9)


def test_a_matrix_stretches_by_its_spectral_norm():
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(1, 60)), dt.symbol("y", shape=(60, 50))
    w = rng.normal(size=(60, 50))
    first, _, _ = operand(x, rng, is_matrix=False, is_exact=False)
    last = Operand(
        y,
        Computed(Interval(w, w), np.zeros(w.shape)),
        Lengths(length(w), length(0 * w)),
    )
    charges = error_lengths._Charges(4.0, KIND, 50)
    reach, off = error_lengths.RULES[arrays.matmul](x @ y, [first, last], charges)
    sigma = np.linalg.norm(w, 2)
    assert (
        reach
        <= 1.0001 * sigma * first.lengths.reach
        < 0.5 * length(w) * first.lengths.reach
    )
    assert off <= 1.0001 * sigma * first.lengths.off


def test_the_rounding_of_a_deep_gradient_is_a_small_part_of_its_norm():
    rng = np.random.default_rng(3)
    x, label = dt.symbol("x", shape=(1, 40)), dt.symbol("y", shape=(1, 3))
    sizes = ((40, 50), (50, 50), (50, 50), (50, 3))
    weights = [dt.constant(rng.normal(size=s) / np.sqrt(s[0])) for s in sizes]
    h = x
    for w in weights[:-1]:
        h = np.tanh(h @ w)
    loss = -np.sum(label * dt.log_softmax(h @ weights[-1]))
    v = dt.norm(dt.grad(loss, weights))
    domain = dt.Box({x: (-1, 1)}) & dt.OneHot(label)
    found = (
        dt.enclose(v, domain, arithmetic="float32").upper - dt.enclose(v, domain).upper
    )
    assert 0 < found < 0.01 * dt.search(v, domain, seed=0).value
