"""What convex functions on a simplex are at most: the plane through its corners."""

from __future__ import annotations

from typing import Any

from deuterium.certify.checker.ball_functions import ZERO, Ball
from deuterium.certify.checker.clusters.star_parts import SpokeStep
from deuterium.certify.checker.clusters.star_structure import StarStructure
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.graph_structure import Coordinates


class SimplexCorners:
    """Those of a step whose definitions are sums of one softmax of one row.

    Parameters
    ----------
    structure : StarStructure
    made : Coordinates or SpokeStep
        What the step makes.

    Attributes
    ----------
    squares : list of int
        The slots of the squares of what it makes.

    Raises
    ------
    NoBound
        It is not such a step.
    """

    def __init__(self, structure: StarStructure, made: Coordinates | SpokeStep) -> None:
        used = {
            t for d in made.definitions for t, c in d.parts.items() if not c.is_zero()
        }
        terms = next((s for s in structure.simplices if used == set(s)), None)
        if terms is None:
            raise NoBound("a step is not of all elements of one softmax of one row")
        self._values = [
            [(d.parts.get(t, ZERO) + d.constant) ** 2 for t in terms]
            for d in made.definitions
        ]
        self._terms = terms
        self.squares = [structure.square(t) for t in made.slots]

    def added(self, data: Any) -> list[tuple[int, Ball]]:
        """Return slots and coefficients of what is never negative.

        Raises
        ------
        NoBound
            The weights cannot be read, or one is negative.
        """
        kappa = numbers(data, len(self.squares))
        if not all(k >= ZERO for k in kappa):
            raise NoBound("the weight of a square at corners is negative")
        some = [j for j, k in enumerate(kappa) if not k.is_zero()]
        found = [(self.squares[j], -kappa[j]) for j in some]
        for n, term in enumerate(self._terms):
            value = sum([kappa[j] * self._values[j][n] for j in some], ZERO)
            found.append((term, value))
        return found
