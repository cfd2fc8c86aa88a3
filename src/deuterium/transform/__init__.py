"""Graph to graph: the derivative."""

from deuterium.transform.derivative import get_gradients, grad

__all__ = ["get_gradients", "grad"]
