"""Conditions, choices, rounding and order statistics, compiled for every backend."""

from __future__ import annotations

import types

import numpy as np
import pytest

import deuterium as dt
from deuterium.evaluate.runtime import namespace
from deuterium.graph.serialize import dumps, loads
from tests.amounts import some
from tests.ops.test_choices import FORMULAS, x

POINTS = np.array([-1.6, -0.7, 0.05, 0.2, 0.77, 2.63])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", some(FORMULAS, 5))
def test_compiled_values_and_slopes(name, backend):
    pytest.importorskip(backend)
    f = FORMULAS[name]
    graphs = [f, dt.grad(f, x)]
    run = dt.compile([x], graphs, backend=backend)
    for g, got in zip(graphs, run(POINTS), strict=True):
        want = [g.evaluate({x: p}) for p in POINTS.tolist()]
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(g.evaluate({x: POINTS}), want, rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_files_keep_the_function(name):
    graphs = [FORMULAS[name], dt.grad(FORMULAS[name], x)]
    for g, again in zip(graphs, loads(dumps(graphs)), strict=True):
        for p in POINTS.tolist():
            assert g.evaluate({x: p}) == again.evaluate({x: p})


def test_a_namespace_without_take_along_axis_reorders_too():
    names = {n: getattr(np, n) for n in dir(np) if n != "take_along_axis"}
    plain, bare = (
        namespace(xp, lambda *a: None) for xp in (np, types.SimpleNamespace(**names))
    )
    rng = np.random.default_rng(0)
    g, a = rng.normal(size=(2, 3, 4))
    g[0, 0] = np.inf
    for reverse in (False, True):
        np.testing.assert_array_equal(
            bare["reorder"](g, a, reverse), plain["reorder"](g, a, reverse)
        )
