"""Where an equation of a jaxpr stands: the user's line, and the layer."""

from __future__ import annotations

from typing import Any

from deuterium.graph.provenance import Source, at_line
from deuterium.optional import require

__all__ = ["place_of", "source_of"]


def _frame(equation: Any) -> Any:
    """Return the innermost frame of the user's own code, None if it is not known."""
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
