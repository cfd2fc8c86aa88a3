"""The Cause of an infinite enclosure: operator, source line, ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """The operator that made a result undefined or unbounded, and where it stands.

    Attributes
    ----------
    kind : {"undefined", "overflow", "unbounded", "rounding"}
        ``undefined``: an argument touches a pole or leaves the operator's domain.
        ``overflow``: the bound exceeds the largest double.  ``unbounded``: the domain
        itself is infinite.  ``rounding``: no bound of the operator's error in the
        arithmetic asked for is known.
    operator : str
        Name of the operator, such as ``"log"``.
    source : str
        ``file.py:line`` of the user's code that made the node, or ``"unknown line"``.
    ranges : tuple of (float, float)
        The offending range of each argument.
    box : dict from str to (ndarray, ndarray), or None
        The smallest offending part of the domain found, where one was looked for.
    points : tuple of dict
        Where it is proved that the function is undefined: one point at which it is, or
        two between which an argument changes its sign.
    """

    kind: str
    operator: str
    source: str
    ranges: tuple[tuple[float, float], ...]
    box: dict[str, Any] | None = None
    points: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        ranges = ", ".join(f"[{low:.6g}, {high:.6g}]" for low, high in self.ranges)
        return f"{self.kind}: {self.operator} of {ranges} at {self.source}"
