"""Quantiles of people's epsilons by public group."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, ShapeError

__all__ = ["group_table"]

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
