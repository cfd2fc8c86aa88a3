"""What a sensitivity is used for: values, releases, other packages, files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.saved import Saved, require_kinds
from deuterium.graph.variable import Variable
from deuterium.notebook import Shown, latex_number
from deuterium.privacy.sensitivity.exact_value import require_noise_of, value_of
from deuterium.privacy.sensitivity.jax_privacy_callable import jax_privacy_callable
from deuterium.privacy.sensitivity.opendp_transformation import opendp_transformation
from deuterium.privacy.sensitivity.relations import Relation

__all__ = ["Implied", "SensitivityUses", "checked_again", "implied_by_proof", "judges"]


@dataclass(frozen=True)
class Implied:
    """What follows from the proofs that a sensitivity brings.

    Attributes
    ----------
    upper : float or Fraction
        What is bounded is at most this, without ``factor``; finite.
    claims : tuple of (Variable, Domain)
        What each proof is about.
    """

    upper: float | Fraction
    claims: tuple[tuple[Any, Any], ...]

    def gives(self, s: Any) -> bool:
        """Return whether the upper end of a sensitivity is no less."""
        least = s.factor * Fraction(self.upper)
        return bool(s.upper == math.inf or Fraction(s.upper) >= least)


Judge = Callable[[Any], Implied | None]
_JUDGES: list[Judge] = []


def judges(implied: Judge) -> Judge:
    """Have a function say what follows from the proofs of sensitivities.

    It knows the ways to them, which are made of sensitivities.
    """
    _JUDGES[:] = [implied]
    return implied


def implied_by_proof(s: Any) -> Implied | None:
    """Return what follows from the proofs of a sensitivity; None if not known."""
    return _JUDGES[0](s) if _JUDGES else None


class SensitivityUses(Saved, Shown):
    """Base class of `Sensitivity`: what is done with one."""

    _told: str | None = None  # the status that a file gives it, until it is checked

    # -- what it is about --------------------------------------------------------------

    def value(self, data: Any, *, outside: str = "clip") -> Any:
        """Return the exact result on data, without noise: it is not private.

        Parameters
        ----------
        data : mapping or DataFrame
            The values of every symbol.  Of a contribution: records along the first
            axis, over which it is summed up; else the whole data, every symbol of its
            own shape.
        outside : {"clip", "refuse"}
            Values outside the domain are moved into it (`Domain.clip`), or refused by
            an error, which depends on the data.
        """
        return value_of(self, data, outside)

    def release(
        self, data: Any, noise: Any, *, outside: str = "clip", insecure_rng: Any = None
    ) -> Any:
        """Return `value` with noise that was made from this sensitivity.

        Raises UnsupportedError where the noise is for something else, or too little.
        """
        require_noise_of(self, noise)
        exact = self.value(data, outside=outside)
        return noise.release(exact, insecure_rng=insecure_rng)

    def to_opendp(
        self, relation: Relation, *, outside: str = "clip", integer: bool = False
    ) -> Any:
        """Return OpenDP's transformation from data to `value`, with a stability map.

        From a mapping or DataFrame to a number or a list of numbers (``integer``: to
        integers); chain it to a measurement: ``s.to_opendp(r) >> noise.to_opendp()``.
        """
        return opendp_transformation(self, relation, outside, integer)

    def to_jax_privacy(self, relation: Relation) -> Any:
        """Return jax-privacy's ``BoundedSensitivityCallable``, which clips no gradient.

        From records by symbol, clipped into their box, to the sum of contributions.
        """
        return jax_privacy_callable(self, relation)

    # -- files and notebooks -----------------------------------------------------------

    @classmethod
    def load(cls, path: Any, *, verify: bool = True) -> Self:
        """Read a sensitivity that `save` wrote, and check its proofs again.

        A bound that has no certificate to check, or does not follow from it, or whose
        check is left out, counts as one that is trusted (``is_trusted``), and noise
        made from it says so.

        Raises
        ------
        CertificateError
            A proof does not hold.
        InvalidInputError
            The file cannot be read, holds something else, or was changed.
        """
        found = super().load(path)
        return checked_again(found, verify)

    def checked(self) -> Self:
        """Return what a file says, its proofs having been checked by `verify`."""
        told = self.__dict__.get("_told")
        return self if told is None else replace(self, status=told)  # type: ignore[type-var]

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Self:
        """Return what a file says, on trust until its proofs are checked."""
        require_kinds("Sensitivity", given["vector"], Variable)
        require_kinds("Sensitivity", given["assumptions"], str)
        require_kinds("Sensitivity", [given["domain"]], Domain, type(None))
        require_kinds("Sensitivity", [given["factor"]], Fraction)
        require_kinds("Sensitivity", [given["jump"], given["rounding"]], float)
        if not (given["factor"] > 0 and given["jump"] >= 0 and given["rounding"] >= 0):
            raise InvalidInputError(
                "Sensitivity.load: `factor` must be positive, `jump` and `rounding` "
                "not negative; give a file that Sensitivity.save wrote"
            )
        found = cls(**{**given, "status": "trusted"})
        object.__setattr__(found, "_told", given["status"])
        return found

    def _repr_latex_(self: Any) -> str:
        low, high = map(latex_number, (self.lower, self.upper))
        return rf"${low} \le \mathrm{{{self.quantity}}} \le {high}$"


def checked_again(s: Any, verify: bool) -> Any:
    """Return a sensitivity from a file as what its proofs make of it."""
    other = s.diameter and checked_again(s.diameter, verify)
    if verify and s.certificate is not None:
        implied = implied_by_proof(s)
        if implied is not None:
            s.verify()
            return replace(s.checked(), diameter=other)
        s._replayed(implied)
    return replace(s, diameter=other, status="trusted")
