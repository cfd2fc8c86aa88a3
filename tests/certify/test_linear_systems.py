"""The checker's rules for linear systems: against balls, and proofs that use them."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.ball_program import PointProgram, RangeProgram
from deuterium.certify.checker.exceptions import NoBound
from deuterium.graph.operator import OPERATORS
from deuterium.testing.oracle import evaluate_exactly

SHAPES = {
    "solve": [(4, 4), (4, 2)],
    "ridge_solve": [(5, 3), (3, 3), (3, 2)],
    "ridge_fit": [(5, 3), (3, 3), (5, 2)],
}
each = pytest.mark.parametrize("name", SHAPES)


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(96):
        yield


def drawn(name, rng, size=1.0):
    """Return the graph and its arguments, all of them in one row."""
    sizes = [int(np.prod(s)) for s in SHAPES[name]]
    x = dt.symbol("x", (sum(sizes),))
    ends = np.cumsum([0, *sizes])
    parts = [
        x[a:b].reshape(s)
        for a, b, s in zip(ends[:-1], ends[1:], SHAPES[name], strict=True)
    ]
    middle = rng.normal(size=sum(sizes)) * size
    square = {"solve": 0}.get(name, 1)
    shift = np.zeros(sum(sizes))
    shift[ends[square] : ends[square + 1]] = np.eye(SHAPES[name][square][0]).ravel() * 6
    return OPERATORS[name](*parts), middle + shift


@each
@pytest.mark.parametrize("width", [0.0, 1e-9, 0.01, 0.2, 3.0])
def test_ranges_hold_every_value_and_are_as_tight_as_the_librarys(name, width):
    rng = np.random.default_rng(7)
    bounded = 0
    for _ in range(6):
        graph, middle = drawn(name, rng)
        radius = rng.random(middle.size) * width
        low, high = middle - radius, middle + radius
        known = dt.enclose(graph, dt.Box({"x": (low, high)}))
        program = RangeProgram([graph], {"x": 0}, middle.size)
        try:
            a, b = program([arb(e) for e in low], [arb(e) for e in high])
        except NoBound:
            assert not np.isfinite(known.upper).all()
            continue
        bounded += 1
        at = PointProgram([graph], {"x": 0}, middle.size)
        for _ in range(5):
            point = np.clip(low + rng.random(middle.size) * (high - low), low, high)
            truth = evaluate_exactly(graph, {"x": point}).ravel()
            found = at([arb(e) for e in point])
            for y, p, c, d in zip(truth, found, a, b, strict=True):
                assert not y < c.lower() and not y > d.upper()
                assert y.overlaps(p)
        for k, place in enumerate(np.ndindex(*graph.shape)):
            slack = 1e-9 * (1 + abs(known.upper[place]) + abs(known.lower[place]))
            assert float(b[k].upper()) <= known.upper[place] + slack
            assert float(a[k].lower()) >= known.lower[place] - slack
    assert bounded or width > 1


def test_what_is_not_regular_has_no_bound():
    graph, middle = drawn("solve", np.random.default_rng(0))
    flat = np.ones(middle.size)
    with pytest.raises(NoBound):
        RangeProgram([graph], {"x": 0}, middle.size)(
            [arb(0)] * middle.size, [arb(1)] * 24
        )
    with pytest.raises(NoBound):
        PointProgram([graph], {"x": 0}, middle.size)([arb(e) for e in flat])


def test_a_ridge_bounds_wide_boxes_and_infinite_ones():
    """Of X, whatever it is; not of what is unknown, and not of other things."""
    graph, middle = drawn("ridge_fit", np.random.default_rng(0))
    low, high = [arb(e - 50) for e in middle], [arb(e + 50) for e in middle]
    for k in range(15, 24):  # the ridge itself
        low[k] = high[k] = arb(middle[k])
    for k in range(24, 34):
        low[k], high[k] = arb(0), arb(1)
    a, b = RangeProgram([graph], {"x": 0}, middle.size)(low, high)
    most = np.sqrt(5) / 2 / np.sqrt(2.0)
    assert all(
        float(y.upper()) < most and float(x.lower()) > -most
        for x, y in zip(a, b, strict=True)
    )
    c, d = RangeProgram([graph], {"x": 0}, middle.size)([arb("-inf"), *low[1:]], high)
    assert all(float(y.upper()) < most for y in d) and all(x > -most for x in c)
    for k, end in ((0, "nan"), (15, "-inf"), (24, "-inf")):
        with pytest.raises(NoBound):
            RangeProgram([graph], {"x": 0}, middle.size)(
                [*low[:k], arb(end), *low[k + 1 :]], high
            )


def test_proofs_about_regressions_are_believed():
    """The largest weight of ridge regression over three people, and a 4 x 4 system."""
    x, y = dt.symbol("x", (3, 2)), dt.symbol("y", (3,))
    w = np.linalg.solve(x.T @ x + np.eye(2), x.T @ y)
    domain = dt.Box({x: (0, 1), y: (0, 1)})
    found = dt.maximize(w[0], domain, time_limit=20)
    assert found.status == "optimal"
    assert found.upper == pytest.approx(np.sqrt(3) / 2, rel=1e-3)
    assert found.certificate.verify(w[0], domain)
    s = dt.symbol("s", (2,))
    a = np.eye(4) * 3 + np.tanh(s[0]) * np.ones((4, 4)) / 4
    v = np.sum(np.linalg.solve(a, np.arange(4.0) * s[1]))
    domain = dt.Box({s: (-1, 1)})
    found = dt.maximize(v, domain, time_limit=20)
    assert found.status == "optimal"
    best = 6 / (3 - np.tanh(1.0))
    assert found.lower <= best * (1 + 1e-9) and found.upper >= best * (1 - 1e-9)
    assert found.certificate.verify(v, domain)


def test_signs_of_solutions_are_kept():
    """Of one weight that is not negative, a root has a value."""
    x = dt.symbol("x", (3, 1))
    w = np.linalg.solve(x.T @ x + np.eye(1), x.T @ np.ones(3))
    domain = dt.Box({x: (0, 500)})
    found = dt.maximize(np.sqrt(w[0]), domain, max_regions=3)
    assert np.isfinite(found.upper)
    assert found.certificate.verify(np.sqrt(w[0]), domain)
