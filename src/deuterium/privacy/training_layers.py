"""What bounds a gradient's norm: networks of one hidden layer, and deeper ones.

Every bound takes a factor for each parameter and bounds the square root of the sum of
``factor * squared norm of the gradient by that parameter``.  Rounding: see
`training_parts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deuterium.privacy.training_network import Layer, Network
from deuterium.privacy.training_parts import (
    GROWN,
    LOST,
    SLACK,
    TINY,
    Ends,
    Inputs,
    Slopes,
    Weights,
    active,
    affine,
    spectral,
    steepest,
)

__all__ = ["ONES", "Deep", "Factors", "Scalar", "Softmax"]

Array = Any
Factors = Mapping[str, float]
ONES: Factors = {}  # parameters that are not named have the factor 1

NODES = np.linspace(0, 1, 33)  # of an activation's values, from least to most
EVERY = 16  # steps after which tangents are taken anew
SAG = (NODES[1] - NODES[0]) ** 2 / 8 * GROWN
ROUNDS, JUMP = 16, 0.1  # of taking them anew after a jump of the logarithm
HUGE = 1e100
LEAST = 1e-100  # no bound is smaller: what underflows has no part in it


def _bias(layer: Layer, factors: Factors) -> float:
    return 0.0 if layer.bias is None else factors.get(layer.bias, 1.0)


def _of_bias(layer: Layer, weights: Weights) -> Array | None:
    return None if layer.bias is None else weights[layer.bias].reshape(-1)


# -- one hidden layer, one output -----------------------------------------------------


class Tangents:
    """Where the logarithm is replaced by tangents, for each label."""

    def __init__(self, labels: int, top: float) -> None:
        self.pace = np.full(labels, 0.5)
        self.calls, self.last = 0, math.inf
        self.take(np.zeros(labels), np.full(labels, top))

    def take(self, rates: Array, q: Array) -> None:
        """Take other tangents."""
        self.rates, self.q, self.logs = rates, q, np.log(q) - 1
        self.by = np.array([1 / q, rates]).T
        self.steepest = float(np.abs(rates).max())


class Scalar:
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

    def __init__(self, network: Network, x: Inputs, table: Slopes) -> None:
        self.network, self.x, self.table = network, x, table
        hidden = network.layers[0].activation
        assert hidden is not None
        self.activation = hidden
        self.curve = {"tanh": 4.0, "expit": 1.0, "relu": 0.0}[hidden]
        self._tangents: dict[str, Tangents] = {}

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound; calls of one kind share their tangents."""
        with np.errstate(all="ignore"):
            found = self._bound(self._at(weights, factors), kind)
            if self.x.ball is None:
                return found
            return min(self._apart(weights, factors), found)

    def _apart(self, weights: Weights, factors: Factors) -> float:
        """Return a bound by the length of all h together, of d and s for themselves."""
        first, last = self.network.layers
        w, b1 = weights[last.weight][:, 0], _of_bias(first, weights)
        longest = self.x.longest(self.activation, weights[first.weight], b1)
        if not longest < HUGE:
            return math.inf
        low, high = self.x.through(weights[first.weight], b1)
        h = active(self.activation, low, high)
        b = None if last.bias is None else weights[last.bias].reshape(-1)
        ends = affine((h[0] + h[1]) / 2, (h[1] - h[0]) / 2 * GROWN, w[:, None], b)
        middle = 0.0 if b is None else b.item()
        reach = float(np.sqrt(w @ w)) * longest * GROWN + LOST * abs(middle) + TINY
        t = max(ends[0].item(), middle - reach), min(ends[1].item(), middle + reach)
        above = self.table.above(np.zeros(len(self.table.logs)), self.table.within(*t))
        top = max(above.tolist())
        if not top < 1400:
            return math.inf
        weight = factors.get(first.weight, 1.0) * self.x.square + _bias(first, factors)
        slopes = steepest(self.activation, low, high) * w
        total = factors.get(last.weight, 1.0) * longest * longest + _bias(last, factors)
        total += weight * float(slopes @ slopes)
        return math.exp(top / 2) * math.sqrt(total * GROWN) * GROWN + LEAST

    def _bound(self, at: _Functions, kind: str) -> float:
        known = self._tangents.get(kind)
        fresh = known is None
        if known is None:
            top = at.one + float(at.both[0].max(axis=1).sum()) + 1e-9
            known = self._tangents[kind] = Tangents(len(self.table.logs), top)
        logs = self._logs(at, known)
        known.calls += 1
        top = max(logs.tolist())
        if fresh or top > known.last + JUMP:  # they have moved far
            known.pace[:] = 0.5
            rounds = ROUNDS
        else:
            rounds = int(known.calls % EVERY == 0)
        for _ in range(rounds):
            logs = self._improved(at, known, logs)
        found = logs.tolist()
        if not all(log < 1400 for log in found):
            # NaN, too: nothing is to be learnt from such weights
            del self._tangents[kind]
            return math.inf
        top = known.last = max(found)
        return math.exp(top / 2) * GROWN + LEAST

    def _improved(self, at: _Functions, known: Tangents, logs: Array) -> Array:
        """Try tangents nearer to where the bound is largest; keep what is better."""
        rates, q = known.rates, known.q
        self._propose(at, known)
        new = self._logs(at, known)
        worse = ~(new < logs)
        known.take(np.where(worse, rates, known.rates), np.where(worse, q, known.q))
        known.pace[worse] = np.maximum(known.pace[worse] / 2, 1 / 16)
        known.pace[~worse] = np.minimum(known.pace[~worse] * 2, 1 / 2)
        return np.fmin(new, logs)  # what is no number proves nothing

    def _at(self, weights: Weights, factors: Factors) -> _Functions:
        """Return what the bound is made of at these weights."""
        first, last = self.network.layers
        w = weights[last.weight][:, 0]
        b = 0.0 if last.bias is None else weights[last.bias].item()
        low, high = self.x.through(weights[first.weight], _of_bias(first, weights))
        low, high = active(self.activation, low, high)
        span = high - low
        most = float(high.max()) if self.activation == "relu" else 1.0
        # the sum of |w|, by the inequality of Cauchy and Schwarz
        total = math.sqrt(len(w) * float(w @ w)) * GROWN * (1 + most) + TINY
        spread = float(span @ np.abs(w)) / 2 + LOST * (total + abs(b))
        middle = float((low + high) @ w) / 2 + b
        cells = self.table.within(middle - spread, middle + spread)
        in_first = factors.get(first.weight, 1.0) * self.x.square
        weight = w * w
        weight *= (in_first + _bias(first, factors)) * GROWN
        if self.activation == "relu":
            weight = weight * (high > 0)
        h = span[:, None] * NODES
        h += low[:, None]
        flat = factors.get(last.weight, 1.0)
        both = np.empty((2, *h.shape))
        each, lines = both
        np.multiply(w[:, None], h, out=lines)
        squares = np.multiply(h, h, out=h if self.activation == "relu" else None)
        _steepness(self.activation, h, squares, each)
        each *= weight[:, None]
        each += squares if flat == 1 else flat * squares
        sag = float(weight @ (span * span)) * self.curve * SAG
        one = _bias(last, factors)
        return _Functions(both, cells, sag, b, one, total)

    def _logs(self, at: _Functions, known: Tangents) -> Array:
        """Return the logarithm of the squared bound, for each label."""
        c = known.rates
        above = self.table.above(c, at.cells)
        parts = at.terms(known).max(axis=2).sum(axis=1)
        parts += (at.one + at.sag) * known.by[:, 0]
        # no end of a cell is farther out than 2 total + |b|, and terms are at least
        # -|c| total, so that absolute values sum up to no more than is counted here;
        # logarithms of doubles are at most 750
        slack = LOST * (4 * at.total + 2 * abs(at.b)) * known.steepest + 2400 * SLACK
        return above + c * at.b + parts * GROWN + known.logs + slack

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
    """Of every hidden unit h, at nodes of its range; and the cells of the output."""

    both: Array  # h**2 + weight * s**2, and w * h
    cells: tuple[Array, Array]
    sag: float
    b: float
    one: float
    total: float  # no sum of |w h| is larger

    def terms(self, known: Tangents) -> Array:
        """Return the sums of both, for each label, unit and node."""
        shape = self.both.shape
        return (known.by @ self.both.reshape(2, -1)).reshape(-1, *shape[1:])


