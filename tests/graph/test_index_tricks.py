"""``np.r_`` and ``np.c_`` join Variables as they join arrays."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import UnsupportedError
from deuterium.graph import free_symbols

x, m, s = dt.symbol("x", (3,)), dt.symbol("m", (2, 3)), dt.symbol("s")
VALUES = {"x": np.array([1.0, 2, 3]), "m": np.arange(6.0).reshape(2, 3), "s": 7.0}
JOINED = [
    lambda x, m, s: np.r_[x, x],
    lambda x, m, s: np.c_[x, np.sin(x)],
    lambda x, m, s: np.r_[0:3, x, 1.5, -1:1:4j, [1, 2]],
    lambda x, m, s: np.r_[s, x, 2 * s],
    lambda x, m, s: np.c_[m, m],
    lambda x, m, s: np.c_[1:4, x, m.T],
    lambda x, m, s: np.r_["-1", m, m],
    lambda x, m, s: np.r_["0,2", x, m],
    lambda x, m, s: np.r_["1,2,0", x, x],
    lambda x, m, s: np.r_["-1,3", m, m],
]


def valued(v):
    return v.evaluate({n: VALUES[n] for n in (e.name for e in free_symbols([v]))})


@pytest.mark.parametrize("join", JOINED)
def test_the_same_elements_in_the_same_places(join):
    joined, expected = join(x, m, s), join(**VALUES)
    assert joined.shape == expected.shape
    assert np.array_equal(valued(joined), expected)


def test_it_has_derivatives():
    (slope,) = dt.grad(np.sum(np.r_[x, x**2]), [x])
    assert np.array_equal(valued(slope), 1 + 2 * VALUES["x"])


@pytest.mark.parametrize(
    "become", [np.asarray, lambda x: np.array(x, subok=True), np.asanyarray]
)
def test_nothing_else_makes_an_array(become):
    with pytest.raises(UnsupportedError, match="no numbers"):
        become(x)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_holds_numbers():
    with pytest.raises(UnsupportedError, match=r"np\.concatenate"):
        np.r_["r", x]
