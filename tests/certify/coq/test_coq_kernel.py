"""Coq's own kernel accepts the files, and refuses what is not true."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium import random_symbols, to_vec
from tests.optimize.global_functions import FUNCTIONS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        shutil.which("coqc") is None,
        reason="coqc is missing (Debian: coq, libcoq-interval, libcoq-coquelicot)",
    ),
]
X, Y = dt.symbol("x"), dt.symbol("y")
NAMES = (  # noqa: SIM905  (a list of names is longer)
    "problem02 problem03 problem15 gramacy_lee forrester adjiman ackley3 leon_2 "
    "beale_2 booth_2 bukin2 bukin4 bukin6 cube_2 mishra10_2 egg_crate_2 mccormick "
    "zirilli_2 csendes_3 schwefel2_4"
).split()


def checked(path: Path) -> str:
    """Compile a file and return what it prints, which is empty if it is refused."""
    done = subprocess.run(
        ["coqc", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode == 0 else ""


def accepted(e: dt.Bracket, graph, domain, folder: Path) -> None:
    path = folder / "proof.v"
    e.certificate.to_coq(path)
    axioms = checked(path)
    assert axioms.startswith("Axioms:")
    assert "PrimFloat" not in axioms


def queries():
    first = (X**2 + np.exp(2 * Y - X)) / 5
    second = X**3 + 2 * X * Y + 1 / Y**2 + 5 + np.sqrt(X + np.log(Y)) + np.exp(X * Y)
    second = second - 2 * np.sqrt(np.exp(X))
    yield first, dt.Box({X: (1, 2), Y: (0.5, 3)})
    yield second, dt.Box({X: (1, 2), Y: (1, 1.5)})


@pytest.mark.parametrize("which", [0, 1])
def test_gradient_norms_of_queries(which: int, tmp_path: Path) -> None:
    query, box = list(queries())[which]
    slope = dt.norm(dt.grad(query, [X, Y]))
    accepted(dt.maximize(slope, box), slope, box, tmp_path)


def test_the_gradient_norm_of_a_network(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    x = to_vec(np.array(random_symbols(2, "x")).reshape(1, 2))
    w1, b, w2 = (to_vec(random.normal(size=s)) for s in ((2, 2), (1, 2), (2, 1)))
    hidden = 1 / (1 + np.exp(-(x @ w1))) + b
    loss = -np.mean(np.log(1 / (1 + np.exp(-(hidden @ w2)))))
    loss.backward()
    norm = np.linalg.norm([v.grad for v in [*w1.flat, *b.flat, *w2.flat]])
    box = dt.Box(dict.fromkeys(("x_0", "x_1"), (-1, 1)))
    accepted(dt.maximize(norm, box, rtol=0.1), norm, box, tmp_path)  # three regions


@pytest.mark.parametrize("name", NAMES)
def test_global_minima(name: str, tmp_path: Path) -> None:
    f = next(f for f in FUNCTIONS.values() if f.name == name)
    x = dt.symbol("x", shape=(f.n,))
    low, high = np.array(f.box, dtype=float).T
    graph, box = f.f(x), dt.Box({x: (low, high)})
    accepted(dt.minimize(graph, box, rtol=1e-2), graph, box, tmp_path)


def test_what_is_not_true_is_refused(tmp_path: Path) -> None:
    query, box = next(queries())
    slope = dt.norm(dt.grad(query, [X, Y]))
    path = tmp_path / "proof.v"
    dt.maximize(slope, box).certificate.to_coq(path)
    written = path.read_text("utf-8")
    lower = written.replace("<= 3 ->", "<= 4 ->")
    assert lower != written
    path.write_text(lower, "utf-8")
    assert not checked(path)
