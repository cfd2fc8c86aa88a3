"""The page about models of other frameworks is true: its lists, and its snippets."""

import re
import runpy
from pathlib import Path

import pytest

from deuterium.frontends.jax import RULES
from deuterium.frontends.sympy.expression_heads import HEADS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "models.md").read_text()


def test_the_lists_are_current():
    made = runpy.run_path(str(DOCS / "make_models_page.py"))
    assert made["page"](PAGE) == PAGE, "run python docs/make_models_page.py"


def test_every_rule_and_head_is_named():
    for name in (*RULES, *HEADS):
        assert f"`{name}`" in PAGE


def test_its_snippets_run():
    pytest.importorskip("jax")
    names: dict = {}
    try:
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
            exec(block, names)
    finally:
        RULES.pop("igamma", None)
    assert set(names["model"].parameters) == {"layer1/W", "layer2/W"}
    assert str(names["expressions"].lower(names["slope"])).startswith("Piecewise")
