"""The command line: parse, call, print; no mathematics.

Takes words of a shell; gives tables or JSON, and an exit code.
"""

from deuterium.cli import bounding, handing_on  # noqa: F401  (they enter commands)
from deuterium.cli.application import app, main

__all__ = ["app", "main"]
