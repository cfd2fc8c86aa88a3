"""Opacus trains with certified bounds for its clipping norm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError

X, Y = dt.symbol("x", shape=(3,)), dt.symbol("y")
RECORDS = dt.Box({X: (-1, 1)}) & dt.Choice(Y, [0, 1])
START = {"w": np.array([[0.3], [-1.0], [0.5]]), "b": np.array([0.1])}


def loss(x, y, w, b):
    t = (x @ w + b)[:, 0]
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def test_a_bound_without_a_trainer_is_the_trainers():
    bound = privacy.GradientBound(loss, START, RECORDS)
    trainer = privacy.ClipFreeSGD(
        loss, START, RECORDS, noise_multiplier=1.0, learning_rate=1.0, count=1,
        relation="add_or_remove_one",
    )  # fmt: skip
    assert bound(START) == pytest.approx(trainer.bound(), rel=1e-12)
    largest = 2 / (1 + np.exp(-1.9))  # off by at most so much, times |(1, 1, 1, 1)|
    assert largest <= bound(START) <= largest * (1 + 1e-6)
    with pytest.raises(InvalidInputError, match="needs the weights"):
        bound({"w": START["w"]})
    unbounded = dt.Box({X: (-np.inf, np.inf)}) & dt.Choice(Y, [0, 1])
    with pytest.raises(InvalidInputError, match="no finite bound"):
        privacy.GradientBound(loss, START, unbounded)(START)


def test_opacus_takes_the_bound_of_each_step():
    torch = pytest.importorskip("torch")
    pytest.importorskip("opacus")
    from opacus import GradSampleModule
    from opacus.accountants import RDPAccountant

    layer = torch.nn.Linear(3, 1).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(START["w"].T))
        layer.bias.copy_(torch.tensor(START["b"]))
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (6, 3)), rng.integers(0, 2, 6).astype(float)
    certified = privacy.GradientBound(loss, START, RECORDS)

    def bound():
        return certified(
            {"w": layer.weight.detach().numpy().T, "b": layer.bias.detach().numpy()}
        )

    model = GradSampleModule(layer, loss_reduction="sum")
    optimizer = privacy.opacus_optimizer(
        torch.optim.SGD(model.parameters(), lr=0.5), bound, noise_multiplier=0.0,
        expected_batch_size=6, loss_reduction="sum",
    )  # fmt: skip
    counted = RDPAccountant()
    optimizer.attach_step_hook(counted.get_optimizer_hook_fn(sample_rate=1.0))
    plain, seen = {n: w.copy() for n, w in START.items()}, []
    for _ in range(3):
        optimizer.zero_grad()
        out = model(torch.tensor(x, requires_grad=True))[:, 0]
        torch.nn.BCEWithLogitsLoss(reduction="sum")(out, torch.tensor(y)).backward()
        seen.append((bound(), certified(plain)))
        optimizer.step()
        assert optimizer.max_grad_norm == seen[-1][0]
        off = 1 / (1 + np.exp(-(x @ plain["w"] + plain["b"])[:, 0])) - y
        plain["w"] = plain["w"] - 0.5 * x.T @ off[:, None]
        plain["b"] = plain["b"] - 0.5 * off.sum()
    assert pytest.approx(plain["w"], abs=1e-5) == layer.weight.detach().numpy().T
    assert len({round(a, 6) for a, _ in seen}) == 3  # a new bound each time
    assert all(a == pytest.approx(b, rel=1e-5) for a, b in seen)
    optimizer.noise_multiplier = 50.0
    assert len(counted.history) == 1


def test_opacus_epsilon_is_never_below_ours():
    accountants = pytest.importorskip("opacus.accountants")
    theirs = accountants.RDPAccountant()
    theirs.history = [(1.5, 0.05, 200)]
    noise = privacy.gaussian(
        1.0, noise_multiplier=1.5, relation="add_or_remove_one", trusted=True
    )
    ours = privacy.Accountant("add_or_remove_one")
    ours.compose(noise, 200, sampling_probability=0.05)
    found = theirs.get_epsilon(1e-5)
    assert ours.epsilon_at(1e-5) <= found
    assert ours.epsilon_at(1e-5) >= 0.8 * found
