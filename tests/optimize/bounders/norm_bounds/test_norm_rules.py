"""Each rule on its own: arrays that satisfy what is known have results that do."""

from itertools import product

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit

import deuterium as dt
from deuterium.graph.traverse import Graph, topological
from deuterium.optimize.bounders.norm_bounds.ball_and_box import combine
from deuterium.optimize.bounders.norm_bounds.directional_bound import (
    support_function,
    support_of_ball_and_box,
)
from deuterium.optimize.bounders.norm_bounds.norm_propagation import (
    NormLayout,
    NormPropagation,
)
from tests.amounts import draws

W = np.random.default_rng(0).normal(size=(4, 3))
LEFT = np.random.default_rng(1).normal(size=(2, 3))
ROW = np.random.default_rng(2).normal(size=(3, 4))


def windows(x):
    """Return a convolution: (6, 3)."""
    return sliding_window_view(x, (2, 2)).reshape(6, 4) @ W


GRAPHS = {
    "add": lambda x, y: x + y,
    "add constant": lambda x, y: x + ROW,
    "subtract": lambda x, y: x - y,
    "subtract constant": lambda x, y: ROW - x,
    "signs apart": lambda x, y: expit(x) * np.square(y) - np.exp(x),
    "signs apart, added": lambda x, y: -expit(x) + np.square(y),
    "negative": lambda x, y: -x,
    "multiply": lambda x, y: x * y,
    "multiply constant": lambda x, y: x * ROW,
    "scale": lambda x, y: -2.5 * x,
    "square": lambda x, y: np.square(x),
    "sum": lambda x, y: np.sum(x),
    "row sums": lambda x, y: np.sum(x, axis=1),
    "sum of squares": lambda x, y: np.sum(np.square(x)),
    "length": lambda x, y: np.sqrt(np.sum(np.square(x))),
    "dot": lambda x, y: np.sum(x * y),
    "matmul": lambda x, y: x @ W,
    "matmul left": lambda x, y: LEFT @ x,
    "matmul both": lambda x, y: x @ y.T,
    "reshape": lambda x, y: np.reshape(x, (2, 6)),
    "transpose": lambda x, y: x.T,
    "broadcast": lambda x, y: x + np.sum(y, axis=0),
    "concatenate": lambda x, y: np.concatenate([x, y, ROW], axis=0),
    "gather": lambda x, y: x[:, ::2],
    "windows": lambda x, y: windows(x),
    "windows of what varies": lambda x, y: windows(np.tanh(x)) + y[:1, :3],
    "windows, back": lambda x, y: dt.grad(np.sum(np.tanh(windows(x))), x),
    "means of windows": lambda x, y: 3.0 - windows(x).reshape(3, 2, 3).mean(axis=1) / 7,
    "scaled windows": lambda x, y: (
        windows(x * 1e150) * (1e-150 * W[:1].T.repeat(6, 1).T)
    ),
    "softmax": lambda x, y: dt.softmax(x),
    "softmaxes": lambda x, y: dt.softmax(x) - dt.softmax(y),
    "places of the largest": lambda x, y: dt.grad(np.sum(np.max(x, axis=1)), x),
    "largest and least": lambda x, y: dt.grad(np.sum(np.ptp(x, axis=1)), x),
    "in order": lambda x, y: dt.grad(np.sum(np.sort(x) * ROW), x),
    "median": lambda x, y: dt.grad(np.sum(np.median(x, axis=1) ** 2), x),
    "tanh": lambda x, y: np.tanh(x),
    "tanh, matmul": lambda x, y: np.tanh(x) @ W,
    "tanh, squared": lambda x, y: np.sum(np.square(np.tanh(x))),
    "expit": lambda x, y: expit(x),
    "expit, squared": lambda x, y: np.sum(np.square(expit(x))),
    "relu": lambda x, y: dt.relu(x),
    "relu, matmul": lambda x, y: dt.relu(x) @ W,
    "abs": lambda x, y: np.abs(x),
    "sin": lambda x, y: np.sin(x),
    "cos": lambda x, y: np.cos(x),
    "arctan": lambda x, y: np.arctan(x),
    "slopes": lambda x, y: dt.grad(np.sum(np.tanh(x) + expit(x)), x),
    "steps": lambda x, y: dt.grad(np.sum(dt.relu(x)), x),
    "exp": lambda x, y: np.exp(x),
    "row times matrix": lambda x, y: np.sum(
        np.square(np.tanh(x[:1]) * (y[:1] @ np.vstack([W.T, W[0, :1].repeat(4)])))
    ),
    "network": lambda x, y: np.sum(np.square(np.tanh(expit(x[:1] @ W + 0.3) @ W.T))),
}