def _steepness(activation: str, h: Array, squares: Array, out: Array) -> None:
    """Work out the squared slope where an activation has the value h.

    Its second derivative by h is ``12 h**2 - 4`` for tanh, ``2 - 12 h (1 - h)`` for the
    logistic function: at least -4 and -1.  (Where values saturate, ``1 - h * h`` is off
    by 1e-16; the range of h was widened by ``SLACK``, which moves it by far more.)
    """
    if activation == "relu":
        out[:] = 1.0
    else:
        np.subtract(1.0 if activation == "tanh" else h, squares, out=out)
        out *= out


# -- one hidden layer, several classes ------------------------------------------------


class Softmax:
    """One hidden layer and the cross-entropy of a softmax p with a unit vector e_y.

    The squared norm is convex in p, so at most that at a vertex: ``p - e_y`` is
    ``(1 - p_y)`` times a mean of ``e_k - e_y`` over k.  For each pair,

        (1 - p_y)**2 (2 + sum_i max_h 2 h**2 + X s**2 (w_ik - w_iy)**2) .
    """

    def __init__(self, network: Network, x: Inputs) -> None:
        self.network, self.x = network, x
        self.pairs = np.triu_indices(network.output.size, 1)

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        with np.errstate(all="ignore"):
            return self._bound(weights, factors)

    def _bound(self, weights: Weights, factors: Factors) -> float:
        first, last = self.network.layers
        assert first.activation is not None
        b1, b2 = _of_bias(first, weights), _of_bias(last, weights)
        w = weights[last.weight]
        low, high = self.x.through(weights[first.weight], b1)
        h = active(first.activation, low, high)
        weight = factors.get(first.weight, 1.0) * self.x.square
        weight = (weight + _bias(first, factors)) * GROWN
        flat = factors.get(last.weight, 1.0)
        columns, (k, y) = np.ascontiguousarray(w.T), self.pairs
        apart = columns[k] - columns[y]
        squares = weight * apart * apart
        most = np.maximum(-h[0], h[1]) ** 2
        if first.activation == "tanh":
            # u = h**2: 2 u + X D (1 - u)**2 is convex in u
            least = np.maximum(np.maximum(h[0], -h[1]), 0.0) ** 2
            at = [2 * flat * u + squares * (1 - u) ** 2 for u in (least, most)]
            each = np.maximum(at[0], at[1])
        else:
            steep = steepest(first.activation, low, high)
            each = 2 * flat * most + squares * steep**2
        total = each.sum(axis=1)
        if self.x.ball is not None:
            longest = self.x.longest(first.activation, weights[first.weight], b1)
            steep = steepest(first.activation, low, high)
            joint = 2 * flat * longest * longest + squares @ steep**2
            total = np.fmin(total, joint)
        total += 2.0 * _bias(last, factors)
        wrong = _wrong(h, w, b2)
        wrong = np.maximum(wrong[k], wrong[y])  # either of them is the label
        return _root(float((total * wrong**2).max())) * GROWN + LEAST


