"""The table of operators of PyTorch, most of it without PyTorch."""

import runpy
import sys
from pathlib import Path

import pytest

from deuterium import frontends
from deuterium.errors import MissingDependencyError
from deuterium.frontends.torch.aten_movement import MOVEMENTS
from deuterium.frontends.torch.aten_table import TABLE

ROOT = Path(__file__).parents[2]


def test_the_list_of_operators_is_current():
    made = runpy.run_path(str(ROOT / "docs" / "make_torch_page.py"))
    page = (ROOT / "docs" / "torch.md").read_text()
    assert made["page"](page) == page, "run python docs/make_torch_page.py"
    listed = set(TABLE) | MOVEMENTS
    assert not {n for n in listed if "::" not in n and f"`{n}`" not in page}


def test_without_pytorch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingDependencyError, match=r"pip install 'deuterium\[torch\]'"
    ):
        frontends.torch.lift(lambda x: x, None)


def test_every_name_is_an_operator_of_pytorch():
    torch = pytest.importorskip("torch", reason="install the extra `torch`")
    named = {n for n in {*TABLE, *MOVEMENTS} if "::" not in n}
    assert not {n for n in named if not hasattr(torch.ops.aten, n)}
