"""Everybody's epsilon from their mu, and quantiles of epsilons by public group."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError
from deuterium.privacy.directed_rounding import quotient_down
from deuterium.privacy.mechanisms.privacy_curves import gaussian_epsilon

__all__ = ["epsilons_of", "group_table"]

SPREAD = 512  # values of mu told apart when epsilons are stated

WHO = "by_group"


def group_table(groups: Any, epsilons: Any, quantiles: Any) -> Any:
    """Return one row a group, as a structured array; arguments as of `by_group`.

    Parameters
    ----------
    groups, epsilons : array_like
        (people,): the group and the epsilon of everyone.
    quantiles : sequence of float
        In [0, 1].
    """
    names = np.asarray(groups)
    levels = np.atleast_1d(np.asarray(quantiles, dtype=float))
    if names.shape != epsilons.shape:
        raise ShapeError(
            f"{WHO}: `groups` needs one name for each of {len(epsilons)} people; got "
            f"shape {names.shape}"
        )
    if levels.ndim != 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise InvalidInputError(
            f"{WHO}: `quantiles` must lie in [0, 1], got {quantiles!r:.80}"
        )
    found, place = np.unique(names, return_inverse=True)
    fields = [(f"q{x:g}", float) for x in levels]
    kinds = [("group", found.dtype), ("people", np.int64), *fields]
    table = np.zeros(len(found), dtype=kinds)
    for i, name in enumerate(found):
        mine = epsilons[place == i]
        values = np.quantile(mine, levels, method="higher")
        table[i] = (name, len(mine), *values)
    return table


def epsilons_of(mus: Any, delta: float) -> Any:
    """Return the epsilon of everybody's mu, rounded up: (people,) both."""
    finite = np.where(mus < np.inf, mus, 0.0)
    levels = _levels(finite)
    values = np.array([_epsilon(m, delta) for m in levels])
    found = values[np.searchsorted(levels, finite)]
    return np.where(mus < np.inf, found, np.inf)


def _epsilon(mu: float, delta: float) -> float:
    multiplier = quotient_down(1.0, mu) if mu > 0 else math.inf
    return gaussian_epsilon(multiplier, delta) if multiplier < math.inf else 0.0


def _levels(mus: Any) -> Any:
    """Return few numbers, ascending, so that each mu has one that is not below it."""
    if len(mus) <= SPREAD:
        return np.unique(mus)
    least, most = float(mus.min()), float(mus.max())
    levels = np.geomspace(most * 1e-3, most, SPREAD)
    levels[-1] = most  # whatever geomspace rounds to
    return np.append(least, levels) if least < levels[0] else levels
