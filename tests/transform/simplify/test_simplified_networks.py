"""Gradient norms of networks, spelled as the notebooks spell them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium.graph.traverse import topological
from deuterium.transform.simplify.simplify import simplify
from tests.clocks import counted_calls
from tests.standard_problems import gradient_norm, make
from tests.transform.simplify.notebook_networks import (
    bce,
    notebook_norm,
    sigmoid,
    softmax_ce_shifted,
    stable_norm,
    tanh,
)
from tests.transform.simplify.simplify_checks import plain

SIZES = ["S1", "S2", "S3", "S4", "S5"]
ACTIVATIONS = ["sigmoid", "tanh", "relu"]
POLES = {"reciprocal", "divide", "log", "exp", "integer_power"}
LARGEST = {"S1": 4, "S2": 10, "S3": 25, "S4": 100, "S5": 784}


def operators(v):
    return {n.op.name for n in topological([v]) if n.op is not None}


def largest_node(v):
    """Return the size of the largest node that is not a weight matrix, transposed."""
    return max(
        n.size
        for n in topological([v])
        if n.op is not None and not (n.op.name == "transpose" and n.args[0].is_constant)
    )


def close(a, b, factor=1e-12):
    return np.all(np.abs(a - b) <= factor * np.abs(b))


@pytest.mark.parametrize(
    ("size", "activation", "symbolic_label"),
    [
        (s, a, label)
        for s in SIZES
        for a in ACTIVATIONS
        for label in (False, True)
        if s != "S5" or not label  # whose label is a class
    ],
)
def test_standard_problems(size, activation, symbolic_label):
    problem = make(size, activation)
    y = dt.symbol("y") if symbolic_label else 1
    x, norm = notebook_norm(problem, y)
    domain = dt.Box({x: (-1, 1)})
    if symbolic_label:
        domain = domain & dt.Choice(y, [0, 1])
    simpler = simplify(norm, domain)

    points = np.random.default_rng(3).uniform(-1, 1, (5, problem.inputs))
    values = {x: points[:, None, :]} | ({y: 1.0} if symbolic_label else {})
    assert close(simpler.evaluate(values), gradient_norm(problem, points))

    assert not operators(simpler) & POLES
    assert largest_node(simpler) <= LARGEST[size]
    assert len(topological([simpler])) < len(topological([norm]))
    found = plain(simpler, domain)
    by_hand = plain(stable_norm(problem, y)[1], domain)
    assert found.upper <= by_hand.upper * (1 + 1e-12)
    # p - y rounds once where -y * expit(-z) + (1 - y) * expit(z) does not
    assert found.lower >= by_hand.lower * (1 - 1e-12) - 1e-15


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_softmax_with_a_shift_by_the_maximum(activation):
    problem = make("S5", activation)
    x, norm = notebook_norm(problem, multiclass=softmax_ce_shifted)
    simpler = simplify(norm)
    assert not operators(simpler) & (POLES | {"max", "argmax_onehot"})
    points = np.random.default_rng(3).uniform(-1, 1, (3, problem.inputs))
    value = simpler.evaluate({x: points[:, None, :]})
    assert close(value, gradient_norm(problem, points))


@pytest.mark.parametrize("activation", [sigmoid, tanh, None])
def test_scalar_graphs(activation):
    rng = np.random.default_rng(5)
    x = dt.to_vec(dt.random_symbols(4, "x")).reshape(1, 4)
    w1, b, w2 = (dt.to_vec(rng.normal(size=s)) for s in [(4, 3), (1, 3), (3, 1)])
    hidden = (activation or (lambda h: h))(x @ w1) + b
    loss = np.ravel(bce(sigmoid(hidden @ w2), dt.to_vec(np.array(1))))[0]
    gradient = dt.grad(loss, [*w1.ravel(), *b.ravel(), *w2.ravel()])
    norm = np.sqrt(np.sum(np.square(gradient)))
    domain = dt.Box(dict.fromkeys(x.ravel(), (-1, 1)))
    simpler = simplify(norm, domain)
    assert not operators(simpler) & POLES
    for _ in range(5):
        point = {s: rng.uniform(-1, 1) for s in x.ravel()}
        assert simpler.evaluate(point) == pytest.approx(norm.evaluate(point), rel=1e-12)
    # the norm of the outer product is a product of norms: each x is squared once
    squared = {
        n.args[0] for n in topological([simpler]) if n.op and n.op.name == "square"
    }
    assert set(x.ravel()) <= squared
    assert len(topological([simpler])) < 0.6 * len(topological([norm]))
    before, after = plain(norm, domain), plain(simpler, domain)
    assert np.isfinite(after.upper)
    assert not after.upper > before.upper  # which may be undefined


def test_cross_entropy_itself_has_no_pole():
    z, y = dt.symbol("z"), dt.symbol("y")
    loss = simplify(bce(sigmoid(z), y))
    assert not operators(loss) & (POLES - {"exp"})
    box = dt.Box({z: (-800, 800), y: (0, 1)})
    assert np.isfinite(plain(loss, box).upper)


def test_slope_of_cross_entropy_is_p_minus_y():
    z, y = dt.symbol("z"), dt.symbol("y")
    slope = simplify(dt.grad(bce(sigmoid(z), y), z))
    assert sorted(operators(slope)) == ["expit", "subtract"]
    assert len(topological([slope])) == 4


def test_slope_of_softmax_cross_entropy_is_p_minus_y():
    z = dt.symbol("z", (1, 5))
    for loss in (softmax_ce_shifted(z), -np.log(dt.softmax(z))[0, 0]):
        slope = simplify(dt.grad(loss, z))
        assert operators(slope) <= {"softmax", "add", "subtract"}
        assert len(topological([slope])) <= 4


def test_shared_weights_over_steps_take_the_gram_form():
    """A convolution or a sequence: one weight matrix at T places."""
    steps, n, m = 4, 64, 48
    rng = np.random.default_rng(1)
    weights = dt.constant(rng.normal(size=(n, m)) / 8)
    x = dt.symbol("x", (steps, n))
    loss = np.sum(np.square(np.tanh(x @ weights)))
    norm = dt.norm(dt.grad(loss, weights))
    simpler = simplify(norm)
    assert largest_node(norm) == n * m
    assert largest_node(simpler) == n * steps
    for _ in range(3):
        point = {x: rng.uniform(-1, 1, (steps, n))}
        assert simpler.evaluate(point) == pytest.approx(norm.evaluate(point), rel=1e-12)


def calls(run):
    with counted_calls() as count:
        run()
    return count()


def test_it_takes_few_calls():
    x, norm = notebook_norm(make("S4", "sigmoid"))
    assert calls(lambda: simplify(norm, dt.Box({x: (-1, 1)}))) < 50_000


def test_it_takes_linear_time():
    def work(n):
        x = dt.symbol("x")
        total = np.exp(x)
        for k in range(n):
            total = total + np.square(x * (0.1 * k + np.sin(total)))
        return calls(lambda: simplify(total))

    work(10)  # what is made once
    assert work(400) < 5 * work(100)


def gated_recurrence(sigmoid, steps=3, d=2, n=3):
    """Return the gradient norm of a gated recurrent network, and its domain."""
    rng = np.random.default_rng(0)
    x, h = dt.symbol("x", (steps, d)), dt.constant(np.zeros(n))
    weights = [dt.constant(rng.normal(size=(d + n, n))) for _ in range(2)]
    for t in range(steps):
        u = np.concatenate([x[t], h])
        gate = sigmoid(u @ weights[0])
        h = (1 - gate) * h + gate * np.tanh(u @ weights[1])
    norm = dt.norm(dt.grad(np.sum(np.square(h)), weights))
    return norm, dt.Box({x: (-1, 1)})


def test_gates_spelled_with_exponentials_have_their_own_slopes():
    norm, domain = gated_recurrence(lambda z: 1 / (1 + np.exp(-z)))
    named, _ = gated_recurrence(expit)
    assert not POLES & operators(simplify(norm, domain))
    assert dt.enclose(norm, domain).upper < 1.01 * dt.enclose(named, domain).upper
