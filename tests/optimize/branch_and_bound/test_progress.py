"""Both sides closing in, as it looks on a terminal, in a file and in a notebook."""

import re

import numpy as np
import pytest

import deuterium as dt
from deuterium.optimize.branch_and_bound import progress
from deuterium.optimize.branch_and_bound.progress import ProgressBar, relative_gap
from tests.optimize.branch_and_bound.branch_problems import PROBLEMS, maximum

LINE = re.compile(
    r"(\S+) <= (sup|inf) <= (\S+)   gap (\S+)   (\d+) regions, (\d+) waiting   \d+:\d\d"
)


def test_nothing_is_shown_unless_asked_for(capsys):
    maximum("wave")
    assert capsys.readouterr() == ("", "")


def test_a_file_gets_one_line_with_the_answer(capsys):
    e = maximum("wave", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    lower, name, upper, gap, regions, _ = LINE.fullmatch(err.strip()).groups()
    assert float(lower) == pytest.approx(e.lower, rel=1e-8)
    assert float(upper) == pytest.approx(e.upper, rel=1e-8)
    assert (name, gap, int(regions)) == ("sup", f"{e.gap:.2%}", e.regions)


def test_an_infimum_is_shown_as_one(capsys):
    v, domain = PROBLEMS["wave"]
    e = dt.minimize(v, domain, progress=True)
    lower, name, upper, *_ = LINE.search(capsys.readouterr().err).groups()
    assert name == "inf"
    assert float(lower) == pytest.approx(e.lower, rel=1e-8)
    assert float(upper) == pytest.approx(e.upper, rel=1e-8)


def test_a_terminal_shows_one_line_that_changes(capsys, monkeypatch, work_clock):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(progress.time, "monotonic", work_clock)
    maximum("endless", progress=True, time_limit=1.0)
    err = capsys.readouterr().err
    shown = [LINE.search(part) for part in err.split("\r") if " <= sup <= " in part]
    assert 3 <= len(shown) <= 15  # no more than ten a second
    uppers = [float(line[3]) for line in shown]
    assert uppers == sorted(uppers, reverse=True)
    counts = [int(line[5]) for line in shown]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert err.endswith("\x1b[?25h")  # the cursor is back


@pytest.mark.long  # a kernel has to start
def test_a_notebook_changes_one_output(monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    cell = nbformat.v4.new_code_cell(
        "import warnings; warnings.simplefilter('error')\n"
        "import deuterium as dt\n"
        "a = dt.symbol('a')\n"
        "e = dt.maximize(a - a**2, dt.Box({a: (0, 1)}), progress=True)"
    )
    book = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3").execute()
    (output,) = book.cells[0].outputs
    assert output.output_type == "display_data"
    assert LINE.fullmatch(output.data["text/plain"])


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (1.0, 1.5, "50.00%"),
        (-2.0, -1.0, "50.00%"),
        (0.0, 0.25, "0.25"),
        (-np.inf, 1.0, "infinite"),
        (0.0, np.inf, "infinite"),
    ],
)
def test_gaps_as_text(lower, upper, text):
    assert relative_gap(lower, upper) == text


def test_the_screen_is_left_in_order_when_the_work_fails(capsys, monkeypatch):
    closed = []
    monkeypatch.setattr(progress._Terminal, "close", lambda _: closed.append(True))
    with pytest.raises(ZeroDivisionError), ProgressBar():
        raise ZeroDivisionError
    assert closed == [True]
