"""No bound is looser than the enclosure, however little is looked at, on any domain."""

import itertools

import numpy as np
import pytest
import scipy.special

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.errors import DeuteriumError
from deuterium.optimize.bounders.select import METHODS
from tests.amounts import seeds, some
from tests.optimize import random_problems

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

NUMBERS = [-2.0, -1.0, -0.5, 0.0, 0.1, 0.5, 1.0, 1.7, 3.0]


def numbers(symbols):
    """Return all elements of some symbols."""
    return [
        s if not s.shape else np.ravel(s)[i] for s in symbols for i in range(s.size)
    ]


def parts(rng, symbols):
    """Return numbers made of inputs, which conditions may speak of."""
    found = numbers(symbols)
    a, b = (found[rng.integers(len(found))] for _ in range(2))
    k = float(rng.choice(NUMBERS))
    return [
        a + b, a - k * b, k * a, a * b, a * a + b, np.abs(a) + np.abs(b - k),
        np.exp(a) + b, np.maximum(a, b), np.minimum(a, k) - b, dt.relu(a) + b,
        np.sqrt(np.square(a) + 1.0) - b, np.log(np.square(a) + 0.5), b / (2 + a * a),
        sum(found), sum(e * e for e in found), np.tanh(a) * b,
    ]  # fmt: skip


def conditions(rng, symbols):
    """Return a few conditions, most of which hold somewhere."""
    found = []
    for _ in range(int(rng.integers(1, 4))):
        made = parts(rng, symbols)
        h, k = made[rng.integers(len(made))], float(rng.choice(NUMBERS))
        ways = [h <= k, h >= k, h < k, (h <= k) & (h >= k - 2.0), ~(h > k)]
        found.append(ways[rng.integers(len(ways))])
    s = symbols[rng.integers(len(symbols))]
    if s.shape and rng.random() < 0.4:
        found.append(s <= float(rng.choice(NUMBERS)))
    return dt.Where(*found)


def around(rng, s):
    """Return a domain of one symbol, of any kind."""
    kind = rng.random()
    if s.shape and kind < 0.15:
        return dt.Simplex(s)
    if s.shape and kind < 0.3:
        return dt.Ball(s, np.round(rng.normal(size=s.shape), 1), 1.5, order=1)
    return random_problems.around(rng, s)


def network(rng, symbols):
    """Return the gradient norm of a small network, whose rows are all inputs."""
    x = np.stack(numbers(symbols))[None]
    n, units = x.shape[1], int(rng.integers(2, 5))
    w1, b1 = (
        dt.constant(rng.normal(size=(n, units))),
        dt.constant(rng.normal(size=units)),
    )
    w2 = dt.constant(rng.normal(size=(units, 1)))
    f = [np.tanh, dt.relu, scipy.special.expit][rng.integers(3)]
    loss = -scipy.special.log_expit((f(x @ w1 + b1) @ w2)[0, 0])
    return dt.norm(dt.grad(loss, [w1, b1, w2]))


def drawn(seed):
    """Return a graph and its domain."""
    rng = np.random.default_rng([11, seed])
    shapes = random_problems.SHAPES
    count = int(rng.integers(1, 4))
    symbols = [dt.symbol(n, shapes[rng.integers(len(shapes))]) for n in "xyz"[:count]]
    if rng.random() < 0.3:
        v = network(rng, symbols)
    else:
        v = random_problems.graph(rng, symbols, int(rng.integers(1, 9)))
    used = sorted(dt.graph.free_symbols([v]), key=lambda s: s.name)
    domain = dt.Box({})
    for s in used:
        domain = domain & around(rng, s)
    if used and rng.random() < 0.8:
        domain = domain & conditions(rng, used)
    return v, domain


def methods_for(v, domain, time_limit=None):
    """Yield brackets by every method that fits, of one region, from either side."""
    for method, run in itertools.product(METHODS, (dt.maximize, dt.minimize)):
        try:
            found = run(v, domain, method=method, max_regions=1, time_limit=time_limit)
        except DeuteriumError as error:
            assert "does not fit this graph" in str(error), error
            continue
        yield method, run is dt.maximize, found


