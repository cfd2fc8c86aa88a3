"""The flat JSON form of a graph: a list of nodes that refer to earlier ones by number.

    {"format": "deuterium-graph", "version": 1,
     "nodes": [{"symbol": "x", "shape": [3]},
               {"constant": 2.0},
               {"op": "multiply", "args": [0, 1]}, ...],
     "outputs": [2]}

Floats are written with their shortest exact decimal form, so a graph survives the round
trip bit for bit; infinities are the strings "inf" and "-inf".  Nothing in a file is
ever run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.errors import GraphError
from deuterium.graph.check import check
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import topological
from deuterium.graph.variable import NO_ATTRS, Variable, constant, node, symbol

FORMAT, VERSION = "deuterium-graph", 1


def to_json(outputs: Sequence[Variable]) -> dict[str, Any]:
    """Return the flat form as a dictionary ready for `json.dumps`."""
    order = topological(outputs)
    number = {n: i for i, n in enumerate(order)}
    return {
        "format": FORMAT,
        "version": VERSION,
        "nodes": [_node_to_json(n, number) for n in order],
        "outputs": [number[n] for n in outputs],
    }


def _node_to_json(n: Variable, number: Mapping[Variable, int]) -> dict[str, Any]:
    if n.op is not None:
        flat: dict[str, Any] = {"op": n.op.name, "args": [number[a] for a in n.args]}
        if n.attrs:
            flat["attrs"] = {k: _attr_to_json(x) for k, x in n.attrs.items()}
        return flat
    if n.is_symbol:
        return {"symbol": n.name, "shape": list(n.shape)}
    flat = {"constant": _numbers_to_json(n.value)}
    if n.name:
        flat["name"] = n.name
    if 0 in n.shape:
        flat["shape"] = list(n.shape)  # nested lists cannot tell (0, 3) from (0,)
    return flat


def _numbers_to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_numbers_to_json(x) for x in value] if _deep_inf(value) else value
    return str(value) if value in (np.inf, -np.inf) else value


def _deep_inf(value: list[Any]) -> bool:
    return not np.isfinite(np.asarray(value, dtype=np.float64)).all()


def _attr_to_json(x: Any) -> Any:
    return {"array": x.tolist(), "dtype": x.dtype.str} if _is_array(x) else x


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def dumps(outputs: Sequence[Variable]) -> str:
    """Return the graph below ``outputs`` as JSON text."""
    return json.dumps(to_json(outputs), allow_nan=False, separators=(",", ":"))


def loads(text: str) -> list[Variable]:
    """Read JSON text made by `dumps`, check it, and return the outputs.

    Raises
    ------
    GraphError
        The text is not a legal graph; nothing in it has been run.
    """
    try:
        flat = json.loads(text)
    except json.JSONDecodeError as error:
        raise GraphError(f"not JSON: {error}") from None
    if not isinstance(flat, dict) or flat.get("format") != FORMAT:
        raise GraphError(f"not a {FORMAT} file: the field `format` does not say so")
    if flat.get("version") != VERSION:
        raise GraphError(
            f"this file has version {flat.get('version')!r}; this deuterium reads "
            f"version {VERSION}"
        )
    nodes: list[Variable] = []
    for i, entry in enumerate(flat.get("nodes", [])):
        try:
            nodes.append(_node_from_json(entry, nodes))
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise GraphError(f"node {i} cannot be read: {error!r}") from None
    outputs = _earlier(flat.get("outputs", []), nodes)
    check(outputs)
    return list(outputs)


def loads_one(text: str) -> Variable:
    """Read JSON text that has exactly one output (used by `copy` and executors)."""
    (output,) = loads(text)
    return output


def _node_from_json(flat: Mapping[str, Any], nodes: list[Variable]) -> Variable:
    if "symbol" in flat:
        return symbol(flat["symbol"], tuple(flat.get("shape", ())))
    if "constant" in flat:
        value = _numbers_from_json(flat["constant"])
        if "shape" in flat:
            value = np.zeros(flat["shape"])
        return constant(value, name=flat.get("name", ""))
    op = OPERATORS.get(flat["op"])
    if op is None:
        raise GraphError(f"there is no operator named {flat['op']!r}")
    args = _earlier(flat["args"], nodes)
    attrs = {k: _attr_from_json(x) for k, x in flat.get("attrs", {}).items()}
    shape = tuple(op.shape(*[a.shape for a in args], **attrs))
    return node(op, args, attrs or NO_ATTRS, shape)


def _earlier(numbers: Sequence[int], nodes: list[Variable]) -> tuple[Variable, ...]:
    count = len(nodes)
    for i in numbers:
        if type(i) is not int or not 0 <= i < count:
            raise GraphError(
                f"arguments {numbers!r:.80} must be the numbers of earlier nodes"
            )
    return tuple([nodes[i] for i in numbers])


def _numbers_from_json(x: Any) -> Any:
    if isinstance(x, list):
        return np.asarray(_floats(x), dtype=np.float64)
    return float(x) if isinstance(x, str) else x


def _floats(x: Any) -> Any:
    if isinstance(x, list):
        return [_floats(e) for e in x]
    return float(x)


def _attr_from_json(x: Any) -> Any:
    if isinstance(x, dict):
        if x.get("dtype") not in ("<i8", "|b1"):
            raise GraphError(f"attribute arrays are int64 or bool, got {x!r:.80}")
        array = np.asarray(x["array"], dtype=np.dtype(x["dtype"]))
        array.flags.writeable = False
        return array
    return tuple(x) if isinstance(x, list) else x
