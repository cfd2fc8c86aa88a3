"""Branching by the distributions that an interior-point method finds.

They satisfy the definitions.  Where the distribution of a hub with its spokes is not
one point, the mean of the cluster's function exceeds the function at the mean: that
excess is what the relaxation pretends, and what cutting there removes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterRule
from deuterium.optimize.bounders.clusters.cluster_ranges import ClusterRanges
from deuterium.optimize.bounders.clusters.hub_columns import HubColumns

if TYPE_CHECKING:
    from deuterium.optimize.bounders.clusters.newton_method import (
        NewtonMethod,
        SampledBatch,
    )


def promised_gains(
    method: NewtonMethod,
    batch: SampledBatch,
    p: Array,
    samples: list[Array],
    weights: list[Array],
) -> tuple[Array, Array]:
    """Return what cutting each hub and spoke promises, and where, by features.

    Shapes: ``p`` (B, parameters), each of ``samples`` (B, m, R, S), of ``weights`` (B,
    m, S); the results (B, features).
    """
    first = len(method.active)
    shape = (len(p), method.layout.features + 1)
    gain, mean = np.zeros(shape), np.zeros(shape)
    c = method.base + p[:, :first] @ method.matrix.T
    for k, h in enumerate(method.columns):
        average = np.matmul(samples[k], weights[k][..., None])[..., 0]
        extras = [p[:, first + e, None, None] for e in method.extras[k]]
        own = c[:, h.features]
        own = np.concatenate(
            [own, *(np.broadcast_to(x, own[..., :1].shape) for x in extras)], axis=-1
        )
        z = average[..., :1]
        slots = [h.own(slot) for slot in range(h.slots)]
        e = average[:, :, slots, None]
        rows = np.arange(len(p))
        point = batch.values(k, z, z > 0, e, rows)[..., 0]
        excess = np.maximum(np.nan_to_num((own * (average - point)).sum(axis=-1)), 0.0)
        mean[:, h.features] = average[..., : h.features.shape[1]]
        if h.slots:
            _share(method, h, batch.ranges, excess, gain)
        else:
            gain[:, h.features[:, 0]] += excess
    for k in range(len(method.energies)):
        _slack(method, batch, k, p[:, first + k], mean, gain)
    return gain[:, :-1], mean[:, :-1]


def _slack(
    method: NewtonMethod,
    batch: SampledBatch,
    k: int,
    nu: Array,
    mean: Array,
    gain: Array,
) -> None:
    """Add what the inequality of an energy leaves at the relaxed solution.

    It is a quadratic form of the terms' distances from the centres; each term gets its
    row's part.
    """
    energy, fit = method.energies[k], batch.fits[k]
    matrix, at = energy.matrix, energy.terms
    y = mean[:, at] - fit.centre
    image = ((y @ matrix) * fit.d) @ matrix.T
    rest = nu[:, None] * y * (fit.above * y - image)
    every: Any = (slice(None), method.cut_of[at])
    np.add.at(gain, every, np.maximum(np.nan_to_num(rest), 0.0))


def _share(
    method: NewtonMethod,
    h: HubColumns,
    ranges: ClusterRanges,
    excess: Array,
    gain: Array,
) -> None:
    """Give the excess of products to what is relatively widest and can be cut.

    Where nothing can be, it goes to what that is made of.

    Shapes: ``excess`` (B, m), ``gain`` (B, features + 1).
    """
    columns = [0, *(h.own(slot) for slot in range(h.slots))]
    for j, row in enumerate(h.features[:, columns]):
        some = row[row >= 0]
        low, high = ranges.low[:, some], ranges.high[:, some]
        width = (high - low) / np.maximum(np.abs(low) + np.abs(high), 1e-300)
        width = np.where(method.cuttable[some], width + 1.0, width)
        widest = width.argmax(axis=1)
        for i, feature in enumerate(some.tolist()):
            mine = np.where(widest == i, excess[:, j], 0.0)
            if method.cuttable[feature] or feature not in method.definitions:
                gain[:, feature] += mine
                continue
            rule, column = method.definitions[feature]
            _spread(method, rule, column, mine, gain)


def _spread(
    method: NewtonMethod, rule: ClusterRule, column: int, mine: Array, gain: Array
) -> None:
    for at, m, _ in rule.parts:
        own: Any = (slice(None), method.cut_of[at[m[:, column] != 0]])
        np.add.at(gain, own, mine[:, None])


def second_moments(
    method: NewtonMethod,
    batch: SampledBatch,
    samples: list[Array],
    weights: list[Array],
) -> list[Array]:
    """Return the second moments of the energies' atoms about their centres."""
    found = []
    for e, fit in zip(method.energies, batch.fits, strict=True):
        target = e.rule.definition.target
        at = target.coordinate
        z = samples[target.group][:, at, 0] - fit.u0[..., None]
        found.append((weights[target.group][:, at] * z * z).sum(axis=-1))
    return found
