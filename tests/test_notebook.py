"""In a notebook: a line that opens to a table, and a formula where there is one."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.frontends import LiftedModel
from deuterium.notebook import latex_number

X = dt.symbol("x<b>", (2,))
BOX = dt.Box({X: (0, 10)})
WIDE = dt.symbol("wide", (1000,))


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        assert tag != "b"  # what names say is text
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@cache
def objects():
    bracket = dt.maximize(np.sum(X), BOX)
    s = privacy.contribution(X, BOX)
    noise = privacy.gaussian(s, epsilon=1, delta=1e-6, relation="add_or_remove_one")
    infinite = dt.enclose(np.log(X[0]), BOX)
    model = LiftedModel({"x": WIDE}, {"y": WIDE + 1}, {"w": dt.constant([1.0, 2.0])})
    return [
        WIDE, np.tanh(WIDE), dt.enclose(X, BOX), infinite, BOX, BOX & dt.OneHot("k"),
        BOX & dt.Where(np.sum(X) <= 1), bracket, bracket.certificate, s, noise, model,
        privacy.Accountant("add_or_remove_one", epsilon=9, delta=1e-5).compose(noise),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(13))
def test_everything_shows_itself_as_whole_html(place):
    made = objects()[place]
    page = _Elements()
    page.feed(made._repr_html_())
    assert not page.open
    told = "".join(page.text)
    assert repr(made)[:150] in told
    assert len(told) < 20_000
    latex = made._repr_latex_() if hasattr(made, "_repr_latex_") else None
    assert latex is None or (latex[0] == latex[-1] == "$" and latex.count("$") == 2)


def test_formulas_are_shown_as_formulas():
    a = dt.symbol("a")
    assert (a**2)._repr_html_() is None
    assert "a^{2}" in (a**2)._repr_latex_()
    assert dt.enclose(a, dt.Box({a: (-1, 2)}))._repr_latex_() == "$[-1.0, 2.0]$"
    named = dt.Box({a: (-np.inf, 1e30), dt.symbol("b", (2, 3)): (0, 1)})
    assert named._repr_latex_() == (
        r"$\mathrm{a} \in [-\infty, 1 \cdot 10^{30}], "
        r"\mathrm{b} \in [0.0, 1.0]^{2 \times 3}$"
    )
    assert dt.Box({"a_1": (0, 1)})._repr_latex_() == r"$\mathrm{a\_1} \in [0.0, 1.0]$"
    assert BOX._repr_latex_() is None  # no name that LaTeX can be given
    assert (dt.Box({a: (0, 3)}) & dt.Box({a: (1, 4)}))._repr_latex_() == (
        r"$\mathrm{a} \in [1.0, 3.0]$"
    )


def test_numbers_of_formulas_are_exact():
    assert latex_number(0.1) == "0.1"
    assert latex_number(5e-324) == r"5 \cdot 10^{-324}"


def test_where_a_variable_was_written_is_told():
    assert "test_notebook.py:" in np.tanh(WIDE)._repr_html_()
