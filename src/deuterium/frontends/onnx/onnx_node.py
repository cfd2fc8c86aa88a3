"""One node of an ONNX graph, as an operator's meaning sees it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.frontends.onnx.onnx_tensors import read_tensor
from deuterium.frontends.onnx.onnx_values import KnownNumbers, from_array

__all__ = ["OnnxNode", "SizeLimit"]

MOST_ELEMENTS = 2**28  # of one array: 2 GiB of doubles
MOST_IN_ALL = 2**30  # elements of all results of a model together: 8 GiB
MOST_NODES = 2**16  # nodes gone through, those of functions and loops every time

# numbers of AttributeProto.AttributeType
_TENSOR, _GRAPH = 4, 5
_SIMPLE = {1: "f", 2: "i", 6: "floats", 7: "ints"}
_TEXT, _TEXTS = 3, 8  # and those of text
_FAITHFUL = np.float32  # attributes of the standard are single precision


class SizeLimit:
    """What one model may still take: nodes gone through, and elements in all."""

    def __init__(self) -> None:
        self.known = KnownNumbers()
        self.nodes = 0
        self.elements = 0

    def step(self) -> None:
        """Count a node."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise InvalidInputError(
                f"the model takes more than {MOST_NODES} nodes to go through, those "
                "of loops and functions counted every time"
            )

    def room(self, shape: Sequence[int], what: str) -> None:
        """Count the elements of an array before it is made."""
        size = math.prod(shape)
        self.elements += size
        if size > MOST_ELEMENTS or self.elements > MOST_IN_ALL:
            raise InvalidInputError(
                f"{what}: an array of shape {tuple(shape)} is more than is allowed: "
                f"{MOST_ELEMENTS} elements each, {MOST_IN_ALL} in all"
            )


@dataclass(frozen=True)
class OnnxNode:
    """A node with its attributes, its place, and what its meaning may ask for.

    Attributes
    ----------
    proto : NodeProto
        The node.
    path : str
        Its name, after those of the nodes that it lies in.
    opset : int
        The version of the standard that it is written in.
    limit : SizeLimit
        What the model may still take.
    folder : Path or None
        Where data in files of their own may lie.
    given : mapping
        Attributes of the function that the node stands in, by name.
    run_graph : callable
        Runs a graph of an attribute: from the graph and a list of inputs to a list of
        outputs.
    """

    proto: Any
    path: str
    opset: int
    limit: SizeLimit
    folder: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    run_graph: Callable[..., list[Any]] | None = None

    def __str__(self) -> str:
        return f"ONNX {self.proto.op_type} at {self.path!r}"

    def attribute(self, name: str) -> Any:
        """Return the AttributeProto of a name, or None."""
        for found in self.proto.attribute:
            if found.name == name:
                if found.ref_attr_name:
                    return self.given.get(found.ref_attr_name)
                return found
        return None

    def _read(self, name: str, default: Any) -> Any:
        found = self.attribute(name)
        if found is None:
            return default
        if found.type in (_TEXT, _TEXTS):
            texts = [found.s] if found.type == _TEXT else list(found.strings)
            decoded = [t.decode("utf-8", "replace") for t in texts]
            return decoded[0] if found.type == _TEXT else decoded
        if found.type not in _SIMPLE:
            raise InvalidInputError(f"{self}: attribute {name!r} is of another type")
        value = getattr(found, _SIMPLE[found.type])
        return value if found.type in (1, 2) else list(value)

    def whole(self, name: str, default: int = 0) -> int:
        """Return an integer attribute."""
        return self._typed(name, default, (int,))

    def real(self, name: str, default: float = 0.0) -> float:
        """Return a float attribute; the default is rounded as the standard's is."""
        value = self._typed(name, float(_FAITHFUL(default)), (float, int))
        if not math.isfinite(value):
            raise InvalidInputError(f"{self}: attribute {name!r} is {value}")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute that is text."""
        return self._typed(name, default, (str,))

    def _typed(self, name: str, default: Any, types: tuple[type, ...]) -> Any:
        value = self._read(name, default)
        if not isinstance(value, types):
            raise InvalidInputError(f"{self}: attribute {name!r} is {value!r:.40}")
        return value

    def listed(self, name: str, default: Any = None) -> Any:
        """Return an attribute that is a list, or the default."""
        value = self._read(name, default)
        if value is not default and not isinstance(value, list):
            raise InvalidInputError(f"{self}: attribute {name!r} is no list")
        return value

    def tensor(self, name: str) -> Any:
        """Return an attribute that is a tensor as a value, or None."""
        found = self.attribute(name)
        if found is None:
            return None
        if found.type != _TENSOR:
            raise InvalidInputError(f"{self}: attribute {name!r} is no tensor")
        self.limit.room(found.t.dims, str(self))
        what = f"{self}, attribute {name!r}"
        return from_array(read_tensor(found.t, self.folder, what), what)

    def graph(self, name: str) -> Any:
        """Return an attribute that is a graph."""
        found = self.attribute(name)
        if found is None or found.type != _GRAPH:
            raise InvalidInputError(f"{self}: attribute {name!r} must be a graph")
        return found.g

    def run(self, graph: Any, inputs: Sequence[Any]) -> list[Any]:
        """Return the outputs of a graph of an attribute."""
        assert self.run_graph is not None
        return self.run_graph(self, graph, inputs)

    def numbers(self, x: Any, what: str) -> Any:
        """Return the numbers of an input that must not hang on the model's inputs."""
        return self.limit.known.of(x, f"{self}: {what}")

    def is_known(self, x: Any) -> bool:
        """Return whether an input is numbers: it hangs on no input of the model."""
        return self.limit.known.are(x)

    def integers(self, x: Any, what: str) -> list[int]:
        """Return a short list of integers: axes, a shape."""
        numbers = np.ravel(self.numbers(x, what))
        if (
            numbers.size
            and not (np.isfinite(numbers) & (numbers == np.rint(numbers))).all()
        ):
            raise InvalidInputError(f"{self}: {what} must be integers")
        return [int(i) for i in numbers]

    def axis(self, axis: int, ndim: int) -> int:
        """Return an axis counted from the front."""
        if not -ndim <= axis < ndim:
            raise InvalidInputError(f"{self}: axis {axis} of {ndim} axes")
        return axis % ndim

    def room(self, shape: Sequence[int]) -> None:
        """Make sure that an array of a shape may be made."""
        if any(d < 0 for d in shape):
            raise InvalidInputError(f"{self}: a shape cannot be {tuple(shape)}")
        self.limit.room(shape, str(self))

    def refuse(self, reason: str) -> NoReturn:
        """Say that this use of the operator is not supported."""
        raise UnsupportedError(f"{self}: {reason}")
