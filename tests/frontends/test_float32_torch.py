"""What PyTorch computes in float32 lies in the enclosures that say so: no exception."""

import numpy as np
import pytest

import deuterium as dt
from tests.amounts import draws, some
from tests.frontends.float_agreement import assert_holds, enclosed_gradient
from tests.optional_packages import needs

pytestmark = needs("torch")

ACTIVATIONS = (
    "ReLU", "ReLU6", "GELU", "Tanh", "Softplus", "Hardswish", "SiLU", "Sigmoid", "ELU",
    "SELU", "LeakyReLU", "Hardtanh", "LogSigmoid", "Mish", "Softsign", "Tanhshrink",
    "CELU", "Hardsigmoid",
)  # fmt: skip
SIZED = ("BatchNorm1d", "LayerNorm", "RMSNorm")
ZOO = (
    "autoencoder", "poisson", "logistic", "mlp", "graph", "lstm", "mobilenet",
    "lenet", "resnet8",
)  # fmt: skip


def agrees(module, x, y, loss, narrow=1e-2):
    """Lift a module of float32, differentiate it there, and compare at one record."""
    import torch

    from deuterium import frontends

    module.eval()
    loss(module(x), y).backward()
    model = frontends.torch.lift(lambda x: loss(module(x), y), (x,))
    at = x.numpy().astype(np.float64)
    found = enclosed_gradient(model, dt.Box({model.inputs["x"]: (at, at)}))
    own = dict(module.named_parameters())
    with torch.no_grad():
        assert_holds(found, [own[n].grad for n in model.parameters], narrow=narrow)


def mlp(*middle):
    from torch import nn

    return nn.Sequential(nn.Linear(12, 16), *middle, nn.Linear(16, 3))


@pytest.mark.drawn
@pytest.mark.parametrize("name", some(ACTIVATIONS, 2))
def test_activations(name):
    import torch
    from torch import nn
    from torch.nn import functional as F

    for seed in range(draws(1, 40)):
        torch.manual_seed(seed)
        act = getattr(nn, name)
        size = 10 ** np.random.default_rng(seed).uniform(-2, 1.5)
        x = torch.randn(1, 12) * size
        agrees(
            mlp(act(), nn.Linear(16, 16), act()), x, torch.tensor([1]), F.cross_entropy
        )


@pytest.mark.drawn
@pytest.mark.parametrize("name", SIZED)
def test_normalisation_of_what_nearly_cancels(name):
    import torch
    from torch import nn
    from torch.nn import functional as F

    for seed in range(draws(1, 20)):
        torch.manual_seed(seed)
        norm = getattr(nn, name)(12)
        if name == "BatchNorm1d":
            norm.running_mean[:] = 1000 + torch.randn(12)
            norm.running_var[:] = torch.rand(12) * 1e-2
        module = nn.Sequential(norm, mlp(nn.Tanh()))
        x = 1000 + torch.randn(1, 12)
        agrees(module, x, torch.tensor([2]), F.cross_entropy, narrow=0.5)


@pytest.mark.parametrize("rounds", [False, True])
def test_kinks_may_be_taken_either_way(rounds):
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    module = mlp(nn.ReLU())
    with torch.no_grad():  # pre-activations of next to nothing, or of nothing
        if not rounds:
            module[0].weight.copy_(torch.round(module[0].weight * 8))
        module[0].bias.copy_(-module[0].weight @ torch.ones(12))
    x, y = torch.ones(1, 12), torch.tensor([0])
    agrees(module, x, y, F.cross_entropy, narrow=None)


def test_pooling_with_ties():
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)
    )
    x, y = torch.ones(1, 1, 6, 6), torch.tensor([0])
    agrees(module, x, y, F.cross_entropy, narrow=None)


def test_long_sums():
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(20_000, 2), nn.Tanh())
    x = torch.randn(1, 20_000) + 3
    agrees(module, x, torch.zeros(1, 2), F.mse_loss, narrow=None)


WIDER = {"lenet": 0.6}  # bounds of five layers' errors, met in a sum of 784 products


@pytest.mark.drawn
@pytest.mark.parametrize("name", some(ZOO, 2))
def test_architectures(name):
    from tests.frontends.zoo_torch import build

    module, x, y, loss = build(name)
    x, y = (t if not t.is_floating_point() else t.float() for t in (x, y))
    agrees(module.float(), x, y, loss, narrow=WIDER.get(name, 0.1))
