"""Brackets of what an arithmetic computes, from those of the moved function.

See `deuterium.enclose.rounding_errors`: what is computed is the value of a function
that is moved a little, to within an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.enclose.enclose import moved_in
from deuterium.enclose.rounding_errors import MovedFunction
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.graph.constructors import as_variable
from deuterium.interval.rounding import add_down, add_up
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.search.search import enclose_at


@dataclass(frozen=True, eq=False)
class MovedProblem:
    """A problem in an arithmetic, or in real numbers.

    Attributes
    ----------
    value : Variable
        The function to bound.
    domain : Domain
        Over which.
    """

    value: Any
    domain: Any
    _given: tuple[Any, Any] = (None, None)
    _moved: MovedFunction | None = None
    _arithmetic: str = ""

    @classmethod
    def of(
        cls, v: Any, domain: Any, arithmetic: str | None, caller: str
    ) -> MovedProblem:
        """Return the problem itself for real numbers, or else the moved one."""
        if arithmetic is None:
            return cls(v, domain)
        given = as_variable(v)
        if given.shape:
            raise ShapeError(
                f"{caller}: only a scalar has a supremum, this has shape {given.shape}"
            )
        if not isinstance(domain, Domain):
            raise InvalidInputError(
                f"{caller}: `domain` must be a deuterium.Domain, got "
                f"{type(domain).__name__}"
            )
        moved = moved_in(given, domain, arithmetic)
        return cls(moved.value, moved.domain, (given, domain), moved, arithmetic)

    def rows(self, points: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
        """Return rows to start from, errors of 0 with them."""
        if self._moved is None or not isinstance(points, Mapping) or not points:
            return points
        count = len(next(iter(points.values())))
        return {**points, **self._no_errors((count,))}

    def _no_errors(self, lead: tuple[int, ...] = ()) -> dict[str, Any]:
        shapes = self._moved.domain.shapes if self._moved else {}
        names = self._moved.names if self._moved else ()
        return {name: np.zeros(lead + tuple(shapes[name])) for name in names}

    def told(self, found: Bracket, *, maximizes: bool) -> Bracket:
        """Return the bracket of what is asked for, given that of the moved one.

        The end that is reached is of real numbers: the function itself at the witness.
        """
        if self._moved is None:
            return found
        v, domain = self._given
        error = np.asarray(float(self._moved.error))
        witness = {n: x for n, x in found.witness.items() if n not in self._moved.names}
        at = enclose_at(v, witness) if witness else None
        if maximizes:
            lower = float("-inf") if at is None else float(at.lower)
            exact = replace(found, lower=lower)
            upper = float(add_up(np.asarray(found.upper), error))
        else:
            upper = float("inf") if at is None else float(at.upper)
            exact = replace(found, upper=upper)
            lower = float(add_down(np.asarray(found.lower), -error))
        exact = replace(
            exact, witness={**witness, **self._no_errors()} if witness else {}
        )
        return replace(
            exact,
            lower=lower,
            upper=upper,
            witness=witness,
            cause=found.cause or self._moved.cause,
            status=found.status if np.isfinite(error) else "unbounded",
            arithmetic=self._arithmetic,
            rounding=float(error),
            _exact=exact if np.isfinite(error) else None,
            _given=(v, domain),
        )
