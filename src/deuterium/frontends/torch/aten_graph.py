"""A graph of ATen operators, read into Variables node by node.

What depends on no input and no parameter (masks, ranges, positions) PyTorch works out
itself; the rest is looked up in the table.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from deuterium.errors import DeuteriumError, UnsupportedError
from deuterium.frontends.torch.aten_movement import MOVEMENTS, moved_by
from deuterium.frontends.torch.aten_table import TABLE, AtenOperator
from deuterium.frontends.torch.chosen_places import refuse_chosen
from deuterium.frontends.torch.index_input import IndexInput
from deuterium.frontends.torch.layer_names import layer_of, source_of
from deuterium.frontends.torch.masked_scores import MaskedScores
from deuterium.graph.provenance import attributing
from deuterium.graph.variable import Variable

__all__ = ["AtenReader", "NotReadableError", "name_of"]

Symbolic = (Variable, IndexInput, MaskedScores)

# Arguments that say how something is stored or worked out, not what it is.
_STORAGE = frozenset({
    "dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking", "copy",
    "cudnn_enable", "cudnn_enabled", "scale_grad_by_freq", "sparse", "implicit",
    "approximate_storage", "requires_grad",
})  # fmt: skip

_CASTS = frozenset({
    "to", "_to_copy", "type_as", "float", "double", "half", "long", "int", "bool",
})  # fmt: skip

_CHECKS = frozenset({
    "_assert_tensor_metadata", "_assert_async", "_assert_scalar",
    "sym_constrain_range", "sym_constrain_range_for_size",
})  # fmt: skip
"""Operators that only check something, and return nothing."""

# What makes a fresh array, so that writing into it changes no other.
_FRESH = frozenset({
    "linear", "conv1d", "conv2d", "conv3d", "batch_norm", "layer_norm", "group_norm",
    "add", "add_", "sub", "mul", "mul_", "div", "relu", "relu_", "matmul", "bmm", "mm",
    "addmm", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
    "tanh", "masked_fill", "gelu", "silu",
})  # fmt: skip


_NO_GRAD = (
    "`torch.no_grad` cuts gradients, and a gradient here is that of the function "
    "itself; leave it out, or give what is worked out in it as an input"
)


class NotReadableError(UnsupportedError):
    """An operator that is not in the table, or that writes into its argument."""


def name_of(target: Any) -> str:
    """Return the name of an operator: as in ``torch.ops.aten``, else with library."""
    text = getattr(getattr(target, "_schema", None), "name", str(target))
    return str(text).removeprefix("aten::")


class AtenReader:
    """One pass over the nodes of an exported graph.

    Parameters
    ----------
    leaves : mapping from str to Variable, IndexInput or Tensor
        What the placeholders stand for, by the name of their node.
    named : callable
        From a tensor of numbers to the named constant that it is, or None.
    """

    def __init__(
        self, leaves: Mapping[str, Any], named: Callable[[Any], Variable | None]
    ) -> None:
        self.leaves, self.named = leaves, named
        self.values: dict[Any, Any] = {}

    def read(self, graph: Any) -> list[Any]:
        """Return the outputs, in order."""
        with attributing() as attribute:
            for node in graph.nodes:
                if node.op == "output":
                    return [self._operand(self._value(a)) for a in node.args[0]]
                attribute(source_of(node))
                self.values[node] = self._read(node)
        return []

    def _read(self, node: Any) -> Any:
        if node.op == "placeholder":
            return self.leaves[node.name]
        if node.op == "get_attr":
            return getattr(node.graph.owning_module, node.target)
        if node.op != "call_function":
            raise NotReadableError(f"a node {node.op!r}{layer_of(node)}")
        args, kwargs = self._value(node.args), self._value(dict(node.kwargs))
        if node.target is operator.getitem:
            return args[0][args[1]]
        leaves = list(leaves_of((args, kwargs)))
        refuse_chosen(leaves, f"{node.target}{layer_of(node)}")
        if not any(isinstance(a, Symbolic) for a in leaves):
            return self._by_torch(node, args, kwargs)
        try:
            return self._called(node, args, kwargs)
        except NotReadableError:
            raise
        except DeuteriumError as error:
            where = f"{node.target}{layer_of(node)}"
            raise type(error)(f"frontends.torch.lift: {where}: {error}") from error

    def _value(self, given: Any) -> Any:
        """Return arguments with values in the place of nodes."""
        if isinstance(given, (list, tuple)):
            return type(given)(self._value(a) for a in given)
        if isinstance(given, dict):
            return {k: self._value(a) for k, a in given.items()}
        return self.values[given] if type(given).__name__ == "Node" else given

    def _by_torch(self, node: Any, args: Any, kwargs: Any) -> Any:
        """Return what PyTorch makes of numbers."""
        tags = [str(tag) for tag in getattr(node.target, "tags", ())]
        if any("nondeterministic_seeded" in tag for tag in tags):
            raise UnsupportedError(
                f"frontends.torch.lift: {node.target}{layer_of(node)} draws at random; "
                "call model.eval(), or give what is drawn as an input"
            )
        return node.target(*args, **kwargs)

    def _called(self, node: Any, args: Any, kwargs: Any) -> Any:
        name = name_of(node.target)
        if name in _CHECKS:
            return None
        if "set_grad_enabled" in name and args[0] is False:
            raise UnsupportedError(_NO_GRAD)
        if name in _CASTS:
            return _cast(node, args[0])
        entry = TABLE.get(name)
        schema = getattr(node.target, "_schema", None)
        if schema is not None and schema.is_mutable and not _is_harmless(node):
            raise NotReadableError(f"{node.target}{layer_of(node)}")
        special = isinstance(args[0], (IndexInput, MaskedScores)) if args else False
        if name in MOVEMENTS and (special or entry is None):
            return moved_by(name, node.target, args, kwargs)
        if entry is None or schema is None:
            raise NotReadableError(f"{node.target}{layer_of(node)}")
        return self._answer(entry, schema, args, kwargs)

    def _answer(self, entry: AtenOperator, schema: Any, args: Any, kwargs: Any) -> Any:
        first, arrays, rest = self._bound(entry, schema, args, kwargs)
        return _tensors(entry.call(first, *arrays, **rest))

    def _bound(
        self, entry: AtenOperator, schema: Any, args: Any, kwargs: Any
    ) -> tuple[Any, list[Any], dict[str, Any]]:
        """Return the first argument, and the others by name (or arrays in order)."""
        formal = schema.arguments
        first = self._ready(entry, args[0] if args else kwargs[formal[0].name])
        given = {f.name: a for f, a in zip(formal[1:], args[1:], strict=False)}
        given |= {f.name: kwargs[f.name] for f in formal[1:] if f.name in kwargs}
        arrays = [given.pop(f.name) for f in formal[1 : entry.arrays]]
        bound = {}
        for f in formal[1:]:
            if f.name not in given:
                continue
            if f.name in entry.parameters:
                bound[f.name] = self._ready(entry, given[f.name])
            elif f.name not in _STORAGE and not _is_default(f, given[f.name]):
                raise UnsupportedError(
                    f"the argument {f.name}={given[f.name]!r:.40} is not supported"
                )
        return first, [self._ready(entry, a) for a in arrays], bound

    def _ready(self, entry: AtenOperator, a: Any) -> Any:
        """Return an argument as an operator of the table takes it."""
        if isinstance(a, (list, tuple)):
            return type(a)(self._ready(entry, part) for part in a)
        if isinstance(a, IndexInput):
            return a if entry.takes_index else a.numbers()
        if isinstance(a, MaskedScores) and not entry.takes_masked:
            raise UnsupportedError(
                "some of its elements are minus infinity; only a softmax takes those"
            )
        return self._operand(a)

    def _operand(self, a: Any) -> Any:
        """Return tensors as arrays of NumPy, or as the constants that they are."""
        if type(a).__module__.partition(".")[0] != "torch" or not hasattr(a, "numpy"):
            return a
        known = self.named(a)
        if known is not None:
            return known
        array = a.detach().cpu()
        if array.is_floating_point():
            return array.double().numpy()
        return array.numpy()


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield what is in nested lists, tuples and dictionaries."""
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from leaves_of(part)
    elif isinstance(tree, dict):
        yield from leaves_of(list(tree.values()))
    else:
        yield tree


