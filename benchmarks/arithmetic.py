"""What the arithmetic costs: bounds of real numbers, and of float32, side by side.

``python benchmarks/arithmetic.py`` lifts networks of PyTorch (LeNet with both of its
activations, ResNet-8, an MLP) and prints for each the first certified bound of one
record's gradient norm by `enclose` (of the MLP, a bracket by `maximize`, too), what of
it pays for rounding, and the processor's seconds of both, each from a new graph.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import deuterium as dt
from deuterium import frontends

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.frontends import zoo_torch

REPEATS = 3  # the least time counts
REGIONS = 200  # of the network that is small enough to be bounded tightly


def lenet(activation: Any, pool: Any) -> nn.Module:
    """LeCun et al. 1998, figure 2, with full connections between its convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), activation(), pool(2), nn.Conv2d(6, 16, 5),
        activation(), pool(2), nn.Flatten(), nn.Linear(400, 120), activation(),
        nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


def mlp() -> nn.Module:
    """Three layers of tanh, small enough to be bounded tightly."""
    return nn.Sequential(
        nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2)
    )


NETWORKS = {
    "LeNet, tanh": (lambda: lenet(nn.Tanh, nn.AvgPool2d), (1, 28, 28)),
    "LeNet, relu": (lambda: lenet(nn.ReLU, nn.MaxPool2d), (1, 28, 28)),
    "ResNet-8": (zoo_torch.ResNet8, (3, 12, 12)),
    "MLP 10-16-8-2": (mlp, (10,)),
}


def problem(make: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the gradient norm by all parameters, as a fresh graph, and its domain."""
    torch.manual_seed(0)
    net = make().eval()
    example = torch.zeros(1, *shape), torch.tensor([0])
    model = frontends.torch.lift(lambda x, y: F.cross_entropy(net(x), y), example)
    norm = dt.norm(dt.grad(model.output, list(model.parameters.values())))
    return norm, dt.Box({model.inputs["x"]: (0, 1)}) & model.any_index()


def measured(make: Any, shape: Any, bound: Any, arithmetic: str | None) -> Any:
    """Return an upper bound, and the least of the seconds it took."""
    least = float("inf")
    for _ in range(REPEATS):
        norm, domain = problem(make, shape)
        start = time.process_time()
        upper = float(bound(norm, domain, arithmetic=arithmetic).upper)
        least = min(least, time.process_time() - start)
    return upper, least


def bracket(norm: Any, domain: Any, **options: Any) -> Any:
    """Return a bracket after a number of regions."""
    return dt.maximize(norm, domain, max_regions=REGIONS, time_limit=None, **options)


def main() -> None:
    """Print a table."""
    print(f"{'network':15} {'bound':9} {'real numbers':>13} {'float32 more':>13}  s; s")
    for name, (make, shape) in NETWORKS.items():
        for bound in (dt.enclose, *([bracket] if name.startswith("MLP") else [])):
            exact, before = measured(make, shape, bound, None)
            rounded, after = measured(make, shape, bound, "float32")
            more = rounded / exact - 1
            print(
                f"{name:15} {bound.__name__[:8]:9} {exact:13.6g} {more:13.2e}  "
                f"{before:.3f}; {after:.3f} ({after / before:.2f} times)",
                flush=True,
            )


if __name__ == "__main__":
    main()
