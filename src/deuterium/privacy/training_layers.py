"""What bounds a gradient's norm: networks of one hidden layer, and deeper ones.

All sums that are formed have terms of one sign, or are widened by ``SLACK`` times the
sum of their terms' absolute values, which is far more than rounding can do to them (n
terms lose at most n ulps, and there are fewer than ``MANY``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deuterium.bound import Box, Domain, enclose
from deuterium.graph.variable import Variable
from deuterium.privacy.copies import each_label
from deuterium.privacy.training_network import Network
from deuterium.transform import grad
from deuterium.transform.simplify import simplify

__all__ = ["Deep", "Inputs", "Scalar", "Slopes", "Softmax"]

Array = Any
Weights = Mapping[str, Array]

SLACK = 1e-12
GROWN = 1 + 1e-10
REACH = 60.0  # logits with which the table of slopes has fine cells
CELL = 1 / 32
NODES = np.linspace(0, 1, 33)  # of an activation's values, from least to most
EVERY = 8  # steps after which tangents are taken anew
ROUNDS, JUMP = 16, 0.1  # of taking them anew after a jump of the logarithm


# -- what goes in and through --------------------------------------------------------


class Inputs:
    """The box of records."""

    def __init__(self, low: Array, high: Array) -> None:
        self.center = (low + high) / 2
        self.radius = np.maximum(high - self.center, self.center - low) * GROWN
        self.most = np.maximum(np.abs(low), np.abs(high))
        self.middle = self.center if self.center.any() else None
        self.square = float((self.most**2).sum()) * GROWN


def _affine(center: Array | None, radius: Array, w: Array, b: Array | None) -> Any:
    """Return the ends of ``x @ w + b``, rounded outward; a center of zero is None."""
    size = np.abs(w)
    spread = radius @ size
    slack = spread
    if center is not None:
        slack = slack + np.abs(center) @ size
    if b is not None:
        slack = slack + np.abs(b)
    spread = spread + SLACK * slack
    if center is None:
        return (-spread, spread) if b is None else (b - spread, b + spread)
    middle = center @ w if b is None else center @ w + b
    return middle - spread, middle + spread


def _active(name: str, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the ends of an activation (increasing, slopes at most 1)."""
    if name == "relu":
        return np.maximum(low, 0.0), np.maximum(high, 0.0)
    if name == "tanh":
        return np.maximum(np.tanh(low) - SLACK, -1), np.minimum(
            np.tanh(high) + SLACK, 1
        )
    with np.errstate(over="ignore"):
        ends = [1 / (1 + np.exp(-z)) for z in (low, high)]
    return np.maximum(ends[0] - SLACK, 0), np.minimum(ends[1] + SLACK, 1)


def _steepest(name: str, low: Array, high: Array) -> Array:
    """Return the largest slope of an activation from the ends of its argument."""
    if name == "relu":
        return (high > 0) * 1.0
    near = np.clip(0.0, low, high)  # both slopes fall off on either side of zero
    value = np.tanh(near if name == "tanh" else near / 2)
    return (
        np.minimum(1 - value * value + SLACK, 1.0) * (1.0 if name == "tanh" else 0.25)
        + SLACK
    )


