"""Quadratic constraint of a layer (its energy): a bound of second moments.

For atoms ``z = M.T @ t + b`` (t: the terms they are made of), any weights ``d >= 0``
and any diagonal D with ``diag(D) - M diag(d) M.T`` positive semidefinite,

    sum_j d_j (z_j - z0_j)**2  <=  sum_i D_i (t_i - t0_i)**2,     z0 = M.T @ t0 + b.

With a multiplier ``nu >= 0`` this takes ``nu d_j (z_j - z0_j)**2`` off the function of
every atom and adds ``nu D_i (t_i - t0_i)**2`` to that of every source: an atom may then
no longer pretend to be at both ends of its range at once, which is where a separable
relaxation of many atoms loses most.

D solves, nearly, the dual of a semidefinite program; that it is one is verified by a
Cholesky factorisation in floating point of a matrix shifted by more than its rounding
errors (S. M. Rump, "Verification of positive definiteness", BIT 46, 2006).

Adding a valid quadratic inequality with a multiplier is the S-procedure (V. A.
Yakubovich, 1971); that the semidefinite relaxation of a layer is what intervals miss:
A. Raghunathan, J. Steinhardt and P. Liang, "Semidefinite relaxations for certifying
robustness to adversarial examples", NeurIPS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deuterium.budget import afford, check
from deuterium.interval.rounding import gamma
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.auxiliary_variables import FactoredGraph
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    ATOM,
    INPUT,
    CoordinateGroup,
    KinkBranches,
    Term,
)
from deuterium.optimize.bounders.lagrangian.multiplier_system import centred
from deuterium.optimize.bounders.lagrangian.range_propagation import RegionRanges

Array = Any


@dataclass(frozen=True)
class Source:
    """Some of the terms of an energy.

    Attributes
    ----------
    term : Term
    square : ndarray of int
        Which function is the square of each; 0 where it is a coordinate itself.
    weights : ndarray
        D.
    centre : ndarray
        t0; of coordinates themselves it is the middle of the region instead.
    """

    term: Term
    square: Array
    weights: Array
    centre: Array


@dataclass(frozen=True)
class QuadraticConstraint:
    """One inequality.

    Attributes
    ----------
    group : int
        Whose atoms.
    parameter : int
        Where its multiplier is.
    weights : ndarray of shape (m,)
        d.
    sources : list of Source
    matrix, radius : ndarray of shape (terms, m)
        M.
    vectors : ndarray
        Where to start from when D is fitted.
    chosen : bool
        Whether only some atoms have weights: those that needed it before.
    order : ndarray of int
        In which order proofs have the terms: by group and coordinate.
    """

    group: int
    parameter: int
    weights: Array
    sources: list[Source]
    matrix: Array
    radius: Array
    vectors: Array
    chosen: bool
    order: Array

    @property
    def is_plain(self) -> bool:
        """Whether its only sources are inputs."""
        return len(self.sources) == 1 and not self.sources[0].square.any()

    def to_json(self) -> dict[str, Any]:
        """Return what is the same in all regions, as `bounders.relax` describes."""
        if self.is_plain:
            return {"group": self.group}
        centres: list[float | None] = []
        for s in self.sources:
            pairs = zip(s.square, s.centre.tolist(), strict=True)
            centres += [None if q == 0 else t for q, t in pairs]
        above = [x for s in self.sources for x in s.weights.tolist()]
        return {
            "group": self.group,
            "weights": self.weights.tolist(),
            "above": [above[i] for i in self.order],
            "centres": [centres[i] for i in self.order],
        }


def quadratic_constraints(
    structure: FactoredGraph, ranges: RegionRanges
) -> list[QuadraticConstraint]:
    """Return an inequality for every group of atoms that have one.

    ``ranges`` are those over the whole domain.
    """
    found: list[QuadraticConstraint] = []
    for number, group in enumerate(structure.groups):
        if group.kind != ATOM or group.size < 2:
            continue
        parts = group.definitions[0].parts
        count = sum(t.size for t in parts)
        if count > options.MOST_ENERGY_TERMS or not all(
            _usable(structure, t) for t in parts
        ):
            continue
        weights = np.ones(group.size)
        matrix, radius = _matrix(group)
        order = _order(list(parts), matrix, radius)
        if order is None:
            continue
        vectors = start(matrix @ matrix.T)
        unit = np.ones((1, count))
        with np.errstate(all="ignore"):  # of numbers near the largest
            (diagonal,), _ = verified(matrix, radius, weights[None], unit, vectors)
        if not np.isfinite(diagonal).all():
            continue
        at = structure.parameters + len(found)
        sources, first = [], 0
        for term in parts:
            d = diagonal[first : first + term.size]
            square = _squares(structure.groups[term.group], term)
            low, high = ranges.functions[term.group]
            ends = (x[0, term.coordinate, term.function] for x in (low, high))
            sources.append(Source(term, square, d, 0.5 * sum(ends)))
            first += term.size
        energy = QuadraticConstraint(
            number, at, weights, sources, matrix, radius, vectors, False, order
        )
        found.append(energy)
        if energy.is_plain:
            found.append(replace(energy, parameter=at + 1, chosen=True))
    return found


def _usable(structure: FactoredGraph, term: Term) -> bool:
    """Whether a term can be a source: coordinates only if they are inputs."""
    kind = structure.groups[term.group].kind
    return kind == INPUT or (kind == ATOM and bool(np.all(term.function > 0)))


def _order(terms: list[Term], matrix: Array, radius: Array) -> Array | None:
    """Return the rows that are not zero, by group and coordinate.

    None if there are two functions of one coordinate: proofs do not tell them apart.

    Shapes: ``matrix`` and ``radius`` (terms, m).
    """
    group = np.concatenate([np.full(t.size, t.group) for t in terms])
    coordinate = np.concatenate([t.coordinate for t in terms])
    order = np.lexsort((coordinate, group))
    order = order[(matrix != 0).any(axis=1)[order] | (radius != 0).any(axis=1)[order]]
    pairs = np.stack([group, coordinate])[:, order]
    return order if len(np.unique(pairs, axis=1).T) == len(order) else None


def _matrix(group: CoordinateGroup) -> tuple[Array, Array]:
    """Return M, of shape (terms, m), and its radius."""
    pairs = [centred(c) for c in group.definitions[0].parts.values()]
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _squares(group: CoordinateGroup, term: Term) -> Array:
    """Return the functions that are the squares of a term's, entered if need be."""
    known: dict[int, int] = {0: 0}
    for r in np.unique(term.function):
        if r not in known:
            f = group.functions[r - 1]
            full = np.square(f.full)
            image = KinkBranches(full, full, full)
            if f.kinked:
                image = KinkBranches(full, np.square(f.left), np.square(f.right))
            group.functions.append(image)
            known[int(r)] = len(group.functions)
    return np.array([known[int(r)] for r in term.function])


