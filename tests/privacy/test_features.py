"""Two notions of a feature's part, and what one feature alone can certainly do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import feature_work, one_feature
from deuterium.privacy.one_feature import OneFeature, _Run
from deuterium.privacy.one_feature_search import FarPairs
from deuterium.privacy.one_feature_tables import Tables
from deuterium.privacy.one_layer import one_layer

ACTIVATIONS = {"tanh": np.tanh, "expit": expit, "relu": dt.relu}
MORE = {
    "leaky": lambda v: np.maximum(v, 0.1 * v),
    "silu": lambda v: v * expit(v),
    "softplus": lambda v: np.logaddexp(0, v),
    "square": np.square,
    "elu": lambda v: np.maximum(v, 0) + np.minimum(np.exp(v) - 1, 0),
    "scaled": lambda v: 5 * expit(5 * v) - 5,
}


def query():
    a, b = dt.symbol("a"), dt.symbol("b")
    f = (a**2 + np.exp(2 * b - a)) / 5
    return a, b, f, dt.Box({a: (1, 2), b: (0.5, 3)})


def network(seed=0, activation="tanh", features=4, hidden=3, scale=1.0, bias=True):
    rng = np.random.default_rng(seed)
    x, y = dt.symbol("x", shape=(1, features)), dt.symbol("y")
    weights = [
        rng.normal(size=(features, hidden)) * scale,
        rng.normal(size=hidden) * scale,
        rng.normal(size=(hidden, 1)) * scale,
        rng.normal(size=1) * scale,
    ]
    p = [dt.constant(w) for w in (weights if bias else weights[::2])]
    if bias:
        t = ((ACTIVATIONS | MORE)[activation](x @ p[0] + p[1]) @ p[2] + p[3])[0, 0]
    else:
        t = ((ACTIVATIONS | MORE)[activation](x @ p[0]) @ p[1])[0, 0]
    loss = -(y * log_expit(t) + (1 - y) * log_expit(-t))
    return x, y, dt.grad(loss, p), dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])


# -- shares and derivatives ------------------------------------------------------------


@pytest.mark.parametrize("as_norm", [False, True])
def test_two_notions_with_two_names(as_norm):
    """A published notebook computed g_i / ||g|| and called it the derivative."""
    a, b, f, _ = query()
    g = dt.grad(f, [a, b])
    p = privacy.partial(dt.norm(g) if as_norm else g, [a, b])
    at = {a: 1, b: 3}
    share, derivative = p.share.evaluate(at), p.derivative.evaluate(at)
    assert np.sqrt(share) == pytest.approx([0.442, 0.897], abs=1e-3)
    assert share.sum() == pytest.approx(1)
    # by hand: g = (2a - e, 2e) / 5, e = exp(2b - a), here exp(5)
    e = math.exp(5)
    size = math.hypot(2 - e, 2 * e)
    by_a = ((2 - e) * (2 + e) - 4 * e * e) / size / 5
    by_b = (-2 * e * (2 - e) + 8 * e * e) / size / 5
    assert derivative == pytest.approx([by_a, by_b])
    assert derivative == pytest.approx([-66.5, 132.7], abs=0.1)


def test_the_derivative_is_that_of_the_norm(rng):
    x, y, g, _ = network(1)
    p = privacy.partial(g, x)
    records, labels = rng.uniform(-1, 1, (50, 1, 4)), rng.integers(0, 2, 50) * 1.0
    data = {x: records, y: labels}
    values, norm = p.over(data), dt.compile([x, y], [dt.norm(g)])
    assert values.derivative.shape == (50, 1, 4)
    for j in range(4):
        step = np.zeros((1, 4))
        step[0, j] = 1e-6
        up, down = norm(records + step, labels)[0], norm(records - step, labels)[0]
        np.testing.assert_allclose(
            values.derivative[:, 0, j], (up - down) / 2e-6, rtol=1e-5, atol=1e-7
        )
    # shares of a gradient by parameters are shares of its elements
    assert values.share.shape == (50, sum(v.size for v in g))
    np.testing.assert_allclose(values.share.sum(axis=1), 1)


def test_only_what_is_wanted_is_worked_out(rng):
    x, y, g, _ = network(1)
    p = privacy.partial(g, x)
    data = {x: rng.uniform(-1, 1, (20, 1, 4)), y: rng.integers(0, 2, 20) * 1.0}
    both = p.over(data)
    alone = p.over(data, share=False)
    assert alone.share is None
    np.testing.assert_allclose(alone.derivative, both.derivative, rtol=1e-12)
    alone = p.over(data, derivative=False)
    assert alone.derivative is None
    np.testing.assert_allclose(alone.share, both.share, rtol=1e-12)
    with pytest.raises(InvalidInputError, match="neither"):
        p.over(data, share=False, derivative=False)


def test_shares_of_a_gradient_by_features_have_their_shape(rng):
    x, y, _, domain = network(2)
    loss = (np.tanh(x).sum() - y) ** 2
    p = privacy.partial(dt.grad(loss, x), x)
    records, labels = rng.uniform(-1, 1, (50, 1, 4)), rng.integers(0, 2, 50) * 1.0
    share = p.over({"x": records, "y": labels}).share
    assert share.shape == (50, 1, 4)
    np.testing.assert_allclose(share.sum(axis=(1, 2)), 1)
    gradient = dt.grad(loss, x).evaluate({x: records, y: labels})
    squares = gradient**2
    np.testing.assert_allclose(
        share, squares / squares.sum(axis=(1, 2), keepdims=True), rtol=1e-12
    )
    ranges = p.share_range(domain)
    assert (ranges.lower <= share).all()
    assert (share <= ranges.upper).all()
    assert "x" in repr(p)


@pytest.mark.parametrize("seed", range(3))
def test_ranges_hold_every_derivative(seed, rng):
    x, y, g, domain = network(seed)
    p = privacy.partial(g, x)
    ranges = p.derivative_range(domain)
    records = rng.uniform(-1, 1, (2000, 1, 4))
    records[::2] = np.sign(records[::2])
    found = p.over({x: records, y: rng.integers(0, 2, 2000) * 1.0}).derivative
    assert (ranges.lower - 1e-9 <= found).all()
    assert (found <= ranges.upper + 1e-9).all()


def test_ranges_hold_for_scalar_gradients():
    a, b, f, box = query()
    p = privacy.partial(dt.grad(f, [a, b]), [a, b])
    ranges = p.derivative_range(box)
    grid = np.meshgrid(np.linspace(1, 2, 30), np.linspace(0.5, 3, 30))
    found = p.derivative.evaluate({a: grid[0].ravel(), b: grid[1].ravel()})
    assert (ranges.lower <= found + 1e-9).all()
    assert (found - 1e-9 <= ranges.upper).all()
    assert found[:, 1].max() > 132  # and the bound is near it
    assert ranges.upper[1] < 140


def test_object_arrays_of_symbols_keep_their_shape():
    xs = dt.to_vec(np.array(dt.random_symbols(4, "x")).reshape(2, 2))
    f = (xs**2).sum()
    p = privacy.partial(list(dt.grad(f, list(xs.flat))), xs)
    assert p.share.shape == p.derivative.shape == (2, 2)


def test_partial_refuses():
    a, b, f, _ = query()
    with pytest.raises(InvalidInputError, match="symbols"):
        privacy.partial(f, a + b)
    with pytest.raises(InvalidInputError, match="Variable"):
        privacy.partial([1.0], a)
    with pytest.raises(InvalidInputError, match="lacks b"):
        privacy.partial(dt.grad(f, [a, b]), [a, b]).over({a: np.ones(3)})


# -- one feature alone -----------------------------------------------------------------


def pairs(x, where, count, rng, features=4):
    """Records, and the same with some features drawn anew; half of them at corners."""
    first = rng.uniform(-1, 1, (count, 1, features))
    first[::2] = np.sign(first[::2])
    second = first.copy()
    second[:, 0, where] = rng.uniform(-1, 1, (count, len(where)))
    second[::2, 0, where] = -first[::2, 0, where]
    return first, second


def largest_move(x, y, g, where, rng, count=4000, features=4):
    """Return the largest distance over many pairs."""
    first, second = pairs(x, where, count, rng, features)
    labels = rng.integers(0, 2, count) * 1.0
    fn = dt.compile([x, y], g)
    total = 0.0
    for u, v in zip(fn(first, labels), fn(second, labels), strict=True):
        apart = np.broadcast_to(u - v, np.broadcast_shapes(u.shape, v.shape))
        total = total + (apart.reshape(count, -1) ** 2).sum(axis=1)
    return math.sqrt(total.max())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("bias", [True, False])
def test_no_pair_moves_farther(activation, seed, bias, rng):
    x, y, g, domain = network(seed, activation, bias=bias)
    found = privacy.feature_sensitivity(g, x, domain, time_limit=2)
    assert len(found) == 4
    assert found.names[2] == "x[0, 2]"
    for j, s in enumerate(found):
        moved = largest_move(x, y, g, [j], rng)
        assert moved <= s.upper * (1 + 1e-12)
        assert moved <= s.lower * 1.2 + 1e-9  # the search is not much worse than chance
        assert s.lower <= s.upper
        assert s.quantity == "diameter"
        assert any("x" in line and "only" in line for line in s.assumptions)
    if activation != "relu":
        assert (found.upper <= found.lower * 3).all()


def test_the_relaxation_of_one_layer_is_used_and_sharp():
    x, _, g, domain = network(3, scale=0.7, features=12, hidden=6)
    s = privacy.feature_sensitivity(
        g, x, domain, groups={"first": [0]}, rtol=0.1, time_limit=60
    )
    assert any("one hidden layer" in line for line in s["first"].assumptions)
    assert s["first"].gap <= 0.1
    assert s["first"].status == "optimal"


def test_a_small_search_does_not_move_the_bound_below_what_is_reached(rng):
    """However wrong the value it is told to aim at."""
    x, y, g, domain = network(4)
    layer = one_layer(g, x)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    bounds = OneFeature(layer, x, domain, labels)
    for j in range(2):
        moved = largest_move(x, y, g, [j], rng)
        for aim in (0.0, moved / 3, moved):
            assert bounds.bound(j, aim, 0.01, 1.0) >= moved


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", [2, 3])
def test_ranges_cut_in_two_keep_what_is_reached(activation, seed, rng, monkeypatch):
    """With few cells of t and tau, only cutting ranges of z brings the bound down."""
    monkeypatch.setattr(one_feature, "INNER", (8, 8))
    monkeypatch.setattr(one_feature, "FINEST", 1 / 4)
    x, y, g, domain = network(seed, activation, scale=2.0, hidden=4)
    layer = one_layer(g, x)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    tighter = 0
    for j in range(2):
        moved = largest_move(x, y, g, [j], rng)
        found = []
        for splits in (0, 5):
            monkeypatch.setattr(one_feature, "SPLITS", splits)
            found.append(OneFeature(layer, x, domain, labels).bound(j, moved, 1e-4, 9))
        assert moved <= found[1] <= found[0]
        tighter += found[1] < found[0] * (1 - 1e-6)
    assert tighter or activation == "relu"


def outputs(layer, first, second):
    """Return t of two records."""
    return [
        layer.offset
        + layer.weight
        @ layer.value.evaluate({layer.atoms: layer.matrix @ r[0] + layer.shift})
        for r in (first, second)
    ]


def cell_around(layer, first, second, tau, width, share):
    """Return a cell of t, t' - t and tau that holds a pair of records, and where."""
    t, t2 = outputs(layer, first, second)
    low, high = width * np.asarray(share), width * (1 - np.asarray(share))
    sides = [t - low[0], t + high[0], t2 - t - low[1], t2 - t + high[1]]
    return np.array(sides)[None], (max(0.0, tau - low[2]), tau + high[2])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("hidden", [1, 3])
