"""What is installed, and whether the machine does arithmetic as it should."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from deuterium._version import __version__
from deuterium.domain.spaces import Box
from deuterium.errors import DeuteriumError
from deuterium.graph.constructors import symbol
from deuterium.interval.environment import require_standard
from deuterium.optimize.maximize import maximize
from deuterium.optional import EXTRAS

__all__ = ["Diagnosis", "run_diagnosis"]

REQUIRED = (
    "numpy", "scipy", "symengine", "sympy", "dp-accounting", "mpmath", "threadpoolctl",
    "typer", "rich",
)  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes
    ----------
    system : str
        Python, operating system, processors.
    required : dict from str to str or None
        Versions of the packages that deuterium needs; None: not installed.
    optional : dict from str to str or None
        Versions of those that some calls need.
    checks : dict from str to str
        What was tried, and ``"ok"`` or what went wrong.
    healthy : bool
        Nothing required is missing, and every check went well.
    """

    system: str
    required: dict[str, str | None]
    optional: dict[str, str | None]
    checks: dict[str, str]
    healthy: bool


def run_diagnosis() -> Diagnosis:
    """Look at the installation and try the parts that everything rests on."""
    required = {name: _version(name) for name in REQUIRED}
    optional = {package: _version(package) for package in EXTRAS}
    checks = {
        "double precision, rounded to nearest": _tried(
            lambda: require_standard("doctor")
        ),
        "a bound is certified": _tried(_certify),
    }
    if optional["python-flint"] is not None:
        checks["its proof is verified"] = _tried(lambda: _certify().verify())
    healthy = None not in required.values() and set(checks.values()) == {"ok"}
    python = f"Python {platform.python_version()}, {platform.system()}"
    system = f"{python} {platform.machine()}, {os.cpu_count()} processors"
    told = f"deuterium {__version__}, {system}"
    return Diagnosis(told, required, optional, checks, healthy)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _tried(check: Callable[[], object]) -> str:
    try:
        check()
    except (DeuteriumError, ArithmeticError, ImportError) as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


def _certify() -> Any:
    x = symbol("x")
    f: Any = np.sin(x) * x
    found = maximize(f, Box({x: (0, 3)}), rtol=1e-3)
    if not 1.8197 <= found.upper <= 1.8218:  # the maximum is 1.81970574...
        raise ArithmeticError(f"the bound {found.upper!r} is wrong")
    return found.certificate
