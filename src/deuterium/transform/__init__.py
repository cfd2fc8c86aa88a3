"""Graph to graph: the derivative, simpler graphs, scalar graphs turned into arrays.

Takes a graph, perhaps with a domain; gives a graph.
"""

from deuterium.transform.differentiate import get_gradients, grad
from deuterium.transform.simplify.simplify import simplify
from deuterium.transform.vectorize import vectorize

__all__ = ["get_gradients", "grad", "simplify", "vectorize"]