def _is_default(formal: Any, value: Any) -> bool:
    return formal.has_default_value() and formal.default_value == value


def _cast(node: Any, x: Any) -> Any:
    """Return an array in another type: the same real numbers, or refuse."""
    kinds = [_kind(n) for n in (node.args[0], node)]
    if kinds == ["float", "int"]:
        raise UnsupportedError("rounding of what depends on inputs to whole numbers")
    return np.not_equal(x, 0) if kinds == ["float", "bool"] else x


def _kind(node: Any) -> str:
    kind = node.meta["val"].dtype
    if kind.is_floating_point:
        return "float"
    return "bool" if str(kind) == "torch.bool" else "int"


def _is_harmless(node: Any) -> bool:
    """Whether what a node writes into is its own: fresh, and of no use to others."""
    written = node.args[0]
    fresh = getattr(written, "op", "") == "call_function"
    return fresh and name_of(written.target) in _FRESH and len(written.users) == 1


def _tensors(value: Any) -> Any:
    """Return arrays of NumPy as tensors, so that PyTorch can go on with them."""
    import torch

    if isinstance(value, (list, tuple)):
        return type(value)(_tensors(v) for v in value)
    # a copy: PyTorch has no tensors that may not be written to
    return torch.tensor(value) if isinstance(value, np.ndarray) else value
