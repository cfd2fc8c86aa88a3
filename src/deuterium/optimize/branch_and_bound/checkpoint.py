"""The checkpoint file: a journal of the work, from which it goes on after a crash.

One JSON object a line: first what the work is about, then every batch of verdicts as
it comes, and every better point.  A line is written whole before the next batch is
taken, so that a process killed at any time loses the batch it was at and nothing else.
Every line ends in a checksum of itself and all before it.  A last line that is
unfinished or wrong is dropped, as that is how a crash leaves it; any other damage is
refused.  Arrays are written as their bytes, compressed, in base 64; of boxes, what
differs from those that were handed in.  Nothing in the file is run.
"""

from __future__ import annotations

import json
import os
import warnings
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.errors import CheckpointError
from deuterium.optimize.region import BoundResult, Regions

try:
    import fcntl
except ImportError:  # pragma: no cover - where there are no such locks
    fcntl = None  # type: ignore[assignment]

FORMAT, VERSION = "deuterium-checkpoint", 2
FIRST = 2**16  # bytes that a first line may have; of another file, no more is read
ARRAYS = {"upper": "<f8", "cut": "<i8", "at": "<f8"}
MOVED = {"low": "<f8", "high": "<f8", "open": "|b1"}
LISTS = ("proofs", "steps", "ends")
OTHERS = ("state", "points")
assert {f.name for f in fields(BoundResult)} == {*ARRAYS, *MOVED, *LISTS, *OTHERS}


class CheckpointJournal:
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
            raise CheckpointError(
                f"`checkpoint` must be a path, got {type(path).__name__}"
            ) from None
        self.about = {"format": FORMAT, "version": VERSION, **about}
        self._file: Any = None
        self._sum = ""  # of all lines so far
        self._end = 0  # where they end
        self._is_full = False  # what cannot be written any more is not

    # -- reading ---------------------------------------------------------------------

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of an earlier run, and be ready to go on behind them."""
        self._open()
        try:
            first = self._file.readline(FIRST)
            self._require_ours(first)
            if not first.endswith(b"\n"):
                self._start()
                return
            self._check(self._parsed(first, 1))
            yield from self._entries()
        except OSError as error:
            self.close()
            raise self._error(f"cannot be read ({error})") from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not self.path.is_file():
                raise OSError("it is no file")
            self._file = self.path.open("a+b")
            self._file.seek(0)
        except (OSError, ValueError) as error:
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

    def _require_ours(self, first: bytes) -> None:
        """Refuse a file whose first line is not that of a checkpoint, if unfinished."""
        begins = json.dumps({"format": FORMAT, "version": VERSION}, separators=_PLAIN)
        ours = begins[:-1].encode() + b","
        if first.startswith(ours) or ours.startswith(first):
            return
        if first.startswith(ours[: -len(f"{VERSION},")]):
            raise self._error("is a checkpoint of another version of deuterium")
        raise self._error("is no checkpoint of deuterium")

    def _start(self) -> None:
        self._file.truncate(0)
        self._write(self.about)

    def _entries(self) -> Iterator[dict[str, Any]]:
        line, number = self._file.readline(), 2
        while line:
            following = self._file.readline()
            try:
                entry = self._parsed(line, number)
            except CheckpointError:
                if following:
                    raise
                break  # what a crash leaves behind
            yield entry
            line, number = following, number + 1
        self._file.truncate(self._end)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        """Return what is in a line, the next one, if its checksum is right."""
        body = line[: -len(_sealed(b"", ""))]
        found = _checksum(self._sum, body)
        if line != _sealed(body, found):
            raise self.damaged(number)
        self._sum = found
        self._end += len(line)
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise self.damaged(number)
        return entry

    def damaged(self, number: int) -> CheckpointError:
        """Return the error to raise for a line that cannot be right."""
        return self._error(f"is damaged in line {number}")

    def _error(self, what: str) -> CheckpointError:
        return CheckpointError(
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
        """Write a line; where that fails, the work goes on without the file."""
        if self._is_full:
            return
        body = json.dumps(entry, separators=_PLAIN).encode()[:-1]
        self._sum = _checksum(self._sum, body)
        try:
            self._put(_sealed(body, self._sum))
        except OSError as error:
            self._give_up(error)

    def _put(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._file.fileno(), left) :]
        self._end += len(line)

    def _give_up(self, error: OSError) -> None:
        self._is_full = True
        if self._file is not None:
            with suppress(OSError):  # else the next run drops what is there of the line
                self._file.truncate(self._end)
        warnings.warn(
            f"checkpoint: {str(self.path)!r} cannot be written any more ({error}); the "
            "work goes on, but what is found from here on is not in the file",
            RuntimeWarning,
            stacklevel=2,
        )

    def batch(
        self,
        nodes: Sequence[int],
        regions: Regions,
        results: BoundResult,
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
        results : BoundResult
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
        entry |= {f: text_of(getattr(results, f), t) for f, t in ARRAYS.items()}
        new = [np.ravel(getattr(results, f)) for f in MOVED]
        old = [np.ravel(getattr(regions, f)) for f in MOVED]
        moved = np.flatnonzero(
            np.any([a != b for a, b in zip(new, old, strict=True)], axis=0)
        )
        entry["moved"] = text_of(moved, "<i8")
        for (f, t), a in zip(MOVED.items(), new, strict=True):
            entry[f] = text_of(a[moved], t)
        entry["state"] = text_of(np.where(cut[:, None], results.state, 0.0))
        entry |= {f: getattr(results, f) for f in LISTS}
        self._write(entry)

    def point(self, row: Array | None, search: dict[str, Any] | None) -> None:
        """Record the first point, if any was found, and the state of the search."""
        self._write({"point": None if row is None else text_of(row), "search": search})

    def close(self) -> None:
        """Close the file, which stays."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:  # some file systems say it this late
                self._give_up(error)


