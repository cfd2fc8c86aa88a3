"""Bounds of a step against exact arithmetic: no record slips by."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy.training.bound_parts import RecordSet, active, spectral
from deuterium.privacy.training.parameter_noise import spread_over
from tests.amounts import seeds
from tests.privacy.training.cases import ACTIVATIONS, HEADS, Case, ClipFreeSGD, exactly

pytest.importorskip("flint")


@pytest.mark.parametrize("seed", seeds(40, 70))
def test_no_record_exceeds_its_bound(seed):
    case = Case(seed)
    trainer = case.trainer()
    norms = case.norms(trainer)
    for turn in range(2):
        if turn:  # tangents that were made for other weights
            for n, w in trainer.parameters.items():
                trainer.parameters[n] = w * 0.7 + case.rng.normal(size=w.shape) * 0.1
        spread = spread_over(trainer._bound, trainer.parameters)
        if not spread.bound < math.inf:
            continue
        point = {**case.worst(trainer, norms), **trainer.parameters}
        parts = [exactly(v, point) for v in norms]
        assert sum(p * p for p in parts).sqrt().lower() <= trainer.bound()
        assert sum(p * p for p in parts).sqrt().lower() <= spread.bound
        for n, p in zip(trainer.parameters, parts, strict=True):
            assert p <= spread.bounds[n]
        lengths = spread.lengths.values()
        shares = [(p / s) ** 2 for p, s in zip(parts, lengths, strict=True)]
        assert sum(shares).lower() <= 1


@pytest.mark.parametrize("seed", seeds(40, 70))
def test_the_graph_is_a_bound_for_all_weights(seed):
    case = Case(seed)
    trainer = case.trainer()
    try:
        graph = trainer.bound_graph()
    except UnsupportedError:
        return
    norms = case.norms(trainer)
    names = {s.name for s in dt.graph.traverse.free_symbols([graph])}
    assert names <= set(trainer.parameters)
    for turn in range(2):
        if turn:
            for n, w in trainer.parameters.items():
                trainer.parameters[n] = w * 0.7 + case.rng.normal(size=w.shape) * 0.1
        now = trainer.parameters
        point = {**case.worst(trainer, norms), **now}
        parts = [exactly(v, point) for v in norms]
        box = dt.Box({n: (w, w) for n, w in now.items() if n in names})
        upper = dt.enclose(graph, box).upper if names else graph.evaluate({})
        assert sum(p * p for p in parts).sqrt().lower() <= float(upper)


def test_searches_find_nothing_longer():
    """Where the bound is nearly reached, 64 climbs from many starts stay below it."""
    ratios = []
    for seed in (3, 11, 29):
        rng = np.random.default_rng(seed)
        x, y = dt.symbol("x", shape=(3,)), dt.symbol("y")
        weights = {
            "w1": rng.normal(size=(3, 2)),
            "b1": rng.normal(size=2),
            "w2": rng.normal(size=(2, 1)),
        }

        def loss(x, y, w1, b1, w2):
            return HEADS["cross-entropy"]((np.tanh(x @ w1 + b1) @ w2)[:, 0], y)

        domain = dt.Box({x: (-0.01, 0.01)}) & dt.Choice(y, [0, 1])
        trainer = ClipFreeSGD(
            loss,
            weights,
            domain,
            noise_multiplier=1.0,
            learning_rate=1.0,
            count=1,
            insecure_rng=0,
        )
        one, named = trainer._one, {n: dt.constant(w) for n, w in weights.items()}
        g = dt.norm(dt.grad(loss(**one, **named).reshape(()), list(named.values())))
        box = Domain(domain.constraints, {})  # of one row
        found = dt.search(g, box, starts=64, seed=seed)
        point = {n: np.asarray(v) for n, v in found.witness.items()}
        assert exactly(g, point) <= trainer.bound()
        ratios.append(found.value / trainer.bound())
    assert max(ratios) > 0.97  # near enough for an error to show


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 8])
def test_weights_that_are_no_weights_have_no_bound(seed, bad):
    trainer = Case(seed).trainer()
    good = dict(trainer.parameters)
    expected = trainer._found()
    for name in good:
        trainer.parameters = {**good, name: np.full_like(good[name], bad)}
        with pytest.raises(InvalidInputError, match="no finite bound"):
            trainer.bound()
        with pytest.raises(InvalidInputError, match="no finite bound"):
            trainer.bounds()
    trainer.parameters = good
    assert trainer._found() == pytest.approx(expected, rel=0.2)  # nothing is spoilt


def test_underflow_makes_nothing_smaller():
    """The squares of such numbers are zero; their lengths are not."""
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        lambda x, y, w: HEADS["hinge"]((x @ w)[:, 0], y),
        {"w": np.ones((2, 1))},
        dt.Box({x: (-1e-160, 1e-160)}) & dt.Choice(y, [1]),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=1,
    )
    assert trainer.bound() >= math.sqrt(2) * 1e-160
    a = np.array([[1e-82, 0.0], [0.0, 1e-82]])
    assert spectral(a) >= 1e-82


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_of_layers(name):
    flint = pytest.importorskip("flint")
    rng = np.random.default_rng(0)
    for size in (1e-9, 1.0, 30.0):
        low = rng.normal(size=50) * size
        high = low + rng.random(50) * size
        ends = active(name, np.array([low, high]))
        for z, values, sign in ((low, ends[0], 1), (high, ends[1], -1)):
            for a, b in zip(z.tolist(), values.tolist(), strict=True):
                with flint.ctx.workprec(300):
                    t = flint.arb(a)
                    exact = {
                        "tanh": t.tanh(),
                        "expit": 1 / (1 + (-t).exp()),
                        "relu": flint.arb(max(a, 0.0)),
                    }[name]
                    assert not sign * (exact - b) < 0


def test_a_ball_is_not_its_box():
    """In 64 dimensions the corners of the box are eight times as far."""
    rng = np.random.default_rng(2)
    x, y = dt.symbol("x", shape=(64,)), dt.symbol("y", shape=(3,))
    weights = {
        "w1": rng.normal(size=(64, 8)) / 8,
        "b1": rng.normal(size=8) / 8,
        "w2": rng.normal(size=(8, 3)),
        "b2": np.zeros(3),
    }

    def loss(x, y, w1, b1, w2, b2):
        return -(y * dt.log_softmax(np.tanh(x @ w1 + b1) @ w2 + b2)).sum(1)

    bounds = []
    for records in (dt.Box({x: (-1, 1)}), dt.Ball(x, np.zeros(64), 1.0)):
        trainer = ClipFreeSGD(
            loss,
            weights,
            records & dt.OneHot(y),
            noise_multiplier=1.0,
            learning_rate=1.0,
            count=1,
        )
        bounds.append(trainer.bound())
    assert bounds[1] < 0.5 * bounds[0]


def test_products_are_widened_by_more_than_rounding():
    """Sums that cancel: (1e8 - 1e8 + 1) and the like, in all orders."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        center = rng.normal(size=40) * 10.0 ** rng.integers(0, 9)
        inputs = RecordSet(center - 1e-3, center + 1e-3)
        w = rng.normal(size=(40, 1))
        w[-1] = -(center[:-1] @ w[:-1]) / center[-1]
        low, high = inputs.through(w, None)
        for side in (-1e-3, 1e-3):
            x = center + side * np.sign(w[:, 0])
            x = np.clip(x, center - 1e-3, center + 1e-3)
            pairs = zip(x.tolist(), w[:, 0].tolist(), strict=True)
            exact = sum(Fraction(a) * Fraction(b) for a, b in pairs)
            assert low[0] <= exact <= high[0]


