"""The answer of `maximize` and `minimize`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deuterium.certify.certificate import Certificate
from deuterium.certify.format import SENSES
from deuterium.domain.conditions import LOWEST
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.errors import InvalidInputError
from deuterium.graph.saved import Saved
from deuterium.graph.variable import Variable
from deuterium.interval import Cause
from deuterium.notebook import Shown, latex_number
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
class Bracket(Saved, Shown):
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

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> found = dt.maximize(x * (1 - x), dt.Box({x: (0, 1)}))
    >>> found.lower <= 0.25 <= found.upper
    True
    >>> found.status
    'optimal'
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
    def certificate(self) -> Certificate | Any:  # None without a proof
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
        return None if self._problem is None else self._problem.asked

    def __getstate__(self) -> dict[str, Any]:
        """Put the certificate together: copies take it along, and not the search."""
        proved = {"certificate": self.certificate, "_search": None}
        return {**self.__dict__, **proved}

    # -- files and notebooks -----------------------------------------------------------

    def _stored(self) -> Mapping[str, Any]:
        proof = self.certificate
        told = {n: getattr(self, n) for n in _TOLD}
        return {**told, "certificate": proof and {**proof.body, "seal": proof.seal}}

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Any:
        """Return a bracket made by hand, but for the certificate that it brings."""
        found = cls(**{n: given[n] for n in _TOLD})
        written = given["certificate"]
        proof = None if written is None else Certificate.from_body(written)
        found.__dict__["certificate"] = proof
        return found

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = True) -> Any:
        """Read a bracket that `save` wrote, and check its proof again.

        Parameters
        ----------
        path : path
            The file.
        verify : bool
            False leaves the check out (it needs python-flint): a sensitivity made from
            the bracket is then one that is trusted.

        Raises
        ------
        CertificateError
            The proof does not hold, or is of other numbers.
        InvalidInputError
            The file cannot be read, holds something else, or was changed.
        """
        found = super().load(path)
        return found.verified() if verify and found.certificate is not None else found

    def verified(self) -> Bracket:
        """Return this bracket after its proof was checked, or raise CertificateError.

        What the proof is about are the graph and the domain that it carries.
        """
        proof = self.certificate
        if proof is None:
            raise InvalidInputError("verified: the bracket has no certificate to check")
        told = (proof.lower, proof.upper)
        if self.status == "infeasible":  # what conditions rule out has the worst value
            rises = proof.body["sense"] == SENSES[0]
            nothing = proof.upper <= LOWEST if rises else proof.lower >= -LOWEST
            told = (-math.inf if rises else math.inf,) * 2 if nothing else told
        if (*told, proof.arithmetic) != (self.lower, self.upper, self.arithmetic):
            raise InvalidInputError(
                f"verified: the certificate is of {told} in "
                f"{proof.arithmetic or 'real numbers'}, not of "
                f"{(self.lower, self.upper)} in {self.arithmetic or 'real numbers'}"
            )
        proof.verify()
        object.__setattr__(self, "_problem", proof.problem())
        return self

    def _repr_latex_(self) -> str:
        ends = map(latex_number, (self.lower, self.upper))
        return rf"$\mathrm{{extremum}} \in [{', '.join(ends)}]$"

    @property
    def gap(self) -> float:
        """``(upper - lower) / |lower|``; infinite where an end is."""
        width = self.upper - self.lower
        if width == 0:
            return 0.0
        if self.lower == 0 or not width < float("inf"):
            return float("inf")
        return width / abs(self.lower)


_TOLD = (
    "lower", "upper", "witness", "status", "cause", "history", "regions", "seconds",
    "arithmetic", "rounding",
)  # fmt: skip
