"""Damaged and hostile ONNX files are refused, in bounded time and memory."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import frontends
from deuterium.frontends.onnx import onnx_node
from tests import amounts
from tests.frontends.onnx_models import (
    T,
    attention,
    helper,
    info,
    layers,
    mlp,
    model,
    numpy_helper,
    one,
    onnx,
    recurrent,
    residual,
)

load = frontends.onnx.load


def spoiled(content, rng):
    """Return a file that was cut off, or of which some bytes are others."""
    if rng.integers(3) == 0:
        return content[: rng.integers(len(content))]
    made = bytearray(content)
    for at in rng.integers(len(made), size=rng.integers(1, 5)):
        made[at] = rng.integers(256)
    return bytes(made)


@pytest.mark.drawn
def test_a_damaged_file_is_lifted_or_refused():
    files = [
        mlp(sizes=(1, 2, 1)), recurrent(), attention(tokens=2, width=2), residual(),
        one("Resize", {"x": [1, 1, 2, 2]}, weights={
            "roi": np.zeros(0, np.float32), "scales": np.float32([1, 1, 2, 2]),
        }, mode="linear"),
        one("MaxPool", {"x": [1, 1, 4, 4]}, kernel_shape=[2, 2], strides=[2, 2]),
    ]  # fmt: skip
    contents = [f.SerializeToString() for f in files]
    rng = np.random.default_rng(0)
    ends = set()
    for _ in range(amounts.draws(180, 20_000)):
        content = spoiled(contents[rng.integers(len(contents))], rng)
        try:
            load(content)
            ends.add("lifted")
        except dt.DeuteriumError:
            ends.add("refused")
    assert ends == {"lifted", "refused"}


@pytest.mark.parametrize("content", [b"", b"\x00", b"not a model", b"\x08" * 1000])
def test_what_is_no_model(content, tmp_path):
    with pytest.raises(dt.DeuteriumError, match="no ONNX model can be read"):
        load(content)
    path = tmp_path / "it.onnx"
    path.write_bytes(content)
    with pytest.raises(dt.DeuteriumError, match=r"it.onnx|no graph"):
        load(path)
    with pytest.raises(dt.DeuteriumError, match="cannot be read"):
        load(tmp_path / "missing.onnx")
    with pytest.raises(dt.DeuteriumError, match="must be a path"):
        load(3)


@pytest.mark.parametrize(
    "proto",
    [
        one("ConstantOfShape", {}, weights={"n": np.array([2**40])}),
        one("Expand", {"x": [1]}, weights={"n": np.array([2**20, 2**20])}),
        one("Tile", {"x": [2]}, weights={"n": np.array([2**40])}),
        one("Pad", {"x": [2]}, weights={"n": np.array([2**40, 0])}),
        one("Range", {}, weights={
            "a": np.int64(0), "b": np.int64(2**50), "c": np.int64(1)
        }),
        one("Resize", {"x": [1, 1, 2, 2]}, weights={
            "roi": np.zeros(0, np.float32), "s": np.float32([1, 1, 2**20, 2**20]),
        }),
        one("MaxPool", {"x": [1, 1, 9, 9]}, kernel_shape=[2**20, 2**20],
            pads=[2**20] * 4),
        one("Conv", {"x": [1, 1, 9]}, weights={"w": np.zeros((1, 1, 3), np.float32)},
            pads=[2**40, 2**40]),
        one("ConvTranspose", {"x": [1, 1, 9]}, output_shape=[2**40],
            weights={"w": np.zeros((1, 1, 3), np.float32)}),
        one("Relu", {"x": [2**30, 2**30]}),
        one("OneHot", {}, weights={
            "i": np.array([0]), "n": np.int64(2**40), "v": np.float32([0, 1]),
        }),
        one("Add", {}, weights={
            "a": np.zeros((2**16, 1), np.int64), "b": np.zeros((1, 2**16), np.int64),
        }),
    ],
    ids=lambda p: p.graph.node[0].op_type,
)  # fmt: skip
def test_sizes_are_bounded_before_memory_is_taken(proto):
    with pytest.raises(dt.DeuteriumError, match="more than is allowed"):
        load(proto)


def test_a_tensor_must_hold_what_its_shape_says():
    proto = mlp()
    proto.graph.initializer[0].dims[0] = 2**20
    with pytest.raises(dt.DeuteriumError, match=r"fc0.weight.*damaged"):
        load(proto)
    proto.graph.initializer[0].dims[0] = -1
    with pytest.raises(dt.DeuteriumError, match="cannot be negative"):
        load(proto)


def test_nan_is_no_parameter():
    proto = mlp()
    w = np.full((8, 4), np.nan, dtype=np.float32)
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(w, "fc0.weight"))
    with pytest.raises(dt.DeuteriumError, match=r"'fc0.weight'.*NaN"):
        load(proto)


def test_text_is_refused():
    proto = one("Identity", {"x": [1]})
    tensor = helper.make_tensor("words", T.STRING, [1], ["a"])
    proto.graph.initializer.append(tensor)
    with pytest.raises(dt.DeuteriumError, match=r"'words'.*STRING"):
        load(proto)


def endless(count=None):
    """Return a loop that goes on for ever, or for very long."""
    body = helper.make_graph(
        layers(("Identity", "s", "t", {}), ("Identity", "c", "go", {})),
        "body",
        [info("i", [], T.INT64), info("c", [], T.BOOL), info("s", [1])],
        [info("go", [], T.BOOL), info("t", [1])],
    )
    weights = {"yes": np.array(True), "n": np.int64(2**60)}
    nodes = [helper.make_node("Loop", ["n", "yes", "x"], ["y"], body=body)]
    return model(nodes, [info("x", [1])], [info("y", [1])], weights)


def test_a_loop_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_node, "MOST_NODES", 1000)
    with pytest.raises(dt.DeuteriumError, match="more than 1000 nodes"):
        load(endless())


def test_functions_that_call_each_other_are_refused(monkeypatch):
    monkeypatch.setattr(onnx_node, "MOST_NODES", 1000)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    call = helper.make_node

    def lifted(*functions):
        nodes = [call("F0", ["x"], ["y"], domain="f")]
        graph = helper.make_graph(nodes, "g", [info("x", [1])], [info("y", [1])])
        return load(helper.make_model(graph, opset_imports=opsets, functions=functions))

    def function(k, *nodes):
        return helper.make_function("f", f"F{k}", ["a"], ["b"], nodes, opsets)

    with pytest.raises(dt.DeuteriumError, match="nested too deeply"):
        lifted(function(0, call("F0", ["a"], ["b"], domain="f")))
    doubling = [
        function(
            k,
            call(f"F{k + 1}", ["a"], ["c"], domain="f"),
            call(f"F{k + 1}", ["c"], ["b"], domain="f"),
        )
        for k in range(30)
    ]
    with pytest.raises(dt.DeuteriumError, match="more than 1000 nodes"):
        lifted(*doubling, function(30, call("Relu", ["a"], ["b"])))


def outside(location, folder, length=128, **more):
    """Write a model whose first weight lies in a file of its own."""
    proto = mlp()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "length": length, **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_data_beside_the_model_are_read(tmp_path):
    w = np.arange(32, dtype=np.float32).reshape(8, 4)
    (tmp_path / "w.bin").write_bytes(b"\0" * 16 + w.tobytes())
    path = outside("w.bin", tmp_path, offset=16)
    np.testing.assert_array_equal(load(path).parameters["fc0.weight"].value, w)
    with pytest.raises(dt.DeuteriumError, match="give the model's path"):
        load(path.read_bytes())


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "link", "sub/../../secret"]
)
def test_data_elsewhere_are_not_read(location, tmp_path):
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"\0" * 128)
    (home / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(dt.DeuteriumError, match="outside the model's folder"):
        load(outside(location, home))


@pytest.mark.parametrize(
    "length, more", [(64, {}), (128, {"offset": 8}), (128, {"offset": -8}), ("x", {})]
)
def test_data_must_be_there(length, more, tmp_path):
    (tmp_path / "w.bin").write_bytes(b"\0" * 128)
    with pytest.raises(dt.DeuteriumError, match=r"fc0.weight"):
        load(outside("w.bin", tmp_path, length, **more))
    with pytest.raises(dt.DeuteriumError, match="cannot be read"):
        load(outside("missing.bin", tmp_path))
    with pytest.raises(dt.DeuteriumError):
        load(outside("", tmp_path))


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(dt.DeuteriumError, match=r"pip install 'deuterium\[onnx\]'"):
        load(b"")
