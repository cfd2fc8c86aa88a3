"""Hypothesis strategies: random graphs over every operator, and boxes for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.serialize import attribute_names
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optional import require

Pool = list[Any]  # of Variables, which NumPy's own type hints know nothing of
Draw = Callable[..., Any]

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (1, 2), (2, 1, 2))
SCALARS = SHAPES[:1]

_TAME = {  # how to bring an argument safely into a restricted domain
    (0.0, np.inf): lambda x: 0.125 + np.square(x),
    (1.0, np.inf): lambda x: 1.125 + np.square(x),
    (-1.0, np.inf): lambda x: np.square(x) - 0.5,
    (-1.0, 1.0): lambda x: 0.875 * np.tanh(x),
    (0.0, 1.0): lambda x: 0.5 + 0.375 * np.sin(x),
}
_GROWS = frozenset({ops.exp, ops.exp2, ops.expm1, ops.sinh, ops.cosh, ops.i0, ops.i1})


def graphs(
    *,
    min_steps: int = 1,
    max_steps: int = 8,
    arrays: bool = True,
    defined: bool = True,
) -> Any:
    """Return a strategy for graphs: Variables of random operators on 1 to 3 symbols.

    Parameters
    ----------
    min_steps, max_steps : int
        How many steps.  A step is an operator or a NumPy function, which may take
        several nodes.
    arrays : bool
        Whether symbols may be arrays, and array functions be used.
    defined : bool
        Whether arguments are kept where operators are defined.  Otherwise a box may
        well touch poles.

    Examples
    --------
    >>> from hypothesis import given
    >>> from deuterium.testing import assert_encloses, boxes, graphs
    >>> @given(graphs())
    ... def test_mine(v):
    ...     assert v.shape is not None
    """
    st = require("hypothesis.strategies", "hypothesis", "graphs")

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: Draw) -> Any:
        shapes = SHAPES if arrays else SCALARS
        count = draw(st.integers(1, 3))
        pool: Pool = [symbol(n, draw(st.sampled_from(shapes))) for n in "xyz"[:count]]
        steps = [_unary_step, _unary_step, _binary_step, _power_step, _choice_step]
        steps += [_counted_step] if defined else [_counted_step, _removable_step]
        if arrays:
            steps += [_array_step, _product_step, _join_step, _system_step]
        for _ in range(draw(st.integers(min_steps, max_steps))):
            pool.append(draw(st.sampled_from(steps))(draw, st, pool, defined))
        return pool[-1]

    return build()


def _latest(draw: Draw, st: Any, pool: Pool) -> Any:
    """Prefer what was made last, so that graphs grow deep."""
    last = len(pool) - 1
    return pool[last - draw(st.one_of(st.just(0), st.just(0), st.integers(0, last)))]


def _unary_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    op = draw(st.sampled_from(_unary_operators()))
    x = _latest(draw, st, pool)
    if defined:
        x = _tamed(op, x)
    return op(x)


def _unary_operators() -> list[Operator]:
    return sorted(
        (op for op in OPERATORS.values() if op.elementwise and op.arity == 1
         and not attribute_names(op)),
        key=lambda op: op.name,
    )  # fmt: skip


def _tamed(op: Operator, x: Any) -> Any:
    if op in _GROWS:
        return np.tanh(x) * 2
    if op is ops.tan:
        return np.tanh(x)
    if op is ops.reciprocal:
        return 0.5 + np.square(x)
    tame = _TAME.get(op.domain)
    return x if tame is None else tame(x)


def _binary_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    op = draw(st.sampled_from(sorted(_BINARY, key=lambda op: op.name)))
    a = _latest(draw, st, pool)
    if draw(st.booleans()):
        b: Any = _number(draw, st)
    else:
        b = draw(st.sampled_from([p for p in pool if _broadcast(a, p)]))
    if defined:
        a, b = _BINARY[op](a, b)
    return op(a, b)


def _positive(x: Any) -> Any:
    return 0.25 + np.square(x)


_BINARY: dict[Operator, Callable[[Any, Any], tuple[Any, Any]]] = {
    **dict.fromkeys(
        (
            ops.add,
            ops.subtract,
            ops.multiply,
            ops.maximum,
            ops.minimum,
            ops.hypot,
            ops.logaddexp,
            ops.direction_cosine,
        ),
        lambda a, b: (a, b),
    ),
    ops.divide: lambda a, b: (a, _positive(b)),
    ops.arctan2: lambda a, b: (a, _positive(b)),
    ops.off_cut: lambda a, b: (a, _positive(b)),
    ops.floor_divide: lambda a, b: (a, _positive(b)),
    ops.remainder: lambda a, b: (a, _positive(b)),
    ops.power: lambda a, b: (_positive(np.tanh(a)), np.tanh(b) * 3),
    ops.rel_entr: lambda a, b: (_positive(a), _positive(b)),
    ops.kl_div: lambda a, b: (_positive(a), _positive(b)),
    ops.xlogy: lambda a, b: (a, _positive(b)),
    ops.xlog1py: lambda a, b: (a, np.square(b) - 0.5),
}


def _number(draw: Draw, st: Any) -> float:
    return float(
        draw(st.sampled_from((-2.0, -1.0, -0.3, 0.0, 0.1, 0.5, 1.0, 1.7, 3.0)))
    )


def _broadcast(a: Variable, b: Variable) -> bool:
    try:
        return len(np.broadcast_shapes(a.shape, b.shape)) <= 3
    except ValueError:
        return False


def _counted_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Apply an operator that has an order or counts."""
    x = _latest(draw, st, pool)
    y = draw(st.sampled_from([p for p in pool if _broadcast(x, p)]))
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    # apart, where they are to be: a closed form has its quotient's pole
    positive = (0.25 + np.square(np.tanh(x)), 1.5 + np.square(y)) if defined else (x, y)
    tame = (np.tanh(x), 1.5 + np.tanh(y) / 4) if defined else (x, y)
    wave = 1.5 + np.square(x) if defined else x
    choices: Sequence[Callable[[], Any]] = (
        lambda: ops.sinc(wave, n=n - 1),
        lambda: ops.power_log(*positive, n=n),
        lambda: ops.exp_difference(*tame, m=m, n=n),
        lambda: ops.log_difference(*positive, m=m, n=n),
    )
    return choices[draw(st.integers(0, len(choices) - 1))]()


