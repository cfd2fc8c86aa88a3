"""Walking a jaxpr: its equations one after the other, on Variables and numbers.

Calls (`jit`, `custom_jvp_call`, `remat2`) are walked in their turn, loops of known
length are unrolled, and a branch is taken where its predicate is a number.  What
depends on no input is computed by JAX itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium.errors import DeuteriumError, UnsupportedError
from deuterium.frontends.jax.jax_numbers import computed
from deuterium.frontends.jax.jax_rules import (
    MOVERS,
    REFUSALS,
    RULES,
    Call,
    Number,
    Value,
)
from deuterium.frontends.jax.jax_source import inside, place_of, source_of
from deuterium.functions.joins import stack
from deuterium.graph.provenance import attributing
from deuterium.graph.variable import Variable
from deuterium.ops import shapes
from deuterium.ops.reduce import maximum_reduce
from deuterium.optional import require

__all__ = ["walk"]

# turns of one loop that are written out; each repeats the nodes of its body
MOST_TURNS = 100_000

# what does no more than run the jaxpr it holds, under the names it has had
CALLS = frozenset(
    [
        "jit",
        "pjit",
        "closed_call",
        "core_call",
        "xla_call",
        "named_call",
        "remat",
        "remat2",
        "checkpoint",
        "custom_jvp_call",
        "custom_vjp_call",
        "custom_vjp_call_jaxpr",
        "custom_dce_call",
        "composite",
    ]
)
_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def walk(jaxpr: Any, consts: Sequence[Value], args: Sequence[Value]) -> list[Value]:
    """Return the results of a jaxpr.

    Raises
    ------
    UnsupportedError
        A primitive has no meaning on Variables; named, with where it stands.
    """
    env: dict[Any, Value] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    with attributing() as attribute:
        for equation in jaxpr.eqns:
            attribute(source_of(equation))
            values = [_read(env, v) for v in equation.invars]
            results = _results(equation, values)
            env.update(zip(equation.outvars, results, strict=True))
    return [_read(env, v) for v in jaxpr.outvars]


def _read(env: dict[Any, Value], var: Any) -> Value:
    return Number(var.val) if hasattr(var, "val") else env[var]


def _walk_closed(closed: Any, args: Sequence[Value]) -> list[Value]:
    """Walk a jaxpr that may bring its constants along."""
    inner = getattr(closed, "jaxpr", closed)
    return walk(inner, [Number(c) for c in getattr(closed, "consts", ())], args)


def _results(equation: Any, values: Sequence[Value]) -> Sequence[Value]:
    name = equation.primitive.name
    if name in CONTROL:
        with inside(equation):
            return CONTROL[name](equation, values)
    if name in CALLS and not all(isinstance(v, Number) for v in values):
        inner = next(filter(None, map(equation.params.get, _INNER)))
        with inside(equation):
            return _walk_closed(inner, values)
    call = Call(
        name,
        equation.params,
        values,
        [v.aval for v in equation.invars],
        [v.aval for v in equation.outvars],
        place_of(equation),
        _binder(equation),
    )
    if all(isinstance(v, Number) for v in values):
        return _numbers(call)
    return _applied(call)


def _applied(call: Call) -> list[Value]:
    rule = RULES.get(call.name)
    if rule is None:
        call.refuse(
            REFUSALS.get(call.name)
            or "it has no meaning on Variables yet; give it one with "
            f"@deuterium.frontends.jax.primitive({call.name!r}), a function of the "
            "call that returns Variables, or write the function with the primitives "
            "listed in docs/models.md"
        )
    try:
        found = rule(call)
    except DeuteriumError as error:
        if "JAX's primitive" in str(error):
            raise
        raise UnsupportedError(
            f"JAX's primitive {call.name!r}{call.where}: {error}"
        ) from error
    results = found if isinstance(found, (list, tuple)) else [found]
    values: list[Value] = []
    for result, aval in zip(results, call.outputs, strict=True):
        if np.shape(result) != tuple(aval.shape):
            call.refuse(f"its rule made shape {np.shape(result)}, JAX {aval.shape}")
        values.append(result if isinstance(result, Variable) else Number(result))
    return values


def _numbers(call: Call) -> list[Value]:
    """Return results of numbers alone: JAX's own, and exact where they are rounded."""
    arrays = computed(call, [v.array for v in call.values if isinstance(v, Number)])
    rounded = call.name not in MOVERS and any(_is_float(a) for a in call.outputs)
    inexact = [v for v in call.values if isinstance(v, Number) and v.exact is not None]
    if not rounded and not inexact:
        return [Number(a) for a in arrays]
    if call.name not in RULES or not all(_is_real(a) for a in call.inputs):
        return [Number(a) for a in arrays]
    try:
        exact = _applied(call)
    except DeuteriumError:  # what is undefined, or has no operator: JAX's number is it
        return [Number(a) for a in arrays]
    return [
        Number(a, e if isinstance(e, Variable) and _is_float(o) else None)
        for a, e, o in zip(arrays, exact, call.outputs, strict=True)
    ]


def _kind(aval: Any) -> str:
    try:
        return np.dtype(aval.dtype).kind
    except TypeError:  # a key of random numbers
        return "O"


def _is_float(aval: Any) -> bool:
    return _kind(aval) in "fV"  # bfloat16 is V to NumPy


