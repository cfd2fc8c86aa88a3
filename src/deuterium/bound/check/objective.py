"""What is maximised, derived again, and compared with the graph itself at points."""

from __future__ import annotations

from collections.abc import Sequence

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


def compare(
    v: Variable, objective: Variable, inputs: Inputs, maximizes: bool, seed: int
) -> None:
    """Refuse an objective that is not ``v`` (or minus it) at random points."""
    rng = np.random.default_rng(seed)
    compared = 0
    with ctx.workprec(PRECISE):
        both = Points([v, objective], inputs.starts, inputs.size)
        for _ in range(TRIED):
            row = inputs.sample(rng, WIDE)
            if row is None:
                continue
            try:
                given, mine = both([arb(x) for x in row])
            except NoBound:
                continue
            if not given.overlaps(mine if maximizes else -mine):
                raise CertificateError(
                    f"simplified, the graph is {mine.str(12)} where it is "
                    f"{given.str(12)} as given, at {list(row)!r:.200}"
                )
            compared += 1
            if compared == COMPARED or not row:
                return
    if not compared:
        raise CertificateError(
            f"at none of {TRIED} random points of the domain is the graph defined"
        )


def value_at(v: Variable, inputs: Inputs, row: Sequence[float]) -> Ball:
    """Return the value of a graph at a point, precisely."""
    with ctx.workprec(PRECISE):
        (value,) = Points([v], inputs.starts, inputs.size)([arb(x) for x in row])
    return value
