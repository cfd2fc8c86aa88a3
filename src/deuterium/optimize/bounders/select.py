"""Which bounder fits a problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from deuterium import ops
from deuterium.budget import in_time
from deuterium.domain.problem import Problem
from deuterium.errors import InvalidInputError
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.ball_tightening import BallTightening, balls_of
from deuterium.optimize.bounders.choice_options import (
    DEEPEST,
    FEW_INPUTS,
    MOST_CUT,
    MOST_ENDS,
    MOST_POINTS,
    SHORTER,
)
from deuterium.optimize.bounders.convex_cuts import ConvexCuts
from deuterium.optimize.bounders.derivative import DerivativeBounder
from deuterium.optimize.bounders.discrete_branching import DiscreteBranching
from deuterium.optimize.bounders.finite_values import finite_reduction_of
from deuterium.optimize.bounders.label_enumeration import (
    convex_labels,
    label_enumeration_of,
)
from deuterium.optimize.bounders.natural_interval import (
    NaturalIntervalBounder,
    enclosed,
)
from deuterium.optimize.bounders.norm_bounds import (
    KEEP_LENGTHS,
    NormBounder,
    norm_bounder_of,
)
from deuterium.optimize.bounders.portfolio import RootPortfolio
from deuterium.optimize.region import Bounder

if TYPE_CHECKING:
    from deuterium.optimize.bounders.clusters.cluster_bounder import ClusterBounder

METHODS = ("auto", "box", "clusters", "interval", "norms")


def require_method(method: str) -> None:
    """Raise where there is no such method."""
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidInputError(
            f"`method` must be one of {', '.join(METHODS)}; got {method!r}"
        )


def select_bounder(
    problem: Problem, method: str = "auto", until: float = math.inf
) -> Bounder:
    """Return the bounder for a problem; ``"auto"`` picks the best that fits.

    What would take preparations longer than ``until``, a time by `budget.now`, gives
    way to what takes less.  Without it, the same problem has the same bounder.
    """
    require_method(method)
    special = label_enumeration_of(problem, lambda p: _fitting(p, method, until), until)
    if special is not None:
        return special
    bounder = _fitting(problem, method, until)
    convex = convex_labels(problem, MOST_ENDS)
    if convex and bounder.atoms:  # where inputs are cut anyway, as well as others
        bounder = ConvexCuts(bounder, convex)
    return DiscreteBranching(problem, bounder) if problem.finite else bounder


def _fitting(problem: Problem, method: str, until: float) -> Bounder:
    plain = NaturalIntervalBounder(problem)
    bounder = in_time(until, lambda: _bounder(problem, method, until), plain)
    if bounder is None:
        raise InvalidInputError(
            f"`method`={method!r} does not fit this graph; leave it out"
        )
    return BallTightening(problem, bounder) if balls_of(problem) else bounder


def _bounder(problem: Problem, method: str, until: float) -> Bounder | None:
    if method == "interval" or not problem.size:
        return NaturalIntervalBounder(problem)
    if method == "auto" and _has_few_points(problem):
        return NaturalIntervalBounder(problem)
    if method == "norms":
        return norm_bounder_of(problem)
    if method == "clusters":
        return _by_clusters(problem)
    if method == "box":
        return DerivativeBounder(problem)
    if problem.size <= FEW_INPUTS or not has_layers(problem):
        return _few(problem)
    lengths = norm_bounder_of(problem)
    main: Bounder | None = in_time(until, lambda: _by_clusters(problem, DEEPEST), None)
    if main is None and lengths is not None and not _better_cut(problem, lengths):
        main = lengths
    main = main or DerivativeBounder(problem)
    others: list[Bounder] = [NaturalIntervalBounder(problem)]
    if lengths is not None and main is not lengths:
        others.insert(0, lengths)
    return RootPortfolio(problem, main, others)


def _has_few_points(problem: Problem) -> bool:
    """Return whether the domain is a list of points, each soon looked at."""
    parts = problem.finite
    if sum(part.stop - part.start for part, _ in parts) < problem.size:
        return False
    return math.prod(len(rows) for _, rows in parts) <= MOST_POINTS


def _by_clusters(problem: Problem, deepest: float = math.inf) -> ClusterBounder | None:
    # imported when first asked for: it is a quarter of what importing the package takes
    from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of

    return cluster_bounder_of(problem, deepest * problem.size)


def _better_cut(problem: Problem, lengths: NormBounder) -> bool:
    """Whether cuts of inputs say more than lengths, which cost more than intervals."""
    if problem.size > MOST_CUT:
        return False
    plain = enclosed(problem, problem.lower[None], problem.upper[None])
    return bool(lengths.first()[0] > SHORTER * plain[0])


def _few(problem: Problem) -> Bounder:
    """Return what cuts inputs, helped by lengths where these are bounded."""
    box: Bounder
    box = finite_reduction_of(problem) or DerivativeBounder(problem)
    keeps = any(n.op in KEEP_LENGTHS for n in problem.graph.varying)
    if not keeps and not balls_of(problem):
        return box
    lengths = norm_bounder_of(problem)
    return box if lengths is None else RootPortfolio(problem, box, [lengths])


def has_layers(problem: Problem) -> bool:
    """Return whether something that depends on an input is multiplied by a matrix.

    A sum of products, element by element, over one of two axes is such a product, too.
    """
    varying = problem.graph.varying

    def is_product(n: Variable) -> bool:
        if n.op is ops.matmul:
            return True
        if n.op is not ops.add_reduce or n.size < 2 or n.args[0].op is not ops.multiply:
            return False
        factors = n.args[0].args
        return n.args[0].ndim > 1 and any(f not in varying for f in factors)

    return any(map(is_product, varying))