def _removable_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Write a formula with a removable singularity as users do."""
    x = _latest(draw, st, pool)
    y = draw(st.sampled_from([p for p in pool if _broadcast(x, p)]))
    x, y = np.tanh(x), np.tanh(y)
    formulas: Sequence[Callable[[], Any]] = (
        lambda: np.sin(x) / x,
        lambda: np.expm1(x) / x,
        lambda: x / (1 - np.exp(-x)),
        lambda: (np.exp(-y) - np.exp(-x)) / (x - y),
        lambda: np.log1p(x / 2) / x,
        lambda: np.square(x) * np.log(np.square(x)),
        lambda: np.abs(x) * np.log(np.abs(x)),
        lambda: (1 - np.cos(x)) / np.square(x),
        lambda: np.log(np.cosh(x * 900)),
    )
    return formulas[draw(st.integers(0, len(formulas) - 1))]()


def _power_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    x = _latest(draw, st, pool)
    n = draw(st.integers(-3, 4))
    return np.power(_positive(x) if defined and n < 0 else x, n)


def _choice_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Choose by a condition, or interpolate."""
    x = _latest(draw, st, pool)
    if not free_symbols([x]):
        return np.tanh(
            x
        )  # numbers are compared at once, where rounding tells them apart
    other = draw(st.sampled_from([p for p in pool if _broadcast(x, p)]))
    threshold = _number(draw, st)
    functions: Sequence[Callable[[], Any]] = (
        lambda: np.where(x > threshold, x, other),
        lambda: np.where((x < other) & (x >= threshold), other, np.tanh(x)),
        lambda: np.where(np.abs(x) <= 1, x, x * x),
        lambda: np.where(x > 0.5, np.log(x), 2 * x - 1),
        lambda: np.select([x < 0, x < other], [x, 2.0], other),
        lambda: np.interp(x, [-1, 0, 0.3, 2], [0.5, -1, 0.1, 0.7]),
        lambda: (x > threshold) * other,
    )
    return functions[draw(st.integers(0, len(functions) - 1))]()


