"""What a Lagrangian is of, the objective or its logarithm, and what kinds share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium import ops
from deuterium.certify.checker.ball_functions import INFINITY, ZERO, Ball, larger
from deuterium.certify.checker.ball_program import RangeProgram
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.log_proof import log_form
from deuterium.graph.variable import Variable


class RelaxedRoot:
    """The graph R.

    Parameters
    ----------
    objective : Variable
    starts : mapping
        The first coordinate of each symbol.
    least, most : sequence of arb
        The box around the domain.
    takes_log : bool
        Whether R is the logarithm, if it is a sum.

    Attributes
    ----------
    graph : Variable
        R.
    is_log : bool
    logarithms : list of Variable
        Those taken of what is proved not negative.
    """

    def __init__(
        self,
        objective: Variable,
        starts: Mapping[str, int],
        least: Sequence[Ball],
        most: Sequence[Ball],
        takes_log: bool,
    ) -> None:
        self._starts, self._least, self._most = starts, list(least), list(most)
        root: Variable | None = None
        self.logarithms: list[Variable] = []
        if takes_log:
            root, self.logarithms = log_form(objective, self._least_of)
        self.is_log = root is not None
        self.graph = objective if root is None else root

    def _least_of(self, v: Variable) -> Ball | None:
        try:
            tape = RangeProgram([v], self._starts, len(self._least))
            low = tape(self._least, self._most)[0]
        except NoBound:
            return None
        bottom = low[0]
        for x in low[1:]:
            bottom = -larger(-bottom, -x)
        return bottom

    def claim(self, claim: Ball) -> Ball:
        """Return what a claim of the objective is of R."""
        if not self.is_log:
            return claim
        return claim.log() if claim > ZERO else -INFINITY


def needed_tasks(tasks: list[Any], terms: Sequence[int]) -> list[Any]:
    """Return the tasks that some slots depend on."""
    needed, kept = set(terms), []
    for op, task, attrs in reversed(tasks):
        if not needed.isdisjoint(task[0]):
            needed.update(task[1])
            kept.append((op, task, attrs))
    return kept[::-1]


def written(node: Variable, known: set[Variable]) -> Variable:
    """Return the node of the objective that a reshaped one stands for."""
    while node not in known and node.op is ops.reshape:
        node = node.args[0]
    return node
