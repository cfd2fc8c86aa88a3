"""A lifted model trained with noise by its certified bound, and written back."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import ShapeError
from tests.optional_packages import needs

OPTIONS = {
    "noise_multiplier": 1e-9, "learning_rate": 0.1, "count": 20, "insecure_rng": 0,
    "relation": "add_or_remove_one",
}  # fmt: skip


def records(rng, shape, classes):
    x = rng.uniform(-1, 1, (20, *shape))
    return {"x": x, "y": rng.integers(0, classes, (20, 1)).astype(float)}


@needs("torch")
@pytest.mark.parametrize("clip", [None, 0.5])
def test_a_step_is_pytorch_s(clip):
    import torch
    from torch.nn import functional as F

    from deuterium import frontends

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)
    ).double()
    example = torch.zeros(1, 4, dtype=torch.double), torch.tensor([0])
    model = frontends.torch.lift(lambda x, y: F.cross_entropy(net(x), y), example)
    domain = dt.Box({model.inputs["x"]: (-1, 1)}) & model.any_index()
    data = records(np.random.default_rng(0), (1, 4), 2)
    trainer = privacy.ClipFreeSGD(*model.training(), domain, clip=clip, **OPTIONS)
    assert 0 < trainer.check(data) <= 1
    trainer.step(data)
    want = {n: p.detach().numpy().copy() for n, p in net.named_parameters()}
    for x, y in zip(data["x"], data["y"], strict=True):
        net.zero_grad()
        F.cross_entropy(net(torch.tensor(x)), torch.tensor(y).long()).backward()
        own = {n: p.grad.numpy() for n, p in net.named_parameters()}
        length = np.sqrt(sum(np.sum(g**2) for g in own.values()))
        factor = 1 if clip is None else min(1, clip / length)
        for n, g in own.items():
            want[n] -= 0.1 / 20 * factor * g
    for n, w in want.items():
        assert np.allclose(trainer.parameters[n], w, atol=1e-8)
    net.load_state_dict(model.to_torch_state(trainer.parameters))
    assert np.array_equal(net[0].bias.detach().numpy(), trainer.parameters["0.bias"])


@needs("jax")
def test_a_jax_model_is_trained_and_an_output_that_is_no_loss_is_refused():
    import jax.numpy as jnp

    from deuterium import frontends

    weights = {"a": np.full((2, 3), 0.1), "b": np.ones(3)}
    model = frontends.jax.lift(
        lambda p, x: (jnp.tanh(x @ p["a"]) @ p["b"]) ** 2,
        weights, np.zeros(2), parameters=0,
    )  # fmt: skip
    trainer = privacy.ClipFreeSGD(
        *model.training(), dt.Box({model.input: (-1, 1)}), **OPTIONS
    )
    trainer.step({"x": np.ones((20, 2))})
    assert not np.allclose(trainer.parameters["b"], 1)
    wide = frontends.jax.lift(lambda x: x * 2, np.zeros(2))
    with pytest.raises(ShapeError, match=r"shape \(2,\); lift the loss of one record"):
        wide.training()
