"""How a NumPy function is entered in the table of array functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from deuterium.errors import UnsupportedError
from deuterium.graph.protocols import FUNCTIONS, is_float

F = TypeVar("F", bound=Callable[..., Any])


def refuse(caller: str, **given: Any) -> None:
    """Raise UnsupportedError for arguments that Variables cannot honour.

    None and True say nothing (``out=None``, ``where=True``) and pass.
    """
    for name, value in given.items():
        if value is not None and value is not True:
            raise UnsupportedError(
                f"{caller}: the argument `{name}` has no meaning for Variables, which "
                "are immutable and real; leave it out"
                + (" and give the result a name" if name == "out" else "")
            )


def refuse_dtype(caller: str, dtype: Any) -> None:
    """Raise UnsupportedError for a dtype that would change the numbers."""
    if dtype is not None and not is_float(dtype):
        refuse(caller, dtype=dtype)


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """Return a decorator: this is what those NumPy functions mean on Variables."""

    def enter(function: F) -> F:
        for f in numpy_functions:
            FUNCTIONS[f] = function
        return function

    return enter
