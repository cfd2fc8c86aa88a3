"""Scalar factors in front: the same function, and no s left in what is behind."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import Graph
from deuterium.ops.special import expit
from deuterium.testing.oracle import evaluate_exactly
from deuterium.transform.homogeneous import Homogeneity, factored
from deuterium.transform.simplify.simplify import simplify
from tests.amounts import seeds, some

STEPS = {
    "scale": lambda rng, v, x: v * rng.normal(size=v.shape),
    "matmul": lambda rng, v, x: v @ rng.normal(size=(len(v), 3)),
    "moves": lambda rng, v, x: np.concatenate([v[::-1], -v]),
    "running sum": lambda rng, v, x: np.cumsum(v),
    "others": lambda rng, v, x: v * np.tanh(x[3]) / (2 + np.square(x[1])),
    "zeros": lambda rng, v, x: np.concatenate([v, dt.constant(np.zeros(2))]),
    "two": lambda rng, v, x: v - 2 * np.abs(x[3]) * v[::-1],
}


def random_norm(rng, s, x):
    """Return the length of vectors that are each linear in a scalar."""
    total = np.square(s) * np.square(np.tanh(x[0]))
    for _ in range(rng.integers(1, 4)):
        v = s * np.tanh(x)
        for name in rng.choice(list(STEPS), size=3):
            v = STEPS[name](rng, v, x)
        total = total + np.square(v).sum() * (1 + np.square(x).sum())
    return np.sqrt(total)


SCALARS = {
    "positive": lambda x: expit(x.sum()),
    "of both signs": lambda x: x[0] * 2.0 - np.tanh(x[1]),
    "a symbol": lambda x: dt.symbol("s"),
}


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("seed", seeds(3, 20))
def test_a_scalar_of_every_summand_is_in_front(name, seed):
    rng = np.random.default_rng(seed)
    x = dt.symbol("x", shape=(4,))
    s = SCALARS[name](x)
    v = simplify(random_norm(rng, s, x))
    found = factored(v, simplify)
    assert found is not v
    size, rest = found.args
    assert [a.op.name for a in found.args] == [
        "expit" if name == "positive" else "absolute", "sqrt"
    ]  # fmt: skip
    assert name == "a symbol" or size.args[0] not in Graph([rest]).order
    assert "s" not in {s.name for s in Graph([rest]).symbols}
    rows = [*rng.normal(size=(5, 4)), np.zeros(4)]
    for row in rows:  # in balls of many digits
        point = {"x": row, "s": row[3]} if name == "a symbol" else {"x": row}
        exact = evaluate_exactly(found, point)
        assert exact.overlaps(evaluate_exactly(v, point))
        assert exact.rad() <= 1e-20 * abs(exact).mid() + 1e-20


X = dt.symbol("x", shape=(3,))
S = X[0] - 2 * X[1]
KEPT = {
    "another summand": np.sqrt(np.square(S * X).sum() + 1),
    "two powers": np.sqrt(np.square(S * X).sum() + np.abs(S * X[2])),
    "inside a function": np.sqrt(np.square(S * X).sum() + np.square(np.tanh(S * X[1]))),
    "a sign beside a size": (S * np.tanh(X)).sum() + (np.abs(S) * X).sum(),
    "a root of what may be negative": np.sqrt((np.square(S) * X).sum()),
    "a divisor": np.sqrt(np.square(np.tanh(X) / S).sum() + np.square(X[2] / S)),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_no_factor_stays(name):
    assert factored(KEPT[name], simplify) is KEPT[name]


def test_powers_and_signs_come_out():
    for v, power in (
        (np.square(S * X).sum() + np.square(S), 2),
        ((S * np.tanh(X)).sum() + S * X[2], 1),
    ):
        (degree,) = [d for s, d in Homogeneity(Graph([v])).degrees.items() if s is S]
        assert degree.power == power and degree.odd == (power == 1)


def network(head):
    rng = np.random.default_rng(1)
    x = dt.symbol("x", shape=(4,))
    w = [dt.constant(rng.normal(size=n)) for n in ((4, 3), (3,), (3, 2), (2, 3))]
    h = np.tanh(np.tanh(x @ w[0] + w[1]) @ w[2])
    box = dt.Box({x: (-1, 1)})
    if head == "classes":
        y = dt.symbol("y", shape=(3,))
        loss, labels = -(y * dt.log_softmax(h @ w[3])).sum(), dt.OneHot(y)
    else:
        y, t = dt.symbol("y"), (h @ w[3])[0]
        binary = head == "binary"
        loss = np.logaddexp(0, t) - y * t if binary else np.square(t - y) / 2
        labels = dt.Choice(y, [0, 1]) if binary else dt.Box({y: (0, 1)})
    return dt.norm(dt.grad(loss, w)), box & labels


@pytest.mark.parametrize("head", some(["binary", "squares", "classes"], 1))
def test_certificates_of_factored_objectives_hold(head):
    v, domain = network(head)
    found = dt.maximize(v, domain, rtol=0.5, time_limit=20)
    assert found.lower <= found.upper < np.inf
    found.certificate.verify(v, domain)


@pytest.mark.parametrize("head", ["binary", "squares"])
def test_what_is_maximised_has_its_factor_in_front(head):
    v, domain = network(head)
    objective = Problem(v, domain).objective
    assert [a.op.name for a in objective.args] == ["absolute", "sqrt"]
