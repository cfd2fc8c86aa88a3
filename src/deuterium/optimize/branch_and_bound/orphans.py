"""Worker processes that stop when told to, and when their parent has gone.

A pool's workers wait for tasks that a parent killed without warning can no longer send;
they would wait for ever, each with the other's ends of the pipes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from typing import Any

from deuterium.optimize.branch_and_bound import loop_options as options

_stop: Any = None  # set in workers
_watching: set[int] = set()  # processes; a fork inherits those of others


def leave_with_parent() -> None:
    """Have this process end with its parent, if it is one of `multiprocessing`."""
    if multiprocessing.parent_process() is None or os.getpid() in _watching:
        return
    _watching.add(os.getpid())
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def serve(stop: Any) -> None:
    """Be a worker that ends with its parent, and stops when a shared number says so."""
    global _stop
    _stop = stop
    leave_with_parent()


def is_told_to_stop() -> bool:
    """Return whether what this worker is at is wanted no more."""
    return _stop is not None and bool(_stop.value)


def _watch(parent: int) -> None:
    while not _is_orphan(parent):
        time.sleep(options.ORPHAN_LOOK_SECONDS)
    os._exit(1)  # nobody is left to be told


def _is_orphan(parent: int) -> bool:
    """Return whether the parent, or the process that had it forked, has gone."""
    owner = multiprocessing.parent_process()
    return os.getppid() != parent or (owner is not None and not owner.is_alive())
