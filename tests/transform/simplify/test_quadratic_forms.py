"""Roots of quadratic forms: volatilities, distances of Mahalanobis, energies."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.graph.traverse import Graph
from deuterium.transform.simplify.recognize import recognized
from tests.amounts import some

N = 3
x = dt.symbol("x", N)
BOX = dt.Box({x: (-1, 1)})
MEAN = np.array([0.25, -0.5, 0.125])


def definite(seed):
    """Return a positive definite matrix, symmetric to the last bit."""
    a = np.random.default_rng(seed).normal(size=(N, N))
    c = a @ a.T + np.eye(N) / 8
    return (c + c.T) / 2


SPELLINGS = {
    "x @ C @ x": lambda c: (x - MEAN) @ c @ (x - MEAN),
    "products added up": lambda c: np.sum((x - MEAN) * (c @ (x - MEAN))),
    "dot": lambda c: np.dot(x, np.dot(c, x)),
    "einsum": lambda c: np.einsum("i,ij,j->", x, c, x),
    "a row": lambda c: (x[None] @ c @ x[None].T)[0, 0],
    "twice its half, and more": lambda c: 2 * (x @ (c / 2) @ x),
    "cut off at zero": lambda c: np.maximum(x @ c @ x, 0),
    "another triangle": lambda c: x @ (c + np.triu(c, 1) - np.tril(c, -1)) @ x,
}


@pytest.mark.parametrize("spelling", some(SPELLINGS, 4))
def test_a_root_is_as_steep_as_the_root_of_the_largest_eigenvalue(spelling):
    """It was undefined: as intervals, such a form may be negative."""
    c = definite(1)
    f = np.sqrt(SPELLINGS[spelling](c))
    s = privacy.lipschitz(f, x, BOX, max_regions=9)
    truth = np.sqrt(np.linalg.eigvalsh(c)[-1])
    assert truth * (1 - 1e-6) <= s.upper <= truth * (1 + 1e-6)
    assert s.verify()
    point = {x: np.array([0.5, 0.25, -0.75])}
    found = recognized(Graph([f]), [x], domain=BOX)[0]
    np.testing.assert_allclose(found.evaluate(point), f.evaluate(point), rtol=1e-12)


@pytest.mark.parametrize(
    "matrix",
    [np.diag([1.0, -1.0, 2.0]), np.zeros((N, N)), -definite(2)],
    ids=["indefinite", "zero", "negative"],
)
def test_what_is_not_certainly_definite_is_left(matrix):
    graph = Graph([np.sqrt(x @ matrix @ x)])
    assert recognized(graph, [x], domain=BOX) is graph


VECTORS = np.array([[1.0, 0, -1], [2, 1, 0], [0.5, 0.25, 0]])
SEMIDEFINITE = {"one column": np.ones((N, N)), "two": VECTORS[:2].T @ VECTORS[:2]}


@pytest.mark.parametrize("name", SEMIDEFINITE)
def test_a_singular_form_is_decided_by_fractions(name):
    matrix = SEMIDEFINITE[name]
    found = privacy.lipschitz(np.sqrt(x @ matrix @ x), x, BOX, max_regions=99)
    truth = np.sqrt(np.linalg.eigvalsh(matrix)[-1])
    assert truth * (1 - 1e-12) <= found.upper <= truth * (1 + 1e-9)
    assert found.verify()


def test_a_matrix_that_may_change_is_left():
    """It is a parameter: another one need not be definite."""
    c = dt.constant(definite(3), name="C")
    graph = Graph([np.sqrt(x @ c @ x)])
    assert recognized(graph, [x, c], domain=BOX) is graph
    slope = dt.grad(np.sqrt(x @ c @ x), c).evaluate({x: MEAN})
    expected = np.outer(MEAN, MEAN) / 2 / np.sqrt(MEAN @ definite(3) @ MEAN)
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