def test_every_cell_holds_the_pairs_in_it(activation, side, hidden, rng):
    """With one hidden unit, t settles z, and a thin cell has no slack to hide in."""
    x, y, g, domain = network(8, activation, scale=0.8, hidden=hidden, bias=hidden > 1)
    layer = one_layer(g, x)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    bounds, j = OneFeature(layer, x, domain, labels), 1
    run = _Run(bounds, j, 0.0, math.inf)
    slopes = dt.compile([x, y], g)
    tightest, split = math.inf, 0
    for _ in range(6 if activation == "relu" else 16):
        first = np.sign(rng.uniform(-1, 1, (1, 4)))
        second, tau = first.copy(), rng.uniform(0, 2)
        # the first value is at the low end, or the second at the high end
        first[0, j] = -1.0 if side == 0 else 1.0 - tau
        second[0, j] = first[0, j] + tau
        label = int(rng.integers(0, 2))
        both = slopes(first, label), slopes(second, label)
        apart = sum(float(((u - v) ** 2).sum()) for u, v in zip(*both, strict=True))
        for width in (1e-6, 0.3, 2.0):
            share = rng.choice([1e-9, 1 - 1e-9], 3)  # at an edge of the cell
            box, near = cell_around(layer, first, second, tau, width, share)
            cells = run._entered(near, side, [labels[label]])[0]
            start = rng.normal(size=(1, 4, 2)) * 3
            top, start = run._bounded(cells, box, start)
            assert top[0] >= apart * (1 - 1e-12)
            cells = replace(cells, box=box, tops=top, multipliers=start)
            halves = run._split(cells)
            assert not halves or max(h.upper for h in halves) >= apart * (1 - 1e-12)
            split += len(halves)
            if width < 1e-3 and apart > 1e-6:
                tightest = min(tightest, top[0] / apart)
    assert tightest < (1.02 if hidden == 1 else 3)
    assert split


