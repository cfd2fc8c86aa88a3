"""``np.r_`` and ``np.c_``, which make arrays of their parts before they join them.

They keep subclasses of arrays, and join by ``np.concatenate``, which asks them.  So
there, and nowhere else, a Variable becomes an array: of the places of its elements.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from deuterium.errors import UnsupportedError
from deuterium.graph import callers
from deuterium.graph.hooks import provides
from deuterium.graph.variable import Variable

_JOINS = type(np.r_).__getitem__.__code__


class MovedPlaces(np.ndarray):
    """Places of the elements of a Variable, wherever they have been moved."""

    variable: Variable

    def __array_finalize__(self, made_from: Any) -> None:
        found = getattr(made_from, "variable", None)
        if found is not None:
            self.variable = found

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        if function is not np.concatenate:
            raise UnsupportedError(f"places of a Variable in np.{function.__name__}")
        parts, *more = args
        if any(np.asarray(part).dtype.kind in "SUmM" for part in parts):
            raise UnsupportedError("np.r_ and np.c_ join Variables with numbers alone")
        return np.concatenate([_elements(part) for part in parts], *more, **kwargs)


def _elements(part: Any) -> Any:
    if not isinstance(part, MovedPlaces):
        return part
    places = part.view(np.ndarray).real.astype(np.intp)  # joined with other types
    return part.variable.reshape(-1)[places]


@provides("as_array")
def as_array(x: Variable, *_args: Any, **_kwargs: Any) -> Any:
    """Say why NumPy gets no array, or give the places of the elements to ``np.r_``."""
    if sys._getframe(1).f_code is not _JOINS:
        raise UnsupportedError(
            "an array Variable cannot become a NumPy array: it has no numbers. "
            + (callers.advice() or _NO_ARRAY)
        )
    places = np.arange(x.size, dtype=np.float64).reshape(x.shape).view(MovedPlaces)
    places.variable = x
    return places


_NO_ARRAY = (
    "Methods of NumPy's arrays take arrays alone: write w @ x or np.dot(w, x) for "
    "w.dot(x), and so on. Join Variables with np.stack or np.concatenate, apply "
    "functions to it directly (it is an array already), or evaluate it with "
    "`.evaluate({...})`"
)
