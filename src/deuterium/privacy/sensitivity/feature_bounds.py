"""Both sides of what one feature can do: the work behind `feature_sensitivity`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from deuterium import budget
from deuterium.domain.constraints import OneOf, Range, UnitVectors
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Choice
from deuterium.enclose import enclose
from deuterium.evaluate import compile
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optimize import maximize
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.mechanisms.release_shapes import Shape
from deuterium.privacy.sensitivity.attribution import columns
from deuterium.privacy.sensitivity.free_elements import place_names
from deuterium.privacy.sensitivity.neighbours import (
    FeatureGroup,
    FeatureNeighbours,
    each_label,
)
from deuterium.privacy.sensitivity.one_layer import FarPairs, OneFeature
from deuterium.privacy.sensitivity.one_layer.gradient_form import one_layer
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.sensitivity.vector_norms import BestBound, norm_graph, norm_up
from deuterium.transform import grad
from deuterium.transform.outer_sums import length_of_outer_sums
from deuterium.transform.simplify.simplify import simplify

__all__ = ["FeatureBound", "FeatureProblem", "filled_ranges", "slope_graph"]

LEAST = 0.2  # seconds for which a search is worth while
LOOKS = 8  # rounds of a search in vain
MOST = 10.0  # seconds for the first one
LONGEST = 1.0  # seconds for one, where a sharp bound tells whether more is needed
FEW = 8  # inputs, of which a search over all of them is worth its time


class FeatureProblem:
    """What all features of a symbol have in common."""

    def __init__(
        self,
        parts: list[Variable],
        shape: Shape,
        x: Variable,
        domain: Domain,
        norm: float,
        rtol: float,
        seed: int,
    ) -> None:
        # with shapes, since the slope of what is linear has no symbols
        shapes = {**domain.shapes, **{s.name: s.shape for s in free_symbols(parts)}}
        domain = Domain(domain.constraints, shapes, domain.conditions)
        self.parts, self.x, self.domain = parts, x, domain
        self.norm, self.rtol, self.seed = norm, rtol, seed
        self.shape = shape
        hull = domain.hull(x)
        self.widths = np.ravel(hull.upper - hull.lower)
        self._columns: list[list[Variable]] | None = None
        self._twice: tuple[float, Bracket | None] | None = None
        self._at: Variable | None = None
        self.layer = _layer(parts, x, domain) if norm == 2 else None
        self.search = None if self.layer is None else FarPairs(self.layer)
        self.few = x.size <= FEW

    def at(self, name: str) -> Variable:
        """Return the norm of the difference, the second record being a symbol."""
        if self._at is None:
            second = symbol(name, shape=self.x.shape)
            apart = [p - p.subs({self.x: second}) for p in self.parts]
            self._at = norm_graph(apart, self.norm)
        return self._at

    def steepest(self, where: FeatureGroup, limit: float | None) -> Any:
        """Return a bound of the norm of the slopes by elements of x, and its proof."""
        if self._columns is None:
            self._columns = columns(self.parts, self.x)
        slope = slope_graph(self._columns, where, self.norm)
        return self._sup(slope, filled_ranges(self.domain, self.x), limit)

    def twice(self, limit: float | None) -> tuple[float, Bracket | None]:
        """Return twice the contribution, and its proof."""
        if self._twice is None:
            whole = norm_graph(self.parts, self.norm)
            upper, bracket = self._sup(whole, self.domain, limit)
            self._twice = 2 * upper, bracket
        return self._twice

    @cached_property
    def twice_enclosed(self) -> float:
        """Twice the contribution, by an enclosure."""
        return 2 * self._sup(norm_graph(self.parts, self.norm), self.domain, 0.0)[0]

    def _sup(
        self, v: Variable, domain: Domain, limit: float | None
    ) -> tuple[float, Bracket | None]:
        """Return a bound of a supremum, from an enclosure if there is no time."""
        if _is_short(limit):
            return float(enclose(v, domain).upper), None
        found = maximize(
            v, domain, rtol=self.rtol / 4, time_limit=limit, seed=self.seed
        )
        if found.status == "interrupted":
            raise KeyboardInterrupt
        return found.upper, found


class FeatureBound:
    """What features at some places can do: bounds that get closer."""

    def __init__(self, name: str, where: FeatureGroup, work: FeatureProblem) -> None:
        self.name, self.where, self.work = name, where, work
        self.layer = work.layer if len(where) == 1 else None
        self.begun = self.stuck = False
        self.rounds = 0

    # only when its turn comes: a thousand features take a while

    @cached_property
    def pair(self) -> FeatureNeighbours:
        """Two records that differ there."""
        work = self.work
        return FeatureNeighbours(work.parts, work.x, self.where, work.domain)

    @cached_property
    def apart(self) -> Variable:
        """How far apart the results are."""
        return norm_graph(self.pair.apart, self.work.norm)

    @cached_property
    def best(self) -> BestBound:
        """What is known."""
        work, pair = self.work, self.pair
        at = work.at(pair.name)
        return BestBound(self.apart, at, pair, work.norm, work.rtol, 0.0, work.shape)

    @property
    def gap(self) -> float:
        """How far apart both sides are."""
        upper, lower = self.best.upper, self.best.lower
        return (upper - lower) / lower if lower else math.inf if upper else 0.0

    def sensitivity(self) -> Sensitivity:
        """Return what is known."""
        work = self.work
        if self.best.upper == math.inf:
            self._enclose()
        return self.best.sensitivity(
            f"only {self.what} changes; all else is the same in both records",
            scope=f"only {self.what} changes",
            vector=tuple(work.parts),
        )

    @property
    def what(self) -> str:
        """What changes, in words."""
        return ", ".join(place_names(self.work.x, self.where))

    def _try_ends(self) -> None:
        """Take the best of some corners, for want of time to search."""
        rows = self.pair.ends(self.work.domain, self.work.seed)
        if rows is None:
            return
        symbols = [s for s in free_symbols([self.apart]) if s.name in rows]
        with np.errstate(all="ignore"):
            (sizes,) = compile(symbols, [self.apart])(*[rows[s.name] for s in symbols])
        top = int(np.argmax(np.nan_to_num(np.ravel(sizes), nan=0.0)))
        self.best.admit({n: v[top] for n, v in rows.items()})

    def _enclose(self) -> None:
        found = enclose(self.apart, self.pair.doubled)
        self.best.offer_enclosure(found, "an enclosure over both records")

    def interrupt(self) -> None:
        """Take what is known so far, and say that there was no more."""
        if self.layer is not None:
            self._offer_layer()
        if not self.best.is_close:
            self.best.status = "interrupted"

    def begin(self, limit: float | None) -> None:
        """Work for so many seconds, for the first time."""
        self.begun = True
        left = _left(limit)
        if self.pair.still:
            self.best.offer(0.0, None, "no two records that differ in nothing else")
            return
        if limit is not None and limit < LEAST / 2:
            self._try_ends()
            self._enclose()
            self.best.offer(*self.work.twice(limit), "twice the contribution")
            return
        if self.layer is None:
            self._try_ends()  # often enough, and a search takes all its time
            self._offer_mean_value(left(0.3 if self.work.few else 0.6))
            if self.work.few and limit is not None and not self.best.is_close:
                self._maximize(left(0.1))
            if not self.best.is_close:
                self._look(None if limit is None else min(0.3 * limit, MOST))
        else:
            if limit is None:  # pairs of its own may do; a search takes far longer
                self._try_pairs(None)
                self._relax(None)
            if not self.best.is_close:
                self._look(None if limit is None else min(0.3 * limit, LONGEST))
                self._relax(left(0.5 if self.work.few else 1.0))
            if not self.best.is_close:
                self._offer_enclosures()
            if self._is_hopeless:
                self.layer = None
            elif self.best.is_close or not self.work.few:
                return
            self._offer_mean_value(left(0.3))
        if not self.best.is_close:
            self.best.offer(*self.work.twice(left(0.3)), "twice the contribution")
        if not self.best.is_close:
            self._maximize(left(1.0))

    def go_on(self, limit: float | None) -> None:
        """Work on for so many seconds."""
        left = _left(limit)
        self.rounds += 1
        where, layer = self.where[0], self.layer
        if layer is None or (self.work.few and self.rounds % 2 == 0):
            self._maximize(left(1.0))
            self.stuck = self.rounds >= 50
            return
        finished = layer.is_finished(where)
        self._look(min(left(0.2) or LONGEST, LONGEST))
        self._relax(left(1.0))
        self.stuck = finished and self.rounds >= LOOKS

    def _look(self, limit: float | None) -> None:
        """Search for two records far apart."""
        work, best, pair = self.work, self.best, self.pair
        if pair.limits is None and limit is not None:
            limit = min(limit, 0.1)  # a few pairs, all of which are tried below
        rows = self._try_pairs(limit)
        if not best.is_close:
            half = limit if rows is None or limit is None else limit / 2
            best.reach(work.seed + self.rounds, half, rows)

    def _try_pairs(self, limit: float | None) -> Any:
        """Return pairs of records: of one hidden layer, the best that were found."""
        work, pair = self.work, self.pair
        if work.search is None or self.layer is None or not pair.plain:
            return pair.ends(work.domain, work.seed)
        share = None if limit is None else limit / 2
        rows = work.search.found(pair, work.seed + self.rounds, share)
        self.best.admit({n: v[0] for n, v in rows.items()})
        return rows

    @property
    def _is_hopeless(self) -> bool:
        """Whether the relaxation has no bound, and will have none."""
        where, layer = self.where[0], self.layer
        assert layer is not None
        return layer.is_finished(where) and layer.known(where) == math.inf

    def _offer_enclosures(self) -> None:
        """Offer what costs next to nothing, so that the relaxation is never looser."""
        self._enclose()
        self.best.offer(self.work.twice_enclosed, None, "twice the contribution")
        self._offer_mean_value(0.0)

    def _relax(self, limit: float | None) -> None:
        """Go on with the relaxation of one hidden layer."""
        assert self.layer is not None
        reached, rtol = self.best.lower, self.work.rtol * 0.99
        self.layer.bound(self.where[0], reached, rtol, limit)
        self._offer_layer()

    def _offer_layer(self) -> None:
        assert self.layer is not None
        known = self.layer.known(self.where[0])
        self.best.offer(known, None, "a relaxation of one hidden layer")

    def _offer_mean_value(self, limit: float | None) -> None:
        """``||f(x) - f(x')|| <= |x - x'| sup ||df/dx_j||`` along the straight path."""
        if self.work.norm != 2 and len(self.where) > 1:
            return
        steepest, bracket = self.work.steepest(self.where, limit)
        far = norm_up(self.work.widths[list(self.where)], 2)
        how = "the range of the feature times the largest slope"
        self.best.offer(product_up(steepest, far), bracket, how)

    def _maximize(self, limit: float | None) -> None:
        """Maximise the distance itself, over both records."""
        if _is_short(limit):
            return
        found = maximize(
            self.apart,
            self.pair.doubled,
            rtol=self.work.rtol,
            time_limit=limit,
            seed=self.work.seed,
            points=self.best.points(),
        )
        self.best.take(found)
        if found.status == "interrupted":
            raise KeyboardInterrupt


def _left(limit: float | None) -> Callable[[float], float | None]:
    """Return a function that gives shares of the time that is left."""
    start = budget.now()

    def left(share: float) -> float | None:
        if limit is None:
            return None
        return float(max(0.05, share * (limit - (budget.now() - start))))

    return left


def _is_short(limit: float | None) -> bool:
    """Whether a search would spend its time on getting ready."""
    return limit is not None and limit < LEAST


def _layer(parts: list[Variable], x: Variable, domain: Domain) -> OneFeature | None:
    """Return sharper bounds for gradients of one hidden layer, where they apply."""
    found = one_layer(parts, x)
    hull = domain.hull(x)
    ends = np.abs([hull.lower, hull.upper])
    if found is None or not np.isfinite(ends).all():
        return None
    for numbers in (ends, found.matrix, *(e.coefficient for e in found.elements)):
        size = np.abs(numbers[numbers != 0])
        if ((size < 1e-70) | (size > 1e70)).any():
            return None  # squares would underflow
    symbols = free_symbols([found.scalar])
    labels = [s for s in symbols if s.name in domain.constraints]
    for s in labels:
        domain = _at_ends(domain, s, found.scalar)
    return OneFeature(found, x, domain, each_label(labels, domain))


def _at_ends(domain: Domain, label: Variable, scalar: Variable) -> Domain:
    """Return a domain with only the ends of a label's range, if only these count.

    Two gradients have the label in common, so where d is affine in it, the distance is
    convex in it.
    """
    kinds = domain.constraints[label.name]
    slope = grad(scalar, label)
    affine = all(s.name != label.name for s in free_symbols([slope]))
    hull = domain.hull(label)
    ends = np.stack([hull.lower, hull.upper])
    plain = label.size == 1 and all(isinstance(c, Range) for c in kinds)
    if not (affine and plain and np.isfinite(ends).all()):
        return domain
    ones = Choice(label, ends).constraints[label.name]
    return Domain({**domain.constraints, label.name: ones}, domain.shapes)


def slope_graph(
    by: Sequence[Sequence[Variable]], where: FeatureGroup, norm: float
) -> Variable:
    """Return the norm of slopes by elements, of all slopes by each: `columns`."""
    slopes = [c for j in where for c in by[j]]
    if norm != 2 or len(by) <= FEW:  # inputs that are cut need no lengths
        return norm_graph(slopes, norm)
    return length_of_outer_sums(simplify(slopes))


def filled_ranges(domain: Domain, x: Variable) -> Domain:
    """Return a domain that holds the straight path between any two records."""
    kinds = domain.constraints[x.name]
    if not any(isinstance(c, OneOf | UnitVectors) for c in kinds):
        return domain
    hull = domain.hull(x)
    return Domain(
        {**domain.constraints, x.name: (Range(hull.lower, hull.upper),)}, domain.shapes
    )
