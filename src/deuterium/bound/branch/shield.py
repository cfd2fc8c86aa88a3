"""Ctrl-C held back for the moments in which the tree is being changed.

An interrupt in the middle of a change would leave a tree with regions missing, whose
bound would be too low.  So the interrupt waits until the change is whole.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Shield:
    """While it is entered, interrupts wait for the end of each `whole` block.

    Outside the main thread, where Python delivers no signals, it does nothing.

    Attributes
    ----------
    is_whole : bool
        False once an exception left a block half done all the same.
    """

    def __init__(self) -> None:
        self.is_whole = True
        self._deep = 0
        self._held: tuple[Any, Any] | None = None
        self._before: Callable[..., Any] | None = None

    def __enter__(self) -> Shield:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._arrived)
        return self

    def __exit__(self, *_: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _arrived(self, number: int, frame: Any) -> None:
        if self._deep:
            self._held = number, frame
        elif self._before is not None:
            self._before(number, frame)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let no interrupt in before the end of the block."""
        self._deep += 1
        try:
            yield
        except BaseException:
            self.is_whole = False
            raise
        finally:
            self._deep -= 1
            held, self._held = self._held, None
            if held is not None and self._before is not None:
                self._before(*held)
