"""Ten small architectures as plain functions of JAX: ``loss(params, x)``.

Each is `(loss, params, x)`, with parameters in a pytree, made from seeds.
"""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def _random(seed):
    rng = np.random.default_rng(seed)
    return lambda *shape, scale=None: (
        rng.normal(size=shape)
        * (1 / np.sqrt(max(np.prod(shape[1:]), 1)) if scale is None else scale)
    )


def _cross_entropy(logits, label=1):
    return -jax.nn.log_softmax(logits)[..., label].sum()


def logistic():
    r = _random(0)

    def loss(params, x):
        return jax.nn.softplus(-(x @ params["W"] + params["b"])).sum()

    return loss, {"W": r(5, scale=1.0), "b": np.array(0.3)}, r(5)


def poisson():
    r = _random(1)

    def loss(params, x):
        rate = x @ params["W"] + params["b"]
        return (jnp.exp(rate) - 3.0 * rate).sum()

    return loss, {"W": r(4, scale=0.5), "b": np.array(-0.2)}, r(4)


def mlp():
    r = _random(2)
    sizes = [6, 8, 7, 3]
    params = {
        f"layer{i}": {"W": r(a, b, scale=a**-0.5), "b": r(b, scale=0.1)}
        for i, (a, b) in enumerate(itertools.pairwise(sizes))
    }

    def loss(params, x):
        for i in range(3):
            x = x @ params[f"layer{i}"]["W"] + params[f"layer{i}"]["b"]
            x = jax.nn.gelu(x) if i < 2 else x
        return _cross_entropy(x)

    return loss, params, r(6)


