"""ONNX models are lifted as the functions they are, by ONNX's own evaluator."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import frontends
from tests import amounts
from tests.frontends.onnx_models import (
    ZOO,
    T,
    helper,
    info,
    layers,
    mlp,
    model,
    numpy_helper,
    one,
    onnx,
    reference,
    residual,
)

load = frontends.onnx.load


def drawn_input(lifted, seed):
    return np.random.default_rng(seed).normal(size=lifted.input.shape)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("seed", amounts.seeds(1, 10))
def test_values_are_those_of_the_reference(name, seed):
    proto = ZOO[name](seed=seed)
    lifted = load(proto.SerializeToString())
    x = drawn_input(lifted, seed)
    (wanted,) = reference(proto, {"x": x})
    np.testing.assert_allclose(
        lifted.output.evaluate({"x": x}), wanted, rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("name", ["mlp", "residual", "attention", "recurrent"])
@pytest.mark.drawn
def test_gradients_by_parameters_are_slopes(name):
    proto = ZOO[name]()
    lifted = load(proto)
    x = drawn_input(lifted, 1)
    rng = np.random.default_rng(2)
    loss = np.sum(np.sin(lifted.output))
    gradients = dt.grad(loss, list(lifted.parameters.values()))
    for (own, p), g in list(zip(lifted.parameters.items(), gradients, strict=True))[
        : amounts.draws(2, 99)
    ]:
        direction = rng.normal(size=p.shape)
        ends = []
        for sign in (1, -1):
            moved = onnx.ModelProto()
            moved.CopyFrom(proto)
            for tensor in moved.graph.initializer:
                if tensor.name == own:
                    w = np.asarray(p.value) + sign * 1e-6 * direction
                    tensor.CopyFrom(numpy_helper.from_array(w, own))
            (y,) = reference(moved, {"x": x})
            ends.append(np.sum(np.sin(y)))
        slope = (ends[0] - ends[1]) / 2e-6
        along = np.sum(g.evaluate({"x": x}) * direction)
        np.testing.assert_allclose(along, slope, rtol=1e-5, atol=1e-6)


def test_a_model_says_what_it_is():
    lifted = load(mlp())
    assert list(lifted.inputs) == ["x"]
    assert list(lifted.outputs) == ["logits"]
    assert list(lifted.parameters) == [
        "fc0.weight", "fc0.bias", "fc1.weight", "fc1.bias",
    ]  # fmt: skip
    assert lifted.parameters["fc0.weight"].name == "fc0.weight"
    text = repr(lifted)
    assert text.startswith("LiftedModel(ONNX, opset 17)")
    assert "fc0.weight (8, 4)" in text


def test_parameters_are_the_files_numbers_exactly():
    proto = mlp()
    lifted = load(proto)
    for tensor in proto.graph.initializer:
        stored = numpy_helper.to_array(tensor)
        assert stored.dtype == np.float32
        assert (lifted.parameters[tensor.name].value == stored.astype(float)).all()


@pytest.mark.parametrize("opset", amounts.some([8, 13, 28, 9, 11, 18, 21, 23, 25], 3))
def test_versions_of_the_standard(opset):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip(f"this onnx knows opset {onnx.defs.onnx_opset_version()} at most")
    proto = residual(opset=opset)
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 6))
    # the reference normalises by the batch before opset 14, which no model means
    (wanted,) = reference(residual(opset=17), {"x": x})
    np.testing.assert_allclose(
        load(proto).output.evaluate({"x": x}), wanted, rtol=1e-12
    )


def test_a_path_bytes_and_a_message_are_one_model(tmp_path):
    proto = mlp()
    path = tmp_path / "mlp.onnx"
    onnx.save(proto, path)
    made = [load(m) for m in (path, str(path), path.read_bytes(), proto)]
    assert len({dt.dumps([m.output]) for m in made}) == 1


def test_initialisers_that_are_inputs_too_are_parameters():
    proto = mlp()
    proto.graph.input.extend(
        info(t.name, list(t.dims)) for t in proto.graph.initializer
    )
    lifted = load(proto)
    assert list(lifted.inputs) == ["x"]
    assert len(lifted.parameters) == 4


def test_open_axes_have_length_one_or_what_is_said():
    proto = one("Relu", {"x": ["N", 3]})
    assert load(proto).input.shape == (1, 3)
    assert load(proto, shapes={"x": (5, 3)}).output.shape == (5, 3)
    with pytest.raises(dt.DeuteriumError, match=r"`shapes` says \(5, 4\)"):
        load(proto, shapes={"x": (5, 4)})
    with pytest.raises(dt.DeuteriumError, match=r"no input.*Did you mean 'x'"):
        load(proto, shapes={"xx": (5, 4)})


def test_inputs_that_are_given_are_numbers():
    weights = {"table": np.eye(4, 3, dtype=np.float32)}
    nodes = layers(("Gather", "table ids", "rows", {}), ("Mul", "rows x", "y", {}))
    inputs = [info("ids", [2], T.INT64), info("x", [1, 3])]
    proto = model(nodes, inputs, [info("y", [2, 3])], weights)
    with pytest.raises(dt.DeuteriumError, match="'ids' holds INT64"):
        load(proto)
    lifted = load(proto, values={"ids": np.array([2, 1])})
    assert list(lifted.inputs) == ["x"]
    y = lifted.output.evaluate({"x": [[1.0, 2.0, 3.0]]})
    np.testing.assert_array_equal(y, [[0, 0, 3], [0, 2, 0]])


def test_only_what_is_wanted_is_lifted():
    nodes = layers(("Tanh", "x", "y", {}), ("ArgMax", "x", "place", {"axis": 0}))
    outputs = [info("y", [3]), info("place", [1], T.INT64)]
    proto = model(nodes, [info("x", [3])], outputs)
    with pytest.raises(dt.DeuteriumError, match=r"'place' is not known.*`outputs`"):
        load(proto)
    assert list(load(proto, outputs=["y"]).outputs) == ["y"]
    with pytest.raises(dt.DeuteriumError, match="no output"):
        load(proto, outputs=["z"])


def test_what_is_not_supported_names_operator_and_node():
    nodes = [
        helper.make_node("Fancy", ["x"], ["y"], name="enc/2/attn", domain="my.own")
    ]
    graph = helper.make_graph(nodes, "g", [info("x", [3])], [info("y", [3])])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("my.own", 1)])
    with pytest.raises(dt.DeuteriumError) as told:
        load(proto)
    for text in ("Fancy", "enc/2/attn", "my.own", "operators"):
        assert text in str(told.value)
    lifted = load(proto, operators={"Fancy": lambda node, x: np.exp(x)})
    assert lifted.output.evaluate({"x": [0.0, 0.0, 0.0]}).tolist() == [1, 1, 1]


def test_messages_about_a_bound_name_the_node():
    lifted = load(one("Log", {"x": [2]}))
    cause = dt.enclose(np.sum(lifted.output), dt.Box({lifted.input: (-1, 1)})).cause
    assert "it (Log)" in str(cause)


def test_functions_of_the_model_are_run():
    body = layers(("Mul", "a a", "square", {}), ("Add", "square a", "b", {}))
    function = helper.make_function(
        "my.own", "Twist", ["a"], ["b"], body, [helper.make_opsetid("", 17)]
    )
    nodes = [helper.make_node("Twist", ["x"], ["y"], domain="my.own")]
    graph = helper.make_graph(nodes, "g", [info("x", [2])], [info("y", [2])])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    proto = helper.make_model(graph, opset_imports=opsets, functions=[function])
    assert load(proto).output.evaluate({"x": [2.0, -1.0]}).tolist() == [6, 0]


def chosen_by(condition):
    """Return a model that adds or subtracts 1, by a condition of a node."""
    branches = {
        name: helper.make_graph(
            [helper.make_node(kind, ["x", "one"], ["z"])], name, [], [info("z", [2])]
        )
        for name, kind in (("then_branch", "Add"), ("else_branch", "Sub"))
    }
    nodes = [condition, helper.make_node("If", ["c"], ["y"], name="choice", **branches)]
    weights = {"one": np.float32(1)}
    return model(nodes, [info("x", [2])], [info("y", [2])], weights)


def test_conditions_that_are_numbers_choose_a_graph():
    of = numpy_helper.from_array(np.array(True))
    lifted = load(chosen_by(helper.make_node("Constant", [], ["c"], value=of)))
    assert lifted.output.evaluate({"x": [1.0, 2.0]}).tolist() == [2, 3]
    of_input = helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0)
    proto = chosen_by(helper.make_node("Less", ["m", "one"], ["c"]))
    proto.graph.node.insert(0, of_input)
    with pytest.raises(dt.DeuteriumError, match=r"If at 'choice'.*Where"):
        load(proto)


def test_a_loop_of_constant_length_is_written_out():
    body = helper.make_graph(
        layers(
            ("Mul", "s x", "t", {}), ("Identity", "c", "go", {}),
            ("Identity", "t", "each", {}),
        ),
        "body",
        [info("i", [], T.INT64), info("c", [], T.BOOL), info("s", [2])],
        [info("go", [], T.BOOL), info("t", [2]), info("each", [2])],
    )  # fmt: skip
    nodes = [helper.make_node("Loop", ["n", "", "x"], ["last", "all"], body=body)]
    outputs = [info("last", [2]), info("all", [3, 2])]
    proto = model(nodes, [info("x", [2])], outputs, {"n": np.int64(3)})
    lifted = load(proto)
    assert lifted.outputs["last"].evaluate({"x": [2.0, 1.0]}).tolist() == [16, 1]
    assert lifted.outputs["all"].shape == (3, 2)


def test_dead_relus_and_unused_weights_are_no_parameters():
    proto = mlp()
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(3), "unused"))
    assert "unused" not in load(proto).parameters


def test_compiled_and_enclosed():
    lifted = load(mlp(sizes=(4, 6, 3)))
    x, y = lifted.input, dt.symbol("label", shape=(3,))
    loss = -np.sum(y * dt.log_softmax(lifted.output[0]))
    norm = dt.norm(dt.grad(loss, list(lifted.parameters.values())))
    domain = dt.Box({x: (0, 1)}) & dt.OneHot(y)
    iv = dt.enclose(norm, domain)
    assert iv.cause is None
    rng = np.random.default_rng(0)
    rows = rng.uniform(0, 1, (200, 1, 4))
    labels = np.eye(3)[rng.integers(3, size=200)]
    (norms,) = dt.compile([x, y], [norm])(rows, labels)
    assert iv.lower <= norms.min() <= norms.max() <= iv.upper
    np.testing.assert_allclose(
        norms[0], norm.evaluate({x: rows[0], y: labels[0]}), rtol=1e-12
    )


@pytest.mark.skipif(
    onnx.defs.onnx_opset_version() < 24, reason="Attention is opset 23's"
)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_by_the_standards_own_definition(masked):
    rng = np.random.default_rng(0)
    weights = {f"w{n}": rng.normal(size=(4, 4)).astype(np.float32) for n in "qkv"}
    nodes = layers(*(("MatMul", f"x w{n}", n, {}) for n in "qkv"))
    more = {"q_num_heads": 2, "kv_num_heads": 2, "is_causal": int(not masked)}
    if masked:  # the first token sees nothing
        weights["mask"] = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1]], dtype=bool)
    names = ["q", "k", "v", *(["mask"] if masked else [])]
    nodes.append(helper.make_node("Attention", names, ["y"], name="attn", **more))
    shape = [1, 3, 4]
    proto = model(nodes, [info("x", shape)], [info("y", shape)], weights, 24)
    lifted = load(proto)
    assert list(lifted.parameters) == ["wq", "wk", "wv"]
    x = rng.uniform(size=shape)
    (wanted,) = reference(proto, {"x": x})
    np.testing.assert_allclose(lifted.output.evaluate({"x": x}), wanted, rtol=1e-12)
    assert (wanted[0, 0] == 0).all() == masked
    loss = np.sum(np.square(lifted.output))
    norm = dt.norm(dt.grad(loss, list(lifted.parameters.values())))
    iv = dt.enclose(norm, dt.Box({lifted.input: (0, 1)}))
    assert iv.lower <= norm.evaluate({"x": x}) <= iv.upper < np.inf
