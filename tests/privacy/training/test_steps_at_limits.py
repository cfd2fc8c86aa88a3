"""Bounds of a step where logarithms, tiny products or empty arrays come in."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.privacy.training.weight_sums import WeightTape
from deuterium.testing import evaluate_exactly
from tests.privacy.training.cases import ClipFreeSGD

pytest.importorskip("flint")


def trained(loss, weights, domain):
    settings = {"noise_multiplier": 1.0, "learning_rate": 1.0, "count": 1}
    return ClipFreeSGD(loss, weights, domain, **settings)


def lengths(trainer, **records):
    """Return the exact lengths of one record's gradient, by each parameter."""
    one = {n: dt.constant(np.asarray(v)[None]) for n, v in records.items()}
    total = trainer.loss(**one, **trainer._weights).reshape(())
    slopes = dt.grad(total, list(trainer._weights.values()))
    names = [{s.name for s in dt.graph.traverse.free_symbols([g])} for g in slopes]
    return {
        n: evaluate_exactly(
            dt.norm([g]), {m: w for m, w in trainer.parameters.items() if m in used}
        ).lower()
        for n, g, used in zip(trainer._weights, slopes, names, strict=True)
    }


def test_logarithms_that_are_taken_off():
    """Near 0 they have a bound from above alone, which is none of their opposite."""
    x = dt.symbol("x", shape=(2,))

    def loss(x, v):
        return (np.log(x[:, 0] + x[:, 1]) + np.tanh(x[:, 1] - x[:, 0])) * v[0]

    trainer = trained(loss, {"v": np.ones(1)}, dt.Box({x: (1e-3, 0.04)}))
    assert trainer.method == "star clusters"
    for _ in range(2):
        found = lengths(trainer, x=np.array([1e-3, 1e-3]))["v"]
        assert found > 6.2
        assert found <= trainer.bound() <= 1.02 * float(found)
        assert found <= trainer.bounds()["v"]


def chain(names):
    """Return a loss that is the product of a record with numbers."""

    def loss(x, **w):
        for n in names:
            x = x * w[n]
        return x

    return loss


@pytest.mark.parametrize(
    ("sizes", "far"),
    [
        ((1e-120, 1e-120, 1e49, 1e49, 1e49, 1e49), 1e49),
        ((1e-170, 1e-170, 1e49), 1e49),
        ((1e49, 1e49, 1e49), 1e-165),
    ],
)
def test_products_that_underflow_on_the_way(sizes, far):
    names = "abcdef"[: len(sizes)]
    weights = {n: np.array(s) for n, s in zip(names, sizes, strict=True)}
    trainer = trained(chain(names), weights, dt.Box({dt.symbol("x"): (-far, far)}))
    found, bounds = lengths(trainer, x=far), trainer.bounds()
    assert all(found[n] <= bounds[n] for n in names)


def test_no_bound_where_products_over_and_underflow():
    sizes = [1e-170] * 2 + [1e49] * 7
    names = "abcdefghi"
    weights = {n: np.array(s) for n, s in zip(names, sizes, strict=True)}
    trainer = trained(chain(names), weights, dt.Box({dt.symbol("x"): (-1e49, 1e49)}))
    most = max(lengths(trainer, x=1e49).values())
    assert most > 1e200
    try:
        assert trainer.bound() >= most
    except dt.errors.InvalidInputError as why:
        assert "no finite bound" in str(why)


def test_tiny_weights_of_a_record_in_a_ball():
    x = dt.symbol("x", shape=(5,))
    weights = {"a": np.ones(5) * 1e-170}
    weights |= {n: np.array(1e49) for n in "bc"}

    def loss(x, a, b, c):
        return (x @ a) * b * c

    trainer = trained(loss, weights, dt.Ball(x, np.zeros(5), 1e49))
    found, bounds = lengths(trainer, x=np.full(5, 4e48)), trainer.bounds()
    assert all(found[n] <= bounds[n] for n in weights)


def squashed(x, w):
    return np.tanh(x @ w)


@pytest.mark.parametrize("by_parts", [False, True])
@pytest.mark.parametrize("case", ["empty", "lone empty", "summed up"])
def test_losses_that_do_not_fit(case, by_parts):
    """What cannot be taken apart is left to the enclosure."""
    x = dt.symbol("x", shape=(2,))
    square, none = np.ones((2, 3)), np.ones((2, 0))
    loss, weights = {
        "empty": (
            lambda x, w, v: squashed(x, w).sum(1) + (x @ v).sum(1),
            {"w": square, "v": none},
        ),
        "lone empty": (lambda x, v: np.tanh((x @ v).sum(1)), {"v": none}),
        "summed up": (lambda x, w: np.cumsum(squashed(x, w), 1)[:, 1], {"w": square}),
    }[case]
    trainer = trained(loss, weights, dt.Box({x: (-1, 1)}))
    if by_parts:
        assert set(trainer.bounds()) == set(weights)
    else:
        assert trainer.bound() < 100


def test_one_class():
    """Its probability is 1, whatever the weights are."""
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y", shape=(1,))

    def loss(x, y, w, u, v):
        return -(y * dt.log_softmax(np.tanh(x @ w + y @ u) @ v)).sum(1)

    weights = {"w": np.ones((2, 3)), "u": np.ones((1, 3)), "v": np.ones((3, 1))}
    for labels in (dt.OneHot(y), dt.Box({y: (-0.5, 1)})):
        trainer = trained(loss, weights, dt.Box({x: (-1, 1)}) & labels)
        assert max(trainer.bound(), *trainer.bounds().values()) <= 1e-12


def test_after_weights_without_a_bound():
    """What overflows is no error, and leaves nothing behind."""
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y", shape=(3,))

    def loss(x, y, w, u, a, b, c, d):
        return (y * (np.tanh(np.tanh(x @ w) @ u) * a * b * c * d)).sum(1)

    weights = {"w": np.ones((2, 3)), "u": np.ones((3, 3))}
    weights |= {n: np.array(1.0) for n in "abcd"}
    domain = dt.Box({x: (-1, 1)}) & dt.OneHot(y)
    trainer = trained(loss, weights, domain)
    assert trainer.method == "star clusters"
    before, small = trainer.bound(), dict(trainer.parameters)
    trainer = trained(loss, weights, domain)
    trainer.parameters = small | {n: np.array(4e49) for n in "abcd"}
    try:
        assert trainer.bound() > 1e190
    except dt.errors.InvalidInputError as why:
        assert "no finite bound" in str(why)
    trainer.parameters = small
    bounds = [trainer.bound() for _ in range(40)]
    assert bounds[-1] <= 1.02 * before


def test_divisors_that_are_not_exact():
    """What is known to within a rounding error is no number to divide by."""
    tape = WeightTape({"w": np.ones(2)})
    divisor = tape.between(np.full((1, 2), 0.4), np.full((1, 2), np.nextafter(0.4, 1)))
    with pytest.raises(Unsuited):
        tape.through(dt.ops.divide, {}, [tape.parameter("w"), divisor])
