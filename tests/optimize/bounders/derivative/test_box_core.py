"""The core of an objective, and the increasing function around it."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from deuterium.optimize.bounders.derivative.monotone_outer import CORE, core_of
from deuterium.testing import evaluate_exactly

pytest.importorskip("flint")

X = dt.symbol("x")
Y = dt.symbol("y")
BOX = dt.Box({X: (0.25, 2), Y: (-1, 1.5)})

CASES = {
    "a root": np.sqrt(X**2 + Y**2 + X * Y),
    "minus a root": -np.sqrt(X**2 + Y**2),
    "a falling function": 3 - 2 * np.exp(-(X * Y + np.sin(X))) / 4,
    "an arc cosine": np.arccos(np.sin(X * Y)),
    "a constant last": (5 - np.log1p(X * np.exp(Y))) - 1,
    "a product of roots": np.abs(X - Y) * np.sqrt(1 + X * Y**2) * 0.5,
    "minus a product of roots": -(np.abs(X - Y) * np.exp(Y) * np.sqrt(1 + Y**2)),
    "nothing": X * Y + np.sin(X),
    "divided": (X * Y + Y) / -7,
    "a product that may be negative": np.sqrt(X) * np.sin(Y),
}


def names(v):
    return [n.op.name for n in topological([v]) if n.op is not None]


@pytest.mark.parametrize("name", CASES)
def test_the_objective_is_an_increasing_function_of_its_core(name, rng):
    problem = Problem(CASES[name], BOX)
    core = core_of(problem.objective, BOX)
    points = [{"x": rng.uniform(0.25, 2), "y": rng.uniform(-1, 1.5)} for _ in range(20)]
    inner = [evaluate_exactly(core.inner, p) for p in points]
    outer = [evaluate_exactly(core.outer, {CORE: float(s)}) for s in inner]
    whole = [float(evaluate_exactly(problem.objective, p)) for p in points]
    assert [float(y) for y in outer] == pytest.approx(whole, rel=1e-13, abs=1e-13)
    by_inner = np.argsort([float(s) for s in inner])
    assert np.all(np.diff(np.array(whole)[by_inner]) >= -1e-13)


def test_a_norm_becomes_a_sum_of_squares():
    problem = Problem(np.sqrt(X**4 + Y**2), BOX)
    core = core_of(problem.objective, BOX)
    assert "sqrt" not in names(core.inner)
    assert names(core.outer) == ["sqrt"]


def test_an_absolute_value_times_a_root_becomes_a_square():
    v = np.abs(X - Y) * np.sqrt(1 + X * Y**2)
    core = core_of(Problem(v, BOX).objective, BOX)
    assert not {"sqrt", "absolute"} & set(names(core.inner))


@pytest.mark.parametrize("name", ["nothing", "a product that may be negative"])
def test_what_has_no_monotone_outside_is_its_own_core(name):
    objective = Problem(CASES[name], BOX).objective
    core = core_of(objective, BOX)
    assert core.inner is objective
    assert core.outer.is_symbol
