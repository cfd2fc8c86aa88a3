"""The command line, as a user meets it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import deuterium as dt
from deuterium import cli, terminal
from deuterium.cli import app, application, bounding, handing_on
from deuterium.commands import diagnosis
from deuterium.errors import (
    InvalidInputError,
    MissingDependencyError,
    SoundnessError,
)
from tests.demo.short_demo import short_demo, shortened

FIRST = ["query", "a**2 + exp(2*b - a)", "--bound", "a=1:2", "--bound", "b=0.5:3"]


def run(*args):
    return CliRunner().invoke(app, list(args))


def test_version_and_help():
    assert run("--version").stdout == f"deuterium {dt.__version__}\n"
    for args in (["--help"], ["demo", "--help"], ["query", "--help"]):
        shown = run(*args)
        assert shown.exit_code == 0
        assert "Usage: " in shown.stdout
    assert "2*b - a" in run("query", "--help").stdout
    assert "add_or_remove_one|replace_one" in run("demo", "--help").stdout


def test_query_prints_everything():
    shown = run(*FIRST)
    assert shown.exit_code == 0
    assert shown.stderr == ""
    for text in (
        "df/da", "2*a - exp(-a + 2*b)", "df/db", "2*exp(-a + 2*b)", "certified range",
        "330.97231959", "best found", "a = 1, b = 3", "relative gap",
    ):  # fmt: skip
        assert text in shown.stdout


def test_query_json_and_nothing_else():
    shown = run(*FIRST, "--json")
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert document["schema"] == "deuterium.query"
    assert 330.97231959428770 <= document["upper"] <= 330.97231959428770 * 1.001
    assert document["found"]["witness"] == {"a": 1.0, "b": 3.0}


def test_query_with_fewer_boxes_is_wider():
    args = ["query", "a - a**2", "--bound", "a=0:2", "--json", "--boxes"]
    wide, tight = (json.loads(run(*args, n).stdout) for n in ("1", "1000"))
    assert tight["upper"] <= wide["upper"]
    assert tight["lower"] >= wide["lower"]


def test_query_without_a_finite_bound_says_so(short_search):
    args = ["query", "log(a)", "--bound", "a=0:1", "--boxes", "50"]
    shown = run(*args)
    assert shown.exit_code == terminal.NOT_CERTIFIED
    assert "NO FINITE BOUND (undefined): log of [0.0, " in shown.stdout
    document = json.loads(run(*args, "--json").stdout)
    assert (document["status"], document["upper"]) == ("undefined", "inf")
    assert document["cause"]["operator"] == "log"


def test_query_of_a_formula_that_begins_with_a_minus():
    args = ["query", "-a**2", "--bound", "a=-1:1", "--boxes", "100", "--json"]
    document = json.loads(run(*args).stdout)
    assert document["upper"] == 2


ERRORS = [
    (["query", "a^2", "--bound", "a=0:1"], "use ** instead"),
    (["query", "a +", "--bound", "a=0:1"], "cannot be read"),
    (["query", "__import__('os')", "--bound", "a=0:1"], "unknown function"),
    (["query", "9**9**9**9*a", "--bound", "a=0:1"], "grow too large"),
    (["query", "(" * 500 + "a" + ")" * 500, "--bound", "a=0:1"], "nested"),
    (["query", "1 + 1"], "no symbols"),
    (["query", "a + b", "--bound", "a=0:1"], "--bound b=LOWER:UPPER"),
    (["query", "a"], "--bound a=LOWER:UPPER"),
    (["query", "alpha", "--bound", "alpa=0:1"], "Did you mean 'alpha'"),
    (["query", "a", "--bound", "a=2:1"], "'a=2:1' is reversed"),
    (["query", "a", "--bound", "a=0:nan"], "NaN"),
    (["query", "a", "--bound", "a=0"], "NAME=LOWER:UPPER"),
    (["query", "a", "--bound", "a0:1"], "NAME=LOWER:UPPER"),
    (["query", "a", "--bound", "a=0:one"], "'one' is not a number"),
    (["query", "a", "--bound", "a=0:1", "--bound", "a=0:2"], "already"),
    (["query", "a", "--bound", "a=inf:inf"], "no finite"),
    (["query", "a", "--bound", "a=0:1", "--boxes", "0"], "--boxes"),
    (["query", "a", "--bound", "a=0:1", "--bnd", "b=0:1"], "--bnd"),
    (["query"], "formula"),
    (["demo", "--epsilon", "0"], "`epsilon`"),
    (["demo", "--epsilon", "nan"], "`epsilon`"),
    (["demo", "--delta", "1"], "`delta`"),
    (["demo", "--relation", "other"], "--relation"),
    (["demo", "--seed", "-1"], "--seed"),
    (["demo", "--seed", "x"], "--seed"),
    (["frobnicate"], "frobnicate"),
]


@pytest.mark.parametrize(("args", "why"), ERRORS)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_errors_are_one_message_on_stderr(args, why, more):
    shown = run(*args, *more)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert why in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stderr.count("Error: ") == 1


@pytest.fixture
def one_demo(monkeypatch, tmp_path):
    """Have the demo's result made once for the tests of what is done with it."""

    def made(proof, **options):
        found = short_demo(**options)
        return replace(found, proof=replace(found.proof, path=proof and str(proof)))

    monkeypatch.setattr(handing_on, "run_demo", made)
    monkeypatch.chdir(tmp_path)


