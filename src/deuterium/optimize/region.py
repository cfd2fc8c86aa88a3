"""Regions of the domain, and what a bounder says of them with its proofs.

*Coordinates* are the inputs of a `Problem`, in its order, and behind them *atoms*:
further scalars of the graph (the inputs of activations, say) that may be cut like
inputs.  A *region* is a box over the coordinates; it stands for the points x of the
domain whose coordinates c(x) lie in it.  Regions that come from one cut share the
cutting point exactly: the lower half keeps it, the upper half is open there.

Everything a bounder concludes carries its reason as plain numbers and strings, which go
into the certificate as they are:

* a `Proof`, ``(method, data)``, of an upper bound over a region;
* a `DomainReduction` that makes a region smaller without losing its supremum:
  ``("tighten", {"at": [j...], "lower": [...], "upper": [...]})``, implied by the other
  coordinates, the finite set or the ball; ``("conditions", ...)``, with the same
  data, by the conditions of the domain; ``("face", {"at": [j...], "side": [0|1...],
  "by": method, ...})``, the objective being monotone in those inputs over the region.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.certify.proof_source import ProofSource
from deuterium.interval.rounding import EPS, widen_up

Proof = tuple[str, dict[str, Any]]
DomainReduction = tuple[str, dict[str, Any]]

CHECKER_MARGIN = 2.0**-44  # relative; a checker's arithmetic is another: a little room
EMPTY: Proof = ("empty", {})  # no point of the domain: its bound is minus infinity


def with_checker_margin(upper: float) -> float:
    """Return a proved bound a few ulps larger, so that a checker has room."""
    if upper == 0 or not np.isfinite(upper):
        return upper
    return float(widen_up(np.asarray(upper), CHECKER_MARGIN / EPS))


@dataclass
class Regions:
    """A batch of regions, one row each.

    Attributes
    ----------
    low, high : ndarray of shape (B, k)
        Ends of the box: of the n inputs, then of the k - n atoms.
    open : ndarray of bool, of shape (B, k)
        Where the lower end itself is excluded (it belongs to the other half of a cut).
    bound : ndarray of shape (B,)
        Upper bounds known already, from the regions these were cut from.
    state : ndarray of shape (B, s)
        What the bounder left for its children, such as multipliers to start from.
    """

    low: Array
    high: Array
    open: Array
    bound: Array
    state: Array

    def __len__(self) -> int:
        return len(self.low)

    def take(self, rows: Any) -> Regions:
        """Return some of the regions."""
        return Regions(
            self.low[rows],
            self.high[rows],
            self.open[rows],
            self.bound[rows],
            self.state[rows],
        )


@dataclass
class BoundResult:
    """What a bounder found of a batch of regions.

    Attributes
    ----------
    upper : ndarray of shape (B,)
        Certified upper bounds of the objective; ``-inf`` for a region proved empty.
    proofs : list of Proof
        One a region: what proves ``upper``.
    low, high, open : ndarray of shape (B, k)
        The regions after their steps.
    steps : list of list of DomainReduction
        What made them smaller, in order.
    cut : ndarray of int, of shape (B,)
        The coordinate to cut at next; -1 where there is none (a point).
    at : ndarray of shape (B,)
        Where to cut it, strictly between its ends.
    ends : list of Proof or None
        Not None where only the two end points of the coordinate ``cut`` matter, since
        the objective is convex in it over the region (``at`` is not used then), and
        the reason.
    points : ndarray of shape (P, n)
        Rows of inputs worth evaluating.
    state : ndarray of shape (B, s)
        What the children of each region should be given.
    """

    upper: Array
    proofs: list[Proof]
    low: Array
    high: Array
    open: Array
    cut: Array
    at: Array
    points: Array
    state: Array
    steps: list[list[DomainReduction]] = field(default_factory=list)
    ends: list[Proof | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = self.steps or [[] for _ in self.upper]
        self.ends = self.ends or [None] * len(self.upper)


class Bounder(ProofSource, ABC):
    """Bounds the objective over regions, and says what its proofs refer to.

    Attributes
    ----------
    atoms : int
        How many coordinates follow the inputs.
    batch : int
        How many regions it takes at a time with most profit.
    single : int
        How many of the first ones it takes one at a time, since each tells much.
    """

    atoms: int = 0
    batch: int
    single: int = 0

    @abstractmethod
    def root(self) -> Regions:
        """Return the whole domain as one region."""

    def adopt(self, state: Array) -> None:
        """Begin with what a region of a problem much alike was left with, if it fits.

        Nothing by default.
        """

    @abstractmethod
    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return certified bounds, and where to cut.

        ``incumbent`` is a value known to be reached: bounds far below it need not be
        tight, and where a cheap method goes below it, no dearer one need be tried.
        """


def whole(low: Array, high: Array, state: int = 0) -> Regions:
    """Return one region with these ends of its coordinates.

    Shapes: ``low`` and ``high`` (k,) or (B, k).
    """
    low, high = np.atleast_2d(low).astype(float), np.atleast_2d(high).astype(float)
    return Regions(
        low,
        high,
        np.zeros(low.shape, dtype=bool),
        np.full(len(low), np.inf),
        np.zeros((len(low), state)),
    )
