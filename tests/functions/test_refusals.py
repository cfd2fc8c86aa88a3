"""What is not supported says so: the function by name, and what to use instead."""

from __future__ import annotations

import math
import statistics
from importlib import import_module  # of what takes long, and one test needs
from math import cos as cosine

import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.spatial
import scipy.special as sp
import scipy.stats

import deuterium as dt
from deuterium.errors import (
    DeuteriumError,
    InvalidInputError,
    OutOfRangeError,
    ShapeError,
    SymbolicError,
    UnsupportedError,
)

x = dt.symbol("x", (3,))
m = dt.symbol("m", (2, 3))
s = dt.symbol("s")
OBJECTS = dt.to_vec(dt.random_symbols(3, "o"))

UNSUPPORTED = [
    (lambda: np.argmax(x), "argmax", "evaluate"),
    (lambda: np.argsort(x), "argsort", "np.sort"),
    (lambda: np.allclose(x, x), "allclose", "evaluate"),
    (lambda: np.bitwise_and(x, 1), "&", "compare it first"),
    (lambda: ~x, "~", "compare it first"),
    (lambda: x & (x > 0), "&", "bind more tightly"),
    (lambda: np.where(x > 0), "np.where", "np.where(condition, a, b)"),
    (lambda: np.nonzero(x > 0), "nonzero", "np.where(condition, a, b)"),
    (lambda: x[x > 0], "indexing by a Variable", "np.where(condition, a, b)"),
    (lambda: np.bincount(x), "np.bincount", "minlength"),
    (lambda: np.histogram(x), "np.histogram", "range"),
    (lambda: np.histogram(x, [0, 1], weights=x), "np.histogram", "np.bincount"),
    (lambda: np.digitize(x, x), "np.digitize", "numbers"),
    (lambda: np.searchsorted([0, 1], x, sorter=[0, 1]), "sorter", "sort `a` first"),
    (lambda: np.quantile(x, s), "np.quantile", "numbers"),
    (lambda: np.percentile(x, 30, method="weibull"), "np.percentile", "linear"),
    (lambda: np.interp(0.5, x, [0, 1, 2]), "np.interp", "numbers"),
    (lambda: np.interp(s, [0, 1], [0, 1], period=2), "period", "np.mod"),
    (lambda: np.unique(x), "unique", "evaluate"),
    (lambda: sp.jv(1, x), "jv", "functions.md"),
    (lambda: np.add.reduceat(x, [0, 1]), "add.reduceat", "slices"),
    (lambda: np.add.at(np.ones(3), [0], s), "add.at", "matrix"),
    (lambda: x.__setitem__(0, 1.0), "immutable", "np.where"),
    (lambda: np.full_like(np.ones(3), s), "copyto", "np.broadcast_to"),
    (lambda: np.array(x), "NumPy array", "np.stack"),
    (lambda: np.array([x, x]), "NumPy array", "np.stack"),
    (lambda: np.asarray(x, dtype=float), "NumPy array", "evaluate"),
    (lambda: x[s], "indexing by a Variable", "numbers"),
    (lambda: m[0, s], "indexing by a Variable", "numbers"),
    (lambda: s[0], "scalar", "indexed"),
    (lambda: np.add(x, x, out=np.empty(3)), "out", "leave it out"),
    (lambda: np.sum(x, out=np.empty(())), "out", "leave it out"),
    (lambda: np.clip(x, 0, 1, out=np.empty(3)), "out", "leave it out"),
    (lambda: np.add(x, x, where=[True, False, True]), "where", "leave it out"),
    (lambda: np.add(x, 1, dtype=np.int64), "dtype", "leave it out"),
    (lambda: np.ones(3).__iadd__(x), "out", "leave it out"),
    (lambda: np.pad(x, 1, "mean"), "mean", "reflect"),
    (lambda: np.pad(x, 1, "reflect", reflect_type="odd"), "reflect_type", "even"),
    (lambda: np.reshape(m, 6, order="F"), "order", "'C'"),
    (lambda: np.linalg.norm(m, "nuc"), "nuc", "'fro'"),
    (lambda: np.linalg.norm(x, 0), "ord=0", "order"),
    (lambda: np.convolve(x, x, "circular"), "circular", "valid"),
]


