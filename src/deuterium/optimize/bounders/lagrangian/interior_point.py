"""Near-optimal multipliers by an interior-point method, many regions at once.

The bound as a function of the multipliers p is

    D(p) = base + weights @ p + sum_j max_s (U_js @ c_j(p)),   c_j affine in p,

with the maximum over samples s of each coordinate j.  Minimising it is a linear
program whose columns are samples; Mehrotra's predictor and corrector need one matrix
of the size of p per step, made of the weighted covariances of U.  Whatever comes out,
the bound is evaluated rigorously elsewhere: nothing here has to be right.

References: S. Mehrotra, "On the implementation of a primal-dual interior point
method", SIAM Journal on Optimization 2, 1992.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy  # its submodules are imported on first use

from deuterium.array_type import Array
from deuterium.budget import afford, check
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.sparse_columns import SparseColumns

Refine = Callable[[Array, list[Array]], list[Any]]


class _BlockVariables:
    """The primal and slack variables of one block, for the regions at work."""

    def __init__(self, columns: SparseColumns, samples: Array) -> None:
        self.columns, self.u = columns, samples  # u: (B, m, R, S)
        self.fixed = np.einsum("bjrs,jr->bjs", samples, columns.base)

    def start(self, p: Array) -> None:
        f = self.values(p)
        top = f.max(axis=-1, keepdims=True)
        z = top - f
        z += (
            options.FIRST_SLACKS[0] * np.minimum(z.max(axis=-1, keepdims=True), 1.0)
            + options.FIRST_SLACKS[1]
        )
        self.z = z
        self.m = (top + (z - (top - f)).max(axis=-1, keepdims=True))[..., 0]
        q = 1.0 / z
        self.q = q / q.sum(axis=-1, keepdims=True)

    def values(self, p: Array) -> Array:
        return self.fixed + self.times(self.columns.coefficients(p))

    def times(self, c: Array) -> Array:
        return np.matmul(c[:, :, None, :], self.u)[:, :, 0, :]

    def back(self, q: Array) -> Array:
        return np.matmul(self.u, q[..., None])[..., 0]

    def factor(self, h: Array) -> None:
        self.d = self.q / self.z
        self.sum = self.d.sum(axis=-1)
        ud = self.u * self.d[:, :, None, :]
        self.mean = ud.sum(axis=-1) / self.sum[..., None]
        centred = self.u - self.mean[..., None]
        cov = np.matmul(centred * self.d[:, :, None, :], np.swapaxes(centred, 2, 3))
        self.columns.add_to(h, cov)

    def aim(self, target: Array, rhs: Array) -> None:
        """Enter what the right side gets for complementarity ``q z = target``.

        Shapes: ``target`` (B, m, S), ``rhs`` (B, P), which is added to.
        """
        self.v = target / self.z - self.q
        self.rest = 1.0 - self.q.sum(axis=-1)
        total = self.v.sum(axis=-1)
        g = -self.back(self.v) + self.mean * (total - self.rest)[..., None]
        self.columns.gather(g, rhs)

    def move(self, dp: Array) -> None:
        c = self.columns.coefficients(dp)
        along = self.times(c)
        total = self.v.sum(axis=-1) - self.rest
        self.dm = total / self.sum + (self.mean * c).sum(axis=-1)
        self.dz = self.dm[..., None] - along
        self.dq = self.v - self.d * self.dz

    def extend(self, samples: Array, p: Array, centrality: Array) -> None:
        """Add samples; their slacks are made positive by raising the maximum.

        Shapes: ``samples`` (B, m, R, S), ``p`` (B, P), ``centrality`` (B,).
        """
        fixed = np.einsum("bjrs,jr->bjs", samples, self.columns.base)
        f = (
            fixed
            + np.matmul(self.columns.coefficients(p)[:, :, None, :], samples)[
                :, :, 0, :
            ]
        )
        z = self.m[..., None] - f
        small = np.maximum(centrality, 1e-9)[:, None]
        lift = np.maximum(small - z.min(axis=-1), 0.0)
        self.m = self.m + lift
        self.z = np.concatenate([self.z, z], axis=-1) + lift[..., None]
        q = np.minimum(small[..., None] / (z + lift[..., None]), 0.05)
        self.q = np.concatenate([self.q, q], axis=-1)
        self.u = np.concatenate([self.u, samples], axis=-1)
        self.fixed = np.concatenate([self.fixed, fixed], axis=-1)

    def take(self, rows: Array) -> None:
        for name in ("u", "fixed", "m", "z", "q"):
            setattr(self, name, getattr(self, name)[rows])


class _Kept:
    """The best multipliers seen, with the samples and weights at that time."""

    def __init__(self, p: Array, cells: list[_BlockVariables]) -> None:
        self.p = p.copy()
        self.least = np.full(len(p), np.inf)
        self.samples = [c.u for c in cells]
        self.weights = [c.q.copy() for c in cells]

    def note(
        self, rows: Array, bound: Array, p: Array, cells: list[_BlockVariables]
    ) -> None:
        better = bound < self.least[rows]
        self.p[rows[better]] = p[better]
        self.least[rows[better]] = bound[better]
        for c, w in zip(cells, self.weights, strict=True):
            w[rows] = c.q

    def widen(
        self, rows: Array, bound: Array, p: Array, cells: list[_BlockVariables]
    ) -> None:
        """Make room for samples that were added; bounds are then others.

        Shapes: ``rows`` and ``bound`` (b,), ``p`` (b, P).
        """
        self.least[rows], self.p[rows] = bound, p
        for k, c in enumerate(cells):
            old = self.samples[k]
            more = c.u.shape[-1] - old.shape[-1]
            if not more:
                continue
            last = np.repeat(old[..., -1:], more, axis=-1)
            self.samples[k] = np.concatenate([old, last], axis=-1)
            self.samples[k][rows] = c.u
            zero = np.zeros((*self.weights[k].shape[:-1], more))
            self.weights[k] = np.concatenate([self.weights[k], zero], axis=-1)


def _inverse(h: Array) -> Array:
    """Return the inverses of symmetric positive definite matrices."""
    if h.shape[1] < options.CHOLESKY_SIZE:
        try:
            return np.linalg.inv(h)
        except np.linalg.LinAlgError:
            return np.stack([_pseudoinverse(matrix) for matrix in h])
    out, lapack = np.empty(h.shape), scipy.linalg.lapack
    for k, matrix in enumerate(h):
        factor, failed = lapack.dpotrf(matrix, lower=1)
        if not failed:
            lower, failed = lapack.dpotri(factor, lower=1)
        if failed:
            lower = _pseudoinverse(matrix)
        out[k] = lower
    below = np.tril(out, -1)
    return np.tril(out) + np.swapaxes(below, 1, 2)


def _pseudoinverse(matrix: Array) -> Array:
    """Return what comes closest to an inverse, of numbers of any size."""
    return np.linalg.pinv(np.nan_to_num(matrix))


def _limit(x: Array, dx: Array) -> Array:
    """Return how far each row may go along ``dx`` while ``x`` stays positive.

    Shapes: both (B, ...); one length a row.
    """
    ratio = (-dx / x).reshape(len(x), -1).max(axis=1)
    return 1.0 / np.maximum(ratio, 1e-12)


class Solver:
    """Minimises the bound over the multipliers.

    Parameters
    ----------
    blocks : list of SparseColumns
    weights : ndarray of shape (P,)
    base : float
    positive : ndarray of int
        Multipliers that must not be negative.
    """

    def __init__(
        self, blocks: list[SparseColumns], weights: Array, base: float, positive: Array
    ) -> None:
        self.blocks, self.weights, self.base = blocks, weights, base
        self.positive = positive

    def __call__(
        self,
        samples: list[Array],
        p: Array,
        target: float,
        refine: Refine | None = None,
    ) -> tuple[Array, list[Array], list[Array]]:
        """Return multipliers, the samples, and how the relaxed solution weighs them.

        Work on a region ends when its bound is below ``target``, or certainly is not.
        """
        with np.errstate(all="ignore"):
            return self._run(samples, p.copy(), target, refine)

    def _run(
        self, samples: list[Array], p: Array, target: float, refine: Refine | None
    ) -> tuple[Array, list[Array], list[Array]]:
        cells = [
            _BlockVariables(c, u) for c, u in zip(self.blocks, samples, strict=True)
        ]
        nu = self.positive
        p[:, nu] = np.maximum(p[:, nu], 1e-6)
        nothing = np.zeros(p.shape)
        better = self.dual(cells, p) <= self.dual(cells, nothing)
        p = np.where(better[:, None], p, nothing)
        p[:, nu] = np.maximum(p[:, nu], 1e-6)
        for c in cells:
            c.start(p)
        y = np.full((len(p), len(nu)), 1e-2)
        keep = _Kept(p, cells)
        lack = np.full(len(p), np.inf)
        rows, rounds = np.arange(len(p)), 0
        afford(0.0, 4.0 * len(p) * p.shape[1] ** 2)
        for _ in range(options.NEWTON_STEPS):
            check()
            bound = self.dual(cells, p)
            gap = self._complementarity(cells, p, y)
            off = gap + lack
            keep.note(rows, bound, p, cells)
            excess = np.maximum(bound - target, 0.0)
            share = options.ROUND_EXCESS_SHARES[rounds]
            near = off <= options.ROUND_GAPS[rounds] + share * excess
            near |= bound < target
            early = rounds < options.SAMPLE_ROUNDS
            if early and refine is not None and np.mean(near) > 0.7:
                extra = refine(rows, [c.values(p) for c in cells])
                count = sum(c.q.shape[1] * c.q.shape[2] for c in cells)
                for c, u in zip(cells, extra, strict=True):
                    if u is not None:
                        c.extend(u, p, gap / count)
                rounds += 1
                old = keep.p[rows]
                now, before = self.dual(cells, p), self.dual(cells, old)
                worse = (before < now)[:, None]
                keep.widen(rows, np.fmin(now, before), np.where(worse, old, p), cells)
                continue
            going = np.isfinite(bound) & (bound > target - options.SURE_MARGINS[rounds])
            if rounds == options.SAMPLE_ROUNDS or refine is None:
                going &= ~near
            elif rounds:
                going &= (excess < options.HOPELESS_EXCESS) | (
                    off > options.EARLY_GAP * excess
                )
            if not going.all():
                if not going.any():
                    break
                rows, p, y, lack = rows[going], p[going], y[going], lack[going]
                for c in cells:
                    c.take(going)
            p, y, lack = self._step(cells, p, y)
        return keep.p, keep.samples, keep.weights

    def dual(self, cells: list[_BlockVariables], p: Array) -> Array:
        """Return D on the samples."""
        total = self.base + p @ self.weights
        for c in cells:
            total = total + c.values(p).max(axis=-1).sum(axis=-1)
        return total

    def _complementarity(
        self, cells: list[_BlockVariables], p: Array, y: Array
    ) -> Array:
        total = (y * p[:, self.positive]).sum(axis=1)
        for c in cells:
            total = total + (c.q * c.z).sum(axis=(1, 2))
        return total

    def _step(
        self, cells: list[_BlockVariables], p: Array, y: Array
    ) -> tuple[Array, Array, Array]:
        """Return better multipliers, slacks, and what constraints still lack.

        Shapes: ``p`` (B, P), ``y`` (B, multipliers that must not be negative).
        """
        nu, size = self.positive, len(self.weights)
        count = sum(c.q.shape[1] * c.q.shape[2] for c in cells) + len(nu)
        h = np.zeros((len(p), size, size))
        for c in cells:
            c.factor(h)
        x = p[:, nu]
        diagonal = np.arange(size)
        h[:, nu, nu] += y / x
        trace = h[:, diagonal, diagonal]
        h[:, diagonal, diagonal] = trace * (1 + 1e-10) + 1e-12
        inverse = _inverse(h)
        mu = self._complementarity(cells, p, y) / count
        zero = [np.zeros(1) for _ in cells]
        residual = self._residual(cells, p, y)
        lack = (residual * np.matmul(inverse, residual[..., None])[..., 0]).sum(1)
        dp, dy = self._direction(cells, p, y, inverse, residual, zero, 0.0)
        far_q, far_z = self._reach(cells, p, y, dp, dy)
        after = ((y + far_q[:, None] * dy) * (x + far_z[:, None] * dp[:, nu])).sum(1)
        for c in cells:
            q = c.q + far_q[:, None, None] * c.dq
            z = c.z + far_z[:, None, None] * c.dz
            after = after + (q * z).sum(axis=(1, 2))
        sigma = np.clip(after / (mu * count), 0.0, 1.0) ** 3
        aim = np.maximum(sigma, 1e-4) * mu
        second = [c.dq * c.dz for c in cells]
        targets = [aim[:, None, None] - s for s in second]
        dp, dy = self._direction(
            cells, p, y, inverse, residual, targets, aim[:, None] - dp[:, nu] * dy
        )
        far_q, far_z = (
            np.minimum(options.BOUNDARY_SHARE * f, 1.0)
            for f in self._reach(cells, p, y, dp, dy)
        )
        for c in cells:
            c.q = c.q + far_q[:, None, None] * c.dq
            c.z = c.z + far_z[:, None, None] * c.dz
        lack = lack * (1.0 - far_q) ** 2
        return p + far_z[:, None] * dp, y + far_q[:, None] * dy, lack

    def _residual(self, cells: list[_BlockVariables], p: Array, y: Array) -> Array:
        """Return by how much the relaxed solution misses the definitions.

        Shapes: ``p`` (B, P), ``y`` (B, multipliers that must not be negative).
        """
        g = np.zeros(p.shape) + self.weights
        for c in cells:
            c.columns.gather(c.back(c.q), g)
        g[:, self.positive] -= y
        return -g

    def _direction(
        self,
        cells: list[_BlockVariables],
        p: Array,
        y: Array,
        inverse: Array,
        residual: Array,
        targets: list[Array],
        aim: Any,
    ) -> tuple[Array, Array]:
        nu = self.positive
        rhs = residual.copy()
        for c, target in zip(cells, targets, strict=True):
            c.aim(target, rhs)
        v = aim / p[:, nu] - y
        rhs[:, nu] += v
        dp = np.matmul(inverse, rhs[..., None])[..., 0]
        for c in cells:
            c.move(dp)
        return dp, v - y / p[:, nu] * dp[:, nu]

    def _reach(
        self, cells: list[_BlockVariables], p: Array, y: Array, dp: Array, dy: Array
    ) -> tuple[Array, Array]:
        far_q = np.full(len(p), 1.0)
        far_z = np.full(len(p), 1.0)
        for c in cells:
            far_q = np.minimum(far_q, _limit(c.q, c.dq))
            far_z = np.minimum(far_z, _limit(c.z, c.dz))
        if len(self.positive):
            far_q = np.minimum(far_q, _limit(y, dy))
            far_z = np.minimum(far_z, _limit(p[:, self.positive], dp[:, self.positive]))
        return far_q, far_z
