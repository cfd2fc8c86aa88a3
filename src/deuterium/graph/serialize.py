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
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from deuterium.errors import GraphError, InvalidInputError
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.hooks import provides
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.traverse import topological
from deuterium.graph.validate import check, listed
from deuterium.graph.variable import NO_ATTRS, Variable, node
from deuterium.interval.environment import standard_only

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
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, list):
        return [_numbers_to_json(x) for x in value] if _deep_inf(value) else value
    return str(value) if value in (np.inf, -np.inf) else value


def _deep_inf(value: list[Any]) -> bool:
    return not np.isfinite(np.asarray(value, dtype=np.float64)).all()


def _attr_to_json(x: Any) -> Any:
    if isinstance(x, tuple):
        return [_attr_to_json(y) for y in x]
    if not isinstance(x, np.ndarray):
        return x.item() if isinstance(x, np.generic) else x
    flat: dict[str, Any] = {"array": x.tolist(), "dtype": x.dtype.str}
    if 0 in x.shape:
        flat["shape"] = list(x.shape)
    return flat


@standard_only  # numbers as text are worked out in floating point, here and below
def dumps(outputs: Sequence[Variable]) -> str:
    """Return the graph below ``outputs`` as JSON text.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> len(dt.loads(dt.dumps([x**2, 2 * x])))
    2
    """
    nodes = listed(outputs, "dumps: `outputs`")
    for v in nodes:
        if not isinstance(v, Variable):
            raise InvalidInputError(
                f"dumps: `outputs` must be Variables, got {type(v).__name__}"
            )
    return json.dumps(to_json(nodes), allow_nan=False, separators=(",", ":"))


