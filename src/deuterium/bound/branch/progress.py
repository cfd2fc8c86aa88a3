"""Both sides closing in, on the terminal."""

from __future__ import annotations

from typing import Any


class Quiet:
    """No progress is shown."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def show(self, lower: float, upper: float, regions: int, waiting: int) -> None:
        """Show where the work stands."""


class Closing(Quiet):
    """A line with both sides, their gap, and how many regions are done and wait."""

    def __enter__(self) -> Closing:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        )
        self._progress.start()
        self._task = self._progress.add_task("bounding", total=None)
        return self

    def __exit__(self, *_: Any) -> None:
        self._progress.stop()

    def show(self, lower: float, upper: float, regions: int, waiting: int) -> None:
        """Show where the work stands."""
        gap = (upper - lower) / abs(lower) if lower else float("inf")
        self._progress.update(
            self._task,
            description=f"{lower:.9g} <= sup <= {upper:.9g}   gap {gap:.2%}   "
            f"{regions} regions, {waiting} waiting",
        )