def trainer_of(name, w1, b1, w2, size, head="cross-entropy"):
    """Return what bounds a network of one output on records around zero."""
    x, y = dt.symbol("x", shape=(len(w1),)), dt.symbol("y")
    act = ACTIVATIONS[name]
    return ClipFreeSGD(
        lambda x, y, w1, b1, w2: HEADS[head]((act(x @ w1 + b1) @ w2)[:, 0], y),
        {"w1": w1, "b1": b1, "w2": w2},
        dt.Box({x: (-size, size)}) & dt.Choice(y, [0, 1]),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=1,
    )


@pytest.mark.parametrize("name", ["tanh", "expit"])
def test_hidden_values_of_records_around_zero(name):
    """Both ends, of sums that cancel, too: large biases, large reaches."""
    flint = pytest.importorskip("flint")
    rng = np.random.default_rng(6)
    for _ in range(40):
        n, size = int(rng.integers(2, 30)), float(rng.choice([1e-3, 0.7, 1e4]))
        w1 = rng.normal(size=(n, 5)) * 10.0 ** rng.uniform(-3, 3)
        reach = size * np.abs(w1).sum(axis=0)
        b1 = rng.choice([-1.0, 1.0], 5) * reach + rng.normal(size=5)
        trainer = trainer_of(name, w1, b1, rng.normal(size=(5, 1)), size)
        trainer.bound()
        assert trainer._bound.around is not None
        ends = active(name, trainer._bound._reach(w1, b1))
        for k in range(5):
            with flint.ctx.workprec(400):
                far = sum(flint.arb(abs(v)) for v in w1[:, k].tolist()) * flint.arb(
                    size
                )
                for sign, end in zip((-1, 1), ends[:, k].tolist(), strict=True):
                    t = flint.arb(b1[k].item()) + sign * far
                    exact = t.tanh() if name == "tanh" else 1 / (1 + (-t).exp())
                    assert not sign * (flint.arb(end) - exact) < 0
                    off = abs(float((flint.arb(end) - exact).mid()))
                    assert off < 1e-9 * (1 + reach[k])


