"""Python functions with ``if`` on symbols: every way through them is followed.

``if x > 0`` asks Python for one answer.  `traced` runs the function once for each
combination of answers that it asks for, and joins the results by ``where``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.frontends.python_choices import chosen_in_graph
from deuterium.functions.comparisons import as_condition, where
from deuterium.graph.hooks import DECIDING
from deuterium.graph.serialize import dumps
from deuterium.graph.variable import Variable
from deuterium.ops import logic

F = TypeVar("F", bound=Callable[..., Any])
Path = tuple[bool, ...]

MOST = 256  # ways that are followed


def traced(function: F) -> F:
    """Return a function that takes Variables where Python decides by conditions.

    ``if``, ``and``, ``or``, ``not``, ``a < x < b`` and ``float(x > 0)`` of scalar
    conditions choose in the graph.  The function is called once for each way through
    it, so it must do the same each time, and have no more than 256.  ``max(x, y)``,
    ``min`` and ``sorted`` of scalars are NumPy's, and make no ways.

    Examples
    --------
    >>> import deuterium as dt, numpy as np
    >>> @dt.traced
    ... def tax(x):
    ...     if x <= 10:
    ...         return x / 4
    ...     return 2.5 + (x - 10) / 2
    >>> x = dt.symbol("x")
    >>> float(dt.enclose(np.abs(dt.grad(tax(x), x)), dt.Box({x: (0, 100)})).upper)
    0.5

    Raises
    ------
    UnsupportedError
        There are too many ways, or they return what cannot be joined.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return _followed(lambda: function(*args, **kwargs))

    return cast("F", run)


class _Way:
    """One way through a function: the answers given so far, and then always yes."""

    def __init__(self, given: Path) -> None:
        self.given = given
        self.answers: list[bool] = []
        self.asked: list[Variable] = []
        self.places: dict[str, int] = {}

    def answer(self, x: Variable, what: str) -> float | None:
        """Return the truth of a condition on this way; None of what is no condition."""
        if x.size != 1 or (what != "the truth value" and not logic.is_condition(x)):
            return None
        condition = as_condition(x.reshape(()))
        # asked for again, on this way, it is answered again the same
        k = self.places.setdefault(dumps([condition]), len(self.answers))
        if k < len(self.answers):
            return float(self.answers[k])
        _require_few(k)  # each answer makes a way
        self.answers.append(self.given[k] if k < len(self.given) else True)
        self.asked.append(condition)
        return float(self.answers[k])


def _require_few(ways: int) -> None:
    if ways > MOST:
        raise UnsupportedError(
            f"traced: more than {MOST} ways through the function; choose in the graph "
            "instead: np.where(x > 0, a, b), np.maximum, np.sort"
        )


@contextmanager
def _answered_by(way: _Way) -> Iterator[None]:
    token = DECIDING.set(way.answer)
    try:
        with chosen_in_graph():
            yield
    finally:
        DECIDING.reset(token)


def _followed(run: Callable[[], Any]) -> Any:
    """Return the results of all ways, joined by the conditions between them."""
    results: dict[Path, Any] = {}
    conditions: dict[Path, Variable] = {}
    todo: list[Path] = [()]
    while todo:
        way = _Way(todo.pop())
        with _answered_by(way):
            result = run()
        path = tuple(way.answers)
        results[path] = result
        for k in range(len(way.given), len(path)):
            conditions[path[:k]] = way.asked[k]
            todo.append((*path[:k], not path[k]))
        _require_few(len(results) + len(todo))
    for path in sorted(conditions, key=len, reverse=True):
        yes, no = (results.pop((*path, answer)) for answer in (True, False))
        results[path] = _joined(conditions[path], yes, no)
    return results[()]


_JOINED = (Variable, np.ndarray, int, float, np.generic)


def _joined(condition: Variable, yes: Any, no: Any) -> Any:
    if yes is no:
        return yes
    if isinstance(yes, (tuple, list)) and type(yes) is type(no) and len(yes) == len(no):
        return type(yes)(_joined(condition, a, b) for a, b in zip(yes, no, strict=True))
    if not (isinstance(yes, _JOINED) and isinstance(no, _JOINED)):
        raise UnsupportedError(
            f"traced: one way through the function returns {type(yes).__name__}, "
            f"another {type(no).__name__}; numbers, arrays, and tuples of them can be "
            "joined"
        )
    return where(condition, yes, no)
