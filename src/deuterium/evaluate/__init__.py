"""Graph to numbers.

Takes a graph and arrays; gives arrays, on NumPy, JAX or PyTorch.
"""

from deuterium.evaluate import interpreter  # noqa: F401  (gives Variable its evaluate)
from deuterium.evaluate.function import CompiledFunction, compile

__all__ = ["CompiledFunction", "compile"]