def _is_real(aval: Any) -> bool:
    return _kind(aval) in "fVbiu"


def _binder(equation: Any) -> Callable[..., Any]:
    def bind(*arrays: Any, **changed: Any) -> Any:
        jax = require("jax", "jax", "deuterium.frontends.jax")
        params = {**equation.params, **changed}
        with jax.ensure_compile_time_eval():
            return equation.primitive.bind(*map(jax.numpy.asarray, arrays), **params)

    return bind


# -- loops and branches --------------------------------------------------------------


def _scan(equation: Any, values: Sequence[Value]) -> list[Value]:
    """Write a loop out, turn by turn."""
    p = equation.params
    consts, carry, lists = _split(values, p["num_consts"], p["num_carry"])
    _require_few(equation, p["length"])
    turns = range(p["length"])
    rows: list[list[Value]] = []
    for k in reversed(turns) if p["reverse"] else turns:
        row = [_element(x, k) for x in lists]
        found = _walk_closed(p["jaxpr"], [*consts, *carry, *row])
        carry = found[: p["num_carry"]]
        rows.append(found[p["num_carry"] :])
    if p["reverse"]:
        rows.reverse()
    outs = equation.outvars[p["num_carry"] :]
    return [
        *carry,
        *(
            _stacked(column, v.aval)
            for column, v in zip(
                zip(*rows, strict=True) if rows else [()] * len(outs), outs, strict=True
            )
        ),
    ]


def _split(values: Sequence[Value], *counts: int) -> list[list[Value]]:
    parts, start = [], 0
    for count in counts:
        parts.append(list(values[start : start + count]))
        start += count
    return [*parts, list(values[start:])]


def _element(x: Value, k: int) -> Value:
    if isinstance(x, Variable):
        return x[k]
    return Number(x.array[k], None if x.exact is None else x.exact[k])


def _stacked(column: Sequence[Value], aval: Any) -> Value:
    if all(isinstance(v, Number) and v.exact is None for v in column):
        if not column:
            return Number(np.zeros(aval.shape, aval.dtype))
        jax = require("jax", "jax", "deuterium.frontends.jax")
        return Number(
            jax.numpy.stack([v.array for v in column if isinstance(v, Number)])
        )
    return stack([v if isinstance(v, Variable) else v.node() for v in column])


def _while(equation: Any, values: Sequence[Value]) -> list[Value]:
    """Write a loop out for as long as its condition, a number, holds."""
    p = equation.params
    tests, consts, carry = _split(values, p["cond_nconsts"], p["body_nconsts"])
    turns = 0
    while True:
        (again,) = _walk_closed(p["cond_jaxpr"], [*tests, *carry])
        if not isinstance(again, Number):
            _refuse(
                equation,
                "how often it turns depends on an input or a parameter; "
                "use lax.fori_loop or lax.scan with a length that is a number",
            )
        if not np.asarray(again.array).item():
            return carry
        turns += 1
        _require_few(equation, turns)
        carry = _walk_closed(p["body_jaxpr"], [*consts, *carry])


def _require_few(equation: Any, turns: int) -> None:
    if turns > MOST_TURNS:
        _refuse(
            equation,
            f"more than {MOST_TURNS} turns would be written out; write "
            "the loop with array operations",
        )


def _cond(equation: Any, values: Sequence[Value]) -> list[Value]:
    """Take the branch that a number chooses; choose in the graph between both else."""
    which, *args = values
    branches = equation.params["branches"]
    if isinstance(which, Number):
        k = min(max(int(np.asarray(which.array)), 0), len(branches) - 1)
        return _walk_closed(branches[k], args)
    found = [_walk_closed(branch, args) for branch in branches]
    return [_chosen(which, list(column)) for column in zip(*found, strict=True)]


def _chosen(which: Variable, column: list[Value]) -> Value:
    if all(v is column[0] for v in column):
        return column[0]
    nodes = [v if isinstance(v, Variable) else v.node() for v in column]
    result = nodes[-1]
    for k in range(len(nodes) - 2, -1, -1):
        result = np.where(which <= k, nodes[k], result)  # type: ignore[assignment]
    return result


def _refuse(equation: Any, why: str) -> None:
    raise UnsupportedError(
        f"JAX's primitive {equation.primitive.name!r}{place_of(equation)}: {why}"
    )


def _stop_gradient(equation: Any, values: Sequence[Value]) -> list[Value]:
    """Pass on what JAX does not differentiate; warn where that makes a difference."""
    (x,) = values
    if isinstance(x, Variable) and not _is_largest(x):
        warnings.warn(
            f"JAX's stop_gradient{place_of(equation)}: derivatives of a lifted model "
            "are those of the function, and go through it; to bound what JAX computes, "
            "lift jax.grad of your function",
            stacklevel=2,
        )
    return list(values)


def _is_largest(x: Variable) -> bool:
    """Return whether it is the largest element, which softmax and its kin subtract."""
    while x.op in (shapes.reshape, shapes.broadcast, shapes.transpose):
        (x,) = x.args
    return x.op is maximum_reduce


CONTROL: dict[str, Callable[[Any, Sequence[Value]], Sequence[Value]]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "stop_gradient": _stop_gradient,
}