@pytest.mark.parametrize("head", ["cross-entropy", "hinge"])
def test_slopes_less_a_line_at_every_cell(head):
    """Whatever the range: in one cell, at edges, on either side of the fine ones."""
    y, t = dt.symbol("y"), dt.symbol("t")
    rng = np.random.default_rng(7)
    trainer = trainer_of(
        "tanh", np.ones((2, 3)), np.zeros(3), np.ones((3, 1)), 1.0, head
    )
    table = trainer._bound.table
    edges = table.edges
    slope = dt.compile([t, y], dt.grad(HEADS[head](t, y), t))
    tight = 0
    for _ in range(1000):
        rates = rng.normal(size=2)
        tilted = table.tilted(rates)
        first = int(rng.integers(10, len(edges) - 10))
        if head == "hinge":  # where there is a jump
            first = int(np.searchsorted(edges, rng.choice([-1, 1]))) - rng.integers(4)
        at = edges[[first, rng.choice([first + 1, first + 2, first + 3, 600])]]
        at += rng.choice([0.0, 1e-17, -1e-17, 1e-9, -0.01, 0.3], 2)
        at = np.nextafter(at, rng.choice([-100, 100, at[0]], 2))
        low, high = np.sort(at).tolist()
        for _ in range(2):  # what was found is kept
            above = table.above(tilted, low, high)
        points = np.linspace(low, high, 200)
        for k in range(2):
            d = np.asarray(slope(points, np.full(200, float(k)))).reshape(-1)
            logs = 2 * np.log(np.maximum(np.abs(d), 1e-150))
            most = (logs - rates[k] * points).max()
            assert most <= above[k] + 1e-9
            # cell by cell, as far as they lie in the range
            cells = (edges[:-1] < high) & (edges[1:] > low)
            ends = np.clip([edges[:-1][cells], edges[1:][cells]], low, high)
            each = table.logs[k][cells] + (-rates[k] * ends).max(axis=0)
            assert each.max(initial=-math.inf) <= above[k] + 1e-12
            tight += above[k] <= most + 0.2
        outside = table.above(tilted, low, 2e6), table.above(tilted, math.nan, high)
        assert outside == ([math.inf] * 2,) * 2
    assert tight > 1000


@pytest.mark.parametrize("name", ["tanh", "expit"])
def test_between_nodes(name):
    """What a hidden unit adds is curved: between two nodes it is above both."""
    rng, higher = np.random.default_rng(4), 0
    for _ in range(30):
        x, y = dt.symbol("x", shape=(3,)), dt.symbol("y")
        weights = {"w1": rng.normal(size=(3, 2)), "w2": rng.normal(size=(2, 1))}
        act = ACTIVATIONS[name]
        size = float(rng.choice([0.3, 3.0, 30.0]))
        trainer = ClipFreeSGD(
            lambda x, y, w1, w2, act=act: HEADS["cross-entropy"](
                (act(x @ w1) @ w2)[:, 0], y
            ),
            weights,
            dt.Box({x: (-size, size)}) & dt.Choice(y, [0, 1]),
            noise_multiplier=1.0,
            learning_rate=1.0,
            count=1,
        )
        trainer.bound()
        scalar, weights = trainer._bound, trainer.parameters
        (known,) = scalar._tangents.values()
        at, w = scalar._at(weights, {}), weights["w2"][:, 0]
        low, high = active(name, scalar.x.through(weights["w1"], None))
        h = np.linspace(low, high, 20001).T
        slope = 1 - h * h if name == "tanh" else h * (1 - h)
        each = h**2 + 3 * size**2 * (w[:, None] * slope) ** 2
        terms = each / known.q[:, None, None] + known.rates[:, None, None] * (
            w[:, None] * h
        )
        dense = terms.max(axis=2).sum(axis=1)
        nodes = at.terms(known).max(axis=2).sum(axis=1)
        assert (dense <= (nodes + at.sag / known.q) * (1 + 1e-8) + 1e-9).all()
        higher += (dense > nodes * (1 + 1e-6)).any()
    assert higher > 3  # the nodes alone would be too low
