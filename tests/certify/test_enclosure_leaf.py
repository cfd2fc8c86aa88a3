"""Leaves that say what `enclose` says: believed where it is so, and nowhere else."""

import copy

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.errors import CertificateError, DeuteriumError
from tests.amounts import draws
from tests.optimize.random_problems import problem

x = dt.symbol("x", shape=(3,))
y = dt.symbol("y", shape=(4,))
WEIGHTS = np.random.default_rng(0).normal(size=(3, 4))


def labelled():
    """Return a function of which the label makes much, and its domain."""
    scores = np.tanh(x @ WEIGHTS)
    v = dt.norm([scores - 2 * y, np.sum(scores * y)])
    return v, dt.Box({x: (-1, 1)}) & dt.OneHot(y)


@pytest.fixture(autouse=True)
def patience(work_clock):
    """Have the time after a limit, which a certificate is made in, suffice."""
    work_clock.tick = 1e-6


def outset(v, domain, maximize=True):
    """Return what is known with no time at all."""
    find = dt.maximize if maximize else dt.minimize
    return find(v, domain, time_limit=1e-9)


def forged(certificate, **changes):
    body = copy.deepcopy(certificate.body) | changes
    return Certificate(body, sealed(body))


@pytest.mark.parametrize("maximize", [True, False])
def test_labels_are_told_apart(maximize):
    v, domain = labelled()
    found = outset(v, domain, maximize)
    (node,) = found.certificate.body["proof"]
    assert node["leaf"] == ["enclosure", {"labels": ["y"]}]
    assert found.certificate.verify(v, domain).leaves == 1
    proof = [{"steps": [], "leaf": ["enclosure", {"labels": []}]}]
    with pytest.raises(CertificateError):  # the hull of the labels is much wider
        forged(found.certificate, proof=proof).verify(v, domain)


@pytest.mark.parametrize("labels", [["z"], "y", None, [["y"]], ["x"], ["y"] * 6])
def test_labels_that_are_none_prove_nothing(labels):
    v, domain = labelled()
    found = outset(v, domain)
    proof = [{"steps": [], "leaf": ["enclosure", {"labels": labels}]}]
    with pytest.raises(CertificateError):
        forged(found.certificate, proof=proof).verify(v, domain)


def test_a_claim_below_what_the_graph_reaches_is_refused():
    a = dt.symbol("a")
    v, domain = 3 * a, dt.Box({a: (-1, 2)})
    found = outset(v, domain)
    assert found.upper == 6.0
    found.certificate.verify(v, domain)
    below = float(np.nextafter(6.0, 0.0))
    with pytest.raises(CertificateError, match="above the claim"):
        forged(found.certificate, upper=below, lower=-3.0).verify(v, domain)


def test_what_is_undefined_proves_nothing():
    a = dt.symbol("a")
    v, domain = np.sqrt(a) + np.square(a), dt.Box({a: (0, 1)})
    found = outset(v, domain)
    wider = dt.Box({a: (-1, 1)})
    body = dict(found.certificate.body)
    body["domain"] = {"a": [{"kind": "range", "lower": -1.0, "upper": 1.0}]}
    with pytest.raises(CertificateError):
        forged(found.certificate, **body).verify(v, wider)


def believed(seeds):
    """Check the outset of random problems; return how many were verified."""
    verified = 0
    for seed in seeds:
        v, domain, maximize, _ = problem(seed)
        whole = dt.enclose(v, domain)
        found = outset(v, domain, maximize)
        if whole.cause is None or whole.cause.kind != "undefined":
            assert (
                found.upper <= whole.upper if maximize else found.lower >= whole.lower
            )
        if found.certificate is None:
            continue
        try:
            found.certificate.verify(v, domain)
        except DeuteriumError as error:
            # what the checker says of points, not of the leaf
            assert "random points" in str(error) or "witness" in str(error), seed
        else:
            verified += 1
    return verified


@pytest.mark.drawn
def test_the_outset_of_random_problems_is_believed():
    count = draws(18, 2500)
    assert believed(range(count)) > 0.6 * count


@pytest.mark.parametrize(
    ("v", "ends"),
    [
        (np.cos(dt.symbol("x")), (1.278e-51, 1.278e-51)),
        (np.cos(dt.symbol("x")), (5e-324, 1e-300)),
        (np.exp(2 * np.tanh(dt.symbol("x"))), (-1e-300, -1e-301)),
    ],
)
def test_a_claim_that_is_all_but_reached_is_believed(v, ends):
    """1 - 1e-600 is below 1, which a ball of 256 bits does not know."""
    domain = dt.Box({"x": ends})
    found = dt.maximize(v, domain)
    assert found.upper == 1
    assert found.certificate.verify(v, domain)


s = dt.symbol("s")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("base", "ends", "side"),
    [
        (s, (-np.inf, -0.0), -1),
        (s, (0, np.inf), 1),
        (-np.maximum(s, 0), (-1, np.inf), -1),
    ],
)
def test_whole_powers_without_end_are_known(base, ends, side, n):
    """A pole on a side that cannot matter, and 0 far out."""
    rises = side < 0 and n % 2
    v, domain = 1 / base**n, dt.Box({s: ends})
    found = (dt.maximize if rises else dt.minimize)(v, domain)
    assert (found.upper if rises else found.lower) == 0
    assert found.certificate.verify(v, domain)
