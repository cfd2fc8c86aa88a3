"""Python's ``max``, ``min`` and ``sorted`` of Variables, while a function is traced.

They ask one pair after the other for an answer, and every answer doubles the ways
through a function: a sum of eight ``max(x - k, 0)`` has 256.  So, while a function is
traced, the names stand for functions that give numbers to Python's own, and Variables
to NumPy's.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from deuterium.graph.hooks import DECIDING
from deuterium.graph.variable import Variable

NUMBERS = (int, float, np.number)
_PLAIN: dict[str, Callable[..., Any]] = {
    name: getattr(builtins, name) for name in ("max", "min", "sorted")
}
_lock = Lock()
_traced = 0  # functions that are being traced, in all threads


def _largest(items: Sequence[Any]) -> Any:
    """Return the largest; of equal ones the first takes the slope, as with Python."""
    if len(items) == 2:
        return np.maximum(items[1], items[0])
    return np.max(np.stack(items))


def _least(items: Sequence[Any]) -> Any:
    if len(items) == 2:
        return np.minimum(items[0], items[1])
    return np.min(np.stack(items))


def _in_order(items: Sequence[Any]) -> Any:
    return list(np.sort(np.stack(items)))


def _choosing(name: str, in_graph: Callable[[Sequence[Any]], Any]) -> Any:
    """Return what a name stands for."""
    plain = _PLAIN[name]

    def choose(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not args or DECIDING.get() is None:
            return plain(*args, **kwargs)
        one = len(args) == 1
        items = list(args[0]) if one else args
        if len(items) < 2 or not _are_scalars(items):
            return plain(items) if one else plain(*args)
        return in_graph(items)

    return choose


def _are_scalars(items: Sequence[Any]) -> bool:
    """Whether these are Variables without axes, and numbers that can be compared."""
    return any(isinstance(x, Variable) for x in items) and all(
        not x.shape if isinstance(x, Variable) else isinstance(x, NUMBERS) and x == x
        for x in items
    )


_OURS = {
    "max": _choosing("max", _largest),
    "min": _choosing("min", _least),
    "sorted": _choosing("sorted", _in_order),
}


@contextmanager
def chosen_in_graph() -> Iterator[None]:
    """Have the names of `builtins` stand for these functions."""
    global _traced
    with _lock:
        _traced += 1
        if _traced == 1:
            vars(builtins).update(_OURS)
    try:
        yield
    finally:
        with _lock:
            _traced -= 1
            if not _traced:
                vars(builtins).update(_PLAIN)
