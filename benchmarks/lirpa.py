"""Bounds of gradient norms by auto_LiRPA, of plain networks, written out in PyTorch.

auto_LiRPA bounds functions, not their gradients, so the gradient is written by hand:
layer by layer backwards, for a score and the cross-entropy of two classes with y = 1.
Its bounds are those of float32 rounded to nearest, not outward (its tables have
no other type).  It has no range of a step, so that gradients through relu do not fit.

Version 0.3, the newest on PyPI, was written for older versions of PyTorch and NumPy.
With PyTorch 2.13 and NumPy 2.4 it runs in an environment of its own,

    pip install torch numpy appdirs tqdm && pip install --no-deps auto-LiRPA==0.3

with the few names put back that it imports (`library`).
"""

from __future__ import annotations

import importlib.util
import io
import sys
import time
import types
import warnings
from contextlib import redirect_stdout
from functools import cache

import numpy as np

# IBP; linear relaxations backwards; the same, their slopes optimised
METHODS = {
    "IBP": ("IBP",),
    "CROWN": ("CROWN-IBP", "CROWN"),  # neither is always the better one
    "alpha-CROWN": ("CROWN-Optimized",),
}
ACTIVATIONS = ("tanh", "sigmoid")
STEPS = 20  # of the optimisation, the library's own number


def installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("auto_LiRPA", "torch"))


@cache
def library():
    """Return auto_LiRPA, the names put back that it expects of other libraries."""
    import torch
    import torch.onnx.symbolic_helper as helper
    import torch.onnx.utils as exporter

    if not importlib.util.find_spec("numpy.lib.arraysetops"):
        old = types.ModuleType("numpy.lib.arraysetops")
        old.isin = np.isin
        sys.modules["numpy.lib.arraysetops"] = old
    if not hasattr(helper, "_set_opset_version"):
        from torch.onnx._internal.torchscript_exporter import utils
        from torch.onnx._internal.torchscript_exporter._globals import GLOBALS

        def set_version(version):
            GLOBALS.export_onnx_opset_version = version

        helper._set_opset_version = set_version
        exporter._optimize_graph = utils._optimize_graph
    if not hasattr(torch._C.Node, "__getitem__"):
        torch._C.Node.__getitem__ = lambda n, k: getattr(n, n.kindOf(k))(k)
    import auto_LiRPA

    members = auto_LiRPA.BoundedModule._named_members
    if members.__name__ == "_named_members":

        def named(self, *args, remove_duplicate=True, **options):
            return members(self, *args, **options)

        auto_LiRPA.BoundedModule._named_members = named
    return auto_LiRPA


def squared_norm(layers, activation: str):
    """Return a module of PyTorch: records (m, n) to squared gradient norms (m, 1)."""
    import torch

    linear = torch.nn.functional.linear

    class Squared(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for i, (w, b) in enumerate(layers):
                for name, value in (("w", w), ("t", w.T), ("b", b)):
                    held = torch.tensor(np.ascontiguousarray(value))
                    held = torch.nn.Parameter(held, requires_grad=False)
                    setattr(self, f"{name}{i}", held)

        def forward(self, x):
            values, slopes = [x], []
            for i in range(len(layers)):
                t, b = getattr(self, f"t{i}"), getattr(self, f"b{i}")
                score = linear(values[-1], t, b)
                if i < len(layers) - 1:
                    a, slope = neuron(score, activation)
                    values.append(a)
                    slopes.append(slope)
            delta, total = torch.sigmoid(-score), None
            for i in reversed(range(len(layers))):
                size = (values[i] * values[i]).sum(1, keepdim=True) + 1
                part = (delta * delta).sum(1, keepdim=True) * size
                total = part if total is None else total + part
                if i:
                    delta = linear(delta, getattr(self, f"w{i}")) * slopes[i - 1]
            return total

    return Squared().float()


def neuron(z, activation: str):
    """Return an activation and its slope."""
    import torch

    a = {"tanh": torch.tanh, "sigmoid": torch.sigmoid}[activation](z)
    return a, 1 - a * a if activation == "tanh" else a * (1 - a)


def upper_bound(layers, activation: str, peer: str, seconds: float) -> float:
    """Return what bounds a network's gradient norm, y = 1, over the box [-1, 1]^n."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lirpa = library()
    middle = torch.zeros(1, len(layers[0][0]))
    ball = lirpa.PerturbationLpNorm(norm=np.inf, x_L=middle - 1, x_U=middle + 1)
    end, least = time.monotonic() + seconds, np.inf

    def late(best):
        return torch.full_like(best, time.monotonic() > end, dtype=torch.bool)

    search = {"iteration": STEPS, "stop_criterion_func": late}
    options = {"conv_mode": "matrix", "optimize_bound_args": search}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # it tells much
        warnings.simplefilter("ignore")  # what it asks PyTorch for is deprecated
        module = lirpa.BoundedModule(
            squared_norm(layers, activation), middle, device="cpu", bound_opts=options
        )
        for method in METHODS[peer]:
            x = lirpa.BoundedTensor(middle, ball)
            _, upper = module.compute_bounds(x=(x,), method=method, bound_lower=False)
            least = min(least, float(upper.sqrt()))
    return least
