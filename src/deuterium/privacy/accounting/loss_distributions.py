"""Privacy loss distributions of many releases, by dp-accounting.

Rounded pessimistically (V. Doroshenko and others, "Connect the dots", PETS 2022), and
convolved (A. Koskela, J. Jaelkoe and A. Honkela, AISTATS 2020).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from deuterium.interval.environment import forgets
from deuterium.privacy.accounting.renyi import Key

__all__ = ["convolved"]

KEPT = 8  # distributions, of some megabytes each: those of the steps of one training


def convolved(counts: dict[Key, int], grid: float) -> Any:
    """Return dp-accounting's loss distribution of all releases together.

    Parameters
    ----------
    counts : dict from tuple to int
        How many releases of each kind; one at least.
    grid : float
        Losses are rounded up to multiples of it (nats).
    """
    first, *rest = (_of_one(k, grid).self_compose(n) for k, n in counts.items())
    for other in rest:
        first = first.compose(other)
    return first


@lru_cache(maxsize=KEPT)
def _of_one(key: Key, grid: float) -> Any:
    """Return that of one release, which is asked for again after every other step."""
    law, m, q = key
    return law.unit(m).loss_distribution(q, grid)


forgets(_of_one.cache_clear)