class Slopes:
    """The slope of a loss by its one output, in cells: ``log(slope**2)`` from above.

    One row per label; where labels are not finitely many, one row for all.
    """

    def __init__(self, edges: Array, logs: Array) -> None:
        self.edges, self.logs = edges, logs

    @classmethod
    def of(
        cls, network: Network, labels: Sequence[Variable], domain: Domain
    ) -> Slopes | None:
        """Return the table of a network's loss, or None where it is not bounded."""
        fine = np.arange(-16, 16, CELL)
        coarse = np.arange(16, REACH + 1, 1.0)
        far = np.geomspace(100, 1e6, 5)
        edges = np.concatenate([-far[::-1], -coarse[:0:-1], fine, coarse, far])
        low, high = edges[:-1, None, None], edges[1:, None, None]
        slope = simplify(grad(network.head, network.output))
        rows = []
        for fixed in each_label(labels, domain):
            found = enclose(slope, Box({network.output: (low, high)}) & fixed)
            size = np.maximum(np.abs(found.lower), np.abs(found.upper))
            rows.append(np.broadcast_to(size, low.shape).reshape(-1))
        sizes = np.array(rows)
        if not np.isfinite(sizes).all():
            return None
        return cls(edges, 2 * np.log(np.maximum(sizes, 1e-150)) + 1e-13 * 700)

    def within(self, low: float, high: float) -> tuple[Array, Array]:
        """Return edges and logarithms of the cells that a range touches."""
        if low < self.edges[0] or high > self.edges[-1]:
            return np.array([low, high]), np.full((len(self.logs), 1), np.inf)
        i = max(int(np.searchsorted(self.edges, low)) - 1, 0)
        j = max(int(np.searchsorted(self.edges, high)), i + 1)
        return self.edges[i : j + 1].clip(low, high), self.logs[:, i:j]

    def above(self, rate: Array, cells: tuple[Array, Array]) -> Array:
        """Return ``a`` so that ``log(slope**2) <= a + rate * t`` for all t in cells."""
        ends, logs = cells
        lifted = np.multiply.outer(-rate, ends)
        return (logs + np.maximum(lifted[:, :-1], lifted[:, 1:])).max(axis=1)

    def rate(self, row: int, t: float) -> float:
        """Return the slope of ``log(slope**2)`` near t, roughly."""
        i = int(np.searchsorted(self.edges, t))
        i, j = max(i - 9, 0), min(i + 7, self.logs.shape[1] - 1)
        return float(
            (self.logs[row, j] - self.logs[row, i]) / (self.edges[j] - self.edges[i])
        )


# -- one hidden layer ----------------------------------------------------------------


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
        self.rates = np.zeros(len(table.logs))
        self.pace = np.full(len(table.logs), 0.5)
        self.q: Array | None = None
        hidden = network.layers[0].activation
        assert hidden is not None
        self.activation = hidden
        self.curve = {"tanh": 4.0, "expit": 1.0, "relu": 0.0}[hidden]
        self._calls, self._last = 0, math.inf

    def __call__(self, weights: Weights) -> float:
        """Return the bound."""
        at = self._at(weights)
        fresh = self.q is None
        if self.q is None:
            top = at.one + float(at.each.max(axis=1).sum()) + 1e-9
            self.q = np.full(len(self.rates), top)
        logs = self._logs(at)
        self._calls += 1
        if fresh or logs.max() > self._last + JUMP:  # the weights have moved far
            self.pace[:] = 0.5
            rounds = ROUNDS
        else:
            rounds = int(self._calls % EVERY == 0)
        for _ in range(rounds):
            logs = self._improved(at, logs)
        top = self._last = float(logs.max())
        return math.exp(top / 2) * GROWN if top < 1400 else math.inf

    def _improved(self, at: _Functions, logs: Array) -> Array:
        """Try tangents nearer to where the bound is largest; keep what is better."""
        assert self.q is not None
        before = self.rates.copy(), self.q.copy()
        self._propose(at)
        new = self._logs(at)
        worse = ~(new < logs)
        self.rates[worse], self.q[worse] = before[0][worse], before[1][worse]
        self.pace[worse] = np.maximum(self.pace[worse] / 2, 1 / 16)
        self.pace[~worse] = np.minimum(self.pace[~worse] * 2, 1 / 2)
        return np.minimum(new, logs)

    def _at(self, weights: Weights) -> _Functions:
        """Return what the bound is made of at these weights."""
        first, last = self.network.layers
        b1 = None if first.bias is None else weights[first.bias]
        w = weights[last.weight][:, 0]
        b = 0.0 if last.bias is None else float(weights[last.bias].reshape(-1)[0])
        low, high = _affine(self.x.middle, self.x.radius, weights[first.weight], b1)
        low, high = _active(self.activation, low, high)
        span, size = high - low, np.abs(w)
        most = float(high.max()) if self.activation == "relu" else 1.0
        total = float(size.sum()) * (1 + most)
        spread = float(span @ size) / 2 + SLACK * (total + abs(b))
        middle = (low + high) @ w / 2 + b
        cells = self.table.within(middle - spread, middle + spread)
        weight = (self.x.square + (first.bias is not None)) * GROWN * w * w
        if self.activation == "relu":
            weight = weight * (high > 0)
        h = low[:, None] + span[:, None] * NODES
        each = h * h + weight[:, None] * _steepness(self.activation, h)
        dip = np.maximum(weight * self.curve - 2, 0.0) * span * span
        sag = float(dip.sum()) * ((NODES[1] - NODES[0]) ** 2 / 8)
        one = float(last.bias is not None)
        return _Functions(each, w[:, None] * h, cells, sag, b, one, total)

    def _logs(self, at: _Functions) -> Array:
        """Return the logarithm of the squared bound, for each label."""
        q, c = self.q, self.rates
        assert q is not None
        above = self.table.above(c, at.cells)
        tops = (at.each / q[:, None, None] + c[:, None, None] * at.lines).max(axis=2)
        parts = tops.sum(axis=1) + (at.one + at.sag) / q
        # terms are at least -|c| total, so their absolute values sum up to at most this
        slack = parts + np.abs(c) * (2 * at.total + abs(at.b)) + np.abs(above) + 800
        return above + c * at.b + parts + np.log(q) - 1 + SLACK * slack

    def _propose(self, at: _Functions) -> None:
        q = self.q
        assert q is not None
        k = np.arange(len(at.each))
        for row, pace in enumerate(self.pace.tolist()):
            terms = at.each / q[row] + self.rates[row] * at.lines
            place = k, terms.argmax(axis=1)
            here = at.one + float(at.each[place].sum())
            rate = self.table.rate(row, at.b + float(at.lines[place].sum()))
            q[row] *= (max(here, 1e-12) / q[row]) ** pace
            self.rates[row] += (rate - self.rates[row]) * pace


