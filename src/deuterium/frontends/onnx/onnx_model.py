"""An ONNX model as a function on Variables: the public entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.errors import (
    DeuteriumError,
    InvalidInputError,
    MissingSymbolError,
    UnknownSymbolError,
    UnsupportedError,
    did_you_mean,
)
from deuterium.frontends.lifted_model import LiftedModel
from deuterium.frontends.onnx.onnx_file import read_model
from deuterium.frontends.onnx.onnx_graph import MISFITS, GraphWalker, needed_for
from deuterium.frontends.onnx.onnx_node import SizeLimit
from deuterium.frontends.onnx.onnx_tensors import FLOATS, read_tensor, type_name
from deuterium.frontends.onnx.onnx_values import NotKnown, from_array, variable
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

__all__ = ["load"]

Shapes = Mapping[str, Sequence[int]]


@standard_only
def load(
    model: Any,
    *,
    shapes: Shapes | None = None,
    values: Mapping[str, Any] | None = None,
    outputs: Iterable[str] | None = None,
    operators: Mapping[str, Callable[..., Any]] | None = None,
) -> LiftedModel:
    """Lift an ONNX model to Variables.

    The model is taken as a function of real numbers: its floats, of 16 to 64 bits, are
    converted to doubles exactly, and a cast between floats changes nothing.  Where the
    standard works weights out from sizes and places (resizing, sampling, Fourier
    transforms), they are doubles.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        A file, what is in it, or what ``onnx.load`` returns.  Nothing in it is run.
    shapes : mapping of str to sequence of int, optional
        Shapes of inputs by name.  An axis that the model leaves open has length 1
        without it.
    values : mapping of str to array, optional
        Inputs that are the same for every record, and all that are not floats (places
        in a vocabulary, lengths): they become numbers, and no input of the result.
    outputs : iterable of str, optional
        The outputs that are wanted; all without it.  What only others need is left out.
    operators : mapping of str to callable, optional
        Meanings of further operators, by type: functions of the node and of its inputs
        that return an output or a tuple of them.

    Returns
    -------
    LiftedModel
        With the float initialisers that an output depends on as its parameters.

    Raises
    ------
    MissingDependencyError
        The package ``onnx`` is not installed.
    UnsupportedError
        An operator, or what it is used for, is not supported; names operator and node.
    InvalidInputError
        The file cannot be read, is damaged, or asks for more than is allowed.

    Examples
    --------
    >>> from onnx import helper, TensorProto as T
    >>> from deuterium.frontends.onnx import load
    >>> node = helper.make_node("Relu", ["x"], ["y"])
    >>> x, y = (helper.make_tensor_value_info(n, T.FLOAT, [2]) for n in "xy")
    >>> model = load(helper.make_model(helper.make_graph([node], "g", [x], [y])))
    >>> model.output.evaluate({"x": [-1.0, 2.0]})
    array([0., 2.])
    """
    proto, folder = read_model(model)
    try:
        return _lifted(
            proto, folder, shapes or {}, values or {}, outputs, operators or {}
        )
    except DeuteriumError:
        raise
    except MISFITS as error:  # names that are no text, messages without their parts
        raise InvalidInputError(f"the model is damaged: {error}") from None


def _lifted(
    proto: Any,
    folder: Path | None,
    shapes: Shapes,
    values: Mapping[str, Any],
    outputs: Iterable[str] | None,
    operators: Mapping[str, Callable[..., Any]],
) -> LiftedModel:
    opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version
              for o in proto.opset_import}  # fmt: skip
    functions = {(f.domain, f.name): f for f in proto.functions}
    walker = GraphWalker(opsets, functions, operators, folder, SizeLimit())
    graph = proto.graph
    flow, parameters = _initializers(graph, folder, walker.limit)
    inputs = _inputs(graph, flow, shapes, values, walker.limit)
    flow.update(inputs)
    symbols = {
        n: v for n, v in inputs.items() if isinstance(v, Variable) and v.is_symbol
    }
    wanted = _wanted(graph, outputs)
    walker.run(needed_for(wanted, graph.node), flow)
    made = {name: _output(name, flow) for name in wanted}
    reached = {id(v) for v in topological(made.values())}
    return LiftedModel(
        inputs=symbols,
        outputs=made,
        parameters={n: p for n, p in parameters.items() if id(p) in reached},
        framework=f"ONNX, opset {opsets.get('', 1)}",
    )


def _initializers(
    graph: Any, folder: Path | None, limit: SizeLimit
) -> tuple[dict[str, Any], dict[str, Variable]]:
    """Return all initialisers as values, and those that are floats."""
    if graph.sparse_initializer:
        raise UnsupportedError(
            "sparse initialisers are not supported; write them as dense ones"
        )
    flow: dict[str, Any] = {}
    for tensor in graph.initializer:
        what = f"initialiser {tensor.name!r}"
        limit.room(tensor.dims, what)
        array = read_tensor(tensor, folder, what)
        if array.dtype.kind == "f":
            flow[tensor.name] = constant(
                array if array.shape else float(array), name=tensor.name
            )
        else:
            flow[tensor.name] = array
    return flow, {n: v for n, v in flow.items() if isinstance(v, Variable)}


def _inputs(
    graph: Any, flow: Any, shapes: Shapes, values: Mapping[str, Any], limit: SizeLimit
) -> dict[str, Any]:
    """Return the inputs that are no initialisers: symbols, and numbers given."""
    own = {i.name: i for i in graph.input if i.name not in flow or i.name in values}
    for given, what in ((shapes, "shapes"), (values, "values")):
        for name in given:
            if name not in own:
                raise UnknownSymbolError(
                    f"load: `{what}` names {name!r}, which is no input."
                    f"{did_you_mean(name, own)} The inputs are {', '.join(own)}"
                )
    made = {}
    for name, info in own.items():
        if name in values:
            made[name] = _given(values[name], name)
            continue
        shape = _shape(info, shapes.get(name))
        limit.room(shape, f"input {name!r}")
        made[name] = symbol(name, shape)
    return made


def _given(value: Any, name: str) -> Any:
    """Return the value of an input that is given, sequences element by element."""
    if value is None or isinstance(value, Variable):
        return value
    if isinstance(value, list) and any(isinstance(e, np.ndarray) for e in value):
        return [_given(e, name) for e in value]
    array = np.asarray(value)
    if array.dtype.kind == "f" or "float" in array.dtype.name:  # as ml_dtypes has them
        array = array.astype(np.float64)
    elif "int" in array.dtype.name and array.dtype.kind not in "iu":
        array = array.astype(np.int64)
    if array.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"load: `values` of {name!r} must be numbers, got {array.dtype}"
        )
    return from_array(array, f"load: `values` of {name!r}")


def _shape(info: Any, given: Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape of an input: what the model says, what the caller says, or 1."""
    name, kind = info.name, info.type.tensor_type
    if info.type.WhichOneof("value") != "tensor_type":
        raise UnsupportedError(
            f"input {name!r} is no tensor; give it in `values`, or leave it out"
        )
    if kind.elem_type not in FLOATS:
        raise MissingSymbolError(
            f"input {name!r} holds {type_name(kind.elem_type)}, and bounds are over "
            f"real numbers; give it in `values`: load(..., values={{{name!r}: array}})"
        )
    dims = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if not kind.HasField("shape"):
        if given is None:
            raise MissingSymbolError(
                f"input {name!r} has no shape in the file; give it in `shapes`"
            )
        return _checked(given, name)
    if given is None:
        return _checked([1 if d is None or d < 0 else d for d in dims], name)
    shape = _checked(given, name)
    if len(shape) != len(dims) or any(
        d not in (None, n) for d, n in zip(dims, shape, strict=True)
    ):
        raise InvalidInputError(
            f"load: `shapes` says {shape} of input {name!r}, the model {tuple(dims)}"
        )
    return shape


