"""Two notions of a feature's part, and what one feature alone can certainly do."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy.sensitivity import feature_bounds
from deuterium.privacy.sensitivity.one_layer import FarPairs, OneFeature
from deuterium.privacy.sensitivity.one_layer.gradient_form import one_layer
from deuterium.privacy.sensitivity.vector_norms import BestBound
from tests.amounts import seeds, some
from tests.privacy.sensitivity.layers import ACTIVATIONS, MORE, largest_move, network

pytestmark = pytest.mark.usefixtures("coarse_clock")


def query():
    a, b = dt.symbol("a"), dt.symbol("b")
    f = (a**2 + np.exp(2 * b - a)) / 5
    return a, b, f, dt.Box({a: (1, 2), b: (0.5, 3)})


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


@pytest.mark.parametrize("seed", seeds(1, 3))
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


@pytest.mark.parametrize("activation", some(ACTIVATIONS, 1))
@pytest.mark.parametrize(("seed", "bias"), some(product(range(2), [False, True]), 1))
def test_no_pair_moves_farther(activation, seed, bias, rng):
    x, y, g, domain = network(seed, activation, bias=bias)
    found = privacy.feature_sensitivity(g, x, domain, time_limit=4)
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


@pytest.mark.long
def test_the_relaxation_of_one_layer_is_used_and_sharp():
    x, _, g, domain = network(3, scale=0.7, features=12, hidden=6)
    s = privacy.feature_sensitivity(
        g, x, domain, groups={"first": [0]}, rtol=0.1, time_limit=60
    )
    assert any("one hidden layer" in line for line in s["first"].assumptions)
    assert s["first"].gap <= 0.1
    assert s["first"].status == "optimal"


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


@pytest.mark.long
def test_epsilon_of_a_feature_is_at_most_that_of_the_record():
    x, _, g, domain = network(6)
    found = privacy.feature_sensitivity(g, x, domain, time_limit=8)
    each = found.epsilon_at(1e-5, scale=20.0)
    whole = privacy.gaussian(
        privacy.contribution(g, domain, max_regions=200, time_limit=None),
        scale=20.0,
        relation="replace_one",
    )
    assert (each > 0).all()
    assert (each <= whole.epsilon_at(1e-5)).all()
    assert each.argmax() == found.upper.argmax()


def test_what_is_settled_is_not_searched(monkeypatch):
    """A search takes all the time that it is given, whether or not it brings more."""
    monkeypatch.setattr(BestBound, "reach", None)
    x = dt.symbol("x", shape=(3,))
    w = np.random.default_rng(0).normal(size=(3, 4))
    wide = privacy.feature_sensitivity(x * x, x, dt.Box({x: (0, 2)}), time_limit=60)
    assert {s.status for s in wide} == {"optimal"}
    for f, side in ((2 * x, 1.0), (x * x, 0.01), (np.tanh(x @ w), 0.01)):
        domain = dt.Box({x: (1 - side, 1 + side)})
        found = privacy.feature_sensitivity(f, x, domain, time_limit=60)
        assert {s.status for s in found} == {"optimal"}
        assert (found.upper <= found.lower * 1.05).all()
        found.verify()


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


@pytest.mark.parametrize("at", some(["bound", "maximize", "search"], 2))
def test_an_interrupt_leaves_what_is_proved_so_far(at, rng, monkeypatch):
    """Whatever it hits: every number still holds, and says that it was cut short."""
    x, y, g, domain = network(5)
    where = {
        "search": (FarPairs, "found"),
        "bound": (OneFeature, "bound"),
        "maximize": (feature_bounds, "maximize"),
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
