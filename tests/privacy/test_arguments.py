"""Whatever the arguments of a public function: an answer, or an error of our own."""

from __future__ import annotations

import datetime
import itertools
import math
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import DeuteriumError
from tests.amounts import draws, some

ADD = "add_or_remove_one"
X, V = dt.symbol("x"), dt.symbol("v", shape=(2,))
BOX = dt.Box({X: (-1, 3)})
BOTH = dt.Box({V: (-1, 3)})
S = privacy.Sensitivity.from_interval(
    dt.enclose(X**2, BOX), quantity="contribution", norm=2
)
NOISE = privacy.gaussian(1.0, scale=2.0, relation=ADD, trusted=True)
ODD = [
    None, True, "x", b"3", "", -1, 0, 1, 2**53 + 1, 10**400, -(10**400), 0.0, -0.0,
    -1.5, 1e-320, 1e308, math.inf, -math.inf, math.nan, 1j, Fraction(1, 3),
    Fraction(1, 10**400), Fraction(10**400), Decimal("0.1"), Decimal("NaN"),
    Decimal("sNaN"), Decimal("1e999"), np.float32(0.1), np.longdouble("1e4000"),
    np.array(0.5), np.array([0.5]), np.array([0.5, -1.0]), np.array([]),
    np.array(["a"]), np.array([np.nan, 1.0]), np.array([1, 10**400], dtype=object),
    np.ma.masked_array([1.0, 2.0], mask=[1, 0]), np.datetime64("2020"),
    datetime.date(2020, 1, 1), [], [1.0], [[1.0], [1.0, 2.0]], (), {}, {"x": 1}, set(),
    object(), print, X, V, BOX, dt.enclose(X, BOX), dt.enclose(V, BOTH), S, NOISE,
    dt.search(X, BOX), privacy.Accountant(ADD), int, range(3),
]  # fmt: skip


def accountant(relation=ADD, noise=NOISE, count=2, q=1.0, delta=1e-5, epsilon=1.0, **m):
    made = privacy.Accountant(relation, **m)
    made.compose(noise, count, sampling_probability=q)
    made.epsilon_at(delta), made.delta_at(epsilon), made.rdp([2.0]), repr(made)


def people(people=2, norms=0.5, sigma=1.0, q=1.0, at=1e-5, **more):
    made = privacy.IndividualAccountant(people, **more)
    made.step(norms, sigma, sampling_probability=q)
    made.epsilon_at(at), repr(made)


def training(steps=1, data=None, start=None, domain=None, **more):
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    settings = {"noise_multiplier": 1.0, "learning_rate": 0.1, "count": 3}
    settings |= {"relation": ADD, "insecure_rng": 0}
    made = privacy.ClipFreeSGD(
        lambda x, y, w: (np.tanh(x @ w)[:, 0] - y) ** 2,
        {"w": np.ones((2, 1))} if start is None else start,
        dt.Box({x: (-1, 1), y: (0, 1)}) if domain is None else domain,
        **{**settings, **more},
    )
    rows = {"x": np.zeros((3, 2)), "y": np.zeros(3)} if data is None else data
    made.fit(rows, steps)
    made.bound(), made.bounds(), made.contribution(), made.epsilon_at(1e-5)


def sensitivity(relation=ADD, distance=None, factor=2, diameter=None, **more):
    about = {"quantity": "contribution", "norm": 2, "upper": 3.0}
    made = privacy.Sensitivity(**{**about, **more})
    made.sensitivity(relation, distance=distance)
    made.scaled(factor), made.with_diameter(diameter), repr(made), made.gap


