"""Random calls of every array function, ufunc, ufunc method and method of arrays.

One generator for each: given a `Draw` it returns the shapes of the arrays that are to
be Variables, and the call.  Arguments are mostly right and now and then wrong (an axis
out of bounds, shapes that do not fit), since what NumPy refuses has to be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from tests.functions import random_places
from tests.functions.draws import Call, Draw
from tests.functions.random_linalg import LINALG, vecmat
from tests.functions.random_places import PLACES
from tests.functions.random_statistics import ACCUMULATED, STATISTICS

windows = np.lib.stride_tricks.sliding_window_view


def _reduction(f: Any, **more: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape()
        given = {"axis": d.some(len(s)), "keepdims": d.flag}
        given |= {k: d.pick(*v) for k, v in more.items()}
        kw = d.keywords(**given)
        return [s], lambda x: f(x, **kw)

    return make


def _average(d: Draw) -> Call:
    s = d.full(0, 4)
    axis, kw = d.some(len(s)), d.keywords(keepdims=d.flag)
    axes = (
        range(len(s)) if axis is None else axis if isinstance(axis, tuple) else [axis]
    )
    try:
        part = tuple(s[i] for i in axes)
    except IndexError:
        part = ()
    w = d.pick(None, s, part)
    if w is None:
        return [s], lambda x: np.average(x, axis, returned=True, **kw)
    return [s, w], lambda x, y: np.average(x, axis, weights=y, returned=True, **kw)


def _trapezoid(d: Draw) -> Call:
    s = d.shape(1)
    axis = d.axis(len(s)) if len(s) else 0
    kw = d.keywords(axis=axis, dx=d.pick(0.5, 2))
    at = kw.get("axis", -1)
    if d.flag or not -len(s) <= at < len(s):
        return [s], lambda x: np.trapezoid(x, **kw)
    points = d.pick((s[at],), s, d.wider(s))
    return [s, points], lambda y, x: np.trapezoid(y, x, **kw)


def _norm(d: Draw) -> Call:
    s = d.full(0, 4)
    axis = d.some(len(s))
    order = d.pick(None, 1, 2, np.inf, -np.inf, 3, 2.5, -1, "fro", -2)
    kw = d.keywords(axis=axis, keepdims=d.flag, ord=order)
    return [s], lambda x: np.linalg.norm(x, **kw)


def _vector_norm(d: Draw) -> Call:
    s = d.full(0, 4)
    kw = d.keywords(
        axis=d.some(len(s)), keepdims=d.flag, ord=d.pick(1, 2, np.inf, -np.inf, 3, -1)
    )
    return [s], lambda x: np.linalg.vector_norm(x, **kw)


def _matrix_norm(d: Draw) -> Call:
    kw = d.keywords(keepdims=d.flag, ord=d.pick("fro", 1, -1, np.inf, -np.inf))
    return [d.full(2, 4)], lambda x: np.linalg.matrix_norm(x, **kw)


def _matmul(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        n, m, k = d.length(), d.length(), d.length()
        lead = d.shape(0, 3)
        a = d.pick((m,), (n, m), (*lead, n, m), (*d.wider(lead), n, m)[-5:])
        b = d.pick((m,), (m, k), (*lead, m, k), (*d.wider(lead), m, k)[-5:])
        if d.chance(0.05):
            b = d.shape()
        return [a, b], f

    return make


def _dot(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        a = d.shape(0, 3)
        m = a[-1] if a else d.length()
        columns = (d.length(),) if f is np.dot else ()
        b = d.pick((), (m,), (*d.shape(0, 2), m, *columns))
        return [a, b], f

    return make


def _vdot(d: Draw) -> Call:
    a = d.shape(0, 3)
    n = int(np.prod(a))
    return [a, d.pick(a, (n,), (1, n), a[::-1])], np.vdot


def _tensordot(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        a = d.shape(0, 3)
        n = d.below(len(a) + 1)
        if d.flag:
            b = (*a[len(a) - n :], *d.shape(0, 2))
            n = d.pick(n, n, n, n, n, -1, 4)
            return [a, b], lambda x, y: f(x, y, axes=n)
        left = [int(i) for i in d.rng.permutation(len(a))[:n]]
        rest = d.shape(0, 2)
        b = (*(a[i] for i in left), *rest)
        order = d.rng.permutation(len(b))
        right = [int(np.flatnonzero(order == j)[0]) for j in range(n)]
        b = tuple(b[i] for i in order)
        if n and d.chance(0.05):
            left[0] = left[-1]
        left = [i - len(a) if d.flag else i for i in left]
        return [a, b], lambda x, y: f(x, y, axes=(left, right))

    return make


def _einsum(d: Draw) -> Call:
    size = {c: d.length() or 2 for c in "ijkLm"}
    terms, shapes = [], []
    dots = tuple(d.pick(1, 2, 3) for _ in range(d.below(3)))
    for _ in range(1 + d.below(3)):
        letters = [d.pick(*size) for _ in range(d.below(4))]
        shape = [1 if d.chance(0.1) else size[c] for c in letters]
        text = "".join(letters)
        if d.chance(0.4):
            at, own = d.below(len(letters) + 1), dots[d.below(len(dots) + 1) :]
            text = text[:at] + "..." + text[at:]
            shape[at:at] = [1 if d.chance(0.2) else n for n in own]
        terms.append(text)
        shapes.append(tuple(shape))
    used = sorted({c for t in terms for c in t if c != "."})
    text = d.pick(",", ", ").join(terms)
    if d.flag:
        out = "".join(d.rng.permutation(used)[: d.below(len(used) + 1)])
        at = d.below(len(out) + 1)
        text += "->" + (out[:at] + "..." + out[at:] if d.chance(0.7) else out)
    if d.chance(0.05):
        text = d.pick(text + "->", text.replace("i", "1"), text + "..", text + "z")
    return shapes, lambda *xs: np.einsum(text, *xs)


def _offsets(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(2, 4)
        axes = d.rng.permutation(len(s))[:2].tolist() if len(s) > 1 else [0, 1]
        kw = d.keywords(offset=d.below(5) - 2)
        if d.flag:
            kw |= {"axis1": axes[0] - (len(s) if d.flag else 0), "axis2": axes[1]}
        return [s], lambda x: f(x, **kw)

    return make


def _linalg_offset(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        kw = d.keywords(offset=d.below(5) - 2)
        return [d.shape(2, 4)], lambda x: f(x, **kw)

    return make


def _convolve(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        kw = d.keywords(mode=d.pick("full", "same", "valid"))
        a, b = (d.pick((), (1,), (2,), (3,), (4,), (5,), (6,), (0,)) for _ in "ab")
        return [a, b], lambda x, y: f(x, y, **kw)

    return make


def _multi_dot(d: Draw) -> Call:
    n = [d.length() for _ in range(5)]
    count = 2 + d.below(3)
    shapes = [(n[i], n[i + 1]) for i in range(count)]
    if d.chance(0.2):
        shapes[0] = shapes[0][1:]
    if d.chance(0.2):
        shapes[-1] = shapes[-1][:1]
    if d.chance(0.1):
        shapes[d.below(count)] = d.shape()
    return shapes, lambda *xs: np.linalg.multi_dot(list(xs))


def _reshape(d: Draw) -> Call:
    s = d.shape()
    new = list(d.rng.permutation(s).astype(int).tolist())
    if len(new) > 1 and d.flag:
        new[:2] = [new[0] * new[1]]
    if new and d.flag:
        new[d.below(len(new))] = -1
    if d.chance(0.1):
        new = d.pick(
            [-n for n in new], [*new, -1, -1], [*new, 2], [float(n) for n in new]
        )
    shape = d.pick(tuple(new), new, new[0] if len(new) == 1 else tuple(new))
    return [s], lambda x: np.reshape(x, shape)


def _transpose(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape()
        axes = [int(i) - (len(s) if d.flag else 0) for i in d.rng.permutation(len(s))]
        if axes and d.chance(0.1):
            axes[0] = d.pick(axes[-1], len(s))
        kw = d.keywords(axes=d.pick(None, tuple(axes), axes))
        return [s], lambda x: f(x, **kw)

    return make


def _swapaxes(d: Draw) -> Call:
    s = d.shape()
    i, j = d.axis(len(s)), d.axis(len(s))
    return [s], lambda x: np.swapaxes(x, i, j)


def _moveaxis(d: Draw) -> Call:
    s = d.shape()
    if d.flag:
        i, j = d.axis(len(s)), d.axis(len(s))
        return [s], lambda x: np.moveaxis(x, i, j)
    n = d.below(len(s) + 1)
    a, b = (d.rng.permutation(len(s))[:n].tolist() for _ in "ab")
    a = [i - len(s) if d.flag else i for i in a]
    if n and d.chance(0.1):
        b[0] = b[-1]
    return [s], lambda x: np.moveaxis(x, a, b)


def _expand_dims(d: Draw) -> Call:
    s = d.shape(0, 3)
    axis = d.pick(d.axis(len(s) + 1), (0, -1), (1, 0), (0, 0), (2,))
    return [s], lambda x: np.expand_dims(x, axis)


def _squeeze(d: Draw) -> Call:
    s = tuple(d.pick(1, 1, 2, 0) for _ in range(d.below(6)))
    ones = [i for i, n in enumerate(s) if n == 1]
    kw = d.keywords(axis=d.pick(tuple(ones), d.axis(len(s)), tuple(ones[:1])))
    return [s], lambda x: np.squeeze(x, **kw)


def _broadcast_to(d: Draw) -> Call:
    s = d.shape(0, 3)
    shape = d.pick(d.wider(s), (*d.shape(0, 2), *(n if n != 1 else 3 for n in s)))
    return [s], lambda x: np.broadcast_to(x, shape)


def _several(f: Any, least: int = 0, most: int = 4) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        shapes = [d.shape(least, most) for _ in range(1 + d.below(3))]
        return shapes, lambda *xs: f(*xs)

    return make


def _broadcast_arrays(d: Draw) -> Call:
    s = d.shape(0, 3)
    return [s, d.wider(s), d.wider(s)], lambda *xs: np.broadcast_arrays(*xs)


def _joined(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(0, 4)
        axis = d.axis(len(s))
        kw = d.keywords(axis=axis if d.chance(0.85) else None)
        at = kw.get("axis", 0)
        shapes = []
        for _ in range(1 + d.below(3)):
            t = list(s)
            if at is not None and -len(s) <= at < len(s) and d.chance(0.9):
                t[at] = d.length()
            shapes.append(d.shape() if d.chance(0.03) else tuple(t))
        return shapes, lambda *xs: f([*xs], **kw)

    return make


def _append(d: Draw) -> Call:
    shapes, _ = _joined(np.concatenate)(d)
    axis = d.pick(None, d.axis(len(shapes[0])))
    pair = [shapes[0], shapes[-1]]
    return pair, lambda x, y: np.append(x, y, axis)


def _stack(d: Draw) -> Call:
    s = d.shape(0, 4)
    kw = d.keywords(axis=d.axis(len(s) + 1))
    shapes = [s if d.chance(0.97) else d.shape() for _ in range(1 + d.below(3))]
    return shapes, lambda *xs: np.stack(xs, **kw)


def _stacked(f: Any, along: int) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(0, 4)
        shapes = []
        for _ in range(1 + d.below(3)):
            t = list(s)
            at = 0 if len(s) == 1 and along == 1 else along
            if at < len(s):
                t[at] = d.length()
            shapes.append(d.shape() if d.chance(0.03) else tuple(t))
        return shapes, lambda *xs: f(xs)

    return make


def _column_stack(d: Draw) -> Call:
    n = d.length()
    shapes = [d.pick((n,), (n, d.length()), (n, 1)) for _ in range(1 + d.below(3))]
    if d.chance(0.1):
        shapes[0] = d.shape()
    return shapes, lambda *xs: np.column_stack(xs)


def _split(f: Any, axis: int | None = None) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(1 if axis is None else axis + 1, 4)
        at = d.axis(len(s)) if axis is None else min(axis, len(s) - 1)
        kw = d.keywords(axis=at) if axis is None else {}
        at = at if kw or axis is not None else 0
        n = s[at] if -len(s) <= at < len(s) else 1
        how = d.pick(1, n, n, 2, 3, [1], [1, 2], [0, -1], [2, 1], 0)
        return [s], lambda x: f(x, how, **kw)

    return make


def _take(d: Draw) -> Call:
    s = d.full(0, 4)
    axis = d.pick(None, d.axis(len(s)))
    at = axis if axis is not None and -len(s) <= axis < len(s) else None
    n = int(np.prod(s)) if at is None else s[at]
    mode = d.pick("raise", "wrap", "clip")
    index = d.rng.integers(-n, n + (mode != "raise") * 3, size=d.shape(0, 2))
    return [s], lambda x: np.take(x, index, axis=axis, mode=mode)


def _take_along_axis(d: Draw) -> Call:
    s = d.full(1, 4)
    axis = d.pick(None, d.axis(len(s)))
    if axis is None or not -len(s) <= axis < len(s):
        index = d.rng.integers(0, 2, size=3)
    else:
        shape = [n if d.chance(0.8) else 1 for n in s]
        shape[axis] = d.length()
        index = d.rng.integers(-s[axis], s[axis], size=shape)
    return [s], lambda x: np.take_along_axis(x, index, axis=axis)


def _where(d: Draw) -> Call:
    s = d.shape(0, 4)
    mask = d.rng.random(d.wider(s)) < 0.5
    mask = d.pick(mask, mask.astype(float), mask.astype(int))
    return [s, d.wider(s)], lambda x, y: np.where(mask, x, y)


def _clip(d: Draw) -> Call:
    s = d.shape(0, 4)
    kind = d.below(5)
    if kind == 0:
        return [s, d.wider(s), d.wider(s)], np.clip
    low, high = d.pick((-0.5, 0.5), (None, 0.2), (0.1, None), (0.4, -0.4), (None, None))
    if kind == 1:
        return [s], lambda x: np.clip(x, min=low, max=high)
    return [s], lambda x: np.clip(x, low, high)


def _roll(d: Draw) -> Call:
    s = d.shape()
    kind = d.below(3)
    if kind == 0 or not s:
        shift = d.below(9) - 4
        return [s], lambda x: np.roll(x, shift)
    if kind == 1:
        shift, axis = d.pick(d.below(9) - 4, (1, 2), (-1,)), d.axis(len(s))
        return [s], lambda x: np.roll(x, shift, axis)
    axes = tuple(d.axis(len(s)) for _ in range(2))
    shift = d.pick((1, -2), 2, (1,), (1, 2, 3))
    return [s], lambda x: np.roll(x, shift, axes)


def _repeat(d: Draw) -> Call:
    s = d.shape(0, 4)
    axis = d.pick(None, d.axis(len(s)))
    inside = axis is not None and -len(s) <= axis < len(s)
    n = s[axis] if inside else int(np.prod(s))
    times = d.pick(2, 0, [2], d.rng.integers(0, 3, size=n))
    return [s], lambda x: np.repeat(x, times, axis)


def _tile(d: Draw) -> Call:
    reps = d.pick(2, (), (2,), (1, 3), (2, 1, 2), 0, (1, 0))
    return [d.shape(0, 3)], lambda x: np.tile(x, reps)


def _pad(d: Draw) -> Call:
    s = d.full(0, 3)
    width = d.pick(0, 1, 2, (1, 2), ((0, 2),), [(d.below(3), d.below(3)) for _ in s])
    mode = d.pick("constant", "edge", "reflect", "symmetric", "wrap")
    kw = {"constant_values": d.pick(0, 1.5, (1, -2))} if mode == "constant" else {}
    return [s], lambda x: np.pad(x, width, mode, **kw)


def _windows(d: Draw) -> Call:
    s = d.shape(1, 3)
    axis = d.pick(None, d.axis(len(s)), tuple(range(len(s))))
    one = isinstance(axis, int) or len(s) == 1
    window = d.pick(1, 2) if one else tuple(d.pick(1, 2) for _ in s)
    return [s], lambda x: windows(x, window, axis)


def _triangle(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        k = d.below(5) - 2
        return [d.shape(1, 4)], lambda x: f(x, k)

    return make


def _diag(d: Draw) -> Call:
    k = d.below(5) - 2
    return [d.shape(1, 2)], lambda x: np.diag(x, k)


def _diagflat(d: Draw) -> Call:
    k = d.below(5) - 2
    return [d.shape(0, 3)], lambda x: np.diagflat(x, k)


def _like(f: Any, *more: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        kw = d.keywords(shape=d.pick(None, d.shape()), dtype=d.pick(int, float, None))
        return [d.shape()], lambda x: f(x, *more, **kw)

    return make


def _size(d: Draw) -> Call:
    s = d.shape()
    axis = d.pick(None, d.axis(len(s)))
    return [s], lambda x: np.size(x, axis)


def _rot90(d: Draw) -> Call:
    s = d.shape(2, 4)
    axes = tuple(d.axis(len(s)) for _ in range(2)) if d.flag else (0, 1)
    k = d.below(9) - 4
    return [s], lambda x: np.rot90(x, k, axes)


def _delete(d: Draw) -> Call:
    s = d.shape(1, 3)
    axis = d.pick(None, d.axis(len(s)))
    obj = d.pick(0, -1, 1, [0, -1], slice(None, None, 2), [], 7)
    return [s], lambda x: np.delete(x, obj, axis)


def _resize(d: Draw) -> Call:
    shape = d.pick(d.shape(0, 3), 5, 0)
    return [d.shape(0, 3)], lambda x: np.resize(x, shape)


def _flip(d: Draw) -> Call:
    s = d.shape()
    kw = d.keywords(axis=d.some(len(s)))
    return [s], lambda x: np.flip(x, **kw)


def _diff(d: Draw) -> Call:
    s = d.shape(0, 4)
    axis = d.axis(len(s))
    kw = d.keywords(n=d.pick(0, 1, 2, 3, -1), axis=axis)
    ends = []
    for name in ("prepend", "append"):
        if d.chance(0.3):
            t = list(s)
            at = kw.get("axis", -1)
            if t and -len(t) <= at < len(t):
                t[at] = 1 + d.below(2)
            ends.append((name, d.pick((), tuple(t))))
    return [s, *(t for _, t in ends)], lambda x, *ys: np.diff(
        x, **kw, **{name: y for (name, _), y in zip(ends, ys, strict=True)}
    )


def _pair(f: Any, least: int = 0, most: int = 3) -> Callable[[Draw], Call]:
    return lambda d: ([d.shape(least, most), d.shape(least, most)], f)


def _one(f: Any, least: int = 0, most: int = 5) -> Callable[[Draw], Call]:
    return lambda d: ([d.shape(least, most)], lambda x: f(x))


def _ravel(d: Draw) -> Call:
    kw = d.keywords(order=d.pick("C", "F"))
    return [d.shape()], lambda x: np.ravel(x, **kw)


FUNCTIONS: dict[Any, Callable[[Draw], Call]] = {
    **STATISTICS,
    **LINALG,
    **PLACES,
    np.ptp: _reduction(np.ptp),
    np.average: _average,
    np.trapezoid: _trapezoid,
    np.linalg.norm: _norm,
    np.linalg.vector_norm: _vector_norm,
    np.linalg.matrix_norm: _matrix_norm,
    np.dot: _dot(np.dot),
    np.inner: _dot(np.inner),
    np.vdot: _vdot,
    np.outer: _pair(np.outer),
    np.linalg.outer: _pair(np.linalg.outer, 1, 1),
    np.matmul: _matmul(np.matmul),
    np.linalg.matmul: _matmul(np.linalg.matmul),
    np.linalg.multi_dot: _multi_dot,
    np.tensordot: _tensordot(np.tensordot),
    np.linalg.tensordot: _tensordot(np.linalg.tensordot),
    np.einsum: _einsum,
    np.trace: _offsets(np.trace),
    np.diagonal: _offsets(np.diagonal),
    np.linalg.trace: _linalg_offset(np.linalg.trace),
    np.linalg.diagonal: _linalg_offset(np.linalg.diagonal),
    np.convolve: _convolve(np.convolve),
    np.correlate: _convolve(np.correlate),
    np.kron: _pair(np.kron),
    np.reshape: _reshape,
    np.ravel: _ravel,
    np.transpose: _transpose(np.transpose),
    np.permute_dims: _transpose(np.permute_dims),
    np.matrix_transpose: _one(np.matrix_transpose, 2),
    np.linalg.matrix_transpose: _one(np.linalg.matrix_transpose, 2),
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.broadcast_to: _broadcast_to,
    np.broadcast_arrays: _broadcast_arrays,
    np.atleast_1d: _several(np.atleast_1d),
    np.atleast_2d: _several(np.atleast_2d),
    np.atleast_3d: _several(np.atleast_3d),
    np.copy: _one(np.copy),
    np.concatenate: _joined(np.concatenate),
    np.append: _append,
    np.stack: _stack,
    np.hstack: _stacked(np.hstack, 1),
    np.vstack: _stacked(np.vstack, 0),
    np.dstack: _stacked(np.dstack, 2),
    np.column_stack: _column_stack,
    np.split: _split(np.split),
    np.array_split: _split(np.array_split),
    np.hsplit: _split(np.hsplit, 1),
    np.vsplit: _split(np.vsplit, 0),
    np.dsplit: _split(np.dsplit, 2),
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.where: _where,
    np.clip: _clip,
    np.flip: _flip,
    np.fliplr: _one(np.fliplr, 2),
    np.flipud: _one(np.flipud, 1),
    np.rot90: _rot90,
    np.roll: _roll,
    np.repeat: _repeat,
    np.tile: _tile,
    np.sinc: lambda d: ([d.shape(0, 4)], lambda x: np.sinc(x)),
    np.i0: lambda d: ([d.shape(0, 4)], lambda x: np.i0(x)),
    np.resize: _resize,
    np.delete: _delete,
    np.diff: _diff,
    np.pad: _pad,
    windows: _windows,
    np.diag: _diag,
    np.diagflat: _diagflat,
    np.tril: _triangle(np.tril),
    np.triu: _triangle(np.triu),
    np.zeros_like: _like(np.zeros_like),
    np.ones_like: _like(np.ones_like),
    np.full_like: _like(np.full_like, 2.75),
    np.shape: _one(np.shape),
    np.ndim: _one(np.ndim),
    np.size: _size,
}


def _elementwise(f: Any, arity: int) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(0, 4)
        if arity == 1:
            return [s], lambda x: f(x)
        if d.chance(0.2):
            number = d.pick(2, 0.5, -1.0)
            return [s], lambda x: f(x, number)
        return [s, d.wider(s)], lambda x, y: f(x, y)

    return make


def _vecdot(d: Draw) -> Call:
    s = d.shape(1, 4)
    t = (*d.wider(s[:-1]), *s[-1:])[-5:] if s else d.shape()
    kw = d.keywords(axis=d.pick(-1, d.axis(max(len(s), 1))))
    if d.chance(0.1):
        t = d.wider(s)
    return [s, t], lambda x, y: np.vecdot(x, y, **kw)


def _ldexp(d: Draw) -> Call:
    n = d.pick(2, -1, 0.5)
    return [d.shape()], lambda x: np.ldexp(x, n)


def _matvec(d: Draw) -> Call:
    m, n = d.length(), d.length()
    lead = d.shape(0, 2)
    a = (*lead, m, n)
    b = d.pick((n,), (*lead, n), (*d.wider(lead), n)[-5:], (m, n))
    return [a, b], np.matvec


def _with_number(f: Any, first: bool) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        k = d.pick(0.25, 1.0, 1.5)
        return [d.shape(0, 4)], lambda x: f(k, x) if first else f(x, k)

    return make


def _of_sizes(f: Any) -> Callable[..., Any]:
    return lambda x, y: f(np.abs(x), np.abs(y))


UFUNCS = {
    **{f.__name__: _elementwise(f, 1) for f in (
        np.negative, np.positive, np.conjugate, np.square, np.cbrt, np.exp, np.exp2,
        np.expm1, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh,
        np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.absolute, np.fabs,
        np.sign, np.deg2rad, np.radians, np.rad2deg, np.degrees, np.sqrt, np.log,
        np.log2, np.log10, np.log1p, np.reciprocal, sp.expit, sp.log_expit, sp.erf,
        sp.erfc, sp.ndtr, sp.log_ndtr, sp.logit, sp.entr, sp.exprel, sp.erfinv,
        sp.ndtri, sp.i0, sp.i1,
    )},
    "psi": _elementwise(lambda x: sp.psi(np.abs(x)), 1),  # undefined below 0
    **{f.__name__: _elementwise(f, 2) for f in (
        np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax,
        np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.copysign, np.power,
        np.float_power, sp.xlogy, sp.xlog1py, np.arctan2,
    )},
    **{f.__name__: _with_number(f, first=True) for f in (sp.huber, sp.pseudo_huber)},
    **{f.__name__: _with_number(f, first=False) for f in (
        sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.inv_boxcox1p,
    )},
    # below zero they are infinite to SciPy, and here undefined
    **{f.__name__: _elementwise(_of_sizes(f), 2) for f in (sp.rel_entr, sp.kl_div)},
    "gammaln": lambda d: ([d.shape(0, 4)], lambda x: sp.gammaln(np.abs(x) + 0.25)),
    "ldexp": _ldexp,
    "matmul": _matmul(lambda x, y: x @ y),
    "vecdot": _vecdot,
    "matvec": _matvec,
    "vecmat": vecmat,
}  # fmt: skip


def _ufunc_reduce(f: Any) -> Callable[[Draw], Call]:
    return _reduction(f.reduce)


UFUNC_METHODS = {
    **{f"{f.__name__}.reduce": _ufunc_reduce(f) for f in (
        np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp,
    )},
    **ACCUMULATED,
    **{f"{f.__name__}.outer": _pair(f.outer, 0, 2) for f in (
        np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.power,
        np.float_power, np.hypot, np.logaddexp, sp.xlogy, sp.xlog1py,
    )},
}  # fmt: skip


def _method(name: str, **more: Any) -> Callable[[Draw], Call]:
    return _reduction(lambda x, **kw: getattr(x, name)(**kw), **more)


def _method_transpose(d: Draw) -> Call:
    s = d.shape()
    axes = tuple(int(i) for i in d.rng.permutation(len(s)))
    if d.flag:
        return [s], lambda x: x.transpose(axes)
    return [s], lambda x: x.transpose(*axes)


def _method_reshape(d: Draw) -> Call:
    s = d.shape(1)
    new = tuple(int(n) for n in d.rng.permutation(s))
    if d.flag:
        return [s], lambda x: x.reshape(new)
    return [s], lambda x: x.reshape(*new)


def _method_squeeze(d: Draw) -> Call:
    s = tuple(d.pick(1, 1, 2) for _ in range(d.below(5)))
    kw = d.keywords(axis=d.axis(len(s)))
    return [s], lambda x: x.squeeze(**kw)


METHODS = {
    **random_places.METHODS,
    "T": _one(lambda x: x.T),
    "sum": _method("sum"),
    "mean": _method("mean"),
    "prod": _method("prod"),
    "max": _method("max"),
    "min": _method("min"),
    "var": _method("var", ddof=(0, 1)),
    "std": _method("std", ddof=(0, 1)),
    "dot": lambda d: (_dot(np.dot)(d)[0], lambda x, y: x.dot(y)),
    "reshape": _method_reshape,
    "ravel": _one(lambda x: x.ravel()),
    "flatten": _one(lambda x: x.flatten()),
    "transpose": _method_transpose,
    "squeeze": _method_squeeze,
    "clip": lambda d: ([d.shape()], lambda x: x.clip(-0.5, 0.5)),
    "conjugate": _one(lambda x: x.conjugate()),
    "len": lambda d: ([d.shape(1)], lambda x: len(x)),
    "iter": lambda d: ([d.shape(1, 3)], lambda x: list(x)),
}


def _index(d: Draw) -> Call:
    s = d.full(0, 4)
    key: list[Any] = [
        d.pick(
            d.below(n),
            -1,
            slice(None),
            slice(None, None, -1),
            slice(1, None),
            [0, n - 1],
            d.rng.integers(-n, n, size=2),
            d.rng.random(n) < 0.5,
            n,
        )
        for n in s[: d.below(len(s) + 1)]
    ]
    if d.chance(0.3):
        key.insert(d.below(len(key) + 1), d.pick(None, Ellipsis))
    if d.chance(0.05):
        key = [d.rng.random(s) < 0.5]
    whole = key[0] if len(key) == 1 and d.flag else tuple(key)
    return [s], lambda x: x[whole]


def _powers(d: Draw) -> Call:
    powers = d.pick([1, 2, 3], np.array([2, 0, -1]), [[2], [3]], (0.0, 1.0, 2.0), [])
    return [d.pick((3,), (2, 3), (1,), (2,), (0,), ())], lambda x: (x + 2) ** powers


OPERATIONS = {
    "index": _index,
    "add": _elementwise(lambda x, y: x + y, 2),
    "subtract": _elementwise(lambda x, y: x - y, 2),
    "multiply": _elementwise(lambda x, y: x * y, 2),
    "divide": _elementwise(lambda x, y: x / y, 2),
    "power": _elementwise(lambda x, y: abs(x) ** y, 2),
    "powers": _powers,
    "right": _elementwise(lambda x: 2 - 3 / x + 2**x, 1),
}
ALL = {
    **{f"{f.__module__}.{f.__name__}": g for f, g in FUNCTIONS.items()},
    **{f"ufunc {name}": g for name, g in UFUNCS.items()},
    **{f"ufunc method {name}": g for name, g in UFUNC_METHODS.items()},
    **{f"method {name}": g for name, g in METHODS.items()},
    **{f"operation {name}": g for name, g in OPERATIONS.items()},
}
