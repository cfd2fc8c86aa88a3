"""Convolution and pooling of channels, against sums written out."""

import itertools

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import ShapeError
from deuterium.functions.convolution import (
    convolution,
    transposed_convolution,
    window_maximum,
    window_mean,
    window_sum,
)
from deuterium.functions.sliding_windows import adaptive_windows, sliding_windows
from tests.amounts import seeds


def written_out(x, w, stride, padding, dilation, groups):
    """Return a convolution as nested loops over one record's channels and places."""
    n = w.ndim - 2
    around = [(0, 0), *[(p, p) for p in padding]]
    data = np.pad(x, around)
    out = [
        (m - d * (k - 1) - 1) // s + 1
        for m, k, s, d in zip(
            data.shape[1:], w.shape[2:], stride, dilation, strict=True
        )
    ]
    y = np.zeros((w.shape[0], *out))
    for o, place in itertools.product(range(w.shape[0]), np.ndindex(*out)):
        first = o // (w.shape[0] // groups) * w.shape[1]
        for c, tap in itertools.product(range(w.shape[1]), np.ndindex(*w.shape[2:])):
            at = tuple(place[i] * stride[i] + tap[i] * dilation[i] for i in range(n))
            y[(o, *place)] += w[(o, c, *tap)] * data[(first + c, *at)]
    return y


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, groups = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    kernel = rng.integers(1, 4, n).tolist()
    how = {
        "stride": rng.integers(1, 4, n).tolist(),
        "padding": rng.integers(0, 3, n).tolist(),
        "dilation": rng.integers(1, 3, n).tolist(),
        "groups": groups,
    }
    x = rng.normal(size=(2, 2 * groups, *rng.integers(5, 7, n)))
    return x, rng.normal(size=(3 * groups, 2, *kernel)), how


@pytest.mark.parametrize("seed", seeds(4, 30))
def test_a_convolution_is_the_sum_that_it_stands_for(seed):
    x, w, how = drawn(seed)
    wanted = np.stack([written_out(record, w, **how) for record in x])
    assert np.allclose(convolution(dt.constant(x), w, **how).evaluate(), wanted)
    one = convolution(dt.constant(x[:1]), w, np.ones(len(w)), **how).evaluate()
    assert np.allclose(one, wanted[:1] + 1)


@pytest.mark.parametrize("seed", seeds(4, 30))
def test_a_transposed_convolution_is_the_adjoint(seed):
    x, w, how = drawn(seed)
    v = dt.symbol("v", x.shape)
    forward = convolution(v, w, **how)
    g = np.random.default_rng(seed).normal(size=forward.shape)
    adjoint = dt.grad(np.sum(forward * g), v).evaluate()
    least = transposed_convolution(dt.constant(g), w, **how).shape[2:]
    more = [n - m for n, m in zip(x.shape[2:], least, strict=True)]
    found = transposed_convolution(dt.constant(g), w, output_padding=more, **how)
    assert np.allclose(found.evaluate(), adjoint)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_windows_pool_what_is_in_them(ceil_mode):
    x = np.random.default_rng(0).normal(size=(2, 5, 6))
    over = sliding_windows((5, 6), (2, 3), stride=2, padding=1, ceil_mode=ceil_mode)
    padded = np.pad(x, ((0, 0), (1, 3), (1, 3)), constant_values=np.nan)
    rows = np.stack(
        [
            padded[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 3].reshape(2, -1)
            for i, j in np.ndindex(*over.shape)
        ],
        axis=1,
    ).reshape(2, *over.shape, -1)
    v = dt.constant(x)
    assert np.allclose(window_sum(v, over).evaluate(), np.nansum(rows, -1))
    assert np.allclose(window_mean(v, over).evaluate(), np.nanmean(rows, -1))
    assert np.array_equal(window_maximum(v, over).evaluate(), np.nanmax(rows, -1))
    assert over.shape == (3, 4 if ceil_mode else 3)
    counted = window_mean(v, over, count_padding=True).evaluate()
    assert np.allclose(counted[:, :3, :3], (np.nansum(rows, -1) / 6)[:, :3, :3])


def test_adaptive_windows_divide_an_axis():
    x = np.arange(7.0)
    found = window_mean(dt.constant(x), adaptive_windows((7,), (3,))).evaluate()
    assert found.tolist() == [x[0:3].mean(), x[2:5].mean(), x[4:7].mean()]
    same = window_mean(dt.constant(x), adaptive_windows((7,), (None,)))
    assert np.array_equal(same.evaluate(), x)


def test_padding_may_cut_and_data_may_be_spread():
    x, w = np.arange(1.0, 6.0).reshape(1, 1, 5), np.ones((1, 1, 2))
    cut = convolution(dt.constant(x), w, padding=[(-1, 1)]).evaluate()
    assert cut.ravel().tolist() == [5, 7, 9, 5]
    spread = convolution(dt.constant(x), w, input_dilation=2).evaluate()
    assert spread.ravel().tolist() == [1, 2, 2, 3, 3, 4, 4, 5]


def test_a_convolution_stays_affine_and_small():
    x = dt.symbol("x", (1, 3, 8, 8))
    w = dt.constant(np.ones((4, 3, 3, 3)))
    y = convolution(x, w, padding=1, stride=2)
    slope = dt.enclose(dt.grad(np.sum(y), x)[0, 0, 3, 3], dt.Box({x: (-1, 1)}))
    assert slope.lower <= 16 <= slope.upper <= 16.001
    bound = dt.enclose(y[0, 0, 1, 1], dt.Box({x: (-1, 1)}))
    assert bound.upper == pytest.approx(27)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: convolution(x, np.ones((2, 3, 3))), "do not fit"),
        (lambda x: convolution(x, np.ones((3, 1, 3)), groups=2), "groups=2"),
        (lambda x: convolution(x, np.ones((2, 2, 9))), "has no room"),
        (lambda x: convolution(x, np.ones((2, 2, 3)), stride=0), "`stride`"),
        (lambda x: convolution(x, np.ones((2, 2, 3)), padding=[1, 2]), "`padding`"),
        (lambda x: transposed_convolution(x, np.ones((3, 2, 3))), "do not fit"),
        (lambda x: window_sum(x, sliding_windows((4,), 2)), "do not fit shape"),
        (lambda x: window_maximum(x, sliding_windows((5,), 1, padding=1)), "no data"),
        (lambda x: window_mean(x, sliding_windows((5,), 1, padding=1)), "no data"),
        (lambda x: window_mean(x, adaptive_windows((5,), (0,))), "0 parts"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ShapeError, match=message):
        call(dt.symbol("x", (1, 2, 5)))
