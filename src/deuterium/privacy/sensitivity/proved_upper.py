"""Whether the upper end of a sensitivity follows from the proofs that it brings.

A proof is about one graph over one domain.  Which bound of which vector comes from it
is not written in a file: the graphs that the ways to a sensitivity bound are made anew
from the vector, and the one whose proof it is says what follows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from deuterium.certify.certificate import Certificate
from deuterium.domain.domain import Domain
from deuterium.errors import DeuteriumError
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.sensitivity.attribution import columns
from deuterium.privacy.sensitivity.bound_sources import BothSides
from deuterium.privacy.sensitivity.feature_bounds import filled_ranges, slope_graph
from deuterium.privacy.sensitivity.free_elements import place_names
from deuterium.privacy.sensitivity.kinds_problem import kinds_cases
from deuterium.privacy.sensitivity.length_change import length_behind
from deuterium.privacy.sensitivity.neighbours import (
    FeatureNeighbours,
    Neighbours,
    own_parts,
)
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.sensitivity.sensitivity_uses import Implied, judges
from deuterium.privacy.sensitivity.slope_norm import steepest_norm
from deuterium.privacy.sensitivity.vector_diameter import distance_graph
from deuterium.privacy.sensitivity.vector_norms import (
    ball_and_box_bound,
    norm_graph,
    norm_up,
)

__all__ = ["implied_by"]

Way = tuple[Variable, Domain, Callable[[float], float]]  # to a bound from a proved one
STAYS, CHANGES = re.compile(r"(.+) stay as they are"), re.compile(r"only (.+) changes")
SLOPES = re.compile(r"slopes are by (.+); everything else stays as it is")


@judges
def implied_by(s: Sensitivity) -> Implied | None:
    """Return what follows from the proofs, should they hold; None if nothing is seen.

    That they hold is for `Sensitivity.verify` to say.
    """
    if not s.vector or s.domain is None:
        return None
    try:
        if isinstance(s.proof, BothSides):
            top, bottom = (b.certificate for b in s.proof.sides)
            known = top is not None and bottom is not None
            if known and _kind(bottom)[0] == "maximize":
                found = _of_cases(s, s.domain, (top, bottom))
            else:
                found = _of_both_sides(s, s.domain, top, bottom) if known else None
        else:
            found = _of_one(s, s.domain)
    except DeuteriumError:
        return None  # the vector and the domain do not fit
    return found if found is not None and found.upper < math.inf else None


def _of_one(s: Sensitivity, domain: Domain) -> Implied | None:
    """Return the least that the proof of one supremum gives."""
    proof = s.proof.certificate if isinstance(s.proof, Bracket) else None
    if proof is None or _kind(proof) != ("maximize", s.arithmetic):
        return None
    found = [
        Implied(bound(proof.upper), ((v, domain),))
        for v, domain, bound in _ways(s, domain)
        if proof.is_about(v, domain)
    ]
    return min(found, key=lambda implied: implied.upper, default=None)


def _kind(proof: Certificate) -> tuple[str, str | None]:
    return proof.body["sense"], proof.arithmetic


def _of_both_sides(
    s: Sensitivity, domain: Domain, top: Certificate, bottom: Certificate
) -> Implied | None:
    """Return what the range of a number gives."""
    (number,) = own_parts(s.vector, _neighbours(s, domain)) if s.scope else s.vector
    number = number.reshape(()) if number.shape else number
    kinds = [("maximize", s.arithmetic), ("minimize", s.arithmetic)]
    about = all(c.is_about(number, domain) for c in (top, bottom))
    finite = math.isfinite(top.upper - bottom.lower)
    if not (about and finite) or [_kind(top), _kind(bottom)] != kinds:
        return None
    claims = ((number, domain),) * 2
    if s.quantity == "diameter":
        return Implied(Fraction(top.upper) - Fraction(bottom.lower), claims)
    return None if s.scope else Implied(max(abs(top.upper), abs(bottom.lower)), claims)


def _of_cases(
    s: Sensitivity, domain: Domain, proofs: tuple[Certificate, Certificate]
) -> Implied | None:
    """Return what all who stay being people of two kinds gives: the worse case."""
    claims = tuple(_of_kinds(s, _neighbours(s, domain)))
    pairs = zip(proofs, claims, strict=True)
    fits = len(claims) == 2 and all(c.is_about(*claim) for c, claim in pairs)
    if not fits or {_kind(c) for c in proofs} != {("maximize", s.arithmetic)}:
        return None
    return Implied(max(0.0, *(c.upper for c in proofs)), claims)


def _of_kinds(
    s: Sensitivity, neighbours: Neighbours
) -> Iterator[tuple[Variable, Domain]]:
    """Give what is maximised of each case, for a diameter with people who stay."""
    if s.quantity != "diameter" or s.scope != neighbours.scope:
        return
    for case in kinds_cases(list(s.vector), neighbours):
        apart, where = case.problem(neighbours)
        yield distance_graph(apart, s.norm), where


def _neighbours(s: Sensitivity, domain: Domain) -> Neighbours:
    shared = STAYS.fullmatch(s.scope or "")
    names = shared[1].split(", ") if shared else []
    return Neighbours(domain, free_symbols(s.vector), names)


def _ways(s: Sensitivity, domain: Domain) -> Iterator[Way]:
    """Give the graphs whose suprema bound a sensitivity, and how they do."""
    parts, norm = list(s.vector), s.norm
    if s.quantity == "contribution" and s.scope is None:
        yield norm_graph(parts, norm), domain, float
    elif s.quantity == "lipschitz":
        yield from _of_slopes(s, domain)
    elif s.quantity == "diameter" and CHANGES.fullmatch(s.scope or ""):
        yield from _of_feature(s, domain)
    elif s.quantity == "diameter":
        neighbours = _neighbours(s, domain)
        if s.scope not in (None, neighbours.scope):
            return
        own, one = own_parts(parts, neighbours), neighbours.domain
        yield (
            distance_graph(neighbours.differences(own), norm),
            neighbours.doubled,
            float,
        )
        kinds = list(_of_kinds(s, neighbours))
        if len(kinds) == 1:
            yield *kinds[0], lambda most: max(0.0, most)
        yield norm_graph(own, norm), one, _twice
        if norm == 2:
            yield (
                norm_graph(own, norm),
                one,
                lambda length: ball_and_box_bound(own, length, one),
            )
        known = length_behind(own[0], one) if sum(p.size for p in own) == 1 else None
        if known is not None:
            h, factor = known
            moved = norm_graph(neighbours.differences([h]), 2)
            yield moved, neighbours.doubled, lambda far: product_up(factor, far)


def _twice(length: float) -> float:
    return 2 * length


def _of_slopes(s: Sensitivity, domain: Domain) -> Iterator[Way]:
    """Give the norm of the slopes by the inputs that are named."""
    told = [m for m in map(SLOPES.fullmatch, s.assumptions) if m]
    known = {v.name: v for v in free_symbols(s.vector)}
    names = told[0][1].split(", ") if told else []
    fixed = ", ".join(sorted(set(known) - set(names)))
    scope = f"{fixed} stay as they are" if fixed else None
    if not names or not set(names) <= set(known) or s.scope != scope:
        return
    (number,) = s.vector
    graph, jump = steepest_norm(number, [known[n] for n in names], domain, s.norm)
    if Fraction(s.jump) >= s.factor * Fraction(jump):
        yield graph, domain, float


def _of_feature(s: Sensitivity, domain: Domain) -> Iterator[Way]:
    """Give what bounds how far elements of one symbol move a result."""
    found = _moved(s, domain)
    if found is None:
        return
    (x, where), parts = found, list(s.vector)
    pair = FeatureNeighbours(parts, x, where, domain)
    yield norm_graph(pair.apart, s.norm), pair.doubled, float
    yield norm_graph(parts, s.norm), domain, _twice
    if s.norm == 2 or len(where) == 1:
        hull = domain.hull(x)
        widths = np.ravel(hull.upper - hull.lower)[list(where)]
        far, by = norm_up(widths, 2), columns(parts, x)
        slope = slope_graph(by, where, s.norm)
        yield slope, filled_ranges(domain, x), lambda most: product_up(most, far)


def _moved(s: Sensitivity, domain: Domain) -> tuple[Variable, tuple[int, ...]] | None:
    """Return the symbol of which elements change, and which, by their names."""
    for x in free_symbols(s.vector):
        if x.name not in domain.constraints:
            continue
        names = place_names(x, range(x.size))
        where = tuple(
            j for j, n in enumerate(names) if f", {n}," in f", {_changes(s)},"
        )
        if where and f"only {', '.join(names[j] for j in where)} changes" == s.scope:
            return x, where
    return None


def _changes(s: Sensitivity) -> str:
    found = CHANGES.fullmatch(s.scope or "")
    return found[1] if found else ""
