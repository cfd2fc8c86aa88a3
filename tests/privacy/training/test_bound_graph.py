"""The bound as a graph of the weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError, UnsupportedError
from tests.amounts import some
from tests.privacy.training.problems import KINDS, problem, record_norms, worst_records

# -- the bound as a graph --------------------------------------------------------------


@pytest.mark.parametrize("kind", some(KINDS, 3))
def test_the_graph_of_the_bound(kind, rng):
    trainer, _, domain, loss = problem(kind)
    graph, now = trainer.bound_graph(), trainer.parameters
    assert graph.shape == ()
    value = float(graph.evaluate(now))
    records = worst_records(domain, rng)
    assert record_norms(trainer, loss, domain, records).max() <= value
    assert value <= 3 * trainer.bound()  # plainer, not useless
    symbols = list(trainer._weights.values())
    slopes = dt.grad(graph, symbols)
    for s, g in zip(symbols, slopes, strict=True):
        exact, step = np.asarray(g.evaluate(now)), 1e-6
        every = list(np.ndindex(s.shape))
        for i in rng.permutation(every)[:3]:
            ends = []
            for sign in (1, -1):
                moved = {n: w.copy() for n, w in now.items()}
                moved[s.name][tuple(i)] += sign * step
                ends.append(float(graph.evaluate(moved)))
            found = (ends[0] - ends[1]) / (2 * step)
            assert exact[tuple(i)] == pytest.approx(found, rel=1e-4, abs=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("kind", some(KINDS[:3], 2))
def test_a_regulariser_lowers_bound_and_noise(kind):
    settings = {"noise_multiplier": 1e-6, "learning_rate": 0.05}
    plain, data, _, _ = problem(kind, scale=2.0, **settings)
    smaller, _, _, _ = problem(kind, scale=2.0, regulariser=1.0, **settings)
    for t in (plain, smaller):
        t.fit(data, 20)
    assert smaller.bound() < 0.8 * plain.bound()
    assert smaller.history[-1].sigma < 0.8 * plain.history[-1].sigma
    assert smaller.epsilon_at(1e-5) == plain.epsilon_at(1e-5)


def test_what_has_no_graph_says_so():
    trainer, _, _, _ = problem("pooled")
    with pytest.raises(UnsupportedError, match="penalty"):
        trainer.bound_graph()
    with pytest.raises(UnsupportedError, match="penalty"):
        problem("pooled", regulariser=0.1)
    with pytest.raises(UnsupportedError, match="per_layer"):
        problem("binary tanh", per_layer=True, clip=1.0)
    for name in ("momentum", "regulariser"):
        for bad in (-1.0, math.nan, math.inf, "much"):
            with pytest.raises(InvalidInputError, match=name):
                problem("binary tanh", **{name: bad})
