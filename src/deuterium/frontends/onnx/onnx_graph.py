"""Going through an ONNX graph node by node, with Variables on its edges."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.errors import (
    DeuteriumError,
    GraphError,
    InvalidInputError,
    UnsupportedError,
    did_you_mean,
)
from deuterium.frontends.onnx.onnx_node import OnnxNode, SizeLimit
from deuterium.frontends.onnx.onnx_registry import OPERATORS
from deuterium.frontends.onnx.onnx_tensors import read_tensor
from deuterium.frontends.onnx.onnx_values import NotKnown, from_array
from deuterium.graph.provenance import Source, at_line, attributing
from deuterium.graph.variable import Variable
from deuterium.optional import require

__all__ = ["MISFITS", "GraphWalker", "needed_for"]

MAIN = ("", "ai.onnx")  # both name the standard's own operators
# what a damaged model makes Python, NumPy and ONNX's own code raise
MISFITS = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
# functions inside one another: more than any exporter writes
DEEPEST = 40
_HOW_TO_ADD = (
    "give its meaning to `load` in `operators`, a function of the node and its inputs, "
    "or enter it in deuterium.frontends.onnx (docs/how-to/add-a-front-end.md)"
)


@dataclass
class GraphWalker:
    """What is the same for all graphs of one model.

    Attributes
    ----------
    opsets : mapping of str to int
        Version by domain.
    functions : mapping of (str, str) to FunctionProto
        The model's own, by domain and name.
    operators : mapping of str to callable
        The caller's own meanings, by type of operator.
    folder : Path or None
        Where data in files of their own may lie.
    """

    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str], Any]
    operators: Mapping[str, Callable[..., Any]]
    folder: Path | None
    limit: SizeLimit = field(default_factory=SizeLimit)
    depth: int = 0

    def run(
        self, nodes: Iterable[Any], values: Any, path: str = "", given: Any = None
    ) -> None:
        """Go through nodes in order, adding their results to ``values``."""
        with attributing() as attribute:
            for k, proto in enumerate(nodes):
                self.limit.step()
                own = proto.name or f"{proto.op_type}_{k}"
                place = f"{path}.{own}" if path else own
                attribute(_source(place, proto.op_type))
                self._run_node(proto, place, values, given or {})

    def _run_node(self, proto: Any, place: str, values: Any, given: Any) -> None:
        node = OnnxNode(
            proto,
            place,
            self._opset(proto),
            self.limit,
            self.folder,
            given,
            lambda node, graph, inputs: self._run_inner(node, graph, inputs, values),
        )
        inputs = [self._looked_up(node, name, values) for name in proto.input]
        results = _guarded(node, lambda: self._meaning(node)(node, *inputs))
        results = results if isinstance(results, tuple) else (results,)
        for name, result in zip(proto.output, results, strict=False):
            if isinstance(result, Variable):
                node.room(result.shape)
            if name:
                values[name] = _as_array(result)
        for name in proto.output[len(results) :]:
            if name:
                values[name] = NotKnown(f"{node} has no output {name!r}")

    def _opset(self, proto: Any) -> int:
        domain = "" if proto.domain in MAIN else proto.domain
        return self.opsets.get(domain, 1)

    def _looked_up(self, node: OnnxNode, name: str, values: Any) -> Any:
        if not name:
            return None
        if name not in values:
            raise GraphError(
                f"{node}: nothing before it makes its input {name!r}."
                f"{did_you_mean(name, list(values)[:1000])}"
            )
        found = values[name]
        if isinstance(found, NotKnown):
            node.refuse(f"its input {name!r} is not known: {found.reason}")
        return found

    # -- what a node means -----------------------------------------------------------

    def _meaning(self, node: OnnxNode) -> Callable[..., Any]:
        """Return the meaning of a node: the caller's, ours, or a function's body."""
        proto = node.proto
        if proto.op_type in self.operators:
            return self.operators[proto.op_type]
        own = self.functions.get((proto.domain, proto.op_type))
        if own is not None:
            return lambda node, *inputs: self._run_function(node, own, inputs)
        if proto.domain in MAIN and proto.op_type in OPERATORS:
            return OPERATORS[proto.op_type]
        return self._run_standard_body

    def _run_standard_body(self, node: OnnxNode, *inputs: Any) -> tuple[Any, ...]:
        """Run an operator by the function that the standard defines it with."""
        body = _standard_body(node, inputs)
        if body is None:
            domain = node.proto.domain
            within = f" of domain {domain!r}" if domain not in MAIN else ""
            raise UnsupportedError(
                f"{node}: this operator{within} is not supported."
                f"{did_you_mean(node.proto.op_type, OPERATORS)} To add it, "
                f"{_HOW_TO_ADD}"
            )
        return self._run_function(node, body, inputs)

    def _run_function(
        self, node: OnnxNode, body: Any, inputs: Sequence[Any]
    ) -> tuple[Any, ...]:
        if self.depth >= DEEPEST:
            raise InvalidInputError(f"{node}: functions are nested too deeply")
        values = dict.fromkeys(body.input)
        values.update(zip(body.input, inputs, strict=False))
        given = {a.name: a for a in body.attribute_proto}
        for name in body.attribute:
            given[name] = None
        for own in node.proto.attribute:
            found = node.attribute(own.name)
            if found is not None:
                given[own.name] = found
        opsets = {o.domain: o.version for o in body.opset_import}
        inner = GraphWalker(
            {**self.opsets, **opsets},
            self.functions,
            self.operators,
            self.folder,
            self.limit,
            self.depth + 1,
        )
        pairs = zip(body.output, node.proto.output, strict=False)
        wanted = [name for name, asked in pairs if asked]
        inner.run(needed_for(wanted, body.node), values, node.path, given)
        return tuple(
            _made(node, name, values) if name in wanted else None
            for name in body.output
        )

    # -- graphs inside nodes ---------------------------------------------------------

    def _run_inner(
        self, node: OnnxNode, graph: Any, inputs: Sequence[Any], outer: Any
    ) -> list[Any]:
        """Run a graph of an attribute, which sees the values around it."""
        if len(graph.input) != len(inputs):
            raise GraphError(
                f"{node}: its graph takes {len(graph.input)} inputs, got {len(inputs)}"
            )
        values: Any = ChainMap({}, outer)
        for tensor in graph.initializer:
            what = f"{node}, initializer {tensor.name!r}"
            self.limit.room(tensor.dims, what)
            values[tensor.name] = from_array(
                read_tensor(tensor, self.folder, what), what
            )
        values.update(zip((i.name for i in graph.input), inputs, strict=True))
        self.run(graph.node, values, node.path, node.given)
        return [_made(node, o.name, values) for o in graph.output]


def _as_array(result: Any) -> Any:
    """Return a result, where NumPy made a number of it as an array again."""
    return np.asarray(result) if isinstance(result, np.generic) else result


def needed_for(wanted: Iterable[str], nodes: Sequence[Any]) -> list[Any]:
    """Return the nodes that some results depend on, in their order."""
    asked, kept = set(wanted), []
    for node in reversed(nodes):
        if asked.intersection(node.output):
            kept.append(node)
            asked.update(_used(node))
    return kept[::-1]


def _used(node: Any) -> set[str]:
    """Return the names that a node, or a graph inside it, takes."""
    names, todo = set(), [node]
    while todo:
        one = todo.pop()
        names.update(one.input)
        for attribute in one.attribute:
            for graph in (attribute.g, *attribute.graphs):
                todo.extend(graph.node)
                names.update(o.name for o in graph.output)
    return names


def _made(node: OnnxNode, name: str, values: Any) -> Any:
    if name not in values:
        raise GraphError(f"{node}: nothing inside it makes its output {name!r}")
    return values[name]


def _guarded(node: OnnxNode, run: Callable[[], Any]) -> Any:
    """Return what an operator's meaning makes; what goes wrong names the node."""
    try:
        with np.errstate(all="ignore"):
            return run()
    except DeuteriumError as error:
        if str(node) in str(error):
            raise
        raise type(error)(f"{node}: {error}") from None
    except MISFITS as error:
        raise InvalidInputError(
            f"{node}: its inputs and attributes do not fit together: {error}"
        ) from None


