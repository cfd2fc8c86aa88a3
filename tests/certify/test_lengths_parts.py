"""The parts of the check by norms: matrices, curves, and rules whatever is chosen."""

from itertools import pairwise

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.certify.checker import proof_objective
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds import bounded_functions
from deuterium.certify.checker.norm_bounds.array_knowledge import RuleBounds, combine
from deuterium.certify.checker.norm_bounds.ball_matrices import SMALL, Matrix, is_norm
from deuterium.certify.checker.norm_bounds.ball_vectors import vector
from deuterium.certify.checker.norm_bounds.norm_graph import graph_of
from deuterium.certify.checker.norm_bounds.norm_pass import NormPass
from deuterium.certify.checker.operator_table import TABLE
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import topological
from tests.amounts import seeds

ONE = {op.name: e for op, e in TABLE.items() if op.arity == 1}


@pytest.fixture(autouse=True)
def precise():
    with ctx.workprec(96):
        yield


def balls(x):
    return vector([arb(float(e)) for e in np.ravel(x)])


# -- matrices ------------------------------------------------------------------------

SHAPES = [(1, 1), (1, 7), (5, 3), (SMALL, 40), (SMALL + 1, 60), (80, 41)]


def matrices(shape):
    rng = np.random.default_rng(shape[0])
    yield rng.normal(size=shape)
    yield 1e100 * rng.normal(size=shape)
    yield rng.normal(size=(shape[0], 1)) @ rng.normal(size=(1, shape[1]))  # of rank 1
    yield rng.normal(size=shape) * np.logspace(-12, 0, shape[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_norm_is_proved_just_above_and_refused_just_below(shape):
    for w in matrices(shape):
        top = float(np.linalg.norm(w, 2))
        a = arb_mat(*shape, w.ravel().tolist())
        assert is_norm(a, arb(top * (1 + 1e-11)))
        assert not is_norm(a, arb(top * (1 - 1e-11)))
        assert not is_norm(a, arb(0.5 * top))
        matrix = Matrix(*shape, balls(w))
        assert matrix.norm(top * 1.01) == top * 1.01
        assert float(matrix.norm(None)) == pytest.approx(np.linalg.norm(w))
        with pytest.raises(NoBound, match="not proved"):
            matrix.norm(0.99 * top)


@pytest.mark.parametrize("s", [0.0, -1.0, float("inf"), float("nan")])
def test_no_norm_is_proved_by_what_is_no_number_above_zero(s):
    assert not is_norm(arb_mat([[0.5, 0.0], [0.0, 0.25]]), arb(s))


def test_a_norm_of_wide_balls_is_that_of_the_worst_matrix_in_them():
    a = arb_mat([[arb(1, 0.5), 0], [0, 1]])
    assert is_norm(a, arb(1.51))
    assert not is_norm(a, arb(1.49))


@pytest.mark.parametrize("shape", [(4, 3), (30, 26)])
def test_matrices_take_boxes_and_columns_as_floats_do(shape):
    rng = np.random.default_rng(1)
    w, low = rng.normal(size=shape), rng.normal(size=(2, shape[0]))
    high = low + rng.uniform(size=low.shape)
    matrix = Matrix(*shape, balls(w))
    a, b = matrix.ends(balls(low), balls(high))
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    np.testing.assert_allclose(
        [float(x) for x in a], (middle @ w - half @ abs(w)).ravel(), atol=1e-12
    )
    np.testing.assert_allclose(
        [float(x) for x in b], (middle @ w + half @ abs(w)).ravel(), atol=1e-12
    )
    widths = [float(x) for x in matrix.widths]
    np.testing.assert_allclose(widths, np.linalg.norm(w, axis=0))


# -- curves --------------------------------------------------------------------------

FLAT = {
    "tanh": np.tanh,
    "expit": expit,
    "tanh'": lambda z: 1 / np.cosh(np.clip(z, -300, 300)) ** 2,
    "expit'": lambda z: expit(z) * expit(-z),
}


def around(rng, n):
    """Return what is known of an array, and points that fit it."""
    centre = rng.normal(size=n) * rng.choice([0.5, 3.0])
    wide = rng.uniform(0.01, 20, size=n)
    low, high = centre - wide * rng.uniform(size=n), centre + wide
    radius = float(rng.uniform(0.1, 0.7) * np.linalg.norm(wide))
    found = RuleBounds(balls(centre), arb(radius))
    value = combine(balls(low), balls(high), found, takes=True)
    z = rng.uniform(low, high, size=(400, n))
    away = z - centre
    size = np.linalg.norm(away, axis=1, keepdims=True)
    points = centre + away * np.minimum(1, radius / size)
    return value, points, (centre, radius)


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("square", [True, False])
def test_curves_of_arrays_stay_below_the_bound_for_any_multipliers(name, square):
    rng = np.random.default_rng(2)
    for n in [1, 2, 7, 7, 7]:
        value, points, _ = around(rng, n)
        m = rng.uniform(-1, 1, size=n)
        f = FLAT[name](points)
        heights = np.sum((f - m) ** 2 if square else m * f, axis=1)
        g = rng.normal(size=n)
        reach = float(np.max(points @ g))
        for t, s in [(0, 0), (0.01, 0), (1, 0), (0.1, 0.02), (50, 3), (0, 0.1)]:
            by = bounded_functions.Inequality(arb(t), arb(s), balls(g), arb(reach))
            h = bounded_functions.Heights(OPERATORS[name], square, balls(m))
            assert bounded_functions.dual_value(h, value, by) >= heights.max() - 1e-12


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("square", [True, False])
def test_maxima_are_those_of_a_fine_grid(name, square):
    rng = np.random.default_rng(3)
    for _ in range(5):
        value, _, (centre, radius) = around(rng, 4)
        low, high = (np.array([float(x) for x in v]) for v in (value.low, value.high))
        m, g = rng.uniform(-1, 1, size=4), rng.normal(size=4)
        t, s, reach = rng.uniform(0, 0.5), rng.uniform(0, 0.2), rng.uniform(0, 5)
        by = bounded_functions.Inequality(arb(t), arb(s), balls(g), arb(reach))
        found = bounded_functions.dual_value(
            bounded_functions.Heights(OPERATORS[name], square, balls(m)), value, by
        )
        z = np.linspace(low, high, 20_001)
        f = FLAT[name](z)
        each = ((f - m) ** 2 if square else m * f) - t * (z - centre) ** 2 - s * g * z
        least = t * radius**2 + s * reach + np.sum(np.max(each, axis=0))
        # pieces that reach over the ends of an interval count as a whole
        assert least - 1e-9 <= float(found) <= least + 4 * 0.4


def test_curves_beyond_the_grid_and_without_ends():
    infinity = arb("inf")
    wide = combine(vector([-infinity]), vector([infinity]), RuleBounds())
    far = combine(balls([2e6]), balls([3e6]), RuleBounds())
    for name, top in [("tanh", 1.0), ("expit", 1.0), ("tanh'", 0.0), ("expit'", 0.0)]:
        h = bounded_functions.Heights(OPERATORS[name], False, balls([2.0]))
        by = bounded_functions.Inequality(arb(0), arb(0), balls([1.0]), arb(0))
        assert float(bounded_functions.dual_value(h, far, by)) == pytest.approx(
            2 * top, abs=1e-12
        )
        assert not bounded_functions.dual_value(
            h, wide, by
        ).is_finite()  # no centre to speak of
        sloped = bounded_functions.Inequality(arb(0), arb(1), balls([1.0]), arb(3e6))
        assert float(bounded_functions.dual_value(h, far, sloped)) == pytest.approx(
            2 * top + 1e6
        )
        assert not bounded_functions.dual_value(h, wide, sloped).is_finite()


def test_slopes_are_nowhere_steeper_than_stated():
    z = np.linspace(-4, 4, 2001)
    for name, steepest in ((n, e.steepest) for n, e in ONE.items() if e.steepest):
        f = [float(ONE[name].value(arb(x))) for x in z.tolist()]
        slope = np.max(np.abs(np.diff(f))) / (z[1] - z[0])
        assert slope <= float(steepest(arb(-4), arb(4))) * (1 + 1e-9)
        assert slope > 0.9 * float(steepest(arb(-4), arb(4)))


# -- rules, whatever is chosen -------------------------------------------------------


def layers(rng, activation):
    """Return the gradient norm of a network of random depth, and its domain."""
    units = [int(rng.integers(2, 9)), *rng.integers(2, 7, size=rng.integers(1, 4))]
    x = dt.symbol("x", (1, units[0]))
    h, parameters = x, []
    for m, n in pairwise(units):
        w, b = dt.constant(rng.normal(size=(m, n))), dt.constant(rng.normal(size=n))
        parameters += [w, b]
        h = activation(h @ w + b)
    w = dt.constant(rng.normal(size=(units[-1], 3)))
    loss = -dt.log_softmax(h @ w)[0, 0] + np.mean(-log_expit(h)) ** 2
    centre, width = rng.normal(size=(1, units[0])), float(rng.choice([0.1, 1.0]))
    box = dt.Box({x: (centre - width, centre + width)})
    domain = dt.Ball(x, centre, width) if rng.random() < 0.5 else box
    return dt.norm(dt.grad(loss, [*parameters, w])), domain


def made_up(rng, graph):
    """Return any choices at all, for every node."""
    chosen = {}
    for v in graph.order:
        entry = {"ball": bool(rng.integers(2))}
        if bounded_functions.is_bent(v.op):
            for key in ("near", "long"):
                entry[key] = [{"t": float(rng.uniform(0, 0.5))}]
            argument = v.args[0]
            if argument.op.name == "add" and argument.args[0].op.name == "matmul":
                along = rng.normal(size=v.size).tolist()
                by = float(rng.uniform(0, 0.5))
                entry["long"] = [{"t": 0.01, "along": along, "by": by}]
                if argument.args[0].args[0].op is not None:
                    entry["long"].append({"t": float(rng.uniform(0, 0.5))})
        chosen[str(graph.place[v])] = entry
    return chosen


def claims(graph):
    found = {}
    for v in graph.order:
        if graph.matrix(v) is not None:
            w = np.array([float(x) for x in graph.fixed(v)]).reshape(v.shape)
            found[str(graph.place[v])] = float(np.linalg.norm(w, 2) * (1 + 1e-10))
    return found


@pytest.mark.parametrize("seed", seeds(3, 24))
def test_every_node_is_as_the_rules_say_whatever_is_chosen(seed):
    rng = np.random.default_rng(seed)
    activation = [np.tanh, expit, dt.relu, np.sin][seed % 4]
    v, domain = layers(rng, activation)
    inputs = ProofInputs([n for n in topological([v]) if n.is_symbol], domain)
    graph = graph_of(DerivativeForms(proof_objective.derived(v, inputs, True), inputs))
    region = Region(inputs.least, inputs.most, [False] * inputs.size)
    sweep = NormPass(graph, region, claims(graph), made_up(rng, graph), {})
    sweep.run()
    moving = list(sweep.values)
    (x,) = inputs.symbols
    for _ in range(20):
        row = inputs.sample(rng, 1.0, {})
        point = {x.name: np.reshape(row, x.shape)}
        values = [np.ravel(n.evaluate(point)) for n in moving]
        for n, value in zip(moving, values, strict=True):
            holds(sweep.value(n), value, n)


def holds(known, x, node):
    slack = 1e-9 * (1 + np.max(np.abs(x), initial=0))
    low, high, centre = (
        np.array([float(e) for e in v]) for v in (known.low, known.high, known.centre)
    )
    name = node.op.name if node.op else node.name
    assert np.all(low - slack <= x), name
    assert np.all(x <= high + slack), name
    assert np.linalg.norm(x - centre) <= float(known.radius) + slack, name
    assert np.linalg.norm(x) <= float(known.length) + slack, name
    assert np.sum(np.abs(x)) <= float(known.total) + slack, name
