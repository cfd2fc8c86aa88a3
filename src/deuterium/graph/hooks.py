"""Methods of Variable whose work is done on a floor above the graph.

A Variable has ``backward`` and ``evaluate``, but differentiation and evaluation live
above it and may not be imported from here.  They enter themselves in this table when
the package is imported, as operators enter theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Node:
    """What a Variable is to the modules that it is built from."""

    __slots__ = ()


METHODS: dict[str, Callable[..., Any]] = {}

DECIDING: ContextVar[Callable[..., float | None] | None] = ContextVar(
    "DECIDING", default=None
)
"""What answers for a Variable whose number Python asks for, where there is something:
from the Variable and what is asked for to a number, or None."""


def provides(name: str) -> Callable[[F], F]:
    """Return a decorator that makes a function the body of ``Variable.<name>``."""

    def enter(function: F) -> F:
        METHODS[name] = function
        return function

    return enter
