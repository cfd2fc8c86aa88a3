"""Graph to graph: the derivative, simpler graphs, scalar graphs turned into arrays."""

from deuterium.transform.differentiate import get_gradients, grad
from deuterium.transform.simplify.simplify import simplify
from deuterium.transform.vectorize import vectorize

__all__ = ["get_gradients", "grad", "simplify", "vectorize"]
