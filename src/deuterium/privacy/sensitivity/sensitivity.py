"""How far one record can move a result: three quantities, never confused.

=============  ==================================  ===================================
quantity       definition                          what noise may be made from it
=============  ==================================  ===================================
contribution   sup ||phi(x)|| over records x       a sum of phi(x) over the records
diameter       sup ||f(x) - f(x')|| over x, x'     a result in which x became x'
lipschitz      sup ||df/dx|| over x                none, until a distance is stated
=============  ==================================  ===================================

In the field's words a contribution is the sensitivity for neighbours by *adding or
removing* one record (C. Dwork and A. Roth, 2014, definition 3.1), a diameter that for
neighbours by *replacing* one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError, InvalidInputError, UnsupportedError
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval
from deuterium.interval.environment import standard_only
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.directed_rounding import (
    as_fraction,
    real_number,
    round_down,
    round_up,
)
from deuterium.privacy.mechanisms.release_shapes import Shape, require_shape, size_of
from deuterium.privacy.sensitivity.bound_sources import (
    BothSides,
    of_bracket,
    of_interval,
)
from deuterium.privacy.sensitivity.no_bound import (
    NO_ABSENCE,
    what_to_change,
)
from deuterium.privacy.sensitivity.relations import (
    RELATIONS,
    Relation,
    require_relation,
    require_scope,
)
from deuterium.privacy.sensitivity.same_vector import require_same_vector
from deuterium.privacy.sensitivity.sensitivity_fields import (
    frozen,
    require_norm,
    require_quantity,
    two_ends,
)
from deuterium.privacy.sensitivity.sensitivity_uses import (
    Implied,
    SensitivityUses,
    implied_by_proof,
)
from deuterium.privacy.sensitivity.straight_paths import require_distance

__all__ = ["Sensitivity"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Sensitivity(SensitivityUses):
    """A certified bound of how far one record can move a result.

    Attributes
    ----------
    quantity : {"contribution", "lipschitz", "diameter"}
        What is bounded: ``sup ||phi(x)||``, the largest vector that one record adds to
        a sum; ``sup ||df/dx||``, the steepest slope; ``sup ||f(x) - f(x')||``, the
        farthest that two records move a result apart.
    norm : {1, 2, inf}
        In which norm, of the result (of a ``lipschitz``: of the gradient).
    upper : float
        Certified: the supremum is at most this.  In units of the result (of a
        ``lipschitz``: of the result per unit of input).
    lower : float
        Certified: the supremum is at least this; reached at the witness.
    witness : dict from str to ndarray
        The point (of a diameter: the pair of points) where ``lower`` is reached.
    status : str
        As of `deuterium.maximize`; ``"enclosed"`` if from `deuterium.enclose`,
        ``"trusted"`` of a number that nobody certified.
    proof : Certificate, Bracket or None
        The proof of ``upper``, or what can make it; see ``certificate``.
    domain : Domain or None
        Every record that may come.
    assumptions : tuple of str
        What the number rests on, in words.
    cause : Cause or None
        Why ``upper`` is infinite: operator and source line.
    size : int or None
        How many numbers are released, where known.
    shape : tuple or None
        The shape of what is released, where known; of a list of arrays, their shapes.
    diameter : Sensitivity or None
        Of a contribution: a certified diameter of the same vector, which replacing one
        record may use where it is below ``2 * upper``.
    scope : str or None
        What alone may differ between two records, where not everything may.
    vector : tuple of Variable
        What was bounded, times ``factor``, where known.
    jump : float
        Of a ``lipschitz``: by how much two values may lie farther apart than the slope
        says, as branches that are written to meet miss each other by rounding.
    arithmetic, rounding
        As of `deuterium.maximize`.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> s = privacy.contribution(x, dt.Box({x: (-1, 2)}))
    >>> s.upper, s.sensitivity("replace_one")
    (2.0, 3.0)
    """

    quantity: str
    norm: float
    upper: float
    lower: float = 0.0
    witness: dict[str, Any] = field(default_factory=dict)
    status: str = "trusted"
    proof: Any = field(default=None)
    domain: Domain | None = field(default=None)
    assumptions: tuple[str, ...] = field(default=())
    cause: Cause | None = None
    size: int | None = None
    shape: Shape | None = None
    diameter: Sensitivity | None = field(default=None)
    scope: str | None = None
    vector: tuple[Variable, ...] = field(default=())
    factor: Fraction = field(default=Fraction(1))
    jump: float = 0.0
    arithmetic: str | None = None
    rounding: float = 0.0

    def __post_init__(self) -> None:
        require_quantity("Sensitivity", self.quantity)
        require_norm("Sensitivity", self.norm)
        require_scope("Sensitivity", self.scope)
        lower, upper = two_ends("Sensitivity", self.lower, self.upper)
        shape = require_shape("Sensitivity", self.shape)
        if shape is not None and self.size not in (None, size_of(shape)):
            raise InvalidInputError(
                f"Sensitivity: {self.size} numbers do not have the shape {shape}"
            )
        own = object.__setattr__  # the way to set a field of a frozen dataclass
        own(self, "shape", shape)
        own(self, "size", self.size if shape is None else size_of(shape))
        own(self, "upper", round_up(upper))
        own(self, "lower", round_down(lower))
        own(self, "witness", {n: frozen(x) for n, x in dict(self.witness).items()})
        own(self, "assumptions", tuple(self.assumptions))
        own(self, "vector", tuple(self.vector))
        require_same_vector(self, self.diameter)

    def __repr__(self) -> str:
        more = "" if self.diameter is None else f", diameter {self.diameter.upper!r}"
        more += "" if self.scope is None else f", while {self.scope}"
        more += "" if self.cause is None else f", {self.cause}"
        return (
            f"<{self.quantity} in L{self.norm:g}: at most {self.upper!r}, reached "
            f"{self.lower!r}, {self.status}{more}>"
        )

    @property
    def is_trusted(self) -> bool:
        """Whether a number in it was taken on trust: nobody certified it."""
        parts = (self, self.diameter)
        return any(s is not None and s.status == "trusted" for s in parts)

    @property
    def certificate(self) -> Any:
        """The proof of ``upper``, put together when asked for; or None."""
        made = isinstance(self.proof, (Bracket, BothSides))
        return self.proof.certificate if made else self.proof

    def verify(self) -> tuple[Any, ...]:
        """Check the proof of ``upper`` in ball arithmetic.

        Returns
        -------
        tuple of Report
            One for each certificate; what they are about is in ``assumptions``.

        Raises
        ------
        CertificateError
            A proof does not hold, or says less.
        UnsupportedError
            There is no certificate: ``upper`` comes from an enclosure, a relaxation
            that writes none, or a number that was trusted.
        """
        implied = implied_by_proof(self)
        reports = self._replayed(implied)
        if not implied.gives(self) if implied else self._told is not None:
            raise CertificateError(
                f"the proofs hold, but that the {self.quantity} is at most "
                f"{self.upper!r} does not follow from them"
            )
        return reports

    def _replayed(self, implied: Implied | None) -> tuple[Any, ...]:
        """Check the proofs, of what is implied to be what they are about if known."""
        both = isinstance(self.proof, BothSides)
        brackets = self.proof.sides if both else (self.proof,)
        if self.certificate is None or not all(
            isinstance(b, Bracket) for b in brackets
        ):
            raise UnsupportedError(
                "verify: there is no certificate to replay; how the bound was found: "
                f"{'; '.join(self.assumptions) or self.status}"
            )
        known = [b.claim or () for b in brackets]
        pairs = zip(brackets, implied.claims if implied else known, strict=True)
        return tuple(b.certificate.verify(*claim) for b, claim in pairs)

    @property
    def gap(self) -> float:
        """``(upper - lower) / lower``: what tightness may be left."""
        if self.upper == self.lower:
            return 0.0
        return (self.upper - self.lower) / self.lower if self.lower else math.inf

    @standard_only
    def sensitivity(
        self, relation: Relation, *, distance: float | None = None
    ) -> float:
        """Return how far the result can move between neighbouring data sets.

        Parameters
        ----------
        relation : {"add_or_remove_one", "replace_one", "replace_special"}
            When two data sets are neighbours.
        distance : float, optional
            Of a ``lipschitz`` only: how far apart two records can lie, in the norm dual
            to ``norm`` (2 to 2, 1 to inf, inf to 1).

        Returns
        -------
        float
            Rounded up.  Of a contribution: ``upper`` for ``add_or_remove_one`` and
            ``replace_special``; for ``replace_one`` the smaller of ``2 * upper`` and
            the certified diameter if one is known.  Of a diameter: ``upper``, of a
            ``lipschitz``: ``upper * distance + jump``, both for ``replace_one``.

        Raises
        ------
        UnsupportedError
            The quantity says nothing about this relation; the message says why.
        InvalidInputError
            No finite bound is known; the message names the line to change.
        """
        relation = require_relation("sensitivity", relation)
        if distance is not None and self.quantity != "lipschitz":
            raise InvalidInputError(
                f"sensitivity: `distance` is for a lipschitz, this is a {self.quantity}"
            )
        if self.quantity == "contribution":
            return self._of_contribution(relation)
        if relation != "replace_one":
            raise UnsupportedError(NO_ABSENCE[self.quantity])
        if self.quantity == "lipschitz":
            return self._over(distance)
        return self._finite()

    def _of_contribution(self, relation: Relation) -> float:
        known = [RELATIONS[relation] * self.upper]  # exact, or infinite
        if relation == "replace_one" and self.diameter is not None:
            known.append(self.diameter.upper)
        if min(known) == math.inf:
            self._finite()
        return min(known)

    def _over(self, distance: float | None) -> float:
        away = require_distance(distance, self.domain, self.scope)
        return round_up(
            Fraction(self._finite()) * as_fraction(away) + Fraction(self.jump)
        )

    def _finite(self) -> float:
        if self.upper < math.inf:
            return self.upper
        raise InvalidInputError(
            f"sensitivity: the {self.quantity} has no finite bound, so no amount of "
            f"noise is enough. {what_to_change(self.status, self.cause)}"
        )

    def with_diameter(self, diameter: Sensitivity) -> Sensitivity:
        """Return this contribution with a certified diameter of the same vector."""
        return replace(self, diameter=diameter)

    @standard_only
    def scaled(self, factor: float | Fraction) -> Sensitivity:
        """Return the sensitivity of a public positive factor times the result.

        A ``Fraction(1, 5)``, for the mean over a public count of five, is exact.
        """
        number = real_number(factor)
        if number is None or not 0 < number < math.inf:
            raise InvalidInputError(
                f"scaled: `factor` must be a positive number, got {factor!r}"
            )
        exact, infinite = as_fraction(number), self.upper == math.inf
        return replace(
            self,
            upper=math.inf if infinite else round_up(Fraction(self.upper) * exact),
            lower=round_down(Fraction(self.lower) * exact),
            assumptions=(
                *self.assumptions,
                f"{factor} times what the certificate says",
            ),
            diameter=self.diameter and self.diameter.scaled(number),
            jump=round_up(Fraction(self.jump) * exact),
            factor=self.factor * exact,
            rounding=round_up(Fraction(self.rounding) * exact),
        )

    # -- where they come from --------------------------------------------------------

    @classmethod
    @standard_only
    def from_bracket(
        cls, bracket: Bracket, *, quantity: str, norm: float, **more: Any
    ) -> Sensitivity:
        """Return the sensitivity that `deuterium.maximize` certified.

        Parameters
        ----------
        bracket : Bracket
            Of the norm, maximised over the domain; of a number that may be negative it
            is refused, as a supremum says nothing of the other side.
        quantity, norm
            What was maximised.
        **more
            ``domain``, ``assumptions`` (beside `ASSUMPTIONS`), ``size``, ``shape``,
            ``diameter``, ``scope``.

        Raises
        ------
        UnsupportedError
            An `Estimate`: what a search found is no bound.
        """
        return cls(**of_bracket(bracket, quantity, norm, more))

    @classmethod
    @standard_only
    def from_interval(
        cls, interval: Interval, *, quantity: str, norm: float, **more: Any
    ) -> Sensitivity:
        """Return the sensitivity that `deuterium.enclose` certified.

        Arguments as of `from_bracket`.  Of a number that may be negative, the largest
        absolute value is a contribution; it is no diameter, and refused as one.
        """
        return cls(**of_interval(interval, quantity, norm, more))
