"""Polygamma and Bessel functions of any order; certificates, code and calls of all."""

import numpy as np
import pytest
import scipy.special as sp
import sympy
from flint import arb, ctx

import deuterium as dt
from deuterium import ops
from deuterium.certify.checker.defined_operator import entry_of
from deuterium.certify.checker.gamma_table import turn
from deuterium.errors import InvalidInputError
from deuterium.interval import Interval
from deuterium.ops.gamma import BESSEL_ULPS, LARGEST_ORDER, POLYGAMMA_ULPS
from deuterium.testing.definitions import ELEMENTWISE
from tests.amounts import some
from tests.ops.references import EPS, INF, MAX, MIN_NORMAL, sharp

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

CASES = [(ops.polygamma, n) for n in (1, 2, 3, 12)]
CASES += [(ops.bessel_i, n) for n in (2, 3, 9)]
MORE = [(ops.polygamma, n) for n in (4, 5, 6)] + [(ops.bessel_i, n) for n in (4, 5)]
CASES = some([*CASES, *MORE], len(CASES))


def points(op, seed=0):
    rng = np.random.default_rng(seed)
    x = [
        2.0 ** rng.uniform(-1070, 1020, 60),
        2.0 ** rng.uniform(-40, 40, 200),
        rng.uniform(0, 40, 300),
        rng.uniform(0, 2.5, 200),
        1e8 * (1 + rng.uniform(-1e-3, 1e-3, 30)),
        rng.uniform(600, 720, 60),
        [5e-324, 1.0, 2.0, np.nextafter(2.0, 3), 8.0],
    ]
    x = np.concatenate(x)
    return x if op is ops.polygamma else np.concatenate([x, -x, [0.0]])


def truth(op, n, x):
    if op is ops.bessel_i and abs(x) > 1e4:
        return arb("nan")
    return sharp(lambda b: ELEMENTWISE[op](b, n=n), x)


@pytest.mark.parametrize("op, n", CASES)
def test_values_are_as_near_as_is_stated(op, n):
    ulps = (POLYGAMMA_ULPS if op is ops.polygamma else BESSEL_ULPS) / 3
    xs = points(op)
    decided = 0
    for x, y in zip(xs.tolist(), op.value(xs, n=n).tolist(), strict=True):
        exact = truth(op, n, x)
        if not exact.is_finite() or abs(exact) > MAX:
            continue
        with ctx.workprec(300):
            off = abs(exact - arb(y)) if np.isfinite(y) else arb(INF)
            room = ulps * EPS * abs(exact) + 479001600 * 2 * MIN_NORMAL
            assert off < room, (x, y, exact)
        decided += 1
    assert decided > 500


@pytest.mark.parametrize("op, n", CASES)
def test_enclosures_hold_and_are_tight(op, n):
    rng = np.random.default_rng(n)
    xs = points(op, 1)
    pairs = np.sort(rng.choice(xs, (400, 2)), axis=1)
    pairs[:40, 1] = pairs[:40, 0]
    found = op.enclosure(Interval.unchecked(pairs[:, 0], pairs[:, 1]), n=n)
    entry = entry_of(op, {"n": n})
    checked = 0
    for (a, b), low, high in zip(pairs, found.lower, found.upper, strict=True):
        assert low <= high
        inner = [a, b, *np.clip(rng.uniform(a, b, 2), a, b)]
        inner += [0.0] if a <= 0 <= b else []
        balls = [truth(op, n, x) for x in inner]
        if not all(y.is_finite() for y in balls):
            continue
        with ctx.workprec(200):
            c, d = entry.range(arb(a), arb(b))
            for y in balls:
                assert not y < arb(low) and not y > arb(high), (a, b, low, high, y)
                assert not y < c.lower() and not y > d.upper(), (a, b, c, d, y)
        least, most = min(map(float, balls)), max(map(float, balls))
        if max(abs(least), abs(most)) < MAX / 2:
            room = 160 * EPS * max(abs(least), abs(most)) + 1e-290
            assert least - low <= room and high - most <= room, (a, b)
            checked += 1
    assert checked > 100


