"""`deuterium report`: from a formula, or a saved sensitivity, to a page."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import deuterium as dt
from deuterium import privacy
from deuterium.cli import app

ASKED = ["--relation", "add_or_remove_one", "--epsilon", "1"]
FORMULA = ["a*b", "--bound", "a=0:2", "--bound", "b=0:1", *ASKED]


def run(*args):
    return CliRunner().invoke(app, ["report", *map(str, args)])


def test_a_report_is_printed_and_written(tmp_path):
    shown = run(*FORMULA, "--unit", "a=years", "--source", "b=a form")
    assert shown.exit_code == 0, shown.stderr
    assert "# Sensitivity report" in shown.stdout
    assert "| a | 0.0 | 2.0 | years |" in shown.stdout
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    shown = run(*FORMULA, "--output", page, "--output", text, "--title", "Products")
    assert "r.html, " in "".join(shown.stdout.split("\n")) or "r.html" in shown.stdout
    assert "<title>Products</title>" in page.read_text("utf-8")
    assert text.read_text("utf-8").startswith("# Products")


@pytest.mark.parametrize(
    "mechanism, quantity",
    [("laplace", "contribution"), ("gaussian", "diameter")],
)
def test_json_is_the_reports_own(mechanism, quantity):
    relation = "replace_one" if quantity == "diameter" else "add_or_remove_one"
    shown = run(
        "a*b", "--bound", "a=0:2", "--bound", "b=0:1", "--relation", relation,
        "--quantity", quantity, "--mechanism", mechanism, "--epsilon", "2", "--json",
    )  # fmt: skip
    document = json.loads(shown.stdout)
    assert document["schema"] == "deuterium.sensitivity"
    assert document["quantity"] == quantity
    assert document["noise"]["law"] == mechanism
    assert 2 <= document["upper"] <= 2.03


def test_the_proof_is_kept_beside_the_report(tmp_path):
    proof = tmp_path / "proof.json"
    shown = run(*FORMULA, "--certificate", proof, "--json")
    checked = CliRunner().invoke(app, ["verify", str(proof), "--json"])
    assert checked.exit_code == 0, checked.stderr
    assert json.loads(checked.stdout)["proofs"] >= 1
    assert json.loads(shown.stdout)["upper"] == privacy.Sensitivity.load(proof).upper


def test_of_a_gradient_and_without_noise():
    document = json.loads(
        run("a**2", "--bound", "a=0:2", *ASKED[:2], "--gradient", "--json").stdout
    )
    assert 4 <= document["upper"] <= 4.05
    assert document["noise"] is None


def test_a_saved_sensitivity_is_reported(tmp_path):
    x = dt.symbol("x", (2,))
    s = privacy.contribution(np.tanh(x), dt.Box({x: (0, 1)}))
    s.save(tmp_path / "s.json")
    document = json.loads(run(tmp_path / "s.json", *ASKED, "--json").stdout)
    assert document["upper"] == s.upper
    assert document["certificate"]["verified"] is True
    assert run(tmp_path / "s.json", *ASKED, "--bound", "x=0:1").exit_code == 2
    assert run(tmp_path / "none.json", *ASKED).exit_code == 2


def test_what_is_refused(tmp_path):
    assert run("a", "--bound", "a=0:1").exit_code == 2  # no relation
    assert run(*FORMULA, "--unit", "years").exit_code == 2
    shown = run(*FORMULA, "--output", tmp_path / "r.pdf")
    assert shown.exit_code == 2
    assert "suffix" in shown.stderr
    assert run("a", "--bound", "a=0:inf", *ASKED).exit_code == 2  # no noise is enough
    assert run("a", "--bound", "a=0:inf", *ASKED[:2]).exit_code == 3
