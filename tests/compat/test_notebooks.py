"""Notebooks that the package grew from still run, cell by cell.

Every cell runs in order, in a fresh namespace; the value of a cell's last expression is
shown as a notebook shows it (text and LaTeX).  The cells with `shgo` run at two inputs:
its search starts from all corners of the box.
"""

from __future__ import annotations

import ast
import math
import sys
import warnings

import numpy as np
import pytest
import symengine as se
import symengine.lib.symengine_wrapper as sew
import sympy

import deuterium as dt
from tests.amounts import draws
from tests.compat.notebooks import layered, linear


def run_cell(source: str, namespace: dict) -> object:
    """Run one cell and return the value it shows, or None."""
    tree = ast.parse(source)
    shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if shown is None:
        return None
    value = eval(compile(ast.Expression(shown.value), "<cell>", "eval"), namespace)
    assert repr(value)
    getattr(value, "_repr_latex_", lambda: None)()
    return value


class Run:
    """A notebook that is being run."""

    def __init__(self, cells: dict[str, str]) -> None:
        for needed in ("matplotlib", "seaborn", "sklearn"):  # the notebooks import them
            pytest.importorskip(needed)
        self.cells, self.left = cells, list(cells)
        self.namespace: dict = {"__name__": "__main__"}

    def to(self, last: str) -> object:
        """Run all cells up to one, and return what that one shows."""
        value, end = None, self.left.index(last) + 1
        for name in self.left[:end]:
            value = run_cell(self.cells[name], self.namespace)
        del self.left[:end]
        return value

    def __getitem__(self, name: str):
        return self.namespace[name]


@pytest.fixture(autouse=True)
def _as_in_a_notebook():
    """The notebooks change the recursion limit and the warning filters: undo both."""
    limit = sys.getrecursionlimit()
    with warnings.catch_warnings():
        np.random.seed(7)
        yield
    sys.setrecursionlimit(limit)


def samples(count: int, inputs: int, seed: int) -> dict[str, np.ndarray]:
    points = np.random.default_rng(seed).uniform(-1, 1, (inputs, count))
    return {f"x_{i}": row for i, row in enumerate(points)}


SIZE = draws(15, 100)


@pytest.mark.drawn
def test_linear_layers_and_the_interval_walk():
    """All cells but the two with shgo."""
    run = Run(linear(SIZE))
    assert run.to("weights") == SIZE * (SIZE + 2)
    assert len(run["everything"]) == SIZE * (SIZE + 3) + 1
    width = run.to("width")  # the interval walk of the closed form
    lower, upper = run["lower"], run["upper"]
    assert 0 < lower <= upper < math.inf
    assert width == upper - lower
    run.to("norm")
    norm = run["norm"]
    assert len(norm.free_symbols) == SIZE
    assert run.left == ["elements", "whole"]

    # the closed form is the right one: it agrees with the gradient worked out by hand
    at = samples(20, SIZE, seed=1)
    x = np.stack([at[f"x_{i}"] for i in range(SIZE)], axis=1)
    w1, b, w2 = (np.vectorize(float)(run[name]) for name in ("w1", "b", "w2"))
    hidden = x @ w1 + b
    out = hidden @ w2
    parts = (
        np.einsum("ni,j->nij", x, w2[:, 0]).reshape(20, -1),
        np.broadcast_to(w2[:, 0], (20, SIZE)),
        hidden,
    )
    expected = np.linalg.norm(np.concatenate(parts, axis=1) / out, axis=1)
    np.testing.assert_allclose(norm.evaluate(at), expected, rtol=1e-9)
    symbols = sorted(norm.free_symbols, key=lambda s: int(s.name[2:]))
    form = run["se"].Lambdify(symbols, norm.data)
    np.testing.assert_allclose(form(x[0]), expected[0], rtol=1e-9)

    # and the walk's answer is no enclosure of it, while deuterium's is
    assert np.sum((expected < lower) | (expected > upper)) >= 15
    certified = dt.enclose(norm, dt.Box(dict.fromkeys(at, (-1, 1))))
    assert certified.upper == math.inf
    assert certified.cause.kind == "undefined"
    assert certified.contains(expected).all()


