"""Guard against interrupts (Ctrl-C, SIGTERM) while the tree is being changed.

An interrupt in the middle of a change would leave a tree with regions missing, whose
bound would be too low.  So the interrupt waits until the change is whole.  SIGTERM is
taken for a Ctrl-C where nobody has asked for anything else: it ends the work, not the
process, which has the bounds proved so far to tell.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

HELD = (signal.SIGINT, signal.SIGTERM)


class InterruptGuard:
    """While it is entered, interrupts wait for the end of each `whole` block.

    Outside the main thread, where Python delivers no signals, it does nothing.  Signals
    that are ignored stay so; to those that a caller handles, the caller's own handlers
    are applied.  Handlers that were there before are put back at the end.

    Attributes
    ----------
    is_whole : bool
        False once an exception left a block half done all the same.
    """

    def __init__(self) -> None:
        self.is_whole = True
        self._deep = 0
        self._held: tuple[Any, Any] | None = None
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> InterruptGuard:
        if threading.current_thread() is threading.main_thread():
            for number in HELD:
                before = signal.getsignal(number)
                ends = number == signal.SIGTERM and before == signal.SIG_DFL
                if callable(before) or ends:
                    self._before[number] = before
                    signal.signal(number, self._arrived)
        return self

    def __exit__(self, *_: Any) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _arrived(self, number: int, frame: Any) -> None:
        if os.getpid() != self._process and self._before.get(number) == signal.SIG_DFL:
            # a worker, forked meanwhile, has nothing to tell
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif self._deep:
            self._held = number, frame
        elif number in self._before:
            self._handle(number, frame)

    def _handle(self, number: int, frame: Any) -> None:
        before: Callable[..., Any] | int = self._before[number]
        if not callable(before):
            raise KeyboardInterrupt
        before(number, frame)

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
            if held is not None and held[0] in self._before:
                self._handle(*held)
