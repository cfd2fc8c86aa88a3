"""Enclosures compiled: the graph as a list of steps on stacked ends.

A step is a function of earlier results, chosen once per graph: the fast rules of
`deuterium.interval.ends` where they reach, the operator's own value where it only moves
elements (ends are one more leading axis to it), and the operator's full enclosure
otherwise.  A result that is not finite, or a box the fast rules refuse, is no answer:
the caller runs the full rules, which also find the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, ends
from deuterium.interval.ends import Uncovered
from deuterium.interval.rounding import EPS

MOVES = {"broadcast", "reshape", "transpose", "gather", "concatenate", "select"}
Step = Callable[..., Any]


@dataclass(frozen=True)
class _Known:
    """What is known of a node before any box: is it thin, is it never negative."""

    thin: bool
    nonnegative: bool


class EnclosureProgram:
    """A graph compiled for enclosures.

    Parameters
    ----------
    outputs : sequence of Variable
        What to enclose.
    fixed : mapping
        Enclosures, by the full rules, of the nodes that depend on no symbol.
    """

    def __init__(
        self, outputs: Sequence[Variable], fixed: Mapping[Variable, Interval]
    ) -> None:
        self.outputs = list(outputs)
        self._known: dict[Variable, _Known] = {}
        self._start: dict[Variable, Any] = {}
        self._wide: list[Variable] = []  # constants that are proper intervals
        self._steps: list[tuple[Variable, Step, tuple[Variable, ...]]] = []
        for node in topological(outputs):
            if node in fixed:
                self._enter_constant(node, fixed[node])
            elif node.is_symbol:
                self._known[node] = _Known(thin=False, nonnegative=False)
            else:
                self._enter_step(node)

    def _enter_constant(self, node: Variable, x: Interval) -> None:
        low, high = np.asarray(x.lower), np.asarray(x.upper)
        thin = bool(np.array_equal(low, high))
        self._start[node] = low if thin else np.stack([low, high])
        self._known[node] = _Known(thin, bool(np.all(low >= 0)))
        if not thin:
            self._wide.append(node)

    def _enter_step(self, node: Variable) -> None:
        known = [self._known[a] for a in node.args]
        self._steps.append((node, _step(node, known, self._start), node.args))
        self._known[node] = _Known(False, _is_nonnegative(node, known))

    def __call__(self, boxes: Mapping[str, Any], batch: int) -> list[Any]:
        """Return stacked ends of the outputs, or raise `Uncovered`.

        Parameters
        ----------
        boxes : mapping
            Stacked ends of each symbol, by name, all with ``batch`` batch axes.
        batch : int
            The number of batch axes.
        """
        done: dict[Variable, Any] = dict(self._start)
        for node in self._wide:
            e = done[node]
            done[node] = e.reshape((2,) + (1,) * batch + e.shape[1:])
        for node in self._known:
            if node.is_symbol:
                done[node] = boxes[node.name]
        for node, step, args in self._steps:
            done[node] = step(*[done[a] for a in args])
        results = [done[v] for v in self.outputs]
        if not all(np.isfinite(r).all() for r in results):
            raise Uncovered
        return results


def _is_nonnegative(node: Variable, known: Sequence[_Known]) -> bool:
    assert node.op is not None  # leaves do not come here
    if node.op.at_least >= 0:
        return True
    spreads = node.op.name in {"add", "multiply", "sum", "matmul", *MOVES}
    return spreads and all(k.nonnegative for k in known)


def _step(
    node: Variable, known: Sequence[_Known], start: Mapping[Variable, Any]
) -> Step:
    """Return the fastest rule that holds for a node."""
    assert node.op is not None  # leaves do not come here
    op, attrs = node.op, dict(node.attrs)
    if op.name in MOVES:
        return lambda *args: op.value(*args, **attrs)
    maker = _MAKERS.get(op.name)
    step = maker(node, known, start) if maker is not None else None
    if step is None and op.facts.get("increasing") is not None:
        step = _monotone(node)
    return step if step is not None else _full(node, known)


def _full(node: Variable, known: Sequence[_Known]) -> Step:
    """Return the operator's own enclosure, on stacked ends."""
    assert node.op is not None
    rule, attrs = node.op.enclosure, dict(node.attrs)
    thin = [k.thin for k in known]

    def step(*args: Any) -> Any:
        boxed = [
            Interval.unchecked(a, a) if t else Interval.unchecked(a[0], a[1])
            for a, t in zip(args, thin, strict=True)
        ]
        result = rule(*boxed, **attrs)
        if np.isnan(np.sum(result.lower)) or np.isnan(np.sum(result.upper)):
            raise Uncovered
        return np.stack([result.lower, result.upper])

    return step


