"""Objects as JSON files: written from their fields, read back by a table of kinds.

    {"format": "deuterium-object", "version": 1, "deuterium": "...", "graph": {...},
     "object": {"kind": "GaussianNoise", "fields": {...}}, "seal": "..."}

Every Variable is the number of an output of the one ``graph``, so what is shared stays
shared.  Floats keep their shortest exact form.  Nothing in a file is ever run: a kind
is looked up among the classes that derive from `Saved` or were entered, and made by its
own constructor, which checks its arguments.  The seal is the SHA-256 of all the rest;
it notices damage, not forgery.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from deuterium._version import __version__
from deuterium.errors import DeuteriumError, InvalidInputError
from deuterium.files import write_file
from deuterium.graph.serialize import from_json, to_json
from deuterium.graph.variable import Variable
from deuterium.interval import Cause
from deuterium.interval.environment import standard_only

__all__ = ["Saved", "entered", "require_kinds"]

FORMAT, VERSION = "deuterium-object", 1
LARGEST = 2**30  # bytes of a file that is read

KINDS: dict[str, type] = {}
T = TypeVar("T", bound=type)


def entered(cls: T) -> T:
    """Let objects of a dataclass be part of what is saved."""
    KINDS[cls.__name__] = cls
    return cls


entered(Cause)


class Saved:
    """A class whose objects are saved as JSON and read again; see this module."""

    __slots__ = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        entered(cls)

    def _stored(self) -> Mapping[str, Any]:
        """Return the fields, by the names that `_restored` takes."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}  # type: ignore[arg-type]

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Self:
        return cls(**given)

    @standard_only
    def to_json(self) -> str:
        """Return the object as JSON text; the same object, the same text."""
        nodes: dict[Variable, int] = {}
        body = {
            "format": FORMAT,
            "version": VERSION,
            "deuterium": __version__,
            "object": _written(self, nodes),
            "graph": to_json(list(nodes)),
        }
        return _text({**body, "seal": _seal(body)})

    def save(self, path: Any) -> None:
        """Write the object to a JSON file, which `load` reads."""
        write_file(path, self.to_json())

    @classmethod
    @standard_only
    def from_json(cls, text: str) -> Self:
        """Read text that `to_json` made; nothing in it is run.

        Raises
        ------
        InvalidInputError
            The text is no such object, or was changed.
        """
        try:
            found = _read_document(text, cls.__name__)
        except DeuteriumError:
            raise
        except _UNREADABLE as error:
            raise _refused(cls.__name__, f"it cannot be read: {error!r:.200}") from None
        if not isinstance(found, cls):
            raise _refused(cls.__name__, f"it holds a {type(found).__name__}")
        return found

    @classmethod
    def load(cls, path: Any) -> Self:
        """Read a file that `save` wrote; nothing in it is run.

        Raises
        ------
        InvalidInputError
            The file cannot be read, holds something else, or was changed.
        """
        return cls.from_json(_text_of(cls.__name__, path))


_UNREADABLE = (
    KeyError, TypeError, IndexError, ValueError, OverflowError, AttributeError,
    RecursionError, ArithmeticError,
)  # fmt: skip


def _text_of(who: str, path: Any) -> str:
    try:
        with Path(path).open("rb") as file:
            written = file.read(LARGEST + 1)
    except OSError as error:
        told = f"{str(path)!r} cannot be read: {error.strerror}"
        raise _refused(who, told) from None
    if len(written) > LARGEST:
        raise _refused(who, f"the file has more than {LARGEST} bytes")
    return written.decode("utf-8", "replace")


def require_kinds(who: str, items: Any, *kinds: type) -> tuple[Any, ...]:
    """Return what a file lists, all of it being of some kinds.

    Raises
    ------
    InvalidInputError
        Something is of another kind.
    """
    listed = tuple(items) if isinstance(items, tuple | list) else (items,)
    for x in listed:
        if not isinstance(x, kinds):
            named = " or ".join(k.__name__ for k in kinds)
            raise _refused(who, f"it has {x!r:.60} in the place of a {named}")
    return listed


