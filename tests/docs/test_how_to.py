"""The pages on adding things hold: what they show is run, as a reader would do it."""

import re
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops
from deuterium.certify.checker import leaf_rules
from deuterium.certify.format import sealed
from deuterium.errors import CertificateError
from deuterium.functions import products
from deuterium.graph import protocols
from deuterium.optimize.bounders import select
from deuterium.transform.simplify.rules import BY_OPERATOR, RULES, symmetry_rules
from tests.functions import numpy_cases, random_calls, test_against_numpy
from tests.functions.test_random_calls import check
from tests.transform.simplify import rule_examples, test_rule_table

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page):
    """Return the Python of a page, piece by piece."""
    text = (PAGES / page).read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def added(block, *modules):
    """Run code as if it stood at the end of the last module; return all names."""
    names = {k: v for module in modules for k, v in vars(module).items()}
    exec(block, names)
    return names


def entries(block, module, brackets):
    """Return the lines of a table that a page adds to one of a module."""
    return eval(brackets[0] + block + brackets[1], dict(vars(module)))


def cases_of(test):
    """Yield what a parametrized test of a page is called with."""
    (mark,) = test.pytestmark
    for given in mark.args[1]:
        yield given if isinstance(given, tuple) else (given,)


@pytest.fixture
def restored():
    """Have tables of the package as they were, afterwards."""
    tables = [RULES, BY_OPERATOR, protocols.FUNCTIONS, rule_examples.EXAMPLES]
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


@pytest.mark.usefixtures("restored")
def test_a_rule():
    code, example = blocks("add-a-rule.md")
    added(code, symmetry_rules)
    del BY_OPERATOR[ops.maximum]  # worked out when the package was imported,
    assert BY_OPERATOR[ops.maximum]  # and again when asked for
    new = entries(example, rule_examples, "{}")
    rule_examples.EXAMPLES.update(new)
    ((name, some),) = new.items()
    test_rule_table.test_every_rule_states_what_it_does()
    for i in range(len(some)):
        test_rule_table.test_it_applies_and_changes_no_value(name, i)
        test_rule_table.test_it_applies_on_the_whole_line_if_it_holds_everywhere(
            name, i
        )
        test_rule_table.test_it_does_not_apply_elsewhere(name, i)
        test_rule_table.test_what_it_gains(name, i)
    x = dt.symbol("x")
    assert dt.simplify(np.maximum(-x, x)).op is ops.absolute
    entry, page = RULES[name], (PAGES / "add-a-rule.md").read_text()
    row = f"| `{entry.identity}` | {entry.holds} | {entry.gains} |"
    assert row in page.replace("\\|", "|")


@pytest.mark.usefixtures("restored")
def test_a_function(monkeypatch):
    code, cases, draws = blocks("add-a-numpy-function.md")
    cross = added(code, products)["cross"]
    assert protocols.FUNCTIONS[np.cross] is cross
    for case in entries(cases, numpy_cases, "[]"):
        test_against_numpy.test_one_case(case)
        test_against_numpy.test_batches_of_one_case(case)
    ((function, make),) = entries(draws, random_calls, "{}").items()
    monkeypatch.setitem(random_calls.ALL, "cross", make)
    assert function is np.cross
    assert 0.2 < check("cross", 20) < 1  # some are refused, by NumPy too


def test_a_front_end():
    code, tests = blocks("add-a-front-end.md")
    rpn = type("rpn", (), {"read": staticmethod(read := added(code)["read"])})
    names = dict(vars(__import__("tests.frontends.test_formula", fromlist=["lift"])))
    exec(tests, names := {**names, "rpn": rpn})
    ran = 0
    for name in re.findall(r"def (test_\w+)", tests):
        for given in cases_of(names[name]):
            names[name](*given)
            ran += 1
    assert ran == 5
    assert str(read("x x *")) == "x**2"
    read("a " + "exp " * 5000)


@pytest.fixture
def halves(monkeypatch):
    """Enter the bounder of the page, and its checker."""
    bounder, entered, checker = blocks("add-a-bounder-with-its-checker.md")
    known = {**added(bounder), "otherwise": select._bounder}
    exec(
        f"def _bounder(problem, method, until):\n{entered}"
        "    return otherwise(problem, method, until)",
        known,
    )
    monkeypatch.setattr(select, "METHODS", (*select.METHODS, "halves"))
    monkeypatch.setattr(select, "_bounder", known["_bounder"])
    monkeypatch.setitem(leaf_rules.LEAVES, "halves", added(checker)["halves"])


def leaves(certificate):
    return [node for node in certificate.body["proof"] if "leaf" in node]


def resealed(certificate):
    return type(certificate)(certificate.body, sealed(certificate.body))


@pytest.mark.usefixtures("halves")
def test_a_bounder_with_its_checker():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = x * y - np.square(x) + np.tanh(y)
    box = dt.Box({x: (-1, 2), y: (-3, 1)})
    run = partial(dt.maximize, v, box, rtol=0, max_regions=40)
    found, plain = run(method="halves"), run(method="interval")
    assert found.upper < plain.upper
    for a, b in product(np.linspace(-1, 2, 13), np.linspace(-3, 1, 13)):
        assert v.evaluate({x: a, y: b}) <= found.upper
    found.certificate.verify(v, box)
    assert "halves" in {node["leaf"][0] for node in leaves(found.certificate)}


@pytest.mark.usefixtures("halves")
def test_its_checker_refuses_what_is_no_input():
    x = dt.symbol("x")
    box = dt.Box({x: (-1, 2)})
    found = dt.maximize(x - np.square(x), box, max_regions=1, method="halves")
    (node,) = leaves(found.certificate)
    for at in (7, -1, 0.0, "0", None):
        node["leaf"] = ["halves", {**node["leaf"][1], "at": at}]
        with pytest.raises(CertificateError):
            resealed(found.certificate).verify(x - np.square(x), box)
