"""Brackets of extrema as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from deuterium.commands import CheckResult, ExtremumResult
from deuterium.report.numbers import exact, rounded_up
from deuterium.report.tables import facts, point, why

__all__ = ["check_tables", "extremum_tables"]

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
    proved = [
        ("lies between", f"[{result.lower!r}, {result.upper!r}]"),
        ("verified", f"{result.regions} regions in {result.seconds:.2f} s"),
    ]
    yield facts(_title(result), proved)


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
    yield "status", f"{r.status}: {MEANINGS[r.status]}"
    yield "work", f"{r.regions} regions in {r.seconds:.2f} s"
    if r.certificate is not None:
        yield "certificate", r.certificate
