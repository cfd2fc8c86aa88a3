"""JAX's own cases for its primitives, which its wheel brings along, as a suite.

``python -m tests.frontends.jax_harnesses`` runs all float32 and float64 cases and
prints how many are lifted and equal, by group; ``--why`` adds the first refusal of
each group.
"""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from zlib import crc32

import numpy as np

from deuterium.graph.traverse import free_symbols

# The groups of the primitives that the front end is for; the others are complex,
# random, about bits, or decompositions of matrices.
NAMED = [
    "abs",
    "acos",
    "acosh",
    "add",
    "add_any",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bessel_i0e",
    "bessel_i1e",
    "broadcast_in_dim",
    "cbrt",
    "ceil",
    "clamp",
    "concatenate",
    "conv_general_dilated",
    "convert_element_type",
    "cos",
    "cosh",
    "cumlogsumexp",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "digamma",
    "div",
    "dot_general",
    "dynamic_slice",
    "dynamic_update_slice",
    "eq",
    "erf",
    "erf_inv",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "gather",
    "ge",
    "gt",
    "integer_pow",
    "iota",
    "is_finite",
    "le",
    "lgamma",
    "log",
    "log1p",
    "logistic",
    "lt",
    "max",
    "min",
    "mul",
    "ne",
    "neg",
    "pad",
    "pow",
    "reduce",
    "reduce_max",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "reduce_window_add",
    "reduce_window_max",
    "reduce_window_min",
    "reduce_window_mul",
    "rem",
    "reshape",
    "rev",
    "round",
    "rsqrt",
    "scatter",
    "scatter_add",
    "scatter_max",
    "scatter_min",
    "scatter_mul",
    "select_n",
    "sign",
    "sin",
    "sinh",
    "slice",
    "sort",
    "sqrt",
    "squeeze",
    "stop_gradient",
    "sub",
    "tan",
    "tanh",
    "transpose",
]

# Relative to the largest element: float32 rounds at 6e-8, and a product of hundreds of
# terms or a power loses some digits of that; float64 likewise.  Rounding to shorter
# floats is not lifted.
TOLERANCE = {"float64": 1e-10, "float32": 2e-4, "float16": 2e-3, "bfloat16": 2e-2}


def cases():
    """Return JAX's cases for arrays of float32 and float64, of one CPU."""
    import jax

    with jax.enable_x64(True):  # the cases are listed when this is imported
        from jax._src.internal_test_util.test_harnesses import all_harnesses

    return [
        h
        for h in all_harnesses
        if h.dtype in (np.float32, np.float64) and h.filter("cpu")
    ]


def outcome(harness):
    """Return "equal", or why a case is not."""
    import jax

    from deuterium.frontends import jax as front_end

    rng = np.random.RandomState(crc32(harness.fullname.encode()))
    args = [np.asarray(a) if _is_float(a) else a for a in harness.dyn_args_maker(rng)]
    varying = [i for i, a in enumerate(args) if _is_float(a)]

    def function(*floats):
        whole = list(args)
        for i, value in zip(varying, floats, strict=True):
            whole[i] = value
        return harness.dyn_fun(*whole)

    floats = [args[i] for i in varying]
    with jax.enable_x64(True):
        want = jax.tree_util.tree_leaves(function(*map(jax.numpy.asarray, floats)))
    model = front_end.lift(function, *floats)
    point = dict(zip(model.inputs, floats, strict=True))
    for v, w in zip(model.outputs.values(), want, strict=True):
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            got = v.evaluate({s: point[s.name] for s in free_symbols([v])})
        if np.iscomplexobj(w):
            return "complex"
        problem = _difference(got, w, np.dtype(harness.dtype).name)
        if problem:
            return problem
    return "equal"


def _is_float(x):
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        return isinstance(x, float)
    return dtype in (np.float32, np.float64)


def _difference(got, want, dtype):
    dtype = str(want.dtype) if str(want.dtype) in TOLERANCE else dtype
    want = np.asarray(want).astype(np.float64)
    got = np.broadcast_to(got, want.shape)
    if not np.array_equal(np.isfinite(got), np.isfinite(want)):
        return "finite elsewhere"
    finite = np.isfinite(want)
    if not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        return "infinite otherwise"
    size = np.abs(want[finite]).max(initial=1.0)
    error = np.abs(got[finite] - want[finite]).max(initial=0.0)
    return "" if error <= TOLERANCE[dtype] * size else f"differs by {error:g}"


def run(chosen):
    """Return outcomes by group."""
    found = defaultdict(list)
    for harness in chosen:
        try:
            result = outcome(harness)
        except Exception as error:  # whatever a case meets is its outcome
            result = f"{type(error).__name__}: {error}"
        found[harness.group_name].append((harness.name, result))
    return found


def main(arguments):
    """Print the counts by group."""
    words = [a for a in arguments if not a.startswith("-")]
    chosen = [h for h in cases() if not words or h.group_name in words]
    found = run(chosen)
    total = 0
    for group, results in sorted(found.items()):
        equal = sum(result == "equal" for _, result in results)
        total += equal
        named = "" if group in NAMED else " (not named)"
        print(f"{group:28} {equal:4} of {len(results):4}{named}")
        if "--why" in arguments:
            reasons = {}
            for name, result in results:
                if result != "equal":
                    reasons.setdefault(result[:150], []).append(name)
            for reason, names in list(reasons.items())[:4]:
                print(f"    {len(names)}x {names[0][:60]}: {reason}")
    print(f"{total} of {len(chosen)} equal")


if __name__ == "__main__":
    main(sys.argv[1:])
