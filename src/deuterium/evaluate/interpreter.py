"""Graphs to numbers by the plain interpreter: the reference for compiled functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, MissingSymbolError
from deuterium.evaluate.inputs import fitted, require_all, require_known
from deuterium.evaluate.named_columns import as_columns, is_table
from deuterium.graph.hooks import provides
from deuterium.graph.interpret import interpret
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import symbols_in, topological
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import prepared


def run(
    outputs: Sequence[Variable],
    given: Mapping[Variable, Any],
    order: Sequence[Variable] | None = None,
) -> tuple[Any, ...]:
    """Return the values of ``outputs``, given those of some leaves."""
    by_name = {v.name: x for v, x in given.items() if v.is_symbol}

    def leaf(v: Variable) -> Any:
        if v.is_constant:
            return float(v.value) if v.shape == () else v.value
        if v.name not in by_name:
            raise MissingSymbolError(f"symbol {v.name!r} was given no value")
        return by_name[v.name]

    with np.errstate(all="ignore"):
        meaning = interpret(
            topological(outputs) if order is None else order,
            leaf,
            lambda op: op.value,
            given,
        )
    batch = np.broadcast_shapes(*[_batch(v, x) for v, x in given.items()])
    return tuple(_with_batch(meaning[v], v, batch) for v in outputs)


def _batch(v: Variable, value: Any) -> tuple[int, ...]:
    shape = np.shape(value)
    return shape[: len(shape) - v.ndim]


def _with_batch(value: Any, v: Variable, batch: tuple[int, ...]) -> Any:
    """Give outputs that do not depend on a batched input their batch axes too."""
    value = np.asarray(value, dtype=np.float64)
    shape = batch + v.shape
    return value if value.shape == shape else np.broadcast_to(value, shape).copy()


def _refined(result: Any, v: Variable, given: Mapping[Variable, Any]) -> Any:
    """Return a result with the simpler form's numbers in place of what is not one."""
    (simpler,) = prepared([v], [k for k in given if k.is_constant])
    if simpler is v:
        return result
    (other,) = run([simpler], given)
    return np.where(np.isfinite(result) | ~np.isfinite(other), result, other)


@provides("evaluate")
def evaluate(v: Variable, values: Mapping[Any, Any]) -> Any:
    """Return the value of ``v``: a float for an unbatched scalar, else an array.

    What over- or underflows as written, or has a removable singularity at the point, is
    worked out in the simpler form that `compile` and `enclose` use.
    """
    order = topological([v])
    symbols = {s.name: s for s in symbols_in(order)}
    if is_table(values):
        columns = as_columns(values, "evaluate")
        values = {n: np.asarray(columns[n]) for n in symbols if n in columns}
    if not isinstance(values, Mapping):
        raise InvalidInputError(
            "evaluate: `values` must be a mapping such as {x: 1.0} or a table with "
            f"named columns, got {type(values).__name__}"
        )
    given: dict[Variable, Any] = {}
    for key, value in values.items():
        if isinstance(key, Variable) and (
            key.is_constant or (key.is_symbol and key.name not in symbols)
        ):
            given[key] = fitted(value, key, "evaluate")  # need not occur in the graph
        else:
            name = symbol_name(key)
            require_known([name], symbols, "evaluate")
            given[symbols[name]] = fitted(value, symbols[name], "evaluate")
    require_all([k.name for k in given], symbols, "evaluate", "value")
    (result,) = run([v], given, order)
    if not np.isfinite(result).all():
        result = _refined(result, v, given)
    if result.shape == ():
        return float(result)
    return result if result.flags.writeable else result.copy()  # not the caller's own