class _Functions(NamedTuple):
    """Of every hidden unit h, at nodes of its range; and the cells of the output."""

    each: Array  # h**2 + weight * s**2
    lines: Array  # w * h
    cells: tuple[Array, Array]
    sag: float
    b: float
    one: float
    total: float  # no sum of |w h| is larger


def _steepness(activation: str, h: Array) -> Array:
    """Return the squared slope where an activation has the value h.

    Its second derivative by h is ``12 h**2 - 4`` for tanh, ``2 - 12 h (1 - h)`` for the
    logistic function: at least -4 and -1.
    """
    if activation == "relu":
        return np.ones_like(h)
    slope = 1 - h * h if activation == "tanh" else h * (1 - h)
    return slope * slope


class Softmax:
    """One hidden layer and the cross-entropy of a softmax p with a unit vector e_y.

    The squared norm is convex in p, so at most that at a vertex: ``p - e_y`` is
    ``(1 - p_y)`` times a mean of ``e_k - e_y`` over k.  For each pair,

        (1 - p_y)**2 (2 + sum_i max_h 2 h**2 + X s**2 (w_ik - w_iy)**2) .
    """

    def __init__(self, network: Network, x: Inputs) -> None:
        self.network, self.x = network, x
        k = network.output.size
        self.first, self.second = np.nonzero(~np.eye(k, dtype=bool))

    def __call__(self, weights: Weights) -> float:
        """Return the bound."""
        first, last = self.network.layers
        assert first.activation is not None
        b1 = None if first.bias is None else weights[first.bias]
        b2 = None if last.bias is None else weights[last.bias].reshape(-1)
        w = weights[last.weight]
        low, high = _affine(self.x.middle, self.x.radius, weights[first.weight], b1)
        h = _active(first.activation, low, high)
        weight = (self.x.square + (first.bias is not None)) * GROWN
        squares = _pair_squares(w)
        most = np.maximum(-h[0], h[1]) ** 2
        if first.activation == "tanh":
            # u = h**2: 2 u + X D (1 - u)**2 is convex in u
            least = np.maximum(np.maximum(h[0], -h[1]), 0.0) ** 2
            at = [2 * u + weight * squares * (1 - u) ** 2 for u in (least, most)]
            each = np.maximum(at[0], at[1])
        else:
            steep = _steepest(first.activation, low, high)
            each = 2 * most + weight * squares * steep**2
        total = each.sum(axis=2) + 2.0 * (last.bias is not None)
        wrong = _wrong(h, w, b2)
        np.fill_diagonal(total, 0.0)
        return math.sqrt(float((total.max(axis=0) * wrong**2).max())) * GROWN