QUICK = {"time_limit": 0.2}
CALLS = {
    privacy.gaussian: {
        "sensitivity": S, "relation": ADD, "epsilon": 1.0, "delta": 1e-5, "mu": None,
        "rho": None, "noise_multiplier": None, "scale": None, "distance": None,
        "trusted": True,
    },
    privacy.laplace: {
        "sensitivity": 1.0, "relation": ADD, "epsilon": 1.0, "delta": 0.0, "mu": None,
        "rho": None, "scale": None, "distance": None, "trusted": True,
    },
    privacy.geometric: {
        "sensitivity": 1, "relation": ADD, "epsilon": 1.0, "mu": None, "rho": None,
        "scale": None, "trusted": True,
    },
    privacy.discrete_gaussian: {
        "sensitivity": 1, "relation": ADD, "epsilon": None, "delta": None, "rho": 0.5,
        "noise_multiplier": None, "scale": None, "trusted": True,
    },
    privacy.noise_multiplier: {
        "epsilon": 1.0, "delta": 1e-5, "relation": ADD, "steps": 3,
        "sampling_probability": 1.0,
    },
    privacy.contribution: {"grads": [X, X * 2], "domain": BOX, "norm": 2, **QUICK},
    privacy.diameter: {
        "f": [X, X * 2], "domain": BOX, "norm": 2, "shared": (), "rtol": 0.1, **QUICK,
    },
    privacy.lipschitz: {"f": X**2, "wrt": [X], "domain": BOX, "norm": 2, **QUICK},
    privacy.feature_sensitivity: {
        "f": [V * 2], "x": V, "domain": BOTH, "groups": None, "norm": 2, "rtol": 0.1,
        "seed": 0, **QUICK,
    },
    privacy.Sensitivity.from_bracket: {
        "bracket": dt.maximize(X**2, BOX), "quantity": "contribution", "norm": 2,
    },
    privacy.Sensitivity.from_interval: {
        "interval": dt.enclose(X**2, BOX), "quantity": "contribution", "norm": 2,
    },
    privacy.partial: {"norm_or_grads": [X**2], "x": X},
    privacy.norm_slopes: {"gradients": [X**2], "x": X, "domain": BOX},
    sensitivity: {
        "quantity": "contribution", "norm": 2, "upper": 3.0, "lower": 0.0,
        "status": "trusted", "size": None, "shape": None, "scope": None,
        "relation": ADD, "distance": None, "factor": 2, "diameter": None,
    },
    accountant: {
        "relation": ADD, "noise": NOISE, "count": 2, "q": 1.0, "delta": 1e-5,
        "epsilon": 1.0, "scope": None, "method": "auto",
    },
    people: {
        "people": 2, "norms": 0.5, "sigma": 1.0, "q": 1.0, "at": 1e-5, "mu": None,
        "epsilon": None, "delta": None, "method": "gdp", "order": None, "grid": None,
    },
    training: {
        "steps": 1, "data": None, "start": None, "domain": None, "learning_rate": 0.1,
        "noise_multiplier": 1.0, "count": 3, "relation": ADD, "clip": None,
        "sampling_probability": 1.0, "per_layer": False, "momentum": 0.0,
        "regulariser": 0.0, "penalty": None, "on_divergence": "warn",
        "insecure_rng": 0,
    },
    NOISE.release: {"value": [1.0, 2.0], "insecure_rng": 0},
    NOISE.epsilon_at: {"delta": 1e-5},
    NOISE.delta_at: {"epsilon": 1.0},
    NOISE.rdp: {"orders": [2.0]},
    NOISE.profile: {"epsilons": [1.0]},
}  # fmt: skip
SLOW = (
    privacy.contribution,
    privacy.diameter,
    privacy.lipschitz,
    privacy.noise_multiplier,
    training,
)
CASES = [(f, name) for f, good in CALLS.items() for name in good]


def is_long(name, odd):
    """Whether an argument asks for more work than anybody has time for."""
    if name == "time_limit":
        return odd is None or not isinstance(odd, int | float) or odd > 1
    if name == "penalty":  # a function may raise what it likes
        return callable(odd) or isinstance(odd, np.longdouble)
    return name in ("steps", "people") and isinstance(odd, int) and odd > 1


def tried(function, arguments):
    """Call, and let nothing but an error of our own pass."""
    good = CALLS[function]
    if any(odd is not good[n] and is_long(n, odd) for n, odd in arguments.items()):
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            function(**arguments)
        except DeuteriumError:
            return


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("function", "name"), some(CASES[::3] + CASES[1::3] + CASES[2::3], 30)
)
def test_one_odd_argument(function, name):
    for odd in ODD[:: draws(20, 8) if function in SLOW else draws(4, 2)]:
        tried(function, {**CALLS[function], name: odd})


@pytest.mark.parametrize("function", [f for f in CALLS if f not in SLOW])
@pytest.mark.parametrize("seed", range(2))
def test_several_odd_arguments(function, seed):
    rng, good = np.random.default_rng(seed), CALLS[function]
    for _ in range(20):
        names = rng.choice(list(good), min(len(good), 3), replace=False)
        picks = [ODD[i] for i in rng.integers(0, len(ODD), len(names))]
        tried(function, {**good, **dict(zip(names, picks, strict=True))})


@pytest.mark.long
@pytest.mark.parametrize("function", CALLS)
def test_every_two_odd_arguments(function):
    good = CALLS[function]
    every = list(zip(ODD, reversed(ODD), strict=True))
    some = every[:: 30 if function in SLOW else 6]
    for first, second in itertools.combinations(good, 2):
        for a, b in some:
            tried(function, {**good, first: a, second: b})
