"""What two graphs have in common cancels, however spelled; nothing else does."""

from __future__ import annotations

import math

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops
from deuterium.budget import Spent, spending
from deuterium.certify.format import digest
from deuterium.graph.constructors import apply
from deuterium.graph.traverse import free_symbols, topological
from deuterium.testing import evaluate_exactly
from deuterium.transform.expansion import difference, moving_part
from deuterium.transform.expansion.expand import Expansion, TooLong
from tests.amounts import seeds

flint = pytest.importorskip("flint")

N = 4
a, b, c = dt.symbol("a"), dt.symbol("b"), dt.symbol("c")
A, B = dt.symbol("A", N - 1), dt.symbol("B", N - 1)
SECOND = {a: dt.symbol("a'"), b: dt.symbol("b'")}
X, Y = np.concatenate([a[None], A]), np.concatenate([b[None], B])

VARIANCES = [
    np.var(X),
    np.mean(X**2) - np.mean(X) ** 2,
    np.mean((X - np.mean(X)) * X),
    np.sum((X[:, None] - X[None]) ** 2) / (2 * N * N),
    X @ X / N - np.square(np.sum(X) / N),
]
COVARIANCES = [
    np.cov(X, Y, bias=True)[0, 1],
    np.mean(X * Y) - np.mean(X) * np.mean(Y),
    np.mean((X - np.mean(X)) * (Y - np.mean(Y))),
    np.einsum("i,i", X, Y) / N - np.sum(X) * np.mean(Y) / N,
]


def graph(rng, depth=4):
    """Draw a vector of the two people and the others: sums, products, functions."""
    if depth == 0:
        return (X, Y, np.full(N, float(rng.integers(-3, 4)) / 4) + 0 * X)[
            rng.integers(3)
        ]
    v, w = graph(rng, depth - 1), graph(rng, int(rng.integers(depth)))
    kind = rng.integers(9)
    if kind == 0:
        return v + w
    if kind == 1:
        return v - 3 * w / 7
    if kind == 2:
        return v * w
    if kind == 3:
        return v - np.mean(w)
    if kind == 4:
        return np.square(v) if depth < 3 else v
    if kind == 5:
        return np.tanh(v) / 3
    if kind == 6:
        return v[::-1] + np.sum(w * v)
    if kind == 7:
        return np.where(v > w, 1.0, 0.0)
    return dt.softmax(np.stack([v, w]))[0] + np.maximum(v, w)


def result(rng):
    v = graph(rng)
    return (np.sum(v), v[0], v, np.mean(v * graph(rng, 2)))[rng.integers(4)]


def at(graphs, rng):
    """Return values of graphs at a point, as balls."""
    point = {s.name: rng.uniform(-2, 2, s.shape) for s in free_symbols(graphs)}
    return [np.ravel(evaluate_exactly(v, point)) for v in graphs]


@pytest.mark.parametrize("seed", seeds(6, 100))
def test_a_difference_is_the_difference(seed):
    rng = np.random.default_rng(seed)
    p = result(rng)
    q = p.subs(SECOND)
    for _ in range(3):
        first, second, apart = at([p, q, difference(p, q)], rng)
        for x, y, d in zip(first, second, apart, strict=True):
            assert (x - y).overlaps(d)


@pytest.mark.parametrize("seed", seeds(6, 100))
def test_what_is_left_out_does_not_move(seed):
    rng = np.random.default_rng(seed)
    p = result(rng)
    part = moving_part(p, {"a", "b"})
    rest = p - part
    for _ in range(3):
        point = {s.name: rng.uniform(-2, 2, s.shape) for s in free_symbols([rest])}
        other = {**point, **{n: rng.uniform(-2, 2) for n in "ab" if n in point}}
        first, second = (np.ravel(evaluate_exactly(rest, x)) for x in (point, other))
        assert all(x.overlaps(y) for x, y in zip(first, second, strict=True))


@pytest.mark.parametrize("spellings", [VARIANCES, COVARIANCES])
def test_a_function_has_one_form(spellings):
    forms = [difference(p, p.subs(SECOND)) for p in spellings]
    assert len({digest(d) for d in forms}) == 1


def test_shared_people_are_one_sum():
    d = difference(VARIANCES[0], VARIANCES[0].subs(SECOND))
    assert len(topological([d])) < 24
    gone = [
        np.mean(np.exp(X)),
        np.mean(np.tanh(X) * np.sin(Y)),
        np.sum(X > 0.3),
        np.bincount(np.digitize(X, [0.2, 0.5]), minlength=3),
        np.mean(dt.softmax(np.stack([X, Y], axis=1)), axis=0),
    ]
    for p in gone:
        left = free_symbols([difference(p, p.subs(SECOND))])
        assert {s.name for s in left} <= {"a", "b", "a'", "b'"}
        assert {s.name for s in free_symbols([moving_part(p, {"a", "b"})])} <= {
            "a",
            "b",
        }


def test_without_common_terms_a_difference_stays_as_it_is():
    p = np.max(X)
    q = p.subs(SECOND)
    assert digest(difference(p, q)) == digest(p - q)
    wide = np.prod(np.concatenate([X + i for i in range(20)]))
    other = wide.subs(SECOND)
    assert digest(difference(wide, other)) == digest(
        wide - other
    )  # too long to multiply out


def test_long_numbers_stay_exact():
    p = (0.1 * X[0] + 0.3) ** 2 * 0.7 + np.sum(A) / 3
    d = difference(p, p.subs(SECOND))
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second, apart = at([p, p.subs(SECOND), d], rng)
        assert (first[0] - second[0]).overlaps(apart[0])


def test_operators_without_arguments_are_numbers():
    """Pi is the same wherever it stands."""
    here, there = (apply(ops.pi, [], {}) for _ in range(2))
    (elements,) = Expansion().of([here * a - a * there])
    assert len(elements) == 1 and not elements[0].terms


def test_long_integers_count_as_often_as_they_are_long():
    """Powers of the smallest double: few terms, but 68,736 bits in the last of them."""
    v = a + 5e-324
    for _ in range(5):
        v = v * v
    assert len(Expansion().of([v])[0][0].terms) == 33
    with pytest.raises(TooLong):
        Expansion().of([v * v])
    with spending(-math.inf), pytest.raises(Spent):
        Expansion().of([v])
