"""The site: every public name is in the reference, every page in the contents."""

import doctest
import re
import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_is_complete_and_current():
    made = runpy.run_path(str(DOCS / "make_reference_page.py"))
    page = (DOCS / "reference.md").read_text("utf-8")
    assert made["page"]() == page, "run python docs/make_reference_page.py"


def test_every_page_is_in_the_contents():
    trees = (DOCS / "index.md", DOCS / "how-to" / "index.md")
    listed = {
        (page.parent / name).with_suffix(".md").resolve()
        for page in trees
        for tree in re.findall(r"```\{toctree\}(.*?)```", page.read_text(), re.S)
        for name in re.findall(r"^[\w/-]+$", tree, re.M)
    }
    made = {"_build", "generated", "jupyter_execute"}
    pages = {p for p in DOCS.rglob("*.md") if not made & set(p.parts)}
    assert {p.resolve() for p in pages} - {trees[0].resolve()} == listed


def test_the_page_of_errors_is_right():
    found = doctest.testfile(
        str(DOCS / "errors.md"), module_relative=False, verbose=False
    )
    assert found.attempted > 10
    assert found.failed == 0
