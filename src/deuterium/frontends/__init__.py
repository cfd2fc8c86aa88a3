"""What brings computations in from elsewhere: text, and models of other libraries.

Takes text, Python functions and models; gives Variables and `LiftedModel`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deuterium.frontends import bounds, formula, symengine, sympy
from deuterium.frontends.lifted_model import LiftedModel

if TYPE_CHECKING:
    from deuterium.frontends import jax, onnx, torch

__all__ = [
    "LiftedModel",
    "bounds",
    "formula",
    "jax",
    "onnx",
    "symengine",
    "sympy",
    "torch",
]

# not everybody's, and thousands of lines each
_ON_DEMAND = frozenset({"jax", "onnx", "torch"})


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
