"""Write docs/onnx-operators.md: which operators of ONNX work, by the standard's tests.

The tests are those of the package ``onnx`` (`onnx.backend.test.case.node`): models of
one node that take a float and give floats, in single or double precision.  The first
float that an operator can take as one is a symbol, the rest numbers.  Run it after an
operator was added, with ``python docs/make_onnx_page.py``.
"""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import onnx
from onnx.backend.test.case import node as node_cases
from onnx.backend.test.case.node import collect_testcases

from deuterium.errors import DeuteriumError
from deuterium.frontends.onnx import load
from deuterium.frontends.onnx.onnx_registry import OPERATORS
from deuterium.graph.traverse import free_symbols

PAGE = Path(__file__).parent / "onnx-operators.md"
FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}
MAIN = ""

# operators of convolutional networks and of transformers
CORE = [
    "Add", "And", "Attention", "AveragePool", "BatchNormalization", "Clip", "Concat",
    "Conv", "Div", "Dropout", "Erf", "Exp", "Expand", "Flatten", "Gather", "Gelu",
    "Gemm", "GlobalAveragePool", "Identity", "LayerNormalization", "Log", "LogSoftmax",
    "MatMul", "MaxPool", "Mul", "Neg", "Pad", "Pow", "ReduceMean", "ReduceSum", "Relu",
    "Reshape", "RMSNormalization", "RotaryEmbedding", "Sigmoid", "Slice", "Softmax",
    "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze", "Where",
]  # fmt: skip
# by chance, of training, or trees: no smooth layers of a model
OUTSIDE = [
    "Adagrad", "Adam", "ArrayFeatureExtractor", "Bernoulli", "Binarizer", "Momentum",
    "TreeEnsemble",
]  # fmt: skip
# modules whose data take longest to make: seconds each
SLOW = ("averagepool", "lppool", "maxpool")


def type_of(info):
    """Return the number of the type of elements of an input or output."""
    return info.type.tensor_type.elem_type


def is_selected(case):
    """Return whether a case is of one node, from some floats to floats alone."""
    graph = case.model.graph
    return (
        len(graph.node) == 1
        and any(type_of(i) in FLOATS for i in graph.input)
        and all(type_of(o) in FLOATS for o in graph.output)
    )


def cases(but=()):
    """Return the cases selected, in the standard's order, but for some modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not but or not hasattr(node_cases, "_NodeTestCases"):
            return [c for c in collect_testcases(None) if is_selected(c)]
        for module in iter_modules(node_cases.__path__):
            if module.name not in but:
                import_module(f"{node_cases.__name__}.{module.name}")
        return [c for c in node_cases._NodeTestCases if is_selected(c)]


def as_array(x):
    """Return data of a case as an array."""
    return onnx.numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x


def failure(case):
    """Return why a case fails, or None."""
    graph = case.model.graph
    for given, wanted in case.data_sets:
        names = [i.name for i in graph.input]
        values = dict(zip(names, map(as_array, given), strict=False))
        floats = [i.name for i in graph.input if type_of(i) in FLOATS]
        for name in [*floats, None]:
            reason = run(case, values, name, [as_array(w) for w in wanted])
            if reason is None or "must be numbers" not in reason:
                break
        if reason is not None:
            return reason
    return None


def run(case, values, name, wanted):
    """Return why a case fails with one input as a symbol, or None."""
    rest = {n: v for n, v in values.items() if n != name}
    own = {} if name is None else {name: np.asarray(values[name], dtype=np.float64)}
    try:
        model = load(
            case.model, shapes={n: v.shape for n, v in own.items()}, values=rest
        )
    except DeuteriumError as error:
        return str(error)
    for v, right in zip(model.outputs.values(), wanted, strict=False):
        used = {s.name for s in free_symbols([v])}
        with np.errstate(all="ignore"):
            got = v.evaluate({n: x for n, x in own.items() if n in used})
        near = np.shape(got) == right.shape and np.allclose(
            got, right, rtol=case.rtol, atol=max(case.atol, 1e-7), equal_nan=True
        )
        if not near:
            return "another value"
    return None


def scores():
    """Return by operator how many cases pass, and of how many."""
    passed, total = defaultdict(int), defaultdict(int)
    for case in cases():
        kind = case.model.graph.node[0].op_type
        total[kind] += 1
        passed[kind] += failure(case) is None
    return {kind: (passed[kind], total[kind]) for kind in sorted(total)}


def by_body():
    """Return the operators that run by the function the standard defines them with."""
    made = [
        schema.name
        for schema in onnx.defs.get_all_schemas()
        if schema.domain == MAIN
        and (schema.has_function or schema.has_context_dependent_function)
    ]
    return sorted(n for n in made if n not in OPERATORS)


def named(names):
    """Return names in code marks."""
    return " ".join(f"`{n}`" for n in names)


def operators():
    """Return the lines that say which operators there are."""
    return [
        "## With a meaning of their own",
        "",
        named(sorted(OPERATORS)),
        "",
        "## By the function that the standard defines them with",
        "",
        named(by_body()),
    ]


def page():
    """Return the whole page."""
    found = scores()
    core = [found[k] for k in CORE if k in found]
    inside = [v for k, v in found.items() if k not in OUTSIDE]
    lines = [
        "# Which ONNX operators work",
        "",
        "Written by `docs/make_onnx_page.py`. What does not work is refused by name, "
        "with the node's",
        "path; `load(..., operators={...})` adds a meaning.",
        "",
        *operators(),
        "",
        "## The standard's own tests",
        "",
        "Models of one node from floats to floats, in single or double precision, of",
        f"`onnx.backend.test.case.node` in onnx {onnx.__version__}: how many pass.",
        "What stays out draws by chance, trains, has a NaN in its data, or asks for a",
        "type of fewer than 16 bits.",
        "",
        f"- operators of convolutional networks and transformers: {share(core)}",
        f"- all that are functions of real numbers: {share(inside)}",
        f"- all: {share(found.values())}",
        "",
        "| operator | passed | of |",
        "|---|---|---|",
        *(f"| `{k}` | {p} | {n} |" for k, (p, n) in found.items()),
        "",
    ]
    return "\n".join(lines)


def share(pairs):
    """Return how many of how many, in words."""
    pairs = list(pairs)
    passed, total = (sum(pair[k] for pair in pairs) for k in (0, 1))
    return f"{passed} of {total} ({len(pairs)} operators)"


if __name__ == "__main__":
    new = page()
    if "--check" in sys.argv:
        sys.exit(new != PAGE.read_text())
    PAGE.write_text(new)
