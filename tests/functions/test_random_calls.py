"""Every function with random shapes and arguments: NumPy's values, shapes, refusals."""

from __future__ import annotations

import inspect
import warnings
import zlib

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import DeuteriumError
from deuterium.graph import protocols
from deuterium.graph.methods import Methods
from deuterium.graph.operator import BY_UFUNC
from deuterium.graph.variable import Variable
from tests.amounts import draws
from tests.functions import random_choices  # noqa: F401  (it adds to the tables)
from tests.functions.draws import Draw
from tests.functions.random_calls import (
    ALL,
    FUNCTIONS,
    METHODS,
    UFUNC_METHODS,
    UFUNCS,
)

NAMES = "xyzuvw"
BY_PYTHON = {"ufunc equal", "ufunc not_equal"}
"""Of two arrays of objects NumPy asks Python, to which == means the same node."""
NODES = (Variable, np.ndarray)


def _numbers(rng, shape):
    """Distinct numbers of both signs, so that places and orders can be told apart."""
    return rng.permutation(np.linspace(-0.95, 0.9, int(np.prod(shape)))).reshape(shape)


def _parts(result):
    """Return what a call gave as a list of arrays (or Variables, or numbers)."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _evaluated(part, point):
    if isinstance(part, Variable):
        known = {v.name: point[v.name] for v in dt.graph.free_symbols([part])}
        return np.asarray(part.evaluate(known))
    array = np.asarray(part)
    if array.dtype != object:
        return array
    values = [
        float(_evaluated(e, point) if isinstance(e, NODES) else e)
        for e in array.ravel().tolist()
    ]
    return np.array(values).reshape(array.shape)


def _elements(part):
    return part.ravel().tolist() if isinstance(part, np.ndarray) else [part]


def _run(call, arrays):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _parts(call(*arrays))


def _compared(got, want, point, shapes):
    assert len(got) == len(want), shapes
    for g, w in zip(got, want, strict=True):
        w = np.asarray(w)
        assert np.shape(g) == w.shape, (shapes, np.shape(g), w.shape)
        value = _evaluated(g, point)
        assert value.shape == w.shape, (shapes, value.shape, w.shape)
        np.testing.assert_allclose(
            value, w, rtol=1e-12, atol=1e-13, err_msg=str(shapes)
        )


def _drawn(make, seed):
    draw = Draw(np.random.default_rng(seed))
    shapes, call = make(draw)
    arrays = [_numbers(draw.rng, s) for s in shapes]
    symbols = [dt.symbol(n, s) for n, s in zip(NAMES, shapes, strict=False)]
    return draw, shapes, call, arrays, symbols


def outcome(make, seed):
    """Return what happened: "same", "both refuse", "refused", or raise."""
    _, shapes, call, arrays, symbols = _drawn(make, seed)
    try:
        want = _run(call, arrays)
    except Exception as error:
        with pytest.raises(DeuteriumError):
            call(*symbols)
            pytest.fail(f"{shapes}: NumPy refuses it ({error})")
        return "both refuse"
    try:
        got = _parts(call(*symbols))
    except DeuteriumError:
        return "refused"
    _compared(got, want, dict(zip(NAMES, arrays, strict=False)), shapes)
    return "same"


def mixture(make, seed):
    """Return what happened where arguments are array Variables, objects and numbers."""
    draw, shapes, call, arrays, symbols = _drawn(make, seed)
    given, point = [], {}
    for symbol, array in zip(symbols, arrays, strict=True):
        kind = draw.below(3 if len(arrays) > 1 else 2)
        names = [f"{symbol.name}{i}" for i in range(array.size)]
        objects = np.empty(array.size, dtype=object)
        objects[:] = [dt.symbol(n) for n in names]
        given.append((symbol, objects.reshape(array.shape), array)[kind])
        point |= dict(zip(names, array.ravel(), strict=True)) | {symbol.name: array}
    try:
        want = _run(call, arrays)
        got = _run(call, given)
        elements = [e for g in got for e in _elements(g)]
        if None in elements or not any(isinstance(e, NODES) for e in elements):
            return "refused"  # what NumPy makes of objects by itself, or of none
    except Exception:  # of object arrays NumPy speaks itself, in its own words
        return "refused"
    _compared(got, want, point, shapes)
    return "same"


def slope(make, seed):
    """Compare the derivative along a line with central differences."""
    draw, shapes, call, arrays, symbols = _drawn(make, seed)
    arrays = [x + draw.rng.uniform(0, 0.01, size=x.shape) for x in arrays]  # no ties
    try:
        parts = [p for p in _run(call, symbols) if isinstance(p, Variable)]
    except DeuteriumError:
        return "refused"
    weights = [draw.rng.uniform(0.5, 1.5, size=p.shape) for p in parts]
    total = sum(
        (np.sum(p * w) for p, w in zip(parts, weights, strict=True)), dt.constant(0)
    )
    along = [draw.rng.uniform(-1, 1, size=s) for s in shapes]
    gradient = dt.grad(total, symbols)

    def at(v, t):
        moved = [x + t * d for x, d in zip(arrays, along, strict=True)]
        return v.evaluate(dict(zip(symbols, moved, strict=True)))

    with np.errstate(all="ignore"):
        got = sum(np.sum(at(g, 0) * d) for g, d in zip(gradient, along, strict=True))
        size = max(1.0, abs(at(total, 0)), abs(got))
        for step in (1e-6, 1e-9):  # a jump between the points is none at the point
            want = (at(total, step) - at(total, -step)) / (2 * step)
            if not (np.isfinite(want) and np.isfinite(got)):
                return "refused"  # outside a domain, or a root at 0
            if abs(got - want) <= 1e-4 * size:
                return "same"
    raise AssertionError((shapes, got, want))


def check(name, count, first=0, draw=outcome):
    """Return how often the result was NumPy's."""
    results = []
    for i in range(first, first + count):
        seed = [zlib.crc32(name.encode()), i]
        try:
            results.append(draw(ALL[name], seed))
        except (Exception, pytest.fail.Exception) as error:
            raise AssertionError(f"{name}, draw {i}: {error}") from error
    return results.count("same") / count


@pytest.mark.drawn
@pytest.mark.parametrize("name", ALL)
def test_as_numpy_does(name):
    assert check(name, draws(20, 60)) >= 0.4
    if name not in BY_PYTHON:
        check(name, draws(5, 20), draw=mixture)


@pytest.mark.parametrize("name", ALL)
def test_derivatives(name):
    check(name, 8, first=1000, draw=slope)


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_as_numpy_does_many_times(name):
    assert check(name, 200, first=60) >= 0.4
    if name not in BY_PYTHON:
        check(name, 60, first=20, draw=mixture)
    check(name, 30, first=2000, draw=slope)


def test_every_function_is_drawn():
    assert set(protocols.FUNCTIONS) - {np.amax, np.amin} <= set(FUNCTIONS)
    assert set(BY_UFUNC) | set(protocols.UFUNCS) <= set(UFUNCS)
    assert {".".join(p) for p in protocols.UFUNC_METHODS} <= set(UFUNC_METHODS)
    own = {n for n, f in inspect.getmembers(Methods) if n[0] != "_"}
    assert own - set(METHODS) <= set(UFUNCS)
