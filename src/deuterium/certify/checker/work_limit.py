"""Limits on the work and memory of one check, in proportion to the proof."""

from __future__ import annotations

from typing import Any

from deuterium.errors import CertificateError

FIRST = 20_000  # halvings of cells, whatever the proof
EACH, MORE = 1000, 100  # for each leaf that halves cells, and for each of its functions
KEPT = 100_000  # cells at a time


class WorkLimit:
    """What is left of it, and the cells that serve all leaves.

    Attributes
    ----------
    cells : dict
        By curve, level and index.
    spent : int
        Halvings so far.
    """

    def __init__(self) -> None:
        self.cells: dict[Any, Any] = {}
        self._given = self.spent = 0
        self.grant(FIRST)

    def grant(self, halvings: int) -> None:
        """Allow so many more."""
        self._given += halvings

    def halve(self) -> None:
        """Count the halving of a cell."""
        self.spent += 1
        if self.spent > self._given:
            raise CertificateError(
                f"the proof needs more than the {self._given} halvings of cells that "
                "are allowed for leaves as many as it has so far"
            )

    def keep(self, key: Any, cell: Any) -> Any:
        """Enter a cell; make room first, where there are too many."""
        if len(self.cells) >= KEPT:
            self.cells.clear()
        self.cells[key] = cell
        return cell