def _monotone(node: Variable) -> Step | None:
    """Return a step for a function that only rises, or only falls, over its domain."""
    assert node.op is not None
    facts, value = node.op.facts, node.op.value
    if "ulps" not in facts:
        return None
    relative = (facts["ulps"] + 2) * EPS
    error = (relative, facts["absolute"])
    limits = facts["range"]
    (low, high), (with_low, with_high) = facts["domain"], facts["closed"]

    def step(e: Any) -> Any:
        if low > -np.inf:
            ends.require(e[0] >= low if with_low else e[0] > low)
        if high < np.inf:
            ends.require(e[1] <= high if with_high else e[1] < high)
        return ends.monotone(e, value, error, limits)

    return step if facts["increasing"] else lambda e: step(e[::-1])


# -- rules by operator ---------------------------------------------------------------


def _add(node: Variable, known: Sequence[_Known], start: Any) -> Step:
    nonnegative = all(k.nonnegative for k in known)
    return lambda a, b: ends.add(a, b, nonnegative)


def _subtract(node: Variable, known: Sequence[_Known], start: Any) -> Step:
    if known[1].thin:
        return lambda a, b: ends.add(a, -b, False)
    return lambda a, b: ends.add(a, -b[::-1], False)


def _multiply(node: Variable, known: Sequence[_Known], start: Any) -> Step:
    if all(k.nonnegative for k in known):
        return ends.multiply_nonnegative
    if known[1].thin:
        return ends.multiply_thin
    if known[0].thin:
        return lambda a, b: ends.multiply_thin(b, a)
    return ends.multiply


def _square(node: Variable, known: Sequence[_Known], start: Any) -> Step:
    nonnegative = known[0].nonnegative
    return lambda e: ends.square(e, nonnegative)


def _sum(node: Variable, known: Sequence[_Known], start: Any) -> Step:
    axis = tuple(node.attrs["axis"])
    count = int(np.prod([node.args[0].shape[i] for i in axis]))
    rule = ends.sum_nonnegative if known[0].nonnegative else ends.sum_any
    return lambda e: rule(e, axis, count)


def _matmul(
    node: Variable, known: Sequence[_Known], start: Mapping[Variable, Any]
) -> Step | None:
    a, b = node.args
    if known[1].thin and b.ndim == 2:
        pair = np.stack([start[b], np.abs(start[b])])
        return lambda e, _: ends.matmul_thin(e, pair)
    return None


def _slope(function: Callable[[Any], Any], centre: float, top: float, low: float) -> Any:
    """The slope of a logistic curve, from the ends of the curve itself."""

    def make(node: Variable, known: Sequence[_Known], start: Any) -> Step:
        error = (6 * EPS, 0.0)

        def step(e: Any) -> Any:
            curve = ends.monotone(e, function, error, (low, 1.0))
            return ends.bump(curve, centre, top)

        return step

    return make


def _logistic(x: Any) -> Any:
    import scipy.special

    return scipy.special.expit(x)


_MAKERS: dict[str, Callable[..., Step | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "square": _square,
    "sum": _sum,
    "matmul": _matmul,
    "negative": lambda node, known, start: lambda e: -e[::-1],
    "relu": lambda node, known, start: lambda e: np.maximum(e, 0.0),
    "relu'": lambda node, known, start: lambda e: np.stack([e[0] > 0, e[1] >= 0]) * 1.0,
    "tanh'": _slope(np.tanh, 0.0, 1.0, -1.0),
    "expit'": _slope(_logistic, 0.5, 0.25, 0.0),
}
