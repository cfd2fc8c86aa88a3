"""Norms of vectors of Variables, and the best of several bounds of a difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.enclose import enclose
from deuterium.errors import InvalidInputError, ShapeError, SoundnessError
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import as_variable
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.rounding import gamma, next_up, widen_up
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import round_down
from deuterium.privacy.mechanisms.release_shapes import Shape
from deuterium.privacy.sensitivity.bound_sources import ASSUMPTIONS
from deuterium.privacy.sensitivity.neighbours import Neighbours
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.search import search as look_for
from deuterium.search.search import enclose_at

__all__ = [
    "BestBound",
    "as_parts",
    "ball_and_box_bound",
    "norm_graph",
    "norm_up",
    "ranges_bound",
    "require_domain",
]
LEVELS = 33  # of how much the length counts


def norm_graph(parts: Sequence[Variable], norm: float) -> Variable:
    """Return the norm over all elements of all parts, of any shapes: a scalar graph."""
    parts = [p for p in parts if p.size]
    if norm == 2:
        return norm_of_all(parts)
    sizes = [np.abs(p) for p in parts]
    if norm == 1:
        total: Any = sum(np.sum(s) for s in sizes)
        return as_variable(total)
    each: Any = [np.max(s) if s.shape else s for s in sizes]
    top = each[0]
    for other in each[1:]:
        top = np.maximum(top, other)
    return as_variable(top)


def as_parts(who: str, given: Any, name: str = "f") -> list[Variable]:
    """Return what was given as a list of Variables."""
    if isinstance(given, np.ndarray) and given.dtype == object:
        given = given.ravel().tolist()
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    if not listed or not all(isinstance(v, Variable) for v in listed):
        raise InvalidInputError(
            f"{who}: `{name}` must be a Variable or a list of them, as deuterium.grad "
            f"returns it; got {given!r:.80}"
        )
    if not sum(v.size for v in listed):
        raise ShapeError(
            f"{who}: `{name}` has no elements, so there is nothing to bound"
        )
    return listed


def require_domain(who: str, domain: Any, parts: Sequence[Variable]) -> Domain:
    """Return the domain of the symbols that occur, if this is a set of records.

    What else a record holds may be in the domain of a whole table.
    """
    if not isinstance(domain, Domain):
        raise InvalidInputError(
            f"{who}: `domain` must be a deuterium.Box, Ball, Choice or OneHot (or "
            f"several joined with &), got {type(domain).__name__}"
        )
    return domain.restricted([s.name for s in free_symbols(parts)])


class BestBound:
    """The least upper bound of a difference so far, and the largest value reached.

    Parameters
    ----------
    apart : Variable
        The norm of the difference, by the symbols of ``neighbours.doubled``.
    at : Variable
        The same, by all symbols of two records as ``neighbours.records`` gives them.
    """

    def __init__(
        self,
        apart: Variable,
        at: Variable,
        neighbours: Neighbours,
        norm: float,
        rtol: float,
        atol: float,
        shape: Shape,
    ) -> None:
        self.apart, self.at, self.neighbours = apart, at, neighbours
        self._names = {s.name for s in free_symbols([at])}
        self.norm, self.shape = norm, shape
        self.rtol, self.atol = round_down(rtol), round_down(atol)
        self.upper, self.lower = math.inf, 0.0
        self.witness: dict[str, Any] = {}
        self.start: dict[str, Any] = {}  # the witness as a point of the doubled domain
        self.status, self.how = "time_limit", ""
        self.proof: Any = None
        self.cause: Any = None

    @property
    def is_close(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.upper - self.lower <= max(self.atol, self.rtol * self.lower)

    def reach(
        self,
        seed: int,
        limit: float | None = None,
        points: Any = None,
        starts: int = 96,
    ) -> None:
        """Search for two records far apart; what is kept is certified at them.

        Parameters
        ----------
        seed : int
            Of the search.
        limit : float or None
            Seconds.
        points : mapping or None
            Where to start, too: by name, (points, *shape of the symbol).
        starts : int
            Random ones.
        """
        found = look_for(
            self.apart,
            self.neighbours.doubled,
            starts=starts,
            seed=seed,
            time_limit=limit,
            points=points,
        )
        self.admit(found.witness)

    def admit(self, point: Mapping[str, Any]) -> None:
        """Take the value at a point of the doubled domain, certified, if larger."""
        for witness in self.neighbours.records(point) if point else ():
            known = {n: x for n, x in witness.items() if n in self._names}
            value = float(enclose_at(self.at, known).lower)
            if value > self.lower:
                self.lower, self.witness, self.start = value, witness, dict(point)

    def offer(self, upper: float, bracket: Any, how: str) -> None:
        """Take another bound if it is the least."""
        if upper < self.upper:
            self.upper, self.how = upper, how
            self.proof = bracket

    def offer_enclosure(self, found: Interval, how: str) -> None:
        """Take the upper end of an enclosure; if that is infinite, say why."""
        self.offer(float(found.upper), None, how)
        if self.upper == math.inf and found.cause is not None:
            self.status, self.cause = found.cause.kind, found.cause

    def take(self, bracket: Bracket) -> None:
        """Take what a maximisation over both records found."""
        self.admit(bracket.witness)
        self.offer(bracket.upper, bracket, "a maximisation over both records")
        if self.upper == math.inf:
            self.status, self.cause = bracket.status, bracket.cause
        elif bracket.status == "interrupted":
            self.status = bracket.status

    def points(self) -> Any:
        """Return the witness as a row to start from."""
        return {n: np.asarray(x)[None] for n, x in self.start.items()} or None

    def sensitivity(self, *assumptions: str, **more: Any) -> Sensitivity:
        """Return it all as a diameter."""
        if self.upper < self.lower:
            raise SoundnessError(
                f"a bound of a difference, {self.upper!r} by {self.how}, lies below a "
                f"value that is reached, {self.lower!r}: a fault of deuterium, whose "
                "bounds of this graph must not be trusted. Please report it with the "
                f"graph, the domain {self.neighbours.domain!r:.2000} and the point "
                f"{ {n: np.asarray(x).tolist() for n, x in self.witness.items()} }"
            )
        return Sensitivity(
            quantity="diameter",
            norm=self.norm,
            upper=self.upper,
            lower=self.lower,
            witness=self.witness,
            status="optimal" if self.is_close else self.status,
            proof=self.proof,
            cause=self.cause,
            domain=self.neighbours.domain,
            shape=self.shape,
            assumptions=(*ASSUMPTIONS, f"bounded by {self.how}", *assumptions),
            **more,
        )


def ranges_bound(parts: Sequence[Variable], norm: float, domain: Domain) -> float:
    """Return the norm of all elements' ranges' widths, of any shapes; rounded up."""
    widths = [_width(enclose(p, domain)) for p in parts]
    flat = np.concatenate([np.ravel(w) for w in widths])
    return norm_up(flat, norm)


def ball_and_box_bound(
    parts: Sequence[Variable], radius: float, domain: Domain
) -> float:
    """Return how far apart two points of a ball around zero and a box can be, at most.

    For v and w of length at most R, and any number ``t >= 0``,
    ``|v - w|^2 <= 2 t R^2 + sum_i max((v_i - w_i)^2 - t (v_i^2 + w_i^2))``, each over
    the range of element i: the length adds what is taken off.  With t = 2 no term is
    above 0, which gives twice R; with t = 1 the terms are ``-2 v_i w_i``, so that
    vectors without negative elements are at most ``sqrt(2) R`` apart.

    Parameters
    ----------
    parts : sequence of Variable
        Arrays whose elements together are the vector.
    radius : float
        A certified bound of its length, R; without unit of its own.
    domain : Domain
        Over which the ranges are enclosed.

    Returns
    -------
    float
        Rounded up; infinite where a range is.
    """
    ranges = [enclose(p, domain) for p in parts]
    low, high = (
        np.concatenate([np.ravel(e) for e in ends])
        for ends in zip(*((x.lower, x.upper) for x in ranges), strict=True)
    )
    if not (np.isfinite(low).all() and np.isfinite(high).all() and radius < 1e150):
        return math.inf
    low, high = np.maximum(low, -radius), np.minimum(high, radius)
    if np.any(low > high) or max(np.abs(low).max(), np.abs(high).max()) > 1e150:
        return math.inf
    best = math.inf
    for t in np.linspace(0.0, 1.0, LEVELS):
        # convex in v_i and in w_i, so largest where both are at ends
        a, b = low * low, high * high
        corners = -2 * t * a, -2 * t * b, (1 - t) * (a + b) - 2 * low * high
        terms = np.append(np.maximum.reduce(corners), 2 * t * radius * radius)
        size = np.append(2 * (a + b), 2 * radius * radius).sum()
        best = min(best, float(terms.sum() + size * gamma(len(terms) + 16)))
    return float(widen_up(np.sqrt(np.asarray(max(best, 0.0))), 8.0) + 1e-150)


def _width(x: Interval) -> Array:
    with np.errstate(invalid="ignore"):
        wide = next_up(x.upper - x.lower)
    return np.where(np.isnan(wide), np.inf, wide)


def norm_up(sizes: Array, norm: float) -> float:
    """Return the norm of non-negative numbers, (n,) or of any shape, rounded up."""
    if norm == math.inf or not sizes.any():
        return float(sizes.max(initial=0.0))
    with np.errstate(over="ignore", under="ignore"):
        total = sizes.sum() if norm == 1 else np.sqrt((sizes * sizes).sum())
    # n roundings of terms of one sign, those of squares and root, and underflow
    upper = float(widen_up(np.asarray(total), sizes.size + 8.0))
    return float(upper + sizes.size * 1e-154)
