"""Random calls of what picks, joins, makes and describes arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functions.draws import Call, Draw


def _unstack(d: Draw) -> Call:
    s = d.shape()
    kw = d.keywords(axis=d.axis(len(s)))
    return [s], lambda x: np.unstack(x, **kw)


def _insert(d: Draw) -> Call:
    s = d.full(1, 3)
    axis = d.pick(None, d.axis(len(s)))
    inside = axis is not None and -len(s) <= axis < len(s)
    n = s[axis] if inside else int(np.prod(s))
    obj = d.pick(0, -1, n, n + 1, [0, 1], [1, 1], slice(0, 2), [])
    values = list(s) if inside else [1]
    if inside:
        values[axis] = d.pick(1, 2)
    shape = d.pick((), (), tuple(values), (2,))
    return [s, shape], lambda x, y: np.insert(x, obj, y, axis)


def _block(d: Draw) -> Call:
    n, m, k = (1 + d.below(3) for _ in "nmk")
    kind = d.below(4)
    if kind == 0:
        return [(n,), (m,)], lambda x, y: np.block([x, y])
    if kind == 1:
        return [(n, m), (n, k)], lambda x, y: np.block([[x, y], [y, x]])
    if kind == 2:
        return [(n, m), (k, m)], lambda x, y: np.block([[x], [np.ones((1, m))], [y]])
    uneven = d.flag
    return [(), (n, m)], lambda x, y: np.block([[x, y], [y]] if uneven else [x, y])


def _choose(d: Draw) -> Call:
    s = d.shape(0, 3)
    which = d.rng.integers(-1 if d.chance(0.1) else 0, 2, size=d.wider(s))
    mode = d.pick("raise", "wrap", "clip")
    return [s, d.wider(s)], lambda x, y: np.choose(which, [x, y], mode=mode)


def _compress(d: Draw) -> Call:
    s = d.full(0, 3)
    axis = d.pick(None, d.axis(len(s)))
    mask = d.rng.random(d.pick(1, 2, s[0] if s else 1)) < 0.6
    return [s], lambda x: np.compress(mask, x, axis)


def _extract(d: Draw) -> Call:
    s = d.shape(0, 3)
    mask = d.rng.random(s) < 0.6
    return [s], lambda x: np.extract(mask, x)


def _rollaxis(d: Draw) -> Call:
    s = d.shape()
    axis, start = d.axis(len(s)), d.pick(0, d.axis(len(s)))
    return [s], lambda x: np.rollaxis(x, axis, start)


def _shift(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.shape(0, 3)
        kw = d.keywords(axes=d.some(len(s)))
        return [s], lambda x: f(x, **kw)

    return make


def _space(f: Any, shift: float) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        s = d.full(0, 2)
        t = d.wider(s)
        ndim = max(len(s), len(t)) + 1
        kw = d.keywords(
            num=d.pick(0, 1, 2, 5, -1),
            endpoint=d.flag,
            axis=d.axis(ndim) if d.chance(0.3) else 0,
        )
        if f is np.linspace and d.chance(0.2):
            return [s, t], lambda a, b: list(f(a, b, 4, retstep=True))
        if d.chance(0.2):
            return [s], lambda a: f(a + shift, 7.0, **kw)
        return [s, t], lambda a, b: f(a + shift, b + shift, **kw)

    return make


def _logspace(d: Draw) -> Call:
    shapes, call = _space(np.logspace, 0.0)(d)
    if d.flag:
        return shapes, call
    s = d.full(0, 1)
    return [s, s], lambda a, b: np.logspace(0.5, a, 3, base=b + 2)


def _meshgrid(d: Draw) -> Call:
    shapes = [d.shape(0, 2) for _ in range(1 + d.below(3))]
    kw = d.keywords(indexing=d.pick("xy", "ij"), sparse=d.flag)
    return shapes, lambda *xs: np.meshgrid(*xs, **kw)


def same(f: Any, *more: Any, least: int = 0, **kw: Any) -> Callable[[Draw], Call]:
    """Return a call without further choices."""
    return lambda d: ([d.shape(least)], lambda x: f(x, *more, **kw))


def _indices_from(f: Any) -> Callable[[Draw], Call]:
    def make(d: Draw) -> Call:
        n = d.length()
        extra = () if f is np.diag_indices_from else (d.below(3) - 1,)
        return [d.pick((n, n), (n, n), (n + 1, n), (n, n, n))], lambda x: f(x, *extra)

    return make


def _full(d: Draw) -> Call:
    s = d.shape(0, 2)
    shape = d.pick((*d.shape(0, 1), *s), 3, s)
    return [s], lambda x: np.full(shape, x, like=x)


def _made(f: Any) -> Callable[[Draw], Call]:
    """What makes an array ``like`` another."""

    def make(d: Draw) -> Call:
        n = d.pick(0, 1, 3)
        shape = d.shape(0, 3)
        args = (shape,) if f in (np.zeros, np.ones, np.empty) else (n,)
        return [(2,)], lambda x: f(*args, like=x) * (0 if f is np.empty else 1)

    return make


def _taken(f: Any) -> Callable[[Draw], Call]:
    """What makes an array of one, where ``like`` one."""
    return lambda d: ([d.shape(1)], lambda x: f(x, like=x))


PLACES = {
    np.unstack: _unstack,
    np.insert: _insert,
    np.block: _block,
    np.choose: _choose,
    np.compress: _compress,
    np.extract: _extract,
    np.rollaxis: _rollaxis,
    np.fft.fftshift: _shift(np.fft.fftshift),
    np.fft.ifftshift: _shift(np.fft.ifftshift),
    np.linspace: _space(np.linspace, 0.0),
    np.geomspace: _space(np.geomspace, 2.0),
    np.logspace: _logspace,
    np.meshgrid: _meshgrid,
    np.astype: same(np.astype, float),
    np.nan_to_num: same(np.nan_to_num),
    np.real: same(np.real),
    np.imag: same(np.imag),
    np.angle: lambda d: ([d.shape()], lambda x, k=d.flag: np.angle(x, k)),
    np.real_if_close: same(np.real_if_close),
    np.iscomplexobj: same(np.iscomplexobj),
    np.isrealobj: same(np.isrealobj),
    np.isreal: same(np.isreal),
    np.iscomplex: same(np.iscomplex),
    np.result_type: same(lambda x: np.result_type(x) == np.float64),
    np.common_type: same(lambda x: np.common_type(x) == np.float64),
    np.diag_indices_from: _indices_from(np.diag_indices_from),
    np.tril_indices_from: _indices_from(np.tril_indices_from),
    np.triu_indices_from: _indices_from(np.triu_indices_from),
    np.full: _full,
    np.empty_like: same(lambda x: np.empty_like(x) * 0),
    **{
        f: _made(f)
        for f in (np.zeros, np.ones, np.empty, np.eye, np.identity, np.arange, np.tri)
    },
    **{
        f: _taken(f)
        for f in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.require)
    },
    np.fromfunction: lambda d: (
        [(3,)],
        lambda x: x * np.fromfunction(lambda i: i + 1, (3,), like=x),
    ),
    np.asfortranarray: _taken(np.asfortranarray),
}


def _method(name: str, *choices: Any, least: int = 0, **more: Any) -> Any:
    """A method of arrays, with some of the arguments it may have."""

    def make(d: Draw) -> Call:
        s = d.shape(least, 4)
        args = [c(d, s) if callable(c) else d.pick(*c) for c in choices]
        kw = d.keywords(**{k: d.pick(*v) for k, v in more.items()})
        return [s], lambda x: getattr(x, name)(*args, **kw)

    return make


def _own(name: str) -> Any:
    return lambda d: ([d.shape()], lambda x: getattr(x, name))


def _any_axis(d: Draw, s: tuple[int, ...]) -> int:
    return d.axis(len(s))


def _method_mask(d: Draw, s: tuple[int, ...]) -> Any:
    return d.rng.random(d.below(3)) < 0.6


METHODS = {
    "conj": _method("conj"),
    "real": _own("real"),
    "imag": _own("imag"),
    "copy": _method("copy"),
    "astype": _method("astype", (float, "float64")),
    "mT": lambda d: ([d.shape(2)], lambda x: x.mT),
    "cumsum": _method("cumsum", axis=(None, 0, -1)),
    "cumprod": _method("cumprod", axis=(None, 0, -1)),
    "trace": _method("trace", (0, 1, -1), least=2),
    "diagonal": _method("diagonal", (0, 1, -1), least=2),
    "repeat": _method("repeat", (0, 2), _any_axis),
    "take": _method("take", ([0], [0, -1], 1), _any_axis, least=1),
    "compress": _method("compress", _method_mask, axis=(None, 0)),
    "swapaxes": _method("swapaxes", _any_axis, _any_axis),
}
