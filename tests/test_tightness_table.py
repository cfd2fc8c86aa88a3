"""The table of tightness (`benchmarks/tightness.py`) runs, and asks all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium.graph import free_symbols
from tests.optional_packages import needs

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def written(monkeypatch):
    """Let the benchmarks' modules be imported."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def values(v, rows, label):
    """Return a norm at records of a plain network or a spelling of it."""
    x, y = sorted(free_symbols([v]), key=lambda s: s.name == "label")
    run = dt.compile([x, y], v)
    return np.ravel([run(row, label) for row in rows])


def test_a_row():
    """One problem, one second: the bound is above what was found, and verified."""
    words = ["--only", "one layer, tanh", "--limit", "1", "--seeds", "0", "--verify"]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "tightness.py"), *words, "--peers", "none"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    head, rule, *rows = done.stdout.splitlines()
    assert len(rows) == 1 and head.count("|") == rule.count("|") == rows[0].count("|")
    found = dict(zip(head.split(" | "), rows[0].split(" | "), strict=True))
    assert 1 <= float(found["median"]) < 20
    assert found["certificate |"].removesuffix(" |").endswith(" s")


def test_every_row_is_of_a_network(written):
    import architectures
    import tightness_rows

    names = [row.name for row in tightness_rows.ROWS]
    assert len(names) == len(set(names))
    for case in architectures.CASES:
        assert any(name.startswith(case) for name in names)
        v, domain = architectures.problem(case, 0)
        assert v.shape == ()
        assert {s.name for s in free_symbols([v])} <= set(domain.names)


def test_spellings_are_one_function(written):
    import architectures

    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (3, 20))
    spelled = {how: (v, d) for how, v, d in architectures.spellings(0)}
    v, domain = spelled.pop("standardised")
    hull = domain.hull(next(s for s in free_symbols([v]) if s.name == "z"))
    middle = (hull.upper + hull.lower) / 2
    theirs = values(v, middle + rows * (hull.upper - middle), 1.0)
    expected = values(spelled["as usual"][0], rows, 1.0)
    np.testing.assert_allclose(theirs, expected, rtol=1e-12)
    for v, _ in spelled.values():
        np.testing.assert_allclose(values(v, rows, 1.0), expected, rtol=1e-12)


@needs("torch")
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_peers_are_asked_about_the_same_norm(written, activation):
    import torch

    import architectures
    import lirpa
    import peers
    import problems

    w = architectures.Weights(0)
    loss, domain = architectures.dense(w, [6, 5, 4, 1], activation)
    norm = dt.norm(dt.grad(loss, w.drawn))
    layers = list(zip(w.arrays[::2], w.arrays[1::2], strict=True))
    case = problems.Case("", norm, domain, network=(layers, activation), both=True)
    rows = np.random.default_rng(0).uniform(-1, 1, (4, 6))
    networks = list(peers.both_labels(case))
    assert len(networks) == 2
    for label, network in zip((1.0, 0.0), networks, strict=True):
        squared = lirpa.squared_norm(*network)(torch.tensor(rows, dtype=torch.float32))
        mine = np.sqrt(squared.numpy()[:, 0])
        np.testing.assert_allclose(mine, values(norm, rows, label), rtol=1e-5)
