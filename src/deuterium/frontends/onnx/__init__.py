"""ONNX models as functions on Variables; the package ``onnx`` is imported by a call."""

from deuterium.frontends.onnx import onnx_families as _families  # enters operators
from deuterium.frontends.onnx.onnx_model import load

__all__ = ["load"]

del _families
