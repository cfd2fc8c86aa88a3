"""The options of `maximize`, by name, for the functions that hand them on."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, TypedDict

__all__ = ["MaximizeOptions", "SearchLimits"]


class SearchLimits(TypedDict, total=False):
    """What a function hands on that has a gap and a time limit of its own."""

    memory_limit: float
    max_regions: int | None
    executor: Executor | None
    progress: bool
    seed: int
    checkpoint: Any
    points: Mapping[Any, Any] | None
    method: str


class MaximizeOptions(SearchLimits, total=False):
    """All of them, as `deuterium.maximize` takes them."""

    rtol: float
    atol: float | None
    time_limit: float | None
