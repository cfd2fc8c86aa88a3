"""ONNX's recurrent networks, written out step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.errors import InvalidInputError
from deuterium.frontends.activations import elu, softplus, softsign
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import variable
from deuterium.functions.elementwise import relu
from deuterium.graph.constructors import constant

__all__: list[str] = []

Step = Callable[..., tuple[Any, ...]]
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": sc.expit, "tanh": np.tanh, "relu": relu, "softplus": softplus,
    "softsign": softsign, "elu": elu,
    "hardsigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}  # fmt: skip


def _activations(node: OnnxNode, usual: list[str], directions: int) -> list[Any]:
    """Return the activations of every direction."""
    names = node.listed("activations") or usual * directions
    for name in names:
        if name.lower() not in _FUNCTIONS:
            node.refuse(
                f"activation {name!r} is not supported; known are "
                + ", ".join(sorted(_FUNCTIONS))
            )
    if node.listed("activation_alpha") or node.listed("activation_beta"):
        node.refuse("`activation_alpha` and `activation_beta` are not supported")
    if node.attribute("clip") is not None:
        bound = node.real("clip")
        functions = [_clipped(_FUNCTIONS[n.lower()], bound) for n in names]
    else:
        functions = [_FUNCTIONS[n.lower()] for n in names]
    k = len(usual)
    if len(functions) != k * directions:
        raise InvalidInputError(f"{node}: {len(functions)} activations")
    return [functions[i * k : (i + 1) * k] for i in range(directions)]


def _clipped(f: Callable[[Any], Any], bound: float) -> Callable[[Any], Any]:
    return lambda x: f(np.clip(x, -bound, bound))


def _unrolled(
    node: OnnxNode,
    x: Any,
    weights: tuple[Any, ...],
    states: list[Any],
    usual: list[str],
    step: Step,
    lengths: Any,
) -> tuple[Any, ...]:
    """Return the outputs of all steps, and the last states.

    ``weights`` and ``states`` have the directions as their first axis; ``step`` makes
    from the input, the states, the weights and the activations the new states.
    """
    by_record = bool(node.whole("layout"))
    x = np.moveaxis(x, 1, 0) if by_record else x
    time, batch = x.shape[:2]
    if lengths is not None and any(
        n != time for n in node.integers(lengths, "the lengths")
    ):
        node.refuse("sequences of several lengths are not supported; cut them to one")
    directions = weights[0].shape[0]
    direction = node.text("direction", "forward")
    hidden = weights[1].shape[-1]
    start = [np.zeros((directions, batch, hidden)) if s is None else s for s in states]
    start = [variable(s) for s in start]
    if by_record:
        start = [
            s if given is None else np.moveaxis(s, 1, 0)
            for s, given in zip(start, states, strict=True)
        ]
    outputs, last = [], []
    for d, activations in enumerate(_activations(node, usual, directions)):
        backward = direction == "reverse" or d == 1
        own = tuple(w[d] for w in weights)
        state = tuple(s[d] for s in start)
        made: list[Any] = []
        for t in range(time - 1, -1, -1) if backward else range(time):
            node.limit.step()
            state = step(x[t], state, own, activations)
            made.append(state[0])
        outputs.append(np.stack(made[::-1] if backward else made))
        last.append(state)
    y = np.stack(outputs, axis=1)
    finals = [np.stack([s[i] for s in last]) for i in range(len(states))]
    if by_record:
        y = np.transpose(y, (2, 0, 1, 3))
        finals = [np.moveaxis(f, 0, 1) for f in finals]
    return (y, *finals)


def _biases(b: Any, w: Any, gates: int) -> tuple[Any, Any]:
    """Return the biases of inputs and of states, for all directions."""
    if b is None:
        b = constant(np.zeros((w.shape[0], 2 * gates * (w.shape[1] // gates))))
    half = b.shape[1] // 2
    return b[:, :half], b[:, half:]


@means("RNN")
def simple(
    node: OnnxNode,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h0: Any = None,
) -> Any:
    """Return a simple recurrent network."""
    wb, rb = _biases(b, w, 1)

    def step(x: Any, state: Any, weights: Any, activations: Any) -> Any:
        w, r, b = weights
        (f,) = activations
        return (f(x @ w.T + state[0] @ r.T + b),)

    return _unrolled(node, x, (w, r, wb + rb), [h0], ["Tanh"], step, lengths)


@means("GRU")
def gated(
    node: OnnxNode,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h0: Any = None,
) -> Any:
    """Return a gated recurrent unit."""
    wb, rb = _biases(b, w, 3)
    linear = node.whole("linear_before_reset")

    def step(x: Any, state: Any, weights: Any, activations: Any) -> Any:
        w, r, wb, rb = weights
        f, g = activations
        (h,) = state
        n = h.shape[-1]
        given, before = x @ w.T + wb, h @ r[: 2 * n].T + rb[: 2 * n]
        z = f(given[:, :n] + before[:, :n])
        reset = f(given[:, n : 2 * n] + before[:, n:])
        if linear:
            inner = reset * (h @ r[2 * n :].T + rb[2 * n :])
        else:
            inner = (reset * h) @ r[2 * n :].T + rb[2 * n :]
        new = g(given[:, 2 * n :] + inner)
        return ((1 - z) * new + z * h,)

    usual = ["Sigmoid", "Tanh"]
    return _unrolled(node, x, (w, r, wb, rb), [h0], usual, step, lengths)


@means("LSTM")
def long_short(
    node: OnnxNode,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h0: Any = None,
    c0: Any = None,
    p: Any = None,
) -> Any:
    """Return a long short-term memory, with peepholes where they are given."""
    wb, rb = _biases(b, w, 4)
    coupled = node.whole("input_forget")
    if p is None:
        p = constant(np.zeros((w.shape[0], 3 * r.shape[-1])))
        peeping = False
    else:
        peeping = True

    def step(x: Any, state: Any, weights: Any, activations: Any) -> Any:
        w, r, b, p = weights
        f, g, out = activations
        h, c = state
        n = h.shape[-1]
        gates = x @ w.T + h @ r.T + b
        i, o, forget, cell = (gates[:, k * n : (k + 1) * n] for k in range(4))
        if peeping:
            i, forget = i + p[:n] * c, forget + p[2 * n :] * c
        i = f(i)
        kept = 1 - i if coupled else f(forget)
        new = kept * c + i * g(cell)
        o = f(o + p[n : 2 * n] * new if peeping else o)
        return o * out(new), new

    usual = ["Sigmoid", "Tanh", "Tanh"]
    weights = (w, r, wb + rb, p)
    return _unrolled(node, x, weights, [h0, c0], usual, step, lengths)
