"""A jump where a pre-activation is zero makes slopes infinite, whatever bounds them."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError
from tests.amounts import draws, some

JUMPS = {
    "where": lambda z: np.where(z > 0, z, 5 + z),
    "where, scaled": lambda z: np.where(0.5 * z > 0, z, 5 + z),
    "where, behind tanh": lambda z: np.where(np.tanh(z) > 0, z, 5 + z),
    "where, at zero": lambda z: np.where(z >= 0, z, 5 + z),
    "sign": lambda z: np.sign(z) + z,
    "heaviside": lambda z: np.heaviside(z, 0.5) * 3 + z,
}
X = dt.symbol("x", shape=(4,))
BOX = dt.Box({X: (-1, 1)})


def network(f, first):
    """A network of two layers with f as the first, or the second, activation."""
    rng = np.random.default_rng(3)
    w, v, u = (dt.constant(rng.normal(size=s)) for s in ((4, 3), (3, 3), (3,)))
    one, two = (f, np.tanh) if first else (np.tanh, f)
    return two(one(X @ w) @ v) @ u


@pytest.mark.drawn
@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize("first", some([True, False], 1))
@pytest.mark.parametrize("name", JUMPS)
def test_the_slope_across_a_jump_is_infinite(name, first):
    v = dt.norm([dt.grad(network(JUMPS[name], first), X)])
    for method in ("clusters", "norms", "auto")[: draws(2, 3)]:
        try:
            e = dt.maximize(v, BOX, method=method, max_regions=3, time_limit=None)
        except InvalidInputError:
            continue  # the method does not fit
        assert e.upper == np.inf, method


def test_a_network_with_a_jump_is_not_lipschitz():
    f = network(JUMPS["where"], True)
    assert privacy.lipschitz(f, wrt=X, domain=BOX, time_limit=2).upper == np.inf


def test_branches_that_meet_have_finite_slopes():
    v = dt.norm([dt.grad(network(lambda z: np.where(z > 0, z, 0.5 * z), True), X)])
    e = dt.maximize(v, BOX, max_regions=3, time_limit=None)
    assert e.upper < 10
    e.certificate.verify(v, BOX)
