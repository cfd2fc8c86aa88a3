"""Poles that cannot matter, those that do, and those that are none of either."""

import numpy as np
import pytest
from scipy.special import xlogy

import deuterium as dt
from tests.amounts import seeds

X, Y, V = dt.symbol("x"), dt.symbol("y"), dt.symbol("v", (3,))
UNIT = {X: (0, 1), Y: (1, 2), V: (0, 1)}
AROUND = {X: (-1, 1), Y: (1, 2), V: (-1, 1)}

HARMLESS = [  # of a supremum
    (np.log(X), {X: (0, 2)}, np.log(2)),
    (-1 / X**2, {X: (-1, 2)}, -0.25),
    (-1 / X, UNIT, -1),
    (np.log(X) + np.log(1 - X), UNIT, -2 * np.log(2)),
    (np.log2(X) - Y / X, UNIT, -1),
    (np.log1p(X) * 2, {X: (-1, 1)}, 2 * np.log(2)),
    (np.exp(-1 / X**2), AROUND, np.exp(-1)),
    (-((1 / X - Y) ** 2) - Y, AROUND, -1),
    (np.sum(np.log(V)), UNIT, 0),
    (np.log(np.sum(V**2)), AROUND, np.log(3)),
    (-(np.tan(X) ** 4), {X: (0, 3)}, 0),
    (-np.abs(np.log(X) - Y), UNIT, -1),
    (np.minimum(1 / X**2, Y), AROUND, 2),
    (Y - np.sqrt(1 / X), UNIT, 1),
    (np.maximum(np.log(X), -Y), UNIT, 0),
    (-(X**-1.5) + X, UNIT, 0),
    (np.log10(X) / Y, UNIT, 0),
]

HARMFUL = [
    (1 / X**2, AROUND),
    (1 / X, UNIT),
    (-1 / X, AROUND),
    (-np.log(X), UNIT),
    (np.abs(np.log(X)), UNIT),
    (-np.log(X) + np.log(Y - 1), UNIT),
    (np.log(X) ** 2, UNIT),
]

UNDEFINED = [
    (np.log(X), AROUND),  # left, not reached
    (np.sqrt(X) - 1 / X**2, AROUND),
    (np.sin(1 / X), UNIT),  # no value at the pole, nor a limit
    (np.log(X) - np.log(1 - Y), UNIT),
    (np.log(X) * (Y - 1), UNIT),  # 0 * inf
    (-np.abs(X / X**2 - 1 / X), UNIT),  # inf - inf
]


@pytest.mark.parametrize("k", range(len(HARMLESS)))
def test_the_finite_side_is_found(k):
    graph, bounds, most = HARMLESS[k]
    box = box_of(graph, bounds)
    found = dt.maximize(graph, box, rtol=1e-6, atol=1e-6, time_limit=20)
    assert found.status == "optimal"
    assert most - 1e-5 <= found.lower <= found.upper <= most + 1e-5
    found.certificate.verify(graph, box)
    dt.Certificate.loads(text_of(found.certificate)).verify(graph, box)
    below = dt.minimize(-graph, box, rtol=1e-6, atol=1e-6, time_limit=20)
    assert below.status == "optimal"
    assert -most - 1e-5 <= below.lower <= below.upper <= -most + 1e-5
    below.certificate.verify(-graph, box)


@pytest.mark.parametrize("k", range(len(HARMFUL)))
def test_the_other_side_stays_infinite(k):
    graph, bounds = HARMFUL[k]
    found = dt.maximize(graph, box_of(graph, bounds), time_limit=1)
    assert found.upper == np.inf


@pytest.mark.parametrize("k", range(len(UNDEFINED)))
def test_what_is_undefined_elsewhere_stays_so(k):
    graph, bounds = UNDEFINED[k]
    found = dt.maximize(graph, box_of(graph, bounds), time_limit=1)
    assert found.upper == np.inf
    assert found.cause.kind == "undefined"


def test_norms_of_what_has_a_pole_are_not_bounded():
    for graph in (np.abs(np.log(X)), dt.norm(np.stack([np.log(X), X]))):
        assert dt.maximize(graph, dt.Box({X: (0, 1)}), time_limit=1).upper == np.inf


def test_the_certificate_is_of_this_graph_alone():
    box = dt.Box({X: (0, 2)})
    found = dt.maximize(np.log(X), box)
    for other in (np.log(X) + 1e-3, np.log(2 * X), xlogy(1.0, X)):
        with pytest.raises(dt.DeuteriumError):
            found.certificate.verify(other, box)


def terms(rng):
    """Draw a sum that is -inf at its poles, if anything, with what it is made of."""
    size = rng.uniform(0.2, 3)
    shift = rng.choice([0.0, 0.25, -0.5])
    return [
        size * np.log(np.abs(X - shift)),
        -size / (X - shift) ** 2,
        size * np.log(Y - 1),
        -size / np.abs(X - shift) ** 0.5,
        -((1 / (X - shift) - Y) ** 2),
        np.sin(3 * X) * Y,
        -size * np.exp(1 / (Y - 1)),
        np.exp(-1 / (X - shift) ** 2),
    ]


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(4, 60))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_drawn_sums(seed):
    rng = np.random.default_rng(seed)
    parts = terms(rng)
    chosen = rng.choice(len(parts), 3, replace=False)
    graph = parts[chosen[0]] + parts[chosen[1]] + parts[chosen[2]]
    box = box_of(graph, AROUND)
    found = dt.maximize(graph, box, rtol=1e-2, atol=1e-2, time_limit=10)
    assert found.upper < np.inf
    points = {X: rng.uniform(-1, 1, 500), Y: rng.uniform(1, 2, 500)}
    values = graph.evaluate({s: points[s] for s in dt.graph.free_symbols([graph])})
    assert np.nanmax(values) <= found.upper
    found.certificate.verify(graph, box)


def box_of(graph, bounds):
    names = {s.name for s in dt.graph.free_symbols([graph])}
    return dt.Box({s: ends for s, ends in bounds.items() if s.name in names})


def text_of(certificate):
    from deuterium.certify.format import text

    return text({**certificate.body, "seal": certificate.seal})
