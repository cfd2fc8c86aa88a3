"""Results as JSON documents of a stated schema.

Numbers are exact: Python writes the shortest text that reads back as the same double.
JSON has no infinity, so a number that is not finite is the text ``"inf"``, ``"-inf"``
or ``"nan"``.  Keys are only ever added within a version of the schema.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from deuterium._version import __version__
from deuterium.commands import (
    CheckResult,
    Diagnosis,
    ExtremumResult,
    ModelBoundResult,
    ModelCheckResult,
    ProofResult,
    QueryResult,
    SavedProofResult,
)
from deuterium.demo import DemoResult
from deuterium.errors import InvalidInputError

__all__ = ["SCHEMA_VERSION", "as_document", "as_json", "plain"]

SCHEMA_VERSION = 1  # goes up when a document's fields change their meaning

_SCHEMAS: dict[type, str] = {
    DemoResult: "deuterium.demo",
    QueryResult: "deuterium.query",
    ExtremumResult: "deuterium.extremum",
    CheckResult: "deuterium.check",
    ModelBoundResult: "deuterium.model_bound",
    ModelCheckResult: "deuterium.model_check",
    ProofResult: "deuterium.proof",
    SavedProofResult: "deuterium.saved_proof",
    Diagnosis: "deuterium.diagnosis",
}


def as_document(result: Any) -> dict[str, Any]:
    """Return a result as a dictionary of plain values, ready for JSON.

    Examples
    --------
    >>> from deuterium import commands, report
    >>> found = commands.run_query("a**2", {"a": (0.0, 1.0)})
    >>> report.as_document(found)["schema"]
    'deuterium.query'
    """
    schema = _SCHEMAS.get(type(result))
    if schema is None:
        raise InvalidInputError(
            f"as_document: no schema for {type(result).__name__}; give a "
            f"{', '.join(t.__name__ for t in _SCHEMAS)}"
        )
    head = {
        "schema": schema,
        "schema_version": SCHEMA_VERSION,
        "deuterium_version": __version__,
    }
    body: dict[str, Any] = plain(result)
    return head | body


def as_json(result: Any) -> str:
    """Return a result as JSON text.

    Examples
    --------
    >>> from deuterium import commands, report
    >>> found = commands.run_query("a**2", {"a": (0.0, 1.0)})
    >>> report.as_json(found)[:1]
    '{'
    """
    return json.dumps(
        as_document(result), indent=2, allow_nan=False, ensure_ascii=False
    )


def plain(x: Any) -> Any:
    """Return plain values, as JSON has them: what is not finite becomes text."""
    if is_dataclass(x):
        return {f.name: plain(getattr(x, f.name)) for f in fields(x)}
    if isinstance(x, Mapping):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray | np.generic):
        return plain(x.tolist())
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return x
