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
        "Moves at most: how far apart two records' gradients are\n"
        "that differ in this feature alone, certified; epsilon:\n"
        "what the noise above promises about it. Share: of the\n"
        "squared slopes of the norm at the worst record. It only\n"
        "describes that record, and promises nothing.\n",
        style="dim",
    )
    yield _accuracies(result)


def _training(r: DemoResult) -> Iterator[tuple[str, str]]:
    layers = "-".join(map(str, r.layers))
    yield "data", f"{r.records} records, {r.layers[0]} features"
    yield "network", f"{layers}, tanh, {r.parameters} parameters"
    yield "training", f"{r.epochs} steps, seed {r.seed}, accuracy {r.accuracy:.1%}"


def _norms(r: DemoResult) -> Iterator[tuple[str, str]]:
    yield "supremum: at most", f"{rounded_up(r.certified)} (certified)"
    yield "supremum: at least", f"{rounded_down(r.reached)} (certified)"
    yield "intervals alone", rounded_up(r.enclosed)
    yield "largest on the data", rounded(r.on_data)
    proof = r.proof
    checked = "checked" if proof.verified else "NOT checked (needs python-flint)"
    yield "proof", f"{proof.regions} regions, {checked}"
    if proof.path is not None:
        yield "saved as", proof.path


def _noise(r: DemoResult) -> Iterator[tuple[str, str]]:
    n = r.noise
    yield "promise", f"epsilon = {n.epsilon:g}, delta = {n.delta:g},"
    yield "", n.relation
    yield "sensitivity", rounded_up(n.sensitivity)
    yield "noise multiplier", rounded_up(n.noise_multiplier)
    yield "standard deviation", rounded_up(n.sigma)
    yield "a record replaced", f"epsilon = {rounded_up(r.replaced, 3)}"


def _features(parts: Iterable[FeaturePart]) -> Group:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("\nFeature", overflow="fold")
    for heading in ("Public\nbounds", "Moves\nat most", "\nEpsilon", "\nShare"):
        table.add_column(heading, justify="right", overflow="fold")
    for p in sorted(parts, key=lambda p: -p.moves):
        table.add_row(
            p.name,
            f"{p.bounds[0]:g} to {p.bounds[1]:g}",
            rounded_up(p.moves, 4),
            rounded_up(p.epsilon, 3),
            f"{p.share:.1%}",
        )
    return _titled("One feature alone", table)


def _accuracies(r: DemoResult) -> Group:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("\nEpsilon", "Noise from\nthe supremum", "Normalised\ngradients"):
        table.add_column(heading, justify="right", overflow="fold")
    for p in r.private:
        table.add_row(f"{p.epsilon:g}", f"{p.supremum:.1%}", f"{p.normalised:.1%}")
    return _titled("Accuracy on held-out records, trained privately", table)


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
