"""Progress: both bounds, shown on the terminal or below a notebook's cell."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from deuterium.optimize.branch_and_bound import loop_options as options


class NoProgress:
    """No progress is shown."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def show(self, lower: float, upper: float, regions: int, waiting: int) -> None:
        """Show where the work stands."""


class ProgressBar(NoProgress):
    """A line with both sides, their gap, and how many regions are done and wait.

    Nothing runs beside the work: the line changes when the work says where it stands.

    Parameters
    ----------
    maximizes : bool
        False where minus the objective is maximised, so that its infimum is shown.
    """

    def __init__(self, maximizes: bool = True) -> None:
        self.maximizes = maximizes
        self._start = self._shown = time.monotonic()
        self._last: tuple[float, float, int, int] | None = None
        self._screen: _Terminal | _Notebook | None = None

    def __enter__(self) -> ProgressBar:
        self._screen = screen()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._screen is not None:
            if self._last is not None:
                self._screen.put(self._line(*self._last))
            self._screen.close()

    def show(self, lower: float, upper: float, regions: int, waiting: int) -> None:
        """Show where the work stands, if the last look is not too short ago."""
        self._last = lower, upper, regions, waiting
        now = time.monotonic()
        if self._screen is not None and (
            now - self._shown >= options.PROGRESS_LOOK_SECONDS or not regions
        ):
            self._shown = now
            self._screen.put(self._line(*self._last))

    def _line(self, lower: float, upper: float, regions: int, waiting: int) -> str:
        gap = relative_gap(lower, upper)
        name = "sup"
        if not self.maximizes:
            lower, upper, name = -upper, -lower, "inf"
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        return (
            f"{lower:.9g} <= {name} <= {upper:.9g}   gap {gap}   "
            f"{regions} regions, {waiting} waiting   {minutes}:{seconds:02d}"
        )


def relative_gap(lower: float, upper: float) -> str:
    """Return how far two sides lie apart, as text."""
    width = upper - lower
    if not math.isfinite(width):
        return "infinite"
    return f"{width:.2g}" if lower == 0 else f"{width / abs(lower):.2%}"


def screen() -> _Terminal | _Notebook:
    """Return what shows one line that is written over: ``put`` it, and ``close``."""
    return _Notebook() if _in_notebook() else _Terminal()


class _Terminal:
    """One line on stderr that is written over; where that is a file, the last one."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._line = ""
        if self._console.is_terminal:
            self._live.start()

    def put(self, line: str) -> None:
        from rich.text import Text

        self._line = line
        if self._console.is_terminal:
            text = Text(line, no_wrap=True, overflow="ellipsis")
            self._live.update(text, refresh=True)

    def close(self) -> None:
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._console.print(self._line, soft_wrap=True)


class _Notebook:
    """A line below the cell that is written over."""

    def __init__(self) -> None:
        from IPython.display import display

        show: Any = display
        self._handle = show({"text/plain": ""}, raw=True, display_id=True)

    def put(self, line: str) -> None:
        self._handle.update({"text/plain": line}, raw=True)

    def close(self) -> None:
        pass


def _in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"
