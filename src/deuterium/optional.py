"""Optional packages, imported when a call needs them."""

from __future__ import annotations

import importlib
from typing import Any

from deuterium.errors import MissingDependencyError

__all__ = ["require"]


def require(module: str, package: str, caller: str) -> Any:
    """Return a module, or say which package to install for ``caller``."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingDependencyError(
            f"{caller} needs the package {package!r}, which is not installed; run "
            f"`pip install {package}`"
        ) from None
