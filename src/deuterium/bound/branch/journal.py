"""A record of the work done, from which it goes on after a crash.

One JSON object a line: first what the work is about, then every batch of verdicts as
it comes, and every better point.  A line is written whole before the next batch is
taken, so that a process killed at any time loses the batch it was at and nothing else;
an unfinished last line is dropped.  Arrays are written as their bytes, compressed, in
base 64; of boxes, what differs from those that were handed in.  Nothing in the file is
run.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.bound.region import Regions, Verdicts
from deuterium.errors import InvalidInputError

try:
    import fcntl
except ImportError:  # pragma: no cover - where there are no such locks
    fcntl = None  # type: ignore[assignment]

FORMAT, VERSION = "deuterium-checkpoint", 1
ARRAYS = {"upper": "<f8", "cut": "<i8", "at": "<f8"}
MOVED = {"low": "<f8", "high": "<f8", "open": "|b1"}
LISTS = ("proofs", "steps", "ends")
OTHERS = ("state", "points")
assert {f.name for f in fields(Verdicts)} == {*ARRAYS, *MOVED, *LISTS, *OTHERS}

Array = Any


class Journal:
    """The checkpoint file of one maximisation.

    Parameters
    ----------
    path : path
        Where it is, or is to be.
    about : dict
        What the work is about; a file about something else is refused.
    """

    def __init__(self, path: Any, about: dict[str, Any]) -> None:
        try:
            self.path = Path(path)
        except TypeError:
            raise InvalidInputError(
                f"`checkpoint` must be a path, got {type(path).__name__}"
            ) from None
        self.about = {"format": FORMAT, "version": VERSION, **about}
        self._file: Any = None

    # -- reading ---------------------------------------------------------------------

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of an earlier run, and be ready to go on behind them."""
        self._open()
        try:
            first = self._file.readline()
            if not self._is_ours(first):
                raise self._error("is no checkpoint of deuterium")
            if not first.endswith(b"\n"):
                self._start()
                return
            self._check(self._parsed(first, 1))
            yield from self._entries(len(first))
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
            self._file.seek(0)
        except OSError as error:
            raise self._error(f"cannot be opened ({error})") from None
        self._lock()

    def _lock(self) -> None:
        if fcntl is None:  # pragma: no cover
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise self._error("is being written by another run") from None
        except OSError:  # a file system without locks
            pass

    def _is_ours(self, first: bytes) -> bool:
        """Return whether a first line is one of a checkpoint, if an unfinished one."""
        begins = _line({"format": FORMAT})[:-2]
        return first.startswith(begins) or begins.startswith(first)

    def _start(self) -> None:
        self._file.truncate(0)
        self._write(self.about)

    def _entries(self, end: int) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self._file, start=2):
            if not line.endswith(b"\n"):
                break
            end += len(line)
            yield self._parsed(line, number)
        self._file.truncate(end)
        self._file.seek(end)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise self.damaged(number)
        return entry

    def damaged(self, number: int) -> InvalidInputError:
        """Return the error to raise for a line that cannot be right."""
        return self._error(f"is damaged in line {number}")

    def _error(self, what: str) -> InvalidInputError:
        return InvalidInputError(
            f"checkpoint: {str(self.path)!r} {what}; choose another path, or delete "
            "the file to start anew"
        )

    def _check(self, found: dict[str, Any]) -> None:
        wrong = [k for k, x in self.about.items() if found.get(k) != x]
        if "problem" in wrong:
            raise self._error("is about another function or domain")
        if wrong:
            told = ", ".join(
                f"`{k}` was {found.get(k)!r:.60} and is {self.about[k]!r:.60}"
                for k in wrong
            )
            raise self._error(f"was made differently: {told}")

    # -- writing ---------------------------------------------------------------------

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(_line(entry))
        self._file.flush()

    def batch(
        self,
        nodes: Sequence[int],
        regions: Regions,
        verdicts: Verdicts,
        *,
        point: Array | None,
        cut: Array,
        **more: Any,
    ) -> None:
        """Record what was found of a batch of regions.

        Parameters
        ----------
        nodes : sequence of int
            Their numbers.
        regions : Regions
            The regions as they were handed in.
        verdicts : Verdicts
            What was found of them.
        point : ndarray or None
            The better point that was found since.
        cut : ndarray of bool
            Which may be cut now: of others, the state for their halves is not kept.
        **more
            What else to write down.
        """
        entry: dict[str, Any] = {"nodes": list(nodes), **more}
        entry["point"] = None if point is None else text_of(point)
        entry |= {f: text_of(getattr(verdicts, f), t) for f, t in ARRAYS.items()}
        new = [np.ravel(getattr(verdicts, f)) for f in MOVED]
        old = [np.ravel(getattr(regions, f)) for f in MOVED]
        moved = np.flatnonzero(
            np.any([a != b for a, b in zip(new, old, strict=True)], axis=0)
        )
        entry["moved"] = text_of(moved, "<i8")
        for (f, t), a in zip(MOVED.items(), new, strict=True):
            entry[f] = text_of(a[moved], t)
        entry["state"] = text_of(np.where(cut[:, None], verdicts.state, 0.0))
        entry |= {f: getattr(verdicts, f) for f in LISTS}
        self._write(entry)

    def point(self, row: Array | None, search: dict[str, Any] | None) -> None:
        """Record the first point, if any was found, and the state of the search."""
        self._write({"point": None if row is None else text_of(row), "search": search})

    def close(self) -> None:
        """Close the file, which stays."""
        if self._file is not None:
            self._file.close()


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def text_of(array: Array, kind: str = "<f8") -> str:
    """Return the bytes of an array, compressed, in base 64."""
    data = np.ascontiguousarray(array, dtype=kind).tobytes()
    return b64encode(zlib.compress(data, 1)).decode()


def array_of(text: str, kind: str = "<f8") -> Array:
    """Return the array, flat."""
    data = zlib.decompress(b64decode(text, validate=True))
    return np.frombuffer(data, dtype=kind).copy()


UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, zlib.error)


def verdicts_of(entry: dict[str, Any], regions: Regions) -> Verdicts:
    """Return the verdicts of a record on these regions; one of `UNREADABLE` if none."""
    count = len(regions)
    found = {f: array_of(entry[f], kind) for f, kind in ARRAYS.items()}
    moved = array_of(entry["moved"], "<i8")
    for f, kind in MOVED.items():
        found[f] = getattr(regions, f).copy()
        found[f].flat[moved] = array_of(entry[f], kind)
    found["state"] = array_of(entry["state"]).reshape(regions.state.shape)
    lists: dict[str, list[Any]] = {f: entry[f] for f in LISTS}
    lengths = {len(x) for x in (*lists.values(), *(found[f] for f in ARRAYS))}
    if lengths != {count}:
        raise ValueError("lists of different lengths")
    return Verdicts(
        **found,
        proofs=[_pair(p) for p in lists["proofs"]],
        steps=[[_pair(s) for s in steps] for steps in lists["steps"]],
        ends=[None if p is None else _pair(p) for p in lists["ends"]],
        points=np.empty((0, 0)),
    )


def _pair(proof: Any) -> Any:
    return proof if proof is None else (proof[0], proof[1])
