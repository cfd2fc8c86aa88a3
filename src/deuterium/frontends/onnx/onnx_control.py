"""ONNX's control flow: conditions and counts must be numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.onnx.onnx_node import OnnxNode
from deuterium.frontends.onnx.onnx_registry import means
from deuterium.frontends.onnx.onnx_values import alike
from deuterium.graph.variable import Variable

__all__: list[str] = []


@means("If")
def one_of_two(node: OnnxNode, condition: Any) -> Any:
    """Return what one of two graphs makes."""
    if isinstance(condition, Variable) and not node.is_known(condition):
        node.refuse(
            "its condition depends on the model's inputs, and which graph runs must "
            "not; write the choice with Where"
        )
    answer = bool(np.ravel(node.numbers(condition, "the condition"))[0])
    branch = node.graph("then_branch" if answer else "else_branch")
    return tuple(node.run(branch, ()))


def _together(parts: list[Any], axis: int = 0) -> Any:
    if not parts:
        raise InvalidInputError("a loop that never runs has no results to join")
    return np.stack(alike(parts), axis=axis)


@means("Loop")
def repeated(node: OnnxNode, count: Any, condition: Any = None, *carried: Any) -> Any:
    """Return what is left after a number of turns, and what every turn made."""
    body = node.graph("body")
    most = None if count is None else node.integers(count, "the count")[0]
    go_on = condition is None or bool(node.numbers(condition, "the condition"))
    scanned: list[list[Any]] | None = None
    state, i = list(carried), 0
    while go_on and (most is None or i < most):
        node.limit.step()
        made = node.run(body, (np.asarray(i), np.asarray(True), *state))
        go_on = bool(np.ravel(node.numbers(made[0], "the condition"))[0])
        state = made[1 : 1 + len(carried)]
        rest = made[1 + len(carried) :]
        scanned = [[] for _ in rest] if scanned is None else scanned
        for parts, part in zip(scanned, rest, strict=True):
            parts.append(part)
        i += 1
    return (*state, *(_together(parts) for parts in scanned or []))


@means("Scan")
def along_an_axis(node: OnnxNode, *inputs: Any) -> Any:
    """Return what is left after all slices of the inputs, and what each made."""
    body = node.graph("body")
    scans = node.whole("num_scan_inputs")
    if node.opset < 9:
        return _scan_of_batches(node, body, scans, inputs[1:])
    states = len(inputs) - scans
    return tuple(_scanned(node, body, inputs[:states], inputs[states:]))


def _scan_of_batches(
    node: OnnxNode, body: Any, scans: int, inputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return a scan of the first version, which has the records as its first axis."""
    states = len(inputs) - scans
    made = [
        _scanned(
            node, body, [x[k] for x in inputs[:states]], [x[k] for x in inputs[states:]]
        )
        for k in range(inputs[0].shape[0])
    ]
    return tuple(_together(list(parts)) for parts in zip(*made, strict=True))


def _scanned(node: OnnxNode, body: Any, states: Any, sequences: Any) -> list[Any]:
    n, k = len(sequences), len(states)
    made_count = len(body.output) - k
    axes = node.listed("scan_input_axes", [0] * n)
    back = node.listed("scan_input_directions", node.listed("directions", [0] * n))
    out_axes = node.listed("scan_output_axes", [0] * made_count)
    out_back = node.listed("scan_output_directions", [0] * made_count)
    slices = [
        np.moveaxis(np.flip(x, a) if b else x, a, 0)
        for x, a, b in zip(sequences, axes, back, strict=True)
    ]
    state, scanned = list(states), [[] for _ in range(made_count)]  # type: ignore[var-annotated]
    for t in range(slices[0].shape[0]):
        node.limit.step()
        made = node.run(body, (*state, *(x[t] for x in slices)))
        state = made[:k]
        for parts, part in zip(scanned, made[k:], strict=True):
            parts.append(part)
    whole = [
        _together(parts[::-1] if b else parts, a)
        for parts, a, b in zip(scanned, out_axes, out_back, strict=True)
    ]
    return [*state, *whole]
