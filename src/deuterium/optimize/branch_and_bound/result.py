"""The answer of `maximize` and `minimize`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from deuterium.certify.certificate import Certificate
from deuterium.domain.problem import Problem
from deuterium.interval import Cause
from deuterium.optimize.branch_and_bound.tree import Tree
from deuterium.optimize.region import Bounder

STATUSES = (
    "optimal",
    "time_limit",
    "memory_limit",
    "region_limit",
    "interrupted",
    "precision_limit",
    "unbounded",
    "undefined",
    "infeasible",
)


@dataclass(frozen=True, eq=False)
class Proved:
    """What a certificate is made from.

    Attributes
    ----------
    problem : Problem
        What was maximised.
    tree : Tree
        The regions, with their proofs.
    upper : float
        The bound of the objective's supremum to prove.
    bounder : Bounder
        Whose proofs they are.
    """

    problem: Problem
    tree: Tree
    upper: float
    bounder: Bounder

    def certificate(self, told: Bracket) -> Certificate:
        """Return the proof of what was told to the caller."""
        proof = self.tree.proof(self.upper)
        upper, lower = told.upper, told.lower
        if told.status == "infeasible":  # the proof bounds a number no point reaches
            upper = self.upper if self.problem.maximizes else upper
            lower = lower if self.problem.maximizes else -self.upper
        return Certificate.of(
            self.problem,
            proof,
            upper,
            lower,
            told.witness,
            self.bounder,
        )


@dataclass(frozen=True, eq=False)
class Bracket:
    """Certified bounds of a supremum (or infimum) from both sides.

    Attributes
    ----------
    lower, upper : float
        The supremum (of `maximize`) or infimum (of `minimize`) over the domain lies
        between them, under rounding too.  Of a supremum, ``lower`` is reached at the
        witness, and ``upper`` is proved by the certificate; of an infimum, the other
        way round.
    witness : dict from str to ndarray
        A point of the domain where the side found by search is reached; empty if none
        was found.
    status : str
        ``"optimal"``: the gap asked for is reached.  ``"time_limit"``,
        ``"memory_limit"``, ``"region_limit"``, ``"interrupted"``: stopped before.
        ``"precision_limit"``: no region can be told apart further in double precision.
        ``"unbounded"``, ``"undefined"``: no finite bound exists, see ``cause``.
        ``"infeasible"``: no point satisfies the conditions of the domain, which is
        proved; the supremum is ``-inf``.
    cause : Cause or None
        Why a bound is infinite: operator, source line and range, with the smallest
        offending box found.
    history : list of tuple
        ``(seconds, lower, upper)`` whenever a side moved.
    certificate : Certificate or None
        The proof; None where a bound is infinite.
    regions : int
        How many regions were bounded.
    seconds : float
        Time spent, that of an interrupted run that this one went on from included.
    """

    lower: float
    upper: float
    witness: dict[str, Any]
    status: str
    cause: Cause | None = None
    history: list[tuple[float, float, float]] = field(default_factory=list, repr=False)
    regions: int = 0
    seconds: float = 0.0
    _proved: Proved | None = field(default=None, repr=False)

    @cached_property
    def certificate(self) -> Certificate | None:
        """The proof, to be saved and checked by anyone; put together when asked for."""
        return None if self._proved is None else self._proved.certificate(self)

    @property
    def gap(self) -> float:
        """``(upper - lower) / |lower|``; infinite where an end is."""
        width = self.upper - self.lower
        if width == 0:
            return 0.0
        if self.lower == 0 or not width < float("inf"):
            return float("inf")
        return width / abs(self.lower)
