"""The fast rules on stacked ends: held inside the full rules, and no NaN swallowed."""

from fractions import Fraction

import numpy as np
import pytest

from deuterium.interval import Interval, interval_arithmetic, linear, stacked
from deuterium.interval.rounding import MAX

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

NUMBERS = [0.0, 5e-324, 1e-310, 1e-160, 0.1, 1.0, 3.0, 1e155, 1e308, MAX]
NUMBERS = sorted({s * x for x in NUMBERS for s in (1, -1)})
PAIRS = np.array([(a, b) for a in NUMBERS for b in NUMBERS if a <= b]).T
LEFT, RIGHT = PAIRS[:, :, None], PAIRS[:, None, :]


def assert_wider(fast, full):
    """Assert that a fast result holds the full one, or is NaN (and so refused)."""
    spoilt = np.isnan(fast[0]) | np.isnan(fast[1])
    low, high = np.broadcast_arrays(full.lower, full.upper)
    assert np.all(spoilt | ((fast[0] <= low) & (fast[1] >= high)))
    assert np.mean(spoilt) < 0.5


@pytest.mark.parametrize("shape", ["few", "many"])
def test_arithmetic(shape):
    # the two ways of rounding outward depend on how many numbers there are
    a, b = (LEFT, RIGHT) if shape == "many" else (LEFT[:, ::40], RIGHT[:, :, ::40])
    x, y = Interval.unchecked(*a), Interval.unchecked(*b)
    assert_wider(stacked.add(a, b), interval_arithmetic.add(x, y))
    assert_wider(stacked.multiply(a, b), interval_arithmetic.multiply(x, y))
    thin = b[0]
    full = interval_arithmetic.multiply(x, Interval.unchecked(thin, thin))
    assert_wider(stacked.multiply_thin(a, thin), full)
    assert_wider(stacked.square(stacked.sizes(a)), interval_arithmetic.square(x))
    up = np.sort(np.abs(a), axis=0)
    other = np.sort(np.abs(b), axis=0)
    full = interval_arithmetic.multiply(
        Interval.unchecked(*up), Interval.unchecked(*other)
    )
    assert_wider(stacked.multiply_nonnegative(up, other), full)
    assert_wider(stacked.sqrt(up), interval_arithmetic.sqrt(Interval.unchecked(*up)))


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e150, 1e307])
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_sums(scale, count):
    rng = np.random.default_rng(count)
    for _ in range(20):
        e = np.sort(rng.normal(size=(2, count)) * scale, axis=0)
        for x, found in (
            (e, stacked.sum_any(e, (-1,), count)),
            (abs(e), stacked.sum_nonnegative(abs(e), (-1,), count)),
        ):
            if np.isnan(found).any():
                continue
            assert found[0] == -np.inf or Fraction(found[0]) <= sum(map(Fraction, x[0]))
            assert found[1] == np.inf or Fraction(found[1]) >= sum(map(Fraction, x[1]))
        squares = stacked.sum_of_squares(stacked.sizes(e), None, (-1,), count)
        sizes = linear.add_reduce(
            interval_arithmetic.square(Interval.unchecked(*e)), (-1,)
        ).midpoint
        if np.isfinite(squares).all():
            assert squares[0] <= sizes <= squares[1]


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e150])
def test_affine(scale):
    rng = np.random.default_rng(0)
    for n, m in ((1, 1), (3, 2), (60, 4)):
        w, bias = rng.normal(size=(n, m)), rng.normal(size=m) * scale
        e = np.sort(rng.normal(size=(2, 2, n)) * scale, axis=0)
        found = stacked.affine(e, np.stack([w, np.abs(w)]), bias)
        for k, t in enumerate(rng.integers(0, 2, (6, 2, n))):
            x = np.where(t, e[1], e[0]) if k else e[0]
            for i in range(2):
                for j in range(m):
                    products = zip(x[i], w[:, j], strict=True)
                    y = sum(Fraction(p) * Fraction(q) for p, q in products)
                    y += Fraction(bias[j])
                    assert Fraction(found[0, i, j]) <= y <= Fraction(found[1, i, j])


@pytest.mark.parametrize("x", [0.1, 0.3, 0.7, 1 / 3])
def test_long_sums_of_equal_terms(x):
    # the roundings of equal terms do not average out
    n = 200_000
    e, ones = np.full((2, 1, n), x), np.ones((n, 1))
    truth = Fraction(x) * n
    found = stacked.affine(e, np.stack([ones, ones]), 0.0)
    assert Fraction(found[0, 0, 0]) <= truth <= Fraction(found[1, 0, 0])
    thin = Interval.unchecked(e[0], e[0])
    full = linear.matmul(thin, Interval.unchecked(ones, ones))
    assert Fraction(full.lower[0, 0]) <= truth <= Fraction(full.upper[0, 0])


def test_step_refuses_what_is_undefined():
    assert stacked.step(np.array([[-1.0, 1.0, -2.0], [1.0, 2.0, -1.0]])).tolist() == [
        [0, 1, 0],
        [1, 1, 0],
    ]
    assert stacked.step(np.array([[0.0], [0.0]])).tolist() == [[0], [1]]
    for bad in ([[np.nan], [1.0]], [[-1.0], [np.nan]]):
        with pytest.raises(stacked.FastPathUnsupported):
            stacked.step(np.array(bad))


def test_softmax_holds_the_full_rule():
    from deuterium.graph import OPERATORS

    rng = np.random.default_rng(2)
    for scale in (1e-3, 1.0, 30.0, 800.0):
        e = np.sort(rng.normal(size=(2, 40, 5)) * scale, axis=0)
        full = OPERATORS["softmax"].enclosure(Interval.unchecked(*e))
        found = stacked.softmax(e)
        # the full rule is itself a few units wide, so compare with room for those
        assert np.all(found[0] <= full.upper) and np.all(found[1] >= full.lower)
        at = OPERATORS["softmax"].value
        for _ in range(20):
            x = e[0] + rng.integers(0, 2, e[0].shape) * (e[1] - e[0])
            y = at(np.clip(x, e[0], e[1]))
            assert np.all(found[0] <= y * (1 + 1e-14) + 1e-300)
            assert np.all(found[1] >= y * (1 - 1e-14))
