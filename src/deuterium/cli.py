"""The command line: parse, call, print; no mathematics."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deuterium._version import __version__
from deuterium.commands import (
    ModelQuestion,
    run_check,
    run_extremum,
    run_model_bound,
    run_model_check,
    run_query,
)
from deuterium.demo import run_demo
from deuterium.errors import CertificateError, InvalidInputError
from deuterium.frontends.bounds import read_bounds
from deuterium.frontends.model_losses import LOSSES
from deuterium.report import (
    as_json,
    check_tables,
    demo_tables,
    extremum_tables,
    model_bound_tables,
    model_check_tables,
    query_tables,
    save_feature_plot,
)
from deuterium.terminal import REFUSED, clear_errors, end, leave, show

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
    replace_special = "replace_special"


Json = Annotated[
    bool, typer.Option("--json", help="Print JSON and nothing else, numbers exact.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed, the same answer.")]


def main() -> None:
    """Run the command line; whatever goes wrong is told in a line."""
    try:
        app(prog_name="deuterium")
    except OSError as error:  # of what is written to: a full disk
        with suppress(OSError):
            sys.stdout.close()  # what it still holds can go nowhere
        end(f"{error}")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        end(
            f"a fault of deuterium {__version__}, please report it with this command: "
            f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: "
            f"{error}"
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


@app.command(context_settings=FORMULA)
def query(
    formula: Formula,
    bound: Bound = None,
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


Gradient = Annotated[
    bool,
    typer.Option("--gradient", help="Of the norm of the formula's gradient instead."),
]
Rtol = Annotated[
    float, typer.Option(help="Relative gap to reach between the two sides.")
]
Atol = Annotated[float, typer.Option(help="Or the gap itself, if that is larger.")]
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
    bool, typer.Option("--progress", help="Show on stderr how both sides close in.")
]


def bracketing(sense: str) -> Callable[..., None]:
    """Return the command that brackets one of the two extrema."""

    def command(
        formula: Formula,
        bound: Bound = None,
        gradient: Gradient = False,
        rtol: Rtol = 1e-6,
        atol: Atol = 0.0,
        time_limit: TimeLimit = 60.0,
        memory_limit: MemoryLimit = 2.0,
        workers: Workers = 0,
        checkpoint: Checkpoint = None,
        certificate: Proof = None,
        progress: Progress = False,
        seed: Seed = 0,
        json: Json = False,
    ) -> None:
        with clear_errors():
            result = run_extremum(
                formula,
                read_bounds(bound or []),
                sense=sense,
                of_gradient=gradient,
                rtol=rtol,
                atol=atol,
                time_limit=time_limit,
                memory_limit=memory_limit * 2**30,
                workers=workers,
                checkpoint=checkpoint,
                certificate=certificate,
                progress=progress,
                seed=seed,
            )
            show(as_json(result) if json else extremum_tables(result))
        leave(result.status)

    return command


MAXIMIZE = """Bracket the maximum of a formula over a box, and prove it.

Prints two certified numbers between which the maximum lies, and a point where the
lower one is reached. Ctrl-C, SIGTERM and the limits stop the work; the bounds proved so
far are printed then.

Exit codes: 0 the gap is reached; 2 an argument cannot be right; 3 stopped before; 4
there is no finite bound.

Example: deuterium maximize "a**2 + exp(2*b - a)" --bound a=1:2 --bound b=0.5:3
"""
MINIMIZE = """Bracket the minimum of a formula over a box, and prove it.

As `maximize`, exit codes included, from the other side: the upper number is reached at
the point.
"""
app.command("maximize", context_settings=FORMULA, help=MAXIMIZE)(bracketing("maximum"))
app.command("minimize", context_settings=FORMULA, help=MINIMIZE)(bracketing("minimum"))


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
Around = Annotated[str | None, typer.Option(help="A .npy file that holds a record.")]
Output = Annotated[str | None, typer.Option(help="The output that the loss is of.")]
Arithmetic = Annotated[str | None, typer.Option(help="float32: cover its rounding.")]


@app.command()
def bound(
    model: Annotated[str, typer.Argument(help="An ONNX file.")],
    inputs: Inputs = None,
    loss: Loss = "cross-entropy",
    label: Label = "any",
    ball: BallRadius = None,
    around: Around = None,
    output: Output = None,
    arithmetic: Arithmetic = None,
    rtol: Rtol = 0.05,
    atol: Atol = 0.0,
    time_limit: TimeLimit = 60.0,
    memory_limit: MemoryLimit = 2.0,
    workers: Workers = 0,
    checkpoint: Checkpoint = None,
    certificate: Proof = None,
    progress: Progress = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Bound what one record can contribute to the gradient of a model's loss.

    Prints two certified numbers between which the largest Euclidean norm lies of one
    record's gradient, by all parameters of an ONNX model, over all records whose
    elements lie between the bounds and over all labels. It says what the first pass
    bounds, too; the limits stop the work, and the bounds proved so far hold.

    Exit codes: as of `maximize`.

    Example: deuterium bound model.onnx --input x=0:1 --loss cross-entropy --label any
    """
    asked = model, inputs or [], loss, label, ball, around, output, arithmetic
    with clear_errors():
        result = run_model_bound(
            ModelQuestion(*asked),
            rtol=rtol,
            atol=atol,
            time_limit=time_limit,
            memory_limit=memory_limit * 2**30,
            workers=workers,
            checkpoint=checkpoint,
            certificate=certificate,
            progress=progress,
            seed=seed,
        )
        show(as_json(result) if json else model_bound_tables(result))
    leave(result.status)


@app.command(context_settings=FORMULA)
def verify(
    certificate: Annotated[Path, typer.Argument(help="A file that was saved.")],
    formula: Annotated[
        str, typer.Argument(help="The formula, or the ONNX file, that it is about.")
    ],
    bound: Bound = None,
    gradient: Gradient = False,
    inputs: Inputs = None,
    loss: Loss = "cross-entropy",
    label: Label = "any",
    ball: BallRadius = None,
    around: Around = None,
    output: Output = None,
    arithmetic: Arithmetic = None,
    json: Json = False,
) -> None:
    """Check a saved proof, step by step, trusting nothing of the search.

    Formula and bounds say what it has to be about; of a proof that `bound` saved, the
    model and the same options. Needs python-flint.

    Exit codes: 0 it holds; 1 it is refused, and the message says why; 2 an argument
    cannot be right.

    Example: deuterium verify proof.json "a**2" --bound a=1:2
    """
    asked = formula, inputs or [], loss, label, ball, around, output, arithmetic
    with clear_errors():
        of_model = formula.endswith(".onnx")
        if of_model != bool(inputs) or (of_model and (bound or gradient)):
            raise InvalidInputError(
                "verify: a formula goes with --bound and --gradient, an .onnx file "
                "with --input and the options of `bound`"
            )
        try:
            if of_model:
                checked = run_model_check(certificate, ModelQuestion(*asked))
                show(as_json(checked) if json else model_check_tables(checked))
                return
            bounds = read_bounds(bound or [])
            result = run_check(certificate, formula, bounds, of_gradient=gradient)
        except CertificateError as error:
            typer.echo(f"Error: refused: {error}", err=True)
            raise typer.Exit(REFUSED) from None
        show(as_json(result) if json else check_tables(result))