def verified(
    matrix: Array, radius: Array, weights: Array, width: Array, vectors: Array
) -> tuple[Array, Array]:
    """Return D, small for sources of these half widths, for a batch of weights d.

    And the second moments of the atoms in the dual solution that D comes from.

    Parameters
    ----------
    matrix, radius : ndarray of shape (n, m)
        M, to within the radius.
    weights : ndarray of shape (B, m)
    width : ndarray of shape (B, n)
    vectors : ndarray of shape (n, rank)
        To start from.
    """
    # only ratios of widths count; an exact factor keeps their squares in range
    width = np.ldexp(width, -np.frexp(width.max(axis=1, keepdims=True))[1])
    n, m = matrix.shape
    afford(len(weights) * n * n * (4.0 * m + n), len(weights) * n * (3.0 * n + 4.0 * m))
    scaled = matrix * width[..., None] * np.sqrt(weights)[:, None, :]
    gram = scaled @ np.swapaxes(scaled, 1, 2)
    d, v = nearly(gram, vectors)
    d = d / width**2
    plain = matrix * width[..., None]
    moments = (np.matmul(np.swapaxes(plain, 1, 2), v) ** 2).sum(axis=2)
    # |exact gram - gram| <= error, element by element, hence in norm by row sums
    size = np.abs(scaled)
    lost = gamma(m + 16) * (size @ np.swapaxes(size, 1, 2)).sum(axis=2)
    if radius.any():
        spread = radius * width[..., None] * np.sqrt(weights)[:, None, :]
        both = spread @ np.swapaxes(size + spread, 1, 2)
        lost = lost + (both + np.swapaxes(both, 1, 2)).sum(axis=2)
    slack = lost.max(axis=1) * (1 + gamma(n + m + 32))
    own = np.arange(n)
    for grow in options.WEIGHT_GROWTHS:
        check()
        d = rounded_up(d * (1 + grow) + options.LEAST_WEIGHT)
        inside = d * width**2 * (1 - gamma(8))
        trace = inside.sum(axis=1) + gram[:, own, own].sum(axis=1)
        test = -gram
        test[:, own, own] += inside - (2 * gamma(n + 16) * trace + slack)[:, None]
        bad = ~_positive(test)
        if not bad.any():
            return d, moments
        d = np.where(bad[:, None], d, d / (1 + grow))
    # at last, by rows that dominate
    lengths = (size @ np.swapaxes(size, 1, 2)).sum(axis=2) + lost
    lengths = lengths / width**2
    d = np.where(
        bad[:, None], rounded_up(lengths * (1 + 1e-6) + options.LEAST_WEIGHT), d
    )
    return d, moments


