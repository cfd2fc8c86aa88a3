"""The seed notebooks, run cell by cell as they are.

Every code cell of the text exports runs unchanged, in order, in a fresh namespace.  Two
things differ from a plain "run all", both forced by the notebooks themselves:

- In the first notebook the per-element cell uses ``my_grad_norm``, which the next cell
  defines, so it runs after that one.
- The first notebook is set to 100 inputs and 100 neurons, but its two ``shgo`` cells
  show the output of a run with two inputs (the free symbols are ``{x_1, x_0}``, and
  there are 8 elements).  They could not have finished at 100: the search starts from
  the 2**100 corners of the box.  So all other cells run at full size, and the whole
  notebook runs once more with ``IN=INTERMEDIATE=2`` for those two.

``%%time`` is dropped; the value of a cell's last expression is shown as a notebook
shows it (text and LaTeX).
"""

from __future__ import annotations

import ast
import math
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import symengine as se
import symengine.lib.symengine_wrapper as sew
import sympy

import deuterium as dt

SEEDS = Path(__file__).parents[2].parent / "shared" / "seeds"
LINEAR, SIGMOID = "000_*.txt", "001_*.txt"
SMALL = "IN=2\nINTERMEDIATE=2"


def code_cells(text: str) -> dict[int, str]:
    """Return the source of every code cell by its number.

    An export does not mark where code ends and output or prose begins, so paragraphs
    are dropped from the end until what is left is a program that does not end in a bare
    number.
    """
    parts = re.split(r"^In \[(\d+)\]:\n", text, flags=re.MULTILINE)
    cells = {}
    for number, body in zip(parts[1::2], parts[2::2], strict=True):
        paragraphs = body.replace("%%time\n", "").strip("\n").split("\n\n")
        while not is_program("\n\n".join(paragraphs)):
            paragraphs.pop()
        cells[int(number)] = "\n\n".join(paragraphs)
    return cells


def is_program(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    last = body[-1]
    return not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant))


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

    def __init__(self, pattern: str, replaced: dict[int, str] | None = None) -> None:
        for needed in ("matplotlib", "seaborn", "sklearn"):  # the notebooks import them
            pytest.importorskip(needed)
        found = sorted(SEEDS.glob(pattern))
        if not found:
            pytest.skip(f"no seed notebook {pattern} here")
        text = found[0].read_text(encoding="utf-8")
        self.cells = code_cells(text)
        assert len(self.cells) == text.count("In [")
        self.cells.update(replaced or {})
        self.left = list(self.cells)
        self.namespace: dict = {"__name__": "__main__"}

    def __call__(self, *numbers: int) -> object:
        value = None
        for number in numbers:
            value = run_cell(self.cells[number], self.namespace)
            self.left.remove(number)
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


def test_the_cells_are_found():
    for pattern, count in ((LINEAR, 15), (SIGMOID, 12)):
        cells = Run(pattern).cells
        assert len(cells) == count
        assert not any("CPU times" in source for source in cells.values())
    assert cells[9].endswith("len(my_grad)")
    assert "elif isinstance(e, sew.Add):" in Run(LINEAR).cells[147]


def test_code_and_output_are_told_apart():
    cells = code_cells(
        "# Title\n\nIn [3]:\n%%time\na = 1\n\nb = 2\n\nCPU times: user\n\n\n0.5\n\n"
        "Some prose here\n\nIn [12]:\nlen([a])\n# done\n\n10200\n\n# A heading\n"
    )
    assert cells == {3: "a = 1\n\nb = 2", 12: "len([a])\n# done"}


def test_first_notebook_at_full_size():
    """All cells but the two with shgo, at 100x100, the interval walk included."""
    run = Run(LINEAR)
    run(21, 22, 139, 140, 141, 142, 143, 144)
    assert run["IN"] == run["INTERMEDIATE"] == 100
    assert run(145) == 10_200
    assert len(run["full_grad"]) == 10_301
    run(146, 147)
    width = run(148)  # the interval walk of the closed form
    lower, upper = run["lower"], run["upper"]
    assert 0 < lower <= upper < math.inf
    assert width == upper - lower
    run(380)
    norm = run["my_grad_norm"]
    assert len(norm.free_symbols) == 100
    assert run.left == [379, 340]  # the two with shgo

    # the closed form is the right one: it agrees with the gradient worked out by hand
    at = samples(20, 100, seed=1)
    x = np.stack([at[f"x_{i}"] for i in range(100)], axis=1)
    w1, b, w2 = (np.vectorize(float)(run[name]) for name in ("w1", "b", "w2"))
    hidden = x @ w1 + b
    out = hidden @ w2
    parts = (
        np.einsum("ni,j->nij", x, w2[:, 0]).reshape(20, -1),
        np.broadcast_to(w2[:, 0], (20, 100)),
        hidden,
    )
    expected = np.linalg.norm(np.concatenate(parts, axis=1) / out, axis=1)
    np.testing.assert_allclose(norm.evaluate(at), expected, rtol=1e-9)
    symbols = sorted(norm.free_symbols, key=lambda s: int(s.name[2:]))
    form = run["se"].Lambdify(symbols, norm.data)
    np.testing.assert_allclose(form(x[0]), expected[0], rtol=1e-9)

    # and the walk's answer is no enclosure of it, while deuterium's is
    assert np.sum((expected < lower) | (expected > upper)) >= 19
    certified = dt.enclose(norm, dt.Box(dict.fromkeys(at, (-1, 1))))
    assert certified.upper == math.inf
    assert certified.cause.kind == "undefined"
    assert certified.contains(expected).all()


@pytest.mark.parametrize("weights", [0, 1, 2, 3])
def test_first_notebook_at_the_size_its_optimisation_shows(weights):
    run = Run(LINEAR, {139: SMALL})
    np.random.seed(weights)
    run(21, 22, 139, 140, 141, 142, 143, 144)
    assert run(145) == 8
    run(146, 147, 148)
    assert np.isfinite([run["lower"], run["upper"]]).all()
    run(380)
    total = run(379)  # uses my_grad_norm, so after the cell that defines it
    least = run(340)
    assert run.left == []
    check_optima(run, total, least)


@pytest.mark.parametrize("weights", [0, 1, 2, 3])
def test_second_notebook(weights):
    run = Run(SIGMOID)
    np.random.seed(weights)
    assert run(1, 2, 3, 4, 5, 6, 7, 8, 9) == 8
    total = run(11)
    run(12)
    least = run(13)
    assert run.left == []
    check_optima(run, total, least)

    norm, at = run["my_grad_norm"], samples(5_000, 2, seed=weights)
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
