"""Cases of statistics, linear algebra, polynomials, ranges and joins by places.

Entries as in `numpy_cases`.
"""

from __future__ import annotations

import numpy as np

M, V, T, S = (3, 4), (5,), (2, 3, 4), ()
Q2, Q3, Q4 = (2, 2), (3, 3), (4, 4)
ROWS = np.array([[True], [False], [True]])
SOME = np.array([True, False, True, True])
P = np.polynomial.polynomial


def firm(x):
    """A matrix with a heavy diagonal, far from singular."""
    return x + 2 * np.eye(x.shape[-1])


def ridge(x):
    return x.T @ x / 4 + np.eye(x.shape[-1])


STATISTICS = [
    (np.sum, [M], lambda x: np.sum(x, where=SOME)),
    (np.sum, [M], lambda x: np.sum(x, axis=0, where=ROWS, initial=2.0)),
    (np.mean, [M], lambda x: np.mean(x, axis=1, where=SOME)),
    (np.mean, [M], lambda x: np.mean(x, 0, keepdims=True, where=ROWS)),
    (np.prod, [M], lambda x: np.prod(x, axis=1, where=SOME)),
    (np.max, [M], lambda x: np.max(x, axis=1, where=SOME, initial=-1.0)),
    (np.min, [M], lambda x: np.min(x, axis=1, where=SOME, initial=0.5)),
    (np.var, [M], lambda x: np.var(x, where=SOME, ddof=1)),
    (np.std, [M], lambda x: np.std(x, axis=1, where=SOME, keepdims=True)),
    (np.nansum, [T], lambda x: np.nansum(x, axis=1)),
    (np.nanmean, [T], lambda x: np.nanmean(x, axis=(0, 1))),
    (np.nanprod, [M], lambda x: np.nanprod(x, axis=1)),
    (np.nanmax, [M], lambda x: np.nanmax(x, axis=0)),
    (np.nanmin, [M], lambda x: np.nanmin(x)),
    (np.nanvar, [M], lambda x: np.nanvar(x, axis=0, ddof=1)),
    (np.nanstd, [M], lambda x: np.nanstd(x)),
    (np.cumprod, [T], lambda x: np.cumprod(x, axis=-1)),
    (np.cumprod, [M], lambda x: np.cumprod(x)),
    (np.nancumsum, [M], lambda x: np.nancumsum(x, 0)),
    (np.nancumprod, [M], lambda x: np.nancumprod(x, 1)),
    (np.cumulative_sum, [M], lambda x: np.cumulative_sum(x, axis=0)),
    (np.cumulative_sum, [V], lambda x: np.cumulative_sum(x, include_initial=True)),
    (np.cumulative_prod, [M], lambda x: np.cumulative_prod(x, axis=1)),
    (
        np.cumulative_prod,
        [M],
        lambda x: np.cumulative_prod(x, axis=0, include_initial=True),
    ),
    (np.cov, [M], lambda x: np.cov(x)),
    (np.cov, [V], lambda x: np.cov(x)),
    (np.cov, [M], lambda x: np.cov(x, rowvar=False, bias=True)),
    (np.cov, [V, V], lambda x, y: np.cov(x, y, ddof=0)),
    (np.cov, [V], lambda x: np.cov(x, fweights=[1, 2, 0, 1, 3])),
    (np.cov, [M], lambda x: np.cov(x, aweights=[1.0, 2.0, 0.5, 1.0])),
    (np.corrcoef, [M], lambda x: np.corrcoef(x)),
    (np.corrcoef, [V, V], np.corrcoef),
    (np.ediff1d, [M, S], lambda x, y: np.ediff1d(x, y, [1.0, 2.0])),
    (np.gradient, [V], lambda x: np.gradient(x)),
    (np.gradient, [M], lambda x: np.gradient(x, 0.5, axis=1, edge_order=2)),
    (np.gradient, [M], lambda x: np.gradient(x, [0.0, 1.0, 3.0], axis=0)),
    (
        np.gradient,
        [M],
        lambda x: np.gradient(x, [0.0, 1.0, 3.0], 0.5, edge_order=2)[0],
    ),
    (np.gradient, [V, V], lambda x, y: np.gradient(x, np.arange(5) + y / 4)),
    (np.apply_along_axis, [M], lambda x: np.apply_along_axis(np.cumprod, 0, x)),
    (
        np.apply_along_axis,
        [M],
        lambda x: np.apply_along_axis(lambda v: np.outer(v, v), 1, x),
    ),
    (np.apply_over_axes, [T], lambda x: np.apply_over_axes(np.sum, x, [0, 2])),
]
LINALG = [
    *[
        (np.linalg.det, [(*lead, n, n)], np.linalg.det)
        for n in (1, 2, 3, 4, 5)
        for lead in ([], [2])
        if n < 5 or not lead
    ],
    (np.linalg.slogdet, [Q2], lambda x: np.linalg.slogdet(firm(x))[1]),
    (np.linalg.slogdet, [Q4], lambda x: np.linalg.slogdet(firm(x)).sign + x.sum()),
    *[
        (np.linalg.inv, [(n, n)], lambda x: np.linalg.inv(firm(x)))
        for n in (1, 2, 3, 4)
    ],
    (np.linalg.inv, [(2, 4, 4)], lambda x: np.linalg.inv(firm(x))),
    (np.linalg.inv, [(6, 3)], lambda x: np.linalg.inv(ridge(x))),
    (np.linalg.solve, [Q2, (2,)], lambda a, b: np.linalg.solve(firm(a), b)),
    (np.linalg.solve, [Q3, (3, 2)], lambda a, b: np.linalg.solve(firm(a), b)),
    (np.linalg.solve, [Q4, (4,)], lambda a, b: np.linalg.solve(firm(a), b)),
    (np.linalg.solve, [Q4, (2, 4, 3)], lambda a, b: np.linalg.solve(firm(a), b)),
    (
        np.linalg.solve,
        [(5, 2), (5,)],
        lambda x, y: np.linalg.solve(x.T @ x / 5 + 0.5 * np.eye(2), x.T @ y),
    ),
    (
        np.linalg.solve,
        [(6, 4), (6,)],
        lambda x, y: np.linalg.solve(np.eye(4) + 2 * (x.T @ x), x.T @ y),
    ),
    (np.linalg.tensorsolve, [(2, 3, 6), (2, 3)], lambda a, b: np.linalg.tensorsolve(
        a + 2 * np.eye(6).reshape(2, 3, 6), b
    )),
    (np.linalg.tensorinv, [(4, 2, 2)], lambda a: np.linalg.tensorinv(
        a + 2 * np.eye(4).reshape(4, 2, 2), 1
    )),
    (np.linalg.lstsq, [(4, 2), (4,)], lambda a, b: np.linalg.lstsq(
        a + 2 * np.eye(4, 2), b
    )[0]),
    (np.linalg.lstsq, [(4, 2), (4, 2)], lambda a, b: np.linalg.lstsq(
        a + 2 * np.eye(4, 2), b
    )[1]),
    (np.linalg.pinv, [(4, 2)], lambda a: np.linalg.pinv(a + 2 * np.eye(4, 2))),
    (np.linalg.pinv, [(2, 4)], lambda a: np.linalg.pinv(a + 2 * np.eye(2, 4))),
    (np.linalg.cond, [Q2], lambda a: np.linalg.cond(firm(a), "fro")),
    (np.linalg.cond, [Q4], lambda a: np.linalg.cond(firm(a), 1)),
    *[
        (np.linalg.cholesky, [(n, n)], lambda x: np.linalg.cholesky(ridge(x)))
        for n in (1, 2, 4)
    ],
    (np.linalg.cholesky, [Q3], lambda x: np.linalg.cholesky(ridge(x), upper=True)),
    (np.linalg.matrix_power, [Q3], lambda x: np.linalg.matrix_power(x, 3)),
    (np.linalg.matrix_power, [Q2], lambda x: np.linalg.matrix_power(firm(x), -2)),
    (np.linalg.matrix_power, [Q2], lambda x: np.linalg.matrix_power(x, 0) * x),
    (np.linalg.vecdot, [M, (4,)], np.linalg.vecdot),
    (np.cross, [(3,), (3,)], np.cross),
    (np.cross, [(2, 3), (3,)], np.cross),
    (np.cross, [M, M], lambda x, y: np.cross(x, y, axis=0)),
    (np.linalg.cross, [(2, 3), (2, 3)], np.linalg.cross),
    (np.einsum, [M, (4, 2)], lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2])),
    (np.einsum, [T, (4,)], lambda a, b: np.einsum(a, [..., 1], b, [1])),
    (np.einsum_path, [M, (4,)], lambda a, b: (
        len(np.einsum_path("ij,j", a, b)[0]) * a.sum() * b.sum()
    )),
    (np.polyval, [S], lambda x: np.polyval([1.0, -2.0, 3.0], x)),
    (np.polyval, [S], lambda x: np.poly1d([1, 2, 3])(x)),
    (np.polyval, [(3,), M], np.polyval),
    (P.polyval2d, [V, V, (2, 3)], P.polyval2d),
    (P.polygrid2d, [V, (2,), (2, 3)], P.polygrid2d),
    (np.polyval, [V], lambda x: P.polyval(x, [1.0, -2.0, 3.0])),
    (np.poly, [(3,)], lambda r: np.poly(r)),
    (np.polyadd, [(3,), (2,)], np.polyadd),
    (np.polysub, [(2,), (3,)], np.polysub),
    (np.polymul, [(3,), (2,)], np.polymul),
    (np.polydiv, [(4,)], lambda u: np.polydiv(u, [2.0, 1.0, -0.5])[0]),
    (np.polydiv, [(4,)], lambda u: np.polydiv(u, [2.0, 1.0, -0.5])[1]),
    (np.polyder, [(4,)], lambda p: np.polyder(p, 2)),
    (np.polyint, [(3,)], lambda p: np.polyint(p, 2, k=[1.0, 2.0])),
    (np.polyfit, [V], lambda y: np.polyfit([-2, -1, 0, 1, 2], y, 1)),
    (np.polyfit, [V], lambda y: np.polyfit([-2, -1, 0, 1, 2], y, 2, w=[1, 2, 1, 2, 1])),
    (np.vander, [(3,)], lambda x: np.vander(x)),
    (np.vander, [(3,)], lambda x: np.vander(x, 4, increasing=True)),
]  # fmt: skip
PLACES = [
    (np.unstack, [T], lambda x: np.unstack(x, axis=1)[2]),
    (np.insert, [M, S], lambda x, y: np.insert(x, 1, y, axis=1)),
    (np.insert, [V, (2,)], lambda x, y: np.insert(x, [0, 3], y)),
    (np.block, [Q2, (2, 1)], lambda x, y: np.block([[x, y], [y.T, np.eye(1)]])),
    (np.choose, [V, V], lambda x, y: np.choose([0, 1, 1, 0, 1], [x, y])),
    (np.compress, [M], lambda x: np.compress([True, False, True], x, axis=0)),
    (np.extract, [M], lambda x: np.extract(np.eye(3, 4) == 0, x)),
    (np.rollaxis, [T], lambda x: np.rollaxis(x, 2)),
    (np.fft.fftshift, [V], lambda x: np.fft.fftshift(x)),
    (np.fft.ifftshift, [M], lambda x: np.fft.ifftshift(x, axes=1)),
    (np.linspace, [S, S], lambda a, b: np.linspace(a, b, 5)),
    (np.linspace, [V], lambda b: np.linspace(0, b, 3, endpoint=False, axis=1)),
    (np.linspace, [S], lambda b: np.linspace(1, b, 3, retstep=True)[1]),
    (np.logspace, [S, S], lambda a, b: np.logspace(a, b, 4)),
    (np.logspace, [S, (2,)], lambda a, b: np.logspace(a, 1.5, 4, base=b + 1)),
    (np.geomspace, [S, S], lambda a, b: np.geomspace(a, b + 1, 4)),
    (np.geomspace, [V], lambda a: np.geomspace(a, 3.0, 3, endpoint=False)),
    (np.meshgrid, [V, (2,)], lambda x, y: np.meshgrid(x, y)[0] * y[0]),
    (np.meshgrid, [V, (2,)], lambda x, y: (
        np.meshgrid(x, y, sparse=True, indexing="ij")[1] * x[0]
    )),
    (np.astype, [M], lambda x: np.astype(x, np.float64)),
    (np.nan_to_num, [M], lambda x: np.nan_to_num(x)),
    (np.real, [M], lambda x: np.real(x)),
    (np.imag, [M], lambda x: np.imag(x) + x),
    (np.angle, [M], lambda x: np.angle(x) + np.angle(-x, deg=True) * x),
    (np.real_if_close, [M], lambda x: np.real_if_close(x)),
    (np.iscomplexobj, [M], lambda x: x * np.iscomplexobj(x)),
    (np.isrealobj, [M], lambda x: x * np.isrealobj(x)),
    (np.isreal, [M], lambda x: x * np.isreal(x)),
    (np.iscomplex, [M], lambda x: x * np.iscomplex(x)),
    (np.result_type, [M], lambda x: x * np.ones(4, np.result_type(x))),
    (np.common_type, [M], lambda x: x * np.ones(4, np.common_type(x))),
    *[
        (f, [Q3], lambda x, f=f: x[f(x)])
        for f in (np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)
    ],
    (np.full, [S], lambda x: np.full((2, 3), x, like=x)),
    (np.empty_like, [M], lambda x: np.empty_like(x) * 0 + x),
    *[
        (f, [(3,)], lambda x, f=f: x * f(3, like=x))
        for f in (np.zeros, np.ones, np.eye, np.identity, np.arange, np.tri)
    ],
    (
        np.fromfunction,
        [(3,)],
        lambda x: x * np.fromfunction(lambda i: i * 2, (3,), like=x),
    ),
    (np.empty, [(3,)], lambda x: x + 0 * np.empty(3, like=x)),
    *[
        (f, [M], lambda x, f=f: f(x, like=x))
        for f in (
            np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.require,
            np.asfortranarray,
        )
    ],
]  # fmt: skip
METHODS = [
    ("add.reduce", [M], lambda x: np.add.reduce(x, 1, where=SOME)),
    ("maximum.reduce", [M], lambda x: np.maximum.reduce(x, 1, where=SOME, initial=0)),
    ("fmax.reduce", [M], lambda x: np.fmax.reduce(x, 1)),
    ("fmin.reduce", [M], lambda x: np.fmin.reduce(x, 1)),
    *[
        (f"{f.__name__}.accumulate", [T], lambda x, f=f: f.accumulate(x, axis=2))
        for f in (
            np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp,
        )
    ],
    ("x.astype", [M], lambda x: x.astype(float)),
    ("x.real", [M], lambda x: x.real),
    ("x.imag", [M], lambda x: x.imag + x),
    ("x.conj", [M], lambda x: x.conj()),
    ("x.copy", [M], lambda x: x.copy()),
    ("x.mT", [T], lambda x: x.mT),
    ("x.cumsum", [M], lambda x: x.cumsum(axis=0)),
    ("x.cumprod", [M], lambda x: x.cumprod(1)),
    ("x.trace", [M], lambda x: x.trace(1)),
    ("x.diagonal", [M], lambda x: x.diagonal()),
    ("x.repeat", [M], lambda x: x.repeat(2, axis=1)),
    ("x.take", [M], lambda x: x.take([0, 2], axis=0)),
    ("x.compress", [M], lambda x: x.compress(SOME, axis=1)),
    ("x.swapaxes", [T], lambda x: x.swapaxes(0, 2)),
    ("x.sum", [M], lambda x: x.sum(1, where=SOME)),
]  # fmt: skip