WEIGHTS = np.ones((2, 3))
RNG = np.random.default_rng(0)
FOREIGN = [
    (lambda: WEIGHTS.dot(x), "w @ x"),
    (lambda: WEIGHTS[0].searchsorted(x), "w @ x"),
    (lambda: sp.softmax(x), "deuterium.softmax"),
    (lambda: sp.log_softmax(x), "deuterium.log_softmax"),
    (lambda: sp.logsumexp(x), "deuterium.logsumexp"),
    (lambda: sp.polygamma(2, x), "deuterium.polygamma"),
    (lambda: scipy.stats.norm.cdf(x), "scipy.special.ndtr"),
    (lambda: scipy.stats.norm.cdf(s), "scipy.special.ndtr"),
    (lambda: scipy.stats.norm.pdf(x), "np.exp(-x**2 / 2)"),
    (lambda: scipy.stats.expon.logpdf(s), "scipy.stats take numbers"),
    (lambda: scipy.stats.zscore(x), "np.std(x)"),
    (lambda: scipy.stats.pearsonr(x, x), "np.corrcoef"),
    (lambda: scipy.stats.skew(x), "scipy.stats takes numbers"),
    (lambda: np.vectorize(lambda v: v**2)(x), "np.stack"),
    (lambda: scipy.linalg.solve(np.eye(3), x), "np.linalg"),
    (lambda: scipy.linalg.norm(x), "np.linalg"),
    (lambda: scipy.fft.dct(x), "cosines"),
    (lambda: import_module("scipy.signal").fftconvolve(np.ones(3), x), "np.convolve"),
    (lambda: scipy.integrate.simpson(x), "np.trapezoid"),
    (lambda: scipy.interpolate.interp1d([0, 1, 2], x), "np.interp"),
    (lambda: scipy.spatial.distance.cdist(m, m), "np.linalg.norm"),
    (lambda: np.polynomial.polynomial.polyval(0.5, x), "np.polyval"),
    (lambda: math.exp(s), "np.exp"),
    (lambda: math.sqrt(s + 1), "write np.sqrt(x)"),
    (lambda: math.erf(s), "write scipy.special.erf(x)"),
    (lambda: math.pow(s, 2), "x**y"),
    (lambda: math.factorial(s), "math.factorial"),
    (lambda: cosine(s), "math.cos takes numbers: write np.cos(x)"),
    (lambda: RNG.normal(x, 1), "loc + scale * rng"),
    (lambda: statistics.mean([s, 1.0]), "np.mean"),
    (lambda: statistics.mean(x), "np.mean"),
    (lambda: statistics.stdev([s, 1.0]), "ddof=1"),
    (lambda: statistics.median([s, 1.0, 2.0]), "np.median"),
    (lambda: statistics.NormalDist(s, 1), "NumPy's functions"),
    (lambda: range(s), "range(len(x))"),
    (lambda: [1.0, 2.0][s], "np.where(i == k, a, b)"),
    (lambda: f"{s:.2f}", "evaluate"),
    (lambda: pow(s, 2, 3), "% m"),
]


@pytest.mark.parametrize("call, instead", FOREIGN)
def test_functions_that_do_not_dispatch_say_what_to_write(call, instead):
    with pytest.raises(TypeError) as caught:
        call()
    assert isinstance(caught.value, DeuteriumError)
    assert instead in str(caught.value)


WRAPPED = [
    (lambda: RNG.normal(s), "loc + scale * rng"),
    (lambda: RNG.uniform(0, s), "low + (high - low) * rng.random"),
    (lambda: np.random.normal(s), "loc + scale * rng"),
    (lambda: scipy.stats.norm.cdf(0.0, loc=s), "scipy.special.ndtr"),
    (lambda: np.float64(s), "np.stack"),
]


@pytest.mark.parametrize("call, instead", WRAPPED)
def test_errors_that_numpy_puts_in_front_of_ours_have_it_as_their_cause(call, instead):
    with pytest.raises(ValueError, match="array element") as caught:
        call()
    assert isinstance(caught.value.__cause__, DeuteriumError)
    assert instead in str(caught.value.__cause__)


