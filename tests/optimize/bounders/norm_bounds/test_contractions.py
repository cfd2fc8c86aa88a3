"""What lengthens nothing: normalised rows, deviations from a mean, softmax slopes."""

import copy

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.checker.norm_bounds.shortening_maps import softmax_slope
from deuterium.certify.format import sealed
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.constructors import symbol
from deuterium.ops.rejection import rejection_of
from deuterium.optimize.bounders.norm_bounds.contractions import contraction_of
from deuterium.privacy.sensitivity.attribution import columns
from tests.amounts import seeds


def binary(t):
    return np.logaddexp(0, t) - 0.3 * t


def normalised(rng, d, spelling):
    x = dt.symbol("x", d)
    w, gain = (dt.constant(rng.normal(size=s)) for s in ((d, d), (d,)))
    last = dt.constant(rng.normal(size=d) / np.sqrt(d))
    h = x @ w
    n = {
        "layer": lambda: (h - h.mean()) / np.sqrt(h.var() + 0.1),
        "root mean square": lambda: h / np.sqrt(np.mean(h**2) + 0.1),
    }[spelling]()
    return dt.norm(dt.grad(binary(np.tanh(n * gain) @ last), [w, gain, last])), x


def attending(rng, length, d):
    x = dt.symbol("x", (length, d))
    w = [dt.constant(rng.normal(size=(d, d)) / np.sqrt(d)) for _ in range(3)]
    q, k, v = (x @ one for one in w)
    last = dt.constant(rng.normal(size=(d, 1)) / np.sqrt(d))
    h = (dt.softmax(q @ k.T / np.sqrt(d)) @ v).mean(axis=0)
    return dt.norm(dt.grad(binary((h @ last)[0]), [*w, last])), x


def turning(rng):
    """Return how fast one input moves the gradient of a network of four classes."""
    x = dt.symbol("x", 8)
    w = [dt.constant(rng.normal(size=s) / 3) for s in ((8, 12), (12, 4))]
    loss = -dt.log_softmax(np.tanh(x @ w[0]) @ w[1])[0]
    return dt.norm(columns(dt.grad(loss, w), x)[0]), x


MAKERS = {
    "classes": turning,
    "layer": lambda rng: normalised(rng, int(rng.integers(2, 9)), "layer"),
    "rms": lambda rng: normalised(rng, int(rng.integers(2, 9)), "root mean square"),
    "attention": lambda rng: attending(
        rng, int(rng.integers(2, 5)), int(rng.integers(3, 6))
    ),
}


@pytest.mark.parametrize("seed", seeds(3, 200))
@pytest.mark.parametrize("name", MAKERS)
def test_no_value_is_above_the_bound_and_its_proof_holds(name, seed):
    rng = np.random.default_rng(seed)
    v, x = MAKERS[name](rng)
    size = rng.choice([0.01, 1.0, 10.0])
    middle = rng.normal(size=x.shape)
    box = dt.Box({x: (middle - size, middle + size)})
    e = dt.maximize(v, box, method="norms", max_regions=3)
    f = dt.compile([x], v)
    at = middle + size * rng.uniform(-1, 1, size=(2000, *x.shape))
    at[1000:] = middle + size * rng.choice([-1.0, 1.0], size=(1000, *x.shape))
    assert np.max(f(at)) <= e.upper
    e.certificate.verify(v, box)


def test_layer_normalisation_is_bounded_to_a_small_factor():
    v, x = normalised(np.random.default_rng(0), 12, "layer")
    e = dt.maximize(v, dt.Box({x: (-1, 1)}), method="norms", max_regions=1)
    assert e.upper < 3.5 * e.lower  # 40 times without what lengthens nothing


def test_a_matrix_and_its_proof_that_lengthen_are_taken_for_none():
    x, g, s = symbol("x", 3), symbol("g", 3), symbol("s")
    box = dt.Box({x: (1, 2), g: (1, 2), s: (-2.5, -2)})
    v = dt.norm(rejection_of(x, g, s))
    assert contraction_of(rejection_of(x, g, s)) is None
    e = dt.maximize(v, box, max_regions=50)
    longest = dt.maximize(dt.norm(g), box).upper
    assert e.lower > 1.5 * longest
    e.certificate.verify(v, box)


def deviations(g):
    return g - g.mean(axis=-1, keepdims=True)


@pytest.mark.parametrize("axis", [(4,), (2, 4)])
def test_a_mean_taken_off_or_its_negative_added_is_one(axis):
    p, g = dt.softmax(symbol("t", axis)), symbol("g", axis)
    mean = np.sum(p * g, axis=-1, keepdims=True)
    for v in (p * (g - mean), (g - mean) * p, p * (g + -mean), (-mean + g) * p):
        found = contraction_of(v)
        assert found is not None
        assert found.is_softmax
        assert found.base is softmax_slope(v) is g


NOT_SO = {
    "a softmax's mean added": lambda p, g: (
        dt.softmax(p) * (g + np.sum(dt.softmax(p) * g, axis=-1, keepdims=True))
    ),
    "a softmax's mean's negative taken off": lambda p, g: (
        dt.softmax(p) * (g - -np.sum(dt.softmax(p) * g, axis=-1, keepdims=True))
    ),
    "of a softmax of columns": lambda p, g: (
        dt.softmax(p) * (g - np.sum(dt.softmax(p).T * g, axis=-1, keepdims=True))
    ),
    "of no softmax": lambda p, g: p * (g - np.sum(p * g, axis=-1, keepdims=True)),
    "spread over rows": lambda p, g: (
        dt.softmax(p) * (g - np.sum(dt.softmax(p) * g, axis=-1))
    ),
    "a mean spread over rows": lambda p, g: g - g.mean(axis=-1),
    "of other columns": lambda p, g: g - p.mean(axis=-1, keepdims=True),
    "a third": lambda p, g: g - g.sum(axis=-1, keepdims=True) / 2,
    "added": lambda p, g: g + g.mean(axis=-1, keepdims=True),
}


@pytest.mark.parametrize("name", NOT_SO)
def test_what_is_written_nearly_alike_is_none(name):
    p, g = symbol("p", (3, 3)), symbol("g", (3, 3))
    assert contraction_of(NOT_SO[name](p, g)) is None
    assert softmax_slope(NOT_SO[name](p, g)) is None


def test_deviations_and_slopes_are_found():
    p, g = symbol("p", (3, 4)), symbol("g", (3, 4))
    soft = dt.softmax(p)
    slope = soft * (g - np.sum(soft * g, axis=-1, keepdims=True))
    box = dt.Box({p: (-1, 1), g: (-1, 1)})
    for v in (deviations(g), slope):
        graph = Problem(np.sum(np.square(v)), box).graph
        found = [c for n in graph.order if (c := contraction_of(n))]
        assert [c.base.name for c in found] == ["g"]


def test_a_shorter_length_than_proved_is_refused():
    v, x = attending(np.random.default_rng(1), 3, 3)
    box = dt.Box({x: (-1, 1)})
    e = dt.maximize(v, box, method="norms", max_regions=1)
    body = copy.deepcopy(dict(e.certificate.body))
    body["upper"] *= 1 - 1e-9
    with pytest.raises(CertificateError, match="above the claim"):
        Certificate(body, sealed(body)).verify(v, box)
