"""Commands that bound: a gradient's norm, an extremum, a model's gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from deuterium.cli.application import app
from deuterium.cli.arguments import (
    FORMULA,
    Arithmetic,
    Around,
    Atol,
    BallRadius,
    Bound,
    Checkpoint,
    Formula,
    Gradient,
    Inputs,
    Json,
    Label,
    Loss,
    MemoryLimit,
    Output,
    Progress,
    Proof,
    Rtol,
    Seed,
    TimeLimit,
    Workers,
    is_watched,
)
from deuterium.commands import ModelQuestion, run_extremum, run_model_bound, run_query
from deuterium.frontends.bounds import read_bounds
from deuterium.report import (
    as_json,
    extremum_tables,
    model_bound_tables,
    query_tables,
)
from deuterium.terminal import clear_errors, leave, show


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
    leave(result.status)


def bracketing(sense: str) -> Callable[..., None]:
    """Return the command that brackets one of the two extrema."""

    def command(
        formula: Formula,
        bound: Bound = None,
        gradient: Gradient = False,
        rtol: Rtol = 1e-6,
        atol: Atol = None,
        time_limit: TimeLimit = 60.0,
        memory_limit: MemoryLimit = 2.0,
        workers: Workers = 0,
        checkpoint: Checkpoint = None,
        certificate: Proof = None,
        progress: Progress = None,
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
                progress=is_watched(progress),
                seed=seed,
            )
            show(as_json(result) if json else extremum_tables(result))
        leave(result.status)

    return command


MAXIMIZE = """Bracket the maximum of a formula over a box, and prove it.

Prints two certified numbers between which the maximum lies, and a point where the
lower one is reached. Ctrl-C, SIGTERM and the limits stop the work; the bounds proved so
far are printed then.

Example: deuterium maximize "a**2 + exp(2*b - a)" --bound a=1:2 --bound b=0.5:3
"""
MINIMIZE = """Bracket the minimum of a formula over a box, and prove it.

As `maximize`, from the other side: the upper number is reached at the point.
"""
app.command("maximize", context_settings=FORMULA, help=MAXIMIZE)(bracketing("maximum"))
app.command("minimize", context_settings=FORMULA, help=MINIMIZE)(bracketing("minimum"))


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
    atol: Atol = None,
    time_limit: TimeLimit = 60.0,
    memory_limit: MemoryLimit = 2.0,
    workers: Workers = 0,
    checkpoint: Checkpoint = None,
    certificate: Proof = None,
    progress: Progress = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Bound what one record can contribute to the gradient of a model's loss.

    Prints two certified numbers between which the largest Euclidean norm lies of one
    record's gradient, by all parameters of an ONNX model, over all records whose
    elements lie between the bounds and over all labels. It says what the first pass
    bounds, too; the limits stop the work, and the bounds proved so far hold.

    Example: deuterium bound model.onnx --input x=0:1 --loss cross-entropy --label any
    """
    with clear_errors():
        result = run_model_bound(
            ModelQuestion(
                model, inputs or [], loss, label, ball, around, output, arithmetic
            ),
            rtol=rtol,
            atol=atol,
            time_limit=time_limit,
            memory_limit=memory_limit * 2**30,
            workers=workers,
            checkpoint=checkpoint,
            certificate=certificate,
            progress=is_watched(progress),
            seed=seed,
        )
        show(as_json(result) if json else model_bound_tables(result))
    leave(result.status)
