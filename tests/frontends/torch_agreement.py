"""Whether a lifted model is what PyTorch computes: values, and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import deuterium as dt
from deuterium import frontends

TOLERANCE = 1e-10


def flat(values: Any) -> list[np.ndarray]:
    return [v.detach().numpy() for v in values]


def slope_of(leaf: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def gap(found: Any, wanted: Any) -> float:
    """Return the largest difference, relative to the sizes where those exceed 1."""
    a, b = np.asarray(found), np.asarray(wanted)
    assert a.shape == b.shape
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1), initial=0))


def gaps_of(module: torch.nn.Module, args: Any, **how: Any) -> dict[str, float]:
    """Return how far values and gradients are from PyTorch's, by output."""
    module.eval()
    args = [a.clone().requires_grad_() if a.is_floating_point() else a for a in args]
    model = frontends.torch.lift(module, tuple(args), **how)
    wanted = module(*args)
    wanted = wanted if isinstance(wanted, dict) else {"output": wanted}
    assert list(model.outputs) == list(wanted)
    rng = np.random.default_rng(0)
    inputs = list(model.inputs.values())
    given = [a.detach().numpy() for a in args]
    gaps = {}
    leaves = [p for _, p in module.named_parameters()] + [
        a for a in args if a.is_floating_point()
    ]
    nodes = list(model.parameters.values()) + [
        v for v, a in zip(inputs, args, strict=True) if a.is_floating_point()
    ]
    for name, want in wanted.items():
        weight = rng.normal(size=want.shape)
        total = np.sum(model.outputs[name] * weight)
        slopes = dt.grad(total, nodes)
        found = dt.compile(inputs, [model.outputs[name], *slopes])(*given)
        (want * torch.as_tensor(weight)).sum().backward()
        exact = [want, *map(slope_of, leaves)]
        gaps[name] = max(gap(f, w) for f, w in zip(found, flat(exact), strict=True))
        for t in leaves:
            t.grad = None
    return gaps