def test_what_has_no_symbols_is_a_number_everywhere():
    three = dt.constant(1.5) * 2
    assert list(range(three)) == [0, 1, 2]
    assert f"{three:.1f}" == "3.0" and f"{s}" == "s"
    assert statistics.mean([three, three]) == 3
    with pytest.raises(TypeError, match="integer"):
        range(dt.constant(1.5))


def test_torch_says_whose_function_to_write():
    torch = pytest.importorskip("torch")
    for call in (lambda: torch.exp(x), lambda: torch.stack([s, s])):
        with pytest.raises(UnsupportedError, match="use NumPy's function"):
            call()
    found = torch.ones(3) * x
    assert np.array_equal(found.evaluate({x: np.arange(3.0)}), np.arange(3.0))


def test_an_array_of_numbers_holds_no_variable():
    with pytest.raises(ValueError, match="array element") as caught:
        np.zeros(3)[0] = s  # NumPy's own words, with ours as their cause
    assert "np.stack" in str(caught.value.__cause__)


METHODS = [
    ("sort", "immutable"),
    ("fill", "immutable"),
    ("item", "evaluate"),
    ("argmax", "evaluate"),
    ("dtype", "float64"),
    ("jump_slope", "ravel"),
]


@pytest.mark.parametrize("name, instead", METHODS)
def test_methods_of_arrays_that_are_missing(name, instead):
    assert not hasattr(x, name)
    with pytest.raises(AttributeError, match=name) as caught:
        getattr(x, name)
    assert isinstance(caught.value, UnsupportedError)
    assert instead in str(caught.value)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = x.nonsense


STAY_OUT = [
    (lambda: np.linalg.eigvalsh(m @ m.T), "np.linalg.det"),
    (lambda: np.linalg.qr(m), "np.linalg.cholesky"),
    (lambda: np.linalg.svd(m), "np.linalg.det"),
    (lambda: np.linalg.cond(m @ m.T), "'fro'"),
    (lambda: np.linalg.det(np.ones((13, 13)) * s), "cholesky"),
    (lambda: np.roots(x), "np.linalg.det"),
    (lambda: np.fft.rfft(x), "cosines"),
    (lambda: np.lib.scimath.sqrt(x), "np.sqrt"),
    (lambda: np.unique(x), "evaluate"),
    (lambda: np.argmax(x), "np.max"),
    (lambda: np.fill_diagonal(m, 0), "np.where"),
    (lambda: np.put(x, 0, 1.0), "np.where"),
    (lambda: np.array_equal(x, x), "evaluate"),
    (lambda: np.unwrap(x), "pi"),
    (lambda: x.astype(int), "evaluate"),
    (lambda: np.astype(x, complex), "evaluate"),
    (lambda: np.sum(x, dtype=int), "dtype"),
    (lambda: x.sum(out=np.empty(())), "out"),
    (lambda: np.cumprod(x, out=np.empty(3)), "out"),
    (lambda: dt.logsumexp(x, return_sign=True), "np.exp"),
    (lambda: np.choose(x, [m, m]), "np.where"),
    (lambda: np.compress(x, m, 1), "np.where"),
    (lambda: np.polyfit(x, x, 1, full=True), "full"),
]


@pytest.mark.parametrize("call, instead", STAY_OUT)
def test_what_stays_out_says_what_to_write(call, instead):
    with pytest.raises(UnsupportedError) as caught:
        call()
    assert instead in str(caught.value)


@pytest.mark.parametrize("call, name, instead", UNSUPPORTED)
def test_unsupported(call, name, instead):
    with pytest.raises(UnsupportedError) as caught:
        call()
    assert name in str(caught.value)
    assert instead in str(caught.value)
    assert isinstance(caught.value, TypeError)


