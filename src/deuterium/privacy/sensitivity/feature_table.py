"""What is certified of every feature: a table of sensitivities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from deuterium.array_type import Array
from deuterium.errors import (
    CertificateError,
    InvalidInputError,
    UnsupportedError,
    did_you_mean,
)
from deuterium.graph.saved import Saved, require_kinds
from deuterium.privacy.mechanisms.gaussian import gaussian
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.sensitivity.sensitivity_uses import checked_again

__all__ = ["FeatureSensitivities"]

SHOWN = 40  # rows of a table


@dataclass(frozen=True, eq=False, repr=False)
class FeatureSensitivities(Saved, Sequence[Sensitivity]):
    """One certified ``Delta_j`` for every feature, or group of features.

    Attributes
    ----------
    names : tuple of str
        What moves: ``"x[3]"``, or the name of a group.
    parts : tuple of Sensitivity
        A diameter each: what that feature alone can do.
    bound : tuple of str
        Names of groups that cannot change alone, as a part of a one-hot vector cannot.
        That they move nothing by themselves is true and protects nobody.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", (2,))
    >>> found = privacy.feature_sensitivity(x * [1.0, 3.0], x, dt.Box({x: (0, 1)}))
    >>> found.names
    ('x[0]', 'x[1]')
    """

    names: tuple[str, ...]
    parts: tuple[Sensitivity, ...]
    bound: tuple[str, ...] = ()

    @property
    def upper(self) -> Array:
        """Certified: nothing moves farther than this; one number each."""
        return np.array([s.upper for s in self.parts])

    @property
    def lower(self) -> Array:
        """What is reached; one number each."""
        return np.array([s.lower for s in self.parts])

    def verify(self) -> tuple[Any, ...]:
        """Check the proofs of all features in ball arithmetic.

        Returns
        -------
        tuple of Report
            Those of each feature in turn, but of what cannot change alone.

        Raises
        ------
        CertificateError
            A proof does not hold; the message names the feature.
        UnsupportedError
            A feature's bound has none, as that by a relaxation of one hidden layer.
        """
        reports: list[Any] = []
        for name, part in zip(self.names, self.parts, strict=True):
            try:
                reports += () if name in self.bound else part.verify()
            except (CertificateError, UnsupportedError) as error:
                raise type(error)(f"{name}: {error}") from None
        return tuple(reports)

    def checked(self) -> Self:
        """Return what a file says, its proofs having been checked by `verify`."""
        return replace(self, parts=tuple(s.checked() for s in self.parts))

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Self:
        names = require_kinds("FeatureSensitivities", given["names"], str)
        parts = require_kinds("FeatureSensitivities", given["parts"], Sensitivity)
        bound = require_kinds("FeatureSensitivities", given["bound"], str)
        if len(names) != len(parts):
            raise InvalidInputError("FeatureSensitivities: as many names as parts")
        return cls(names, parts, bound)

    @classmethod
    def load(cls, path: Any, *, verify: bool = True) -> Self:
        """Read what `save` wrote, the proofs being checked as by `Sensitivity.load`."""
        found = super().load(path)
        parts = tuple(checked_again(s, verify) for s in found.parts)
        return replace(found, parts=parts)

    def __getitem__(self, key: Any) -> Any:
        """Return a Sensitivity by number or by name."""
        if isinstance(key, str):
            if key not in self.names:
                raise InvalidInputError(
                    f"FeatureSensitivities: there is no {key!r}, but "
                    f"{', '.join(self.names)}.{did_you_mean(key, self.names)}"
                )
            key = self.names.index(key)
        return self.parts[key]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Sensitivity]:
        return iter(self.parts)

    def __repr__(self) -> str:
        rows = [("only this changes", "at most", "reached", "gap", "status")]
        rows += [
            (n, f"{s.upper:.6g}", f"{s.lower:.6g}", f"{s.gap:.2%}", self._status(n, s))
            for n, s in zip(self.names, self.parts, strict=True)
        ]
        if len(rows) > SHOWN + 1:
            rows[SHOWN // 2 + 1 : -(SHOWN // 2)] = [("...", "", "", "", "")]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0])]
                + [c.rjust(w) for c, w in zip(row[1:4], widths[1:4], strict=True)]
                + [row[4]]
            ).rstrip()
            for row in rows
        ]
        return "\n".join(lines)

    def _status(self, name: str, s: Sensitivity) -> str:
        return "cannot change alone" if name in self.bound else s.status

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

        Raises
        ------
        UnsupportedError
            A group cannot change alone, so that nothing is promised about it.
        """
        if self.bound:
            raise UnsupportedError(
                f"epsilon_at: {', '.join(self.bound)} cannot change alone: no two "
                "records differ in nothing else, so an epsilon of 0 would protect "
                "nobody. Put what changes together into one group, or give no `groups`"
            )
        return np.array(
            [
                gaussian(s, scale=scale, relation="replace_one").epsilon_at(delta)
                if s.upper
                else 0.0
                for s in self.parts
            ]
        )
