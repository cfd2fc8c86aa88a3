"""Two checkers of different make say the same of proofs, right and changed."""

import copy
import json
from collections import Counter

import numpy as np
import pytest
import scipy.special
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker import ball_functions
from deuterium.errors import CertificateError
from deuterium.graph.traverse import free_symbols
from tests.amounts import seeds as draw_seeds
from tests.certify.mutants import Mutator
from tests.certify.right_proofs import NAMES, Seed, named, sealed_again
from tests.certify.second.decimal_intervals import (
    Arithmetic,
    Decimal,
    NoPoint,
    Refused,
    Unsupported,
)
from tests.certify.second.decimal_ranges import Interval, Ranges
from tests.certify.second.second_checker import SecondChecker

SYMBOLS = [dt.symbol(name) for name in "xyz"]
ONE_VARIABLE = [
    np.sin, np.cos, np.exp, np.tanh, np.square, np.negative, lambda u: u**3,
    scipy.special.expit, np.expm1, dt.relu, lambda u: np.sqrt(1 + u * u), np.arctan,
    lambda u: np.log(2 + np.sin(u)), lambda u: np.log1p(u * u),
    lambda u: 1 / (1 + u * u),
]  # fmt: skip
TWO_VARIABLES = [
    np.add, np.subtract, np.multiply, np.multiply, lambda a, b: a / (2 + np.cos(b)),
]  # fmt: skip
READ = ("proof", "upper", "lower", "witness", "root")  # what both checkers go by


def choice(rng, things):
    return things[int(rng.integers(len(things)))]


def formula(rng, symbols, depth):
    if not depth:
        return choice(
            rng, [*symbols, *symbols, float(rng.choice([0.5, 2, -1, 3, 0.1]))]
        )
    if rng.random() < 0.5:
        return choice(rng, ONE_VARIABLE)(formula(rng, symbols, depth - 1))
    parts = [formula(rng, symbols, depth - 1) for _ in range(2)]
    return choice(rng, TWO_VARIABLES)(*parts)


def problem(rng):
    symbols = SYMBOLS[: int(rng.integers(1, 4))]
    v = 0.5 * symbols[0] + formula(rng, symbols, int(rng.integers(1, 4)))
    v = v + 0.5 * formula(rng, symbols, int(rng.integers(2, 5)))
    ends = {}
    for s in free_symbols([v]):
        low = float(rng.choice([-2, -1, 0, -0.3]))
        ends[s] = low, low + float(rng.choice([0.5, 1, 2, 3]))
    return v, dt.Box(ends)


def proof(rng):
    """Return a graph, its domain, and a right certificate."""
    while True:
        v, box = problem(rng)
        find = choice(rng, [dt.maximize, dt.minimize])
        rtol = float(rng.choice([0.2, 0.05, 1e-3]))
        found = find(v, box, rtol=rtol, max_regions=25, time_limit=None)
        if np.isfinite([found.upper, found.lower]).all():
            return v, box, json.loads(json.dumps(dict(found.certificate.body)))


def first_verdict(body, v, domain):
    """Return whether the library's checker believes it; None if it cannot be read."""
    try:
        certificate = sealed_again(body)
    except CertificateError:
        return None
    try:
        if certificate is None:
            return None
        certificate.verify(v, domain)
    except CertificateError:
        return False
    return True


def second_verdict(body, v, domain):
    """Return whether the second checker believes it; None if it has no rule."""
    try:
        SecondChecker(body, v, domain).check()
    except Unsupported:
        return None
    except (Refused, ArithmeticError, LookupError, TypeError, ValueError):
        return False
    return True


