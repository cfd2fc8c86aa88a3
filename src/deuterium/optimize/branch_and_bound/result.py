"""The answer of `maximize` and `minimize`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from deuterium.certify.certificate import Certificate
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable
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
class Search:
    """What a certificate is made from.

    Attributes
    ----------
    tree : Tree
        The regions, with their proofs.
    upper : float
        The bound of the objective's supremum to prove.
    bounder : Bounder
        Whose proofs they are.
    """

    tree: Tree
    upper: float
    bounder: Bounder


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
    arithmetic : str or None
        The arithmetic whose results the bound holds for, too; None for real numbers.
    rounding : float
        What the bound has on top of one of real numbers, to pay for rounding.
    """

    lower: float
    upper: float
    witness: dict[str, Any]
    status: str
    cause: Cause | None = None
    history: list[tuple[float, float, float]] = field(default_factory=list, repr=False)
    regions: int = 0
    seconds: float = 0.0
    arithmetic: str | None = None
    rounding: float = 0.0
    # in an arithmetic: the bracket of the moved function, and what was asked
    _exact: Bracket | None = field(default=None, repr=False)
    _given: tuple[Variable, Domain] | None = field(default=None, repr=False)
    # both None without a proof, as of a bracket made by hand
    _problem: Problem | None = field(default=None, repr=False)
    _search: Search | None = field(default=None, repr=False)

    @cached_property
    def certificate(self) -> Certificate | None:
        """The proof, to be saved and checked by anyone; put together when asked for."""
        if self.arithmetic is not None:
            return self._in_arithmetic()
        if self._problem is None or self._search is None:
            return None
        search = self._search
        proof = search.tree.proof(search.upper)
        upper, lower = self.upper, self.lower
        if self.status == "infeasible":  # the proof bounds a number no point reaches
            upper = search.upper if self._problem.maximizes else upper
            lower = lower if self._problem.maximizes else -search.upper
        told = upper, lower, self.witness
        return Certificate.of(self._problem, proof, *told, search.bounder)

    def _in_arithmetic(self) -> Certificate | None:
        exact = None if self._exact is None else self._exact.certificate
        if exact is None or self._given is None or self.arithmetic is None:
            return None
        of = self.arithmetic, self.rounding
        return exact.in_arithmetic(self._given[0], *of, self.lower, self.upper)

    @property
    def claim(self) -> tuple[Variable, Domain] | None:
        """What the certificate is about, as `Certificate.verify` takes it."""
        if self._given is not None:
            return self._given
        problem = self._problem
        return None if problem is None else (problem.given, problem.domain)

    def __getstate__(self) -> dict[str, Any]:
        """Put the certificate together: copies take it along, and not the search."""
        proved = {"certificate": self.certificate, "_search": None}
        return {**self.__dict__, **proved}

    @property
    def gap(self) -> float:
        """``(upper - lower) / |lower|``; infinite where an end is."""
        width = self.upper - self.lower
        if width == 0:
            return 0.0
        if self.lower == 0 or not width < float("inf"):
            return float("inf")
        return width / abs(self.lower)
