"""How far one feature alone can move a result: a guarantee for every feature.

For the gradients of a network of one hidden layer and one output, by a relaxation of
their own (`deuterium.privacy.sensitivity.one_layer`).  Else the least of: the maximised
distance itself, both values of the feature being variables beside the shared rest; the
feature's range times the largest norm of ``df/dx_j`` (mean value theorem); and twice
the contribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from typing import Any

import numpy as np

from deuterium import budget
from deuterium.domain.domain import Domain
from deuterium.enclose.enclose import narrowed
from deuterium.errors import (
    InvalidInputError,
    UnsupportedError,
)
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.optimize.branch_and_bound.progress import screen
from deuterium.optimize.branch_and_bound.stopping import Limits
from deuterium.options import require_seed
from deuterium.privacy.mechanisms.release_shapes import shape_of
from deuterium.privacy.sensitivity.feature_bounds import FeatureBound, FeatureProblem
from deuterium.privacy.sensitivity.feature_table import FeatureSensitivities
from deuterium.privacy.sensitivity.free_elements import features_of, is_alone
from deuterium.privacy.sensitivity.neighbours import FeatureGroup
from deuterium.privacy.sensitivity.sensitivity_fields import require_norm
from deuterium.privacy.sensitivity.vector_norms import as_parts, require_domain

__all__ = ["feature_sensitivity"]

WHO = "feature_sensitivity"
MORE = 4.0  # seconds to go on with a feature before others have their turn


@standard_only
def feature_sensitivity(
    f: Any,
    x: Any,
    domain: Domain,
    groups: Mapping[str, Any] | Sequence[Any] | None = None,
    norm: float = 2,
    *,
    rtol: float = 0.05,
    time_limit: float | None = 60.0,
    seed: int = 0,
    progress: bool = False,
) -> FeatureSensitivities:
    """Certify how far a result moves when one feature of one record changes.

    It can be stopped at any time (Ctrl-C, time) and then returns what is proved so far.

    Parameters
    ----------
    f : Variable or sequence of Variable
        What one record contributes, such as its gradient.
    x : Variable or sequence of Variable
        The record: a symbol whose elements are the features, or several symbols.
    domain : Domain
        Every record that may come.  The feature may take any value in it, before and
        after; all else may be anything, but stays as it is.  Conditions only narrow the
        ranges: a feature is protected also where all else would not let it change.
    groups : mapping or sequence, optional
        Features that change together: places in ``x`` (in C order) or arrays of truth
        values, by name or in a row.  By default every feature by itself; where no two
        records differ in a single element, what changes together is one feature.
    norm : {1, 2, inf}
        Over all elements of ``f``.
    rtol : float
        The gap to reach.
    time_limit : float or None
        Seconds for all features together.
    seed : int
        Of the searches.
    progress : bool
        Show how many features are done, and how far apart both sides are.

    Returns
    -------
    FeatureSensitivities
        One `Sensitivity` (a diameter) each, and the epsilons that follow.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", shape=(2,))
    >>> found = privacy.feature_sensitivity(3 * x[0] - x[1], x, dt.Box({x: (0, 2)}))
    >>> found.upper.round(3).tolist()
    [6.0, 2.0]
    """
    limits = Limits(rtol, 0.0, time_limit).check(WHO)
    features = _features(f, x, domain, groups, (norm, rtol, seed))
    with closing(screen()) if progress else nullcontext() as shown:
        _worked(features, _Clock(limits.time_limit, len(features)), shown)
    return _told(features)


def _told(features: list[FeatureBound]) -> FeatureSensitivities:
    bound = (f.name for f in features if not is_alone(f.where, f.work.x, f.work.domain))
    return FeatureSensitivities(
        tuple(f.name for f in features),
        tuple(f.sensitivity() for f in features),
        tuple(bound),
    )


def _features(
    f: Any, x: Any, domain: Domain, groups: Any, about: tuple[float, float, int]
) -> list[FeatureBound]:
    """Return the features of all symbols, of which nothing is known yet.

    Parameters
    ----------
    f, x, domain, groups
        As of `feature_sensitivity`.
    about : tuple
        The norm, the gap to reach, and the seed.
    """
    parts, (norm, _, seed) = as_parts(WHO, f), about
    require_norm(WHO, norm)
    symbols = as_parts(WHO, x, "x")
    for s in symbols:
        _require_symbol(s, domain)
    require_seed(seed, WHO)
    domain = require_domain(WHO, domain, [*parts, *symbols])
    if domain.conditions:
        domain = narrowed(symbols[0], domain)
    if len(symbols) > 1 and groups is not None:
        raise UnsupportedError(
            f"{WHO}: `groups` are of elements of one symbol, `x` has {len(symbols)}; "
            "put the features into one symbol"
        )
    works = [FeatureProblem(parts, shape_of(f), s, domain, *about) for s in symbols]
    return [
        FeatureBound(name, where, work)
        for work in works
        for name, where in _groups(groups, work.x, domain).items()
    ]


def _worked(features: list[FeatureBound], clock: _Clock, shown: Any) -> None:
    """Bound all features, each for a while; then go on with those that are wide."""
    try:
        for feature in features:
            feature.begin(clock.share())
            _show(shown, features)
        while True:
            least = 1e-9 * max((f.best.upper for f in features), default=0.0)
            wide = [
                f
                for f in features
                if not (f.best.is_close or f.stuck or f.best.upper <= least)
            ]
            for i, feature in enumerate(sorted(wide, key=lambda f: f.gap)):
                if not clock.again(len(wide) - i):
                    return
                feature.go_on(clock.share(at_most=MORE))
                _show(shown, features)
            if not wide or not clock.again(1):
                return
    except KeyboardInterrupt:
        for feature in features:
            feature.interrupt()


def _show(shown: Any, features: list[FeatureBound]) -> None:
    if shown is None:
        return
    begun = [f for f in features if f.begun]
    close = sum(f.best.is_close for f in begun)
    widest = max(begun, key=lambda f: f.gap)
    shown.put(
        f"{close} of {len(features)} features done, {len(features) - len(begun)} not "
        f"begun; widest gap: {widest.gap:.2%} of {widest.name}"
    )


class _Clock:
    """Hands out equal shares of the time that is left."""

    def __init__(self, limit: float | None, shares: int) -> None:
        self.end = None if limit is None else budget.now() + limit
        self.shares = shares

    def share(self, at_most: float = math.inf) -> float | None:
        """Return how long the next one may take."""
        if self.end is None:
            return None
        share = max(0.05, (self.end - budget.now()) / max(self.shares, 1))
        self.shares -= 1
        return min(share, at_most)

    def again(self, shares: int) -> bool:
        """Share what is left among others; say whether anything is."""
        self.shares = shares
        return self.end is not None and self.end - budget.now() > 0.3


def _require_symbol(x: Any, domain: Any) -> None:
    if not isinstance(x, Variable) or not x.is_symbol:
        raise InvalidInputError(
            f"{WHO}: `x` must be a symbol, the record's features; got {x!r:.80}"
        )
    if not isinstance(domain, Domain) or x.name not in domain.constraints:
        raise InvalidInputError(f"{WHO}: `domain` must be a Domain that bounds {x!r}")


def _groups(given: Any, x: Variable, domain: Domain) -> dict[str, FeatureGroup]:
    if given is None:
        return features_of(x, domain)
    if isinstance(given, np.ndarray):
        given = given.tolist()  # a list, but for an array of no axes
    if not isinstance(given, Mapping | list | tuple) or not given:
        raise InvalidInputError(
            f"{WHO}: `groups` must be a mapping or a list of groups, got {given!r:.80}"
        )
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    return {str(n): _places(str(n), g, x) for n, g in pairs}


def _places(name: str, given: Any, x: Variable) -> FeatureGroup:
    try:
        where = np.asarray(given)
    except ValueError:
        where = np.empty(0)  # of uneven rows
    if where.dtype == bool and where.shape == x.shape:
        where = np.flatnonzero(where)
    whole = where.dtype.kind in "iu" and where.ndim <= 1 and where.size > 0
    if not whole or where.min() < 0 or where.max() >= x.size:
        raise InvalidInputError(
            f"{WHO}: group {name!r} must be places from 0 to "
            f"{x.size - 1}, or truth values of shape {x.shape}; got {given!r:.80}"
        )
    return tuple(int(i) for i in np.unique(where))
