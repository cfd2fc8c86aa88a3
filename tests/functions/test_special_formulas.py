"""Box-Cox transforms, robust losses, polygamma and the angle, as SciPy and NumPy call
them: values, slopes, bounds and certificates."""

import numpy as np
import pytest
import scipy.special as sp

import deuterium as dt
from deuterium import ops
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.errors import CertificateError, InvalidInputError

X, Y = dt.symbol("x"), dt.symbol("y")
EXPONENTS = [0, 0.5, 1, 2, 3.0, 2.5, -1, -2, -0.7, 1e-9, 0.03, np.float64(0.3)]


@pytest.mark.parametrize("p", EXPONENTS)
@pytest.mark.parametrize("name", ["boxcox", "boxcox1p", "inv_boxcox", "inv_boxcox1p"])
def test_transforms_have_the_values_of_scipy(name, p):
    f = getattr(sp, name)
    v = f(X, p)
    slope = dt.grad(v, X)
    for at in (0.3, 0.77, 1.0, 1.3, 2.9) if name == "boxcox" else (0.0, 0.1, 0.3):
        assert v.evaluate({X: at}) == pytest.approx(f(at, p), rel=1e-13, abs=1e-14)
        h = 1e-6
        rise = (f(at + h, p) - f(at - h, p)) / (2 * h)
        assert slope.evaluate({X: at}) == pytest.approx(rise, rel=1e-7, abs=1e-7)


def test_transforms_of_arrays_and_of_many_exponents():
    x = dt.symbol("x", (3,))
    p, at = np.array([0.0, 0.5, 2.0]), np.array([0.5, 1.5, 2.5])
    for f in (sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.inv_boxcox1p):
        np.testing.assert_allclose(f(x, p).evaluate({x: at}), f(at, p), rtol=1e-13)
        np.testing.assert_allclose(f(x, 0.0).evaluate({x: at}), f(at, 0.0), rtol=1e-13)


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, 2.5, -1, -2])
def test_a_transform_is_not_defined_below_zero(p):
    v = sp.boxcox(X, p)
    for bounds in ((-2.0, -1.0), (-1.0, 1.0)):
        assert dt.enclose(v, dt.Box({X: bounds})).cause.kind == "undefined"
    assert np.isnan(v.evaluate({X: -1.0})) and np.isnan(sp.boxcox(-1.0, p))
    if p > 0:
        assert dt.enclose(v, dt.Box({X: (0, 2)})).lower == pytest.approx(-1 / p)


def test_exponents_are_numbers():
    for f in (sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.inv_boxcox1p):
        with pytest.raises(InvalidInputError, match="lmbda"):
            f(X, Y)


@pytest.mark.parametrize("name", ["huber", "pseudo_huber"])
@pytest.mark.parametrize("delta", [0.5, 1.5, 10])
def test_losses(name, delta):
    f = getattr(sp, name)
    v = f(delta, X)
    for at in (-3.0, -1.5, -0.2, 0.0, 0.5, 1.5, 7.0):
        assert v.evaluate({X: at}) == pytest.approx(f(delta, at), rel=1e-12, abs=1e-15)
    box = dt.Box({X: (-3.0, 2.0)})
    found = dt.enclose(v, box)
    assert 0 <= found.lower <= 1e-12
    assert found.upper == pytest.approx(f(delta, -3.0))
    steep = dt.enclose(dt.grad(v, X), box)
    assert max(-steep.lower, steep.upper) <= delta * (1 + 1e-12)
    best = dt.maximize(v - X, box, rtol=1e-3)
    best.certificate.verify(v - X, box)
    assert best.upper == pytest.approx(f(delta, -3.0) + 3, rel=2e-3)


def test_losses_with_a_threshold_that_varies_or_is_wrong():
    v = sp.huber(Y, X) + sp.pseudo_huber(Y, X)
    at = {X: -2.0, Y: 0.7}
    want = sp.huber(0.7, -2.0) + sp.pseudo_huber(0.7, -2.0)
    assert v.evaluate(at) == pytest.approx(want)
    for f in (sp.huber, sp.pseudo_huber):
        for delta in (0.0, -1.0, np.nan):
            with pytest.raises(InvalidInputError, match="delta"):
                f(delta, X)


