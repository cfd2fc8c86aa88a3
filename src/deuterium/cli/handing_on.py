"""Commands whose results are handed on: the demo, proofs, reports, a diagnosis."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deuterium.cli.application import app
from deuterium.cli.arguments import (
    FORMULA,
    Arithmetic,
    Around,
    BallRadius,
    Bound,
    Gradient,
    Inputs,
    Json,
    Label,
    Loss,
    Output,
    Progress,
    Proof,
    Relation,
    Rtol,
    Seed,
    TimeLimit,
    is_watched,
)
from deuterium.commands import (
    ModelQuestion,
    SensitivityQuestion,
    run_check,
    run_diagnosis,
    run_model_check,
    run_proof_check,
    run_saved_check,
    run_sensitivity,
)
from deuterium.demo import run_demo
from deuterium.errors import CertificateError, InvalidInputError
from deuterium.frontends.bounds import read_bounds
from deuterium.report import (
    SensitivityReport,
    as_json,
    check_tables,
    demo_tables,
    diagnosis_tables,
    model_check_tables,
    proof_tables,
    save_feature_plot,
    saved_proof_tables,
    sensitivity,
)
from deuterium.terminal import MISSING, REFUSED, clear_errors, leave, show

PICTURE, PROOF = Path("deuterium-demo.png"), Path("deuterium-demo-proof.json")


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
    proof: Annotated[
        Path | None,
        typer.Option(
            help=f"Where the proof goes [{PROOF} here; with --json, none].",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Certify what one patient's record can contribute to training a classifier.

    Trains a small network on scikit-learn's breast-cancer data, then certifies the
    supremum of the gradient norm that one record can cause: over ALL records within the
    public bounds and both diagnoses, not only those in the data. Saves and checks the
    proof; prints the Gaussian noise that makes one sum of gradients private, what it
    promises about each feature alone, and how accurate private training is.
    """
    with clear_errors():
        if proof is None and not json:
            proof = PROOF
        result = run_demo(
            epsilon=epsilon,
            delta=delta,
            relation=relation.value,
            seed=seed,
            epochs=epochs,
            proof=proof,
        )
        if png is None and not json:
            png = PICTURE
        if png is not None and picture:
            save_feature_plot(result, png)
        show(as_json(result) if json else demo_tables(result))
        if png is not None and picture and not json:
            typer.echo(f"Picture written to {png}")


