"""Graphs to functions of arrays: the plain interpreter over NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, MissingSymbolError, UnsupportedError
from deuterium.evaluate.values import fitted, require_all, require_known
from deuterium.graph.check import check
from deuterium.graph.interpret import interpret
from deuterium.graph.late import provides
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import free_symbols, symbols_in, topological
from deuterium.graph.variable import Variable, as_variable

BACKENDS = ("numpy",)


class CompiledFunction:
    """A function of arrays made from a graph by `compile`.

    Attributes
    ----------
    inputs, outputs : tuple of Variable
        What goes in and what comes out.
    source : str
        The steps of the computation, one line per node, for reading.

    Notes
    -----
    Arguments may carry leading batch axes, which broadcast against each other; every
    output then has them too.
    """

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._order = topological(self.outputs)

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """Return the outputs, a tuple of float64 arrays."""
        if len(args) != len(self.inputs):
            raise InvalidInputError(
                f"this function takes {len(self.inputs)} arguments "
                f"({', '.join(self._names())}), got {len(args)}"
            )
        given = {
            leaf: fitted(value, leaf, "compiled function")
            for leaf, value in zip(self.inputs, args, strict=True)
        }
        return run(self.outputs, given, self._order)

    def _names(self) -> list[str]:
        return [v.name or f"constant{v.shape}" for v in self.inputs]

    @property
    def source(self) -> str:
        """The steps of the computation as text."""
        number = {node: f"v{i}" for i, node in enumerate(self._order)}
        lines = [f"{number[n]} = {_step(n, number)}" for n in self._order]
        returned = ", ".join(number[v] for v in self.outputs)
        return "\n".join([*lines, f"return {returned}"])

    def __repr__(self) -> str:
        return (
            f"<compiled function of {', '.join(self._names())}: "
            f"{len(self._order)} steps, {len(self.outputs)} outputs>"
        )


def _step(node: Variable, number: Mapping[Variable, str]) -> str:
    if node.op is None:
        if node.is_symbol:
            return f"input {node.name!r}"
        return repr(node.value) if node.shape == () else f"constant{node.shape}"
    static = [f"{k}={v!r:.40}" for k, v in node.attrs.items()]
    return f"{node.op.name}({', '.join([*(number[a] for a in node.args), *static])})"


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


def compile(
    inputs: Sequence[Variable], outputs: Sequence[Variable], backend: str = "numpy"
) -> CompiledFunction:
    """Return a function of arrays that computes ``outputs`` from ``inputs``.

    Parameters
    ----------
    inputs : sequence of Variable
        Symbols, or constants that are to become arguments (parameters, say).
    outputs : sequence of Variable
        What to compute.
    backend : {"numpy"}
        What runs it.

    Raises
    ------
    MissingSymbolError
        A symbol below the outputs is not among the inputs.
    """
    if backend not in BACKENDS:
        raise UnsupportedError(
            f"compile: `backend` must be one of {BACKENDS}, got {backend!r}"
        )
    ins = _listed(inputs)
    outs = [as_variable(v) for v in _listed(outputs)]
    for v in ins:
        if not isinstance(v, Variable) or v.op is not None:
            raise InvalidInputError(
                f"compile: `inputs` must be symbols or constants, got {v!r}"
            )
    check(outs)
    symbols = {v.name: v for v in free_symbols(outs)}
    require_all([v.name for v in ins], symbols, "compile", "place among the inputs")
    return CompiledFunction(ins, outs)


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, Variable) else list(x)


@provides("evaluate")
def evaluate(v: Variable, values: Mapping[Any, Any]) -> Any:
    """Return the value of ``v``: a float for an unbatched scalar, else an array."""
    order = topological([v])
    symbols = {s.name: s for s in symbols_in(order)}
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
    return float(result) if result.shape == () else result
