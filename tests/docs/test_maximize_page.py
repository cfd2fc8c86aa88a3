"""The page about certified extrema is true."""

import re
from pathlib import Path

import pytest

from deuterium.optimize.branch_and_bound.result import STATUSES
from deuterium.report.brackets import MEANINGS

PAGE = (Path(__file__).parents[2] / "docs" / "maximize.md").read_text()


def test_its_examples_run(tmp_path, monkeypatch):
    pytest.importorskip("flint")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) >= 4
    for block in blocks:
        exec(block, names)
    assert {p.name for p in tmp_path.iterdir()} == {"work.jsonl", "proof.json"}


def test_every_status_is_explained():
    assert set(STATUSES) == set(MEANINGS)
    for status in STATUSES:
        assert f"`{status}`" in PAGE
