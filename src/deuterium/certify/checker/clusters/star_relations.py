"""Relations that hold beside the definitions of hubs and spokes.

The rows of a softmax have the sum 1.  Of a product D = A B of matrices, by Cauchy and
Schwarz, ``sum_i D_ij**2 <= sum(A**2) * sum_i B_ij**2``.
"""

from __future__ import annotations

from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import ONE
from deuterium.certify.checker.clusters.star_parts import StepRelation
from deuterium.certify.checker.lagrangian.affine_balls import AffineSum, total


def sums_of_rows(p: Array) -> StepRelation:
    """Return that the rows of a softmax, of sums of terms, have the sum 1."""
    rows = p.reshape(-1, p.shape[-1]).tolist()
    return StepRelation(
        [total([(ONE, x) for x in row]).plus(AffineSum(-ONE)) for row in rows], False
    )


def squares_of_columns(squares: Array, limits: Array) -> StepRelation:
    """Return that the squares of a matrix, by columns, are at most their limits."""
    columns = [total([(ONE, x) for x in column]) for column in squares.T.tolist()]
    both = zip(limits.tolist(), columns, strict=True)
    return StepRelation([a.plus(b, -ONE) for a, b in both], True)


def simplex_of(p: Array) -> list[int] | None:
    """Return the terms that a softmax of one row is; None if it is not just terms."""
    if p.size != p.shape[-1]:
        return None
    terms = []
    for x in p.ravel().tolist():
        if len(x.parts) != 1 or not x.constant.is_zero():
            return None
        ((term, c),) = x.parts.items()
        if not (c - ONE).is_zero():
            return None
        terms.append(term)
    return terms if len(set(terms)) == len(terms) else None
