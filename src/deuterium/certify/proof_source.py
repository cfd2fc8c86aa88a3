"""What a certificate takes from whoever proved, beside the tree of regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable

Place = tuple[Variable, int]


class SpecialForm(Protocol):
    """A problem with some inputs put in as numbers, and what proves bounds of it."""

    @property
    def at(self) -> Any:
        """The inputs, an array of places in a row of them."""

    @property
    def values(self) -> Any:
        """Their values, one each."""

    @property
    def problem(self) -> Problem:
        """What is left of the problem."""

    @property
    def bounder(self) -> ProofSource:
        """Whose proofs are those of the regions where the inputs have these values."""


class ProofSource:
    """What proofs refer to; a bounder says it of its own.

    Attributes
    ----------
    places : sequence of (Variable, int)
        The coordinates behind the inputs: nodes of the objective, and which element of
        them.
    labels : sequence of str
        Symbols that are put in as numbers.
    forms : sequence of SpecialForm
        What comes of it, one for each combination of their values.
    """

    places: Sequence[Place] = ()
    labels: Sequence[str] = ()
    forms: Sequence[SpecialForm] = ()

    def facts(self) -> dict[str, Any]:
        """Return what holds for all regions, as plain numbers, lists and mappings."""
        return {}