def _pair_squares(w: Array) -> Array:
    """Return ``(w_ik - w_iy)**2`` by k, y and i."""
    columns = w.T
    apart = columns[:, None, :] - columns[None, :, :]
    return apart * apart


def _wrong(h: tuple[Array, Array], w: Array, b: Array | None) -> Array:
    """Return the largest ``1 - p_y`` for each class y."""
    middle, radius = (h[0] + h[1]) / 2, (h[1] - h[0]) / 2 * GROWN
    low, high = _affine(middle, radius, w, b)
    apart = np.minimum(high[:, None] - low[None, :], 700.0)  # t_k - t_y at most
    others = np.exp(apart)
    np.fill_diagonal(others, 0.0)
    total = others.sum(axis=0)
    return np.minimum(total / (1 + total) * GROWN, 1.0)


# -- deeper networks -----------------------------------------------------------------


class Deep:
    """Any number of layers: lengths of values going up, of slopes coming down."""

    def __init__(
        self, network: Network, x: Inputs, table: Slopes | None = None
    ) -> None:
        self.network, self.x, self.table = network, x, table

    def __call__(self, weights: Weights) -> float:
        """Return the bound."""
        center, radius = self.x.center, self.x.radius
        squares, steep = [self.x.square], []
        h: tuple[Array, Array] = center - radius, center + radius
        for layer in self.network.layers:
            b = None if layer.bias is None else weights[layer.bias].reshape(-1)
            low, high = _affine(center, radius, weights[layer.weight], b)
            if layer.activation is None:
                break
            h = _active(layer.activation, low, high)
            steep.append(_steepest(layer.activation, low, high))
            squares.append(float((np.maximum(-h[0], h[1]) ** 2).sum()) * GROWN)
            center, radius = (h[0] + h[1]) / 2, (h[1] - h[0]) / 2 * GROWN
        down = self._head(h, low, high, weights)
        return math.sqrt(self._total(down, squares, steep, weights)) * GROWN

    def _head(self, h: Any, low: Array, high: Array, weights: Weights) -> float:
        """Return how long the slope by the output can be."""
        if self.table is not None:
            cells = self.table.within(float(low[0]), float(high[0]))
            above = self.table.above(np.zeros(len(self.table.logs)), cells)
            if above.max() == math.inf:
                return math.inf
            return math.exp(float(above.max()) / 2) * GROWN
        last = self.network.layers[-1]
        b = None if last.bias is None else weights[last.bias].reshape(-1)
        return math.sqrt(2) * float(_wrong(h, weights[last.weight], b).max()) * GROWN

    def _total(
        self, down: float, squares: list[float], steep: list[Array], weights: Weights
    ) -> float:
        total = 0.0
        layers = self.network.layers
        for i in range(len(layers) - 1, -1, -1):
            total += down**2 * (squares[i] + (layers[i].bias is not None))
            if i:
                down *= _spectral(steep[i - 1][:, None] * weights[layers[i].weight])
        return total


def _spectral(a: Array) -> float:
    """Return a number that the spectral norm of a matrix does not exceed."""
    size = np.abs(a)
    both = a @ a.T if len(a) <= a.shape[1] else a.T @ a
    return GROWN * min(
        math.sqrt(float((a * a).sum())),
        math.sqrt(float(size.sum(axis=0).max()) * float(size.sum(axis=1).max())),
        math.sqrt(math.sqrt(float((both * both).sum()))),
    )
