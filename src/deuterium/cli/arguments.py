"""The arguments and options that commands have in common."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deuterium.frontends.model_losses import LOSSES


class Relation(StrEnum):
    """When two data sets count as neighbours."""

    add_or_remove_one = "add_or_remove_one"
    replace_one = "replace_one"
    replace_special = "replace_special"


Json = Annotated[
    bool, typer.Option("--json", help="Print JSON and nothing else, numbers exact.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed, the same answer.")]


FORMULA = {"ignore_unknown_options": True}  # -a**2 is no option

Formula = Annotated[
    str,
    typer.Argument(
        help="Such as 'a**2 + exp(2*b - a)': numbers, names, + - * / **, "
        "parentheses, pi, e, and functions such as exp log sqrt tanh max relu erf."
    ),
]
Bound = Annotated[
    list[str] | None,
    typer.Option(help="NAME=LOWER:UPPER, once for every name in the formula."),
]


Gradient = Annotated[
    bool,
    typer.Option("--gradient", help="Of the norm of the formula's gradient instead."),
]
Rtol = Annotated[
    float, typer.Option(help="Relative gap to reach between the two sides.")
]
Atol = Annotated[
    float | None,
    typer.Option(
        help="Or the gap itself, if that is larger; by default 0, near 0 1e-8."
    ),
]
TimeLimit = Annotated[float, typer.Option(help="Seconds.")]
MemoryLimit = Annotated[
    float, typer.Option(help="GiB that waiting regions and their proofs may take.")
]
Workers = Annotated[
    int, typer.Option(min=0, max=1024, help="Processes; 0 works in this one alone.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Record the work here; if the file exists, go on from it."),
]
Proof = Annotated[
    Path | None,
    typer.Option("--certificate", help="Save the proof here; `verify` checks it."),
]
Progress = Annotated[
    bool | None,
    typer.Option(
        help="Show on stderr how both sides close in; by default where it is a "
        "terminal.",
        show_default=False,
    ),
]


Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="NAME=LOWER:UPPER, once for every input of the model; of the only one "
        "LOWER:UPPER will do.",
    ),
]
Loss = Annotated[
    str, typer.Option(help=f"The loss of one record: {', '.join(LOSSES)}.")
]
Label = Annotated[
    str,
    typer.Option(
        help="`any`, the number of a class, or of a squared error what the output "
        "should be: a number or LOWER:UPPER."
    ),
]
BallRadius = Annotated[
    float | None,
    typer.Option("--ball", help="Records no farther than this from --around."),
]
Around = Annotated[
    str | None, typer.Option(help="A file of NumPy's (.npy) that holds a record.")
]
Arithmetic = Annotated[str | None, typer.Option(help="float32: cover its rounding.")]
Output = Annotated[str | None, typer.Option(help="The output that the loss is of.")]


def is_watched(progress: bool | None) -> bool:
    """Return whether progress is shown: where it is asked for, or on a terminal."""
    return sys.stderr.isatty() if progress is None else progress
