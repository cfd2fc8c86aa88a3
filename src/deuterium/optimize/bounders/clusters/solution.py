"""What a method finds for a batch of regions."""

from __future__ import annotations

from dataclasses import dataclass

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.energy_weights import ProvedEnergy


@dataclass(frozen=True)
class Solution:
    """Multipliers, which hold whatever they are, and where to cut.

    Attributes
    ----------
    p : ndarray of shape (B, multipliers)
    energies : list of ProvedEnergy or None
        Of each rule.
    state : ndarray of shape (B, k)
        What the parts of a region start from.
    gain, place : ndarray of shape (B, features)
        What cutting a hub or spoke promises, and where it would be cut.
    """

    p: Array
    energies: list[ProvedEnergy | None]
    state: Array
    gain: Array
    place: Array
