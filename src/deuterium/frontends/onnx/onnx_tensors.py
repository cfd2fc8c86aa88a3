"""Tensors of an ONNX file as arrays: exact, and checked before memory is taken."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.optional import require

__all__ = ["FLOATS", "INTEGERS", "read_tensor", "type_name"]

# numbers of TensorProto.DataType, and the bytes of an element
FLOATS = {1: 4, 10: 2, 11: 8, 16: 2}
INTEGERS = {2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 12: 4, 13: 8}
EXTERNAL = 1  # the value of TensorProto.data_location for data in another file
# what a field of typed data holds: its name, by type of element
_FIELDS = {
    1: "float_data", 10: "int32_data", 11: "double_data", 16: "int32_data",
    2: "int32_data", 3: "int32_data", 4: "int32_data", 5: "int32_data",
    6: "int32_data", 7: "int64_data", 9: "int32_data", 12: "uint64_data",
    13: "uint64_data",
}  # fmt: skip


def type_name(number: int) -> str:
    """Return what ONNX calls a type of elements."""
    onnx = require("onnx", "onnx", "frontends.onnx.load")
    try:
        return str(onnx.TensorProto.DataType.Name(number))
    except ValueError:
        return f"number {number}"


def read_tensor(tensor: Any, folder: Path | None, what: str) -> Any:
    """Return the elements of a TensorProto: float64, integers or booleans.

    Parameters
    ----------
    tensor : TensorProto
        Of any kind of float that a double holds, of integers or of booleans.
    folder : Path or None
        Where the model lies; data in a file of their own must lie in it.
    what : str
        What the tensor is, for messages.

    Raises
    ------
    InvalidInputError
        Sizes do not fit together, or external data lie elsewhere.
    UnsupportedError
        The elements are of another type.
    """
    kind = tensor.data_type
    width = FLOATS.get(kind) or INTEGERS.get(kind)
    if width is None:
        raise UnsupportedError(
            f"{what}: elements of type {type_name(kind)} are not supported; floats of "
            "16 to 64 bits, integers of 8 to 64 and booleans are"
        )
    dims = tuple(tensor.dims)
    if any(d < 0 for d in dims):
        raise InvalidInputError(f"{what}: a shape cannot be negative, got {dims}")
    size = math.prod(dims)
    if tensor.data_location == EXTERNAL:
        raw = _external(tensor, folder, size * width, what)
        return _widened(np.frombuffer(raw, _stored(kind)), kind, what).reshape(dims)
    if tensor.HasField("raw_data"):
        held, needed = len(tensor.raw_data), size * width
    else:
        held, needed = len(getattr(tensor, _FIELDS[kind])), size
    if held != needed:
        raise InvalidInputError(
            f"{what}: shape {dims} needs {needed} bytes or elements, the file holds "
            f"{held}; it is damaged"
        )
    if tensor.HasField("raw_data"):
        elements = np.frombuffer(tensor.raw_data, _stored(kind))
    else:
        elements = _typed(tensor, kind, what)
    return _widened(elements, kind, what).reshape(dims)


_STORED = {
    1: "<f4", 10: "<f2", 11: "<f8", 16: "<u2", 2: "<u1", 3: "<i1", 4: "<u2",
    5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 12: "<u4", 13: "<u8",
}  # fmt: skip


def _stored(kind: int) -> Any:
    return np.dtype(_STORED[kind])


def _typed(tensor: Any, kind: int, what: str) -> Any:
    """Return the elements of a field of typed data, in the bits they are stored in."""
    field = np.asarray(list(getattr(tensor, _FIELDS[kind])))
    if kind in (10, 16):  # sixteen bits in an integer
        return field.astype(np.uint16).view(_stored(kind))
    try:
        return field.astype(_stored(kind))
    except (OverflowError, ValueError):
        raise InvalidInputError(f"{what}: elements do not fit their type") from None


def _widened(elements: Any, kind: int, what: str) -> Any:
    if kind == 16:  # bfloat16: the upper half of a float32
        elements = (elements.astype(np.uint32) << 16).view(np.float32)
    if kind not in FLOATS:
        return elements.astype(bool if kind == 9 else elements.dtype.newbyteorder("="))
    if np.isnan(elements).any():
        raise InvalidInputError(f"{what}: there is a NaN in it, which has no meaning")
    return elements.astype(np.float64)


def _external(tensor: Any, folder: Path | None, length: int, what: str) -> bytes:
    """Return data that lie in a file of their own, in the model's folder only."""
    told = {entry.key: entry.value for entry in tensor.external_data}
    location = told.get("location", "")
    if folder is None:
        raise InvalidInputError(
            f"{what}: its data lie in the file {location!r} beside the model; give "
            "the model's path, not its bytes"
        )
    try:
        home = folder.resolve(strict=True)
        path = (home / location).resolve(strict=True)
        offset = int(told.get("offset", "0"))
        stated = int(told.get("length", length))
        inside = path.is_relative_to(home) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        raise InvalidInputError(
            f"{what}: its data should lie in {location!r}, which cannot be read"
        ) from None
    if not inside:
        raise InvalidInputError(
            f"{what}: its data should lie in {location!r}, outside the model's folder; "
            "nothing is read from there: put it beside the model"
        )
    if stated != length or offset < 0 or path.stat().st_size < offset + length:
        raise InvalidInputError(
            f"{what}: its shape needs {length} bytes at {offset} of {location!r}, "
            "which does not hold them"
        )
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)
