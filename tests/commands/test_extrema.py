"""Brackets and their proofs on the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

import deuterium as dt
from deuterium.cli import app
from deuterium.frontends.formula import lift
from tests.amounts import some

FORMULA = ["a**2 + sin(3*a)*b", "--bound", "a=-1:2", "--bound", "b=0:1"]
ENDLESS = "+".join(
    f"sin({k}*{n})*{m}"
    for k, (n, m) in enumerate(["ab", "bc", "cd", "dp", "pq", "qr", "rs", "sa"] * 3, 2)
)
BOXES = [x for n in "abcdpqrs" for x in ("--bound", f"{n}=-9:9")]


def run(*args):
    return CliRunner().invoke(app, list(args))


def grid():
    a, b = np.meshgrid(np.linspace(-1, 2, 601), np.linspace(0, 1, 11))
    return a**2 + np.sin(3 * a) * b


@pytest.mark.parametrize("command", ["maximize", "minimize"])
def test_a_bracket_is_printed(command):
    shown = run(command, *FORMULA)
    assert shown.exit_code == 0
    assert shown.stderr == ""
    for text in ("lies between", "relative gap", "certified", "a = ", "optimal"):
        assert text in shown.stdout
    document = json.loads(run(command, *FORMULA, "--json").stdout)
    assert document["schema"] == "deuterium.extremum"
    assert document["gap"] <= 1e-6
    best = grid().max() if command == "maximize" else grid().min()
    assert document["lower"] - 1e-4 <= best <= document["upper"] + 1e-4
    assert document["sense"] == command.removesuffix("imize") + "imum"


def test_the_gradients_norm():
    document = json.loads(
        run("maximize", "a**2 + b", "--bound", "a=0:2", "--bound", "b=0:1",
            "--gradient", "--json").stdout
    )  # fmt: skip
    assert document["lower"] <= np.sqrt(17) <= document["upper"]
    assert document["of_gradient"]


@pytest.mark.parametrize(
    ("command", "more"), [("maximize", ["--gradient"]), ("minimize", [])]
)
def test_a_saved_proof_is_verified(command, more, tmp_path):
    pytest.importorskip("flint")
    path = str(tmp_path / "proof.json")
    found = json.loads(
        run(command, *FORMULA, *more, "--certificate", path, "--json").stdout
    )
    assert found["certificate"] == path
    shown = run("verify", path, *FORMULA, *more)
    assert shown.exit_code == 0, shown.stderr
    assert "verified" in shown.stdout
    document = json.loads(run("verify", path, *FORMULA, *more, "--json").stdout)
    assert document["schema"] == "deuterium.check"
    assert (document["lower"], document["upper"]) == (found["lower"], found["upper"])


def test_a_proof_that_does_not_hold_is_refused(tmp_path):
    pytest.importorskip("flint")
    path = tmp_path / "proof.json"
    run("maximize", *FORMULA, "--certificate", str(path))
    claimed = json.loads(path.read_text())
    claimed["upper"] = claimed["lower"]
    (tmp_path / "tampered.json").write_text(json.dumps(claimed))
    for args in (
        (str(tmp_path / "tampered.json"), *FORMULA),
        (str(path), "a*b", *FORMULA[1:]),
        (str(path), *FORMULA, "--gradient"),
        (str(path), FORMULA[0], "--bound", "a=-1:3", "--bound", "b=0:1"),
    ):
        for more in ([], ["--json"]):
            shown = run("verify", *args, *more)
            assert shown.exit_code == 1
            assert shown.stdout == ""
            assert shown.stderr.startswith("Error: refused: ")


def test_a_proof_needs_nothing_else(tmp_path):
    pytest.importorskip("flint")
    path, graphs = str(tmp_path / "proof.json"), tmp_path / "graphs.json"
    run("maximize", *FORMULA, "--certificate", path)
    shown = run("verify", path, "--explain")
    assert shown.exit_code == 0, shown.stderr
    assert "b*sin(3*a) + a**2" in shown.stdout
    found = json.loads(run("verify", path, "--explain", "--json").stdout)
    assert found["schema"] == "deuterium.proof"
    assert len(found["explanation"]) == 1 + found["regions"]
    assert found["explanation"][1].startswith("1. Where ")
    graphs.write_text(dt.dumps([dt.symbol("a"), lift(FORMULA[0])]))
    assert run("verify", path, "--against", str(graphs)).exit_code == 0
    graphs.write_text(dt.dumps([dt.symbol("a")]))
    shown = run("verify", path, "--against", str(graphs))
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "another graph" in shown.stderr
    graphs.write_text("{}")
    assert run("verify", path, "--against", str(graphs)).exit_code == 2


def test_exit_codes():
    assert run("maximize", ENDLESS, *BOXES, "--time-limit", "0.2").exit_code == 3
    stopped = run("maximize", ENDLESS, *BOXES, "--memory-limit", "0.0001", "--json")
    assert stopped.exit_code == 3
    assert json.loads(stopped.stdout)["status"] == "memory_limit"
    pole = run("maximize", "1/a", "--bound", "a=-1:2")
    assert pole.exit_code == 3
    assert "NO FINITE BOUND (undefined): divide of" in pole.stdout
    wide = run("minimize", "a**3", "--bound", "a=-inf:2", "--json")
    assert wide.exit_code == 3
    assert json.loads(wide.stdout)["lower"] == "-inf"


def test_progress_goes_to_stderr_and_ends_with_the_answer():
    shown = run("maximize", *FORMULA, "--progress", "--json")
    json.loads(shown.stdout)
    assert " <= sup <= " in shown.stderr.splitlines()[-1]
    shown = run("minimize", *FORMULA, "--progress")
    assert " <= inf <= " in shown.stderr.splitlines()[-1]


def test_workers_and_a_checkpoint(tmp_path):
    path = str(tmp_path / "work")
    args = [*FORMULA, "--checkpoint", path, "--json"]
    alone = json.loads(run("maximize", *args).stdout)
    again = json.loads(run("maximize", *args).stdout)
    assert alone["upper"] == again["upper"]
    shown = run("maximize", *FORMULA, "--workers", "2", "--json")
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["lower"] <= alone["upper"]


ERRORS = [
    (["maximize", "a"], "--bound a=LOWER:UPPER"),
    (["maximize", "2"], "no symbols"),
    (["minimize", "a", "--bound", "a=0:1", "--rtol", "-1"], "`rtol`"),
    (["minimize", "a", "--bound", "a=0:1", "--time-limit", "0"], "`time_limit`"),
    (["maximize", "a", "--bound", "a=0:1", "--workers", "-1"], "--workers"),
    (["maximize", "a", "--bound", "a=0:1", "--certificate", "/no/such/x"], "folder"),
    (["maximize", "a", "--bound", "a=0:1", "--checkpoint", "/dev/null/x"], "opened"),
    (["verify"], "certificate"),
    (["verify", "absent.json"], "cannot be read"),
    (["verify", __file__], "cannot be read"),
    (["verify", "absent.json", "--bound", "a=0:1"], "a formula goes with"),
    (["verify", "absent.json", "a", "--bound", "a=0:1", "--explain"], "leave"),
    (["verify", "x.json", "a"], "--bound a=LOWER:UPPER"),
]


@pytest.mark.parametrize(("args", "why"), ERRORS)
def test_errors_are_one_message_on_stderr(args, why):
    shown = run(*args)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert why in shown.stderr.lower() or why in shown.stderr
    assert shown.stderr.count("Error: ") == 1


@pytest.mark.parametrize("command", ["maximize", "minimize", "verify"])
def test_help(command):
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert "Usage: " in shown.stdout
    assert "--gradient" in shown.stdout


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("workers", some(["0", "2"], 1))
def test_ctrl_c_prints_the_bounds_proved_so_far(workers, tmp_path):
    begun = tmp_path / "begun"
    command = [sys.executable, "-W", "error", "-m", "deuterium", "maximize", ENDLESS]
    command += [*BOXES, "--json", "--workers", workers, "--checkpoint", str(begun)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and lines(begun) < 4:  # records of what is proved
        time.sleep(0.05)
    # as a terminal does: to the whole group, workers included
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 3, err
    document = json.loads(out)
    assert document["status"] == "interrupted"
    assert document["lower"] < document["upper"] < np.inf
