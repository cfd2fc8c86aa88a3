"""What the command line says and how it ends; no mathematics."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import typer
from rich.console import Console, RenderableType

from deuterium.errors import DeuteriumError

__all__ = [
    "FAILED",
    "NO_BOUND",
    "REFUSED",
    "STOPPED",
    "clear_errors",
    "end",
    "leave",
    "show",
]

REFUSED, STOPPED, NO_BOUND, FAILED = 1, 3, 4, 5  # exit codes, beside 0 and 2


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the package's own errors into a message and exit code 2."""
    try:
        yield
    except DeuteriumError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None


def show(what: str | Iterable[RenderableType]) -> None:
    """Print JSON as it is, or tables one after another."""
    if isinstance(what, str):
        typer.echo(what)
        return
    console = Console(highlight=False)
    for part in what:
        console.print(part)


def leave(status: str) -> None:
    """End with the exit code of a bracket's status."""
    if status in ("unbounded", "undefined"):
        raise typer.Exit(NO_BOUND)
    if status != "optimal":
        raise typer.Exit(STOPPED)


def end(message: str) -> None:
    """Say what went wrong, if anyone hears it, and leave."""
    with suppress(OSError):
        typer.echo(f"Error: {message}", err=True)
    sys.exit(FAILED)
