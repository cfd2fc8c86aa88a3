"""Reasons packed into bytes while they wait: few objects, a third of the room.

What is packed never leaves the process; on disk and in certificates reasons are JSON.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Sequence
from typing import Any

OBJECT = 40  # bytes that an object of bytes takes beside what is in it


def packed(reasons: Sequence[Any]) -> list[bytes]:
    """Pack reasons made of lists, dictionaries, strings and numbers.

    Those that are one object are packed into one.
    """
    seen: dict[int, bytes] = {}
    for x in reasons:
        if id(x) not in seen:
            seen[id(x)] = _pack(x)
    return [seen[id(x)] for x in reasons]


def _pack(x: Any) -> bytes:
    try:
        return marshal.dumps(x)
    except ValueError:  # NumPy's numbers
        return marshal.dumps(json.loads(json.dumps(x)))


def unpacked(data: bytes) -> Any:
    """Return what was packed."""
    return marshal.loads(data)


def room(data: bytes | None) -> int:
    """Return how much memory a packed reason takes."""
    return 0 if data is None else OBJECT + len(data)
