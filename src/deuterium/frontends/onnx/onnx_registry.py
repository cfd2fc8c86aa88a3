"""The table of the standard's operators: type to meaning.

A meaning is a function of the node and of its inputs (None where one is left out) that
returns an output or a tuple of them.  The families beside this file enter theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["OPERATORS", "means"]

OPERATORS: dict[str, Callable[..., Any]] = {}
"""Meanings by type of operator, of the standard's main domain."""


def means(*names: str) -> Callable[[F], F]:
    """Return a decorator that enters a function as the meaning of operators."""

    def enter(function: F) -> F:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return enter
