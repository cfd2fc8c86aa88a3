"""A feature is what can change alone: elements of a category cannot."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import UnsupportedError

H = dt.symbol("h", shape=(4,))
C = dt.symbol("c", shape=(3,))


def found(x, domain, **more):
    return privacy.feature_sensitivity([2 * x], x, domain, time_limit=1, **more)


def test_a_category_is_one_feature():
    s = found(H, dt.OneHot(H))
    assert s.names == ("h",)
    assert s.upper[0] >= s.lower[0] == pytest.approx(2 * np.sqrt(2))
    assert (s.epsilon_at(1e-5, scale=1.0) > 1).all()
    rows = dt.symbol("r", shape=(2, 3))
    s = found(rows, dt.OneHot(rows))
    assert s.names == ("r[0]", "r[1]")
    assert s.upper == pytest.approx([2 * np.sqrt(2)] * 2, rel=0.06)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]], ("c[0]", "c[1]", "c[2]")),
        ([[0, 0, 0], [1, 0, 0], [1, 1, 1]], ("c[0]", "c[1], c[2]")),
        ([[0, 0, 0], [1, 0, 0], [5, 1, 1]], ("c",)),
        ([[0, 1, 2], [2, 0, 1]], ("c",)),
        ([[0, 0, 3], [1, 1, 3]], ("c[2]", "c[0], c[1]")),
        ([[1, 2, 3]], ("c[0]", "c[1]", "c[2]")),
    ],
)
def test_listed_values(rows, names):
    s = found(C, dt.Choice(C, rows))
    assert s.names == names
    # nothing that changes at all is said to move nothing
    changes = np.ptp(rows, axis=0) > 0
    for name, upper in zip(s.names, s.upper, strict=True):
        places = range(3) if name == "c" else [int(n[2]) for n in name.split(", ")]
        assert (upper > 0) == changes[list(places)].any()


def test_with_another_constraint_what_is_left_of_the_values_counts():
    domain = dt.OneHot(H) & dt.Box({H: ([0, 0, 0, 0], [1, 1, 0, 0])})
    s = found(H, domain)
    assert set(s.names) == {"h[2]", "h[3]", "h[0], h[1]"}


def test_a_group_that_cannot_change_alone_is_no_feature():
    """That it moves nothing by itself is said, and no epsilon of 0 made of it."""
    listed = dt.Choice(C, [[0, 0, 0], [1, 0, 0], [5, 1, 1]])
    for x, domain, groups, names in (
        (H, dt.OneHot(H), {"a": [1, 2], "b": [0]}, ("b",)),
        (C, listed, {"first": [0], "last": [1]}, ("last",)),
    ):
        s = found(x, domain, groups=groups)
        assert s.bound == names
        assert "cannot change alone" in repr(s)
        with pytest.raises(UnsupportedError, match="protect nobody"):
            s.epsilon_at(1e-5, scale=1.0)
    assert found(H, dt.OneHot(H), groups={"two": [0, 1]}).upper[0] > 2


@pytest.mark.long
def test_undefined_somewhere_is_no_bound_and_no_crash():
    """Where some record has no gradient at all, a feature can do anything."""
    x, y = dt.symbol("x", shape=(1, 4)), dt.symbol("y")
    w = np.full((4, 2), 0.001)
    w[0] = 1.0, 0.5
    p = [dt.constant(w), dt.constant(np.array([[1.0], [0.7]]))]
    t = (np.arcsin(x @ p[0]) @ p[1])[0, 0]
    g = dt.grad((t - y) ** 2, p)
    domain = dt.Box({x: (-1.05, 1.05)}) & dt.Choice(y, [0, 1])
    s = privacy.feature_sensitivity(g, x, domain, groups=[[0]], time_limit=0.3)
    assert s.upper[0] == np.inf
    assert s[0].cause.kind == "undefined"
