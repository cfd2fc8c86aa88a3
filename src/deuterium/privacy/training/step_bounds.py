"""Certified bounds of a gradient's norm for weights that change at every step.

The graph is taken apart once; a step costs some small NumPy operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.privacy.training.step_clusters import StepClusters, taken_apart
from deuterium.privacy.training.step_rows import listed
from deuterium.privacy.training.training_options import (
    CLEARLY_LARGER,
    ENCLOSED_CALLS,
    GROWN,
    LARGEST_WEIGHTS,
    LEAST_BOUND,
    MUCH_CHANGED,
)
from deuterium.transform import grad
from deuterium.transform.homogeneous import factored
from deuterium.transform.simplify.simplify import simplify

__all__ = ["EnclosedBound", "Factors", "StepBound", "Weights", "step_bound"]
Weights = Mapping[str, Array]
Factors = Mapping[str, float]
ONES: Factors = {}  # parameters that are not named have the factor 1


class StepBound(Protocol):
    """From weights to a certified bound of a gradient's norm.

    Parameters
    ----------
    weights : mapping from str to ndarray
        The parameters.
    factors : mapping from str to float
        Of each parameter, 1 where not named: bounded is the square root of the sum of
        ``factor * squared norm of the gradient by that parameter``.
    kind : str
        Calls of one kind, of weights that change little, may share what they found.
    """

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound; it is infinite, or NaN, where there is none."""


def step_bound(
    loss: Variable,
    records: Mapping[str, Variable],
    parameters: Mapping[str, Variable],
    domain: Domain,
) -> tuple[StepBound, str]:
    """Return a function from weights to a bound, and how it bounds.

    Parameters
    ----------
    loss : Variable
        Of one record, a scalar.
    records : mapping
        The symbols of one record, by name.
    parameters : mapping
        The symbols of the parameters, by name.
    domain : Domain
        Of a record.
    """
    bound = CertifiedStep(loss, records, parameters, domain)
    if bound.clusters is not None:
        return bound, "star clusters"
    return bound, "enclosure of the gradient's norm"


class EnclosedBound:
    """The enclosure of the norm, the weights being intervals of one point."""

    def __init__(self, slopes: Mapping[str, Variable], domain: Domain) -> None:
        self.norms = {n: norm_of_all([g]) for n, g in slopes.items()}
        self.norm, self.domain = norm_of_all(list(slopes.values())), domain

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        if not is_finite(weights):
            return math.inf
        here = self.domain & Box({name: (w, w) for name, w in weights.items()})
        if not factors:
            return float(enclosed(self.norm, here).upper)
        total = 0.0
        for name, norm in self.norms.items():
            factor = factors.get(name, 1.0)
            if factor:
                found = float(enclosed(norm, here).upper)
                total += factor * found * found * GROWN
        return math.sqrt(total) * GROWN + LEAST_BOUND if total < math.inf else math.inf


class CertifiedStep:
    """The least of what star clusters and the enclosure say.

    Between two times at which both are worked out, only the one that was smaller is.

    Attributes
    ----------
    clusters : StepClusters or None
        None where the graph does not fit.
    """

    def __init__(
        self,
        loss: Variable,
        records: Mapping[str, Variable],
        parameters: Mapping[str, Variable],
        domain: Domain,
    ) -> None:
        names = list(parameters)
        slopes = simplify(list(grad(loss, list(parameters.values()))))
        self.slopes = dict(zip(names, slopes, strict=True))
        self.records, self.domain = records, domain
        self.shapes = {n: p.shape for n, p in parameters.items()}
        self.enclosed = EnclosedBound(self.slopes, domain)
        self.clusters = self._apart({})
        self._weighed: list[StepClusters | None] = []  # once it is made
        self._encloses: dict[str, int] = {}  # calls left
        self._checked: dict[str, tuple[int, float]] = {}  # calls left, and the bound

    def _apart(self, factors: Mapping[str, Variable]) -> StepClusters | None:
        """Take the norm apart, each part times a factor."""
        parts = [factors[n] * g if factors else g for n, g in self.slopes.items()]

        def norm_of(several: Sequence[Any]) -> list[Variable]:
            *slopes, more = several
            graphs = [norm_of_all(slopes), slopes[0] if more is None else more]
            norm, rest = simplify(graphs)
            return [factored(norm, simplify), rest]

        rows = listed(parts, norm_of, list(self.records.values()), self.domain)
        extra = {f.name: f.shape for f in factors.values()}
        return taken_apart(rows, {**self.shapes, **extra}, self.domain)

    def __call__(
        self, weights: Weights, factors: Factors = ONES, kind: str = ""
    ) -> float:
        """Return the bound."""
        if not is_finite(weights):
            return math.inf
        left = self._encloses.get(kind, 0)
        if self.clusters is None or left:
            self._encloses[kind] = left - 1
            return self.enclosed(weights, factors)
        with np.errstate(all="ignore"):
            clusters, given = self._given(weights, factors)
            if clusters is None:
                return self.enclosed(weights, factors)
            found, afresh = clusters(given, kind)
        if not afresh:
            return found if found < math.inf else math.inf
        left, last = self._checked.get(kind, (0, 0.0))
        if left and last / MUCH_CHANGED <= found <= MUCH_CHANGED * last:
            self._checked[kind] = left - 1, last
            return found
        least = self.enclosed(weights, factors)
        self._checked[kind] = (
            (ENCLOSED_CALLS if least > CLEARLY_LARGER * found else 0),
            found,
        )
        if not clusters.kept(kind) <= least:  # NaN fails, too
            self._encloses[kind] = ENCLOSED_CALLS
            clusters.forget(kind)
        return found if found <= least else least

    def _given(
        self, weights: Weights, factors: Factors
    ) -> tuple[StepClusters | None, Weights]:
        """Return what is taken apart, if it fits, and its weights."""
        if not factors:
            return self.clusters, weights
        names = {n: f"root of the factor of {n}" for n in self.shapes}
        if not self._weighed:
            # with factors a norm may have parts that it has not without
            self._weighed = [self._apart({n: symbol(m) for n, m in names.items()})]
        roots = {
            m: np.array(math.sqrt(factors.get(n, 1.0)) * GROWN)
            for n, m in names.items()
        }
        return self._weighed[0], {**weights, **roots}


def is_finite(weights: Weights) -> bool:
    """Whether weights are numbers that can be worked with; else there is no bound."""
    return all(
        float(np.vdot(w, w)) < LARGEST_WEIGHTS for w in weights.values()
    )  # NaN fails, too


def enclosed(v: Variable, domain: Domain) -> Interval:
    """Return the enclosure of a graph in which not all symbols need occur."""
    names = {s.name for s in free_symbols([v])}
    return enclose(
        v,
        Domain(
            {n: c for n, c in domain.constraints.items() if n in names},
            {n: s for n, s in domain.shapes.items() if n in names},
        ),
    )
