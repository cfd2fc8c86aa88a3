"""Random calls of linear algebra and of polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functions.draws import Call, Draw

P = np.polynomial.polynomial


def _square(d: Draw) -> tuple[int, ...]:
    n = d.pick(1, 2, 2, 3, 3, 4, 5)
    s = (*d.full(0, 1), n, n)
    return d.shape() if d.chance(0.1) else s


def _firm(x: Any) -> Any:
    """Return a matrix with a heavy diagonal, which is far from singular."""
    return x + 3 * np.eye(x.shape[-1]) if len(x.shape) > 1 else x


def _of_matrix(f: Any, prepared: Any = _firm) -> Callable[[Draw], Call]:
    return lambda d: ([_square(d)], lambda x: f(prepared(x)))


def _solve(d: Draw) -> Call:
    s = _square(d)
    n = s[-1] if s else 1
    b = d.pick((n,), (*s[:-1], 2), (n, 1), d.shape(0, 2))
    return [s, b], lambda a, b: np.linalg.solve(_firm(a), b)


def _gram(x: Any) -> Any:
    return np.swapaxes(x, -1, -2) @ x + 0.5 * np.eye(x.shape[-1])


def _cholesky(d: Draw) -> Call:
    kw = d.keywords(upper=d.flag)
    return [_square(d)], lambda x: np.linalg.cholesky(_gram(x), **kw)


def _matrix_power(d: Draw) -> Call:
    n = d.pick(-2, -1, 0, 1, 2, 3, 5, 0.5)
    return [_square(d)], lambda x: np.linalg.matrix_power(_firm(x), n)


def _tensorsolve(d: Draw) -> Call:
    a = d.pick((2, 3, 6), (6, 2, 3), (2, 2, 4), (4, 2, 2), (3, 3), (3, 2))
    b = next((a[:i] for i in (1, 2) if np.prod(a[:i]) ** 2 == np.prod(a)), a[:1])
    b = a[:2] if d.chance(0.1) else b
    shift = 3 * np.eye(int(np.prod(b)))
    if np.prod(a) != shift.size:
        return [a, b], np.linalg.tensorsolve
    return [a, b], lambda x, y: np.linalg.tensorsolve(x + shift.reshape(a), y)


def _tensorinv(d: Draw) -> Call:
    a, ind = d.pick(((2, 3, 6), 2), ((6, 2, 3), 1), ((4, 2, 2), 1), ((3, 2), 1))
    n = int(np.prod(a[:ind]))
    if n * n != np.prod(a):
        return [a], lambda x: np.linalg.tensorinv(x, ind)
    shift = 3 * np.eye(n).reshape(a)
    return [a], lambda x: np.linalg.tensorinv(x + shift, ind)


def _lstsq(d: Draw) -> Call:
    n = 1 + d.below(4)
    m = n + d.below(3)
    shift = 3 * np.eye(m, n)
    b = d.pick((m,), (m, 2), (m + 1,))

    def call(x: Any, y: Any) -> Any:
        return list(np.linalg.lstsq(x + shift, y)[:2])

    return [(m, n), b], call


def _pinv(d: Draw) -> Call:
    m, n = 1 + d.below(4), 1 + d.below(4)
    s = d.pick((m, n), (2, m, n), (m,))
    return [s], lambda x: np.linalg.pinv(x + 3 * np.eye(m, n) if len(s) > 1 else x)


def _cond(d: Draw) -> Call:
    p = d.pick(None, 1, -1, np.inf, -np.inf, "fro", 2, 1, 1)
    return [_square(d)], lambda x: np.linalg.cond(_firm(x), p)


# from 2.5 on NumPy refuses vectors of two elements in `np.cross`
SHORTEST = 2 if np.lib.NumpyVersion(np.__version__) < "2.5.0" else 3


def _cross(d: Draw) -> Call:
    s = list(d.full(0, 2))
    n = d.pick(3, 3, 3, SHORTEST)
    if d.flag:
        axis = d.below(len(s) + 1)
        s.insert(axis, 3)
        return [tuple(s)] * 2, lambda x, y: np.cross(x, y, axis=axis)
    a = (*s, n)
    wide = d.wider((*s, 3)) if SHORTEST == 2 else a
    return [a, d.pick(a, (3,), wide)], lambda x, y: np.cross(x, y)


def _linalg_cross(d: Draw) -> Call:
    s = (*d.full(0, 2), d.pick(3, 3, 3, 2))
    return [s, s], np.linalg.cross


def _vecdot(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(1, 4)
        kw = d.keywords(axis=d.pick(-1, d.axis(max(len(s), 1))))
        return [s, d.pick(s, d.wider(s))], lambda x, y: f(x, y, **kw)

    return make


def vecmat(d: Draw) -> Call:
    m, n = d.length(), d.length()
    lead = d.shape(0, 2)
    a = d.pick((m,), (*lead, m), (*d.wider(lead), m)[-5:], (n, m))
    return [a, (*lead, m, n)], np.vecmat


def _einsum_path(d: Draw) -> Call:
    a, b = d.full(2, 2), d.full(1, 1)
    text = d.pick("ij,k->ik", "ij,j", "ij,j->i", "ij")
    return [a, b], lambda x, y: [len(np.einsum_path(text, x, y)[0])]


def _polyval(d: Draw) -> Call:
    p, x = d.shape(1, 1), d.shape(0, 3)
    if d.flag:
        numbers = d.rng.normal(size=p)
        return [x], lambda v: np.polyval(numbers, v)
    return [p, x], np.polyval


def _double(f: Any, together: bool) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.full(0, 2)
        t = s if together else d.full(0, 1)
        return [s, t, d.full(2, 2)], f

    return make


def _poly(d: Draw) -> Call:
    return [(1 + d.below(4),)], lambda r: np.poly(r)


def _two_polynomials(f: Any) -> Callable[[Draw], Call]:
    return lambda d: ([d.full(1, 1), d.full(1, 1)], f)


def _polydiv(d: Draw) -> Call:
    n = 1 + d.below(3)
    divisor = np.array([2.0, -0.5, 0.25])[:n]
    return [d.full(1, 1)], lambda u: list(np.polydiv(u, divisor))


def _polyder(d: Draw) -> Call:
    m = d.pick(0, 1, 2, -1)
    return [d.full(1, 1)], lambda p: np.polyder(p, m)


def _polyint(d: Draw) -> Call:
    m = d.pick(0, 1, 2, -1)
    k = d.pick(None, 2.0, [1.0, 2.0])
    return [d.full(1, 1)], lambda p: np.polyint(p, m, k)


def _polyfit(d: Draw) -> Call:
    n, degree = 4 + d.below(3), d.below(3)
    points = np.linspace(-1, 1, n)
    weights = d.pick(None, d.rng.uniform(0.5, 2, size=n))
    return [d.pick((n,), (n, 2), (n + 1,))], lambda y: np.polyfit(
        points, y, degree, w=weights
    )


def _vander(d: Draw) -> Call:
    n, up = d.pick(None, 0, 1, 3), d.flag
    return [d.pick(d.shape(1, 1), d.shape(1, 1), d.shape())], lambda x: np.vander(
        x, n, up
    )


LINALG = {
    np.linalg.det: _of_matrix(np.linalg.det, lambda x: x),
    np.linalg.slogdet: _of_matrix(lambda x: list(np.linalg.slogdet(x))),
    np.linalg.inv: _of_matrix(np.linalg.inv),
    np.linalg.solve: _solve,
    np.linalg.cholesky: _cholesky,
    np.linalg.matrix_power: _matrix_power,
    np.linalg.tensorsolve: _tensorsolve,
    np.linalg.tensorinv: _tensorinv,
    np.linalg.lstsq: _lstsq,
    np.linalg.pinv: _pinv,
    np.linalg.cond: _cond,
    np.cross: _cross,
    np.linalg.cross: _linalg_cross,
    np.linalg.vecdot: _vecdot(np.linalg.vecdot),
    np.einsum_path: _einsum_path,
    np.polyval: _polyval,
    P.polyval2d: _double(P.polyval2d, True),
    P.polygrid2d: _double(P.polygrid2d, False),
    np.poly: _poly,
    np.polyadd: _two_polynomials(np.polyadd),
    np.polysub: _two_polynomials(np.polysub),
    np.polymul: _two_polynomials(np.polymul),
    np.polydiv: _polydiv,
    np.polyder: _polyder,
    np.polyint: _polyint,
    np.polyfit: _polyfit,
    np.vander: _vander,
}
