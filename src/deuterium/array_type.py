"""The type of arrays: NumPy's, of any numbers and any shape; docstrings give shapes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

__all__ = ["Array"]

Array = NDArray[Any]
