"""How a noisy sum of gradients moves the weights: step, momentum and public penalties.

Nothing here sees the data: it is post-processing of what was released.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.evaluate import compile
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.transform import grad

__all__ = ["penalty_slopes", "updated"]


def penalty_slopes(
    weights: Mapping[str, Variable], penalty: Any, more: list[Variable]
) -> Any:
    """Return the gradient of a penalty and more scalars by all weights, or None.

    Parameters
    ----------
    weights : mapping from str to Variable
        The parameters' symbols.
    penalty : Variable, callable or None
        As of `ClipFreeSGD`.
    more : list of Variable
        Scalars of the weights that are added to it.
    """
    terms = list(more)
    if penalty is not None:
        given = penalty(**weights) if callable(penalty) else penalty
        terms.insert(0, as_variable(given).reshape(()))
    if not terms:
        return None
    symbols, total = list(weights.values()), as_variable(sum(terms))
    return compile(symbols, list(grad(total, symbols)))


def updated(
    parameters: Mapping[str, Array],
    steps: list[Array],
    before: list[Array] | None,
    *,
    learning_rate: float,
    momentum: float,
) -> tuple[dict[str, Array], list[Array]]:
    """Return new weights, and the velocity of each.

    Parameters
    ----------
    parameters : mapping from str to ndarray
        The weights.
    steps : list of ndarray
        The gradient by each, of its shape.
    before : list of ndarray or None
        The velocities that the last step returned.
    learning_rate, momentum : float
        As of `ClipFreeSGD`.
    """
    if momentum:
        before = before or [np.zeros_like(s) for s in steps]
        steps = [momentum * v + s for v, s in zip(before, steps, strict=True)]
    pairs = zip(parameters.items(), steps, strict=True)
    return {n: w - learning_rate * s for (n, w), s in pairs}, steps
