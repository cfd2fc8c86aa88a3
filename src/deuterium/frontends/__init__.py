"""What brings computations in from elsewhere: text, and later other libraries."""

from deuterium.frontends import bounds, formula, onnx
from deuterium.frontends.lifted_model import LiftedModel

__all__ = ["LiftedModel", "bounds", "formula", "onnx"]