def _checked(shape: Sequence[Any], name: str) -> tuple[int, ...]:
    try:
        whole = tuple(int(d) for d in shape)
    except (TypeError, ValueError):
        whole = (-1,)
    if any(d < 0 for d in whole) or math.prod(whole) < 0:
        raise InvalidInputError(
            f"load: `shapes` of {name!r} must be non-negative integers, got {shape!r}"
        )
    return whole


def _wanted(graph: Any, outputs: Iterable[str] | None) -> list[str]:
    known = [o.name for o in graph.output]
    if outputs is None:
        return known
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    for name in wanted:
        if name not in known:
            raise UnknownSymbolError(
                f"load: `outputs` names {name!r}, which is no output."
                f"{did_you_mean(name, known)} The outputs are {', '.join(known)}"
            )
    return wanted


def _output(name: str, flow: Mapping[str, Any]) -> Variable:
    if name not in flow:
        raise InvalidInputError(f"nothing in the model makes its output {name!r}")
    made = flow[name]
    if isinstance(made, NotKnown):
        raise UnsupportedError(
            f"output {name!r} is not known: {made.reason}; name the outputs that are "
            "wanted in `outputs`"
        )
    if made is None or isinstance(made, list):
        raise UnsupportedError(f"output {name!r} is no tensor; leave it out")
    return variable(made)
