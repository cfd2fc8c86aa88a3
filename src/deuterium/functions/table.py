"""How a NumPy function is entered in the table of array functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from deuterium.graph.protocols import FUNCTIONS

F = TypeVar("F", bound=Callable[..., Any])


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """Return a decorator: this is what those NumPy functions mean on Variables."""

    def enter(function: F) -> F:
        for f in numpy_functions:
            FUNCTIONS[f] = function
        return function

    return enter
