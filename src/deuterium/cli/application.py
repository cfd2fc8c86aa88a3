"""The application that commands enter themselves in, and how it ends."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from deuterium._version import __version__
from deuterium.terminal import FAULT, MISSING, end

EXIT_CODES = """Exit codes: 0 certified; 1 refused: a proof does not hold; 2 an argument
cannot be right; 3 not certified: stopped by a limit or Ctrl-C, or there is no finite
bound; 4 a package, memory or disk space is missing; 5 a fault of deuterium, please
report it."""

app = typer.Typer(
    help="Closed-form gradients and certified bounds of their norms.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # asterisks and brackets in help texts mean themselves
)


def main() -> None:
    """Run the command line; whatever goes wrong is told in a line."""
    try:
        app(prog_name="deuterium")
    except OSError as error:  # of what is written to: a full disk
        with suppress(OSError):
            sys.stdout.close()  # what it still holds can go nowhere
        end(f"{error}", MISSING)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        end(
            f"a fault of deuterium {__version__}, please report it with this command: "
            f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: "
            f"{error}",
            FAULT,
        )


def print_version(wanted: bool) -> None:
    """Print the version and stop, if it is asked for."""
    if wanted:
        typer.echo(f"deuterium {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=print_version,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Closed-form gradients and certified bounds of their norms."""
