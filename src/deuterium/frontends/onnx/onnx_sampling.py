"""ONNX's sampling of images between their places; the places must be numbers."""

from __future__ import annotations

__all__: list[str] = []
