"""The JSON form: exact there and back, and harmless whatever a file holds."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium.errors import GraphError
from deuterium.graph import serialize
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names
from deuterium.testing import graphs
from tests.amounts import examples


def head(**fields):
    return json.dumps({"format": "deuterium-graph", "version": 1, **fields})


def nodes(*entries, outputs=None):
    last = [len(entries) - 1] if outputs is None else outputs
    return head(nodes=list(entries), outputs=last)


X = {"symbol": "x", "shape": [2]}
S = {"symbol": "s", "shape": []}


@examples(15, 200)
@given(graphs())
def test_random_graphs_survive(v):
    text = dt.dumps(
        [v, dt.grad(v.sum(), dt.graph.free_symbols([v])[0])] if _free(v) else [v]
    )
    again = dt.loads(text)
    assert dt.dumps(again) == text
    values = {s.name: np.full(s.shape, 0.3) for s in _free(v)}
    np.testing.assert_array_equal(v.evaluate(values), again[0].evaluate(values))


def _free(v):
    return dt.graph.free_symbols([v])


@pytest.mark.parametrize(
    "value",
    [0.1, -0.0, 5e-324, 1.7976931348623157e308, np.inf, -np.inf, 3, 2**60, True,
     [1.0, np.inf], [[0.1, -0.0]], np.zeros((0, 3)), np.zeros((2, 0))],
)  # fmt: skip
def test_constants_survive_bit_for_bit(value):
    v = dt.constant(value, name="w")
    (again,) = dt.loads(dt.dumps([v]))
    assert again.name == "w"
    assert again.shape == v.shape
    assert type(again.value) is type(v.value)
    np.testing.assert_array_equal(np.signbit(again.value), np.signbit(v.value))
    np.testing.assert_array_equal(again.value, v.value)


def test_empty_selections_survive():
    x = dt.symbol("x", (3, 4))
    for v in (x[3:], x[:, :0], np.where(np.ones((0, 4), bool), x[3:], 1.0)):
        (again,) = dt.loads(dt.dumps([v]))
        assert again.shape == v.shape
        assert again.evaluate({x: 1.0}).shape == v.shape


def test_sharing_is_kept():
    x = dt.symbol("x")
    shared = np.exp(x)
    first, second = dt.loads(dt.dumps([shared * shared + shared, shared]))
    assert first.args[1] is second
    assert len(dt.graph.topological([first])) == 4


def test_pickle_and_copy():
    v = np.exp(dt.symbol("x", (2,)))[0] + dt.constant([1.0, 2.0])
    again = pickle.loads(pickle.dumps(v))
    np.testing.assert_array_equal(again.evaluate({"x": 0.5}), v.evaluate({"x": 0.5}))
    assert copy.copy(v) is v
    assert copy.deepcopy(v) is v
    assert pickle.loads(pickle.dumps(OPERATORS["exp"])) is OPERATORS["exp"]


INDEX = {"array": [0, 1], "dtype": "<i8"}
BROKEN = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "3",
    "null": "null",
    "no format": "{}",
    "another format": json.dumps({"format": "other"}),
    "another version": json.dumps({"format": "deuterium-graph", "version": 2}),
    "nodes missing": head(outputs=[0]),
    "nodes a number": head(nodes=3, outputs=[0]),
    "nodes a mapping": head(nodes={"0": S}, outputs=[0]),
    "no outputs": head(nodes=[S]),
    "outputs a number": head(nodes=[S], outputs=0),
    "outputs of text": head(nodes=[S], outputs="0"),
    "an entry that is a list": nodes([]),
    "an entry that is null": nodes(None),
    "an empty entry": nodes({}),
    "an output outside": nodes(S, outputs=[1]),
    "a negative output": nodes(S, outputs=[-1]),
    "an output that is a truth": nodes(S, S, outputs=[True]),
    "a forward reference": nodes({"op": "exp", "args": [1]}, S),
    "itself": nodes(S, {"op": "exp", "args": [1]}),
    "a negative reference": nodes(S, {"op": "exp", "args": [-1]}),
    "a fraction": nodes(S, {"op": "exp", "args": [0.0]}),
    "references of text": nodes(S, {"op": "exp", "args": "0"}),
    "no arguments": nodes(S, {"op": "exp"}),
    "too few arguments": nodes(S, {"op": "add", "args": [0]}),
    "too many arguments": nodes(S, {"op": "exp", "args": [0, 0]}),
    "none at all": nodes({"op": "add", "args": []}),
    "a joining of nothing": nodes(
        {"op": "concatenate", "args": [], "attrs": {"axis": -1, "ndim": 1}}
    ),
    "an unknown operator": nodes(S, {"op": "system", "args": [0]}),
    "an operator that is a list": nodes(S, {"op": ["exp"], "args": [0]}),
    "code for an operator": nodes(
        S, {"op": "__import__('os').system('x')", "args": [0]}
    ),
    "unequal shapes": nodes(S, X, {"op": "add", "args": [0, 1]}),
    "a name of two shapes": nodes(
        S, {"symbol": "s", "shape": [1]}, {"op": "exp", "args": [0]},
        {"op": "sum", "args": [1], "attrs": {"axis": [-1]}},
        {"op": "add", "args": [2, 3]},
    ),
    "a symbol without a name": nodes({"symbol": "", "shape": []}),
    "a symbol named by a number": nodes({"symbol": 3, "shape": []}),
    "a negative shape": nodes({"symbol": "x", "shape": [-1]}),
    "a shape of fractions": nodes({"symbol": "x", "shape": [1.5]}),
    "a shape of text": nodes({"symbol": "x", "shape": "ab"}),
    "a shape of truths": nodes({"symbol": "x", "shape": [True]}),
    "NaN": nodes({"constant": "?"}).replace('"?"', "NaN"),
    "NaN as text": nodes({"constant": "nan"}),
    "NaN within": nodes({"constant": [1.0, "nan"]}),
    "text for a number": nodes({"constant": "one"}),
    "a ragged constant": nodes({"constant": [[1.0], [1.0, 2.0]]}),
    "a constant that is null": nodes({"constant": None}),
    "a constant that is a mapping": nodes({"constant": {"a": 1}}),
    "a constant of nulls": nodes({"constant": [None]}),
    "a huge integer": nodes({"constant": 10**400}),
    "a huge integer within": nodes({"constant": [10**400]}),
    "a constant named by a number": nodes({"constant": 1.0, "name": 3}),
    "an untrue shape": nodes({"constant": [1.0], "shape": [2, 0]}),
    "attributes that are a list": nodes(X, {"op": "exp", "args": [0], "attrs": [1]}),
    "an unknown attribute": nodes(X, {"op": "exp", "args": [0], "attrs": {"axis": 0}}),
    "a missing attribute": nodes(X, {"op": "sum", "args": [0]}),
    "an axis outside": nodes(X, {"op": "sum", "args": [0], "attrs": {"axis": [-2]}}),
    "an axis of text": nodes(X, {"op": "sum", "args": [0], "attrs": {"axis": "a"}}),
    "a positive axis": nodes(X, {"op": "sum", "args": [0], "attrs": {"axis": [0]}}),
    "an exponent that is text": nodes(
        S, {"op": "integer_power", "args": [0], "attrs": {"n": "2"}}
    ),
    "an exponent that is a fraction": nodes(
        S, {"op": "integer_power", "args": [0], "attrs": {"n": 0.5}}
    ),
    "an enormous exponent": nodes(
        S, {"op": "integer_power", "args": [0], "attrs": {"n": 10**30}}
    ),
    "an index outside": nodes(
        X, {"op": "gather", "args": [0], "attrs": {
            "index": {"array": [0, 2], "dtype": "<i8"}, "ndim": 1}}
    ),
    "a negative index": nodes(
        X, {"op": "gather", "args": [0], "attrs": {
            "index": {"array": [-1], "dtype": "<i8"}, "ndim": 1}}
    ),
    "an index of objects": nodes(
        X, {"op": "gather", "args": [0], "attrs": {
            "index": {"array": [0], "dtype": "|O"}, "ndim": 1}}
    ),
    "an index of fractions": nodes(
        X, {"op": "gather", "args": [0], "attrs": {
            "index": {"array": [0.5], "dtype": "<i8"}, "ndim": 1}}
    ),
    "an index that is a list": nodes(
        X, {"op": "gather", "args": [0], "attrs": {"index": [0, 1], "ndim": 1}}
    ),
    "an index beyond 64 bits": nodes(
        X, {"op": "gather", "args": [0], "attrs": {
            "index": {"array": [2**70], "dtype": "<i8"}, "ndim": 1}}
    ),
    "axes that are not counted": nodes(
        X, {"op": "gather", "args": [0], "attrs": {"index": INDEX, "ndim": 2}}
    ),
    "a scatter outside": nodes(
        X, {"op": "scatter", "args": [0], "attrs": {"index": INDEX, "shape": [1]}}
    ),
    "a scatter of negative shape": nodes(
        X, {"op": "scatter", "args": [0], "attrs": {"index": INDEX, "shape": [-2]}}
    ),
    "a reshape to another size": nodes(
        X, {"op": "reshape", "args": [0], "attrs": {"shape": [3], "ndim": 1}}
    ),
    "a reshape to negative lengths": nodes(
        X, {"op": "reshape", "args": [0], "attrs": {"shape": [-1, -2], "ndim": 1}}
    ),
    "a reshape of text": nodes(
        X, {"op": "reshape", "args": [0], "attrs": {"shape": "ab", "ndim": 1}}
    ),
    "a broadcast that does not fit": nodes(
        X, {"op": "broadcast", "args": [0], "attrs": {"shape": [3], "ndim": 1}}
    ),
    "a transpose that repeats": nodes(
        X, {"op": "transpose", "args": [0], "attrs": {"axes": [0, 0]}}
    ),
    "a transpose of negative axes": nodes(
        X, {"op": "transpose", "args": [0], "attrs": {"axes": [-1]}}
    ),
    "a join along a fraction": nodes(
        X, {"op": "concatenate", "args": [0], "attrs": {"axis": -0.5, "ndim": 1}}
    ),
    "a mask of another shape": nodes(
        X, {"op": "select", "args": [0, 0], "attrs": {
            "mask": {"array": [True], "dtype": "|b1"}}}
    ),
    "a mask of text": nodes(
        X, {"op": "select", "args": [0, 0], "attrs": {"mask": "yes"}}
    ),
    "a direction of text": nodes(
        X, {"op": "cumsum", "args": [0], "attrs": {"reverse": "no"}}
    ),
    "matrices that do not fit": nodes(X, {"op": "matmul", "args": [0, 0]}),
    "a maximum of a scalar": nodes(S, {"op": "max", "args": [0]}),
    "a softmax of a scalar": nodes(S, {"op": "softmax", "args": [0]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(name):
    with pytest.raises(GraphError) as caught:
        dt.loads(BROKEN[name])
    assert str(caught.value)


def test_deep_nesting_is_refused():
    deep = "[" * 100_000 + "1.0" + "]" * 100_000
    with pytest.raises(GraphError):
        dt.loads(
            head(nodes=[], outputs=[]).replace("[]", f'[{{"constant":{deep}}}]', 1)
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@examples(15, 400)
@given(st.data())
def test_random_damage(data):
    """Whatever part is replaced by whatever, the answer is a graph or GraphError."""
    x = dt.symbol("x", (2, 2))
    v = (np.tanh(x @ x)[::-1] ** 3).sum(axis=0) + np.where([True, False], 1, x[0])
    flat = json.loads(dt.dumps([v]))
    place, steps = flat, data.draw(st.integers(1, 6))
    for _ in range(steps):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key]:
            break
        if data.draw(st.integers(0, 4)) == 0:
            break
        parent, place = place, place[key]
    else:
        place = parent
        key = next(iter(place)) if isinstance(place, dict) else 0
    place[key] = data.draw(JSON)
    try:
        outputs = dt.loads(json.dumps(flat))
    except GraphError:
        return
    for output in outputs:
        dt.graph.check([output])
        values = {s.name: np.ones(s.shape) for s in _free(output)}
        assert np.shape(output.evaluate(values)) == output.shape


def test_attributes_of_every_operator_can_be_read():
    read = set(serialize._ATTRIBUTES)
    unread = {op.name: attribute_names(op) - read for op in OPERATORS.values()}
    assert not {name: which for name, which in unread.items() if which}


def test_numbers_of_numpy_are_plain_in_json():
    flat = serialize.to_json([dt.constant(np.float64(1.5)) * dt.symbol("x")])
    assert [type(n["constant"]) for n in flat["nodes"] if "constant" in n] == [float]
    assert serialize.from_json(flat)[0].evaluate({"x": 2.0}) == 3.0
