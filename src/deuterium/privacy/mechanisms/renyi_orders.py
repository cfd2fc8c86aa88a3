"""At which orders Renyi divergences are added up.  Every order gives valid bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ORDERS", "whole_orders"]

WHOLE = np.unique([*range(2, 65), *np.geomspace(64, 1024, 33).astype(int)])
ORDERS = np.unique(
    np.concatenate([WHOLE, 1 + np.geomspace(1e-2, 1e3, 600), np.geomspace(1e3, 1e15)])
)


def whole_orders(orders: Any) -> Any:
    """Return the whole orders that lie next to some orders, ascending, from 2."""
    if orders is ORDERS:
        return WHOLE  # few, and close enough
    near = np.minimum(orders[np.isfinite(orders)], 2.0**20)
    whole = np.unique([2.0, *np.floor(near), *np.ceil(near)]).astype(int)
    return whole[whole > 1]
