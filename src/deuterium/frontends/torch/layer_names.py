"""Where in a module a node of an exported graph comes from."""

from __future__ import annotations

import re
from typing import Any

from deuterium.graph.provenance import Source, at_line

__all__ = ["layer_of", "layer_path", "source_of"]

_FRAME = re.compile(r'File "([^"]*)", line (\d+)')


def layer_path(node: Any) -> str:
    """Return the path of the innermost module, such as ``encoder.2.attn``; or ""."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [str(path) for path, _ in stack.values()]
    return paths[-1] if paths else ""


def layer_of(node: Any) -> str:
    """Return `` in layer 'encoder.2.attn' (MultiheadAttention)``, or nothing."""
    stack = node.meta.get("nn_module_stack") or {}
    if not stack:
        return ""
    path, kind = list(stack.values())[-1]
    kind = getattr(kind, "__name__", str(kind)).rpartition(".")[2]
    return f" in layer {path!r} ({kind})" if path else ""


def source_of(node: Any) -> Source | None:
    """Return a source that reads ``layer in file.py:line``, the user's own line.

    The innermost line outside of PyTorch; the innermost at all where there is none.
    """
    frames = _FRAME.findall(node.meta.get("stack_trace") or "")
    if not frames:
        return None
    own = [f for f in frames if "/torch/" not in f[0].replace("\\", "/")]
    file, line = (own or frames)[-1]
    name = file.replace("\\", "/").rpartition("/")[2]
    path = layer_path(node)
    return at_line(f"{path} in {name}" if path else name, int(line))
