"""Where an equation of a jaxpr stands: the user's line, and the layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from deuterium.graph.provenance import Source, at_line
from deuterium.optional import require

__all__ = ["inside", "place_of", "source_of"]


_CALLER: ContextVar[Any] = ContextVar("deuterium_jax_caller", default=None)


@contextmanager
def inside(equation: Any) -> Iterator[None]:
    """Have what a call holds stand where the call does, if it says nothing itself.

    JAX traces its own functions once, and forgets who called them.
    """
    token = _CALLER.set(_frame(equation))
    try:
        yield
    finally:
        _CALLER.reset(token)


def _frame(equation: Any) -> Any:
    """Return the innermost frame of the user's own code, None if it is not known."""
    return _own_frame(equation) or _CALLER.get()


def _own_frame(equation: Any) -> Any:
    util = require("jax._src.source_info_util", "jax", "deuterium.frontends.jax")
    info = equation.source_info
    try:
        return util.user_frame(info.traceback)
    except (AttributeError, TypeError):  # older releases took the whole
        return util.user_frame(info)


def place_of(equation: Any) -> str:
    """Return where an equation stands, to put after the name of its primitive."""
    frame, layer = _frame(equation), str(equation.source_info.name_stack)
    line = f" at {frame.file_name}:{frame.start_line}" if frame else ""
    if frame and frame.function_name:
        line += f" ({frame.function_name})"
    return line + (f", in {layer}" if layer else "")


def source_of(equation: Any) -> Source | None:
    """Return the user's line, as nodes of the graph remember it."""
    frame = _frame(equation)
    return at_line(frame.file_name, frame.start_line) if frame else None
