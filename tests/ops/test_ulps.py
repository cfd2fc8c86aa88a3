"""What the records state of their libraries' errors, measured against ball arithmetic.

The processor's vector units change the library's answers: run these tests also with
``NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"``.
"""

import math

import numpy as np
import pytest
from flint import ctx

from deuterium.graph import OPERATORS
from deuterium.interval.interval_arithmetic import POWER_ULPS
from deuterium.ops.special import HYPOT_ULPS
from tests.amounts import draws
from tests.ops.references import BINARY, EPS, MAX, MIN_NORMAL, UNARY, sharp

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

MARGIN = 2  # the stated error is at least so many times the measured one
COUNT = draws(1500, 10_000)
STATED = sorted(n for n in UNARY if (OPERATORS[n].ulps or 0) > 0.5)
CENTRES = (
    0.5,
    1.0,
    math.pi / 2,
    math.pi,
    2 * math.pi,
    0.6931471805599453,
    2.0,
    26.0,
    37.0,
)


def points(name):
    """Return points of the domain: all magnitudes, moderate ones, near special ones."""
    rng = np.random.default_rng(sum(map(ord, name)))
    n = COUNT // 4

    def sign(k):
        return rng.choice([-1.0, 1.0], k)

    x = np.concatenate(
        [
            rng.uniform(-45, 45, n),
            rng.uniform(-1, 1, n),
            sign(n) * 2.0 ** rng.uniform(-60, 10, n),
            sign(n // 3) * 2.0 ** rng.uniform(-1060, 1020, n // 3),
            rng.uniform(-750, 750, n // 2),
            sign(n)
            * (rng.choice(CENTRES, n) + sign(n) * 2.0 ** rng.uniform(-52, -1, n)),
            rng.integers(-(10**6), 10**6, n // 3) * (math.pi / 2),
        ]
    )
    low, high = UNARY[name].domain
    inside = (x > low) & (x < high)
    if math.isfinite(low) and math.isfinite(high):
        x = np.concatenate([x[inside], rng.uniform(low, high, n)])
    else:
        x = np.where(inside, x, 2 * (low if math.isfinite(low) else 0) - x)
    return x[(x > low) & (x < high) & (np.abs(x) < 2.0**45)]


def excess(found, truth):
    """Return the error of a value in units of 2**-52 of it, underflow let go."""
    with ctx.workprec(200):
        error = float(abs(truth - type(truth)(found))) - MIN_NORMAL
    size = float(abs(truth))
    if size > MAX or not math.isfinite(found):
        return 0.0 if size > MAX * (1 - 2**-40) else math.inf
    return max(error, 0.0) / size / EPS if size else (0.0 if error <= 0 else math.inf)


@pytest.mark.drawn
@pytest.mark.parametrize("name", STATED)
def test_library_of_one_variable(name):
    op = OPERATORS[name]
    ulps, absolute = op.ulps, op.absolute
    xs = points(name)
    assert len(xs) >= draws(720, 2000)
    values = op.value(xs)
    worst, where = 0.0, None
    for x, y in zip(xs.tolist(), values.tolist(), strict=True):
        truth = sharp(UNARY[name].ball, x)
        assert truth.is_finite() or abs(y) > MAX / 2 or y == 0, (name, x, y)
        if not truth.is_finite():
            continue
        slack = absolute / max(float(abs(truth)), MIN_NORMAL) / EPS
        error = max(0.0, excess(y, truth) - slack / MARGIN)
        if error > worst:
            worst, where = error, x
    assert worst * MARGIN <= ulps, f"{name}: {worst:.3g} units at {where!r}"


def pairs(name):
    """Return arguments of two-variable functions, where they are delicate too."""
    rng = np.random.default_rng(3)
    n = COUNT // 2
    a = rng.choice([-1.0, 1.0], n) * 2.0 ** rng.uniform(-40, 40, n)
    b = a * rng.choice([-1.0, 1.0], n) * 2.0 ** rng.uniform(-30, 30, n)
    c = rng.choice([-1.0, 1.0], n) * 2.0 ** rng.uniform(-1060, 1020, n)
    d = c * 2.0 ** rng.uniform(-3, 3, n)
    if name != "power":
        return np.concatenate([a, c]), np.concatenate([b, d])
    base = np.concatenate([np.abs(a), 1 + 2.0 ** rng.uniform(-52, -1, n), np.abs(c)])
    return base, rng.uniform(-740, 709, 3 * n) / np.log(base)


@pytest.mark.parametrize(
    ("name", "ulps"),
    [
        ("power", POWER_ULPS),
        ("hypot", HYPOT_ULPS),
        ("direction_cosine", HYPOT_ULPS + 2),
    ],
)
def test_library_of_two_variables(name, ulps):
    xs, ys = pairs(name)
    values = OPERATORS[name].value(xs, ys)
    worst, where = 0.0, None
    for x, y, v in zip(xs.tolist(), ys.tolist(), values.tolist(), strict=True):
        if not math.isfinite(y):
            continue
        error = excess(v, sharp(BINARY[name].ball, x, y))
        if error > worst:
            worst, where = error, (x, y)
    assert worst * MARGIN <= ulps, f"{name}: {worst:.3g} units at {where!r}"


def test_that_a_margin_of_the_measured_is_stated():
    assert len(STATED) >= 25
    for name in STATED:
        assert OPERATORS[name].ulps >= 4, name
