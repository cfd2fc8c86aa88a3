"""JAX's products of arrays: dot_general, convolutions, and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.frontends.jax.jax_rules import Call, primitive
from deuterium.functions.convolution import convolution
from deuterium.graph.variable import Variable

Result = Any  # a Variable: NumPy's functions have other types in their stubs


@primitive("dot_general")
def contracted(call: Call) -> Result:
    """Return sums of products over pairs of axes, with batch axes in front."""
    (left, right), (batch_l, batch_r) = call.params["dimension_numbers"]
    a, b = call.nodes()
    names_a, names_b = list(range(a.ndim)), [a.ndim + i for i in range(b.ndim)]
    for i, j in (*zip(left, right, strict=True), *zip(batch_l, batch_r, strict=True)):
        names_b[j] = names_a[i]
    out = [names_a[i] for i in batch_l]
    out += [n for i, n in enumerate(names_a) if i not in (*left, *batch_l)]
    out += [n for j, n in enumerate(names_b) if j not in (*right, *batch_r)]
    return np.einsum(a, names_a, b, names_b, out)


@primitive("cholesky")
def cholesky(call: Call) -> Result:
    """Return the lower triangular root of a positive definite matrix."""
    x = np.tril(call.node())
    upper = np.swapaxes(np.tril(x, -1), -1, -2)  # JAX reads the lower triangle
    return np.linalg.cholesky(x + upper)


@primitive("conv_general_dilated")
def convolved(call: Call) -> Result:
    """Return the convolution of channels, whatever order the axes come in."""
    p = call.params
    order = p["dimension_numbers"]
    x = np.transpose(call.node(0), order.lhs_spec)
    w = np.transpose(call.node(1), order.rhs_spec)
    if not x.size or not w.size or 0 in call.out_shape:
        return Variable(np.zeros(call.out_shape))
    if x.ndim == 2:  # no axes for windows: a product of matrices
        x, w = x[..., None], w[..., None]
        y = _grouped(x, w, p)[..., 0]
    else:
        y = _grouped(x, w, p)
    return np.transpose(y, np.argsort(order.out_spec).tolist())


def _grouped(x: Any, w: Any, p: Any) -> Variable:
    """Convolve; groups of records go to channels first, each with its own filters."""
    how: dict[str, Any] = {}
    if p["window_strides"]:
        how = {
            "stride": tuple(p["window_strides"]),
            "padding": [tuple(pair) for pair in p["padding"]],
            "dilation": tuple(p["rhs_dilation"]),
            "input_dilation": tuple(p["lhs_dilation"]),
        }
    parts = p["batch_group_count"]
    if parts == 1:
        return convolution(x, w, groups=p["feature_group_count"], **how)
    records, channels = x.shape[:2]
    x = np.reshape(x, (parts, records // parts, channels, *x.shape[2:]))
    x = np.swapaxes(x, 0, 1).reshape(records // parts, parts * channels, *x.shape[3:])
    return convolution(x, w, groups=parts, **how)
