"""Graph to numbers."""

from deuterium.evaluate.compiled import CompiledFunction, compile

__all__ = ["CompiledFunction", "compile"]
