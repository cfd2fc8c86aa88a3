"""Small ONNX models with random weights, written with onnx.helper."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

onnx = pytest.importorskip(
    "onnx", reason="the front end of ONNX needs the package onnx"
)
helper, numpy_helper, T = onnx.helper, onnx.numpy_helper, onnx.TensorProto


def info(name, shape, kind=T.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, weights=(), opset=17, **more):
    """Return a model; weights are a dictionary of arrays."""
    tensors = [
        numpy_helper.from_array(np.asarray(w), n) for n, w in dict(weights).items()
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors, **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def one(kind, inputs, outputs=("y",), opset=17, weights=(), **attributes):
    """Return a model of one node; inputs are a dictionary of shapes."""
    names = [*inputs, *dict(weights)]
    nodes = [helper.make_node(kind, names, list(outputs), name="it", **attributes)]
    made = [info(n, s) for n, s in inputs.items()]
    return model(nodes, made, [info(o, None) for o in outputs], weights, opset)


def layers(*described):
    """Return nodes: (kind, inputs, output, attributes), each in a line."""
    return [
        helper.make_node(kind, ins.split(), outs.split(), name=outs.split()[0], **kw)
        for kind, ins, outs, kw in described
    ]


def floats(rng, *shape):
    return (rng.normal(size=shape) / np.sqrt(shape[-1] * 2)).astype(np.float32)


def mlp(sizes=(4, 8, 3), seed=0, opset=17):
    """Return a fully connected network with relu between its layers."""
    rng = np.random.default_rng(seed)
    weights, nodes, at = {}, [], "x"
    for k, (n, m) in enumerate(itertools.pairwise(sizes)):
        weights[f"fc{k}.weight"] = floats(rng, m, n)
        weights[f"fc{k}.bias"] = floats(rng, m)
        last = k == len(sizes) - 2
        out = "logits" if last else f"h{k}"
        nodes += layers(
            ("Gemm", f"{at} fc{k}.weight fc{k}.bias", out, {"transB": 1}),
            *([] if last else [("Relu", out, f"a{k}", {})]),
        )
        at = f"a{k}"
    ends = [info("x", [1, sizes[0]])], [info("logits", [1, sizes[-1]])]
    return model(nodes, *ends, weights, opset)


def lenet(seed=0):
    """Return LeNet-5 (LeCun et al., 1998) with average pooling and tanh."""
    rng = np.random.default_rng(seed)
    shapes = {
        "c1": (6, 1, 5, 5), "c2": (16, 6, 5, 5), "f1": (120, 400), "f2": (84, 120),
        "f3": (10, 84),
    }  # fmt: skip
    weights = {}
    for name, shape in shapes.items():
        fan = int(np.prod(shape[1:]))
        w = rng.normal(size=shape) / np.sqrt(fan)
        weights[f"{name}.weight"] = w.astype(np.float32)
        weights[f"{name}.bias"] = floats(rng, shape[0])
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    full = {"transB": 1}
    nodes = layers(
        ("Conv", "x c1.weight c1.bias", "z1", {"pads": [2, 2, 2, 2]}),
        ("Tanh", "z1", "a1", {}),
        ("AveragePool", "a1", "p1", pool),
        ("Conv", "p1 c2.weight c2.bias", "z2", {}),
        ("Tanh", "z2", "a2", {}),
        ("AveragePool", "a2", "p2", pool),
        ("Flatten", "p2", "flat", {}),
        ("Gemm", "flat f1.weight f1.bias", "z3", full),
        ("Tanh", "z3", "a3", {}),
        ("Gemm", "a3 f2.weight f2.bias", "z4", full),
        ("Tanh", "z4", "a4", {}),
        ("Gemm", "a4 f3.weight f3.bias", "logits", full),
    )
    return model(nodes, [info("x", [1, 1, 28, 28])], [info("logits", [1, 10])], weights)


def residual(seed=0, opset=17):
    """Return convolutions with batch normalisation and a shortcut."""
    rng = np.random.default_rng(seed)
    weights = {
        "w1": floats(rng, 4, 2, 3, 3), "w2": floats(rng, 4, 4, 3, 3),
        "ws": floats(rng, 4, 2, 1, 1), "fc": floats(rng, 4, 3),
        **{f"{n}{k}": abs(floats(rng, 4)) + 0.5 for k in "12" for n in "sbmv"},
    }  # fmt: skip
    nodes = layers(
        ("Conv", "x w1", "c1", {"pads": [1] * 4, "strides": [2, 2]}),
        ("BatchNormalization", "c1 s1 b1 m1 v1", "n1", {}),
        ("Relu", "n1", "r1", {}),
        ("Conv", "r1 w2", "c2", {"auto_pad": "SAME_UPPER"}),
        ("BatchNormalization", "c2 s2 b2 m2 v2", "n2", {}),
        ("Conv", "x ws", "short", {"strides": [2, 2]}),
        ("Add", "n2 short", "sum", {}),
        ("Relu", "sum", "r2", {}),
        ("GlobalAveragePool", "r2", "pooled", {}),
        ("Flatten", "pooled", "flat", {}),
        ("MatMul", "flat fc", "logits", {}),
    )
    return model(
        nodes, [info("x", [1, 2, 6, 6])], [info("logits", [1, 3])], weights, opset
    )


def attention(seed=0, tokens=4, width=8):
    """Return one block of a transformer, its heads and its layer norm written out."""
    rng = np.random.default_rng(seed)
    weights = {n: floats(rng, width, width) for n in ("wq", "wk", "wv", "wo", "u", "d")}
    weights["gain"] = abs(floats(rng, width)) + 1
    weights["shift"] = floats(rng, width)
    weights["heads"] = np.array([0, 0, 2, width // 2])
    weights["back"] = np.array([0, 0, width])
    weights["scale"] = np.float32(0.5)
    swap = {"perm": [0, 2, 1, 3]}
    nodes = layers(
        *[
            step
            for n in "qkv"
            for step in (
                ("MatMul", f"x w{n}", n, {}),
                ("Reshape", f"{n} heads", f"{n}r", {}),
                ("Transpose", f"{n}r", f"{n}h", swap),
            )
        ],
        ("Transpose", "kh", "kt", {"perm": [0, 1, 3, 2]}),
        ("MatMul", "qh kt", "raw", {}),
        ("Mul", "raw scale", "scores", {}),
        ("Softmax", "scores", "weights", {"axis": -1}),
        ("MatMul", "weights vh", "mixed", {}),
        ("Transpose", "mixed", "mixedt", swap),
        ("Reshape", "mixedt back", "joined", {}),
        ("MatMul", "joined wo", "out", {}),
        ("Add", "x out", "sum", {}),
        ("LayerNormalization", "sum gain shift", "normed", {"axis": -1}),
        ("MatMul", "normed u", "up", {}),
        ("Tanh", "up", "bent", {}),
        ("MatMul", "bent d", "y", {}),
    )
    shape = [1, tokens, width]
    return model(nodes, [info("x", shape)], [info("y", shape)], weights, 17)


def recurrent(seed=0):
    """Return a long short-term memory of three steps."""
    rng = np.random.default_rng(seed)
    weights = {
        "w": floats(rng, 1, 8, 3), "r": floats(rng, 1, 8, 2), "b": floats(rng, 1, 16),
    }  # fmt: skip
    nodes = layers(
        ("LSTM", "x w r b", "steps last", {"hidden_size": 2}),
        ("Squeeze", "last", "y", {}),
    )
    return model(nodes, [info("x", [3, 1, 3])], [info("y", [2])], weights, 14)


ZOO = {
    "mlp": mlp, "lenet": lenet, "residual": residual, "attention": attention,
    "recurrent": recurrent,
}  # fmt: skip


def in_doubles(proto):
    """Return a copy whose floats are doubles, for ONNX's own reference."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    for k, tensor in enumerate(made.graph.initializer):
        if tensor.data_type == T.FLOAT:
            wide = numpy_helper.to_array(tensor).astype(np.float64)
            made.graph.initializer[k].CopyFrom(
                numpy_helper.from_array(wide, tensor.name)
            )
    return made


def reference(proto, values):
    """Return what ONNX's own evaluator makes of it, in doubles."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(in_doubles(proto)).run(None, values)
