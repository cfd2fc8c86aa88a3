"""Certificates as Coq files: they say what the graph is, and claim what is true."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf, expit

import deuterium as dt
from deuterium.certify.coq.coq_operators import elements
from deuterium.certify.coq.coq_ranges import ranges
from deuterium.certify.coq.coq_regions import Planner, children_first
from deuterium.certify.coq.coq_terms import RealTerm, below, slope
from deuterium.errors import CertificateError, UnsupportedError
from deuterium.graph.constructors import as_variable

X, Y = dt.symbol("x"), dt.symbol("y")
NAMES = {("x", 0): "x0", ("y", 0): "x1"}

RULES = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "-": lambda a: -a,
    "/": lambda a: 1 / a,
    "Rabs": abs,
    "ln": math.log,
    "PI": lambda: math.pi,
}


def value(t: RealTerm, at: dict[str, float]) -> float:
    """Return a term's value, by the meaning of Coq's words."""
    found: dict[RealTerm, float] = {}
    for u in below(t):
        parts = [found[a] for a in u.args]
        if u.kind == "number":
            found[u] = float(u.datum)
        elif u.kind == "input":
            found[u] = at[u.datum]
        elif u.kind == "^":
            found[u] = parts[0] ** u.datum
        else:
            found[u] = RULES.get(u.kind, getattr(math, u.kind, None))(*parts)
    return found[t]


GRAPHS = {
    "arithmetic": (X - 2 * Y) / (3 + X) - 1 / (Y - 5) + X**3 - Y**-2,
    "powers": X**0.5 + Y**1.5 + np.sqrt(X * Y) + Y**0.75 + np.square(X),
    "exponentials": np.exp(X - Y) + np.expm1(X) + 2.0**X + np.log1p(Y) + np.log2(X),
    "circles": np.sin(X) * np.cos(Y) + np.tan(X / 4) + np.arctan(X * Y) + np.pi * X,
    "hyperbolas": np.tanh(X) + np.sinh(Y) / np.cosh(X) + np.arcsinh(X - Y),
    "logistic": expit(X) + np.logaddexp(X, Y) + dt.grad(expit(X * Y), X),
    "kinks": np.abs(X - Y) + np.maximum(X, 1.3) * np.minimum(Y, X) + dt.relu(X - 1.2),
    "slopes": dt.norm(dt.grad(np.tanh(X * Y) * np.log(X + Y), [X, Y])),
    "rows": np.max(np.stack([X, Y, X * Y])) + np.hypot(X, Y),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_terms_have_the_values_of_the_graph(name: str) -> None:
    graph, rng = GRAPHS[name], np.random.default_rng(1)
    term = elements(as_variable(graph), NAMES).item()
    for x, y in rng.uniform(0.9, 2.0, (20, 2)):
        told = value(term, {"x0": x, "x1": y})
        assert told == pytest.approx(float(graph.evaluate({"x": x, "y": y})), rel=1e-12)


@pytest.mark.parametrize(
    "name", [name for name in GRAPHS if name not in ("kinks", "rows")]
)
def test_slopes_are_derivatives(name: str) -> None:
    term = elements(as_variable(GRAPHS[name]), NAMES).item()
    derivative = slope(term, "x1", {})
    assert derivative is not None
    for x, y in np.random.default_rng(2).uniform(0.9, 2.0, (5, 2)):
        ahead, behind = (value(term, {"x0": x, "x1": y + h}) for h in (1e-5, -1e-5))
        told = value(derivative, {"x0": x, "x1": y})
        assert told == pytest.approx((ahead - behind) / 2e-5, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", GRAPHS)
def test_ranges_hold_the_values(name: str) -> None:
    rng = np.random.default_rng(3)
    order = below(elements(as_variable(GRAPHS[name]), NAMES).item())
    for _ in range(10):
        ends = np.sort(rng.uniform(0.9, 2.0, (2, 2)))
        box = {"x0": tuple(ends[0]), "x1": tuple(ends[1])}
        found = ranges(order, box)
        for x, y in rng.uniform(ends[:, 0], ends[:, 1], (5, 2)):
            for t in order:
                low, high = found[t]
                assert low <= value(t, {"x0": x, "x1": y}) <= high


def test_undefined_says_nothing() -> None:
    term = elements(as_variable(np.log(X) + 1 / X + np.sqrt(X)), NAMES).item()
    assert ranges(below(term), {"x0": (-1.0, 1.0)})[term] == (-math.inf, math.inf)


def sampled(planner: Planner, sides, rng: np.random.Generator) -> None:
    """Check a region's claims where they are not proved: at random points."""
    low, high = np.array(sides).T
    for point in rng.uniform(low, high, (5, len(sides))):
        at = dict(zip(planner.names, point.tolist(), strict=True))
        assert value(planner.term, at) <= planner.claim * (1 + 1e-12) + 1e-300


