"""A record of the work done, from which it goes on after a crash.

One JSON object a line: first what the work is about, then every batch of verdicts as
it comes, and every better point.  A line is written whole before the next batch is
taken, so that a process killed at any time loses the batch it was at and nothing else;
an unfinished last line is dropped.  Nothing in the file is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.bound.region import Verdicts
from deuterium.errors import InvalidInputError

FORMAT, VERSION = "deuterium-checkpoint", 1
ARRAYS = ("upper", "low", "high", "open", "cut", "at", "state")
LISTS = ("proofs", "steps", "ends")
assert {f.name for f in fields(Verdicts)} == {*ARRAYS, *LISTS, "points"}


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
        self.path = Path(path)
        self.about = {"format": FORMAT, "version": VERSION, **about}

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of an earlier run, and be ready to go on behind them."""
        text = self.path.read_bytes() if self.path.exists() else b""
        whole = text.rfind(b"\n") + 1
        lines = text[:whole].splitlines()
        if not lines:
            self._open(0)
            self._write(self.about)
            return
        self._check(self._parsed(lines[0], 1))
        self._open(whole)
        for number, line in enumerate(lines[1:], start=2):
            yield self._parsed(line, number)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise InvalidInputError(
                f"checkpoint: line {number} of {str(self.path)!r} is not a record of "
                "this kind; delete the file or choose another path"
            )
        return entry

    def _check(self, found: dict[str, Any]) -> None:
        wrong = [k for k, x in self.about.items() if found.get(k) != x]
        if wrong:
            raise InvalidInputError(
                f"checkpoint: {str(self.path)!r} is about another problem (its "
                f"{', '.join(wrong)} differ); delete it or choose another path"
            )

    def _open(self, length: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        self._file.truncate(length)

    def _write(self, entry: dict[str, Any]) -> None:
        text = json.dumps(entry, separators=(",", ":"))
        self._file.write(text.encode() + b"\n")
        self._file.flush()

    def batch(self, nodes: Sequence[int], verdicts: Verdicts, spent: float) -> None:
        """Record what was found of a batch of regions, and the time spent so far."""
        entry: dict[str, Any] = {"nodes": list(nodes), "spent": spent}
        entry |= {f: getattr(verdicts, f).tolist() for f in ARRAYS}
        entry |= {f: getattr(verdicts, f) for f in LISTS}
        self._write(entry)

    def point(self, row: Any) -> None:
        """Record a better point."""
        self._write({"point": row.tolist()})

    def close(self) -> None:
        """Close the file, which stays."""
        self._file.close()


def verdicts_of(entry: dict[str, Any], k: int) -> Verdicts:
    """Return the verdicts of a record; regions have ``k`` coordinates."""
    count = len(entry["nodes"])
    found = {f: np.asarray(entry[f]) for f in ARRAYS}
    for f in ("low", "high", "open"):
        found[f] = found[f].reshape(count, k)
    found["state"] = found["state"].reshape(count, -1)
    steps = [[(kind, data) for kind, data in steps] for steps in entry["steps"]]
    return Verdicts(
        **found,
        proofs=[_pair(p) for p in entry["proofs"]],
        steps=steps,
        ends=[None if p is None else _pair(p) for p in entry["ends"]],
        points=np.empty((0, 0)),
    )


def _pair(proof: Any) -> Any:
    return proof if proof is None else (proof[0], proof[1])