def _array_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    x = _latest(draw, st, pool)
    if not x.shape:
        return np.stack([x, x * 0.5])
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    functions: Sequence[Callable[[], Any]] = (
        lambda: np.sum(x, axis=axis),
        lambda: np.sum(x),
        lambda: np.mean(x, axis=axis, keepdims=True),
        lambda: np.prod(x, axis=axis),
        lambda: np.max(x, axis=axis),
        lambda: np.min(x, axis=axis),
        lambda: np.sort(x, axis=axis),
        lambda: np.median(x, axis=axis),
        lambda: np.cumsum(x, axis=axis),
        lambda: np.flip(x, axis=axis),
        lambda: np.roll(x, 1, axis=axis),
        lambda: np.transpose(x),
        lambda: x[..., ::-1],
        lambda: x[..., 0],
        lambda: np.repeat(x, 2, axis=axis)[..., :3],
        lambda: np.pad(x, 1)[..., :4],
        lambda: np.where(np.arange(x.size).reshape(x.shape) % 2, x, -x),
        lambda: np.linalg.norm(_positive(x) if defined else x, axis=axis),
        lambda: _last(ops.softmax_last, x, x.shape),
        lambda: _last(ops.norm, x, x.shape[:-1]),
        lambda: _last(ops.direction, _positive(x) if defined else x, x.shape),
        lambda: _last(ops.logsumexp_last, x, x.shape[:-1]),
        lambda: ops.soft_direction(x, np.sum(x * x, axis=-1) + 0.25),
        lambda: ops.rejection(x, x[..., ::-1], np.sum(x * x, axis=-1) + 0.25),
    )
    return functions[draw(st.integers(0, len(functions) - 1))]()


def _last(op: Operator, x: Any, shape: tuple[int, ...]) -> Any:
    result = op(x)
    assert result.shape == shape  # for readers: these work on the last axis
    return result


def _product_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Multiply by a constant matrix, or an array by another of the pool."""
    x = _latest(draw, st, pool)
    if not x.shape:
        return x * x
    if draw(st.booleans()):
        seed = draw(st.integers(0, 99))
        weights = np.random.default_rng(seed).normal(size=(x.shape[-1], 3)).round(2)
        return x @ constant(weights)
    return np.tensordot(x, draw(st.sampled_from(pool)), 0).ravel()[:6]


def _join_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Join what was made into one vector."""
    parts = [np.ravel(draw(st.sampled_from(pool))) for _ in range(2)]
    return np.concatenate(parts)[-6:]


def _system_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    """Solve a system, or a regression, made of a few elements."""
    row = np.ravel(_latest(draw, st, pool))[:3]
    if not row.size:
        return np.sum(row)
    ridge = constant((4.0 if defined else 0.5) * np.eye(row.size))
    flat, column = row[None, :], row[:, None]
    name = draw(st.sampled_from(("solve", "ridge_solve", "ridge_fit")))
    arguments: Mapping[str, Callable[[], Any]] = {
        "solve": lambda: (np.tanh(column) * np.tanh(flat) + ridge, column),
        "ridge_solve": lambda: (flat, ridge, column),
        "ridge_fit": lambda: (flat, ridge, np.tanh(flat[:, :1])),
    }
    return OPERATORS[name](*arguments[name]())[:, 0]


def boxes(v: Variable, *, largest: float = 3.0) -> Any:
    """Return a strategy for boxes around the symbols of a graph.

    Wide and narrow ones, single points, with zero inside, at an end or outside.

    Parameters
    ----------
    v : Variable
        The graph.
    largest : float
        No bound is larger in size.

    Examples
    --------
    >>> from hypothesis import given, strategies
    >>> from deuterium.testing import assert_encloses, boxes, graphs
    >>> @given(graphs(), strategies.data())
    ... def test_my_rule(v, data):
    ...     assert_encloses(v, data.draw(boxes(v)))
    """
    st = require("hypothesis.strategies", "hypothesis", "boxes")
    symbols = free_symbols([v])

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: Draw) -> Domain:
        return Box({s: _bounds(draw, st, s, largest) for s in symbols})

    return build()


def _bounds(draw: Draw, st: Any, s: Variable, largest: float) -> tuple[Any, Any]:
    ends = np.array(
        [draw(_pairs(st, largest)) for _ in range(s.size)], dtype=np.float64
    ).reshape((*s.shape, 2))
    return ends[..., 0], ends[..., 1]


def _pairs(st: Any, largest: float) -> Any:
    """Return a strategy for the ends of one interval."""
    special = st.sampled_from((0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, -1e-300, largest))
    anything = st.floats(-largest, largest)
    end = st.one_of(anything, special.map(lambda x: min(x, largest)))
    point = end.map(lambda x: (x, x))
    return st.one_of(st.tuples(end, end).map(sorted), point)