def test_where_polygamma_is_not_defined():
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (-3.0, -2.5)):
        box = Interval(np.float64(low), np.float64(high))
        assert np.isnan(ops.polygamma.enclosure(box, n=2).lower)


@pytest.mark.parametrize("op, n", [(ops.polygamma, 0), (ops.polygamma, 21)])
def test_orders_that_are_refused(op, n):
    box = Interval(np.float64(1.0), np.float64(2.0))
    with pytest.raises(InvalidInputError, match="order"):
        op.enclosure(box, n=n)


@pytest.mark.parametrize("bits", [53, 96, 256])
def test_the_turning_point_is_certain(bits):
    with ctx.workprec(bits):
        ends = turn().lower(), turn().upper()
    with ctx.workprec(400):
        assert ends[0].digamma() < 0 < ends[1].digamma()


X = dt.symbol("x")
CALLS = [
    (sp.gammaln, (0.2, 6.0)),
    (sp.psi, (0.2, 6.0)),
    (sp.digamma, (0.2, 6.0)),
    (lambda x: ops.polygamma(x, n=1), (0.3, 5.0)),
    (sp.erfinv, (-0.9, 0.95)),
    (sp.ndtri, (0.02, 0.9)),
    (sp.i0, (-3.0, 4.0)),
    (np.i0, (-3.0, 4.0)),
    (sp.i1, (-3.0, 4.0)),
]


@pytest.mark.parametrize(
    ("call", "bounds", "backend"),
    [
        *((call, bounds, "numpy") for call, bounds in CALLS),
        *some(((call, bounds, "jax") for call, bounds in CALLS), 2),
    ],
)
def test_compiled_code_agrees(call, bounds, backend):
    pytest.importorskip(backend)
    v = call(X)
    first = dt.grad(v, X)
    graphs = [v, first, dt.grad(first, X)]
    run = dt.compile([X], graphs, backend=backend)
    for p in np.linspace(*bounds, 9):
        got = [float(y) for y in run(p)]
        want = [float(g.evaluate({X: p})) for g in graphs]
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


FORMULAS = [
    (sp.gammaln(X) - X / 2, (0.3, 4.0)),
    (sp.gammaln(X + 1) - sp.gammaln(X + 0.5), (0.5, 3.0)),
    (X * sp.psi(X) - X, (0.5, 3.0)),
    (sp.psi(X) ** 2, (0.8, 3.0)),
    (ops.polygamma(X, n=2) + X, (0.7, 3.0)),
    (sp.erfinv(X) * (1 - X), (-0.8, 0.9)),
    (sp.ndtri(X) ** 2 - X, (0.1, 0.8)),
    (np.log(sp.i0(X)) - X, (-1.0, 3.0)),
    (sp.i1(X) / sp.i0(X), (-2.0, 2.0)),
]


@pytest.mark.parametrize("formula, bounds", some(FORMULAS, 5))
def test_certificates_of_small_formulas(formula, bounds):
    box = dt.Box({X: bounds})
    found = dt.maximize(formula, box, rtol=1e-3)
    found.certificate.verify(formula, box)
    best = max(float(formula.evaluate({X: p})) for p in np.linspace(*bounds, 2001))
    assert found.upper >= best
    assert found.upper - best <= 2e-3 * max(abs(best), 0.1)


def test_printed_forms():
    assert str(sp.gammaln(X)) == "loggamma(x)"
    assert str(dt.grad(sp.i0(X), X)) == "besseli(1, x)"
    assert "erfinv" in sp.erfinv(X)._repr_latex_()
    assert dt.grad(sp.i1(X), X).to_sympy().has(sympy.besseli)
    for v in (sp.erfinv(X), sp.gammaln(X), sp.ndtri((1 + X) / 3)):
        again = dt.Variable(v.to_sympy())
        assert again.evaluate({X: 0.4}) == pytest.approx(v.evaluate({X: 0.4}))


def test_bessel_functions_overflow_where_they_are_said_to():
    for n in range(LARGEST_ORDER + 1):
        with ctx.workprec(200):
            assert arb(720).bessel_i(n) > arb(MAX)
