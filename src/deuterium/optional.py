"""Optional packages, imported when a call needs them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deuterium.errors import MissingDependencyError

__all__ = ["EXTRAS", "missing", "require"]

EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "python-flint": "verify",
        "matplotlib": "plot",
        "pandas": "pandas",
        "scikit-learn": "demo",
        "opendp": "noise",
        "onnx": "onnx",
        "torch": "torch",
        "jax": "jax",
        "distributed": "dask",
        "jax-privacy": "",
        "hypothesis": "",
    }
)
"""Packages that only some calls need, and the extra of each; "" where there is none."""


def missing(package: str, caller: str, instead: str = "") -> MissingDependencyError:
    """Return the error that says which package to install for ``caller``."""
    extra = EXTRAS.get(package)
    what = f"'deuterium[{extra}]'" if extra else package
    return MissingDependencyError(
        f"{caller} needs the package {package!r}, which is not installed; run pip "
        f"install {what}{instead}"
    )


def require(module: str, package: str, caller: str) -> Any:
    """Return a module, or say which package to install for ``caller``."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise missing(package, caller) from None
