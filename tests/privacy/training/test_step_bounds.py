"""Bounds of a step against exact arithmetic: no record slips by."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy.training.parameter_noise import spread_over
from deuterium.privacy.training.step_ranges import spectral
from tests.amounts import draws, seeds, some
from tests.privacy.training.cases import HEADS, Case, ClipFreeSGD, exactly
from tests.privacy.training.problems import problem

pytest.importorskip("flint")


@pytest.mark.parametrize("seed", seeds(2, 40))
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


@pytest.mark.parametrize("seed", seeds(4, 20))
def test_a_bound_that_is_kept_holds_for_weights_near_by(seed):
    case = Case(seed)
    trainer = case.trainer()
    clusters = getattr(trainer._bound, "clusters", None)
    if clusters is None or not trainer._bound(trainer.parameters) < math.inf:
        return
    norms = case.norms(trainer)
    for turn in range(16):
        for n, w in trainer.parameters.items():
            trainer.parameters[n] = w + case.rng.normal(size=w.shape) * 1e-4
        known = clusters._known.get("")
        near = None if known is None else known.near
        upper = trainer._bound(trainer.parameters)
        if near is None or turn < 4 or known.near is not near:
            continue
        point = {**case.worst(trainer, norms), **trainer.parameters}
        parts = [exactly(v, point) for v in norms]
        assert sum(p * p for p in parts).sqrt().lower() <= upper
        # by the numbers at these weights, and the same multipliers
        numbers = clusters.program.tape.run(trainer.parameters)
        at = clusters.pass_(numbers)
        logs = clusters.lagrangian(at, known.solver.m)
        assert clusters._of_rows(logs, numbers, at) <= upper * (1 + 1e-9)
        farthest = {
            n: near_by + case.rng.choice([-1, 1], near_by.shape) / scale
            for n, near_by, scale in near._places
        }
        numbers = clusters.program.tape.run({**trainer.parameters, **farthest})
        at = clusters.pass_(numbers)
        logs = clusters.lagrangian(at, known.solver.m)
        most = near.least * math.exp(near.loss)
        assert clusters._of_rows(logs, numbers, at) <= most * (1 + 1e-9)


def test_most_steps_need_no_more_than_a_distance():
    trainer, _, _, _ = problem("binary tanh")
    rng, anew = np.random.default_rng(0), 0
    first = trainer.bound()
    for _ in range(100):
        for n, w in trainer.parameters.items():
            trainer.parameters[n] = w + rng.normal(size=w.shape) * 1e-6
        before = trainer._bound.clusters._known[""].near
        assert trainer.bound() <= first * 1.01
        anew += trainer._bound.clusters._known[""].near is not before
    assert anew <= 30


@pytest.mark.parametrize("seed", seeds(5, 40))
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


@pytest.mark.drawn
def test_searches_find_nothing_longer():
    """Where the bound is nearly reached, 64 climbs from many starts stay below it."""
    ratios = []
    for seed in (3, 11, 29)[: draws(1, 3)]:
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
@pytest.mark.parametrize("seed", some([0, 2, 1, 4, 5, 8], 2))
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
    a = np.array([[[1e-82, 0.0], [0.0, 1e-82]]])
    assert spectral(a) >= 1e-82


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
