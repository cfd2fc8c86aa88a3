"""Sums that cancel are numbers at the checker's points, where they are defined."""

import numpy as np
import pytest
from flint import arb, ctx
from scipy.special import xlog1py, xlogy

import deuterium as dt
from deuterium.certify.checker.ball_program import PointProgram
from deuterium.certify.checker.exceptions import NoBound
from deuterium.testing.oracle import evaluate_exactly
from tests.amounts import draws, seeds, some

X, Y = dt.symbol("x"), dt.symbol("y")
T, W = np.tan(Y), dt.constant([1.0, -3.0, 2.0])
NOTHING = {
    "itself": T - T,
    "equal tasks": np.exp(T * X) - np.exp(X * T),
    "minus itself": T + X + (-T) - X,
    "multiples": 3 * T - T - 2.0 * T,
    "numbers": (T + 0.5) - (T - 0.25) - 0.75,
}
DOMAIN = dt.Box({X: (-1.3, -1.3), Y: (-1.3, -1.1)})


@pytest.mark.drawn
@pytest.mark.parametrize("name", some(NOTHING, 3))
def test_right_proofs_where_a_ball_hides_what_is_defined(name):
    nothing = NOTHING[name]
    graphs = [xlogy(nothing, X), xlog1py(nothing, X), np.power(X, nothing + 2.0)]
    for v in graphs:
        v = v + np.sin(X)
        for run in (dt.maximize, dt.minimize)[: draws(1, 2)]:
            found = run(v, DOMAIN)
            assert found.upper - found.lower < 1e-9
            found.certificate.verify(v, DOMAIN)


@pytest.mark.parametrize("hidden", [np.log(X), np.sqrt(X), 1 / (X + 1), T / (X - X)])
def test_what_is_not_defined_does_not_cancel(hidden):
    for v in (hidden - hidden, 0.0 * hidden, hidden + 1.0 - hidden):
        program = PointProgram([v], {"x": 0, "y": 1}, 2, cancels=True)
        with pytest.raises(NoBound):
            program([arb(-1), arb(0.5)])


def drawn(rng):
    pool = [X, Y, dt.constant(0.75), dt.constant(-3.0), dt.constant(2.0**70)]
    for _ in range(int(rng.integers(2, 14))):
        a, b = (pool[i] for i in rng.integers(len(pool), size=2))
        c, d = pool[-1], pool[rng.integers(len(pool))]
        ways = [
            lambda a=a, b=b: a + b, lambda a=a, b=b: a - b, lambda a=a, b=b: a * b,
            lambda a=a: -a, lambda a=a: np.sin(a), lambda c=c: c - c,
            lambda c=c, d=d: c - d, lambda a=a, c=c: np.sum(a * W - c),
        ]  # fmt: skip
        pool.append(ways[rng.integers(len(ways))]())
    return pool[-1]


@pytest.mark.parametrize("seed", seeds(24, 1500))
def test_the_values_are_those_of_the_graph(seed):
    rng = np.random.default_rng(seed)
    v = drawn(rng)
    point = {"x": rng.normal(), "y": rng.normal()}
    program = PointProgram([v], {"x": 0, "y": 1}, 2, cancels=True)
    with ctx.workprec(200):
        (found,) = program([arb(point["x"]), arb(point["y"])])
    assert found.overlaps(evaluate_exactly(v, point))
