"""Random formulas of choices on few numbers, so that branches often meet, or nearly."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.errors import UnsupportedError
from deuterium.testing import evaluate_exactly
from tests.amounts import seeds
from tests.transform.slope_checks import BITS, around, assert_holds_quotients

x, y = dt.symbol("x"), dt.symbol("y")
KNOTS = [-1.0, -0.5, 0.0, 0.1, 0.3, 0.1 + 0.2, 0.5, 1.0]
NUMBERS = [0, 0, 1, 1, -1, 0.5, 2, 0.1, 0.3, 0.1 + 0.2, -0.5, 1e-17]


class Formulas:
    """Draws of formulas in x and y."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def number(self):
        return self.pick(*NUMBERS)

    def linear(self):
        return self.pick(
            x, x, y, x + self.number(), 2 * x, 3 * x - 1, -x, x - y, x / 3, x * y, 1 - x
        )

    def condition(self, depth):
        a = self.linear() if self.rng.random() < 0.7 else self.formula(depth - 1)
        b = self.number() if self.rng.random() < 0.8 else self.linear()
        one = self.pick(
            lambda: a > b, lambda: a >= b, lambda: a < b, lambda: np.equal(a, b),
            lambda: np.abs(a) <= abs(b), lambda: ~(a > b), lambda: b < a,
        )()  # fmt: skip
        one = dt.constant(0) + one if isinstance(one, bool) else one
        if depth > 0 and self.rng.random() < 0.3:
            other = self.condition(depth - 1)
            joins = (np.logical_and, np.logical_or, np.logical_xor)
            return self.pick(*joins)(one, other)
        return one

    def formula(self, depth):
        if depth <= 0:
            return self.pick(self.linear(), self.linear(), dt.constant(self.number()))
        a = self.formula(depth - 1)
        b = self.formula(depth - 1 - self.rng.integers(2))
        c = self.condition(depth - 1)
        return self.pick(
            lambda: np.where(c, a, b), lambda: np.where(c, a, b),
            lambda: np.where(c, a, 0), lambda: np.where(c, a, a + b * 0),
            lambda: np.where(c, a * b, b * a), lambda: c * a, lambda: a + b,
            lambda: np.select([c, self.condition(0)], [a, b], self.number()),
            lambda: a * b, lambda: a - b, lambda: np.abs(a), lambda: np.square(a),
            lambda: np.maximum(a, b), lambda: np.minimum(a, 0), lambda: np.tanh(a),
            lambda: np.floor(a), lambda: np.sign(a), lambda: np.log(a),
            lambda: np.where(a > 0, np.log(a), b), lambda: 1 / a,
            lambda: np.interp(a, [-0.5, 0, 0.3], [0, 1, 0.5]), lambda: a % 1,
            lambda: np.where(a > 0, a, 0), lambda: np.where(a != 0, b / a, 1),
            lambda: np.sort(np.stack([a, b, a * b]))[1],
            lambda: np.sum(np.where(np.stack([x, a]) > 0, np.stack([b, x]), 0)),
        )()  # fmt: skip


def check(seed):
    rng = np.random.default_rng(seed)
    try:
        f = dt.constant(0.0) + Formulas(rng).formula(int(rng.integers(1, 5)))
    except UnsupportedError:  # two numbers that only rounding tells apart
        return
    if x not in dt.graph.free_symbols([f]):
        return
    at = float(rng.choice([0.1, 1.0, 0.5, rng.uniform(-1, 1)]))
    others = {y: at} if y in dt.graph.free_symbols([f]) else {}
    wide = {y: (at - 0.25, at + 0.25)} if others and rng.random() < 0.3 else None
    k = float(rng.choice(KNOTS))
    for low, high in ((-1.0, 1.0), (k, k + 0.2), (k - 0.01, k + 0.3)):
        knots = [*KNOTS, 1 / 3, at]
        assert_holds_quotients(f, x, low, high, knots, others, wide)
        check_values(f, low, high, knots, others, rng)


def check_values(f, low, high, knots, others, rng):
    box = dt.Box({x: (low, high), **{s: (n, n) for s, n in others.items()}})
    plain, simple = (dt.enclose(g, box) for g in (f, dt.simplify(f, box)))
    for p in around(knots, low, high, rng):
        value = evaluate_exactly(f, {x: p, **others}, bits=BITS)
        if value.is_nan():
            assert plain.upper == simple.upper == np.inf, p
        elif value.is_finite():
            with ctx.workprec(BITS):
                for found in (plain, simple):
                    assert not value < arb(float(found.lower)), (p, value, found)
                    assert not value > arb(float(found.upper)), (p, value, found)


@pytest.mark.parametrize("seed", seeds(2, 60))
def test_slopes_and_values(seed):
    check(seed)
