"""Vectorising neither loses what is undefined nor rounds a number."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.graph.traverse import topological
from deuterium.graph.validate import check
from deuterium.testing import evaluate_exactly
from deuterium.transform.pipeline import prepared, vectorized_if_large
from deuterium.transform.vectorize import vectorize
from tests.transform.vectorize.graphs import names

COUNT = 12
SYMBOLS = [dt.symbol(f"x_{i}") for i in range(COUNT)]
PARTLY = (np.log, np.sqrt, lambda v: 1 / v, np.arcsin, lambda v: v**-2, np.exp, np.tanh)
NUMBERS = (
    1, -2, 0, 0.1, 5e-324, -1e308, 1.7976931348623157e308, 2**53 + 1, 10**300 + 1,
    -(2**60), 3e-320, 0.5, -0.0,
)  # fmt: skip


def graph(seed):
    """Return long sums, products and dot products of parts that may be undefined."""
    rng = np.random.default_rng(seed)

    def pick(some):
        return some[rng.integers(len(some))]

    terms = [f(v) for v in SYMBOLS for f in PARTLY[seed % 2 :: 2]]
    rows = []
    for _ in range(10):
        parts = [pick(terms) for _ in range(rng.integers(4, 9))]
        kind = rng.integers(5)
        if kind == 0:
            row = parts[0] * pick(NUMBERS)
            for p in parts[1:]:
                row = row * p
        else:
            row = parts[0] * pick(NUMBERS)
            for p in parts[1:]:
                p = (p, pick(NUMBERS) * p, p * pick(terms), p)[kind - 1]
                row = row + p if rng.random() < 0.6 else row - p
            row = row + pick(NUMBERS)
        rows.append(row)
    weights = [[pick(NUMBERS) for _ in range(6)] for _ in range(8)]
    inputs = [pick(terms) for _ in range(6)]
    for weight in weights:  # a layer: a matrix product once it is vectorised
        row = inputs[0] * weight[0]
        for p, w in zip(inputs[1:], weight[1:], strict=True):
            row = row + p * w
        rows.append(row)
    return rows


def values(rows, seed, bits=3000):
    """Return each row as balls, at a point where much is undefined and at others."""
    rng = np.random.default_rng(seed)
    for low in (-1, 0, 0.1):
        x = rng.choice([0.0, 1.0, 0.5, *rng.uniform(low, 1, 5)], COUNT)
        point = {f"x_{i}": max(float(v), low) for i, v in enumerate(x)}
        yield evaluate_exactly(np.stack(rows), point, bits).tolist()


@pytest.mark.parametrize("transform", [vectorize, vectorized_if_large, prepared])
@pytest.mark.parametrize("seed", range(6))
def test_values_and_where_they_are_undefined_stay(seed, transform):
    rows = graph(seed)
    dense = transform(rows)
    check(dense)
    if transform is vectorize:
        assert len(topological(dense)) < len(topological(rows))
        assert "matmul" in names(dense)
    undefined = 0
    for before, after in zip(values(rows, seed), values(dense, seed), strict=True):
        for a, b in zip(before, after, strict=True):
            assert a.is_nan() == b.is_nan()
            assert a.is_nan() or a.overlaps(b), (str(a), str(b))
            undefined += a.is_nan()
    assert undefined
