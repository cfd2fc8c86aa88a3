"""ONNX models: reading one, and the first certified bound of its gradient norm."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.frontends.onnx import load

onnx = pytest.importorskip("onnx")
helper = onnx.helper

SHAPES = {
    "c1": (6, 1, 5, 5), "c2": (16, 6, 5, 5), "f1": (120, 400), "f2": (84, 120),
    "f3": (10, 84),
}  # fmt: skip


def lenet():
    """Return LeNet-5 with tanh and average pooling, its weights drawn at random."""
    rng = np.random.default_rng(0)
    tensors = []
    for name, shape in SHAPES.items():
        weight = rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        for n, w in ((f"{name}.weight", weight), (f"{name}.bias", np.zeros(shape[0]))):
            tensors.append(onnx.numpy_helper.from_array(w.astype(np.float32), n))
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes, at = [], "x"
    for name, pads in (("c1", [2] * 4), ("c2", [0] * 4)):
        ins = [at, f"{name}.weight", f"{name}.bias"]
        nodes += [
            helper.make_node("Conv", ins, [f"{name}.z"], pads=pads),
            helper.make_node("Tanh", [f"{name}.z"], [f"{name}.a"]),
            helper.make_node("AveragePool", [f"{name}.a"], [f"{name}.p"], **pool),
        ]
        at = f"{name}.p"
    nodes.append(helper.make_node("Flatten", [at], ["flat"]))
    at = "flat"
    for name in ("f1", "f2", "f3"):
        ins, out = [at, f"{name}.weight", f"{name}.bias"], f"{name}.z"
        nodes.append(helper.make_node("Gemm", ins, [out], transB=1))
        if name != "f3":
            nodes.append(helper.make_node("Tanh", [out], [f"{name}.a"]))
        at = f"{name}.a"
    ends = (("x", [1, 1, 28, 28]), ("f3.z", [1, 10]))
    x, z = (
        helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in ends
    )
    graph = helper.make_graph(nodes, "lenet", [x], [z], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def first_bound(proto):
    model = load(proto)
    y = dt.symbol("label", shape=(10,))
    loss = -np.sum(y * dt.log_softmax(model.output[0]))
    norm = dt.norm(dt.grad(loss, list(model.parameters.values())))
    return dt.enclose(norm, dt.Box({model.input: (0, 1)}) & dt.OneHot(y))


def test_lifting(benchmark, note):
    proto = lenet()
    model = benchmark(load, proto)
    note(parameters=sum(p.size for p in model.parameters.values()))


def test_first_bound(benchmark, note):
    iv = benchmark(first_bound, lenet())
    assert iv.cause is None
    note(upper=float(iv.upper))
