"""Weights of energies that certainly hold.

``diag(D) - M diag(nu) M'`` is positive semidefinite if no singular value of ``A_ij =
M_ij sqrt(nu_j / D_i)`` exceeds 1, which a Cholesky factorisation of its Gram matrix
shifted by more than all rounding errors proves (S. M. Rump, "Verification of positive
definiteness", BIT 46, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import check
from deuterium.interval.rounding import MIN_NORMAL, gamma
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterRule
from deuterium.optimize.bounders.clusters.cluster_options import (
    ENERGY_DIGITS,
    GROWTHS,
)
from deuterium.optimize.bounders.clusters.energy_group import EnergyValues


@dataclass(frozen=True)
class ProvedEnergy:
    """An energy of few digits, which holds.

    Attributes
    ----------
    nu, above, centre : ndarray of shape (B, m), (B, n), (B, n)
        Where no D is proved, ``nu`` and D are 0, and nothing is added.
    u0, off : ndarray of shape (B, m)
        ``M' c + b``, and by how much it may be wrong.
    kappa : ndarray of shape (B, m), or None
        Weights of what a rule of a softmax has at the simplex's corners.
    """

    nu: Array
    above: Array
    centre: Array
    u0: Array
    off: Array
    kappa: Array | None


def proved_energy(
    rule: ClusterRule, found: EnergyValues, kappa: Array | None = None
) -> ProvedEnergy:
    """Return an energy with numbers of few digits and a D that is proved.

    Parameters
    ----------
    rule : ClusterRule
    found : EnergyValues
        About what it is to be, over a batch of regions.
    kappa : ndarray of shape (B, m), optional
    """
    radius = np.concatenate([s for _, _, s in rule.parts])
    matrix = found.matrix
    nu = rounded(found.nu)
    centre = rounded(found.centre)
    largest = found.above.max(axis=1, keepdims=True)
    above = np.maximum(found.above, 1e-12 * largest)
    done = np.zeros((len(nu), 1), dtype=bool)
    proved = np.zeros(above.shape)
    with np.errstate(all="ignore"):
        for growth in GROWTHS:
            check()
            trial = rounded_up(above * (1 + growth))
            holds = _holds(matrix, radius, nu, trial) & ~done
            proved = np.where(holds, trial, proved)
            done |= holds
            if done.all():
                break
    nu = np.where(done, nu, 0.0)
    u0 = centre @ matrix + rule.constant
    size = np.abs(centre) @ np.abs(matrix) + np.abs(rule.constant)
    count = len(matrix) + 16
    off = size * gamma(count) + np.abs(centre) @ radius * (1 + gamma(count))
    off = off + rule.radius + MIN_NORMAL
    kappa = None if kappa is None else rounded(kappa)
    return ProvedEnergy(nu, proved, centre, u0, off, kappa)


def _holds(matrix: Array, radius: Array, nu: Array, above: Array) -> Array:
    """Return for which rows D is proved, of shape (B, 1)."""
    n, m = matrix.shape
    scale = np.sqrt(nu)[:, None, :] / np.sqrt(above)[:, :, None]
    inner = matrix * scale
    spread = radius * scale * (1 + gamma(8)) + np.abs(inner) * gamma(8)
    if n > m:
        inner, spread = inner.swapaxes(1, 2), spread.swapaxes(1, 2)
    gram = inner @ inner.swapaxes(1, 2)
    size = np.abs(inner)
    # |exact gram - gram|, element by element, hence in norm by row sums
    lost = size @ size.swapaxes(1, 2) * gamma(max(n, m) + 16)
    both = spread @ (size + spread).swapaxes(1, 2)
    lost = (lost + both + both.swapaxes(1, 2)).sum(axis=2).max(axis=1)
    few = gram.shape[1]
    own = np.arange(few)
    trace = gram[:, own, own].sum(axis=1) + few
    slack = (2 * gamma(few + 16) * trace + lost) * (1 + gamma(n + m + 64)) + MIN_NORMAL
    test = -gram
    test[:, own, own] += (1.0 - slack)[:, None]
    finite = np.isfinite(test).all(axis=(1, 2)) & (slack < 1)
    test[~finite] = -np.eye(few)
    return positive(test)[:, None] & finite[:, None]


def positive(matrices: Array) -> Array:
    """Return which matrices have a Cholesky factorisation."""
    try:
        factors = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.zeros(1, dtype=bool)
        half = len(matrices) // 2
        return np.concatenate([positive(matrices[:half]), positive(matrices[half:])])
    # LAPACK has one of NaN, too, which proves nothing
    found: Array = np.all(np.isfinite(factors), axis=(1, 2))
    return found


def rounded(x: Array, digits: int = ENERGY_DIGITS) -> Array:
    """Return numbers of few digits nearby; 0 of what is not finite."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(x))))
        short = np.rint(x * scale) / scale
    return np.where(np.isfinite(short), short, 0.0)


def rounded_up(x: Array) -> Array:
    """Return numbers of few digits that are no smaller."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (ENERGY_DIGITS - 1 - np.floor(np.log10(x)))
        return (np.floor(x * scale) + 1) / scale
