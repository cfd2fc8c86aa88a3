"""The example notebooks: in step with their sources, and right when executed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.amounts import some
from tests.optional_packages import needs

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [
    "01_linear_layers",
    "02_sigmoid_layers",
    "03_three_sensitivities",
    "04_bounded_activations",
    "05_pixels_and_private_training",
]

# The Jupyter packages warn about each other on some platforms and versions; nothing of
# deuterium runs in this process, so only their warnings can arise here.
pytestmark = [
    needs("nbformat", "nbclient", "ipykernel", "jupytext", "matplotlib"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_core"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:nbclient"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq"),
    pytest.mark.filterwarnings("ignore:Proactor event loop:RuntimeWarning:zmq"),
]


@pytest.fixture(scope="module")
def maker():
    """The script that makes the notebooks, as a module."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import execute
    finally:
        sys.path.remove(str(EXAMPLES))
    return execute


def stored(name: str):
    import nbformat

    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell) -> str:
    """Return all text a cell printed or showed."""
    parts = [
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    ]
    return "".join(parts)


def printed(notebook) -> str:
    return "\n".join(text_of(cell) for cell in code_cells(notebook))


def number(pattern: str, text: str) -> float:
    found = re.search(pattern + r"\s*(-?[\d.]+(?:e[+-]?\d+)?|inf)", text)
    assert found, f"{pattern!r} is not in the output"
    return float(found.group(1))


def test_every_source_has_a_notebook_and_the_readme_lists_it():
    sources = sorted(path.stem for path in EXAMPLES.glob("[0-9]*.py"))
    assert sources == NAMES == sorted(p.stem for p in EXAMPLES.glob("*.ipynb"))
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({name}.ipynb)" in readme for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_made_from_its_source(name, maker):
    made, kept = maker.from_source(EXAMPLES / f"{name}.py"), stored(name)
    assert [(c.id, c.cell_type, c.source) for c in kept.cells] == [
        (c.id, c.cell_type, c.source) for c in made.cells
    ], "run `python examples/execute.py`"
    assert kept.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_are_complete_small_and_clean(name):
    path = EXAMPLES / f"{name}.ipynb"
    assert path.stat().st_size < 400_000
    cells = code_cells(stored(name))
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {o.output_type for o in outputs} == {
        "stream",
        "execute_result",
        "display_data",
    }
    assert not any(o.get("name") == "stderr" for o in outputs)
    assert any("image/png" in o.get("data", {}) for o in outputs)


@pytest.fixture(scope="module", params=some(NAMES, 0))
def executed(request, maker, tmp_path_factory):
    """Each notebook after a fresh run; an error in any cell fails here."""
    with pytest.MonkeyPatch.context() as patch:
        # no user's IPython settings, no history
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.delenv("PYTHONWARNINGS", raising=False)
        patch.delenv("MPLBACKEND", raising=False)  # the kernel's own shows pictures
        notebook = maker.from_source(EXAMPLES / f"{request.param}.py")
        maker.execute(notebook, timeout=900)
    return request.param, notebook


def test_notebook_runs_and_says_what_it_should(executed):
    name, notebook = executed
    cells = code_cells(notebook)
    checks = [c for c in cells if "check" in c.metadata.get("tags", [])]
    assert len(checks) >= 3
    assert all("assert" in c.source and c.execution_count for c in checks)
    assert not [o for c in cells for o in c.outputs if o.get("name") == "stderr"], (
        "warnings in a notebook"
    )
    checks_of(name)(printed(notebook))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_says_what_it_should(name):
    checks_of(name)(printed(stored(name)))


def checks_of(name):
    return {
        "01_linear_layers": check_linear,
        "02_sigmoid_layers": check_sigmoid,
        "03_three_sensitivities": check_sensitivities,
        "04_bounded_activations": check_activations,
        "05_pixels_and_private_training": check_pixels,
    }[name]


def check_linear(text: str) -> None:
    assert "10200" in text
    assert number("outside the walk's interval:", text) > 990
    assert re.search(r"walk \[0\.27, 0\.44\]", text)
    assert re.search(r"norm: undefined: reciprocal of .*np\.log", text)
    assert re.search(r"loss: undefined: log of .*np\.log", text)
    assert re.search(r"violations: 0 of 2001", text)
    written, dense, simple = (
        number(rf"\n{what}", text) for what in ("written", "vectorised", "simplified")
    )
    assert simple <= dense < written / 50
    least = number(r"\nleast norm found", text)
    greatest = number(r"greatest norm found", text)
    assert number("certified lower bound", text) <= least < greatest
    assert greatest <= number("certified upper bound", text) < 1.15 * greatest


def check_sigmoid(text: str) -> None:
    assert number("above the least norm:", text) > 99
    assert "violations: 0 of 100000" in text
    assert number("root of the sum of minima:", text) < number(
        "least norm found:", text
    )
    greatest = number("greatest norm found:", text)
    assert greatest < number("root of the sum of maxima:", text)
    for boxes, gap in ((1, 1.1), (128, 1.02)):
        row = rf"\n\s*{boxes} x {boxes}\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)"
        found = re.search(row, text)
        assert found
        plain, first, second = map(float, found.groups())
        assert greatest <= first * (1 + 1e-6) and first <= plain
        assert first < gap * greatest
        assert abs(first - second) <= 2e-6  # printed with six digits
    assert number(r"\n(?=\d+ times the greatest)", text) > 10
    # at 100 x 100 the first spelling, as written, is undefined; then all ways are one
    assert "Interval([nan, nan])" in text
    assert "undefined: reciprocal of [0, 1]" in text
    uppers = re.findall(r"\n(?:scalars|arrays), .* Interval\(\[\S+, (\S+)\]\)", text)
    assert len(uppers) == 3
    uppers = [float(upper) for upper in uppers]
    largest, certified = re.search(
        r"largest norm found ([\d.]+), certified ([\d.]+)", text
    ).groups()
    assert max(uppers) - min(uppers) < 1e-6 * max(uppers)
    assert float(largest) <= min(uppers)
    assert abs(float(certified) - uppers[0]) <= 1e-3
    assert re.search(r"\n\d{5} nodes, vectorised \d{3}, simplified \d{2,3}\n", text)
    assert 1 <= number(r"\nratio", text) < 3


def check_sensitivities(text: str) -> None:
    for value in ("66.19", "178.23", "29.48", "29.88"):
        assert value in text
    assert number("SHGO, in order:", text) == pytest.approx(61.18758502747, rel=1e-9)
    assert number("SHGO, swapped :", text) == pytest.approx(59.22008712736, rel=1e-9)
    assert "an Estimate is what a search found, not a bound" in text


def check_activations(text: str) -> None:
    for name, published in (("tanh", 1.0), ("tempered", 11.0)):
        unit, hundred = (
            number(rf"{name}\s+{where}\s+published\s+{published}\s+reached", text)
            for where in ("unit", "hundred")
        )
        assert 8 * published < unit < hundred
        reached = number(rf"{name}\s+weights fixed: reached", text)
        assert reached <= number(rf"{name}\s+weights fixed: .*certified", text)


def check_pixels(text: str) -> None:
    assert number("plain:   accuracy", text) > 0.99
    assert number("2000 full batches: epsilon", text) == pytest.approx(28.4, abs=0.1)
    promised = [float(e) for e in re.findall(r"at epsilon ([\d.]+), delta", text)]
    assert promised == [1.0, 8.0]
    whole = number("a whole image replaced:", text)
    assert number("pixel on a bar     moves the gradient by at most", text) < whole