def _positive(matrices: Array) -> Array:
    """Return which matrices have a Cholesky factorisation."""
    try:
        factors = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.zeros(1, dtype=bool)
        half = len(matrices) // 2
        parts = (matrices[:half], matrices[half:])
        return np.concatenate([_positive(p) for p in parts])
    # LAPACK has one of NaN, too, which proves nothing
    return np.isfinite(factors).all(axis=(1, 2))


def rounded_up(x: Array) -> Array:
    """Return numbers of few digits that are no smaller."""
    scale = 10.0 ** (options.WEIGHT_DIGITS - 1 - np.floor(np.log10(x)))
    return (np.floor(x * scale) + 1) / scale


def start(gram: Array) -> Array:
    """Return unit vectors, one a row, for `nearly` to start from."""
    n = len(gram)
    rank = min(n, int(np.sqrt(2 * n)) + 2)
    v = np.cos(np.arange(1, n + 1)[:, None] * np.arange(1, rank + 1) * 1.7)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    for _ in range(options.FIRST_SWEEPS):
        check()
        v = gram @ v
        v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300)
    return v


def nearly(gram: Array, vectors: Array) -> tuple[Array, Array]:
    """Return D of least trace with ``diag(D) >= gram``, about; and V.

    The dual maximises ``<gram, V V.T>`` over V with unit rows; the fixed point of
    ``V <- rows of gram V, normalised`` has D as the lengths of those rows.

    Shapes: ``gram`` (B, terms, terms), ``vectors`` (terms, rank).
    """
    v = np.broadcast_to(vectors, (len(gram), *vectors.shape))
    d = np.ones(gram.shape[:2])
    for _ in range(options.REGION_SWEEPS):
        check()
        w = gram @ v
        d = np.maximum(np.linalg.norm(w, axis=2), 1e-300)
        v = w / d[..., None]
    # scale up until it is feasible
    root = 1.0 / np.sqrt(d)
    most = _largest(root[:, :, None] * gram * root[:, None, :])
    return d * np.maximum(most, 1e-300)[:, None], v


def _largest(matrices: Array) -> Array:
    """Return the largest eigenvalues, about; 1 of numbers too large to have any."""
    known = np.isfinite(matrices).all(axis=(1, 2))[:, None, None]
    try:
        return np.linalg.eigvalsh(np.where(known, matrices, np.eye(matrices.shape[1])))[
            :, -1
        ]
    except np.linalg.LinAlgError:
        return np.ones(len(matrices))
