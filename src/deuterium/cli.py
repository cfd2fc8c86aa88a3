"""The command line: parse, call, print; no mathematics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from deuterium._version import __version__
from deuterium.demo import run_demo, run_query
from deuterium.errors import DeuteriumError
from deuterium.frontends.bounds import read_bounds
from deuterium.report import as_json, demo_tables, query_tables, save_feature_plot

app = typer.Typer(
    help="Closed-form gradients and certified bounds of their norms.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # asterisks and brackets in help texts mean themselves
)


class Relation(StrEnum):
    """When two data sets count as neighbours."""

    add_or_remove_one = "add_or_remove_one"
    replace_one = "replace_one"


Json = Annotated[
    bool, typer.Option("--json", help="Print JSON and nothing else, numbers exact.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed, the same answer.")]


def main() -> None:
    """Run the command line."""
    app(prog_name="deuterium")


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


PICTURE = Path("deuterium-demo.png")


@app.command()
def demo(
    epsilon: Annotated[float, typer.Option(help="Privacy promised: epsilon.")] = 1.0,
    delta: Annotated[float, typer.Option(help="Privacy promised: delta.")] = 1e-5,
    relation: Annotated[
        Relation, typer.Option(help="When two data sets are neighbours.")
    ] = Relation.add_or_remove_one,
    seed: Seed = 0,
    epochs: Annotated[int, typer.Option(min=0, help="Training steps.")] = 300,
    png: Annotated[
        Path | None,
        typer.Option(
            help="Where the picture of the features' parts goes "
            f"[{PICTURE} here; with --json, none].",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[bool, typer.Option(help="Write a picture at all.")] = True,
    json: Json = False,
) -> None:
    """Certify what one patient's record can contribute to training a classifier.

    Trains a small network on scikit-learn's breast-cancer data, then bounds the norm of
    the gradient that one record can cause: over ALL records within the public bounds
    and both diagnoses, not only those in the data. Prints each feature's part of it and
    the Gaussian noise that makes one sum of gradients private.
    """
    with clear_errors():
        result = run_demo(
            epsilon=epsilon,
            delta=delta,
            relation=relation.value,
            seed=seed,
            epochs=epochs,
        )
        if png is None and not json:
            png = PICTURE
        if png is not None and picture:
            save_feature_plot(result, png)
        show(as_json(result) if json else demo_tables(result))
        if png is not None and picture and not json:
            typer.echo(f"Picture written to {png}")


@app.command(context_settings={"ignore_unknown_options": True})  # -a**2 is no option
def query(
    formula: Annotated[
        str,
        typer.Argument(
            help="Such as 'a**2 + exp(2*b - a)': numbers, names, + - * / **, "
            "parentheses, pi, e, and functions such as exp log sqrt tanh max relu erf."
        ),
    ],
    bound: Annotated[
        list[str] | None,
        typer.Option(help="NAME=LOWER:UPPER, once for every name in the formula."),
    ] = None,
    boxes: Annotated[
        int,
        typer.Option(min=1, max=1_000_000, help="More boxes, a tighter range."),
    ] = 4096,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Bound the norm of a formula's gradient over a box.

    Prints the gradient in closed form, a certified range of its norm (sound: at no
    point of the box does it lie outside), the largest norm found, and where. Numbers
    are read as in Python: decimals mean the nearest double.

    Example: deuterium query "a**2 + exp(2*b - a)" --bound a=1:2 --bound b=0.5:3
    """
    with clear_errors():
        bounds = read_bounds(bound or [])
        result = run_query(formula, bounds, boxes=boxes, seed=seed)
        show(as_json(result) if json else query_tables(result))


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
