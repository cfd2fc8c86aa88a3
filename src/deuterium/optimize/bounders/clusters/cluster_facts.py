"""What proofs by clusters refer to, as JSON; see the package's docstring."""

from __future__ import annotations

from typing import Any

from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.clusters.cluster_program import ClusterProgram
from deuterium.optimize.bounders.clusters.cluster_terms import Definition
from deuterium.optimize.bounders.lagrangian.factored_parts import RANGE_ONLY


def facts_of(program: ClusterProgram, logarithm: bool) -> dict[str, Any]:
    """Return the facts of a program, once for all leaves."""
    place = {n: i for i, n in enumerate(program.relaxed.nodes)}
    first: dict[Any, int] = {}
    for k, (_, _, spokes) in enumerate(program.products):
        first.setdefault(spokes, k)
    steps: list[list[Any]] = []
    free = [k for k, g in enumerate(program.groups) if g.kind == RANGE_ONLY]
    step_of: dict[Any, int] = {}
    for rule in program.rules:
        while free and free[0] < rule.groups:
            steps.append(["free", free.pop(0)])
        step_of[rule.target] = len(steps)
        steps.append(_step(program, rule, first, place))
    steps += [["free", k] for k in free]
    nodes = [[place[n] for n in g.nodes if n in place] for g in program.groups]
    return {
        "log": logarithm,
        "centres": [
            [program.relaxed.place[p.node], *(c.tolist() for c in p.centres)]
            for p in program.relaxed.products
        ],
        "groups": [[g.kind, n] for g, n in zip(program.groups, nodes, strict=True)],
        "products": [
            [place[node], side, step_of[spokes]]
            for node, side, spokes in program.products
        ],
        "steps": steps,
    }


def _step(
    program: ClusterProgram,
    rule: Definition,
    first: dict[Any, int],
    place: dict[Variable, int],
) -> list[Any]:
    """Return how facts name what a rule defines, or states."""
    node, _ = rule.source
    if rule.is_inequality:
        numbers = {p.rest: k for k, p in enumerate(program.relaxed.products)}
        return ["product", numbers[node]]
    if rule.is_constraint:
        return ["sum", place[node]]
    if rule.is_spoke:
        return ["spokes", first[rule.target]]
    return ["atom", rule.target.group]