@standard_only
def loads(text: str) -> list[Variable]:
    """Read JSON text made by `dumps`, check it, and return the outputs.

    Raises
    ------
    GraphError
        The text is not a legal graph; nothing in it has been run.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> (again,) = dt.loads(dt.dumps([x**2]))
    >>> again
    x**2
    """
    try:
        flat = json.loads(text)
    except RecursionError:
        raise GraphError("not a graph: the JSON text is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise GraphError(f"not JSON: {error}") from None
    return from_json(flat)


def from_json(flat: Any) -> list[Variable]:
    """Check the flat form, as `to_json` returns it, and return the outputs."""
    if not isinstance(flat, dict) or flat.get("format") != FORMAT:
        raise GraphError(f"not a {FORMAT} file: the field `format` does not say so")
    if flat.get("version") != VERSION:
        raise GraphError(
            f"this file has version {flat.get('version')!r:.40}; this deuterium reads "
            f"version {VERSION}"
        )
    nodes: list[Variable] = []
    for i, entry in enumerate(_listed(flat, "nodes")):
        try:
            nodes.append(_node_from_json(entry, nodes))
        except _UNREADABLE as error:
            raise GraphError(f"node {i} cannot be read: {error!r:.300}") from None
    outputs = _earlier(_listed(flat, "outputs"), nodes)
    check(outputs)
    return list(outputs)


_UNREADABLE = (
    KeyError, TypeError, IndexError, ValueError, OverflowError, AttributeError,
    RecursionError,
)  # fmt: skip


def _listed(flat: Mapping[str, Any], field: str) -> list[Any]:
    value = flat.get(field)
    if not isinstance(value, list):
        raise GraphError(f"the field `{field}` must be a list, got {value!r:.40}")
    return value


def from_json_one(flat: Any) -> Variable:
    """Return the one output of a flat form (used by `pickle` and `copy`).

    Doubles in it stay doubles, not text, so that no arithmetic has a part in it.
    """
    (output,) = from_json(flat)
    return output


def _node_from_json(flat: Any, nodes: list[Variable]) -> Variable:
    if not isinstance(flat, dict):
        raise GraphError(f"a node must be a mapping, got {type(flat).__name__}")
    if "symbol" in flat:
        return symbol(flat["symbol"], _counts(flat.get("shape", [])))
    if "constant" in flat:
        return _constant_from_json(flat)
    op = OPERATORS.get(flat["op"])
    if op is None:
        raise GraphError(f"there is no operator named {flat['op']!r:.40}")
    args = _earlier(flat["args"], nodes)
    if "attrs" not in flat:
        return node(op, args, NO_ATTRS, op.shape(*[a.shape for a in args]))
    attrs = {k: _ATTRIBUTES[k](x) for k, x in flat["attrs"].items()}
    if set(attrs) != attribute_names(op):
        raise GraphError(
            f"{op.name} has the attributes {sorted(attribute_names(op))}, got "
            f"{sorted(attrs)}"
        )
    return node(op, args, attrs, tuple(op.shape(*[a.shape for a in args], **attrs)))


def _earlier(numbers: Any, nodes: list[Variable]) -> tuple[Variable, ...]:
    count = len(nodes)
    for i in numbers:
        if type(i) is not int or not 0 <= i < count:
            raise GraphError(
                f"arguments {numbers!r:.80} must be the numbers of earlier nodes"
            )
    return tuple([nodes[i] for i in numbers])


def _constant_from_json(flat: Mapping[str, Any]) -> Variable:
    name = flat.get("name", "")
    if not isinstance(name, str):
        raise GraphError(f"a name must be text, got {name!r:.40}")
    value = _numbers_from_json(flat["constant"])
    if "shape" in flat:
        shape = _counts(flat["shape"])
        if np.size(value) or 0 not in shape:
            raise GraphError(f"only an empty constant states its shape, got {shape}")
        value = np.zeros(shape)
    return constant(value, name=name)


def _numbers_from_json(x: Any) -> Any:
    if isinstance(x, list):
        return np.asarray(_floats(x), dtype=np.float64)
    return x if type(x) is int else _float(x)


def _floats(x: Any) -> Any:
    return [_floats(e) for e in x] if isinstance(x, list) else _float(x)


def _float(x: Any) -> float:
    if type(x) in (int, float) or x in ("inf", "-inf"):
        return float(x)
    raise GraphError(f"not a number: {x!r:.40}")


# -- attributes, each read as what it must be ----------------------------------------


@cache
def attribute_names(op: Operator) -> frozenset[str]:
    """Return what the operator's shape rule takes beside the shapes."""
    parameters = signature(op.shape).parameters.values()
    named = [
        p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    variadic = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    return frozenset(named if variadic else named[op.arity or 0 :])


def _text(x: Any) -> str:
    if not isinstance(x, str):
        raise GraphError(f"a name must be text, got {x!r:.40}")
    return x


def _whole(x: Any) -> int:
    if type(x) is not int or abs(x) > 2**31:
        raise GraphError(f"not a whole number of usual size: {x!r:.40}")
    return x


def _count(x: Any) -> int:
    if _whole(x) < 0:
        raise GraphError(f"not a count: {x}")
    return int(x)


def _counts(x: Any) -> tuple[int, ...]:
    if not isinstance(x, list):
        raise GraphError(f"not a list of counts: {x!r:.40}")
    return tuple(map(_count, x))


def _axis(x: Any) -> Any:
    return tuple(map(_whole, x)) if isinstance(x, list) else _whole(x)


def _truth(x: Any) -> bool:
    if not isinstance(x, bool):
        raise GraphError(f"neither true nor false: {x!r:.40}")
    return x


def _array(dtype: str, kind: type) -> Any:
    def read(x: Any) -> Any:
        if not isinstance(x, dict) or x.get("dtype") != dtype:
            raise GraphError(f"an array of dtype {dtype} is wanted, got {x!r:.80}")
        given = np.asarray(x["array"])
        if given.size and given.dtype.kind != np.dtype(kind).kind:
            raise GraphError(f"elements of dtype {dtype} are wanted, got {x!r:.80}")
        array: Any = given.astype(kind)
        if not array.size and "shape" in x:
            array = array.reshape(_counts(x["shape"]))
        array.flags.writeable = False
        return array

    return read


_ATTRIBUTES: Mapping[str, Any] = {
    "axes": _counts,
    "axis": _axis,
    "holds": _truth,
    "index": _array("<i8", np.int64),
    "m": _whole,
    "mask": _array("|b1", np.bool_),
    "n": _whole,
    "ndim": _count,
    "of": _text,
    "reverse": _truth,
    "shape": _counts,
    "upward": _truth,
    "xs": _array("<f8", np.float64),
    "ys": _array("<f8", np.float64),
}


@provides("reduce")
def reduced(v: Variable) -> tuple[Any, ...]:
    """Return what `pickle` and `copy` make a Variable from again."""
    return from_json_one, (to_json([v]),)
