"""Brackets of extrema as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from deuterium.commands import (
    CheckResult,
    Diagnosis,
    ExtremumResult,
    ModelBoundResult,
    ModelCheckResult,
    ProofResult,
    SavedProofResult,
)
from deuterium.report.numbers import exact, rounded_up
from deuterium.report.tables import facts, point, why

__all__ = [
    "check_tables",
    "diagnosis_tables",
    "extremum_tables",
    "model_bound_tables",
    "model_check_tables",
    "proof_tables",
    "saved_proof_tables",
]

MEANINGS = {
    "optimal": "the gap asked for is reached",
    "time_limit": "stopped by the time limit; the bounds hold",
    "memory_limit": "stopped by the memory limit; the bounds hold",
    "region_limit": "stopped by the limit on regions; the bounds hold",
    "interrupted": "interrupted; the bounds hold",
    "precision_limit": "no closer in double precision; the bounds hold",
    "unbounded": "no finite bound exists",
    "undefined": "not defined everywhere in the box",
    "infeasible": "no point of the domain fulfils its conditions",
}


def extremum_tables(result: ExtremumResult) -> Iterator[RenderableType]:
    """Yield a bracket, to be printed one part after another."""
    yield facts("Formula", _asked(result))
    yield facts(_title(result), _bracket(result))
    if result.cause is not None:
        yield Text(why(result.cause), style="bold red")


def check_tables(result: CheckResult) -> Iterator[RenderableType]:
    """Yield what was verified."""
    yield facts("Formula", _asked(result))
    yield facts(_title(result), _proved(result))


def model_bound_tables(result: ModelBoundResult) -> Iterator[RenderableType]:
    """Yield a bracket of a model's gradient norm, one part after another."""
    yield facts("Model", _model(result))
    yield facts(MODEL_TITLE, _model_bracket(result))
    if result.cause is not None:
        yield Text(why(result.cause), style="bold red")


def model_check_tables(result: ModelCheckResult) -> Iterator[RenderableType]:
    """Yield what was verified of a model."""
    yield facts("Model", _model(result))
    yield facts(MODEL_TITLE, _proved(result))


def proof_tables(result: ProofResult) -> Iterator[RenderableType]:
    """Yield what a proof is about, by its own words, and that it was verified."""
    about = [("f", result.function), ("domain", result.domain)]
    if result.against is not None:
        about.append(("is in", result.against))
    about.append(("seal", result.seal))
    yield facts("What the proof is about", about)
    yield facts(f"{result.sense.capitalize()} of f over the domain", _proved(result))
    yield from (Text(line) for line in result.explanation)


def saved_proof_tables(result: SavedProofResult) -> Iterator[RenderableType]:
    """Yield what was saved with its proofs, and that they were verified."""
    yield Text(result.says)
    yield facts(
        result.kind,
        [
            *[("of", text) for text in result.of],
            ("domain", result.domain),
            ("proofs", f"{result.proofs}, all verified"),
            ("regions", str(result.regions)),
            ("seconds", f"{result.seconds:.2f}"),
        ],
    )


def diagnosis_tables(result: Diagnosis) -> Iterator[RenderableType]:
    """Yield what is installed, and how the checks went."""
    yield Text(result.system + "\n")
    yield facts("Checks", result.checks.items())
    yield facts("Needed", ((n, v or "MISSING") for n, v in result.required.items()))
    rest = ((n, v or "not installed") for n, v in result.optional.items())
    yield facts("Needed by some calls", rest)


MODEL_TITLE = "Largest norm of one record's gradient, by all parameters"


def _model(r: ModelBoundResult | ModelCheckResult) -> Iterator[tuple[str, str]]:
    yield "file", f"{r.model} ({r.framework}, {r.parameters} parameters)"
    yield "inputs", _box(r.bounds or {})
    if r.ball is not None:
        yield "ball", f"no farther than {exact(r.ball)} from {r.around}"
    yield "loss", f"{r.loss}, label {r.label}"
    if r.arithmetic is not None:
        yield "holds for", f"real numbers, and what {r.arithmetic} computes"


def _model_bracket(r: ModelBoundResult) -> Iterator[tuple[str, str]]:
    yield "lies between", f"[{r.lower!r}, {r.upper!r}]"
    yield "relative gap", rounded_up(r.gap, 3)
    if r.arithmetic is not None:
        yield "of it for rounding", rounded_up(r.rounding, 3)
    yield "first bound", f"{r.first!r} after {r.first_seconds:.2f} s"
    yield from _ended(r)


def _ended(r: ExtremumResult | ModelBoundResult) -> Iterator[tuple[str, str]]:
    yield "status", f"{r.status}: {MEANINGS[r.status]}"
    yield "work", f"{r.regions} regions in {r.seconds:.2f} s"
    if r.certificate is not None:
        yield "certificate", r.certificate


def _proved(r: CheckResult | ModelCheckResult | ProofResult) -> list[tuple[str, str]]:
    return [
        ("lies between", f"[{r.lower!r}, {r.upper!r}]"),
        ("verified", f"{r.regions} regions in {r.seconds:.2f} s"),
    ]


def _asked(r: ExtremumResult | CheckResult) -> list[tuple[str, str]]:
    return [("f", r.formula), ("box", _box(r.bounds))]


def _box(bounds: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} in [{exact(a)}, {exact(b)}]" for n, (a, b) in bounds.items())


def _title(r: ExtremumResult | CheckResult) -> str:
    what = "the norm of the gradient of f" if r.of_gradient else "f"
    return f"{r.sense.capitalize()} of {what} over the box"


def _bracket(r: ExtremumResult) -> Iterator[tuple[str, str]]:
    yield "lies between", f"[{r.lower!r}, {r.upper!r}]"
    yield "relative gap", rounded_up(r.gap, 3)
    if r.witness:
        reached = r.lower if r.sense == "maximum" else r.upper
        yield "reached", f"{reached!r}, certified"
        yield "at the point", point(r.witness)
    yield from _ended(r)