def test_polygamma():
    at = np.array([0.4, 1.3, 5.0])
    x = dt.symbol("x", (3,))
    for n in range(5):
        want = sp.polygamma(n, at)
        np.testing.assert_allclose(dt.polygamma(n, at), want)
        np.testing.assert_allclose(dt.polygamma(n, x).evaluate({x: at}), want)
    for n in (-1, 0.5, 21, X, True):
        with pytest.raises(InvalidInputError, match="order"):
            dt.polygamma(n, X)


BOXES = [
    ({X: (-1, 1), Y: (0.1, 1)}, True),
    ({X: (-2, -1), Y: (0, 1)}, True),
    ({X: (-2, -1), Y: (-1, -0.1)}, True),
    ({X: (0.5, 1), Y: (-1, 1)}, True),
    ({X: (-2, -1), Y: (-1, 0)}, False),
    ({X: (-2, -1), Y: (-1, 1)}, False),
    ({X: (0, 1), Y: (0, 1)}, False),
    ({X: (-1, 1), Y: (-1, 1)}, False),
]


@pytest.mark.parametrize("bounds, defined", BOXES)
def test_the_slopes_of_the_angle_are_undefined_across_the_cut(bounds, defined):
    angle, box = np.arctan2(Y, X), dt.Box(bounds)
    for graph in dt.grad(angle, [Y, X]):
        cause = dt.enclose(graph, box).cause
        assert (cause is None) == defined, (graph, cause)
    corners = [angle.evaluate({X: p, Y: q}) for p in bounds[X] for q in bounds[Y]]
    found = dt.maximize(angle, box, rtol=1e-6)
    assert found.status == "optimal"
    on_the_cut = bounds[X][0] < 0 and bounds[Y][0] <= 0 <= bounds[Y][1]
    most = np.pi if on_the_cut else max(corners)
    assert most - 1e-12 <= found.upper <= most + 1e-5
    found.certificate.verify(angle, box)


ANGLE = np.arctan2(Y, X)
FORMULAS = [
    ANGLE,
    ANGLE * X,
    np.sin(2 * ANGLE) + X,
    dt.grad(ANGLE, X) ** 2 + dt.grad(ANGLE, Y) ** 2,
    np.abs(np.arctan2(Y, X + 3) - Y),
    np.arctan2(np.sin(X), 2 + np.cos(Y)),
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_certificates_of_angles(formula):
    box = dt.Box({X: (-1, 1), Y: (0.1, 1)})
    found = dt.maximize(formula, box, rtol=1e-3)
    found.certificate.verify(formula, box)
    grid = [
        float(formula.evaluate({X: a, Y: b}))
        for a in np.linspace(-1, 1, 21)
        for b in np.linspace(0.1, 1, 19)
    ]
    assert max(grid) <= found.upper <= max(grid) + 0.02 * abs(max(grid))


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_compiled_angles_know_no_signs_of_zeros(backend):
    pytest.importorskip(backend)
    run = dt.compile([Y, X], [ANGLE, *dt.grad(ANGLE, [Y, X])], backend=backend)
    for y in (0.0, -0.0):
        assert float(run(y, -1.0)[0]) == pytest.approx(np.pi)
        assert ANGLE.evaluate({Y: y, X: -1.0}) == pytest.approx(np.pi)
    got = [float(e) for e in run(1.0, -2.0)]
    assert got == pytest.approx([np.arctan2(1, -2), -0.4, -0.2])
    alone = dt.compile([X], [np.arctan2(1.0, X), np.arctan2(X, 2.0)], backend=backend)
    assert [float(e) for e in alone(0.5)] == pytest.approx(
        [np.arctan2(1, 0.5), np.arctan2(0.5, 2)]
    )


@pytest.mark.parametrize("wrong", [0.999, 0.99])
def test_certificates_that_claim_too_little_are_refused(wrong):
    for formula, box in (
        (np.arctan2(Y, X), dt.Box({X: (-1, 1), Y: (0.1, 1)})),
        (sp.i0(X) + sp.psi(X + 2), dt.Box({X: (-1, 2)})),
        (sp.ndtri(X) + 1, dt.Box({X: (0.2, 0.9)})),
        (sp.gammaln(X) + ops.polygamma(X, n=1), dt.Box({X: (0.5, 4)})),
    ):
        found = dt.maximize(formula, box, rtol=1e-4)
        found.certificate.verify(formula, box)
        claim = {"lower": found.lower * wrong, "upper": found.lower * wrong}
        body = {**found.certificate.body, **claim}
        with pytest.raises(CertificateError):
            Certificate(body, sealed(body)).verify(formula, box)
