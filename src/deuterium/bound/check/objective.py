"""What is maximised, derived again, and compared with the graph itself at points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import arb, ctx

from deuterium.bound.check.functions import Ball
from deuterium.bound.check.inputs import Inputs
from deuterium.bound.check.reasons import NoBound
from deuterium.bound.check.tape import Points
from deuterium.errors import CertificateError
from deuterium.graph.variable import Variable
from deuterium.transform.prepare import condensed
from deuterium.transform.simplify import simplify

PRECISE = 200  # bits
COMPARED, TRIED = 8, 200  # points, and how many to try for them
WIDE = 8.0  # how far out points are taken where there is no end


def derived(v: Variable, inputs: Inputs, maximizes: bool) -> Variable:
    """Return the objective: ``v`` or ``-v``, simplified over the domain."""
    (dense,) = condensed([v if maximizes else -v])
    return simplify(dense, inputs.domain)


class Comparison:
    """Compares graphs with ``v`` (or minus it) at random points of the domain.

    Parameters
    ----------
    v : Variable
    inputs : Inputs
    maximizes : bool
        Whether graphs are to be ``v`` itself.
    seed : int
        Of the points.
    """

    def __init__(self, v: Variable, inputs: Inputs, maximizes: bool, seed: int) -> None:
        self.inputs, self.maximizes, self.seed = inputs, maximizes, seed
        with ctx.workprec(PRECISE):
            self._given = Points([v], inputs.starts, inputs.size)

    def __call__(
        self, graph: Variable, fixed: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        """Refuse a graph that is not ``v`` at the points, where some inputs are fixed.

        Raises
        ------
        CertificateError
            It differs, or no point was found where ``v`` is defined.
        """
        rng = np.random.default_rng(self.seed)
        compared, inputs = 0, self.inputs
        with ctx.workprec(PRECISE):
            mine = Points([graph], inputs.starts, inputs.size)
            for _ in range(TRIED):
                row = inputs.sample(rng, WIDE, fixed or {})
                if row is None or not self._is_same(mine, row):
                    continue
                compared += 1
                if compared == COMPARED or not row:
                    return
        if not compared:
            raise CertificateError(
                f"at none of {TRIED} random points of the domain is the graph defined"
            )

    def _is_same(self, graph: Points, row: Sequence[float]) -> bool:
        """Return whether both are defined at a point, and agree."""
        point = [arb(x) for x in row]
        try:
            (given,), (mine,) = self._given(point), graph(point)
        except NoBound:
            return False
        if not given.overlaps(mine if self.maximizes else -mine):
            raise CertificateError(
                f"simplified, the graph is {mine.str(12)} where it is "
                f"{given.str(12)} as given, at {list(row)!r:.200}"
            )
        return True


def value_at(v: Variable, inputs: Inputs, row: Sequence[float]) -> Ball:
    """Return the value of a graph at a point, precisely."""
    with ctx.workprec(PRECISE):
        (value,) = Points([v], inputs.starts, inputs.size)([arb(x) for x in row])
    return value