def five(layer, g, x, j, z, c, tau, k):
    """Return alpha, gamma, beta, t's part and its move of unit k, straight off.

    All other features are 1 or -1, so that every square is 1.
    """
    totals = np.zeros(5)
    z2 = z + tau * layer.matrix[:, j]
    for e in layer.elements:
        phi = phi2 = np.ones(z.shape)
        if e.image is not None:
            phi, phi2 = (e.image.evaluate({layer.atoms: v}) for v in (z, z2))
        pick, place = np.ravel(e.pick), np.ravel(e.place)
        size = np.broadcast_to(e.coefficient, e.place.shape).ravel() ** 2
        for p, i, w in zip(pick, place, size, strict=True):
            if e.image is None:
                w, p = w / z.size, k  # dealt out
            if p != k:
                continue
            a, b = (c, c + tau) if i == j else (1.0, 1.0)
            one, two = a * phi[p], b * phi2[p]
            totals[:3] += w * one * one, w * two * two, w * one * two
    h, h2 = (layer.value.evaluate({layer.atoms: v})[k] for v in (z, z2))
    totals[3:] = layer.weight[k] * h, layer.weight[k] * (h2 - h)
    return totals


@pytest.mark.parametrize("activation", ["tanh", "expit", "softplus"])
@pytest.mark.parametrize("side", [0, 1])
def test_tables_hold_the_functions_between_their_nodes(activation, side, rng):
    """At any z and tau, by the formula; and are not far from them."""
    x, y, g, domain = network(9, activation, scale=0.8)
    layer, j = one_layer(g, x), 2
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    tables = Tables(OneFeature(layer, x, domain, labels), j, side)
    for tau in ((0.0, 0.5), (0.7, 0.72), (1.5, 2.0)):
        (table, _), nodes = tables.table(tau), tables.nodes
        count = len(nodes)
        for _ in range(60):
            k, u, v = int(rng.integers(0, 3)), *rng.uniform(0, 1, 2)
            p = int(rng.integers(0, count - 1))
            z = nodes[p] + u * (nodes[p + 1] - nodes[p])
            at = tau[0] + v * (tau[1] - tau[0])
            rows = table[:, k, [p, p + 1, count + p, count + p + 1]]
            if (rows[0] < -1e29).any():
                continue
            corners = np.array([1 - u, u, 1 - u, u]) * [1 - v, 1 - v, v, v]
            above = rows @ corners
            c = -1.0 if side == 0 else 1.0 - at
            exact = five(layer, g, x, j, z, c, at, k)
            room = 1e-13 * (1 + np.abs(exact))
            assert (above[:2] >= exact[:2] - room[:2]).all()
            assert (np.abs(above[2:5] - exact[2:]) <= above[5:] + room[2:]).all()
            assert (above[:2] - exact[:2] <= 0.3 * (1 + exact[:2])).all()