def _refused(who: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"{who}.load: {why}; give a file that {who}.save wrote")


# -- to JSON ---------------------------------------------------------------------------


def _text(x: Any) -> str:
    return json.dumps(x, allow_nan=False, separators=(",", ":"))


def _seal(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(dict(sorted(body.items()))).encode()).hexdigest()


def _written(x: Any, nodes: dict[Variable, int]) -> Any:
    if isinstance(x, Variable):
        return {"kind": "node", "at": nodes.setdefault(x, len(nodes))}
    if isinstance(x, np.generic):
        x = x.item()
    if x is None or isinstance(x, bool | int | str):
        return x
    if isinstance(x, float):
        return x if math.isfinite(x) else {"kind": "float", "text": str(x)}
    if isinstance(x, Fraction):
        return {"kind": "fraction", "text": str(x)}
    if isinstance(x, np.ndarray):
        flat = x.ravel().tolist()
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            flat = [_written(e, nodes) for e in flat]
        about = {"dtype": x.dtype.str, "shape": list(x.shape)}
        return {"kind": "array", **about, "values": flat}
    if isinstance(x, tuple):
        return {"kind": "tuple", "items": [_written(e, nodes) for e in x]}
    if isinstance(x, list):
        return [_written(e, nodes) for e in x]
    if isinstance(x, Mapping):
        pairs = [[_written(k, nodes), _written(e, nodes)] for k, e in x.items()]
        return {"kind": "mapping", "items": pairs}
    return _object_written(x, nodes)


def _object_written(x: Any, nodes: dict[Variable, int]) -> Any:
    name = type(x).__name__
    if KINDS.get(name) is not type(x):
        raise InvalidInputError(f"save: a {name} cannot be written as JSON: {x!r:.80}")
    given = x._stored() if isinstance(x, Saved) else vars(x)
    return {
        "kind": name,
        "fields": {k: _written(e, nodes) for k, e in given.items()},
    }


# -- from JSON -------------------------------------------------------------------------


def _read_document(text: str, who: str) -> Any:
    body = json.loads(text)
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise _refused(who, f"it is no {FORMAT} file")
    if body.get("version") != VERSION:
        raise _refused(
            who,
            f"it has version {body.get('version')!r:.40}, and this deuterium reads "
            f"version {VERSION}",
        )
    seal = body.pop("seal", None)
    if seal != _seal(body):
        raise _refused(who, "it was changed: its contents do not match its seal")
    return _read(body["object"], from_json(body["graph"]))


def _read(x: Any, nodes: list[Variable]) -> Any:
    if isinstance(x, list):
        return [_read(e, nodes) for e in x]
    if not isinstance(x, dict):
        return x
    kind = x["kind"]
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(x, nodes)
    cls = KINDS[kind]
    given = {str(k): _read(e, nodes) for k, e in x["fields"].items()}
    return cls._restored(given) if issubclass(cls, Saved) else cls(**given)


def _array(x: Any, nodes: list[Variable]) -> Any:
    dtype = np.dtype(str(x["dtype"]))
    if dtype.kind not in "fiub":
        raise InvalidInputError(f"load: an array of dtype {dtype} is no array of ours")
    values = np.array(_read(x["values"], nodes), dtype=dtype)
    return values.reshape([int(n) for n in x["shape"]])


_READERS: Mapping[str, Any] = {
    "node": lambda x, nodes: nodes[int(x["at"])],
    "float": lambda x, _: float(x["text"]),
    "fraction": lambda x, _: Fraction(*map(int, x["text"].split("/"))),
    "array": _array,
    "tuple": lambda x, nodes: tuple(_read(e, nodes) for e in x["items"]),
    "mapping": lambda x, nodes: {
        _read(k, nodes): _read(e, nodes) for k, e in x["items"]
    },
}
