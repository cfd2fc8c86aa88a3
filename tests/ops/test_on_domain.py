"""Functions with a pole, over what lies beside it: against ball arithmetic."""

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium import ops
from deuterium.certify.checker.pole_ranges import RANGES, VALUES
from deuterium.graph.constructors import apply
from deuterium.interval import Interval
from deuterium.ops.on_domain import FUNCTIONS
from tests.amounts import draws, seeds

POLES = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0, "reciprocal": 0.0}
POLES["tan"] = float(np.pi / 2)


def intervals(of, seed, count):
    """Return intervals at the pole, over it and near it."""
    rng = np.random.default_rng(seed)
    p = POLES[of]
    sizes = 10.0 ** rng.uniform(-20, 3, (count, 2))
    low = p + rng.choice([-1.0, 0.0, 1.0], count) * sizes[:, 0]
    high = p + rng.choice([-1.0, 0.0, 1.0], count) * sizes[:, 1]
    return np.minimum(low, high), np.maximum(low, high), rng


def inside(of, x):
    return x != 0 if of in ("reciprocal", "tan") else x > POLES[of]


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 6))
@pytest.mark.parametrize("of", FUNCTIONS)
def test_every_value_beside_the_pole_is_inside(of, seed):
    low, high, rng = intervals(of, seed, draws(60, 2000))
    found = ops.on_domain.enclosure(Interval.unchecked(low, high), of=of)
    assert not np.isnan(found.lower).any() and not np.isnan(found.upper).any()
    with ctx.workprec(200):
        for a, b, c, d in zip(low, high, found.lower, found.upper, strict=True):
            ends = RANGES[of](arb(a), arb(b))
            points = [a, b, a + (b - a) * rng.uniform(), np.nextafter(a, b)]
            for x in (x for x in points if a <= x <= b and inside(of, x)):
                y = VALUES[of](arb(float(x)))
                assert not y < arb(float(c)) and not y > arb(float(d)), (x, c, d)
                for k, end in enumerate(ends):  # the checker's, where it knows one
                    if end.is_finite():
                        assert not (y < end if k == 0 else y > end), (x, ends)


@pytest.mark.parametrize("of", FUNCTIONS)
def test_away_from_the_pole_it_is_the_function(of):
    low, high, _ = intervals(of, 0, 300)
    mine = ops.on_domain.enclosure(Interval.unchecked(low, high), of=of)
    with np.errstate(all="ignore"):
        plain = FUNCTIONS[of].op.enclosure(Interval.unchecked(low, high))
    known = ~np.isnan(plain.lower)
    assert known.any()
    assert np.array_equal(mine.lower[known], plain.lower[known])
    assert np.array_equal(mine.upper[known], plain.upper[known])


@pytest.mark.parametrize("of", FUNCTIONS)
def test_one_end_is_known_at_the_pole(of):
    p = POLES[of]
    x = ops.on_domain.enclosure(Interval(np.float64(p), np.float64(p + 1)), of=of)
    assert (np.isinf(x.lower), np.isinf(x.upper)) in ((True, False), (False, True)) or (
        of == "tan"
    )


@pytest.mark.parametrize("of", FUNCTIONS)
def test_values_and_slopes(of):
    x = dt.symbol("x")
    v = apply(ops.on_domain, (x,), {"of": of})
    plain = FUNCTIONS[of].op(x)
    points = [0.25, 0.75, 1.25]
    for graph, other in ((v, plain), (dt.grad(v, x), dt.grad(plain, x))):
        compiled = dt.compile([x], [graph])
        for t in points:
            value = other.evaluate({x: t})
            assert graph.evaluate({x: t}) == pytest.approx(value, rel=1e-14)
            assert float(compiled(t)[0]) == pytest.approx(value, rel=1e-14)
    assert np.isfinite(v.evaluate({x: 0.0}))  # whatever it is
    assert np.isfinite(dt.compile([x], [v])(-1.0)[0])
