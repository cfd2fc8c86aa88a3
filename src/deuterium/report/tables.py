"""Results as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deuterium.commands import QueryResult
from deuterium.demo import DemoResult, FeaturePart
from deuterium.interval import Cause
from deuterium.report.numbers import (
    exact,
    outward,
    rounded,
    rounded_down,
    rounded_up,
)

__all__ = ["demo_tables", "query_tables"]

MANY_VALUES = 8  # a witness with more numbers than that is not written out


def _titled(title: str, table: Table) -> Group:
    return Group(Text(title, style="bold"), table, Text())


def facts(title: str, rows: Iterable[tuple[str, str]]) -> Group:
    """Return a list of names and values under a title."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text("  " + name), Text(value))
    return _titled(title, table)


# -- demo ----------------------------------------------------------------------------


def demo_tables(result: DemoResult) -> Iterator[RenderableType]:
    """Yield what the demo found, to be printed one after another."""
    yield facts("Breast-cancer classifier", _training(result))
    yield facts("Gradient norm of one record, over ALL records", _norms(result))
    yield facts("Gaussian noise on one sum of gradients", _noise(result))
    yield _features(result.features)
    yield Text(
        "|g| is the gradient norm of one record, x a feature scaled to [-1, 1].\n"
        "At worst: at the worst record found. Share: of the sum of squares of that.\n"
        "Mean: of |d|g|/dx|. Certified range: over all records and both labels.",
        style="dim",
    )


def _training(r: DemoResult) -> Iterator[tuple[str, str]]:
    layers = "-".join(map(str, r.layers))
    yield "data", f"{r.records} records, {r.layers[0]} features scaled to [-1, 1]"
    yield "network", f"{layers}, tanh, {r.parameters} parameters"
    yield "training", f"{r.epochs} steps, seed {r.seed}, accuracy {r.accuracy:.1%}"


def _norms(r: DemoResult) -> Iterator[tuple[str, str]]:
    yield "certified: at most", rounded_up(r.certified)
    yield "certified: reaches", rounded_down(r.reached)
    yield "found by search", rounded(r.found.value)
    yield "largest on the data", rounded(r.on_data)
    yield "at most / reaches", rounded_up(r.ratio, 4)


def _noise(r: DemoResult) -> Iterator[tuple[str, str]]:
    n = r.noise
    yield "promise", f"epsilon = {n.epsilon:g}, delta = {n.delta:g}, {n.relation}"
    yield "sensitivity", rounded_up(n.sensitivity)
    yield "noise multiplier", rounded_up(n.noise_multiplier)
    yield "standard deviation", rounded_up(n.sigma)


def _features(parts: Iterable[FeaturePart]) -> Group:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("\nFeature", overflow="fold")
    for heading in (
        "Public\nbounds", "d|g|/dx\nat worst", "\nShare", "Mean\non data",
        "Certified\nrange",
    ):  # fmt: skip
        table.add_column(heading, justify="right", overflow="fold")
    for p in sorted(parts, key=lambda p: -p.share):
        table.add_row(
            p.name,
            f"{p.bounds[0]:g} to {p.bounds[1]:g}",
            f"{p.derivative:.3f}",
            f"{p.share:.1%}",
            f"{p.mean_on_data:.3f}",
            outward(*p.range, 3),
        )
    return _titled("Each feature's part", table)


# -- query ---------------------------------------------------------------------------


def query_tables(result: QueryResult) -> Iterator[RenderableType]:
    """Yield what a query found, to be printed one after another."""
    inside = [f"{n} in [{exact(a)}, {exact(b)}]" for n, (a, b) in result.bounds.items()]
    yield facts("Formula", [("f", result.formula), ("box", ", ".join(inside))])
    yield facts(
        "Gradient in closed form",
        [(f"df/d{n}", form) for n, form in result.gradient.items()],
    )
    yield facts("Norm of the gradient over the box", _range(result))
    if result.cause is not None:
        yield Text(why(result.cause), style="bold red")


def _range(r: QueryResult) -> Iterator[tuple[str, str]]:
    yield "certified range", f"[{r.lower!r}, {r.upper!r}]"
    if r.found.status != "found":
        yield "best found", "nothing: no point with a finite value was met"
        return
    yield "best found", f"{r.found.value!r} (by search, not a bound)"
    yield "at the point", point(r.found.witness)
    yield "certified there", f"at least {r.reached!r}"
    yield "relative gap", rounded_up(r.gap, 3)


def point(witness: Mapping[str, Any]) -> str:
    """Return a point as text, without most of its numbers if they are many."""
    shown = [f"{n} = {exact(float(x))}" for n, x in witness.items()][:MANY_VALUES]
    return ", ".join(shown + ["..."] * (len(witness) > MANY_VALUES))


def why(cause: Cause) -> str:
    """Return the reason for an infinite bound as a sentence."""
    ranges = ", ".join(f"[{low!r}, {high!r}]" for low, high in cause.ranges)
    file, _, column = cause.source.partition(":")
    at = f"column {column} of the formula" if file == "formula" else "the norm itself"
    return f"NO FINITE BOUND ({cause.kind}): {cause.operator} of {ranges}, from {at}"
