"""Formulas of which others have reported that libraries get them wrong.

Each has a right value that is known: by analysis, by its definition, or by all corners.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.special as sc

import deuterium as dt
from deuterium import privacy
from deuterium.errors import BoundsError, DeuteriumError
from tests.amounts import some

s, y, u = dt.symbol("s"), dt.symbol("y"), dt.symbol("u")
x3 = dt.symbol("x", (3,))
UNIT = dt.Box({s: (0, 1)})
SQUARE = dt.Box({s: (0, 1), y: (0, 1)})
CUBE = dt.Box({s: (0, 1), y: (0, 1), u: (0, 1)})


def slope(f, *inputs_and_domain, **options):
    *inputs, domain = inputs_and_domain
    return privacy.lipschitz(f, inputs, domain, **options)


# -- values ----------------------------------------------------------------------------

ANGLES = {
    "arcsin(sqrt(s))": (np.arcsin(np.sqrt(s)), UNIT, np.pi / 2),
    "arcsin(s**2)": (np.arcsin(s**2), UNIT, np.pi / 2),
    "arcsin(s * y)": (np.arcsin(s * y), SQUARE, np.pi / 2),
    "sqrt(1 - sqrt(s))": (np.sqrt(1 - np.sqrt(s)), UNIT, 1.0),
    "sqrt(1 - s * y)": (np.sqrt(1 - s * y), SQUARE, 1.0),
    "sqrt(1 - sqrt(s * y))": (np.sqrt(1 - np.sqrt(s * y)), SQUARE, 1.0),
    "arcsin(tanh(s))": (np.arcsin(np.tanh(s)), dt.Box({s: (-100, 100)}), np.pi / 2),
    "radians": (np.radians(s) * y, dt.Box({s: (0, 180), y: (0, 1)}), np.pi),
    "log": (np.log(s), dt.Box({s: (0, 2)}), math.log(2)),
    "kink": (
        np.maximum(np.sin(s), np.minimum(3.0, y)), dt.Box({s: (1, 2), y: (1, 3)}), 3
    ),
    "entropy": (-sc.xlogy(s, s) - sc.xlogy(1 - s, 1 - s), UNIT, math.log(2)),
    "root and logarithm": (-np.sqrt(s) * np.log(s), UNIT, 2 / math.e),
    "cap": (dt.grad(np.minimum(s, 0.5), s), UNIT, 1.0),
    "pole": (np.minimum(1 / s**2, 3.0), dt.Box({s: (-1, 1)}), 3.0),
    "quotients": (s / (y + 1) + y / (s + 1), SQUARE, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ANGLES)
def test_suprema(name):
    f, domain, right = ANGLES[name]
    found = dt.maximize(f, domain, rtol=1e-4)
    assert found.status == "optimal"
    assert found.lower <= right * (1 + 1e-15)
    assert right * (1 - 1e-15) <= found.upper <= right * (1 + 1e-3)


def test_minima_of_zero_end():
    v = dt.symbol("v", (6,))
    found = dt.minimize(np.var(v), dt.Box({v: (0, 1)}))
    assert (found.lower, found.upper, found.status) == (0.0, 0.0, "optimal")
    w = s + y
    f = ((w - 2) ** 6 + 0.2) * np.log(1 + w**2)
    found = dt.minimize(f, dt.Box({s: (-0.2, 3), y: (-0.1, 0.1)}))
    assert found.status == "optimal"
    assert -1e-9 <= found.lower <= found.upper <= 1e-9


def test_absorption_and_elimination_at_equal_rates():
    ka, ke, t = dt.symbol("ka"), dt.symbol("ke"), dt.symbol("t")
    f = ka / (ka - ke) * (np.exp(-ke * t) - np.exp(-ka * t))
    found = dt.maximize(f, dt.Box({ka: (0.5, 2), ke: (0.1, 1), t: (0, 24)}))
    assert 0.8541 < found.lower <= found.upper < 0.8541 * 1.011


def test_a_vector_divided_by_its_sum_is_short():
    f = x3 / np.maximum(1, np.sum(x3))
    found = privacy.diameter(f, dt.Box({x3: (0, 1)}), norm=1)
    assert 2 <= found.upper < 2.02
    assert dt.Ball(x3, 0, 1, order=1) is not None


def test_sufficient_statistics():
    x = dt.symbol("x", (5,))
    domain = dt.Box({x: (0, 1), y: (0, 10)})
    upper = np.outer(x, x)[np.triu_indices(5)]
    parts = [upper, x * y, y**2]
    whole = privacy.contribution([np.outer(x, x), x * y, y**2], domain)
    assert whole.upper == pytest.approx(math.sqrt(10525), rel=1e-8)
    assert privacy.contribution(parts, domain, norm=1).upper == pytest.approx(165)
    assert privacy.contribution(parts, domain, norm=np.inf).upper == pytest.approx(100)


@pytest.mark.parametrize("centred", [False, True])
def test_covariance_of_five(centred):
    a, b = dt.symbol("a"), dt.symbol("b")
    others_a, others_b = dt.symbol("A", (4,)), dt.symbol("B", (4,))
    xs = np.concatenate([a.reshape((1,)), others_a])
    ys = np.concatenate([b.reshape((1,)), others_b])
    f = np.mean(xs * ys) - np.mean(xs) * np.mean(ys)
    if centred:
        f = np.mean((xs - np.mean(xs)) * (ys - np.mean(ys)))
    domain = dt.Box({a: (0, 1), b: (0, 1), others_a: (0, 1), others_b: (0, 1)})
    found = privacy.diameter(f, domain, shared=[others_a, others_b])
    assert 0.16 <= found.upper <= 0.16 * 1.01


# -- slopes ----------------------------------------------------------------------------

x9 = dt.symbol("x9", (9,))
MEDIAN = np.maximum(np.minimum(s, y), np.minimum(np.maximum(s, y), u))
TAX = 0.1 * np.minimum(s, 1) + 0.2 * np.clip(s - 1, 0, 1) + 0.4 * np.maximum(s - 2, 0)
SLOPES = {
    "norm squared": (
        np.linalg.norm(x3) ** 2, [x3], dt.Box({x3: (-1, 1)}), 2 * math.sqrt(3)
    ),
    "std": (np.std(x3), [x3], dt.Box({x3: (0, 1)}), 1 / math.sqrt(3)),
    "power": (s**y, [s, y], dt.Box({s: (0, 1), y: (1, 2)}), 2.0),
    "log cosh": (np.log(np.cosh(s)), [s], dt.Box({s: (-1000, 1000)}), 1.0),
    "cap": (np.minimum(s, 0.5), [s], UNIT, 1.0),
    "tax": (TAX, [s], dt.Box({s: (0, 5)}), 0.4),
    "tax by ends": (
        0.1 * np.clip(s, 0, 10) + 0.2 * np.clip(s, 10, 30) + 0.4 * np.clip(s, 30, 1e9),
        [s], dt.Box({s: (0, 100)}), 0.4,
    ),
    "maximum": (np.maximum(s, y), [s, y], SQUARE, 1.0),
    "median of three": (MEDIAN, [s, y, u], CUBE, 1.0),
    "max of nine": (np.max(x9), [x9], dt.Box({x9: (0, 1)}), 1.0),
    "median of nine": (np.median(x9), [x9], dt.Box({x9: (0, 1)}), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOPES)
def test_slopes(name):
    f, inputs, domain, right = SLOPES[name]
    found = privacy.lipschitz(f, inputs, domain, rtol=1e-3)
    assert right * 0.999 <= found.lower <= right * (1 + 1e-12)
    assert right * (1 - 1e-12) <= found.upper <= right * 1.001


def test_kidney_function():
    scr, age, fem = dt.symbol("scr"), dt.symbol("age"), dt.symbol("fem")
    k, al = 0.9 - 0.2 * fem, -0.302 + 0.061 * fem
    f = 142 * np.minimum(scr / k, 1) ** al * np.maximum(scr / k, 1) ** -1.2
    f = f * 0.9938**age * (1 + 0.012 * fem)
    domain = dt.Box({scr: (0.3, 15), age: (18, 100)}) & dt.Choice(fem, [0, 1])
    found = slope(f, scr, age, domain)
    assert 220.26 * 0.99 <= found.lower <= found.upper <= 220.27 * 1.01


def test_vega():
    price, sigma = dt.symbol("S"), dt.symbol("sigma")
    d1 = (np.log(price / 100) + (0.02 + 0.5 * sigma**2)) / sigma
    call = price * sc.ndtr(d1) - 100 * np.exp(-0.02) * sc.ndtr(d1 - sigma)
    domain = dt.Box({price: (80, 120), sigma: (0.1, 0.5)})
    found = dt.maximize(dt.grad(call, sigma), domain, rtol=1e-3)
    assert 39.104269 <= found.upper <= 39.104269 * 1.0011


def test_a_smooth_loss_written_with_kinks():
    f = np.maximum(u, 0) - u * y + np.log1p(np.exp(-np.abs(u)))
    g = dt.grad(f, u)
    assert g.evaluate({u: 0.0, y: 1.0}) == -0.5
    (compiled,) = dt.compile([u, y], [g])(0.0, 1.0)
    assert compiled == -0.5


@pytest.mark.parametrize("point", [820.0, -820.0])
def test_log_sigmoid_far_out(point):
    f = np.log(sc.expit(s))
    g = dt.grad(f, s)
    value, steep = min(point, 0.0), float(point < 0)
    assert (f.evaluate({s: point}), g.evaluate({s: point})) == (value, steep)
    assert tuple(map(float, dt.compile([s], [f, g])(point))) == (value, steep)


def test_slopes_at_points():
    x = np.stack([s, s + 1, 2 - s, s - 1, 2 * s + 1, s + 3]).reshape(2, 3)
    total = np.sum(np.cumprod(x, axis=-1) * np.array([[1.0, 2, 3], [4, 5, 6]]))
    assert dt.grad(dt.grad(total, s), s).evaluate({s: 1.0}) == 144
    assert dt.grad(s**y, y).evaluate({s: 0.0, y: 2.0}) == 0
    guarded = dt.grad(np.sqrt(np.maximum(s, 0)), s)
    assert guarded.evaluate({s: -1.0}) == 0
    assert float(dt.enclose(guarded, dt.Box({s: (-2, -1)})).upper) == 0
    at_zero = dt.grad(np.linalg.norm(x3) ** 2, x3).evaluate({x3: np.zeros(3)})
    assert np.array_equal(at_zero, np.zeros(3))


# -- a softmax by hand -----------------------------------------------------------------

RNG = np.random.default_rng(0)
RNG.normal(size=4)
WEIGHTS = RNG.normal(size=(4, 3))
LOGS = {
    "log_softmax": dt.log_softmax,
    "by hand": lambda z: np.log(np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)),
    "with a small number": lambda z: np.log(dt.softmax(z) + 1e-12),
    "clipped": lambda z: np.log(np.clip(dt.softmax(z), 1e-7, 1 - 1e-7)),
}


def largest_gradient():
    """All corners and labels: ``|x| |p - y|`` is convex along no axis but in each."""
    best = 0.0
    for c in itertools.product([-1.0, 1.0], repeat=4):
        p = sc.softmax(np.array(c) @ WEIGHTS)
        best = max(best, *(2 * np.linalg.norm(p - row) for row in np.eye(3)))
    return best


SPELLED = [(name, (4,)) for name in LOGS] + [(name, (1, 4)) for name in LOGS]


@pytest.mark.parametrize(("name", "shape"), some(SPELLED, len(LOGS)))
def test_cross_entropy_however_it_is_spelled(name, shape):
    w, label, x = dt.constant(WEIGHTS), dt.symbol("label", (3,)), dt.symbol("r", shape)
    loss = -np.sum(label * LOGS[name](x @ w))
    domain = dt.Box({x: (-1, 1)}) & dt.OneHot(label)
    found = privacy.contribution(dt.grad(loss, [w]), domain, rtol=1e-2)
    right = largest_gradient()
    assert found.status == "optimal"
    assert right * (1 - 1e-9) <= found.upper <= right * 1.01


# -- what is refused -------------------------------------------------------------------


def test_two_pairs_of_ends_are_refused():
    x = dt.symbol("x2", (2,))
    with pytest.raises(BoundsError, match="two ways"):
        dt.Box({x: [(0, 1), (2, 3)]})


REFUSED = {
    "a method": (lambda: np.ones((2, 3)).dot(x3), "np.dot"),
    "math": (lambda: math.exp(s), "np.exp"),
    "softmax": (lambda: sc.softmax(x3), "deuterium.softmax"),
    "logsumexp": (lambda: sc.logsumexp(x3), "deuterium.logsumexp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_names_what_to_write(name):
    call, advice = REFUSED[name]
    with pytest.raises(DeuteriumError) as caught:
        call()
    assert advice in str(caught.value)
