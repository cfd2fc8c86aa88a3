"""Lengths of sums of outer products, multiplied out: the same, of fewer terms."""

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium.graph.traverse import topological
from deuterium.privacy.sensitivity.attribution import columns
from deuterium.transform.outer_sums import length_of_outer_sums
from deuterium.transform.simplify.simplify import simplify
from tests.amounts import draws, seeds, some

A, B = dt.symbol("a", (5,)), dt.symbol("b", (7,))
C, D, S = dt.symbol("c", (5,)), dt.symbol("d", (7,)), dt.symbol("s")


def outer(a, b):
    return a[:, None] * b


SUMS = {
    "two": outer(A, B) + outer(C, D),
    "a difference": outer(A, B) - outer(C, np.tanh(D)),
    "less a difference": -(outer(A, B) - outer(C, D)),
    "three": outer(A, B) + outer(C, D) - outer(A, D),
    "turned": (outer(A, B) + outer(C, D)).T,
    "reshaped": (outer(A, B) + outer(C, D)).reshape(35),
    "of scalars": S * np.tanh(B) + np.sin(S) * D,
    "a sum within": outer(C, S * np.tanh(B) + np.sum(A) * D),
    "both": outer(A, B) + outer(C, S * B + np.cos(S) * D),
}
ALONE = {
    "no sum": outer(A, B),
    "elements": np.tanh(B) + D,
    "one of both": outer(A, B) + dt.symbol("m", (5, 7)),
    "five": sum((outer(A + i, np.sin(B * i)) for i in range(5)), outer(C, D)),
}


@pytest.mark.parametrize("name", SUMS)
def test_the_length_is_the_same(name, rng):
    v = SUMS[name]
    found = length_of_outer_sums([v, A])
    assert found.shape == ()
    for _ in range(draws(3, 20)):
        at = {s: rng.normal(size=s.shape) for s in (A, B, C, D, S)}
        length = np.hypot(np.linalg.norm(v.evaluate(at)), np.linalg.norm(at[A]))
        assert found.evaluate(at) == pytest.approx(length, rel=1e-9)


@pytest.mark.parametrize("name", SUMS)
def test_no_element_is_a_sum_any_more(name):
    (found,) = simplify([length_of_outer_sums([SUMS[name]])])
    assert max(v.size for v in topological([found])) <= 7


@pytest.mark.parametrize("name", ALONE)
def test_others_are_left_as_they_are(name):
    (found, plain) = simplify(
        [length_of_outer_sums([ALONE[name]]), dt.norm(ALONE[name])]
    )
    assert found is plain


def test_what_cancels_has_no_length_and_not_less():
    """The products may have a sum below 0 by rounding."""
    v = outer(A, B) - outer(A * 3, B / 3)
    at = {A: np.full(5, 0.1), B: np.full(7, 0.7)}
    assert 0 <= length_of_outer_sums([v]).evaluate(at) < 1e-7


@pytest.mark.parametrize("activation", some([np.tanh, expit, np.sin], 1))
def test_bounds_of_slopes_hold(activation, rng):
    x, y = dt.symbol("x", (9,)), dt.symbol("y")
    w = [dt.constant(rng.normal(size=s) / 2) for s in ((9, 6), (6,))]
    t = activation(x @ w[0]) @ w[1]
    slopes = columns(dt.grad(np.logaddexp(t, 0) - y * t, w), x)[0]
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1])
    e = dt.maximize(
        length_of_outer_sums(simplify(slopes)), domain, max_regions=6, time_limit=None
    )
    assert dt.search(dt.norm(slopes), domain, seed=0).value <= e.upper
    e.certificate.verify()


@pytest.mark.parametrize("seed", seeds(1, 4))
def test_a_scalar_squared_first_and_a_hub_later_is_a_hub_from_the_first(seed):
    """Proofs say of a node that it is one, or that it is not, for all made of it."""
    rng = np.random.default_rng(seed)
    x = dt.symbol("x", (9,))
    w = [dt.constant(rng.normal(size=s) / 2) for s in ((9, 6), (6,))]
    t = np.tanh(x @ w[0]) @ w[1]
    slopes = columns(dt.grad(np.logaddexp(t, 0) - t, w), x)[0]
    e = dt.maximize(
        length_of_outer_sums(simplify(slopes)), dt.Box({x: (-1, 1)}),
        max_regions=1, time_limit=None, method="clusters",
    )  # fmt: skip
    assert any("clusters" in str(n.get("leaf")) for n in e.certificate.body["proof"])
    e.certificate.verify()
