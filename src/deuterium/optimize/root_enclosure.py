"""The enclosure at the root: the bound before anything else is tried.

It is the bound that `enclose` gives, and so the most that may ever be claimed.  Where
inputs satisfy conditions together, the region is cut down by them first, with the step
``("conditions", {"at": [j...], "lower": [...], "upper": [...]})``.

Its proof is ``("enclosure", {"labels": [names]})``: ranges over the region of the graph
as it was given, as made of arrays, simplified, or simplified over the domain, and of
the first three with a number of its own for each sum of squares over a ball.  The least
upper end counts; where labels are named, the largest of these over all their
values.  Of a problem with labels the bound by lengths is tried next; its proof is its
own.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from deuterium.budget import Spent, left
from deuterium.domain.problem import Problem
from deuterium.enclose.enclose import as_written, enumerated
from deuterium.enclose.in_balls import enclose
from deuterium.interval import Cause, Interval
from deuterium.optimize.bounders.norm_bounds import norm_bounder_of
from deuterium.optimize.preparation_options import POOR_SECONDS, RICH_SECONDS
from deuterium.optimize.region import DomainReduction, Proof, with_checker_margin
from deuterium.transform.pipeline import MANY


@dataclass(frozen=True)
class RootEnclosure:
    """The bound at the outset.

    Attributes
    ----------
    upper : float
        No value of the objective is larger.
    proof : Proof
        Why.
    cause : Cause or None
        Why it is infinite.
    size : float
        No value is of a larger size, as far as the enclosure tells.
    """

    upper: float
    proof: Proof
    cause: Cause | None = None
    size: float = math.inf


NOTHING = RootEnclosure(math.inf, ("interval", {}))


def root_enclosure_of(problem: Problem) -> RootEnclosure:
    """Return the bound that the enclosure gives, as far as there is time for one.

    Of a graph of very many nodes the enclosure of `enclose` may take longer than there
    is time; that of the graph as it is written asks for no preparations.  (Where these
    make a few arrays of it, it is the slower of the two.)
    """
    found = NOTHING
    nodes = len(problem.order)
    with suppress(Spent), np.errstate(all="ignore"):
        if nodes > MANY and POOR_SECONDS * nodes < left() < RICH_SECONDS * nodes:
            found = _of(problem, as_written(problem.order, problem.counting))
        closer = _of(problem, enclose(problem.given, problem.counting))
        found = closer if closer.upper <= found.upper else found
    return found


def closer_by_lengths(problem: Problem, first: RootEnclosure) -> RootEnclosure:
    """Return the bound by lengths of the whole domain where that is closer.

    Of a problem with labels: a softmax and any unit vector are no further apart than
    the root of 2, and this is known long before each label has a bound of its own.
    """
    if not problem.finite:
        return first
    with suppress(Spent):
        bounder = norm_bounder_of(problem)
        if bounder is not None:
            upper, proof = bounder.first()
            upper = with_checker_margin(upper)
            if upper < first.upper:
                return replace(first, upper=upper, proof=proof)
    return first


def first_steps(problem: Problem) -> list[DomainReduction]:
    """Return what leads from the whole domain to the box around all that counts."""
    low, high = problem.first_lower, problem.first_upper
    at = np.flatnonzero((low > problem.lower) | (high < problem.upper))
    data = {"at": at.tolist(), "lower": low[at].tolist(), "upper": high[at].tolist()}
    return [("conditions", data)] if len(at) else []


def _of(problem: Problem, x: Interval) -> RootEnclosure:
    upper = float(x.upper) if problem.maximizes else -float(x.lower)
    if x.cause is not None and x.cause.kind == "undefined":
        upper = math.inf  # nothing is claimed where the objective may have no value
    labels = enumerated(problem.symbols, problem.counting)
    size = max(abs(float(x.lower)), abs(float(x.upper)))
    size = math.inf if math.isnan(size) else size
    return RootEnclosure(upper, ("enclosure", {"labels": labels}), x.cause, size)
