"""Check of the quadratic constraint of a layer (its energy).

For atoms ``z = M' t + b`` and numbers d, D > 0 with ``diag(D) - M diag(d) M'`` positive
definite, ``sum d_j (z_j - z0_j)**2 <= sum D_i (t_i - t0_i)**2`` for any t0 and its
``z0 = M' t0 + b``.

It joins the bound with a multiplier: the S-procedure (V. A. Yakubovich, 1971).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb_mat

from deuterium.certify.checker.ball_functions import ONE, ZERO, Ball
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.graph_structure import (
    ATOM,
    INPUT,
    Coordinates,
    GraphStructure,
)
from deuterium.certify.checker.lagrangian.positive_definite import is_positive


@dataclass
class Square:
    """``weight * (y - centre)**2`` for one slot."""

    slot: int
    weight: Ball
    centre: Ball


class QuadraticProof:
    """One layer's.

    Parameters
    ----------
    block : Coordinates
        Its atoms.
    place : callable
        The group and coordinate that a term is a function of: proofs have terms in
        that order.
    """

    def __init__(
        self, block: Coordinates, place: Callable[[int], tuple[int, int]]
    ) -> None:
        self.block = block
        parts = [p for d in block.definitions for p in d.parts.items()]
        self.terms = sorted({t for t, c in parts if not c.is_zero()}, key=place)
        self._proved: dict[Any, bool] = {}

    def squares(self, pair: Any, centre: Callable[[int], Ball]) -> list[Square]:
        """Return what a multiplier of 1 adds: of the terms, and off the atoms.

        ``pair`` has d and D as a proof's data give them; ``centre`` gives t0.
        """
        weights = numbers(pair[0], len(self.block.slots))
        above = numbers(pair[1], len(self.terms))
        key = tuple(pair[0]), tuple(pair[1])
        if key not in self._proved:
            self._proved[key] = self._is_proved(weights, above)
        if not self._proved[key]:
            raise NoBound("an energy is not proved positive definite")
        at = {t: centre(t) for t in self.terms}
        added = [Square(t, w, at[t]) for t, w in zip(self.terms, above, strict=True)]
        for slot, d, w in zip(
            self.block.slots, self.block.definitions, weights, strict=True
        ):
            if not w.is_zero():
                z0 = d.constant
                for t, c in d.parts.items():
                    z0 = z0 + c * at[t] if t in at else z0
                added.append(Square(slot, -w, z0))
        return added

    def _is_proved(self, weights: Sequence[Ball], above: Sequence[Ball]) -> bool:
        if not all(w >= ZERO for w in weights) or not all(w > ZERO for w in above):
            return False
        rows, some = [], []
        for d, w in zip(self.block.definitions, weights, strict=True):
            if not w.is_zero():
                rows.append([d.parts.get(t, ZERO) for t in self.terms])
                some.append(w)
        if not rows:
            return True
        if len(some) < len(above):
            # the same by Schur's complement: 1 / d - M' (1 / D) M
            left = [[x / w for x, w in zip(r, above, strict=True)] for r in rows]
            inner = arb_mat(left) * arb_mat(rows).transpose()
            own = [ONE / w for w in some]
        else:
            left = [[x * w for x in r] for r, w in zip(rows, some, strict=True)]
            inner = arb_mat(rows).transpose() * arb_mat(left)
            own = list(above)
        n = len(own)
        matrix = [[-inner[i, j] for j in range(n)] for i in range(n)]
        for i, x in enumerate(own):
            matrix[i][i] = matrix[i][i] + x
        return is_positive(matrix)


def quadratic_proofs(
    structure: GraphStructure, facts: Mapping[str, Any]
) -> list[QuadraticProof]:
    """Return the energies of groups that the facts name, in their order."""
    known: dict[int, QuadraticProof] = {}
    found = []
    for entry in facts.get("energies", ()):
        number = entry["group"]
        if number not in known:
            known[number] = QuadraticProof(_layer(structure, number), structure.place)
        found.append(known[number])
    return found


def _layer(structure: GraphStructure, number: Any) -> Coordinates:
    """Return a group of atoms whose terms are functions of inputs and atoms."""
    if type(number) is not int or not 0 <= number < len(structure.blocks):
        raise NoBound(f"there is no group {number!r:.40}")
    block = structure.blocks[number]
    owners = {structure.owner[t] for d in block.definitions for t in d.parts}
    below = {structure.blocks[structure.of_block[i]].kind for i in owners}
    if block.kind != ATOM or below - {INPUT, ATOM}:
        raise NoBound(f"group {number} has no energy")
    return block