def test_the_plan_covers_the_box_and_claims_what_is_true() -> None:
    graph = -(4 - 2.1 * X**2 + X**4 / 3) * X**2 - X * Y + 4 * Y**2 - 4 * Y**4
    e = dt.maximize(graph, dt.Box({X: (-3, 3), Y: (-2, 2)}), rtol=1e-2)
    term = elements(as_variable(graph), NAMES).item()
    planner = Planner(term, e.upper, {"x0": {}, "x1": {}})
    plan = planner.planned(((-3.0, 3.0), (-2.0, 2.0)), e.certificate.body["proof"])
    leaves = [r for r in children_first(plan) if r.split is None]
    cuts = [r for r in children_first(plan) if r.split and r.split[0] == "cut"]
    assert cuts and leaves
    for region in cuts:
        left, right = (part.sides for part in region.children)
        _, j, s = region.split
        assert left[j] == (region.sides[j][0], s)
        assert right[j] == (s, region.sides[j][1])
    for region in leaves:
        sampled(planner, region.sides, np.random.default_rng(4))


def query() -> tuple[dt.Variable, dt.Box]:
    mean = (X**2 + np.exp(2 * Y - X)) / 5
    return dt.norm(dt.grad(mean, [X, Y])), dt.Box({X: (1, 2), Y: (0.5, 3)})


def test_the_theorem_states_the_bound_of_the_box(tmp_path: Path) -> None:
    graph, box = query()
    e = dt.maximize(graph, box)
    path = tmp_path / "query.v"
    e.certificate.to_coq(path)
    written = path.read_text("utf-8")
    theorem = written[written.index("Theorem bound") :]
    bound = re.search(r"x1\) <= \((\d+) / (\d+)\)", theorem)
    assert bound is not None
    assert Fraction(int(bound[1]), int(bound[2])) == Fraction(e.upper)
    assert "1 <= x0 <= 2 ->\n  (1 / 2) <= x1 <= 3 ->" in theorem
    assert "Admitted" not in written and "Axiom " not in written
    assert "i_prec" in written and "Print Assumptions bound." in written


def test_what_is_not_true_has_no_plan() -> None:
    graph, box = query()
    certificate = dt.maximize(graph, box).certificate
    forged = dict(certificate.body, upper=certificate.upper * (1 - 1e-6))
    lower = dt.Certificate(forged, certificate.seal)
    with pytest.raises(UnsupportedError, match=r"the value is above|no rule like"):
        lower.to_coq("nowhere.v")
    assert not Path("nowhere.v").exists()


@pytest.mark.parametrize(
    ("graph", "domain", "says"),
    [
        (erf(X), dt.Box({X: (0, 1)}), "operator 'erf'"),
        (X**2, dt.Choice(X, [0.0, 1.0]), "not a box"),
        (np.sum(dt.symbol("z", shape=(7,))), dt.Box({"z": (0, 1)}), "at most 6 inputs"),
    ],
)
def test_what_there_is_no_rule_for_is_named(graph, domain, says) -> None:
    e = dt.maximize(graph, domain)
    with pytest.raises(UnsupportedError, match=says):
        e.certificate.to_coq("nowhere.v")


def test_a_carried_graph_that_is_another_is_refused() -> None:
    graph, box = query()
    certificate = dt.maximize(graph, box).certificate
    other = dt.maximize(graph + 1, box).certificate
    forged = dict(certificate.body, program=other.body["program"])
    with pytest.raises(CertificateError, match="graph"):
        dt.Certificate(forged, certificate.seal).to_coq("nowhere.v")
