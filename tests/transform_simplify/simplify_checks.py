"""What tests of `simplify` compare: values in ball arithmetic, plain enclosures."""

from __future__ import annotations

import numpy as np

from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import free_symbols, topological
from deuterium.interval import as_interval
from deuterium.testing import evaluate_exactly, sample_points


def assert_same(v, simpler, domain, count=4):
    """Values agree in ball arithmetic, to far more digits than a double has."""
    symbols = free_symbols([v])
    for point in sample_points(domain, symbols, count):
        one = np.ravel(np.asarray(evaluate_exactly(v, point), dtype=object))
        other = np.ravel(np.asarray(evaluate_exactly(simpler, point), dtype=object))
        for a, b in zip(one, other, strict=True):
            assert b.is_nan() if a.is_nan() else not (a.is_finite() and b.is_nan())
            if not a.is_finite():
                continue
            assert a.overlaps(b), (point, a, b)
            if a.rel_accuracy_bits() < 60:  # the hull of a kink, or an exact zero
                continue
            assert float((a - b).abs_upper()) <= 1e-9 * (1e-9 + float(a.abs_upper()))


def plain(v, domain):
    """Return an enclosure straight from the operators, undefined ends NaN."""
    with np.errstate(all="ignore"):
        return interpret(
            topological([v]),
            lambda s: domain.hull(s) if s.is_symbol else as_interval(s.value),
            lambda op: op.enclosure,
        )[v]
