"""Importing the package is quick: what is heavy is imported when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio", "concurrent.futures.process", "distributed", "dp_accounting", "flint",
    "hypothesis", "jax", "matplotlib", "mpmath", "opendp", "pandas", "scipy.integrate",
    "scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.stats", "sklearn", "sympy",
    "torch",
}  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "needed"),
    [
        ("deuterium, deuterium.privacy, deuterium.frontends, deuterium.testing", set()),
        ("deuterium.cli", {"typer", "rich"}),
    ],
)
def test_importing_loads_nothing_heavy(entry, needed):
    loaded = loaded_by(entry)
    own = loaded - loaded_by("numpy, scipy.special")  # SciPy 1.18's takes scipy.linalg
    assert own & ({*HEAVY, "typer", "rich"} - needed) == set()
    assert set(entry.split(", ")) <= loaded


def loaded_by(entry):
    """Return the modules that are there after an import, in a process of its own."""
    code = f"import sys, {entry}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())
