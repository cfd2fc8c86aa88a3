"""Elements used more than once, moved or left out; kinks at the end of a domain."""

from itertools import product

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import InvalidInputError
from tests.amounts import draws, some

PLACES = [[0, 1, 2, 0, 1, 2], [2, 0, 1, 1, 2, 0], [0, 0, 0, 0, 2, 2]]


def gathered(rng, function, x):
    places = PLACES[rng.integers(3)]
    z = function(x)[places] if rng.random() < 0.5 else function(x[places])
    return z @ rng.normal(size=(6, 4))


def broadcast(rng, function, x):
    rows = function(x)[None, :] * np.ones((2, 1))
    return ((rows + x) @ rng.normal(size=(3, 2))).reshape(4)


def joined(rng, function, x):
    z = np.concatenate([x[::-1], 0.5 * function(x), x[:1]])
    weight = rng.normal(size=(7, 4))
    weight[[0, 3]] = 0.0  # two elements that nothing depends on
    return z @ weight


def convolved(rng, function, x):
    """Two filters moved over the elements, with a layer after them."""
    patches = np.stack([x[:2], x[1:]])
    return function(patches @ rng.normal(size=(2, 2))).reshape(4) @ rng.normal(
        size=(4, 4)
    )


def skipped(rng, function, x):
    """A layer and the inputs beside it."""
    h = function(x @ rng.normal(size=(3, 3)))
    return h @ rng.normal(size=(3, 4)) + x @ rng.normal(size=(3, 4))


FUNCTIONS = {"tanh": np.tanh, "relu": dt.relu, "square": np.square}


METHODS = ["clusters", "norms", "auto"]
MADE = [gathered, broadcast, joined, convolved, skipped]
SQUARE = [  # first each method with each movement, and one function
    (made, list(FUNCTIONS)[(i + j + k) % 3], method)
    for k in range(3)
    for i, made in enumerate(MADE)
    for j, method in enumerate(METHODS)
]


@pytest.mark.parametrize(("made", "name", "method"), some(SQUARE, 6))
@pytest.mark.drawn
@pytest.mark.usefixtures("rough_multipliers")
def test_bounds_hold_and_proofs_convince(made, name, method):
    for seed in range(draws(1, 4)):
        rng = np.random.default_rng([seed, len(name)])
        x = dt.symbol("x", (3,))
        z = made(rng, FUNCTIONS[name], x)
        v = np.sum(rng.normal(size=4) * np.tanh(z)) if seed else dt.norm([np.tanh(z)])
        domain = dt.Box({x: (-1, 0.8)})
        try:
            e = dt.maximize(
                v, domain, method=method, max_regions=draws(8, 24), rtol=1e-4
            )
        except InvalidInputError as error:
            assert "does not fit" in str(error)
            continue
        found = dt.search(v, domain, starts=16, seed=seed, time_limit=1)
        assert e.upper >= found.value
        e.certificate.verify(v, domain)
        if method == "clusters":
            assert e.upper <= found.value + 0.3


KINKED = sorted(  # of the first half, every two values are met
    product(
        (0, 1), ((0.0, 1.0), (-0.0, 1.0), (-1.0, 0.0), (-1.0, 1.0)), range(4), (1, -1)
    ),
    key=lambda c: (c[3] < 0, (c[0] + c[2] + (c[1][0] < 0)) % 2),
)


@pytest.mark.parametrize(("which", "ends", "way", "sign"), some(KINKED, 9))
@pytest.mark.usefixtures("rough_multipliers")
def test_the_slope_at_a_kink_is_what_it_is_there(which, ends, way, sign):
    """At zero the slope of relu is 0, as to the left; that of |x| as on no side."""
    function, x = (dt.relu, np.abs)[which], dt.symbol("x", (2,))
    method = ("clusters", "box", "interval", "auto")[way]
    slope = dt.grad(function(x).sum(), x)
    weight = np.array([[1.0, 0.3], [-0.4, 1.0]])
    v = 0.1 * np.sum(np.tanh(x @ weight + 0.1)) + sign * np.sum(slope)
    domain = dt.Box({x: ends})
    e = dt.maximize(v, domain, method=method, max_regions=20)
    places = [*np.linspace(*ends, 21).tolist(), 0.0]
    (values,) = dt.compile([x], [v])(np.array([*product(places, places)]))
    best = values.max()
    assert e.upper >= best
    e.certificate.verify(v, domain)
