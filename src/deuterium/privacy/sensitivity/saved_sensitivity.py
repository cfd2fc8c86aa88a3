"""A sensitivity in files and notebooks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from deuterium.graph.saved import Saved
from deuterium.notebook import Shown, latex_number

__all__ = ["SavedSensitivity"]


class SavedSensitivity(Saved, Shown):
    """A sensitivity as JSON, with what it rests on, and in notebooks."""

    @classmethod
    def load(cls, path: Any, *, verify: bool = True) -> Self:
        """Read a sensitivity that `save` wrote, and check its proofs again.

        A bound that has no certificate to check, or whose check is left out, counts as
        one that is trusted (``is_trusted``), and noise made from it says so.

        Raises
        ------
        CertificateError
            A proof does not hold.
        InvalidInputError
            The file cannot be read, holds something else, or was changed.
        """
        found = super().load(path)
        return _checked_again(found, verify)

    def _repr_latex_(self: Any) -> str:
        low, high = map(latex_number, (self.lower, self.upper))
        return rf"${low} \le \mathrm{{{self.quantity}}} \le {high}$"


def _checked_again(s: Any, verify: bool) -> Any:
    """Return a sensitivity from a file as what its proofs make of it."""
    other = s.diameter and _checked_again(s.diameter, verify)
    if verify and s.certificate is not None:
        s.verify()
        return replace(s, diameter=other)
    return replace(s, diameter=other, status="trusted")
