"""Every single rewrite of a run of `simplify`, held against ball arithmetic."""

from __future__ import annotations

from itertools import count

import numpy as np
from flint import arb

import deuterium as dt
from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.validate import check
from deuterium.testing import evaluate_exactly, sample_points
from deuterium.testing.removable import is_limit
from deuterium.transform.simplify.rules import RULES, Assumptions
from deuterium.transform.simplify.simplify import Simplifier

RELATIVE = arb("1e-60")
MONSTROUS = arb("1e15")
ARITHMETIC = {"add", "subtract", "negative", "multiply", "divide", "square"}
ACCURATE = 240  # bits that both sides need to be compared so closely


class Watched(Simplifier):
    """A simplifier that keeps each node it rewrites, and what it became."""

    def __init__(self, known):
        super().__init__(known)
        self.rewrites = []

    def _rewritten(self, v):
        before = self.fired.copy()
        better = super()._rewritten(v)
        if better is not None:
            (name,) = self.fired - before
            self.rewrites.append((name, v, better))
        return better


def assert_each_rewrite(v, domain, points=6, bits=512, seed=0, enclosed=True):
    """Simplify over a domain; assert that no rule changes where or what a value is.

    At points of the domain, what a rule made has the value of what it was given, to far
    more digits than a double has, and is undefined exactly where that is.  Returns the
    names of the rules that were applied.
    """
    simplifier = Watched(Assumptions(domain))
    (simple,) = simplifier.run([v])
    check([simple])
    pairs = [*simplifier.rewrites, ("all rules", v, simple)]
    found = dt.enclose(simple, domain) if enclosed else None
    sides = [side for _, *both in pairs for side in both]
    assert all(a.shape == b.shape for _, a, b in pairs), [n for n, *_ in pairs]
    whole = np.concatenate([np.ravel(side) for side in sides])
    ends = np.cumsum([side.size for side in sides])[:-1]
    for point in sample_points(domain, free_symbols([v]), points, seed):
        values = evaluate_exactly(whole, point, bits).tolist()
        parts = [p.tolist() for p in np.split(np.array(values, dtype=object), ends)]
        for (name, before, after), a, b in zip(
            pairs, parts[::2], parts[1::2], strict=True
        ):
            filled = [
                i for i, (x, y) in enumerate(zip(a, b, strict=True)) if not agree(x, y)
            ]
            if filled and is_filled(name, before, after, point, filled, simplifier):
                continue
            if filled and is_tame(before, point, bits):
                raise AssertionError(name, point, *map(str, [a, b, before, after]))
        if found is not None:
            fills = any(RULES[n].fills for n in simplifier.fired)
            assert_held(found, parts[-1 if fills else -2], point)
    return set(simplifier.fired)


def is_filled(name, before, after, point, places, simplifier):
    """Whether what differs is only defined after, by a rule that fills, by a limit."""
    names = simplifier.fired if name == "all rules" else [name]
    if not any(RULES[n].fills for n in names):
        return False
    indices = [np.unravel_index(i, before.shape) for i in places]
    given = {s.name: point[s.name] for s in free_symbols([before, after])}
    return all(is_limit(before, after, given, i, 1024) for i in indices)


def agree(x, y):
    """Whether two balls may be one value, and one is undefined where the other is."""
    if not (is_decided(x) and is_decided(y)):
        return True
    if x.is_nan() or y.is_nan():
        return x.is_nan() and y.is_nan()
    if not x.overlaps(y):
        return False
    accurate = min(x.rel_accuracy_bits(), y.rel_accuracy_bits()) > ACCURATE
    return not accurate or not abs(x - y) > RELATIVE * abs(x)


def is_tame(v, point, bits):
    """Whether no function meets an argument so large that the oracle gives up."""
    nodes = topological([v])
    functions = [n for n in nodes if n.op is not None and n.op.name not in ARITHMETIC]
    arguments = [np.ravel(a) for n in functions for a in n.args]
    values = np.concatenate([*arguments, np.zeros(1)])
    values = evaluate_exactly(dt.constant(0) + values, point, bits).tolist()
    return not any(abs(x) > MONSTROUS for x in values if x.is_finite())


def is_decided(ball):
    """Whether a value is known, or known to be undefined."""
    return ball.is_finite() or ball.is_nan()


def assert_held(found, values, point):
    """Assert that an enclosure holds values, and none where one is undefined."""
    ends = np.ravel(found.lower).tolist(), np.ravel(found.upper).tolist()
    for x, low, high in zip(values, *ends, strict=True):
        if x.is_nan():
            assert high == np.inf, point
        elif x.is_finite():
            assert not x < arb(low), (point, x, low)
            assert not x > arb(high), (point, x, high)


