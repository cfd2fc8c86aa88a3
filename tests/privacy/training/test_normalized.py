"""Trainers whose records add at most what was promised, whatever the records are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.errors import BudgetError, InvalidInputError, UnsupportedError
from deuterium.graph.traverse import free_symbols
from tests.amounts import seeds

RELATION = "add_or_remove_one"
X, Y = dt.symbol("x", shape=(3,)), dt.symbol("y")
Z = dt.symbol("z", shape=(3,))  # unit vectors
FREE = dt.Box({X: (-np.inf, np.inf)})


def binary(x, y, w, b):
    return -log_expit(4 * ((2 * y - 1) * (np.tanh(x @ w) + b) - 1))


def classes(x, z, w, b):
    return -(z * dt.log_softmax(4 * (x @ w + b - z))).sum(1)


def squares(x, y, w, b):
    return (np.tanh(x @ w) + b - y) ** 2


KINDS = {
    "binary": (binary, dt.Choice(Y, [0, 1]), Y, (3,)),
    "classes": (classes, dt.OneHot(Z), Z, (3, 3)),
    "squares": (squares, dt.Box({Y: (-2, 3)}), Y, (3,)),
}


def made(kind, trainer=privacy.NormalizedSGD, seed=0, **more):
    loss, labels, secret, shape = KINDS[kind]
    rng = np.random.default_rng(seed)
    weights = {"w": rng.normal(size=shape), "b": np.zeros(shape[1:])}
    settings = {"learning_rate": 0.1, "count": 20, "relation": RELATION}
    if trainer is privacy.NormalizedSGD:
        settings["noise_multiplier"] = 1.0
    return trainer(
        loss, weights, FREE & labels, secret=[secret], insecure_rng=seed,
        **settings, **more,
    )  # fmt: skip


def records(kind, rng, count=20, size=1.0):
    x = rng.normal(size=(count, 3)) * size
    if kind == "classes":
        return {X: x, Z: np.eye(3)[rng.integers(0, 3, count)]}
    y = rng.uniform(-2, 3, count) if kind == "squares" else rng.integers(0, 2, count)
    return {X: x, Y: y}


def sums_of(trainer, data):
    plan = trainer._planned(trainer.prepared(data))
    return np.concatenate([g.ravel() for g in plan.sums])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(2, 40))
def test_no_record_adds_more_than_the_cap(kind, seed):
    rng = np.random.default_rng(seed)
    cap = rng.choice([0.2, 0.5, 1.0])
    trainer = made(kind, seed=seed, cap=cap)
    for size in (1e-8, 1.0, 30.0, 1e6):
        data = records(kind, rng, size=size)
        whole = sums_of(trainer, data)
        assert (trainer.lengths(data) <= cap).all()
        for i in range(3):
            rest = {s: np.delete(v, i, axis=0) for s, v in data.items()}
            moved = np.linalg.norm(whole - sums_of(trainer, rest))
            assert moved <= cap * (1 + 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_gradient_over_the_largest_that_labels_could_make(kind):
    rng = np.random.default_rng(4)
    trainer, data = made(kind, cap=1.0), records(kind, rng, count=1)
    if kind == "classes":
        labels = list(np.eye(3))
    else:
        labels = [0, 1] if kind == "binary" else np.linspace(-2, 3, 101)
    (secret,) = set(data) - {X}
    loss = KINDS[kind][0]
    w = {n: dt.symbol(n, shape=p.shape) for n, p in trainer.parameters.items()}

    def gradient(label):
        row = {s.name: np.asarray(v) for s, v in {**data, secret: [label]}.items()}
        slopes = dt.grad(loss(**row, **w).sum(), list(w.values()))
        found = [g.evaluate(_used(g, trainer.parameters)) for g in slopes]
        return np.concatenate([np.ravel(g) for g in found])

    most = max(np.linalg.norm(gradient(label)) for label in labels)
    np.testing.assert_allclose(
        sums_of(trainer, data), gradient(data[secret][0]) / most, rtol=1e-6
    )


def _used(graph, values):
    occur = {s.name for s in free_symbols([graph])}
    return {n: v for n, v in values.items() if n in occur}


def test_steps_are_gaussian_mechanisms_of_the_cap():
    trainer = made("binary", cap=0.25).fit(
        records("binary", np.random.default_rng(0)), 9
    )
    same = privacy.Accountant(RELATION).compose(trainer.noise, 9)
    assert trainer.epsilon_at(1e-5) == same.epsilon_at(1e-5)
    assert all(r.bound == r.sensitivity == 0.25 for r in trainer.history)
    assert trainer.history[0].sigma == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("relation, multiple", [(RELATION, 1), ("replace_one", 2)])
@pytest.mark.parametrize("seed", seeds(2, 20))
def test_nobody_passes_the_budget_that_rolls_over(relation, multiple, seed):
    rng, steps = np.random.default_rng(seed), 7
    trainer = made(
        "binary", privacy.FilteredSGD, seed, epsilon=1.0, delta=1e-5, steps=steps,
        first_clip=0.3,
    ) if relation == RELATION else None  # fmt: skip
    if trainer is None:
        loss, labels, secret, shape = KINDS["binary"]
        trainer = privacy.FilteredSGD(
            loss, {"w": np.ones(shape), "b": 0.0}, FREE & labels, secret=[secret],
            epsilon=1.0, delta=1e-5, steps=steps, first_clip=0.3, learning_rate=0.1,
            count=20, relation=relation, insecure_rng=seed,
        )  # fmt: skip
    data = records("binary", rng, size=3.0)
    squares = np.zeros(20)
    for step in range(steps):
        if step % 2:  # an adversary sets the weights so that most is spent, or little
            scale = rng.choice([1e-3, 1.0, 1e3])
            trainer.parameters = {
                n: np.asarray(scale * rng.normal(size=np.shape(w)))
                for n, w in trainer.parameters.items()
            }
        rows = trainer.prepared(data)
        before = trainer.parameters
        whole = np.concatenate([g.ravel() for g in trainer._planned(rows).sums])
        own = trainer._sums.norms(rows.rows, before)
        most = trainer.secret.largest_norms(rows.rows, before)
        report = trainer.step(rows)
        spent = trainer.spent.values
        lengths = np.sqrt(np.maximum(spent * trainer._total**2 - squares, 0))
        assert (lengths <= own / most * (1 + 1e-6)).all()
        assert np.linalg.norm(whole) <= lengths.sum() * (1 + 1e-6)
        squares = spent * trainer._total**2
        assert (spent <= 1).all()
    sigma = report.sigma
    mu = multiple * np.sqrt(squares.max()) / sigma
    assert mu <= 1 / trainer.noise.noise_multiplier
    assert spent.max() > 0.5  # and the budget is used
    assert trainer.epsilon_at(1e-5) <= 1.0
    with pytest.raises(BudgetError, match="all 7 steps"):
        trainer.step(data)


def test_filtered_budgets_belong_to_records():
    trainer = made(
        "binary", privacy.FilteredSGD, epsilon=1.0, delta=1e-5, steps=5, first_clip=1.0
    )
    data = records("binary", np.random.default_rng(0))
    trainer.step(data)
    told = trainer.statement(delta=1e-5)
    assert "It satisfies (1, 1e-05) differential privacy" in told
    assert "squared lengths" in told.partition("Budgets rest on:")[2]
    with pytest.raises(InvalidInputError, match="the same ones"):
        trainer.step({s: v[:5] for s, v in data.items()})


def test_without_secrets_lengths_are_those_of_gradients():
    trainer = privacy.FilteredSGD(
        squares, {"w": np.ones(3), "b": 0.0}, FREE & dt.Box({Y: (-2, 3)}),
        epsilon=2.0, delta=1e-5, steps=4, first_clip=0.5, learning_rate=0.1, count=20,
        relation=RELATION, insecure_rng=0,
    )  # fmt: skip
    data = records("squares", np.random.default_rng(1))
    rows = trainer.prepared(data)
    own = trainer._sums.norms(rows.rows, trainer.parameters)
    trainer.step(rows)
    lengths = np.sqrt(trainer.spent.values) * trainer._total
    np.testing.assert_allclose(lengths, np.minimum(own, 0.5), rtol=1e-5)


@pytest.mark.parametrize("cap", [0, -1, 1.5, "a", np.nan])
def test_caps_lie_between_nought_and_one(cap):
    with pytest.raises(InvalidInputError, match="cap"):
        made("binary", cap=cap)


def test_what_is_no_secret_is_refused():
    loss, labels, _, shape = KINDS["binary"]
    weights = {"w": np.ones(shape), "b": 0.0}
    settings = {
        "noise_multiplier": 1.0, "learning_rate": 0.1, "count": 1, "relation": RELATION,
    }  # fmt: skip
    with pytest.raises(InvalidInputError, match="none"):
        privacy.NormalizedSGD(loss, weights, FREE & labels, secret=[], **settings)
    with pytest.raises(InvalidInputError, match="got q"):
        privacy.NormalizedSGD(loss, weights, FREE & labels, secret=["q"], **settings)
    with pytest.raises(UnsupportedError, match="not affine in 'y'"):
        interval = FREE & dt.Box({Y: (0, 1)})

        def cubes(x, y, w, b):
            return (x @ w + b - y) ** 4

        privacy.NormalizedSGD(cubes, weights, interval, secret=["y"], **settings)
