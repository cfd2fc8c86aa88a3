"""The site: every public name is in the reference, every page in the contents."""

import doctest
import re
import runpy
from pathlib import Path

import pytest

from deuterium import errors
from deuterium.certify.checker import leaf_rules

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = DOCS.parent / "src" / "deuterium"


def test_the_reference_is_complete_and_current():
    made = runpy.run_path(str(DOCS / "make_reference_page.py"))
    page = (DOCS / "reference.md").read_text("utf-8")
    assert made["page"]() == page, "run python docs/make_reference_page.py"


def test_every_page_is_in_the_contents():
    trees = (DOCS / "index.md", *DOCS.glob("*/index.md"))
    listed = {
        (page.parent / name).with_suffix(".md").resolve()
        for page in trees
        for tree in re.findall(r"```\{toctree\}(.*?)```", page.read_text(), re.S)
        for name in re.findall(r"^[\w/-]+$", tree, re.M)
    }
    made = {"_build", "generated", "jupyter_execute"}
    pages = {p for p in DOCS.rglob("*.md") if not made & set(p.parts)}
    assert {p.resolve() for p in pages} - {trees[0].resolve()} == listed


EXAMPLES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if ">>>" in (told := page.read_text("utf-8")) and "{code-cell}" not in told
]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_examples_of_a_page_are_right(page):
    found = doctest.testfile(str(page), module_relative=False, verbose=False)
    assert found.attempted > 1
    assert found.failed == 0


def test_every_error_is_on_its_page():
    told = (DOCS / "errors.md").read_text("utf-8")
    assert not [n for n in errors.__all__ if n[0].isupper() and n not in told]


def test_every_room_has_a_page_and_a_picture_that_are_current():
    made = runpy.run_path(str(DOCS / "make_rooms_pages.py"))
    again = "run python docs/make_rooms_pages.py"
    rooms = {p.parent.name for p in SOURCE.glob("*/__init__.py")}
    assert set(made["rooms"]()) == rooms
    for room in rooms:
        text = (DOCS / "rooms" / f"{room}.md").read_text("utf-8")
        assert made["page"](room, text) == text, again
        assert "## How it works" in text and "## Try it" in text
    for name, drawn in made["pictures"]().items():
        kept = (DOCS / "images" / "rooms" / name).read_text("utf-8")
        assert drawn == kept, again


def test_every_page_of_a_bound_has_its_parts():
    pages = [p for p in (DOCS / "theory").glob("*.md") if p.stem != "index"]
    assert len(pages) >= 12
    for page in pages:
        text = page.read_text("utf-8")
        for part in ("**Theorem", "**Proof.**", "**Where.**", "**Papers.**", ">>>"):
            assert part in text, f"{page.name} has no {part}"
        where = text[text.index("**Where.**") : text.index("**Papers.**")]
        for path in re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`", where):
            assert (SOURCE / path).exists(), f"{page.name} names {path}"


def test_every_rule_of_proofs_is_explained():
    told = (DOCS / "theory" / "certificate-rules.md").read_text("utf-8")
    rules = {*leaf_rules.LEAVES, "enclosure", "clusters"}
    assert not [r for r in rules if f"`{r}`" not in told]


@pytest.mark.long
def test_the_page_on_models_runs(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    parser = pytest.importorskip("onnx.parser")
    monkeypatch.chdir(tmp_path)
    model = parser.parse_model("""<ir_version: 8, opset_import: ["": 17]>
      net (float[1, 2] x) => (float[1, 3] z)
      <float[2, 3] W = {1, -1, 2, 0.5, 0, 1}, float[3] b = {0, 1, 0}>
      { h = MatMul(x, W)  a = Tanh(h)  z = Add(a, b) }""")
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    text = (DOCS / "how-to" / "bound-a-model-file.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        names: dict = {}
        exec(block, names)
        assert names["s"].lower <= names["s"].upper < 1.06 * names["s"].lower
    assert {p.name for p in tmp_path.iterdir()} >= {"report.html", "sensitivity.json"}
