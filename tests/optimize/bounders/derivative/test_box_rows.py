"""Enclosures row by row: sound, as tight as the operators' own but for a few ulps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium import ops
from deuterium.enclose.interval_program import CHUNK
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import free_symbols
from deuterium.optimize.bounders.derivative import row_intervals
from deuterium.optimize.bounders.derivative.row_intervals import RowProgram
from deuterium.testing import evaluate_exactly
from deuterium.testing.strategies import boxes, graphs
from tests.amounts import examples

flint = pytest.importorskip("flint")

X = dt.symbol("x")
Y = dt.symbol("y")

# every operator with a rule of its own, and neighbours that share one
FORMS = {
    "add": X + Y,
    "add a number": X + 0.1,
    "subtract": X - Y,
    "subtract from": 0.3 - X,
    "multiply": X * Y,
    "multiply by a number": X * -0.7,
    "divide": X / Y,
    "divide by a number": X / -3.0,
    "divide a number": 2.5 / X,
    "reciprocal": 1 / X,
    "cube": X**3,
    "fourth power": X**4,
    "seventh power": X**7,
    "power -1": X**-1,
    "power -2": X**-2,
    "power -3": X**-3,
    "power 2.5": X**2.5,
    "power 0.3": X**0.3,
    "power -1.5": X**-1.5,
    "power of both": np.abs(X) ** (3 * np.tanh(Y)),
    "sqrt": np.sqrt(X),
    "sin": np.sin(X),
    "cos": np.cos(X),
    "wave": np.sin(20 * X) + np.cos(50 * Y),
    "tan": np.tan(X),
    "exp": np.exp(X),
    "log": np.log(X),
    "log1p": np.log1p(X),
    "tanh": np.tanh(X),
    "arctan": np.arctan(X),
    "arcsin": np.arcsin(X),
    "arccos": np.arccos(X),
    "absolute": np.abs(X),
    "slope of |x|": dt.grad(np.abs(X), X),
    "slope of relu": dt.grad(np.maximum(X, 0), X),
    "sign": np.sign(X),
    "jump_slope": OPERATORS["jump_slope"](X),
    "maximum": np.maximum(X, Y),
    "root of a sum": np.sqrt(X + Y),
    "root of a log": np.sqrt(np.log1p(X**2)),
    "hypot": np.hypot(X, Y),
}
INTERVALS = [
    (-2.0, 3.0), (0.0, 1.0), (-1.0, 0.0), (0.0, 0.0), (0.5, 0.5), (-0.5, -0.25),
    (1e-300, 1.0), (-1e-160, 1e-160), (1.0, 1e300), (-1e300, -2.0), (3.0, 3.2),
    (1.5, 1.6), (-7.0, 7.0), (0.1, 0.30000000000000004), (4.7, 4.8), (-0.0, 0.0),
    (6.25, 6.3), (1e6, 1e6 + 0.01), (1e15, 1e15 + 1), (-np.inf, 2.0), (2.0, np.inf),
    (-np.inf, np.inf),
]  # fmt: skip


def rows_of(v, sides):
    names = [s.name for s in free_symbols([v])]
    ends = {n: np.array([sides[n][:, 0], sides[n][:, 1]]) for n in names}
    with np.errstate(all="ignore"):
        (found,) = RowProgram([v]).rows(ends, len(sides[names[0]]))
    return found[..., 0]


def inside(interval, rng, count=6):
    low, high = np.nan_to_num(interval, posinf=1e6, neginf=-1e6)
    anywhere = low + (high - low) * rng.random(count)
    return np.clip(np.concatenate([[low, high], anywhere]), low, high)


@pytest.mark.parametrize("name", FORMS)
def test_values_lie_in_their_rows(name, rng):
    v = FORMS[name]
    pairs = [(a, b) for a in INTERVALS for b in INTERVALS]
    if "y" not in {s.name for s in free_symbols([v])}:
        pairs = [(a, INTERVALS[0]) for a in INTERVALS]
    sides = {"x": np.array([a for a, _ in pairs]), "y": np.array([b for _, b in pairs])}
    low, high = rows_of(v, sides)
    keep = rng.permutation(len(pairs))[:60]
    for k in keep.tolist():
        for x, y in np.stack([inside(i, rng) for i in pairs[k]], axis=1).tolist():
            exact = evaluate_exactly(v, {"x": x, "y": y}, 300)
            if exact.is_nan():
                assert np.isnan(high[k]), (pairs[k], x, y)
            elif not np.isnan(high[k]):
                assert not exact < flint.arb(low[k]), (pairs[k], x, y)
                assert not exact > flint.arb(high[k]), (pairs[k], x, y)


@pytest.mark.parametrize("name", FORMS)
def test_rows_are_as_tight_as_the_full_rules(name):
    """A few ulps, and what is defined stays defined."""
    v = FORMS[name]
    finite = [i for i in INTERVALS if np.isfinite(i).all() and np.abs(i).max() < 1e9]
    finite.remove(
        (1e-300, 1.0)
    )  # of which a tanh keeps the sign in the full rules only
    both = "y" in {s.name for s in free_symbols([v])}
    pairs = [(a, b) for a in finite for b in (finite[::2] if both else finite[:1])]
    sides = {"x": np.array([a for a, _ in pairs]), "y": np.array([b for _, b in pairs])}
    low, high = rows_of(v, sides)
    for k, (a, b) in enumerate(pairs):
        here = {s.name: {"x": a, "y": b}[s.name] for s in free_symbols([v])}
        full = dt.enclose(v, dt.Box(here))
        if not np.isfinite([full.lower, full.upper]).all():
            continue
        slack = 1e-13 * max(abs(full.lower), abs(full.upper)) + 1e-14
        assert full.lower - slack <= low[k] <= high[k] <= full.upper + slack, (a, b)


@pytest.mark.parametrize(
    "v",
    [np.sqrt(X * 2), np.sqrt(X + X**3), np.sqrt(X / 3), np.sqrt(np.sum([X, Y, X])),
     np.sqrt(np.sin(X)), np.sqrt(np.log1p(X)), np.sqrt(X * Y), np.sqrt(X - 0)],
)  # fmt: skip
def test_a_sign_is_not_lost_by_rounding(v):
    """At an end that is zero, a root stays defined."""
    side = np.array([[0.0, 1.0]])
    low, _ = rows_of(v, {"x": side, "y": side})
    assert low[0] == 0


def test_an_undefined_row_spoils_no_other():
    side = np.array([[1.0, 2.0], [-1.0, 2.0], [0.0, 1.0], [3.0, 4.0]])
    low, high = rows_of(np.tanh(np.log(X)), {"x": side})
    assert np.isnan(low).tolist() == [False, True, True, False]
    assert high[0] == pytest.approx(np.tanh(np.log(2)), rel=1e-14)


@given(st.data())
@examples(12, 400)
def test_random_graphs_lie_in_their_rows(data):
    v = data.draw(graphs(max_steps=6, defined=data.draw(st.booleans())))
    symbols = free_symbols([v])
    if not symbols:
        return
    domains = [data.draw(boxes(v)) for _ in range(3)]
    ends = {}
    for s in symbols:
        hulls = [d.hull(s) for d in domains]
        ends[s.name] = np.stack(
            [np.stack([h.lower for h in hulls]), np.stack([h.upper for h in hulls])]
        )
    with np.errstate(all="ignore"):
        (found,) = RowProgram([v]).rows(ends, len(domains))
    for k, domain in enumerate(domains):
        for point in dt.testing.sample_points(domain, symbols, 4, seed=k):
            exact = np.ravel(np.asarray(evaluate_exactly(v, point), dtype=object))
            for i, ball in enumerate(exact.tolist()):
                low, high = found[0, k, i], found[1, k, i]
                if np.isnan(high):
                    continue
                assert not ball.is_nan()
                assert not ball < flint.arb(low)
                assert not ball > flint.arb(high)


def test_an_error_planted_in_a_rule_is_seen(monkeypatch, rng):
    """The tests above would notice a maximum left out."""
    wrong = {
        **row_intervals._MAKERS,
        ops.sin: row_intervals._unary(lambda e: np.sort(np.sin(e), axis=0)),
    }
    monkeypatch.setattr(row_intervals, "_MAKERS", wrong)
    with pytest.raises(AssertionError):
        test_values_lie_in_their_rows("sin", rng)


@pytest.mark.parametrize("shape", [(), (3,), (2, 40)])
def test_what_is_constant_has_no_rows_to_join(shape):
    """More boxes than fit at once, and a slope that hangs on none of them."""
    x = dt.symbol("x", (300,))
    constant = dt.constant(np.full(shape, 2.5))
    program = RowProgram([(x**2).sum(), constant])
    count = 3 * CHUNK // 300 + 5
    ends = np.sort(np.random.default_rng(0).normal(size=(2, count, 300)), axis=0)
    value, slope = program.rows({"x": ends}, count)
    assert value.shape == (2, count, 1)
    assert slope.shape == (2, count, constant.size)
    assert (slope == 2.5).all()