# -- planting --------------------------------------------------------------------------

FRESH = count()


def with_node(v, old, make):
    """Return ``v`` with one of its nodes replaced by ``make`` of it."""
    done = {}
    for node in topological([v]):
        same = rebuilt(node, tuple([done[a] for a in node.args]))
        done[node] = make(same) if node is old else same
    return done[v]


PARTLY = {
    "log": (np.log, (-1, 1)),
    "sqrt": (np.sqrt, (-1, 2)),
    "reciprocal": (lambda q: 1 / q, (0, 2)),
    "power": (lambda q: q**-3, (-1, 0)),
    "arcsin": (np.arcsin, (0.5, 2)),
    "log1p": (np.log1p, (-1, 1)),
    "divide": (lambda q: (q + 1) / np.square(q), (0, 1)),
    "root of a log": (lambda q: np.sqrt(np.log(q)), (0.5, 3)),
}
"""Functions with a box on which they are undefined somewhere."""


def by_exp(w):
    return np.exp(w - w)


UNDEFINED = {
    "n + (w - w)": lambda n, w: n + (w - w),
    "n + 0 * w": lambda n, w: n + 0 * w,
    "(w + n) - w": lambda n, w: (w + n) - w,
    "n - 0.0 * (w + n)": lambda n, w: n - 0.0 * (w + n),
    "n * exp(w - w)": lambda n, w: n * by_exp(w),
    "n * (w / w)": lambda n, w: n * (w / w),
    "(n * w) / w": lambda n, w: (n * w) / w,
    "n * exp(w) / exp(w)": lambda n, w: n * np.exp(w) / np.exp(w),
    "2 * w + n - w * 2": lambda n, w: 2 * w + n - w * 2,
    "n + tanh(w) - tanh(w)": lambda n, w: n + np.tanh(w) - np.tanh(w),
    "n + (1 - w) + w": lambda n, w: n + (1 - w) + w - 1,
}
"""Ways to plant something partly undefined that cancels over the reals."""

EXTREMES = (
    1e308, 1e-308, 5e-324, 3 * 5e-324, 2**53 + 1, 10**300 + 1, -(10**307), 0.1,
    2.0**-1022, 2.0**1000, -1e-320, 2**53, 1.7976931348623157e308, -0.0, 1 / 3,
)  # fmt: skip

SCALED = {
    "k * n": lambda n, k, m: k * n,
    "k * n / k": lambda n, k, m: k * n / k,
    "k * (m * n)": lambda n, k, m: k * (m * n),
    "n + k - k": lambda n, k, m: n + k - k,
    "k * n + m * n": lambda n, k, m: k * n + m * n,
    "k - (n - m)": lambda n, k, m: k - (n - m),
    "m * (n / k)": lambda n, k, m: m * (n / k),
    "k * n - n * m + n": lambda n, k, m: k * n - n * m + n,
    "k / n + m": lambda n, k, m: k / n + m,
    "m * square(n / k)": lambda n, k, m: m * np.square(n / k),
}
"""Ways to plant two numbers at a node."""


def fresh_like(n):
    """Return a new symbol, of the shape of a node or a scalar by turns."""
    number = next(FRESH)
    return dt.symbol(f"q{number}", n.shape if number % 3 else ())


# -- facts -----------------------------------------------------------------------------


def assert_facts(v, domain, points=4, bits=512, seed=0):
    """Assert that what `Assumptions` claims of nodes is so at points of the domain."""
    known = Assumptions(domain)
    nodes = topological([v])
    whole = np.concatenate([np.ravel(node) for node in nodes])
    ends = np.cumsum([node.size for node in nodes])[:-1]
    claims = [
        (
            known.defined(node),
            known.nonzero(node),
            known.nonnegative(node),
            known.never_negative(node),
        )
        for node in nodes
    ]
    for point in sample_points(domain, free_symbols([v]), points, seed):
        values = np.array(evaluate_exactly(whole, point, bits).tolist(), dtype=object)
        for node, claim, part in zip(
            nodes, claims, np.split(values, ends), strict=True
        ):
            defined, nonzero, nonnegative, never_negative = claim
            for x in part.tolist():
                if x.is_nan():
                    wrong = defined or nonzero or nonnegative
                else:
                    wrong = (nonzero and x == 0) or (
                        (nonnegative or never_negative) and x < 0
                    )
                assert not wrong or not is_tame(node, point, bits), (claim, point, node)
        if all(known.defined(node) for node in nodes):
            assert_held(known.range(v), part.tolist(), point)
