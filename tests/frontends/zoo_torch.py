"""Small real architectures in PyTorch, each with one record and the loss of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two convolutions with batch normalisation, and the input added."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential()
        if before != after:
            self.down = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.down(x)
        return self.relu(out)


class ResNet8(nn.Module):
    """He et al. 2016, with one block a stage."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.stages = nn.Sequential(
            Residual(width, width, 1),
            Residual(width, 2 * width, 2),
            Residual(2 * width, 4 * width, 2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4 * width, 10)

    def forward(self, x: Any) -> Any:
        return self.head(torch.flatten(self.pool(self.stages(self.stem(x))), 1))


class MobileBlock(nn.Module):
    """An inverted residual with a depthwise convolution (Sandler et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(4, 12, 1, bias=False),
            nn.BatchNorm2d(12),
            nn.Hardswish(),
            nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU6(),
            nn.Conv2d(12, 4, 1, bias=False),
            nn.BatchNorm2d(4),
        )
        self.head = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.head((x + self.block(x)).mean((2, 3)))


class Transformer(nn.Module):
    """One block on eight tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.position = nn.Parameter(torch.randn(8, 8) / 4)
        self.block = nn.TransformerEncoderLayer(
            8, 2, 16, batch_first=True, activation="gelu"
        )
        self.head = nn.Linear(8, 4)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.block(self.embed(tokens) + self.position).mean(1))


class Recurrent(nn.Module):
    """An LSTM that reads a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x: Any) -> Any:
        return self.head(self.lstm(x)[0][:, -1])


class GraphConvolution(nn.Module):
    """Two layers over a graph that does not change (Kipf and Welling 2017)."""

    def __init__(self) -> None:
        super().__init__()
        links = (
            torch.eye(6) + torch.diag(torch.ones(5), 1) + torch.diag(torch.ones(5), -1)
        )
        root = links.sum(1).rsqrt()
        self.register_buffer("adjacency", root[:, None] * links * root)
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.adjacency @ self.first(x))
        return (self.adjacency @ self.second(x)).mean(-2)


def lenet() -> nn.Module:
    """LeNet-5 on images of 28 by 28."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def _autoencoder() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 3), nn.SiLU(), nn.Linear(3, 8), nn.Sigmoid())


def _mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, 7), nn.ReLU(), nn.LayerNorm(7), nn.Linear(7, 4), nn.ELU(),
        nn.Linear(4, 3),
    )  # fmt: skip


def _image(*shape: int) -> torch.Tensor:
    return torch.rand(1, *shape)


# name: (module, record, label, loss)
ZOO: dict[str, tuple[Any, Any, Any, Any]] = {
    "logistic": (
        lambda: nn.Linear(6, 1), lambda: torch.randn(1, 6),
        lambda: torch.ones(1, 1), F.binary_cross_entropy_with_logits,
    ),
    "poisson": (
        lambda: nn.Linear(4, 1), lambda: torch.randn(1, 4),
        lambda: torch.full((1, 1), 3.0), F.poisson_nll_loss,
    ),
    "mlp": (
        _mlp, lambda: torch.randn(1, 5), lambda: torch.tensor([2]), F.cross_entropy,
    ),
    "lenet": (
        lenet, lambda: _image(1, 28, 28), lambda: torch.tensor([7]), F.cross_entropy,
    ),
    "resnet8": (
        ResNet8, lambda: _image(3, 12, 12), lambda: torch.tensor([3]), F.cross_entropy,
    ),
    "mobilenet": (
        MobileBlock, lambda: _image(4, 6, 6), lambda: torch.tensor([0]),
        F.cross_entropy,
    ),
    "transformer": (
        Transformer, lambda: torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]]),
        lambda: torch.tensor([1]), F.cross_entropy,
    ),
    "autoencoder": (
        _autoencoder, lambda: torch.rand(1, 8), lambda: torch.rand(1, 8), F.mse_loss,
    ),
    "lstm": (
        Recurrent, lambda: torch.randn(1, 4, 3), lambda: torch.tensor([1]),
        F.cross_entropy,
    ),
    "graph": (
        GraphConvolution, lambda: torch.randn(1, 6, 3), lambda: torch.tensor([0]),
        F.cross_entropy,
    ),
}  # fmt: skip


def build(name: str, seed: int = 0) -> tuple[nn.Module, Any, Any, Any]:
    """Return a module in float64, with statistics not 0 and 1, and the rest."""
    torch.manual_seed(seed)
    make, record, label, loss = ZOO[name]
    module = make().double()
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.running_mean, -0.2, 0.2)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.2, 0.2)
    x, y = (t if t.dtype == torch.int64 else t.double() for t in (record(), label()))
    return module.eval(), x, y, loss
