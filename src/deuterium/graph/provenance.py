"""Where in the user's code a node was made.

Only the code object and the instruction are kept, which costs a tenth of a
microsecond; the line number is worked out when a message needs it.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import CodeType

import numpy as np

Source = tuple[CodeType, int]

_OURS = str(Path(__file__).parents[1])
_NUMPY = str(Path(np.__file__).parent)
_OVERRIDE: ContextVar[Source | None] = ContextVar("deuterium_source", default=None)


@lru_cache(maxsize=4096)
def _is_library(filename: str) -> bool:
    return filename.startswith((_OURS, _NUMPY))


def capture() -> Source | None:
    """Return the innermost frame outside this package and NumPy."""
    override = _OVERRIDE.get()
    if override is not None:
        return override
    frame = sys._getframe(2)
    while _is_library(frame.f_code.co_filename):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


@contextmanager
def attributing() -> Iterator[Callable[[Source | None], object]]:
    """Give a function that sets the source of nodes made from now on in the block.

    A derivative's nodes are attributed to the node they come from.
    """
    token = _OVERRIDE.set(None)
    try:
        yield _OVERRIDE.set
    finally:
        _OVERRIDE.reset(token)


def _template() -> None:
    """Stand in as the code that made a node (see `at_line`)."""


@lru_cache(maxsize=4096)
def at_line(file: str, line: int) -> Source:
    """Return the source that reads ``file:line``, of what was no code of Python's."""
    # a name of its own: Python takes codes for equal that differ in their file alone
    code = _template.__code__.replace(
        co_filename=file, co_firstlineno=line, co_name=f"{file}:{line}"
    )
    return code, -1


@lru_cache(maxsize=4096)
def describe(source: Source | None) -> str:
    """Return ``file.py:line``, or ``unknown line``.

    The cell of a notebook has no name a reader knows, so the line itself is quoted.
    """
    if source is None:
        return "unknown line"
    code, instruction = source
    line = code.co_firstlineno
    for start, stop, number in code.co_lines():
        if start <= instruction < stop and number is not None:
            line = number
    path = Path(code.co_filename)
    if path.parent.name.startswith("ipykernel_"):
        text = " ".join(linecache.getline(code.co_filename, line).split())
        return f"line {line} of a notebook cell: {text:.72}"
    return f"{path.name}:{line}"
