"""Reading the file of an ONNX model: parsed, never run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from deuterium.errors import InvalidInputError
from deuterium.optional import require

__all__ = ["read_model"]

# protobuf's own limit of a message, in bytes
LARGEST = 2**31 - 1
OLDEST, NEWEST_IR = 1, 100  # versions of the format that can be meant at all


def read_model(model: Any) -> tuple[Any, Path | None]:
    """Return a ModelProto, and the folder that it lies in where there is one.

    Raises
    ------
    MissingDependencyError
        The package ``onnx`` is not installed.
    InvalidInputError
        The file cannot be read, or is no model.
    """
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    if isinstance(model, onnx.ModelProto):
        return _checked(model), None
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _parsed(bytes(model), "the bytes given"), None
    if not isinstance(model, (str, os.PathLike)):
        raise InvalidInputError(
            f"load: `model` must be a path, bytes or a ModelProto, got "
            f"{type(model).__name__}"
        )
    path = Path(model)
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidInputError(
                f"{str(path)!r} has more than {LARGEST} bytes, which no model can have;"
                " its data belong into files of their own"
            )
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{str(path)!r} cannot be read: {error}") from None
    return _parsed(content, repr(str(path))), path.parent


def _parsed(content: bytes, what: str) -> Any:
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's implementations raise classes of their own
        raise InvalidInputError(f"{what}: no ONNX model can be read: {error}") from None
    return _checked(model)


def _checked(model: Any) -> Any:
    if not model.HasField("graph") or not model.graph.output:
        raise InvalidInputError(
            "no ONNX model can be read: there is no graph with an output in it"
        )
    for imported in model.opset_import:
        if imported.version < 1:
            raise InvalidInputError(
                f"the model is written in version {imported.version} of "
                f"{imported.domain or 'ONNX'}, which there is not"
            )
    return model
