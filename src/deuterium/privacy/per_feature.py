"""How far one feature alone can move a result: a guarantee for every feature."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium.bound import Bracket, Domain, enclose, maximize
from deuterium.bound.domain import OneOf, Range, UnitVectors
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.privacy.calibration import gaussian
from deuterium.privacy.copies import Group, Pair, each_label
from deuterium.privacy.features import columns
from deuterium.privacy.one_feature import OneFeature
from deuterium.privacy.one_layer import one_layer
from deuterium.privacy.sensitivity import Sensitivity
from deuterium.privacy.upward import product_up
from deuterium.privacy.vectors import (
    Best,
    as_parts,
    norm_graph,
    norm_up,
    require_norm,
)

__all__ = ["FeatureSensitivities", "feature_sensitivity"]

Array = Any

LEAST = 0.2  # seconds for which a search is worth while
FEW = 8  # inputs, of which a search over all of them is worth its time


@dataclass(frozen=True, eq=False)
class FeatureSensitivities(Sequence[Sensitivity]):
    """One certified ``Delta_j`` for every feature, or group of features.

    Attributes
    ----------
    names : tuple of str
        What moves: ``"x[3]"``, or the name of a group.
    parts : tuple of Sensitivity
        A diameter each: what that feature alone can do.
    """

    names: tuple[str, ...]
    parts: tuple[Sensitivity, ...]

    @property
    def upper(self) -> Array:
        """Certified: nothing moves farther than this; one number each."""
        return np.array([s.upper for s in self.parts])

    @property
    def lower(self) -> Array:
        """What is reached; one number each."""
        return np.array([s.lower for s in self.parts])

    def __getitem__(self, key: Any) -> Any:
        """Return a Sensitivity by number or by name."""
        return self.parts[self.names.index(key) if isinstance(key, str) else key]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Sensitivity]:
        return iter(self.parts)

    def epsilon_at(self, delta: float, *, scale: float) -> Array:
        """Return what Gaussian noise of a given scale promises for each feature.

        Parameters
        ----------
        delta : float
            Of each promise.
        scale : float
            Standard deviation of the noise on the released sum.

        Returns
        -------
        ndarray
            The epsilon of each feature: of two data sets in which one record differs in
            that feature alone, what is released tells no more.  It is at most the
            epsilon of replacing the whole record.
        """
        return np.array(
            [
                gaussian(s, scale=scale, relation="replace_one").epsilon_at(delta)
                if s.upper
                else 0.0
                for s in self.parts
            ]
        )


def feature_sensitivity(
    f: Any,
    x: Variable,
    domain: Domain,
    groups: Mapping[str, Any] | Sequence[Any] | None = None,
    norm: float = 2,
    *,
    rtol: float = 0.05,
    time_limit: float | None = 60.0,
    seed: int = 0,
) -> FeatureSensitivities:
    """Certify how far a result moves when one feature of one record changes.

    Parameters
    ----------
    f : Variable or sequence of Variable
        What one record contributes, such as its gradient.
    x : Variable
        The record, a symbol; its elements are the features.
    domain : Domain
        Every record that may come.  The feature may take any value in it, before and
        after; all other elements and symbols may be anything, but stay as they are.
    groups : mapping or sequence, optional
        Features that change together: places in ``x`` (in C order) or arrays of truth
        values, by name or in a row.  By default every feature by itself.
    norm : {1, 2, inf}
        Over all elements of ``f``.
    rtol : float
        The gap to reach.
    time_limit : float or None
        Seconds for all features together.
    seed : int
        Of the searches.

    Returns
    -------
    FeatureSensitivities
        One `Sensitivity` (a diameter) each, and the epsilons that follow.

    Notes
    -----
    For the gradients of a network of one hidden layer and one output, by a relaxation
    of their own (``deuterium.privacy.one_feature``).  Else the least of: the maximised
    distance itself, both values of the feature being variables beside the shared rest;
    the feature's range times the largest norm of ``df/dx_j`` (mean value theorem); and
    twice the contribution.
    """
    parts = as_parts("feature_sensitivity", f)
    require_norm("feature_sensitivity", norm)
    _require_symbol(x, domain)
    named = _groups(groups, x)
    clock = _Clock(time_limit, len(named))
    work = _Work(parts, x, domain, norm, rtol, seed)
    found = {n: work.of(where, clock.share()) for n, where in named.items()}
    wide = [n for n, s in found.items() if s.status == "time_limit"]
    for i, n in enumerate(sorted(wide, key=lambda n: found[n].gap)):
        if not clock.again(len(wide) - i):
            break
        found[n] = _tighter(found[n], work.of(named[n], clock.share()))
    return FeatureSensitivities(tuple(named), tuple(found.values()))


def _tighter(a: Sensitivity, b: Sensitivity) -> Sensitivity:
    """Return what two attempts say together."""
    best, other = (a, b) if a.upper <= b.upper else (b, a)
    if other.lower <= best.lower:
        return best
    return replace(best, lower=min(other.lower, best.upper), witness=other.witness)


class _Clock:
    """Hands out equal shares of the time that is left."""

    def __init__(self, limit: float | None, shares: int) -> None:
        self.end = None if limit is None else time.monotonic() + limit
        self.shares = shares

    def share(self) -> float | None:
        """Return how long the next one may take."""
        if self.end is None:
            return None
        share = max(0.05, (self.end - time.monotonic()) / max(self.shares, 1))
        self.shares -= 1
        return share

    def again(self, shares: int) -> bool:
        """Share what is left among others; say whether anything is."""
        self.shares = shares
        return self.end is not None and self.end - time.monotonic() > 0.5


class _Work:
    """What all features have in common."""

    def __init__(
        self,
        parts: list[Variable],
        x: Variable,
        domain: Domain,
        norm: float,
        rtol: float,
        seed: int,
    ) -> None:
        self.parts, self.x, self.domain = parts, x, domain
        self.norm, self.rtol, self.seed = norm, rtol, seed
        self.size = sum(p.size for p in parts)
        hull = domain.hull(x)
        self.widths = np.ravel(hull.upper - hull.lower)
        self._columns: list[list[Variable]] | None = None
        self._twice: tuple[float, Bracket | None] | None = None
        self.layer = _layer(parts, x, domain) if norm == 2 else None
        self.few = x.size <= FEW

    def of(self, where: Group, limit: float | None) -> Sensitivity:
        """Return what the features at some places can do."""
        start = time.monotonic()

        def left(share: float) -> float | None:
            if limit is None:
                return None
            return float(max(0.05, share * (limit - (time.monotonic() - start))))

        pair = Pair(self.parts, self.x, where, self.domain)
        apart = norm_graph(pair.apart, self.norm)
        best = Best(apart, pair, self.norm, self.rtol, 0.0, self.size)
        best.reach(self.seed, left(0.3), pair.ends(self.domain, self.seed))
        if self.layer is not None and len(where) == 1 and self.norm == 2:
            share = left(0.5 if self.few else 0.95)
            upper = self.layer.bound(where[0], best.lower, self.rtol * 0.99, share)
            best.offer(upper, None, "a relaxation of one hidden layer")
            if best.is_close or not self.few:
                return best.sensitivity(_only(pair))
        self._offer_mean_value(best, where, left(0.3))
        if not best.is_close:
            self._offer_twice(best, left(0.3))
        if not best.is_close and _is_short(left(1.0)):
            near = float(enclose(apart, pair.doubled).upper)
            best.offer(near, None, "an enclosure over both records")
        elif not best.is_close:
            points = best.points(None)
            best.take(
                maximize(
                    apart,
                    pair.doubled,
                    rtol=self.rtol,
                    time_limit=left(1.0),
                    seed=self.seed,
                    points=points,
                )
            )
        return best.sensitivity(_only(pair))

    def _offer_mean_value(self, best: Best, where: Group, limit: float | None) -> None:
        """``||f(x) - f(x')|| <= |x - x'| sup ||df/dx_j||`` along the straight path."""
        if self.norm != 2 and len(where) > 1:
            return
        if self._columns is None:
            self._columns = columns(self.parts, self.x)
        slope = norm_graph([c for j in where for c in self._columns[j]], self.norm)
        steepest, bracket = self._sup(slope, _filled(self.domain, self.x), limit)
        upper = product_up(steepest, norm_up(self.widths[list(where)], 2))
        best.offer(upper, bracket, "the range of the feature times the largest slope")

    def _sup(
        self, v: Variable, domain: Domain, limit: float | None
    ) -> tuple[float, Bracket | None]:
        """Return a bound of a supremum, from an enclosure if there is no time."""
        if _is_short(limit):
            return float(enclose(v, domain).upper), None
        found = maximize(
            v, domain, rtol=self.rtol / 4, time_limit=limit, seed=self.seed
        )
        return found.upper, found

    def _offer_twice(self, best: Best, limit: float | None) -> None:
        if self._twice is None:
            norm = norm_graph(self.parts, self.norm)
            self._twice = self._sup(norm, self.domain, limit)
        upper, bracket = self._twice
        best.offer(2 * upper, bracket, "twice the contribution")


def _is_short(limit: float | None) -> bool:
    """Whether a search would spend its time on getting ready."""
    return limit is not None and limit < LEAST


def _only(pair: Pair) -> str:
    return f"only {pair.what} changes; all else is the same in both records"


def _layer(parts: list[Variable], x: Variable, domain: Domain) -> OneFeature | None:
    """Return sharper bounds for gradients of one hidden layer, where they apply."""
    found = one_layer(parts, x)
    hull = domain.hull(x)
    if found is None or not np.isfinite([hull.lower, hull.upper]).all():
        return None
    symbols = free_symbols([found.scalar])
    labels = [s for s in symbols if s.name in domain.constraints]
    return OneFeature(found, x, domain, each_label(labels, domain))


def _require_symbol(x: Any, domain: Any) -> None:
    who = "feature_sensitivity"
    if not isinstance(x, Variable) or not x.is_symbol:
        raise InvalidInputError(
            f"{who}: `x` must be a symbol, the record's features; got {x!r:.80}"
        )
    if not isinstance(domain, Domain) or x.name not in domain.constraints:
        raise InvalidInputError(f"{who}: `domain` must be a Domain that bounds {x!r}")
    if any(isinstance(c, UnitVectors) for c in domain.constraints[x.name]):
        raise UnsupportedError(
            f"{who}: elements of a unit vector never change one at a time; make each "
            "class a group, or bound the diameter"
        )


def _groups(given: Any, x: Variable) -> dict[str, Group]:
    if given is None:
        return {
            f"{x.name}[{', '.join(map(str, np.unravel_index(j, x.shape)))}]"
            if x.shape
            else x.name: (j,)
            for j in range(x.size)
        }
    named = (
        dict(given)
        if isinstance(given, Mapping)
        else {str(i): g for i, g in enumerate(given)}
    )
    return {str(n): _places(str(n), g, x) for n, g in named.items()}


def _places(name: str, given: Any, x: Variable) -> Group:
    where = np.asarray(given)
    if where.dtype == bool and where.shape == x.shape:
        where = np.flatnonzero(where)
    whole = where.dtype.kind in "iu" and where.ndim <= 1 and where.size > 0
    if not whole or where.min() < 0 or where.max() >= x.size:
        raise InvalidInputError(
            f"feature_sensitivity: group {name!r} must be places from 0 to "
            f"{x.size - 1}, or truth values of shape {x.shape}; got {given!r:.80}"
        )
    return tuple(int(i) for i in np.unique(where))


def _filled(domain: Domain, x: Variable) -> Domain:
    """Return a domain that holds the straight path between any two records."""
    kinds = domain.constraints[x.name]
    if not any(isinstance(c, OneOf | UnitVectors) for c in kinds):
        return domain
    hull = domain.hull(x)
    return Domain(
        {**domain.constraints, x.name: (Range(hull.lower, hull.upper),)}, domain.shapes
    )