def _conv(x, w, stride=1, padding="SAME", groups=1):
    return lax.conv_general_dilated(
        x, w, (stride, stride), padding, feature_group_count=groups,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip


def _pool(x, how="max"):
    window = (1, 2, 2, 1)
    if how == "max":
        return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
    return lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / 4


def lenet():
    r = _random(3)
    params = {
        "conv1": {"kernel": r(3, 3, 1, 2, scale=0.4), "bias": r(2, scale=0.1)},
        "conv2": {"kernel": r(3, 3, 2, 3, scale=0.3), "bias": r(3, scale=0.1)},
        "dense1": {"W": r(12, 8, scale=0.3), "b": r(8, scale=0.1)},
        "dense2": {"W": r(8, 4, scale=0.3), "b": r(4, scale=0.1)},
    }

    def loss(params, x):
        for name in ("conv1", "conv2"):
            x = _conv(x, params[name]["kernel"]) + params[name]["bias"]
            x = _pool(jnp.tanh(x), "max" if name == "conv1" else "mean")
        x = x.reshape(-1)
        x = jax.nn.relu(x @ params["dense1"]["W"] + params["dense1"]["b"])
        return _cross_entropy(x @ params["dense2"]["W"] + params["dense2"]["b"])

    return loss, params, r(1, 8, 8, 1, scale=1.0)


def _normed(x, p):
    """Batch norm as it is after training: by running means and variances."""
    return (x - p["mean"]) * lax.rsqrt(p["var"] + 1e-5) * p["scale"] + p["bias"]


def _norm_params(r, n):
    return {
        "mean": r(n, scale=0.1), "var": 1 + np.abs(r(n, scale=0.3)),
        "scale": 1 + r(n, scale=0.1), "bias": r(n, scale=0.1),
    }  # fmt: skip


def resnet():
    """ResNet-8: a stem, three blocks of two convolutions, and one layer."""
    r = _random(4)
    widths = [2, 2, 3, 4]
    params = {"stem": {"kernel": r(3, 3, 1, 2, scale=0.3), "norm": _norm_params(r, 2)}}
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        params[f"block{i}"] = {
            "conv1": r(3, 3, a, b, scale=0.3), "norm1": _norm_params(r, b),
            "conv2": r(3, 3, b, b, scale=0.3), "norm2": _norm_params(r, b),
            "short": r(1, 1, a, b, scale=0.5),
        }  # fmt: skip
    params["head"] = {"W": r(4, 3, scale=0.5), "b": r(3, scale=0.1)}

    def loss(params, x):
        p = params["stem"]
        x = jax.nn.relu(_normed(_conv(x, p["kernel"]), p["norm"]))
        for i in range(3):
            p, stride = params[f"block{i}"], 1 if i == 0 else 2
            y = jax.nn.relu(_normed(_conv(x, p["conv1"], stride), p["norm1"]))
            y = _normed(_conv(y, p["conv2"]), p["norm2"])
            x = jax.nn.relu(y + _conv(x, p["short"], stride))
        x = x.mean(axis=(0, 1, 2))
        return _cross_entropy(x @ params["head"]["W"] + params["head"]["b"])

    return loss, params, r(1, 8, 8, 1, scale=1.0)


def mobilenet():
    """A block of MobileNet v2: expand, depthwise, project, and the way around."""
    r = _random(5)
    params = {
        "expand": r(1, 1, 2, 4, scale=0.6), "norm1": _norm_params(r, 4),
        "depthwise": r(3, 3, 1, 4, scale=0.4), "norm2": _norm_params(r, 4),
        "project": r(1, 1, 4, 2, scale=0.5), "norm3": _norm_params(r, 2),
    }  # fmt: skip

    def loss(params, x):
        y = jax.nn.relu6(_normed(_conv(x, params["expand"]), params["norm1"]))
        y = _conv(y, params["depthwise"], groups=4)
        y = jax.nn.hard_swish(_normed(y, params["norm2"]))
        y = x + _normed(_conv(y, params["project"]), params["norm3"])
        return jnp.mean(y**2)

    return loss, params, r(1, 4, 4, 2, scale=1.0)


def _layer_norm(x, p):
    mean = x.mean(axis=-1, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / jnp.sqrt(var + 1e-6) * p["scale"] + p["bias"]


def transformer():
    """One block with two heads, on eight tokens."""
    r = _random(6)
    n, d, heads = 8, 4, 2
    params = {
        **{k: r(d, d, scale=0.5) for k in ("query", "key", "value", "out")},
        "norm1": {"scale": 1 + r(d, scale=0.1), "bias": r(d, scale=0.1)},
        "norm2": {"scale": 1 + r(d, scale=0.1), "bias": r(d, scale=0.1)},
        "up": {"W": r(d, 6, scale=0.5), "b": r(6, scale=0.1)},
        "down": {"W": r(6, d, scale=0.5), "b": r(d, scale=0.1)},
    }

    def loss(params, x):
        h = _layer_norm(x, params["norm1"])
        q, k, v = (
            (h @ params[name]).reshape(n, heads, d // heads)
            for name in ("query", "key", "value")
        )
        scores = jnp.einsum("qhd,khd->hqk", q, k) / jnp.sqrt(d / heads)
        scores = jnp.where(jnp.tril(jnp.ones((n, n), bool)), scores, -1e9)
        mixed = jnp.einsum("hqk,khd->qhd", jax.nn.softmax(scores), v).reshape(n, d)
        x = x + mixed @ params["out"]
        h = _layer_norm(x, params["norm2"])
        h = jax.nn.gelu(h @ params["up"]["W"] + params["up"]["b"], approximate=False)
        x = x + h @ params["down"]["W"] + params["down"]["b"]
        return jax.nn.logsumexp(x, axis=-1).mean() - x.mean()

    return loss, params, r(n, d, scale=1.0)


def autoencoder():
    r = _random(7)
    params = [
        (r(6, 3, scale=0.4), r(3, scale=0.1)),
        (r(3, 6, scale=0.5), r(6, scale=0.1)),
    ]

    def loss(params, x):
        (W, b), (V, c) = params
        return jnp.sum((jax.nn.sigmoid(jax.nn.silu(x @ W + b) @ V + c) - x) ** 2)

    return loss, params, r(6, scale=1.0)


def lstm():
    r = _random(8)
    d, h = 3, 4
    params = {
        "input": r(d, 4 * h, scale=0.5), "state": r(h, 4 * h, scale=0.5),
        "bias": r(4 * h, scale=0.1), "out": r(h, scale=1.0),
    }  # fmt: skip

    def loss(params, x):
        def step(carry, token):
            c, s = carry
            z = token @ params["input"] + s @ params["state"] + params["bias"]
            i, f, g, o = jnp.split(z, 4)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            s = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (c, s), s

        _, states = lax.scan(step, (jnp.zeros(h), jnp.zeros(h)), x)
        return jnp.sum((states[-1] @ params["out"] - 1) ** 2)

    return loss, params, r(5, d, scale=1.0)


def graph_convolution():
    r = _random(9)
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]])
    adjacency = np.eye(4)
    adjacency[edges[:, 0], edges[:, 1]] = adjacency[edges[:, 1], edges[:, 0]] = 1
    degree = adjacency.sum(axis=1)
    spread = adjacency / np.sqrt(np.outer(degree, degree))
    params = {"W0": r(3, 5, scale=0.5), "W1": r(5, 2, scale=0.5)}

    def loss(params, x):
        h = jax.nn.elu(spread @ x @ params["W0"])
        h = spread @ h @ params["W1"]
        return -jnp.mean(jax.nn.log_softmax(h, axis=-1)[:, 0])

    return loss, params, r(4, 3, scale=1.0)


ZOO = {
    f.__name__: f
    for f in (
        logistic, poisson, mlp, lenet, resnet, mobilenet, transformer, autoencoder,
        lstm, graph_convolution,
    )
}  # fmt: skip
