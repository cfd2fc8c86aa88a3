"""Bounds must be public: a check of a domain against the data it is used on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.domain.constraints import Range
from deuterium.domain.domain import Domain
from deuterium.errors import DataDependentBoundsWarning
from deuterium.graph.variable import Variable

__all__ = ["DataDependentBoundsWarning", "warn_if_from_data"]


def warn_if_from_data(
    domain: Domain, data: Mapping[Any, Any], *, public: bool = False
) -> None:
    """Warn if bounds of a domain are the data's own minimum and maximum.

    A sensitivity over such a domain depends on the data: one record more, outside the
    bounds, and it is wrong; and the bounds themselves give the extreme records away.

    Parameters
    ----------
    domain : Domain
        What the sensitivity was certified over.
    data : mapping
        From symbols (or names) to arrays with one leading axis of records.
    public : bool
        The bounds were known before the data; do not warn.

    Notes
    -----
    Per element of a symbol given by a `Box`, both bounds are compared with the data's
    own extremes; elements of at most two values, such as yes and no, do not count.
    There is a warning if all elements agree, or if at least half do while the bounds
    differ from element to element, as no rule stated for all of them would have it.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> privacy.warn_if_from_data(dt.Box({"age": (0, 120)}), {"age": [31, 40, 45]})
    """
    for key, rows in {} if public else dict(data).items():
        name = key.name if isinstance(key, Variable) else str(key)
        bounds = _bounds(domain, name, np.asarray(rows, dtype=np.float64))
        if bounds is not None and _looks_computed(*bounds):
            warnings.warn(
                f"the bounds of {name!r} are the data's own minimum and maximum. A "
                "sensitivity over them depends on the data and protects nobody; take "
                "bounds that were known before the data, or say public=True if these "
                "were",
                DataDependentBoundsWarning,
                stacklevel=2,
            )


def _bounds(domain: Domain, name: str, rows: Any) -> tuple[Any, Any, Any] | None:
    """Return lower and upper bounds and the data, if there are bounds and records."""
    constraints = domain.constraints.get(name, ())
    ranges = [c for c in constraints if isinstance(c, Range)]
    if not ranges or len(ranges) < len(constraints) or rows.ndim == 0 or len(rows) < 2:
        return None
    low = np.full(rows.shape[1:], -np.inf)
    high = np.full(rows.shape[1:], np.inf)
    for r in ranges:
        low, high = np.maximum(low, r.lower), np.minimum(high, r.upper)
    return low, high, rows


def _looks_computed(low: Any, high: Any, rows: Any) -> bool:
    tells = ((rows != rows.min(axis=0)) & (rows != rows.max(axis=0))).any(axis=0)
    agree = (low == rows.min(axis=0)) & (high == rows.max(axis=0))
    if not tells.any():
        return False
    varied = np.unique(low).size > 1 or np.unique(high).size > 1
    share = agree[tells].mean()
    return bool(share == 1 or (varied and share >= 0.5))
