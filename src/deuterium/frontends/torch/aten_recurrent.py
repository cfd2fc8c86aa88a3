"""ATen's recurrent layers, unrolled over the steps of the example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_layers import linear
from deuterium.frontends.torch.aten_table import aten

State = tuple[Any, ...]
Cell = Callable[[Any, State, Sequence[Any]], State]
"""From what the input gives, the state and the weights, to the next state."""


def _lstm_cell(given: Any, state: State, weights: Sequence[Any]) -> State:
    h, c = state
    gates = given + linear(h, weights[1], weights[3])
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = sc.expit(f) * c + sc.expit(i) * np.tanh(g)
    h = sc.expit(o) * np.tanh(c)
    if len(weights) > 4:  # projected to fewer elements
        h = linear(h, weights[4])
    return h, c


def _gru_cell(given: Any, state: State, weights: Sequence[Any]) -> State:
    (h,) = state
    r_in, z_in, n_in = np.split(given, 3, axis=-1)
    r_own, z_own, n_own = np.split(linear(h, weights[1], weights[3]), 3, axis=-1)
    r, z = sc.expit(r_in + r_own), sc.expit(z_in + z_own)
    n = np.tanh(n_in + r * n_own)
    return ((1 - z) * n + z * h,)


def _simple_cell(function: Callable[[Any], Any]) -> Cell:
    def cell(given: Any, state: State, weights: Sequence[Any]) -> State:
        (h,) = state
        return (function(given + linear(h, weights[1], weights[3])),)

    return cell


def _one_direction(
    x: Any, state: State, weights: Sequence[Any], cell: Cell, backwards: bool
) -> tuple[Any, State]:
    """Return the outputs at all steps (the first axis) and the last state."""
    given = linear(x, weights[0], weights[2])  # of all steps at once
    order = range(x.shape[0])
    outputs = []
    for t in reversed(order) if backwards else order:
        state = cell(given[t], state, weights)
        outputs.append(state[0])
    return np.stack(outputs[::-1] if backwards else outputs), state


def _with_missing(params: Sequence[Any], biases: bool, count: int) -> list[list[Any]]:
    """Return the weights of each layer and direction; biases that lack are None."""
    each = len(params) // count
    parts = [list(params[k * each : (k + 1) * each]) for k in range(count)]
    if biases:
        return parts
    return [[*part[:2], None, None, *part[2:]] for part in parts]


def _unrolled(
    cell: Cell,
    x: Any,
    states: Sequence[Any],
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, ...]:
    if train and dropout and num_layers > 1:
        raise UnsupportedError("dropout between layers; call model.eval() first")
    alone = x.ndim == 2  # one sequence, without an axis of records
    if alone:
        x, states = x[:, None], [s[:, None] for s in states]
    elif batch_first:
        x = np.swapaxes(x, 0, 1)
    directions = 2 if bidirectional else 1
    weights = _with_missing(params, has_biases, num_layers * directions)
    last: list[State] = []
    for layer in range(num_layers):
        outputs = []
        for back in range(directions):
            k = layer * directions + back
            state = tuple(s[k] for s in states)
            y, state = _one_direction(x, state, weights[k], cell, bool(back))
            outputs.append(y)
            last.append(state)
        x = outputs[0] if directions == 1 else np.concatenate(outputs, axis=-1)
    ends = [np.stack(parts) for parts in zip(*last, strict=True)]
    if alone:
        return x[:, 0], *(e[:, 0] for e in ends)
    return (np.swapaxes(x, 0, 1) if batch_first else x), *ends


def _enter(name: str, cell: Cell, several: bool) -> None:
    @aten(name)
    def run(
        x: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Any, ...]:
        states = hx if several else [hx]
        how = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
        return _unrolled(cell, x, states, params, *how)


_enter("lstm", _lstm_cell, True)
_enter("gru", _gru_cell, False)
_enter("rnn_tanh", _simple_cell(np.tanh), False)
_enter("rnn_relu", _simple_cell(lambda x: np.maximum(x, 0)), False)


def _enter_cell(name: str, cell: Cell, several: bool) -> None:
    @aten(name)
    def run(
        x: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
    ) -> Any:
        state = tuple(hx) if several else (hx,)
        made = cell(linear(x, w_ih, b_ih), state, (w_ih, w_hh, b_ih, b_hh))
        return made if several else made[0]


_enter_cell("lstm_cell", _lstm_cell, True)
_enter_cell("gru_cell", _gru_cell, False)
_enter_cell("rnn_tanh_cell", _simple_cell(np.tanh), False)
_enter_cell("rnn_relu_cell", _simple_cell(lambda x: np.maximum(x, 0)), False)
