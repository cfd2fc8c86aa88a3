"""Compression of proofs in memory: few objects, a third of the size.

What is packed never leaves the process; on disk and in certificates reasons are JSON.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Sequence
from typing import Any

from deuterium.optimize.branch_and_bound import loop_options as options

NESTED = {list, tuple, dict}
PLAIN = {float, int, bool, str, type(None), *NESTED}


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
    if not _is_plain(x):  # NumPy's numbers would be packed as bytes
        x = json.loads(json.dumps(x))
    return marshal.dumps(x)


def _is_plain(x: Any) -> bool:
    """Return whether there are only Python's own types in it."""
    waiting = [[x]]
    while waiting:
        items = waiting.pop()
        kinds = set(map(type, items))
        if not kinds <= PLAIN:
            return False
        if kinds & NESTED:
            waiting += [y for y in items if type(y) in (list, tuple)]
            waiting += [[*y, *y.values()] for y in items if type(y) is dict]
    return True


def unpacked(data: bytes) -> Any:
    """Return what was packed."""
    return marshal.loads(data)


def room(data: bytes | None) -> int:
    """Return how much memory a packed reason takes."""
    return 0 if data is None else options.OBJECT_BYTES + len(data)