NUMBERLESS = [
    (lambda: bool(s), SymbolicError, "truth value"),
    (lambda: 1.0 if s > 0 else 0.0, SymbolicError, r"np.where\(x > 0, a, b\)"),
    (lambda: s > 0 and s < 1, SymbolicError, "& and |"),
    (lambda: 0 < s < 1, SymbolicError, "a < x < b"),
    (lambda: max(s, dt.symbol("t")), SymbolicError, "np.maximum"),
    (lambda: np.maximum(OBJECTS, 0), SymbolicError, "np.stack"),
    (lambda: np.sign(OBJECTS), SymbolicError, "np.stack"),
    (lambda: sorted([s, dt.symbol("t")]), SymbolicError, "np.sort"),
    (lambda: math.exp(s), SymbolicError, "np.exp"),
    (lambda: float(s), SymbolicError, "float"),
    (lambda: int(s + 1), SymbolicError, "int"),
    (lambda: bool(x), ShapeError, "truth value"),
    (lambda: float(dt.constant(np.ones(3))), ShapeError, "float"),
]


@pytest.mark.parametrize("call, error, name", NUMBERLESS)
def test_no_number(call, error, name):
    with pytest.raises(error, match=name):
        call()


WRONG_SHAPES = [
    lambda: x + dt.symbol("y", (2,)),
    lambda: x @ m,
    lambda: s @ x,
    lambda: np.dot(m, m),
    lambda: np.tensordot(m, m, 1),
    lambda: np.tensordot(m, m, ([0], [0, 1])),
    lambda: np.einsum("ij,jk", m, m),
    lambda: np.einsum("ijk", m),
    lambda: np.einsum("ij->k", m),
    lambda: np.einsum("ij,jk", m),
    lambda: np.reshape(m, (4, 2)),
    lambda: np.reshape(m, (-1, -1)),
    lambda: np.reshape(m, (-1, 4)),
    lambda: np.transpose(m, (0, 0)),
    lambda: np.transpose(m, (0,)),
    lambda: np.sum(m, axis=2),
    lambda: np.sum(m, axis=(0, -2)),
    lambda: np.sum(m, axis=0.5),
    lambda: np.max(dt.symbol("e", (0,))),
    lambda: np.mean(dt.symbol("e", (0,))),
    lambda: np.var(x, ddof=3),
    lambda: np.average(m, 0, [1.0, 2.0, 3.0]),
    lambda: np.squeeze(m, axis=0),
    lambda: np.broadcast_to(m, (3, 2)),
    lambda: np.concatenate([m, x]),
    lambda: np.concatenate([s, s]),
    lambda: np.concatenate([m, dt.symbol("w", (2, 2))]),
    lambda: np.stack([m, x]),
    lambda: np.split(x, 2),
    lambda: np.take(x, 5),
    lambda: np.where(np.ones(4, bool), x, x),
    lambda: np.moveaxis(m, 0, 5),
    lambda: np.convolve(m, x),
    lambda: np.pad(m, ((1, 1), (1, 1), (1, 1))),
    lambda: np.lib.stride_tricks.sliding_window_view(x, 4),
    lambda: np.linalg.multi_dot([x]),
    lambda: np.add.outer(x, x) + m,
    lambda: dt.norm([]),
    lambda: np.diff(x, -1),
]


@pytest.mark.parametrize("call", WRONG_SHAPES)
def test_wrong_shapes(call):
    with pytest.raises(ShapeError) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) > 20


OUTSIDE = [
    lambda: x[3],
    lambda: x[-4],
    lambda: m[0, 0, 0],
    lambda: x[1.5],
    lambda: x["a"],
    lambda: x[[0, 3]],
    lambda: x[[True, False]],
    lambda: m[:, 3],
]


@pytest.mark.parametrize("call", OUTSIDE)
def test_indices_out_of_range(call):
    with pytest.raises(OutOfRangeError, match="indexing a Variable of shape") as caught:
        call()
    assert isinstance(caught.value, IndexError)


