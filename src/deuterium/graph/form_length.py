"""How long a closed form would be, told from the graph before any of it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import symengine as se

from deuterium.graph.operator import Operator
from deuterium.graph.traverse import symbols_in
from deuterium.graph.variable import Variable

PRINTABLE_NODES = 400  # more are not looked at: the graph is a program, no formula
PRINTABLE_ELEMENTS = 64  # of the result and of all symbols, each with a name of its own
PRINTABLE_TEXT = 2_000  # characters by `form_length`: a screen of text
PRINTABLE_NESTING = 40  # of LaTeX, which SymPy makes by recursion
NUMBER = 18  # characters of a double
JOINT = 3  # characters between two elements of a sum
READ_ROWS = ("matmul", "softmax", "cumsum")  # for one element of their result
STAND_INS = (
    "\N{MATHEMATICAL FRAKTUR SMALL A}",
    "\N{MATHEMATICAL FRAKTUR SMALL B}",
    "\N{MATHEMATICAL FRAKTUR SMALL C}",
)


def is_printable(v: Variable, order: Sequence[Variable]) -> bool:
    """Return whether the closed form of ``v`` is short enough to be read.

    ``order`` has the nodes below ``v``.
    """
    elements = v.size + sum(s.size for s in symbols_in(order))
    few = len(order) <= PRINTABLE_NODES and elements <= PRINTABLE_ELEMENTS
    return few and form_length(order) * v.size <= PRINTABLE_TEXT


def form_length(order: Sequence[Variable]) -> float:
    """Return about how many characters one element of the last node takes.

    What is shared in the graph is written out wherever it is used, so this can be
    exponential in the number of nodes.
    """
    length: dict[Variable, float] = {}
    for n in order:
        if n.op is None:
            length[n] = _leaf(n)
        elif n.op.elementwise:
            own, times = _form(n)
            length[n] = own + sum(
                t * length[a] for t, a in zip(times, n.args, strict=True)
            )
        else:
            length[n] = sum((length[a] + JOINT) * _elements_read(n, a) for a in n.args)
    return length[order[-1]]


def _leaf(v: Variable) -> float:
    if v.is_symbol:
        return len(v.name) + 2.0 * v.ndim
    return float(len(str(v.value))) if v.shape == () else NUMBER


def _form(n: Variable) -> tuple[float, list[int]]:
    """Return an operator's own characters, and how often each argument is written."""
    assert n.op is not None
    arrays = any(isinstance(a, np.ndarray) for a in n.attrs.values())  # not hashable
    measure = _measured.__wrapped__ if arrays else _measured
    return measure(n.op, len(n.args), tuple(n.attrs.items()))


@lru_cache(maxsize=1024)
def _measured(
    op: Operator, arity: int, attrs: tuple[tuple[str, Any], ...]
) -> tuple[float, list[int]]:
    if op.symbolic is None:
        return math.inf, [0] * arity
    text = str(op.symbolic(*map(se.Symbol, STAND_INS[:arity]), **dict(attrs)))
    times = [text.count(a) for a in STAND_INS[:arity]]
    return float(len(text) - sum(times)), times


def _elements_read(n: Variable, a: Variable) -> float:
    """Return about how many elements of an argument go into one of the result."""
    if n.op is not None and n.op.name in READ_ROWS:
        return float(n.args[0].shape[-1])
    return max(a.size / max(n.size, 1), 1.0)
