"""Sums and products of functions of one argument, among which rules find patterns."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.graph.operator import lookup
from deuterium.graph.traverse import free_symbols
from deuterium.ops import arrays
from tests.transform.simplify.algebra_graphs import tame_boxes
from tests.transform.simplify.rewrites import EXTREMES, PARTLY


def slope(name, u):
    return lookup(name + "'")(u)


OF_ONE = (
    lambda u: u, np.exp, lambda u: np.exp(-u), expit, lambda u: expit(-u),
    lambda u: 1 + np.exp(u), lambda u: 1 + np.exp(-u), lambda u: slope("expit", u),
    lambda u: slope("tanh", u), lambda u: slope("tanh", 0.5 * u), np.tanh, log_expit,
    lambda u: expit(2 * u), lambda u: expit(-2 * u), lambda u: np.square(np.tanh(u)),
    lambda u: 2 * expit(u), lambda u: np.log(np.exp(u)),
)  # fmt: skip
OF_TWO = (
    lambda u, w: w, lambda u, w: np.log(w), lambda u, w: 1 / w, lambda u, w: w * u,
    lambda u, w: u / w, lambda u, w: expit(u) * w, lambda u, w: np.abs(w),
    lambda u, w: np.exp(np.log(w)), lambda u, w: np.sqrt(np.square(u) * w),
    lambda u, w: w - w, lambda u, w: 0 * w,
)  # fmt: skip


def total(u):
    return np.sum(np.exp(u), axis=-1, keepdims=True)


OF_ARRAYS = (
    lambda u, w, i: dt.softmax(u), lambda u, w, i: total(u),
    lambda u, w, i: dt.softmax(u - np.max(u, axis=-1, keepdims=True)),
    lambda u, w, i: dt.softmax(u + np.sum(w)),
    lambda u, w, i: dt.logsumexp(u - np.sum(w), axis=-1, keepdims=True),
    lambda u, w, i: arrays.take_places(dt.softmax(u), i),
    lambda u, w, i: arrays.take_places(dt.softmax(u + np.sum(w)), i),
    lambda u, w, i: arrays.take_places(np.exp(u), i),
    lambda u, w, i: np.sum(np.exp(u), axis=-1),
    lambda u, w, i: np.sum(dt.softmax(u) + w, axis=-1, keepdims=True),
)  # fmt: skip
SHAPES = ((), (), (3,), (2, 3), (2, 1), (1, 3))
LARGEST = 18  # elements


@st.composite
def member(draw, u, w):
    if u.ndim and draw(st.booleans()):
        shape = draw(st.sampled_from(((), (2, 1), (1, 3), u.shape)))
        places = st.lists(
            st.integers(0, u.size - 1),
            min_size=int(np.prod(shape)),
            max_size=int(np.prod(shape)),
        )
        index = np.array(draw(places), dtype=np.int64).reshape(shape)
        return draw(st.sampled_from(OF_ARRAYS))(u, w, index)
    if draw(st.booleans()):
        return draw(st.sampled_from(OF_TWO))(u, w)
    return draw(st.sampled_from(OF_ONE))(u)


def fits(a, b):
    try:
        return np.prod(np.broadcast_shapes(a.shape, b.shape)) <= LARGEST
    except ValueError:
        return False


@st.composite
def pattern(draw, u, w, numbers):
    """Return a sum or a product in which some parts are met more than once."""
    parts = [draw(member(u, w)) for _ in range(draw(st.integers(2, 3)))]
    result, multiplies = draw(st.sampled_from(parts)), draw(st.booleans())
    for _ in range(draw(st.integers(1, 4))):
        part, number = draw(st.sampled_from(parts)), draw(st.sampled_from(numbers))
        if not fits(result, part):
            continue
        if multiplies:
            part = part ** draw(st.sampled_from((1, 1, -1, 2, -2)))
            result = result * part if draw(st.booleans()) else number * result * part
        else:
            part = draw(st.sampled_from((part, -part, number * part)))
            result = result + part
    return result if multiplies else result + draw(st.sampled_from(numbers))


PLAIN = (1, -1, 2, -2, 0.5, 0, 0.25)


@st.composite
def with_box(draw, numbers=PLAIN):
    """Return a graph of patterns and a box on which parts of it may be undefined."""
    u = dt.symbol("u", draw(st.sampled_from(SHAPES)))
    w = dt.symbol("w", draw(st.sampled_from(((), u.shape))))
    if draw(st.booleans()):
        f, _ = PARTLY[draw(st.sampled_from(sorted(PARTLY)))]
        w = f(w)
    v = draw(pattern(u, w, numbers))
    if draw(st.booleans()):
        v = draw(pattern(v, w if w.shape in ((), v.shape) else np.sum(w), numbers))
    if not free_symbols([v]):
        v = v + np.sum(u)
    return v, draw(tame_boxes(v))


EXTREME = (*PLAIN, *EXTREMES)
