"""Per-record gradient norms by other libraries, beside ours, in one run.

A batch of 256 records, float64, tanh, the two standard networks.  Each peer must give
the same norms before it is timed; what is noted is how many times longer it takes.
Peers that are not installed are skipped: ``pip install torch opacus``.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import deuterium as dt
from networks import UNITS, norm_graph, weights
from test_norms import BATCH, in_turn, records

torch = pytest.importorskip("torch")

networks = pytest.mark.parametrize("units", UNITS)


def model_of(layers):
    """Return the same network as a torch module of linear layers."""
    parts = []
    for i, (w, b) in enumerate(layers):
        linear = torch.nn.Linear(*w.shape, dtype=torch.float64)
        linear.weight = torch.nn.Parameter(torch.tensor(w.T.copy()))
        linear.bias = torch.nn.Parameter(torch.tensor(b))
        parts += [linear, torch.nn.Tanh()] if i < len(layers) - 1 else [linear]
    return torch.nn.Sequential(*parts)


def loss_of(outputs):
    """Return the summed loss: label 1 of one output, class 0 of several."""
    if outputs.shape[-1] == 1:
        return -torch.nn.functional.logsigmoid(outputs).sum()
    return -torch.log_softmax(outputs, -1)[:, 0].sum()


def functional(layers, data):
    """Return norms by vmap of grad."""
    parameters = [[torch.tensor(p) for p in pair] for pair in layers]

    def loss(parameters, x):
        for i, (w, b) in enumerate(parameters):
            x = x @ w + b
            if i < len(parameters) - 1:
                x = torch.tanh(x)
        return loss_of(x[None])

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))

    def norms():
        grads = [g for pair in each(parameters, data) for g in pair]
        return sum((g**2).reshape(BATCH, -1).sum(1) for g in grads).sqrt()

    return norms


def plain(layers, data):
    """Return one forward and backward pass, which gives no norms: the floor."""
    model = model_of(layers)

    def run():
        model.zero_grad()
        loss_of(model(data)).backward()

    return run


def hooks(layers, data):
    """Return norms from Opacus' per-record gradients."""
    grad_sample = pytest.importorskip("opacus.grad_sample")
    model = grad_sample.GradSampleModule(model_of(layers), loss_reduction="sum")

    def norms():
        for p in model.parameters():
            p.grad_sample = None
        loss_of(model(data)).backward()
        grads = [p.grad_sample.reshape(BATCH, -1) for p in model.parameters()]
        return torch.cat([(g**2).sum(1, keepdim=True) for g in grads], 1).sum(1).sqrt()

    return norms


def ghost(layers, data):
    """Return Opacus' ghost norms."""
    grad_sample = pytest.importorskip("opacus.grad_sample")
    model = grad_sample.GradSampleModuleFastGradientClipping(
        model_of(layers), loss_reduction="sum"
    )

    def norms():
        model.zero_grad()
        loss_of(model(data)).backward()
        return model.get_norm_sample()

    return norms


PEERS = {"forward and backward": plain, "torch.func": functional, "hooks": hooks}
PEERS["ghost norms"] = ghost


@networks
@pytest.mark.parametrize("peer", PEERS)
def test_norms_by(benchmark, note, units, peer):
    data = records(units)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own deprecations
        theirs = PEERS[peer](weights(units), torch.tensor(data))
        x, norm = norm_graph(weights(units), "tanh")
        fn, rows = dt.compile([x], [norm]), data[:, None, :]
        answer = theirs()
        if answer is not None:
            expected = fn(rows)[0]
            np.testing.assert_allclose(answer.detach().numpy(), expected, rtol=1e-9)
        benchmark.pedantic(theirs, rounds=3)
        ours, other = in_turn(lambda: fn(rows), theirs, rounds=7)
    note(
        milliseconds=1000 * other,
        ours_milliseconds=1000 * ours,
        times_ours=other / ours,
    )
