"""Boxes cut down by conditions: no point where they hold is lost, with no tolerance."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.enclose.contract import Empty, contracted
from deuterium.errors import BoundsError
from deuterium.interval import Interval
from tests.amounts import draws

pytestmark = [pytest.mark.drawn, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

X, Y = dt.symbol("x", shape=(3,)), dt.symbol("y")
A, B, C = X[0], X[1], X[2]
WEIGHTS = np.array([[1.0, -2.0], [0.5, 1.0]])
FORMS = {
    "add": A + Y - 0.5,
    "subtract": A - Y,
    "subtract from": 0.25 - B - Y,
    "multiply": A * Y - 0.25,
    "divide": A / Y - 0.5,
    "negative": -A - 0.5,
    "square": 1.5 - A**2 - B,
    "absolute": 1 - np.abs(A) - Y / 4,
    "maximum": 0.5 - np.maximum(A, B - Y),
    "minimum": np.minimum(A, B - Y),
    "relu": 0.5 - dt.relu(A - 0.5) - B,
    "relu of what is not negative": dt.relu(A) + B,
    "sqrt": np.sqrt(A) - 0.75,
    "exp": 1.5 - np.exp(A),
    "log": np.log(A) + 0.3,
    "sum": np.sum(X) - Y,
    "concatenate": np.sum(np.concatenate([X[:2], X[1:]]) * [1, 2, -1, 0.5]),
    "gather": np.sum(np.reshape(X[np.array([2, 0, 1, 1])], (2, 2)).T * WEIGHTS) - Y,
    "broadcast": np.sum((X[:, None] + Y) * np.ones(2)) - C,
}
ROUNDED = {"sqrt", "exp", "log"}  # of values that are not exact, ties are left out
SIDES = {"above": lambda h: h >= 0, "below": lambda h: h < 0}


def boxes(rng, count):
    """Yield boxes with points in them, on a grid on which arithmetic is exact."""
    for _ in range(count):
        ends = np.sort(rng.integers(-8, 9, (2, 4)), axis=0) / 4
        low, high = np.where(rng.random(4) < 0.2, ends[0], ends)
        yield low, high, low + (high - low) * rng.integers(0, 9, (200, 4)) / 8


def box_of(low, high):
    return {"x": Interval(low[:3], high[:3]), "y": Interval(low[3], high[3])}


def values(v, rows):
    return np.broadcast_to(v.evaluate({X: rows[:, :3], Y: rows[:, 3]}), len(rows))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FORMS)
def test_no_point_is_lost(name, side):
    rng, form = np.random.default_rng([5, *name.encode()]), FORMS[name]
    cut, inside = 0, 0
    for low, high, rows in boxes(rng, draws(25, 200)):
        h = values(form, rows)
        mine = rows[SIDES[side](h) & ~((name in ROUNDED) & (np.abs(h) < 1e-9))]
        try:
            found = contracted([SIDES[side](form)], box_of(low, high))
        except Empty:
            assert not len(mine)
            cut += 1
            continue
        least, most = (
            np.append(getattr(found["x"], e), getattr(found["y"], e))
            for e in ("lower", "upper")
        )
        assert (least <= mine).all()
        assert (mine <= most).all()
        inside += len(mine)
        cut += bool((least > low).any() or (most < high).any())
    assert inside > 100
    assert cut > 3 or (name, side) == ("minimum", "below")  # either may be it


JOINED = {
    "and": (np.logical_and(A > B, B > Y), lambda a, b, y: (a > b) & (b > y)),
    "not or": (~np.logical_or(A > B, Y < 0), lambda a, b, y: (a <= b) & (y >= 0)),
    "equal": (np.equal(A + B, Y), lambda a, b, y: a + b == y),
    "not equal": (~np.equal(A, 0), lambda a, b, y: a != 0),
    "or": (np.logical_or(A > 1, B > 1), lambda a, b, y: (a > 1) | (b > 1)),
}


@pytest.mark.parametrize("name", JOINED)
def test_conditions_joined(name):
    condition, true = JOINED[name]
    rng = np.random.default_rng([6, *name.encode()])
    v, kept = X[0] * Y + X[1] - np.abs(X[2]), 0
    for low, high, rows in boxes(rng, draws(10, 60)):
        mine = rows[true(rows[:, 0], rows[:, 1], rows[:, 3])]
        box = dt.Box({X: (low[:3], high[:3]), Y: (low[3], high[3])})
        try:
            found = dt.enclose(v, box & dt.Where(condition))
        except BoundsError:
            assert not len(mine)
            continue
        exact = values(v, mine) if len(mine) else np.zeros(0)
        assert (found.lower <= exact).all()
        assert (exact <= found.upper).all()
        kept += len(mine)
    assert kept > 10


def test_what_cannot_hold_is_said_to_be_empty():
    box = dt.Box({X: (0, 1), Y: (0, 1)})
    with pytest.raises(BoundsError, match="no point of the box"):
        dt.enclose(A, box & dt.Where(np.sum(X) > 3))
