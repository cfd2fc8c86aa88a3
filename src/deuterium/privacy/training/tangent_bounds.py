"""What bounds a gradient's norm: one hidden layer, and one output."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from deuterium.privacy.training.bound_parts import (
    GROWN,
    LEAST,
    LOST,
    ONES,
    SLACK,
    TINY,
    Factors,
    LossSlopes,
    RecordSet,
    Weights,
    active,
    affine,
    bias_factor,
    bias_of,
    is_finite,
    steepest,
)
from deuterium.privacy.training.network import Network

__all__ = ["TangentBound"]

Array = Any

NODES = np.linspace(0, 1, 25)  # of an activation's values, from least to most
BETWEEN = np.array([1 - NODES, NODES])
EVERY = 16  # steps after which tangents are taken anew
# most that a parabola lies above its chords, times its curvature
SAG = (NODES[1] - NODES[0]) ** 2 / 8 * GROWN
ROUNDS, JUMP = 16, 0.1  # of taking them anew after a jump of the logarithm
HUGE = 1e100  # lengths for which no bound is tried: squares must not overflow


class Tangents:
    """Where the logarithm is replaced by tangents, for each label."""

    def __init__(self, table: LossSlopes, top: float) -> None:
        self.table, labels = table, len(table.logs)
        self.pace = np.full(labels, 0.5)
        self.calls, self.last = 0, math.inf
        self.take(np.zeros(labels), np.full(labels, top))

    def take(self, rates: Array, q: Array) -> None:
        """Take other tangents."""
        self.rates, self.q = rates, q
        self.by = np.array([1 / q, rates]).T
        self.tilted = self.table.tilted(rates)
        self.numbers = np.array([rates, 1 / q, np.log(q) - 1]).T.tolist()
        self.steepest = max(map(abs, rates.tolist()))


class TangentBound:
    """One hidden layer and one output t.

    With h the hidden values and s their slopes, the squared norm is ``d(t)**2 Q`` with
    ``Q = 1 + sum_i h_i**2 + X w_i**2 s_i**2`` and X bounds ``||x||**2 + 1``.  For any
    rate c and any q > 0,

        log(d**2 Q) <= a(c) + c t + Q / q + log q - 1 ,

    and the right side is a sum of functions of one h_i each, ``t = b + sum w_i h_i``.
    Each is bounded on a grid of its values: between two nodes by the larger of them and
    an eighth of the squared step times what it can be curved downward.  The rates and q
    of one step serve the next, improved by what was found.
    """

    def __init__(self, network: Network, x: RecordSet, table: LossSlopes) -> None:
        self.network, self.x, self.table = network, x, table
        self.first, self.last = network.layers
        hidden = self.first.activation
        assert hidden is not None
        self.activation = hidden
        self.curve = {"tanh": 4.0, "expit": 1.0, "relu": 0.0}[hidden]
        # records on either side of zero
        centered = x.middle is None and x.ball is None and hidden != "relu"
        self.around = np.array([-x.radius, x.radius]) if centered else None
        self._tangents: dict[str, Tangents] = {}

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound; calls of one kind share their tangents."""
        if not is_finite(weights):
            return math.inf
        with np.errstate(all="ignore"):
            at = self._at(weights, factors)
            found = self._bound(at, kind)
            if self.x.ball is not None:
                found = min(self._apart(weights, factors), found)
            return self._plain(at, found)

    def _plain(self, at: _Functions, found: float) -> float:
        """Return the least of a bound and what an enclosure of the gradient would say.

        That is the largest d times the length of what goes with it, each by itself.
        """
        squares = (at.one + at.most) * GROWN
        top = self.table.reached(at.low, at.high)
        if found * found <= math.exp(min(top, 1400.0)) * squares:
            return found
        plain = self.table.exact(at.low, at.high) * math.sqrt(squares) * GROWN + LEAST
        return plain if plain < found else found  # NaN is not

    def _apart(self, weights: Weights, factors: Factors) -> float:
        """Return a bound by the length of all h together, of d and s for themselves."""
        first, last = self.first, self.last
        w, b1 = weights[last.weight][:, 0], bias_of(first, weights)
        longest = self.x.longest(self.activation, weights[first.weight], b1)
        if not longest < HUGE:
            return math.inf
        low, high = ends = self.x.through(weights[first.weight], b1)
        h = active(self.activation, ends)
        b = None if last.bias is None else weights[last.bias].reshape(-1)
        t = affine((h[0] + h[1]) / 2, (h[1] - h[0]) / 2 * GROWN, w[:, None], b)
        middle = 0.0 if b is None else b.item()
        reach = float(np.sqrt(w @ w)) * longest * GROWN + LOST * abs(middle) + TINY
        least, most = max(t[0].item(), middle - reach), min(t[1].item(), middle + reach)
        top = self.table.most(least, most)
        if not top < 1400:
            return math.inf
        weight = factors.get(first.weight, 1.0) * self.x.square
        weight += bias_factor(first, factors)
        slopes = steepest(self.activation, low, high) * w
        total = factors.get(last.weight, 1.0) * longest * longest
        total += bias_factor(last, factors) + weight * float(slopes @ slopes)
        return math.exp(top / 2) * math.sqrt(total * GROWN) * GROWN + LEAST

    def _bound(self, at: _Functions, kind: str) -> float:
        known = self._tangents.get(kind)
        fresh = known is None
        if known is None:
            top = at.one + float(at.both[0].max(axis=1).sum()) + 1e-9
            known = self._tangents[kind] = Tangents(self.table, top)
        logs = self._logs(at, known)
        known.calls += 1
        top = max(logs)
        if fresh or top > known.last + JUMP:  # they have moved far
            known.pace[:] = 0.5
            rounds = ROUNDS
        else:
            rounds = int(known.calls % EVERY == 0)
        for _ in range(rounds):
            logs = self._improved(at, known, logs)
        if not all(log < 1400 for log in logs):
            # NaN, too: nothing is to be learnt from such weights
            del self._tangents[kind]
            return math.inf
        top = known.last = max(logs)
        return math.exp(top / 2) * GROWN + LEAST

    def _improved(
        self, at: _Functions, known: Tangents, logs: list[float]
    ) -> list[float]:
        """Try tangents nearer to where the bound is largest; keep what is better."""
        rates, q = known.rates, known.q
        self._propose(at, known)
        new = self._logs(at, known)
        worse = np.array([not n < log for n, log in zip(new, logs, strict=True)])
        known.take(np.where(worse, rates, known.rates), np.where(worse, q, known.q))
        known.pace[worse] = np.maximum(known.pace[worse] / 2, 1 / 16)
        known.pace[~worse] = np.minimum(known.pace[~worse] * 2, 1 / 2)
        # what is no number proves nothing
        return [n if n < log else log for n, log in zip(new, logs, strict=True)]

    def _at(self, weights: Weights, factors: Factors) -> _Functions:
        """Return what the bound is made of at these weights."""
        first, last = self.first, self.last
        w = weights[last.weight][:, 0]
        b = 0.0 if last.bias is None else weights[last.bias].item()
        reach = self._reach(weights[first.weight], bias_of(first, weights))
        steep = steepest(self.activation, *reach)
        ends = active(self.activation, reach)
        span = ends[1] - ends[0]
        # the sum of |w|, by the inequality of Cauchy and Schwarz
        total = math.sqrt(len(w) * np.dot(w, w).item()) * GROWN
        total *= 1 + (float(ends[1].max()) if self.activation == "relu" else 1.0)
        low, high = np.dot(ends, w).tolist()
        spread = np.dot(span, np.abs(w)).item() / 2 + LOST * (total + abs(b)) + TINY
        middle = (low + high) / 2 + b
        weight = w * w
        weight *= self._factor(factors)
        if self.activation == "relu":
            weight *= ~(ends[1] <= 0)  # of NaN, too
        h = np.dot(ends.T, BETWEEN)
        both = np.empty((2, *h.shape))
        np.multiply(w[:, None], h, out=both[1])
        self._squares(h, weight, factors.get(last.weight, 1.0), both[0])
        span *= span
        sag = np.dot(weight, span).item() * self.curve * SAG
        one = bias_factor(last, factors)
        flat = factors.get(last.weight, 1.0)
        largest = np.maximum(-ends[0], ends[1])
        most = flat * np.dot(largest, largest) + np.dot(weight, steep * steep)
        low, high = middle - spread, middle + spread
        return _Functions(both, low, high, sag, b, one, total, float(most))

    def _reach(self, w: Array, b: Array | None) -> Array:
        """Return the ends of all arguments of the activation: (2, units)."""
        if self.around is None:
            return self.x.through(w, b)
        # What rounds off a sum b + r is made up for: where r is not much smaller than
        # b, as radii were widened; else it is an ulp of b, which moves no saturating
        # function by SLACK, nor its slope by more than GROWN allows.
        ends: Array = np.dot(self.around, np.abs(w))
        if b is not None:
            ends += b
        return ends

    def _factor(self, factors: Factors) -> float:
        """Return what the squared slopes are multiplied by, beside w."""
        each = factors.get(self.first.weight, 1.0) * self.x.square
        return (each + bias_factor(self.first, factors)) * GROWN

    def _squares(self, h: Array, weight: Array, flat: float, out: Array) -> None:
        """Work out ``flat * h**2 + weight * s**2``, s being the slope at a value h.

        The second derivative of s**2 by h is ``12 h**2 - 4`` for tanh and
        ``2 - 12 h (1 - h)`` for the logistic function: at least -4 and -1.  (Where
        values saturate, ``1 - h * h`` is off by 1e-16; the range of h was widened by
        ``SLACK``, which moves it by far more.)
        """
        squares = h * h
        if self.activation == "relu":
            out[:] = weight[:, None]
        else:
            np.subtract(1.0 if self.activation == "tanh" else h, squares, out=out)
            out *= out
            out *= weight[:, None]
        out += squares if flat == 1 else flat * squares

    def _logs(self, at: _Functions, known: Tangents) -> list[float]:
        """Return the logarithm of the squared bound, for each label."""
        above = self.table.above(known.tilted, at.low, at.high)
        tops = np.maximum.reduce(at.terms(known), axis=2)
        parts = np.add.reduce(tops, axis=1).tolist()
        # no end of a cell is farther out than 2 total + |b|, and terms are at least
        # -|c| total, so that absolute values sum up to no more than is counted here;
        # logarithms of doubles are at most 750
        slack = LOST * (4 * at.total + 2 * abs(at.b)) * known.steepest + 2400 * SLACK
        fixed = at.one + at.sag
        return [
            a + c * at.b + (part + fixed * by) * GROWN + log + slack
            for a, part, (c, by, log) in zip(above, parts, known.numbers, strict=True)
        ]

    def _propose(self, at: _Functions, known: Tangents) -> None:
        q, c, rows = known.q, known.rates, np.arange(len(known.rates))
        each, lines = at.both
        k, place = np.arange(len(each)), at.terms(known).argmax(axis=2)
        here = np.maximum(at.one + each[k, place].sum(axis=1), 1e-12)
        t = at.b + lines[k, place].sum(axis=1)
        known.take(
            c + (self.table.rates(rows, t) - c) * known.pace,
            q * (here / q) ** known.pace,
        )


class _Functions(NamedTuple):
    """Of every hidden unit h, at nodes of its range; and the range of the output."""

    both: Array  # h**2 + weight * s**2, and w * h
    low: float
    high: float
    sag: float
    b: float
    one: float
    total: float  # no sum of |w h| is larger
    most: float  # no sum of the first of both is larger

    def terms(self, known: Tangents) -> Array:
        """Return the sums of both, for each label, unit and node."""
        _, units, nodes = self.both.shape
        return np.dot(known.by, self.both.reshape(2, -1)).reshape(-1, units, nodes)