def cases(rng, batch):
    """Return what is known of an array, and arrays that satisfy it."""
    centre = rng.normal(size=(batch, 1, 3, 4)) * rng.choice([0.1, 1.0, 6.0])
    radius = rng.uniform(0.1, 3.0, (batch, 1))
    half = rng.uniform(0.1, 2.0, centre.shape)
    shift = rng.uniform(-0.3, 0.3, centre.shape)
    low, high = centre + shift - half, centre + shift + half
    value, _ = combine(np.stack([low, high]), (centre, radius))
    points = rng.normal(size=(300, *centre.shape)) ** 3
    points *= (radius / np.linalg.norm(points, axis=(-2, -1)))[..., None, None]
    points = points * rng.choice([0.3, 1.0, 1.0], size=(300, 1, 1, 1, 1)) * (1 - 1e-12)
    points = np.clip(centre + points, low, high)
    near = np.linalg.norm(points - centre, axis=(-2, -1)) <= radius
    keep = near.all(axis=(1, 2))
    assert keep.sum() > 30
    return value, points[keep]


def of(v, x, y, x_points, y_points):
    """Return the node's values in extended precision where that is possible."""
    n = min(len(x_points), len(y_points))
    fn = dt.compile([x, y], [v])
    return fn(x_points[:n], y_points[:n])[0]


@pytest.mark.drawn
@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_what_is_known_of_the_result_holds(name):
    for seed, sharp in product(range(draws(1, 2)), (False, True)):
        check(name, np.random.default_rng(seed), sharp)


def check(name, rng, sharp):
    x, y = dt.symbol("x", shape=(3, 4)), dt.symbol("y", shape=(3, 4))
    v = GRAPHS[name](x, y)
    known_x, some_x = cases(rng, 5)
    known_y, some_y = cases(rng, 5)
    layout = NormLayout(Graph([v]))
    layout.simplex = None
    sweep = NormPropagation(layout, {"x": known_x, "y": known_y}, careful=True)
    with np.errstate(all="ignore"):
        upper = sweep.run(sharp=sharp)
    for node in topological([v]):
        if node.op is None or node in layout.constants:
            continue
        value = sweep.values[node]
        array = of(node, x, y, some_x, some_y)
        slack = 1e-13 * (1 + np.abs(array).max())  # the values are in floating point
        assert np.all(array >= value.ends[0] - slack)
        assert np.all(array <= value.ends[1] + slack)
        axes = tuple(range(3, array.ndim))
        away = np.sqrt(np.sum(np.square(array - value.centre), axis=axes))
        assert np.all(away <= value.radius + slack)
        assert np.all(
            np.sqrt(np.sum(np.square(array), axis=axes)) <= value.length + slack
        )
        assert np.all(np.sum(np.abs(array), axis=axes) <= value.total + slack)
    assert np.all(np.isfinite(upper))


@pytest.mark.parametrize("name", ["add", "matmul", "tanh", "relu", "multiply constant"])
def test_balls_are_carried_through(name):
    # a small ball in a large box: intervals alone would know much less
    rng = np.random.default_rng(4)
    x, y = dt.symbol("x", shape=(3, 4)), dt.symbol("y", shape=(3, 4))
    v = GRAPHS[name](x, y)
    centre, radius = rng.normal(size=(1, 1, 3, 4)), np.full((1, 1), 0.1)
    box = np.stack([centre - 0.1, centre + 0.1])
    value = combine(box, (centre, radius))[0]
    assert value.radius < 0.5 * np.linalg.norm(value.half[1])
    sweep = NormPropagation(
        NormLayout(Graph([v])), {"x": value, "y": value}, careful=False
    )
    sweep.run()
    result = sweep.values[v]
    assert result.radius < np.linalg.norm(result.half[1])