def test_demo_prints_everything_and_writes_a_picture(one_demo, tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    path = tmp_path / "parts.png"
    shown = run("demo", "--epochs", "1", "--png", str(path))
    assert shown.exit_code == 0, shown.stderr
    for text in (
        "supremum: at most", "largest on the data", "deuterium-demo-proof.json",
        "noise multiplier", "worst concave points", "Picture written",
    ):  # fmt: skip
        assert text in shown.stdout
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_demo_json_and_options(tmp_path):
    pytest.importorskip("sklearn")
    args = ["demo", "--epochs", "3", "--seed", "2", "--epsilon", "2", "--delta", "1e-6"]
    with shortened():
        shown = run(*args, "--relation", "replace_one", "--json")
    assert shown.exit_code == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["schema"] == "deuterium.demo"
    assert (document["seed"], document["epochs"]) == (2, 3)
    noise = document["noise"]
    assert (noise["epsilon"], noise["delta"]) == (2, 1e-6)
    assert noise["relation"] == "replace_one"
    assert noise["sensitivity"] == 2 * document["certified"]
    assert noise["sigma"] >= noise["noise_multiplier"] * noise["sensitivity"]


@pytest.mark.long
def test_demo_writes_a_picture_unless_told_not_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shortened():
        assert run("demo", "--epochs", "1", "--json").exit_code == 0
        assert list(tmp_path.iterdir()) == []
        assert run("demo", "--epochs", "1", "--no-picture").exit_code == 0
        assert [p.name for p in tmp_path.iterdir()] == ["deuterium-demo-proof.json"]
        shown = run("demo", "--epochs", "1", "--proof", str(tmp_path / "mine.json"))
    assert "Picture written to deuterium-demo.png" in shown.stdout
    names = ["deuterium-demo-proof.json", "deuterium-demo.png", "mine.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_demo_with_a_picture_that_cannot_be_written(one_demo, tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    shown = run("demo", "--epochs", "1", "--png", str(tmp_path / "no" / "x.png"))
    assert shown.exit_code == 2
    assert shown.stderr.startswith("Error: the picture cannot be written")
    assert shown.stdout == ""


@pytest.mark.long  # as is the interrupted command of `test_extrema`
def test_as_a_module_in_a_process_of_its_own():
    command = [sys.executable, "-W", "error", "-m", "deuterium", *FIRST, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert json.loads(ran.stdout)["status"] == "certified"


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(28, "No space left"), terminal.MISSING), (KeyError("a"), terminal.FAULT)],
)
def test_a_fault_is_told_in_a_line(monkeypatch, capsys, error, code):
    def app(**_):
        raise error

    monkeypatch.setattr(application, "app", app)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == code
    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert ("please report" in told) == (code == terminal.FAULT)
    assert "Traceback" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), terminal.NOT_CERTIFIED, "interrupted before anything"),
        (MemoryError(), terminal.MISSING, "not enough memory"),
        (MissingDependencyError("install it"), terminal.MISSING, "install it"),
        (InvalidInputError("no"), terminal.BAD_INPUT, "no"),
    ],
)
def test_every_end_has_its_code(monkeypatch, error, code, told):
    def raises(*_, **__):
        raise error

    monkeypatch.setattr(bounding, "run_query", raises)
    shown = run(*FIRST)
    assert shown.exit_code == code
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_contradiction_is_a_fault_to_be_reported(monkeypatch):
    def raises(*_, **__):
        raise SoundnessError("a bound lies below a value")

    monkeypatch.setattr(bounding, "run_query", raises)
    assert isinstance(run(*FIRST).exception, SoundnessError)  # main() tells of it


def test_the_help_lists_every_exit_code():
    told = run("--help").stdout
    for code in range(6):
        assert f"{code} " in told[told.index("Exit codes:") :]


def test_narrow_terminals_lose_nothing(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    told = run(*FIRST).stdout
    assert max(map(len, told.splitlines())) <= 40
    flat = "".join(told.split())
    assert "2*exp(-a+2*b)" in flat
    assert "330.97231959" in flat
    assert "…" not in told


def test_no_colour_where_it_is_not_wanted(monkeypatch, short_search):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    args = ["query", "log(a)", "--bound", "a=0:1", "--boxes", "50"]
    told = run(*args).stdout
    assert "\x1b[31m" not in told
    assert "[1;31m" not in told


def test_completion_is_offered():
    asked = {"_DEUTERIUM_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    asked["COMP_WORDS"] = "deuterium ver"
    shown = CliRunner().invoke(app, [], env=asked, prog_name="deuterium")
    assert "verify" in shown.stdout


def test_doctor_says_what_is_there():
    shown = run("doctor")
    assert shown.exit_code == 0, shown.stdout
    assert "numpy" in shown.stdout
    document = json.loads(run("doctor", "--json").stdout)
    assert document["schema"] == "deuterium.diagnosis"
    assert set(document["checks"].values()) == {"ok"}


def test_doctor_finds_what_is_missing(monkeypatch):
    monkeypatch.setattr(diagnosis, "REQUIRED", ("no-such-package",))
    shown = run("doctor")
    assert shown.exit_code == terminal.MISSING
    assert "MISSING" in shown.stdout
