"""Hypothesis strategies: random graphs over every operator, and boxes for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.domain.domain import Box, Domain
from deuterium.graph.constructors import apply, constant, symbol
from deuterium.graph.operator import OPERATORS, Operator, same_shape
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.testing.optional import require

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
_GROWS = frozenset({"exp", "exp2", "expm1", "sinh", "cosh"})


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
    """
    st = require("hypothesis.strategies", "hypothesis", "graphs")

    @st.composite  # type: ignore[untyped-decorator]
    def build(draw: Draw) -> Any:
        shapes = SHAPES if arrays else SCALARS
        count = draw(st.integers(1, 3))
        pool: Pool = [symbol(n, draw(st.sampled_from(shapes))) for n in "xyz"[:count]]
        steps = [_unary_step, _unary_step, _binary_step, _power_step, _counted_step]
        steps += [] if defined else [_removable_step]
        steps += [_array_step, _product_step, _join_step] if arrays else []
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
         and op.shape is same_shape),
        key=lambda op: op.name,
    )  # fmt: skip


def _tamed(op: Operator, x: Any) -> Any:
    if op.name in _GROWS:
        return np.tanh(x) * 2
    if op.name == "tan":
        return np.tanh(x)
    if op.name == "reciprocal":
        return 0.5 + np.square(x)
    domain = op.facts.get("domain", (-np.inf, np.inf))
    tame = _TAME.get((float(domain[0]), float(domain[1])))
    return x if tame is None else tame(x)


def _binary_step(draw: Draw, st: Any, pool: Pool, defined: bool) -> Any:
    op = draw(st.sampled_from(sorted(_BINARY)))
    a = _latest(draw, st, pool)
    if draw(st.booleans()):
        b: Any = _number(draw, st)
    else:
        b = draw(st.sampled_from([p for p in pool if _broadcast(a, p)]))
    if defined:
        a, b = _BINARY[op](a, b)
    return OPERATORS[op](a, b)


def _positive(x: Any) -> Any:
    return 0.25 + np.square(x)


_BINARY: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    **dict.fromkeys(
        ("add", "subtract", "multiply", "maximum", "minimum", "hypot", "logaddexp",
         "direction_cosine"),
        lambda a, b: (a, b),
    ),
    "divide": lambda a, b: (a, _positive(b)),
    "guarded_divide": lambda a, b: (a, _positive(b)),
    "power": lambda a, b: (_positive(np.tanh(a)), np.tanh(b) * 3),
    **dict.fromkeys(
        ("rel_entr", "kl_div"), lambda a, b: (_positive(a), _positive(b))
    ),
    "xlogy": lambda a, b: (a, _positive(b)),
    "xlog1py": lambda a, b: (a, np.square(b) - 0.5),
}  # fmt: skip


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
    both = {"m": m, "n": n}
    # apart, where they are to be: a closed form has its quotient's pole
    positive = (0.25 + np.square(np.tanh(x)), 1.5 + np.square(y)) if defined else (x, y)
    tame = (np.tanh(x), 1.5 + np.tanh(y) / 4) if defined else (x, y)
    wave = 1.5 + np.square(x) if defined else x
    choices: Sequence[Callable[[], Any]] = (
        lambda: apply(OPERATORS["sinc"], (wave,), {"n": n - 1}),
        lambda: apply(OPERATORS["power_log"], positive, {"n": n}),
        lambda: apply(OPERATORS["exp_difference"], tame, both),
        lambda: apply(OPERATORS["log_difference"], positive, both),
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
        lambda: _last("softmax", x, x.shape),
        lambda: _last("norm", x, x.shape[:-1]),
        lambda: _last("direction", _positive(x) if defined else x, x.shape),
        lambda: _last("logsumexp", x, x.shape[:-1]),
    )
    return functions[draw(st.integers(0, len(functions) - 1))]()


def _last(name: str, x: Any, shape: tuple[int, ...]) -> Any:
    result = OPERATORS[name](x)
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


def boxes(v: Variable, *, largest: float = 3.0) -> Any:
    """Return a strategy for boxes around the symbols of a graph.

    Wide and narrow ones, single points, with zero inside, at an end or outside.

    Parameters
    ----------
    v : Variable
        The graph.
    largest : float
        No bound is larger in size.
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
