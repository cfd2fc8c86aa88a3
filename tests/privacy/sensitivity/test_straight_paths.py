"""A slope times a distance is a difference where the straight path stays inside."""

from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy

X, Z, UNIT = dt.symbol("x"), dt.symbol("z", (3,)), {dt.symbol("z", (3,)): (0, 1)}
SQUARES = np.sum(np.square(Z))
KNOWN = [
    dt.Where(np.sum(Z) <= 1),
    dt.Where(Z[0] <= Z[1], Z[1] + 2 * Z[2] > 0.1),
    dt.Where(Z[0] >= Z),
    dt.Where((Z[0] < 0.5) & (Z[1] < 0.5)),
    dt.Where(SQUARES <= 1),
    dt.Where(dt.norm([Z]) < 1),
    dt.Where(np.sum(np.abs(Z - 0.5)) <= 0.5),
    dt.Simplex(Z),
]
UNKNOWN = [
    dt.Where(np.abs(Z) > 0.5),
    dt.Where((Z[0] < 0.5) | (Z[1] < 0.5)),
    dt.Where(np.floor(Z[0]) <= 0),
    dt.Where(SQUARES > 1),
    dt.Where(-SQUARES <= -1),
    dt.Where(Z[0] * Z[1] <= 0.5),
    dt.Where(dt.defined(1 / (Z[0] - 0.5))),
]


def test_a_path_around_a_steep_place_has_no_slope():
    steep = np.tanh(100 * X)  # -1 and 1 at the ends, and flat where it may be
    domain = dt.Box({X: (-2, 2)}) & dt.Where(np.abs(X) >= 1)
    slope = privacy.lipschitz(steep, X, domain, atol=0.0)
    assert slope.upper < 1e-80
    with pytest.raises(dt.errors.UnsupportedError, match="convex"):
        slope.sensitivity("replace_one", distance=4)


@pytest.mark.parametrize("known", [True, False])
def test_conditions_of_convex_sets(known):
    for condition in KNOWN if known else UNKNOWN:
        domain = dt.Box(UNIT) & condition
        slope = privacy.lipschitz(SQUARES, Z, domain, max_regions=1)
        if known:
            assert slope.sensitivity("replace_one", distance=1) == slope.upper
        else:
            with pytest.raises(dt.errors.UnsupportedError, match="convex"):
                slope.sensitivity("replace_one", distance=1)


TAX = np.where(
    X < 0.1,
    0.1 * X,
    np.where(X < 0.3, 0.01 + 0.2 * (X - 0.1), 0.05 + 0.3 * (X - 0.3)),
)


def exact_tax(x):
    """Return the tax exactly, of the doubles it is written with."""
    low, middle, high = (Fraction(r) for r in (0.1, 0.2, 0.3))
    if x < low:
        return low * x
    if x < high:
        return Fraction(0.01) + middle * (x - low)
    return Fraction(0.05) + high * (x - high)


@pytest.mark.parametrize("factor", [1, 3])
def test_jumps_by_rounding_are_added(factor):
    slope = privacy.lipschitz(TAX, X, dt.Box({X: (0, 1)}), rtol=1e-6).scaled(factor)
    slope.verify()
    assert 0 < slope.jump < 1e-15
    for at in (0.1, 0.3):
        near = Fraction(1, 2**100)
        step = exact_tax(Fraction(at)) - exact_tax(Fraction(at) - near)
        moved = slope.sensitivity("replace_one", distance=float(near))
        assert abs(factor * step) <= Fraction(moved)
        assert abs(factor * step) > Fraction(slope.upper) * near  # the slope alone


def test_a_jump_that_moves_a_condition_has_no_slope():
    def bent(t, at=0.1):
        return np.where(t < at, 0.17 * t, 0.17 * at + 0.33 * (t - at))

    domain, once = dt.Box({X: (0, 1)}), bent(X)
    meeting = np.where(once < 0.017, once, 0.017 + 2 * (once - 0.017))
    for v in (np.exp(once), meeting, bent(once)):
        slope = privacy.lipschitz(v, X, domain, max_regions=20)
        assert slope.upper < np.inf and slope.jump > 0
    twice = privacy.lipschitz(bent(once, 0.007), X, domain, max_regions=20)
    assert twice.upper == np.inf


def test_jumps_in_elements_are_all_counted():
    base = np.where(Z < 0.1, 0.17 * Z, 0.17 * 0.1 + 0.33 * (Z - 0.1))
    one = privacy.lipschitz(base[0], Z, dt.Box(UNIT)).jump
    assert privacy.lipschitz(np.sum(base), Z, dt.Box(UNIT)).jump >= 2.99 * one > 0


def test_a_domain_without_a_record_is_refused():
    x = dt.symbol("x")
    empty = dt.Box({x: (1, 2)}) & dt.Where(x * x - x > 5)
    for ask in (
        lambda: privacy.contribution(x, empty),
        lambda: privacy.contribution(np.stack([x, x * x]), empty),
        lambda: privacy.diameter(x, empty),
        lambda: privacy.lipschitz(x * x, x, empty),
        lambda: privacy.contributions({"a": x, "b": x * x}, empty),
    ):
        with pytest.raises(dt.errors.BoundsError, match="no record"):
            ask()
