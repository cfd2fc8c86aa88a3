"""Private training put into a file, and taken up again: arrays and JSON, no pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.files import write_file

__all__ = ["kept_generator", "read", "same_settings", "taken_up", "write"]

FORMAT = 1
META = "meta"  # the array that holds the JSON


def write(path: Any, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Put arrays and what JSON can keep into a file, at once or not at all."""
    said = np.array(json.dumps({"format": FORMAT, **meta}))
    named: Any = {META: said, **arrays}
    whole = io.BytesIO()
    np.savez(whole, **named)
    write_file(path, whole.getvalue())


def read(path: Any, who: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the rest, or say why this is no such file."""
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            arrays = {n: file[n] for n in file.files}
        meta = json.loads(str(arrays.pop(META)))
        known = meta.pop("format") == FORMAT
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as why:
        raise InvalidInputError(
            f"{who}: {path} is no file that a trainer saved ({why})"
        ) from None
    if not known:
        raise InvalidInputError(f"{who}: {path} was saved in another format")
    return arrays, meta


def same_settings(who: str, ours: Mapping[str, Any], theirs: Any) -> None:
    """Raise unless a file was saved by a trainer of the same settings."""
    told = theirs if isinstance(theirs, dict) else {}
    other = [n for n, x in ours.items() if n not in told or told[n] != x]
    if other:
        raise InvalidInputError(
            f"{who}: the file was saved by a trainer whose {', '.join(other)} "
            f"{'is' if len(other) == 1 else 'are'} not this one's; make the trainer "
            "as it was made"
        )


def kept_generator(rng: np.random.Generator | None) -> Any:
    """Return the state of NumPy's generator, or None for secure noise."""
    return None if rng is None else rng.bit_generator.state


def taken_up(rng: np.random.Generator | None, state: Any) -> None:
    """Put a generator into a state that was kept."""
    if rng is not None and state is not None:
        rng.bit_generator.state = state
