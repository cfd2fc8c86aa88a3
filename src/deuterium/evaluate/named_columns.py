"""Values given by name: in a mapping, or in a table with named columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deuterium.errors import InvalidInputError
from deuterium.graph.substitute import symbol_name

__all__ = ["as_columns", "is_table"]


def is_table(data: Any) -> bool:
    """Whether this is a table with named columns, as pandas and polars have them."""
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def as_columns(data: Any, who: str) -> dict[str, Any]:
    """Return data by name: of a mapping its items, of a table its columns.

    Raises
    ------
    InvalidInputError
        It is neither; or two columns have one name.
    """
    if isinstance(data, Mapping):
        return {symbol_name(k): v for k, v in data.items()}
    if not is_table(data):
        raise InvalidInputError(
            f"{who}: `data` must be a mapping such as {{x: array}} or a table with "
            f"named columns, got {type(data).__name__}"
        )
    names = [str(c) for c in data.columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InvalidInputError(f"{who}: several columns have the name {twice[0]!r}")
    return {n: data[c] for n, c in zip(names, data.columns, strict=True)}