@pytest.mark.parametrize("seed", seeds(2, 400))
def test_no_bound_is_looser_than_the_enclosure_on_any_domain(seed):
    v, domain = drawn(seed)
    try:
        whole = dt.enclose(v, domain)
    except DeuteriumError:
        return  # empty, or refused for a reason that is no matter of bounds
    for method, is_maximum, e in methods_for(v, domain):
        if e.status == "infeasible":
            continue
        if is_maximum:
            assert e.upper <= whole.upper, (method, e)
        else:
            assert e.lower >= whole.lower, (method, e)
        if e.certificate is not None:
            e.certificate.verify(v, domain)


# -- Euclidean balls -------------------------------------------------------------------

R = dt.symbol("r", 4)
LENGTHS = {
    "norm": dt.norm(R),
    "squares": np.sum(R * R),
    "around another point": np.exp(-np.sum(np.square(R - np.array([1.0, 0, 0, 2])))),
    "outer product": dt.norm(R[:, None] * R),
}
BALLS = {
    "unit": dt.Ball(R, 0.0, 1.0),
    "moved": dt.Ball(R, np.array([1.0, 0, 0, 0]), 0.5),
    "and a box": dt.Ball(R, 0.0, 1.0) & dt.Box({R: (0, 1)}),
    "and a condition": dt.Ball(R, 0.0, 1.0) & dt.Where(R[0] <= 0.5),
}


@pytest.mark.parametrize("ball", some(BALLS, 1))
@pytest.mark.parametrize("length", LENGTHS)
def test_no_bound_over_a_ball_is_looser(length, ball):
    v, domain = LENGTHS[length], BALLS[ball]
    whole = dt.enclose(v, domain)
    for method, is_maximum, e in methods_for(v, domain):
        assert e.upper <= whole.upper if is_maximum else e.lower >= whole.lower, method
        assert e.certificate.verify(v, domain)


def test_less_over_a_ball_is_not_believed():
    v, domain = LENGTHS["squares"], BALLS["moved"]  # at most 2.25
    body = dt.maximize(v, domain, method="interval", max_regions=1).certificate.body
    proof = [{"leaf": ["enclosure", {"labels": []}]}]
    for claim, right in ((2.2500001, True), (2.2499999, False)):
        made = dict(body) | {"upper": claim, "lower": "-inf", "proof": proof}
        certificate = Certificate(made, sealed(made))
        if right:
            assert certificate.verify(v, domain)
        else:
            with pytest.raises(DeuteriumError, match="above the claim"):
                certificate.verify(v, domain)


# -- each kind of domain ---------------------------------------------------------------

P, Q = dt.symbol("p", 3), dt.symbol("q")
SPANS = dt.Box({Q: (-4, 9)}) & dt.Where(np.square(Q) + P[0] <= 1.0, P[1] - P[2] >= 0.1)
DOMAINS = {  # those that default tests look at come first
    "box": dt.Box({P: (-2, 10)}),
    "octahedron": dt.Ball(P, [0.5, 0.0, -1.0], 2.0, order=1),
    "table": dt.Choice(P, [[0, 1, 0.5], [0.5, 2, 1], [9, 9, 9], [-3, 1, 0.0]]),
    "simplex": dt.Simplex(P),
    "ball": dt.Ball(P, [0.5, 0.0, 1.0], 2.0),
    "cube": dt.Ball(P, 0.0, 2.0, order=np.inf),
    "unit vectors": dt.OneHot(P),
}


@pytest.mark.parametrize("name", some(DOMAINS, 1))
def test_conditions_cut_down_every_kind_of_domain(name):
    v = network(np.random.default_rng(3), [P, Q])
    domain = DOMAINS[name] & SPANS
    whole = dt.enclose(v, domain)
    wide = dt.enclose(v, domain.plain)
    assert whole.upper < wide.upper
    seen = set()
    for method, is_maximum, e in methods_for(v, domain, time_limit=1):
        seen.add(method)
        if is_maximum:
            assert e.upper <= whole.upper, method
            e.certificate.verify(v, domain)
        else:
            assert e.lower >= whole.lower, method
    assert {"auto", "box", "interval"} <= seen