@pytest.mark.parametrize("activation", ["relu", "leaky", "tanh"])
@pytest.mark.parametrize("side", [0, 1])
def test_corners_hold_the_functions_on_pieces(activation, side, rng):
    """Of every piece by itself, wherever the kinks of both records lie."""
    x, y, g, domain = network(9, activation, scale=0.8)
    layer, j = one_layer(g, x), 2
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    tables = Tables(OneFeature(layer, x, domain, labels), j, side)
    assert len(tables.kinks) == (activation != "tanh")
    for tau in ((0.0, 0.5), (1.5, 2.0)):
        nodes = tables._nodes_at(tau)
        for _ in range(60):
            p, k = int(rng.integers(0, len(nodes) - 1)), int(rng.integers(0, 3))
            if activation != "tanh" and rng.random() < 0.7:  # around a kink
                p = int(np.searchsorted(nodes[:, k], 0.0)) + int(rng.integers(-4, 3))
            sharp = np.zeros((len(nodes) - 1, 3), dtype=bool)
            sharp[p] = True
            rows, _ = tables._corners(nodes, sharp, tau)
            u, v = rng.uniform(0, 1, 2)
            z, at = nodes[p] + u * (nodes[p + 1] - nodes[p]), tau[0] * (1 - v)
            at += v * tau[1]
            c = -1.0 if side == 0 else 1.0 - at
            exact = five(layer, g, x, j, z, c, at, k)
            for d, e, *slopes in rng.normal(size=(6, 4)):
                weights = np.array([d * d, e * e, -2 * d * e, *slopes])
                room = 1e-12 * (1 + np.abs(weights) @ np.abs(exact))
                assert (rows[:, :, k] @ weights).max() >= weights @ exact - room


