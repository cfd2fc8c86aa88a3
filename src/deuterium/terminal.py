"""What the command line says and how it ends; no mathematics."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import typer
from rich.console import Console, RenderableType

from deuterium.errors import (
    ArithmeticModeError,
    DeuteriumError,
    MissingDependencyError,
    SoundnessError,
)

__all__ = [
    "FAULT",
    "MISSING",
    "NOT_CERTIFIED",
    "REFUSED",
    "clear_errors",
    "end",
    "leave",
    "show",
]

REFUSED, BAD_INPUT, NOT_CERTIFIED, MISSING, FAULT = range(1, 6)  # exit codes beside 0
CERTIFIED = ("optimal", "certified", "enclosed", "trusted")


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what is no fault of deuterium into a message and an exit code."""
    try:
        yield
    except SoundnessError:
        raise  # a fault, to be reported
    except (MissingDependencyError, MemoryError, ArithmeticModeError) as error:
        _leave_with(str(error) or "there is not enough memory", MISSING)
    except DeuteriumError as error:
        _leave_with(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        _leave_with("interrupted before anything was certified", NOT_CERTIFIED)


def _leave_with(message: str, code: int) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code) from None


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
    if status not in CERTIFIED:
        raise typer.Exit(NOT_CERTIFIED)


def end(message: str, code: int) -> None:
    """Say what went wrong, if anyone hears it, and leave."""
    with suppress(OSError):
        typer.echo(f"Error: {message}", err=True)
    sys.exit(code)