NOT_NUMBERS = [
    lambda: x + 1j,
    lambda: x * "a",
    lambda: s + None,
    lambda: x + np.array(["a", "b", "c"]),
    lambda: dt.constant(np.nan),
    lambda: dt.constant([1.0, np.nan]),
    lambda: dt.constant(10**400),
    lambda: dt.constant(object()),
    lambda: dt.constant([[1.0], [1.0, 2.0]]),
    lambda: dt.symbol(""),
    lambda: dt.symbol(3),
    lambda: dt.symbol("x", (-1,)),
    lambda: dt.symbol("x", (1.5,)),
    lambda: dt.random_symbols(-1, "x"),
    lambda: dt.random_symbols(1.5, "x"),
    lambda: dt.grad(s, [2.0]),
    lambda: np.quantile(x, 1.5),
    lambda: np.percentile(x, [-1, 50]),
    lambda: np.interp(s, [1, 0], [0, 1]),
    lambda: np.digitize(x, [0, 1, 0]),
    lambda: np.histogram(x, [0, 1, 0]),
    lambda: np.select([x > 0], [1, 2]),
    lambda: np.piecewise(x, [x > 0], [1, 2, 3]),
    lambda: np.partition(x, 3),
    lambda: np.searchsorted([0, 1], x, side="middle"),
]


@pytest.mark.parametrize("call", NOT_NUMBERS)
def test_not_numbers(call):
    with pytest.raises(InvalidInputError):
        call()


def test_every_error_is_one_of_ours():
    for call, *_ in UNSUPPORTED:
        with pytest.raises(DeuteriumError):
            call()


def test_variables_are_immutable():
    with pytest.raises(AttributeError, match="immutable"):
        s.name = "other"
    with pytest.raises(TypeError):
        x[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        dt.constant(np.ones(3)).value[0] = 2.0


def test_in_place_operators_bind_the_name_anew():
    for make in (lambda: dt.symbol("s"), lambda: dt.symbol("x", (3,))):
        before = v = make()
        v += 1
        v *= 2
        v -= 1
        v /= 2
        v **= 2
        assert v is not before
        got = v.evaluate({before: np.full(before.shape, 2.0)})
        np.testing.assert_allclose(got, 6.25)


A, GRID = dt.symbol("a"), dt.symbol("g", shape=(2, 1, 2, 1))
ROW, BLOCK = dt.symbol("r", shape=(3,)), dt.symbol("b", shape=(2, 2, 2))
WRONG = {
    "no type": lambda: np.cumprod(ROW, dtype="zz"),
    "no type of a ufunc": lambda: np.maximum.reduce(ROW, 0, "i,i->"),
    "infinitely many digits": lambda: np.around(ROW, np.inf),
    "more digits than there are": lambda: np.around(ROW, 10**400),
    "an array of digits": lambda: np.around(ROW, np.ones((2, 1))),
    "a number for an array": lambda: np.common_type(ROW, 2),
    "a list for an array": lambda: np.take_along_axis(ROW, [[1.0]], 0),
    "a number for functions": lambda: np.piecewise(A, [A > 0], 2.0),
    "conditions of another shape": lambda: np.piecewise(GRID, BLOCK > 0, [1.0]),
    "a split at a Variable": lambda: np.array_split(ROW, A),
    "an array of axes": lambda: ROW.transpose(np.ones((3, 1))),
    "a method that is not there": lambda: ROW.ptp(),
    "text among numbers": lambda: np.r_[ROW, np.array(["x"])],
    "no names": lambda: dt.get_gradients(np.sum(ROW), 3),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_told_by_errors_of_ours(name):
    with pytest.raises(dt.DeuteriumError):
        WRONG[name]()


def test_what_has_no_closed_form_is_shown_all_the_same():
    for v in (A // 0, np.remainder(A, 0), np.floor(A / (A - A))):
        assert "nodes" in repr(v)


def test_parts_of_different_shapes_are_no_array():
    for parts in ((dt.symbol("b"), np.zeros(0)), [[dt.symbol("b"), 1.0], [2.0]]):
        with pytest.raises(ShapeError):
            dt.to_vec(parts)


@pytest.mark.parametrize("function", [np.polyint, np.polyder])
def test_a_polynomial_is_not_integrated_without_end(function):
    with pytest.raises(InvalidInputError, match="at most 400"):
        function(dt.symbol("p", (3,)), 10**80)
