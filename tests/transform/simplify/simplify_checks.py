"""What tests of `simplify` compare: values in ball arithmetic, plain enclosures."""

from __future__ import annotations

import numpy as np
from flint import arb

import deuterium as dt
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import free_symbols, topological
from deuterium.interval import as_interval
from deuterium.testing import evaluate_exactly, sample_points

GROWS = {"exp", "exp2", "expm1", "sinh", "cosh", "square", "multiply", "power"}
DIGITS_OF_BALLS = 60  # fewer right bits: the hull of a kink, or an exact zero


def assert_same(v, simpler, domain, count=4, fills=False):
    """Assert that two graphs have the same values, and one enclosure holds them.

    Values agree in ball arithmetic, to far more digits than a double has; one is
    undefined where the other is, unless the second has the limit there.
    """
    found = dt.enclose(simpler, domain)
    low, high = np.ravel(found.lower).tolist(), np.ravel(found.upper).tolist()
    for point in sample_points(domain, free_symbols([v]), count):
        if overflows(v, point) or overflows(simpler, point):
            continue
        for a, b, least, most in zip(
            balls(v, point), balls(simpler, point), low, high, strict=True
        ):
            if not (is_decided(a) and is_decided(b)):
                continue
            if fills and a.is_nan():
                continue
            assert a.is_nan() == b.is_nan(), (point, a, b)
            if a.is_nan():
                assert most == np.inf, point
                continue
            assert not a < arb(least), (point, a, least)
            assert not a > arb(most), (point, a, most)
            assert a.overlaps(b), (point, a, b)
            if a.rel_accuracy_bits() > DIGITS_OF_BALLS:
                assert float((a - b).abs_upper()) <= 1e-9 * float(a.abs_upper())


def is_decided(ball):
    """Whether a value is known, or known to be undefined."""
    return ball.is_finite() or ball.is_nan()


def balls(v, point):
    return np.ravel(np.asarray(evaluate_exactly(v, point), dtype=object)).tolist()


def overflows(v, point):
    """Whether a number on the way is too large, which leaves balls undecided."""
    with np.errstate(all="ignore"):
        values = interpret(
            topological([v]),
            lambda s: point[s.name] if s.is_symbol else s.value,
            lambda op: op.value,
        )
    return any(
        np.any(np.abs(value) > 1e290)
        for node, value in values.items()
        if node.op is not None and node.op.name in GROWS
    )


def plain(v, domain):
    """Return an enclosure straight from the operators, undefined ends NaN."""
    with np.errstate(all="ignore"):
        return interpret(
            topological([v]),
            lambda s: domain.hull(s) if s.is_symbol else as_interval(s.value),
            lambda op: op.enclosure,
        )[v]


def restricted(domain, v):
    """Keep the bounds of the symbols that occur."""
    names = {s.name for s in free_symbols([v])}
    kept = {n: c for n, c in domain.constraints.items() if n in names}
    return dt.Domain(kept, {n: s for n, s in domain.shapes.items() if n in names})