@pytest.mark.parametrize("seed", range(3))
def test_one_hidden_unit_is_bounded_sharply(seed, rng):
    x, y, g, domain = network(seed, "tanh", features=2, hidden=1, scale=0.7)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    bounds = OneFeature(one_layer(g, x), x, domain, labels)
    for j in range(2):
        moved = largest_move(x, y, g, [j], rng, features=2)
        found = bounds.bound(j, moved, 0.01, 3.0)
        assert moved <= found <= 1.1 * moved


def test_groups_move_together(rng):
    x, y, g, domain = network(5)
    groups = {"all": np.ones((1, 4), dtype=bool), "pair": [0, 3]}
    found = privacy.feature_sensitivity(g, x, domain, groups=groups, time_limit=1)
    for name, where in (("all", [0, 1, 2, 3]), ("pair", [0, 3])):
        assert largest_move(x, y, g, where, rng) <= found[name].upper
    alone = privacy.feature_sensitivity(g, x, domain, groups=[[0]], time_limit=1)
    assert alone["0"].lower <= found["pair"].upper


def test_general_graphs_and_other_norms(rng):
    x = dt.symbol("x", shape=(3,))
    f = [np.sin(x).sum() * x, np.exp(x[0] * x[1])]
    domain = dt.Box({x: ([0, -1, 2], [1, 1, 2.5])})
    first = rng.uniform([0, -1, 2], [1, 1, 2.5], (3000, 3))
    for norm in (1, 2, math.inf):
        found = privacy.feature_sensitivity(f, x, domain, norm=norm, time_limit=2)
        for j in range(3):
            second = first.copy()
            second[:, j] = rng.uniform([0, -1, 2], [1, 1, 2.5], (3000, 3))[:, j]
            apart = np.concatenate(
                [
                    (v.evaluate({x: first}) - v.evaluate({x: second})).reshape(3000, -1)
                    for v in f
                ],
                axis=1,
            )
            sizes = np.linalg.norm(apart, ord=norm, axis=1)
            assert sizes.max() <= found.upper[j]
            assert found.upper[j] <= 4 * sizes.max()


def test_a_feature_that_does_nothing_moves_nothing():
    x = dt.symbol("x", shape=(2,))
    found = privacy.feature_sensitivity(x[0] * 3, x, dt.Box({x: (0, 2)}), time_limit=1)
    assert found.upper == pytest.approx([6, 0], abs=1e-6)
    assert found.epsilon_at(1e-5, scale=10)[1] == pytest.approx(0, abs=1e-6)


def test_epsilon_of_a_feature_is_at_most_that_of_the_record():
    x, _, g, domain = network(6)
    found = privacy.feature_sensitivity(g, x, domain, time_limit=8)
    each = found.epsilon_at(1e-5, scale=20.0)
    whole = privacy.gaussian(
        privacy.contribution(g, domain, time_limit=1),
        scale=20.0,
        relation="replace_one",
    )
    assert (each > 0).all()
    assert (each <= whole.epsilon_at(1e-5)).all()
    assert each.argmax() == found.upper.argmax()


def test_feature_sensitivity_refuses():
    x, _, g, domain = network(0)
    with pytest.raises(InvalidInputError, match="symbol"):
        privacy.feature_sensitivity(g, x + 1, domain)
    with pytest.raises(InvalidInputError, match="bounds"):
        privacy.feature_sensitivity(g, dt.symbol("z"), domain)
    with pytest.raises(InvalidInputError, match="places"):
        privacy.feature_sensitivity(g, x, domain, groups=[[7]])
    h = dt.symbol("h", shape=(9, 3))
    with pytest.raises(UnsupportedError, match="too many values to list"):
        privacy.feature_sensitivity(h * 2, h, dt.OneHot(h))
    with pytest.raises(UnsupportedError, match="one symbol"):
        privacy.feature_sensitivity(g, [x, h], domain & dt.OneHot(h), groups=[[0]])
    with pytest.raises(InvalidInputError, match="time_limit"):
        privacy.feature_sensitivity(g, x, domain, time_limit=-1)