def _root(x: float) -> float:
    return math.sqrt(x) if x < math.inf else math.inf  # NaN fails, too


def _wrong(h: Ends, w: Array, b: Array | None) -> Array:
    """Return the largest ``1 - p_y`` for each class y."""
    # what rounds off here is a 1e-16th of what `affine` widens by
    middle, radius = h[0] / 2 + h[1] / 2, (h[1] - h[0]) / 2 * GROWN
    low, high = affine(middle, radius, w, b)
    apart = np.minimum(high[:, None] - low[None, :], 600.0)  # t_k - t_y at most
    others = np.exp(apart)
    np.fill_diagonal(others, 0.0)
    total = others.sum(axis=0)
    return np.minimum(total / (1 + total) * GROWN + TINY, 1.0)


# -- deeper networks ------------------------------------------------------------------


class Deep:
    """Any number of layers: lengths of values going up, of slopes coming down."""

    def __init__(
        self, network: Network, x: Inputs, table: Slopes | None = None
    ) -> None:
        self.network, self.x, self.table = network, x, table

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        with np.errstate(all="ignore"):
            return self._bound(weights, factors)

    def _bound(self, weights: Weights, factors: Factors) -> float:
        squares, steep = [self.x.square], []
        h: Ends = self.x.center - self.x.radius, self.x.center + self.x.radius
        first = self.network.layers[0]
        low, high = self.x.through(weights[first.weight], _of_bias(first, weights))
        for layer in self.network.layers:
            if layer is not first:
                center, radius = h[0] / 2 + h[1] / 2, (h[1] - h[0]) / 2 * GROWN
                b = _of_bias(layer, weights)
                low, high = affine(center, radius, weights[layer.weight], b)
            if layer.activation is None:
                break
            h = active(layer.activation, low, high)
            steep.append(steepest(layer.activation, low, high))
            most = np.maximum(-h[0], h[1])
            squares.append(float((most * most).sum()) * GROWN + TINY**2)
        down = self._head(h, low, high, weights)
        total = self._total(down, squares, steep, weights, factors)
        return _root(total) * GROWN + LEAST

    def _head(self, h: Ends, low: Array, high: Array, weights: Weights) -> float:
        """Return how long the slope by the output can be."""
        if self.table is not None:
            cells = self.table.within(float(low[0]), float(high[0]))
            above = self.table.above(np.zeros(len(self.table.logs)), cells)
            if above.max() == math.inf:
                return math.inf
            return math.exp(float(above.max()) / 2) * GROWN
        last = self.network.layers[-1]
        wrong = _wrong(h, weights[last.weight], _of_bias(last, weights))
        return math.sqrt(2) * float(wrong.max()) * GROWN

    def _total(
        self,
        down: float,
        squares: list[float],
        steep: list[Array],
        weights: Weights,
        factors: Factors,
    ) -> float:
        total = 0.0
        layers = self.network.layers
        for i in range(len(layers) - 1, -1, -1):
            each = factors.get(layers[i].weight, 1.0) * squares[i]
            part = down * math.sqrt(each + _bias(layers[i], factors))
            total += part * part
            if i:
                a = steep[i - 1][:, None] * weights[layers[i].weight]
                down = down * spectral(a) + TINY**2
        return total * GROWN
