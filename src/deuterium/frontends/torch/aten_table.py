"""The table of ATen operators: what each means on Variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deuterium.frontends.framework_names import by_framework

__all__ = ["TABLE", "AtenOperator", "aten"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class AtenOperator:
    """What an operator of PyTorch means on Variables.

    Attributes
    ----------
    call : callable
        Takes the operator's first argument by position and the others by the names
        that they have in its schema.
    takes_index : bool
        Whether an integer input may reach it as an `IndexInput`, and not as numbers.
    takes_masked : bool
        Whether scores may reach it of which some are minus infinity.
    arrays : int
        How many arrays it takes, and nothing else; 0 where its parameters tell.
    """

    call: Callable[..., Any]
    takes_index: bool = False
    takes_masked: bool = False
    arrays: int = 0
    parameters: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = () if self.arrays else list(inspect.signature(self.call).parameters)[1:]
        object.__setattr__(self, "parameters", frozenset(names))


TABLE: dict[str, AtenOperator] = {}
"""From the name of an operator (``conv2d``, of others than ATen ``library::name``)."""


def aten(
    *names: str, takes_index: bool = False, takes_masked: bool = False
) -> Callable[[F], F]:
    """Return a decorator: this is what those operators of PyTorch mean on Variables.

    Parameters
    ----------
    *names : str
        As in ``torch.ops.aten``; of other libraries, ``"library::name"``.
    takes_index, takes_masked : bool
        See `AtenOperator`.

    Examples
    --------
    >>> import numpy as np
    >>> from deuterium.frontends.torch import aten
    >>> @aten("mylibrary::swish")
    ... def swish(x, beta=1.0):
    ...     return x / (1 + np.exp(-beta * x))
    """

    def enter(call: F) -> F:
        for name in names:
            TABLE[name] = AtenOperator(call, takes_index, takes_masked)
        return call

    return enter


# argument for argument, as the table of all frameworks has them
ELEMENTWISE = frozenset(by_framework("torch")) - {"add", "sub", "div"}
for _name, _call in by_framework("torch").items():
    if _name in ELEMENTWISE:
        TABLE[_name] = AtenOperator(_call, arrays=getattr(_call, "nin", 1))