@pytest.mark.parametrize("at", ["search", "bound", "maximize"])
def test_an_interrupt_leaves_what_is_proved_so_far(at, rng, monkeypatch):
    """Whatever it hits: every number still holds, and says that it was cut short."""
    x, y, g, domain = network(5)
    where = {
        "search": (FarPairs, "found"),
        "bound": (OneFeature, "bound"),
        "maximize": (feature_work, "maximize"),
    }
    owner, name = where[at]
    whole, calls = getattr(owner, name), []

    def stopped(*given, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*given, **more)

    monkeypatch.setattr(owner, name, stopped)
    norm = 1 if at == "maximize" else 2  # of other norms there is no relaxation
    found = privacy.feature_sensitivity(
        g, x, domain, norm=norm, rtol=1e-6, time_limit=6
    )
    assert len(calls) == 2
    assert {s.status for s in found} == {"interrupted"}
    for j, s in enumerate(found):
        assert largest_move(x, y, g, [j], rng) <= s.upper < math.inf
    assert "interrupted" in repr(found)


def test_a_short_time_is_kept_to_and_progress_is_shown(capsys):
    x, _, g, domain = network(5, features=6, hidden=4)
    found = privacy.feature_sensitivity(g, x, domain, time_limit=0.01, progress=True)
    assert np.isfinite(found.upper).all()
    assert {s.status for s in found} == {"time_limit"}
    assert "of 6 features done" in capsys.readouterr().err
    with pytest.raises(InvalidInputError, match="there is no 'x\\[0\\]'"):
        found["x[0]"]


def test_a_large_offset_hides_nothing():
    """t - b is rounded where b is large, and the cells must not come apart."""
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(1, 3)), dt.symbol("y")
    base = 1e9
    weights = (rng.normal(size=(3, 2)), rng.normal(size=(2, 1)), np.array([base]))
    p = [dt.constant(w) for w in weights]
    t = (np.tanh(x @ p[0]) @ p[1] + p[2])[0, 0]
    g = dt.grad((t - y) ** 2 / 2, p[:2])
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [base, base + 1])
    labels = [dt.Box({y: (v, v)}) for v in (base, base + 1)]
    bounds = OneFeature(one_layer(g, x), x, domain, labels)
    for j in range(3):
        first, second = pairs(x, [j], 3000, rng, 3)
        values = dt.compile([x, y], g)
        total = 0.0
        for u, v in zip(values(first, base), values(second, base), strict=True):
            total = total + ((u - v) ** 2).reshape(len(first), -1).sum(axis=1)
        assert bounds.bound(j, 0.0, 0.01, 1.0) >= math.sqrt(total.max())


# -- taking gradients apart ------------------------------------------------------------


@pytest.mark.parametrize("hidden", [1, 3])
@pytest.mark.parametrize("activation", [*ACTIVATIONS, *MORE])
def test_one_layer_gives_the_vector_back(activation, hidden, rng):
    x, y, g, _ = network(7, activation, hidden=hidden)
    found = one_layer(g, x)
    assert found is not None
    for _ in range(5):
        record, label = rng.uniform(-1, 1, (1, 4)), float(rng.integers(0, 2))
        z = found.matrix @ record[0] + found.shift
        value = found.value.evaluate({found.atoms: z})
        t = found.offset + found.weight @ value
        d = found.scalar.evaluate({found.output: t, y: label})
        for e, part in zip(found.elements, g, strict=True):
            image = 1.0
            if e.image is not None:
                image = e.image.evaluate({found.atoms: z})[e.pick]
            inputs = np.where(e.place < 0, 1.0, record[0][e.place])
            np.testing.assert_allclose(
                e.coefficient * d * image * inputs,
                part.evaluate({x: record, y: label}),
                rtol=1e-10,
                atol=1e-14,
            )


def test_other_forms_are_left_alone():
    x, _, g, _ = network(0)
    w = dt.constant(np.ones((4, 3)))
    assert one_layer([np.tanh(np.tanh(x @ w) @ w.T)], x) is None
    assert one_layer([x * 2], x) is None
    assert one_layer([*g, np.exp(x)], x) is None
    assert one_layer([g[0] * x.reshape(4, 1), *g[1:]], x) is None
