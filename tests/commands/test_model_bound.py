"""`deuterium bound`, from the file of a model to a proof that is checked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from deuterium.cli import app

pytest.importorskip("onnx", reason="the front end of ONNX needs the package onnx")

from tests.frontends.onnx_models import info, layers, mlp, model, onnx


def run(*args):
    return CliRunner().invoke(app, list(map(str, args)))


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.onnx"
    onnx.save(mlp(sizes=(2, 3, 2)), path)
    return path


def largest_norm(path, box, labels, steps=15):
    """Return the largest norm on a grid, by the lifted model."""
    import deuterium as dt
    from deuterium.frontends.onnx import load

    lifted = load(path)
    y = dt.symbol("y", shape=(2,))
    loss = -np.sum(y * dt.log_softmax(lifted.output[0]))
    norm = dt.norm(dt.grad(loss, list(lifted.parameters.values())))
    ends = np.linspace(*box, steps)
    rows = np.array([[[a, b]] for a in ends for b in ends])
    (fn,) = [dt.compile([lifted.input, y], [norm])]
    return max(float(fn(rows, np.eye(2)[k])[0].max()) for k in labels)


def test_a_bracket_and_its_proof(small, tmp_path):
    pytest.importorskip("flint")
    proof = tmp_path / "proof.json"
    asked = [small, "--input", "x=0:1", "--loss", "cross-entropy", "--label", "any"]
    shown = run("bound", *asked, "--rtol", "0.1", "--certificate", proof, "--json")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found["schema"] == "deuterium.model_bound"
    assert found["parameters"] == 17
    assert found["bounds"] == {"x": [0.0, 1.0]}
    best = largest_norm(small, (0, 1), (0, 1))
    assert found["lower"] >= best * 0.99
    assert best <= found["upper"] <= found["first"]
    checked = run("verify", proof, *asked, "--json")
    assert checked.exit_code == 0, checked.stderr
    assert json.loads(checked.stdout)["upper"] == found["upper"]
    assert "verified" in run("verify", proof, *asked).stdout
    other = run("verify", proof, small, "--input", "0:2")
    assert other.exit_code == 1
    assert "refused" in other.stderr


def test_the_arithmetic_is_covered_said_and_proved(small, tmp_path):
    pytest.importorskip("flint")
    proof = tmp_path / "proof.json"
    asked = [small, "--input", "x=0:1"]
    rounded = [*asked, "--arithmetic", "float32"]
    shown = run("bound", *rounded, "--rtol", "0.5", "--certificate", proof, "--json")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found["arithmetic"] == "float32" and 0 < found["rounding"] < found["upper"]
    assert run("verify", proof, *rounded).exit_code == 0
    other = run("verify", proof, *asked)
    assert other.exit_code == 1 and "--arithmetic" in other.stderr
    assert "float32 computes" in run("bound", *rounded, "--rtol", "0.5").stdout


def test_it_prints_what_was_asked(small):
    shown = run("bound", small, "--input", "0:1", "--label", "0", "--rtol", "0.5")
    assert shown.exit_code == 0, shown.stderr
    for text in ("17 parameters", "x in [0, 1]", "label 0", "first bound", "optimal"):
        assert text in shown.stdout


def test_a_ball_around_a_record_is_smaller(small, tmp_path):
    record = tmp_path / "record.npy"
    np.save(record, np.array([0.5, 0.5], dtype=np.float32))
    ball = ["--ball", "0.1", "--around", record]
    asked = [small, "--input", "0:1", "--rtol", "0.2", "--json"]
    whole, near = (json.loads(run("bound", *asked, *b).stdout) for b in ([], ball))
    assert near["first"] < whole["first"]
    assert near["ball"] == 0.1
    assert run("bound", *asked, *ball[:2]).exit_code == 2
    np.save(record, np.zeros(3))
    told = run("bound", *asked, *ball)
    assert told.exit_code == 2
    assert "(3,)" in told.stderr


def test_other_losses(small, tmp_path):
    squared = run(
        "bound", small, "--input", "0:1", "--loss", "squared-error", "--label", "0:1",
        "--rtol", "1", "--json",
    )  # fmt: skip
    assert squared.exit_code in (0, 3), squared.stderr
    assert np.isfinite(json.loads(squared.stdout)["upper"])
    weights = {"w": np.float32([[1.0], [2.0]])}
    nodes = layers(("MatMul", "x w", "score", {}))
    ends = [info("x", [1, 2])], [info("score", [1, 1])]
    path = tmp_path / "logistic.onnx"
    onnx.save(model(nodes, *ends, weights), path)
    shown = run("bound", path, "--input", "0:1", "--rtol", "1e-3", "--json")
    found = json.loads(shown.stdout)
    # |p - y| |x| is largest at x = (1, 1) with label 0
    assert found["lower"] <= np.sqrt(2) / (1 + np.exp(-3)) <= found["upper"]


def test_probabilities_are_not_normalised_again(tmp_path):
    paths = []
    for end in ([], layers(("Softmax", "logits", "p", {}))):
        proto = mlp(sizes=(2, 2))
        proto.graph.node.extend(end)
        if end:
            proto.graph.output[0].name = "p"
        paths.append(tmp_path / f"{len(end)}.onnx")
        onnx.save(proto, paths[-1])
    scores, probabilities = (
        json.loads(run("bound", p, "--input", "0:1", "--json").stdout)["lower"]
        for p in paths
    )
    assert scores == pytest.approx(probabilities, rel=0.05)


@pytest.mark.parametrize(
    "args, told",
    [
        (["--input", "y=0:1"], "no input 'y'"),
        ([], "no bounds for 'x'"),
        (["--input", "0:1", "--label", "7"], "0 to 1"),
        (["--input", "0:1", "--loss", "hinge"], "The losses are"),
        (["--input", "1:0"], "reversed"),
        (["--input", "0:1", "--output", "z"], "no output"),
        (["--input", "0:1", "--input", "0:1"], "bounds already"),
    ],
)
def test_what_cannot_be_right_is_refused(small, args, told):
    shown = run("bound", small, *args)
    assert shown.exit_code == 2
    assert told in shown.stderr


def test_verify_keeps_formulas_and_models_apart(small, tmp_path):
    assert run("verify", tmp_path / "p.json", small).exit_code == 2
    assert run("verify", tmp_path / "p.json", "a", "--input", "a=0:1").exit_code == 2
    missing = run("bound", tmp_path / "none.onnx", "--input", "0:1")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
