"""The suites of the ONNX standard, which nobody here wrote."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

from deuterium.frontends.onnx import load
from deuterium.graph.traverse import free_symbols
from tests import amounts

onnx = pytest.importorskip(
    "onnx", reason="the front end of ONNX needs the package onnx"
)
DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
ROOT = Path(__file__).parents[2]
LIGHT = sorted(p.stem for p in (DATA / "light").glob("*.onnx"))


@pytest.fixture(scope="module")
def maker():
    return runpy.run_path(str(ROOT / "docs" / "make_onnx_page.py"))


def failing(maker, cases):
    """Return the operators of which a case fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        failed = [c for c in cases if maker["failure"](c) is not None]
    return {node.op_type for c in failed for node in c.model.graph.node}


def test_a_sample_of_the_node_tests(maker):
    """None fails but of operators of which the page says that some cases do."""
    page = (ROOT / "docs" / "onnx-operators.md").read_text()
    if f"in onnx {onnx.__version__}:" not in page:
        pytest.skip("the page is of another version of onnx")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    known = {name for name, passed, total in rows if passed != total}
    assert len(known) < 30 < len(rows)
    sample = maker["cases"](but=maker["SLOW"])[::8]
    assert len(sample) > 90
    assert failing(maker, sample) <= known


@pytest.mark.long
def test_the_node_tests(maker):
    found = maker["scores"]()
    core = [found[k] for k in maker["CORE"] if k in found]
    inside = [v for k, v in found.items() if k not in maker["OUTSIDE"]]
    for part, most_left_out in ((core, 14), (inside, 42)):
        passed, total = (sum(pair[k] for pair in part) for k in (0, 1))
        assert total - passed <= most_left_out


def test_the_page_lists_the_operators(maker):
    page = (ROOT / "docs" / "onnx-operators.md").read_text()
    told = "run python docs/make_onnx_page.py"
    own = page.split("## By the function")[0]
    assert maker["named"](sorted(maker["OPERATORS"])) in own, told
    if f"in onnx {onnx.__version__}:" in page:
        assert "\n".join(maker["operators"]()) in page, told


@pytest.mark.long
def test_the_page_is_current(maker):
    page = (ROOT / "docs" / "onnx-operators.md").read_text()
    if f"in onnx {onnx.__version__}:" not in page:
        pytest.skip("the page is of another version of onnx")
    assert maker["page"]() == page, "run python docs/make_onnx_page.py"


def tensors(folder, kind):
    """Return the arrays of a case's inputs or outputs, in their order."""
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [tensor(p) for p in paths]


def tensor(path):
    made = onnx.TensorProto()
    made.ParseFromString(path.read_bytes())
    return onnx.numpy_helper.to_array(made)


def agrees(folder):
    """Whether an exported module gives the outputs that are stored with it."""
    proto = onnx.load(folder / "model.onnx")
    given = tensors(folder / "test_data_set_0", "input")
    names = [i.name for i in proto.graph.input]
    if len(given) < len(names):
        names = [n for n in names if n not in {t.name for t in proto.graph.initializer}]
    values = dict(zip(names, given, strict=True))
    x = next((n for n in names if values[n].dtype.kind == "f"), None)
    point = {} if x is None else {x: values.pop(x)}
    shapes = {n: v.shape for n, v in point.items()}
    lifted = load(folder / "model.onnx", values=values, shapes=shapes)
    stored = tensors(folder / "test_data_set_0", "output")
    for v, wanted in zip(lifted.outputs.values(), stored, strict=True):
        with np.errstate(all="ignore"):
            got = v.evaluate(point if free_symbols([v]) else {})
        if np.shape(got) != wanted.shape:
            return False
        if not np.allclose(got, wanted, rtol=1e-3, atol=1e-5, equal_nan=True):
            return False
    return True


@pytest.mark.parametrize(
    "suite, least", [("pytorch-converted", 78 / 82), ("pytorch-operator", 33 / 35)]
)
@pytest.mark.drawn
def test_exported_modules(suite, least):
    folders = sorted((DATA / suite).iterdir())[:: amounts.draws(4, 1)]
    assert len(folders) >= 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        passed = sum(agrees(f) for f in folders)
    assert passed >= least * len(folders)


@pytest.mark.parametrize(
    "name", amounts.some(sorted(LIGHT, key=lambda n: n != "light_squeezenet"), 1)
)
def test_whole_networks(name):
    lifted = load(DATA / "light" / f"{name}.onnx")
    wanted = tensor(DATA / "light" / f"{name}_output_0.pb")
    x = lifted.input
    point = (np.arange(x.size, dtype=np.float32) / x.size).reshape(x.shape)
    got = lifted.output.evaluate({x: point})
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-7)