@pytest.mark.parametrize("weights", [0, 1, 2, 3])
def test_linear_layers_and_their_optimisation(weights):
    run = Run(linear(2))
    np.random.seed(weights)
    assert run.to("weights") == 8
    run.to("width")
    assert np.isfinite([run["lower"], run["upper"]]).all()
    total, least = run.to("elements"), run.to("whole")
    assert run.left == []
    check_optima(run, total, least)


@pytest.mark.parametrize("weights", [0, 1, 2, 3])
def test_sigmoid_layers_and_their_optimisation(weights):
    run = Run(layered())
    np.random.seed(weights)
    assert run.to("weights") == 8
    total, least = run.to("elements"), run.to("whole")
    assert run.left == []
    check_optima(run, total, least)

    norm, at = run["norm"], samples(5_000, 2, seed=weights)
    values = norm.evaluate(at)
    certified = dt.enclose(norm, dt.Box({"x_0": (-1, 1), "x_1": (-1, 1)}))
    assert certified.cause is None
    assert certified.contains(values).all()
    assert certified.lower <= least <= values.min() * (1 + 1e-6)


def check_optima(run: Run, total: object, least: object) -> None:
    """What does not depend on the weights: 8 squares, whose minima sum to less."""
    assert len(run["elems"]) == 8
    assert np.isfinite(run["elems"]).all()
    assert min(run["elems"]) >= 0
    assert total == pytest.approx(math.sqrt(sum(run["elems"])))
    # the sum of the least elements lies below the least norm (up to shgo's accuracy)
    assert 0 <= total <= least * (1 + 1e-6)


# -- what the notebooks rely on, without them ------------------------------------------


def small_norm(weights: int):
    rng = np.random.default_rng(weights)
    x = dt.to_vec(np.array(dt.random_symbols(3, "x")).reshape(1, 3))
    w1, w2 = dt.to_vec(rng.normal(size=(3, 2))), dt.to_vec(rng.normal(size=(2, 1)))
    loss = np.mean(np.log((x @ w1) @ w2))
    loss.backward()
    return np.linalg.norm(np.array([v.grad for v in [*w1.flat, *w2.flat]]), ord=2)


@pytest.mark.parametrize("weights", range(3))
def test_closed_forms_of_floats_hold_no_other_fractions(weights):
    """The notebook's walk knows doubles, integers, symbols, products, powers, sums."""
    known = (sew.RealDouble, sew.Integer, sew.Symbol, sew.Mul, sew.Pow, sew.Add)
    stack = [small_norm(weights).data]
    while stack:
        form = stack.pop()
        assert isinstance(form, known), form
        stack.extend(form.args)


def test_roots_of_exact_forms_are_exact():
    a, b = dt.Variable("a"), dt.Variable("b")
    assert np.sqrt(a * b**3).to_sympy() == sympy.sqrt(
        sympy.Symbol("a") * b.to_sympy() ** 3
    )
    assert np.sqrt(1.5 + a).data.args[1] == se.RealDouble(0.5)


def test_norm_of_an_object_array_is_a_root_of_squares():
    """NumPy multiplies each element by itself: that product cannot be negative."""
    a = dt.symbol("a")
    certified = dt.enclose(np.linalg.norm(np.array([a - 1, a])), dt.Box({a: (-1, 2)}))
    assert certified.cause is None
    assert certified.lower == 0
    assert math.sqrt(8) <= certified.upper <= math.sqrt(8) * (1 + 1e-15)
    for square in (a * a, np.multiply(a, a), np.array([a]).dot(np.array([a]))):
        assert float(dt.enclose(square, dt.Box({a: (-1, 2)})).lower) == 0
        assert dt.grad(square, a).evaluate({a: 3.0}) == 6
