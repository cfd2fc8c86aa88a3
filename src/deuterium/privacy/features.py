"""How strongly each feature of a record can move its gradient norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.bound import Domain, enclose
from deuterium.errors import InvalidInputError
from deuterium.functions.reductions import norm_of_all
from deuterium.graph.variable import Variable, constant
from deuterium.interval import Interval
from deuterium.interval.arithmetic import intersect
from deuterium.transform import grad

__all__ = ["norm_slopes"]


def norm_slopes(gradients: Sequence[Variable], x: Variable, domain: Domain) -> Interval:
    """Enclose the derivative of a gradient's norm by each feature of a record.

    Parameters
    ----------
    gradients : sequence of Variable
        ``g``, as `deuterium.grad` returned it.
    x : Variable
        The record; its elements are the features.
    domain : Domain
        Every record that may come.

    Returns
    -------
    Interval
        Of ``x``'s shape: ``d|g|/dx_j`` wherever it exists.

    Notes
    -----
    ``d|g|/dx_j`` is ``g . (dg/dx_j) / |g|``, so by Cauchy and Schwarz at most
    ``|dg/dx_j|``: no division by a norm that may come close to zero.  The enclosure of
    the derivative itself is intersected with that.
    """
    parts = list(gradients) if isinstance(gradients, list | tuple) else []
    if not parts or not all(isinstance(g, Variable) for g in parts):
        raise InvalidInputError(
            "norm_slopes: `gradients` must be a list of Variables, as deuterium.grad "
            f"returns it; got {gradients!r:.80}"
        )
    bounds = np.array([_column_bound(c, domain) for c in _columns(parts, x)])
    bounds = bounds.reshape(x.shape)
    direct = enclose(grad(norm_of_all(parts), x), domain)
    return intersect(Interval.unchecked(-bounds, bounds), direct)


def _columns(gradients: Sequence[Variable], x: Variable) -> list[list[Variable]]:
    """Return ``dg/dx_j`` for every j.

    The derivative of ``u . g`` by x is linear in u, and its j-th element has the
    derivative ``dg/dx_j`` by u: two backward passes make one forward.
    """
    weights = [constant(np.ones(g.shape) if g.shape else 1) for g in gradients]
    total: Any = sum((g * u).sum() for g, u in zip(gradients, weights, strict=True))
    by_x = grad(total, x).reshape(-1)
    return [grad(by_x[j], weights) for j in range(x.size)]


def _column_bound(column: Sequence[Variable], domain: Domain) -> float:
    return float(enclose(norm_of_all(list(column)), domain).upper)