def run(number, proofs, changed):
    """Return how often both said what of proofs, and of changed ones."""
    rng, found, seeds = np.random.default_rng(number), Counter(), []
    for _ in range(proofs):
        v, box, body = proof(rng)
        assert first_verdict(body, v, box)
        verdict = second_verdict(body, v, box)
        found["right", verdict] += 1
        assert verdict is not False, (v, box, body)
        if verdict:
            seeds.append(Seed("random", v, box, body))
    mutate = Mutator(rng, seeds)
    for _ in range(changed):
        seed = mutate.choose(seeds)
        body = mutate(seed)
        body |= {k: copy.deepcopy(x) for k, x in seed.body.items() if k not in READ}
        about = body, seed.v, seed.domain
        one = first_verdict(*about)
        two = None if one is None else second_verdict(*about)
        found["changed", two] += 1
        assert None in (one, two) or one is two, (seed.v, seed.domain, one, two, body)
    return found


@pytest.mark.parametrize("number", draw_seeds(2, 2))
def test_two_checkers_agree(number):
    found = run(number, 8, 60)
    assert found["right", True] and found["changed", False] > 20


@pytest.mark.parametrize("number", draw_seeds(0, 10, start=100))
def test_two_checkers_agree_on_many(number):
    found = run(number, 150, 850)
    print(number, dict(found))
    assert found["right", True] > 90 and found["changed", False] > 400
    assert found["changed", True] > 30


@pytest.mark.parametrize("name", NAMES)
def test_what_is_believed_by_hand(name):
    seed = named(name)
    assert second_verdict(seed.body, seed.v, seed.domain) is not False


def test_each_rule_is_asked_for():
    """Proofs by hand need what a search seldom does."""
    names = ["around", "falling", "climbing", "parabola", "dome", "dip", "kink", "far"]
    for seed in map(named, names):
        assert second_verdict(seed.body, seed.v, seed.domain)


FUNCTIONS = {
    "sqrt": arb.sqrt, "exp": arb.exp, "log": arb.log, "log1p": arb.log1p,
    "expm1": arb.expm1, "tanh": arb.tanh, "expit": ball_functions.expit,
    "expit_slope": ball_functions.expit_slope, "tanh_slope": ball_functions.tanh_slope,
    "arctan": arb.atan, "sin": arb.sin, "cos": arb.cos,
}  # fmt: skip
LEAST = {"sqrt": 0.0, "log": 5e-324, "log1p": -0.99}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_decimals_are_on_their_side_of_the_truth(name):
    rng = np.random.default_rng(11)
    ranges = Ranges(Arithmetic(40))
    sizes = 10.0 ** rng.integers([-300, -12, -3], [3, 6, 2], (40, 3))
    with ctx.workprec(2000):
        for x in (rng.normal(size=(40, 3)) * sizes).ravel():
            x = max(float(x), LEAST.get(name, -np.inf))
            found = ranges.of(name, Interval(Decimal(x)))
            y = FUNCTIONS[name](arb(x))
            for end, sign in ((found.low, 1), (found.high, -1)):
                if end.is_finite() and abs(end.adjusted()) < 10**6:
                    assert not sign * (arb(str(end)) - y) > 0, (
                        x,
                        found.low,
                        found.high,
                    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ranges_hold_the_values_of_points(name):
    rng = np.random.default_rng(12)
    ranges = Ranges(Arithmetic(40))
    for _ in range(60):
        a, b = sorted((rng.normal(size=2) * 10.0 ** rng.integers(-2, 3)).tolist())
        a = max(a, LEAST.get(name, -np.inf))
        b = max(a, b)
        low = a if rng.random() < 0.8 or name in LEAST else -np.inf
        high = b if rng.random() < 0.8 else np.inf
        found = ranges.of(name, Interval(Decimal(low), Decimal(high)))
        for x in np.linspace(a, b, 9).clip(a, b).tolist():
            y = FUNCTIONS[name](arb(x))
            for end, sign in ((found.low, 1), (found.high, -1)):
                if end.is_finite() and abs(end.adjusted()) < 10**6:
                    assert not sign * (arb(str(end)) - y) > 0, (low, high, x)


def test_an_interval_without_points():
    with pytest.raises(NoPoint):
        Interval(Decimal(0), Decimal(1)).cut_down(Interval(Decimal(2), Decimal(3)))
