"""Where elements go: NumPy run on arrays of places, or of shapes alone.

Whatever NumPy does to an array of places it would do to the elements; so a function
that moves elements runs on ``arange(size).reshape(shape)``, and the result is the index
of one `gather`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import ShapeError, UnsupportedError
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.ops import arrays


def places(x: Variable) -> Any:
    """Return the array of flat places of the elements of ``x``."""
    return np.arange(x.size, dtype=np.int64).reshape(x.shape)


def numpy_does(run: Callable[[], Any], caller: str, shape: Any) -> Any:
    """Return what NumPy makes of places or shapes; what it refuses is refused here."""
    try:
        return run()
    except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
        raise ShapeError(f"{caller}: {error} (shape {shape})") from None


def moved(x: Any, move: Callable[..., Any], caller: str, *how: Any) -> Variable:
    """Return ``x`` with its elements moved as ``move`` moves an array of places.

    ``how`` are the further arguments of ``move``, which must be numbers.
    """
    if any(isinstance(e, Variable) for e in how):
        raise UnsupportedError(
            f"{caller}: where elements go cannot depend on a Variable; give numbers"
        )
    v = as_variable(x)
    index = numpy_does(lambda: np.asarray(move(places(v), *how)), caller, v.shape)
    return arrays.take_places(v, index)


def like(x: Variable) -> Any:
    """Return an array of zeros of the same shape that takes no memory."""
    return np.broadcast_to(0.0, x.shape)