_PLAIN = (",", ":")


def _checksum(before: str, body: bytes) -> str:
    """Return the checksum of a line, given that of the lines before it."""
    return blake2b(before.encode() + body, digest_size=8).hexdigest()


def _sealed(body: bytes, checksum: str) -> bytes:
    """Return a line: an object without its last brace, and the checksum in it."""
    return b'%b,"sum":"%16b"}\n' % (body, checksum.encode())


def text_of(array: Array, kind: str = "<f8") -> str:
    """Return the bytes of an array, compressed, in base 64."""
    data = np.ascontiguousarray(array, dtype=kind).tobytes()
    return b64encode(zlib.compress(data, 1)).decode()


def array_of(text: str, most: int, kind: str = "<f8") -> Array:
    """Return the array, flat; one of `UNREADABLE` if it has more elements."""
    size = most * np.dtype(kind).itemsize
    unpack = zlib.decompressobj()
    data = unpack.decompress(b64decode(text, validate=True), size + 1)
    if len(data) > size or not unpack.eof:
        raise ValueError("too many elements, or cut off")
    return np.frombuffer(data, dtype=kind).copy()


UNREADABLE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
    zlib.error,
)  # fmt: skip


def results_of(entry: dict[str, Any], regions: Regions) -> BoundResult:
    """Return the verdicts of a record on these regions; one of `UNREADABLE` if none."""
    count = len(regions)
    found = {f: array_of(entry[f], count, kind) for f, kind in ARRAYS.items()}
    moved = array_of(entry["moved"], regions.low.size, "<i8")
    for f, kind in MOVED.items():
        found[f] = getattr(regions, f).copy()
        np.put(found[f], moved, _as_many(moved, array_of(entry[f], len(moved), kind)))
    state = array_of(entry["state"], regions.state.size)
    found["state"] = state.reshape(regions.state.shape)
    lists: dict[str, list[Any]] = {f: entry[f] for f in LISTS}
    lengths = {len(x) for x in lists.values()} | {len(found[f]) for f in ARRAYS}
    if lengths != {count}:
        raise ValueError("lists of different lengths")
    return BoundResult(
        **found,
        proofs=[_pair(p) for p in lists["proofs"]],
        steps=[[_pair(s) for s in steps] for steps in lists["steps"]],
        ends=[None if p is None else _pair(p) for p in lists["ends"]],
        points=np.empty((0, 0)),
    )


def _as_many(places: Array, values: Array) -> Array:
    if len(places) != len(values):
        raise ValueError("lists of different lengths")
    return values


def _pair(proof: Any) -> Any:
    return proof if proof is None else (proof[0], proof[1])