def _standard_body(node: OnnxNode, inputs: Sequence[Any]) -> Any:
    """Return the FunctionProto that defines an operator, or None."""
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    domain = "" if node.proto.domain in MAIN else node.proto.domain
    try:
        schema = onnx.defs.get_schema(node.proto.op_type, node.opset, domain)
    except onnx.defs.SchemaError:
        return None
    text = None
    if schema.has_function:
        text = schema.get_function_with_opset_version(
            max(
                (v for v in schema.function_opset_versions if v <= node.opset),
                default=0,
            )
            or min(schema.function_opset_versions)
        )
    elif schema.has_context_dependent_function:
        versions = schema.context_dependent_function_opset_versions
        version = max((v for v in versions if v <= node.opset), default=min(versions))
        text = schema.get_context_dependent_function_with_opset_version(
            version,
            _with_defaults(node, schema).SerializeToString(),
            [_type_of(x).SerializeToString() for x in inputs],
        )
    if not text:
        return None
    body = onnx.FunctionProto()
    body.ParseFromString(text)
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type and name not in body.attribute:
            continue
        if attribute.default_value.type:
            body.attribute.remove(name)
            body.attribute_proto.append(attribute.default_value)
    return body


def _with_defaults(node: OnnxNode, schema: Any) -> Any:
    """Return the node's message with the attributes that it leaves out."""
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    whole = onnx.NodeProto()
    whole.CopyFrom(node.proto)
    del whole.attribute[:]
    for attribute in node.proto.attribute:
        own = node.attribute(attribute.name)
        if own is not None:
            whole.attribute.append(own)
            whole.attribute[-1].name = attribute.name
    present = {a.name for a in whole.attribute}
    for name, attribute in schema.attributes.items():
        if name not in present and attribute.default_value.type:
            whole.attribute.append(attribute.default_value)
    return whole


def _type_of(x: Any) -> Any:
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    if x is None:
        return onnx.TypeProto()
    if isinstance(x, list):
        return onnx.helper.make_sequence_type_proto(_type_of(x[0] if x else None))
    kind = onnx.TensorProto.FLOAT
    if isinstance(x, np.ndarray):
        kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    return onnx.helper.make_tensor_type_proto(kind, x.shape)


def _source(place: str, kind: str) -> Source:
    """Return a source that reads ``<path> (<operator>)``."""
    return at_line(f"{place} ({kind})".replace("/", "."), 0)
