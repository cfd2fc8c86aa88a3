"""The pages say what is true: names, links, and the README's tour."""

import doctest
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

import deuterium as dt
from deuterium.graph import protocols
from deuterium.graph.operator import BY_UFUNC
from deuterium.transform.simplify.rule_table import RULES

# frameworks whose models the tour lifts, where they are installed
OPTIONAL = r"^(?:import|from) (jax|torch|onnx)\b"
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


def test_the_lists_of_functions_are_current():
    made = runpy.run_path(str(ROOT / "docs" / "make_functions_page.py"))
    page = (ROOT / "docs" / "functions.md").read_text()
    assert made["page"](page) == page, "run python docs/make_functions_page.py"


def test_every_supported_function_is_on_the_page():
    page = (ROOT / "docs" / "functions.md").read_text()
    named = set(re.findall(r"`([\w.]+)`", page))
    table = {**BY_UFUNC, **protocols.UFUNCS}
    wanted = {
        name
        for name, meaning in table.items()
        if not getattr(meaning, "__name__", "").startswith("_refuse")
    }
    wanted |= {f"{name}.{method}" for name, method in protocols.UFUNC_METHODS} - {
        f"{name}.outer" for name, method in protocols.UFUNC_METHODS
    }
    wanted |= {f.__name__ for f in protocols.FUNCTIONS}
    short = {n.rpartition(".")[2] for n in named} | named
    assert wanted - short == set()


def test_every_rewrite_rule_is_on_the_page():
    page = (ROOT / "docs" / "rules.md").read_text().replace("\\|", "|")
    assert len(RULES) > 40
    for rule in RULES.values():
        assert f"| `{rule.identity}` | {rule.holds} | {rule.gains} |" in page, rule.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_readme_tour_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the tour saves a proof
    text = (ROOT / "README.md").read_text()
    names: dict = {}
    examples = 0
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        if not all(map(find_spec, set(re.findall(OPTIONAL, block, re.M)))):
            continue
        if block.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, names, "tour", None, 0)
            result = doctest.DocTestRunner().run(test, clear_globs=False)
            assert result.failed == 0
            examples += result.attempted
            names.update(test.globs)
        else:
            exec(block, names)
    assert examples >= 5
    assert "undefined: reciprocal of [0, 1] at <string>:2" in capsys.readouterr().out
    iv, norm, x = names["iv"], names["norm"], names["x"]
    assert iv.cause is None
    found = dt.search(norm, dt.Box({x: (-1, 1)}), starts=4).value
    assert iv.lower <= found <= iv.upper
    spent = (
        names["privacy"].Accountant("add_or_remove_one").compose(names["noise"], 100)
    )
    assert f"a hundred such sums: {spent.epsilon_at(1e-5):.1f}" in text
    assert found <= names["s"].upper


def test_every_public_name_has_a_docstring():
    for name in dt.__all__:
        if not name.startswith("__"):
            assert (getattr(dt, name).__doc__ or "").strip(), name