def test_cubes_are_tighter_than_spectral_norms():
    rng = np.random.default_rng(6)
    m = rng.normal(size=(30, 40))
    x = dt.symbol("x", shape=(1, 30))
    v = np.sum(np.square(x @ m))
    ends = np.stack([np.zeros((1, 1, 1, 30)), np.ones((1, 1, 1, 30))])
    sweep = NormPropagation(
        NormLayout(Graph([v])), {"x": combine(ends)[0]}, careful=True
    )
    plain, sharp = sweep.run()[0, 0], sweep.run(sharp=True)[0, 0]
    s = rng.integers(0, 2, size=(4000, 30)).astype(float)
    best = np.square(s @ m).sum(axis=1).max()
    assert best <= sharp < 0.7 * plain


@pytest.mark.parametrize("seed", range(10))
def test_directions_hold_and_are_reached(seed):
    rng = np.random.default_rng(seed)
    value, points = cases(rng, 4)
    a = rng.normal(size=(4, 1, 12))
    most = support_of_ball_and_box(value, a)
    found = np.sum(points.reshape(len(points), 4, 1, 12) * a, axis=-1)
    assert np.all(found <= most)
    x = dt.symbol("x", shape=(3, 4))
    flat = np.reshape(x, (1, 12))
    bias = rng.normal(size=5)
    m = rng.normal(size=(12, 5))
    z = flat @ m + bias
    sweep = NormPropagation(
        NormLayout(Graph([np.sum(np.tanh(z))])), {"x": value}, careful=False
    )
    sweep.run()
    direction = rng.normal(size=(4, 1, 1, 5))
    reach, _ = support_function(sweep, z, direction)
    z_at = points.reshape(len(points), 4, 1, 1, 12) @ m + bias
    assert np.all(np.sum(z_at * direction, axis=(-2, -1)) <= reach + 1e-12)
    # far less than element by element
    assert np.all(
        reach <= 1.01 * np.sum(sweep.values[z].size * np.abs(direction), (-2, -1))
    )


@pytest.mark.parametrize("activation", [np.tanh, expit])
@pytest.mark.parametrize("seed", range(4))
def test_directions_reach_down_through_layers(seed, activation):
    rng = np.random.default_rng(seed)
    layers = [rng.normal(size=(20, 20)) / np.sqrt(20) for _ in range(3)]
    x = dt.symbol("x", shape=(1, 20))
    h, at = x, rng.uniform(-1, 1, (3000, 1, 20))
    at[:1500] = np.sign(at[:1500])
    for m in layers[:-1]:
        h, at = activation(h @ m + 0.1), activation(at @ m + 0.1)
    z, at = h @ layers[-1], at @ layers[-1]
    box = np.stack([-np.ones((1, 1, 1, 20)), np.ones((1, 1, 1, 20))])
    sweep = NormPropagation(
        NormLayout(Graph([np.sum(np.square(np.tanh(z)))])),
        {"x": combine(box)[0]},
        careful=True,
    )
    sweep.run()
    direction = rng.normal(size=(1, 1, 1, 20))
    shallow, none = support_function(sweep, z, direction, 0)
    deep, reasons = support_function(sweep, z, direction, 3)
    reached = np.sum(at * direction[0], axis=(-2, -1)).max()
    assert reached <= deep[0, 0] < 0.95 * shallow[0, 0]
    assert not none[0, 0]
    assert len(reasons[0, 0]) >= 1


def test_directions_of_other_nodes_are_not_claimed():
    x = dt.symbol("x", shape=(3, 4))
    sweep = NormPropagation(
        NormLayout(Graph([np.sum(np.tanh(x))])), {"x": None}, careful=False
    )
    assert support_function(sweep, x, np.ones((1, 1, 3, 4))) is None
    assert support_function(sweep, np.tanh(x), np.ones((1, 1, 3, 4))) is None
