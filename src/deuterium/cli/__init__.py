"""The command line: parse, call, print; no mathematics."""

from deuterium.cli import bounding, handing_on  # noqa: F401  (they enter commands)
from deuterium.cli.application import app, main

__all__ = ["app", "main"]
