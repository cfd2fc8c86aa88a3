"""Graph to graph: the derivative, and scalar graphs turned into arrays."""

from deuterium.transform.derivative import get_gradients, grad
from deuterium.transform.vectorize import vectorize

__all__ = ["get_gradients", "grad", "vectorize"]
