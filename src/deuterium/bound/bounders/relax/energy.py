"""The energy of a layer: a second moment that affine atoms cannot exceed.

For atoms ``z = M.T @ t + b`` (t: the terms they are made of), any weights ``d >= 0`` and
any diagonal D with ``diag(D) - M diag(d) M.T`` positive semidefinite,

    sum_j d_j (z_j - z0_j)**2  <=  sum_i D_i (t_i - t0_i)**2,     z0 = M.T @ t0 + b.

With a multiplier ``nu >= 0`` this takes ``nu d_j (z_j - z0_j)**2`` off the function of
every atom and adds ``nu D_i (t_i - t0_i)**2`` to that of every source: an atom may then
no longer pretend to be at both ends of its range at once, which is where a separable
relaxation of many atoms loses most.

D solves, nearly, the dual of a semidefinite program; that it is one is verified by a
Cholesky factorisation in floating point of a matrix shifted by more than its rounding
errors (S. M. Rump, "Verification of positive definiteness", BIT 46, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.bound.bounders.relax.parts import ATOM, INPUT, PAIR, Group, Image, Term
from deuterium.bound.bounders.relax.ranges import Ranges
from deuterium.bound.bounders.relax.structure import Structure
from deuterium.bound.bounders.relax.system import centred
from deuterium.interval.rounding import gamma

Array = Any

SWEEPS = 60
LARGEST = 1024  # terms; beyond it the factorisation takes too long


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
class Energy:
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
    """

    group: int
    parameter: int
    weights: Array
    sources: list[Source]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers of which `bounders.relax` speaks under "Energies"."""
        centres: list[float | None] = []
        for s in self.sources:
            pairs = zip(s.square, s.centre.tolist(), strict=True)
            centres += [None if q == 0 else t for q, t in pairs]
        return {
            "group": self.group,
            "weights": self.weights.tolist(),
            "above": [x for s in self.sources for x in s.weights.tolist()],
            "centres": centres,
        }


def energies(structure: Structure, ranges: Ranges) -> list[Energy]:
    """Return an inequality for every group of atoms that have one.

    ``ranges`` are those over the whole domain.
    """
    found: list[Energy] = []
    for number, group in enumerate(structure.groups):
        if group.kind != ATOM or group.size < 2:
            continue
        parts = group.definitions[0].parts
        count = sum(t.size for t in parts)
        if count > LARGEST or not all(_usable(structure, t) for t in parts):
            continue
        weights = np.ones(group.size)
        matrix, radius = _matrix(group)
        diagonal = _diagonal(matrix, radius, weights)
        if diagonal is None:
            continue
        at = structure.parameters + len(found)
        sources, start = [], 0
        for term in parts:
            d = diagonal[start : start + term.size]
            square = _squares(structure.groups[term.group], term)
            low, high = ranges.functions[term.group]
            ends = (x[0, term.coordinate, term.function] for x in (low, high))
            sources.append(Source(term, square, d, 0.5 * sum(ends)))
            start += term.size
        found.append(Energy(number, at, weights, sources))
    return found


def _usable(structure: Structure, term: Term) -> bool:
    """Whether a term can be a source: coordinates only if they are inputs."""
    kind = structure.groups[term.group].kind
    return kind != PAIR and (kind == INPUT or bool(np.all(term.function > 0)))


def _matrix(group: Group) -> tuple[Array, Array]:
    """Return M, of shape (terms, m), and its radius."""
    pairs = [centred(c) for c in group.definitions[0].parts.values()]
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _squares(group: Group, term: Term) -> Array:
    """Return the functions that are the squares of a term's, entered if need be."""
    known: dict[int, int] = {0: 0}
    for r in np.unique(term.function):
        if r not in known:
            f = group.functions[r - 1]
            full = np.square(f.full)
            image = Image(full, full, full)
            if f.kinked:
                image = Image(full, np.square(f.left), np.square(f.right))
            group.functions.append(image)
            known[int(r)] = len(group.functions)
    return np.array([known[int(r)] for r in term.function])


def _diagonal(matrix: Array, radius: Array, weights: Array) -> Array | None:
    """Return a small D that is verified, or None."""
    n, m = matrix.shape
    scaled = matrix * np.sqrt(weights)
    gram = scaled @ scaled.T
    d = _nearly(gram)
    # |exact gram - gram| <= error, element by element, hence in norm by row sums
    size = np.abs(scaled)
    spread = radius * np.sqrt(weights)
    error = gamma(m + 16) * (size @ size.T)
    error = error + (spread @ (size + spread).T + size @ spread.T) * (1 + gamma(m + 16))
    slack = float(error.sum(axis=1).max()) * (1 + gamma(n + 16))
    for grow in (1e-9, 1e-6, 1e-3, 0.1, 1.0):
        trial = d * (1 + grow) + 1e-300
        shift = 2 * gamma(n + 16) * float(trial.sum() + np.trace(gram)) + slack
        try:
            np.linalg.cholesky(np.diag(trial - shift) - gram)
        except np.linalg.LinAlgError:
            continue
        return trial
    return None


def _nearly(gram: Array) -> Array:
    """Return D of least trace with ``diag(D) >= gram``, about.

    The dual maximises ``<gram, V V.T>`` over V with unit rows; the fixed point of
    ``V <- rows of gram V, normalised`` has D as the lengths of those rows.
    """
    n = len(gram)
    rank = min(n, int(np.sqrt(2 * n)) + 2)
    v = np.cos(np.arange(1, n + 1)[:, None] * np.arange(1, rank + 1) * 1.7)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    d = np.ones(n)
    for _ in range(SWEEPS):
        w = gram @ v
        d = np.maximum(np.linalg.norm(w, axis=1), 1e-300)
        v = w / d[:, None]
    # scale up until it is feasible
    root = 1.0 / np.sqrt(d)
    most = np.linalg.eigvalsh(root[:, None] * gram * root)[-1]
    return d * max(float(most), 1e-300)