@app.command(context_settings=FORMULA)
def verify(
    certificate: Annotated[Path, typer.Argument(help="A file that was saved.")],
    formula: Annotated[
        str | None,
        typer.Argument(
            help="The formula, or the ONNX file, that it has to be about; without it, "
            "what the proof carries is told, for you to look at."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="A file of graphs (deuterium.dumps): it has to be about one of them."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell the proof in words, leaf by leaf.")
    ] = False,
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

    A proof carries the function and the domain that it is about, and they are told. A
    sensitivity, those of features, or a training run that was saved has its proofs
    checked all together.
    Given a formula and bounds (of a proof that `bound` saved, the model and the same
    options), it has to be about those. Needs python-flint.

    Example: deuterium verify proof.json --explain
    """
    with clear_errors():
        _require_one_kind(formula, bound, gradient, inputs, against, explain)
        try:
            saved = run_saved_check(certificate) if formula is None else None
            if saved is not None:
                show(as_json(saved) if json else saved_proof_tables(saved))
            elif formula is None:
                own = run_proof_check(certificate, against=against, explain=explain)
                show(as_json(own) if json else proof_tables(own))
            elif formula.endswith(".onnx"):
                asked = ModelQuestion(
                    formula, inputs or [], loss, label, ball, around, output, arithmetic
                )
                checked = run_model_check(certificate, asked)
                show(as_json(checked) if json else model_check_tables(checked))
            else:
                bounds = read_bounds(bound or [])
                result = run_check(certificate, formula, bounds, of_gradient=gradient)
                show(as_json(result) if json else check_tables(result))
        except CertificateError as error:
            typer.echo(f"Error: refused: {error}", err=True)
            raise typer.Exit(REFUSED) from None


def _require_one_kind(
    formula: str | None,
    bound: list[str] | None,
    gradient: bool,
    inputs: list[str] | None,
    against: Path | None,
    explain: bool,
) -> None:
    """Raise where options of different things to check come together."""
    of_model = formula is not None and formula.endswith(".onnx")
    of_formula = formula is not None and not of_model
    if of_model != bool(inputs) or ((bound or gradient) and not of_formula):
        raise InvalidInputError(
            "verify: a formula goes with --bound and --gradient, an .onnx file with "
            "--input and the options of `bound`"
        )
    if formula is not None and (against is not None or explain):
        raise InvalidInputError(
            "verify: --against and --explain are about what the proof carries; leave "
            "the formula out"
        )


class Quantity(StrEnum):
    """What is bounded."""

    contribution = "contribution"
    diameter = "diameter"


class Mechanism(StrEnum):
    """The law of noise."""

    gaussian = "gaussian"
    laplace = "laplace"
    discrete_gaussian = "discrete_gaussian"
    geometric = "geometric"


Named = Annotated[list[str] | None, typer.Option(help="NAME=TEXT, once for each name.")]


@app.command(context_settings=FORMULA)
def report(
    subject: Annotated[
        str,
        typer.Argument(
            help="A formula: what one record adds to a sum (of --quantity diameter, a "
            "result of all the data); or a file that a sensitivity was saved to."
        ),
    ],
    relation: Annotated[
        Relation, typer.Option(help="When two data sets are neighbours.")
    ],
    bound: Bound = None,
    gradient: Annotated[
        bool, typer.Option("--gradient", help="Of the formula's gradient instead.")
    ] = False,
    quantity: Annotated[
        Quantity, typer.Option(help="What is bounded.")
    ] = Quantity.contribution,
    mechanism: Annotated[
        Mechanism, typer.Option(help="The law of the noise.")
    ] = Mechanism.gaussian,
    epsilon: Annotated[
        float | None, typer.Option(help="Privacy promised; without it, no noise.")
    ] = None,
    delta: Annotated[float, typer.Option(help="Privacy promised: delta.")] = 1e-6,
    unit: Named = None,
    source: Named = None,
    title: Annotated[
        str, typer.Option(help="The report's title.")
    ] = "Sensitivity report",
    output: Annotated[
        list[Path] | None,
        typer.Option(help="Write it here: .html, .md or .json; may be repeated."),
    ] = None,
    certificate: Proof = None,
    rtol: Rtol = 0.01,
    time_limit: TimeLimit = 60.0,
    progress: Progress = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Report how far one record can move a result, and which noise hides it.

    Units and sources of bounds are told as NAME=TEXT (the result's unit as
    result=TEXT). Without --output the report is printed as Markdown.

    Example: deuterium report "income" --bound income=0:200000 --relation
    add_or_remove_one --epsilon 1 --source "income=the tax office" --output report.html
    """
    with clear_errors():
        asked = SensitivityQuestion(
            subject, read_bounds(bound or []), gradient, quantity.value, relation.value,
            mechanism.value, epsilon, delta,
        )  # fmt: skip
        watched = {"progress": is_watched(progress), "seed": seed}
        s, noise = run_sensitivity(asked, rtol=rtol, time_limit=time_limit, **watched)
        if certificate is not None:
            s.save(certificate)
        made = sensitivity(
            s, relation=relation.value, noise=noise, units=_named("--unit", unit),
            sources=_named("--source", source), title=title,
        )  # fmt: skip
        _hand_over(made, output or [], json)
    leave(s.status)


def _hand_over(made: SensitivityReport, paths: list[Path], json: bool) -> None:
    """Write a report where it is wanted, or print it."""
    for path in paths:
        made.save(path)
    if json:
        show(made.to_json())
    elif not paths:
        show(made.to_markdown())
    else:
        typer.echo(f"Report written to {', '.join(map(str, paths))}")


def _named(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or []]
    for name, sign, told in pairs:
        if not (name and sign and told):
            raise InvalidInputError(f"{option}: write NAME=TEXT, got {name + sign!r}")
    return {name: told for name, _, told in pairs}


@app.command()
def doctor(json: Json = False) -> None:
    """Say what is installed, and try what every certified number rests on."""
    with clear_errors():
        found = run_diagnosis()
        show(as_json(found) if json else diagnosis_tables(found))
    if not found.healthy:
        raise typer.Exit(MISSING)
