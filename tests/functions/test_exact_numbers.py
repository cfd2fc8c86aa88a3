"""Functions whose definition holds a number that is no double: pi, 1/3, log(2)."""

from __future__ import annotations

import flint
import numpy as np
import pytest
import symengine as se

import deuterium as dt
from deuterium.testing import evaluate_exactly

x = dt.symbol("x")
v = dt.symbol("v", (3,))
V = [0.5, 1.25, 2.0]


def pi():
    return flint.arb.pi()


def total(p):
    return sum((flint.arb(e) ** p for e in V), flint.arb(0))


CASES = {
    "deg2rad": (np.deg2rad(x), lambda: flint.arb(0.7) * pi() / 180),
    "radians": (np.radians(x), lambda: flint.arb(0.7) * pi() / 180),
    "degrees": (np.degrees(x), lambda: flint.arb(0.7) * 180 / pi()),
    "rad2deg": (np.rad2deg(x), lambda: flint.arb(0.7) * 180 / pi()),
    "exp2": (np.exp2(x), lambda: flint.arb(2) ** flint.arb(0.7)),
    "log2": (np.log2(x), lambda: flint.arb(0.7).log() / flint.arb(2).log()),
    "log10": (np.log10(x), lambda: flint.arb(0.7).log() / flint.arb(10).log()),
    "cbrt": (np.cbrt(x), lambda: flint.arb(0.7).root(3)),
    "logaddexp2": (
        np.logaddexp2(x, 0.5),
        lambda: (flint.arb(2) ** flint.arb(0.7) + flint.arb(2).sqrt()).log()
        / flint.arb(2).log(),
    ),
    "mean": (np.mean(v), lambda: total(1) / 3),
    "3-norm": (np.linalg.norm(v, 3), lambda: total(3).root(3)),
    "7-norm": (np.linalg.norm(v, 7), lambda: total(7) ** (flint.arb(1) / 7)),
    "2.5-norm": (
        np.linalg.norm(v, 2.5),
        lambda: total(flint.arb(2.5)) ** (flint.arb(2) / 5),
    ),
    "slope of erf": (
        dt.grad(dt.Variable(se.erf(x.data)), x),
        lambda: 2 / pi().sqrt() * (-(flint.arb(0.7) ** 2)).exp(),
    ),
    "slope of exp2": (
        dt.grad(np.exp2(x), x),
        lambda: flint.arb(2) ** flint.arb(0.7) * flint.arb(2).log(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_graph_holds_the_number_itself(name):
    graph, exact = CASES[name]
    (symbol,) = dt.graph.free_symbols([graph])
    point = {symbol: V if symbol is v else 0.7}
    with flint.ctx.workprec(256):
        want = exact()
        got = evaluate_exactly(graph, point)
        assert got.overlaps(want)
        assert abs(got - want) < flint.arb(2) ** -200
    found = dt.enclose(graph, dt.Box({symbol: (point[symbol], point[symbol])}))
    assert flint.arb(float(found.lower)) < want < flint.arb(float(found.upper))
