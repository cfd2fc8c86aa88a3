"""The parts that a graph is taken into: monomials, and the spokes of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from deuterium.certify.checker.ball_functions import Ball
from deuterium.certify.checker.lagrangian.affine_balls import AffineSum
from deuterium.graph.variable import Variable

Element = tuple[Variable, int]  # a node and one of its elements


class Monomial(NamedTuple):
    """``factor * function * spoke**power``; None as a function is 1."""

    factor: Ball
    function: int | None
    spoke: int | None = None
    power: int = 0


@dataclass
class SpokeStep:
    """The spokes that a step makes.

    Attributes
    ----------
    slots, hubs : list of int
        Of the spokes, and of their hubs.
    definitions : list of AffineSum
    elements : list of list of Element
        What each spoke is, of one product after the other.
    """

    slots: list[int]
    hubs: list[int]
    definitions: list[AffineSum]
    elements: list[list[Element]]


@dataclass
class StepRelation:
    """What a step says beside all definitions.

    Attributes
    ----------
    definitions : list of AffineSum
        Each is 0; or, of inequalities, at least 0.
    is_inequality : bool
    """

    definitions: list[AffineSum]
    is_inequality: bool


def is_equal(a: AffineSum, b: AffineSum) -> bool:
    """Return whether two sums are certainly the same."""
    return (
        a.parts.keys() == b.parts.keys()
        and bool(a.constant == b.constant)
        and all(c == b.parts[t] for t, c in a.parts.items())
    )
