"""What each operator is in Coq: the graph's elements as terms.

An operator that is not in the table is spelled out by its record's ``definition``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.certify.coq.coq_terms import (
    ONE,
    PI,
    RealTerm,
    absolute,
    atan,
    cos,
    exp,
    inverse,
    ln,
    made,
    minus,
    product,
    raised,
    sin,
    sqrt,
    tan,
    term_of,
)
from deuterium.errors import UnsupportedError
from deuterium.graph.constructors import symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

Rule = Callable[..., Any]


def _power(a: RealTerm, b: RealTerm) -> RealTerm:
    if b.kind == "number" and b.datum.denominator == 1:
        return raised(a, int(b.datum))
    if b.kind == "number" and b.datum.denominator == 2:
        return raised(sqrt(a), int(2 * b.datum))
    return exp(b * ln(a))


def _root_of_squares(*parts: Any) -> RealTerm:
    return sqrt(sum((raised(a, 2) for a in parts[1:]), raised(parts[0], 2)))


def _larger(a: RealTerm, b: RealTerm) -> RealTerm:
    return (a + b + absolute(a - b)) / 2


def _sigmoid(z: RealTerm) -> RealTerm:
    return inverse(1 + exp(minus(z)))


def _tanh(z: RealTerm) -> RealTerm:
    """Return tanh with its argument written once, which keeps ranges tight."""
    return 1 - 2 / (exp(2 * z) + 1)


TERMS: dict[Operator, Rule] = {
    ops.add: lambda a, b: a + b,
    ops.subtract: lambda a, b: a - b,
    ops.multiply: product,
    ops.divide: lambda a, b: a / b,
    ops.negative: minus,
    ops.square: lambda a: raised(a, 2),
    ops.sqrt: sqrt,
    ops.reciprocal: inverse,
    ops.integer_power: raised,
    ops.power: _power,
    ops.pi: lambda: PI,
    ops.exp: exp,
    ops.exp2: lambda a: exp(a * ln(term_of(2))),
    ops.expm1: lambda a: exp(a) - 1,
    ops.log: ln,
    ops.log2: lambda a: ln(a) / ln(term_of(2)),
    ops.log10: lambda a: ln(a) / ln(term_of(10)),
    ops.log1p: lambda a: ln(1 + a),
    ops.sinh: lambda a: (exp(a) - exp(-a)) / 2,
    ops.cosh: lambda a: (exp(a) + exp(-a)) / 2,
    ops.tanh: _tanh,
    ops.arcsinh: lambda a: ln(a + sqrt(raised(a, 2) + 1)),
    ops.expit: _sigmoid,
    ops.log_expit: lambda z: -ln(1 + exp(minus(z))),
    ops.logit: lambda p: ln(p / (1 - p)),
    ops.logaddexp: lambda a, b: ln(exp(a) + exp(b)),
    ops.log_cosh: lambda a: ln((exp(a) + exp(-a)) / 2),
    ops.hypot: _root_of_squares,
    ops.absolute: absolute,
    ops.relu: lambda z: (z + absolute(z)) / 2,
    ops.maximum: _larger,
    ops.minimum: lambda a, b: (a + b - absolute(a - b)) / 2,
    ops.sin: sin,
    ops.cos: cos,
    ops.tan: tan,
    ops.arctan: atan,
    ops.arcsin: lambda a: atan(a / sqrt(1 - raised(a, 2))),
}


def _shares(row: Any) -> Any:
    """Return each share as 1 / (sum of exponentials of differences)."""
    return np.array(
        [inverse(sum((exp(b - a) for b in row if b is not a), ONE)) for a in row]
    )


def _by_rows(rule: Callable[[Any], Any]) -> Rule:
    def run(x: Any, **_: Any) -> Any:
        found = [rule(row) for row in x.reshape(-1, x.shape[-1])]
        return np.array(found, dtype=object).reshape(x.shape[:-1] + np.shape(found[0]))

    return run


ROWS: dict[Operator, Rule] = {
    ops.norm: _by_rows(lambda row: _root_of_squares(*row)),
    ops.softmax_last: _by_rows(_shares),
    ops.logsumexp_last: _by_rows(lambda row: ln(sum(map(exp, row[1:]), exp(row[0])))),
    ops.maximum_reduce: _by_rows(lambda row: reduce(_larger, row)),
}
"""Operators of whole rows: the last axis of an array of terms."""


def elements(v: Variable, names: Mapping[tuple[str, int], str]) -> Any:
    """Return the elements of a graph as terms, in an object array of its shape.

    Parameters
    ----------
    v : Variable
        The graph.
    names : mapping
        How the file calls each element of each symbol, by the symbol and the place.

    Raises
    ------
    UnsupportedError
        An operator cannot be said in Coq.
    """

    def leaf(node: Variable) -> Any:
        if node.is_symbol:
            found = [made("input", datum=names[node.name, k]) for k in range(node.size)]
        else:
            found = [term_of(x) for x in np.ravel(node.value)]
        return _array(found, node.shape)

    return interpret(topological([v]), leaf, _rule)[v]


def _array(found: list[RealTerm], shape: tuple[int, ...]) -> Any:
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array.reshape(shape)


def _rule(op: Operator) -> Rule:
    if op in ROWS:
        return ROWS[op]
    if not op.elementwise:
        if op.symbolic is None:
            value = op.value
            return lambda *args, **attrs: np.asarray(
                value(*args, **attrs), dtype=object
            )
        raise UnsupportedError(_missing(op))
    one = TERMS.get(op) or _spelled_out(op)

    def run(*arrays: Any, **attrs: Any) -> Any:
        if not arrays:
            return _array([one()], ())
        several = np.frompyfunc(lambda *xs: one(*xs, **attrs), len(arrays), 1)
        return np.asarray(several(*arrays), dtype=object)

    return run


@cache
def _spelled_out(op: Operator) -> Rule:
    if op.definition is None:
        raise UnsupportedError(_missing(op))
    places = [symbol(f"argument_{k}") for k in range(op.arity or 1)]
    graph = op.definition(*places)

    def run(*args: RealTerm) -> RealTerm:
        put = {s: _array([a], ()) for s, a in zip(places, args, strict=True)}
        found = interpret(topological([graph]), _constant, _rule, put)[graph]
        return term_of(found.item())

    return run


def _constant(node: Variable) -> Any:
    return _array([term_of(node.value)], ())


def _missing(op: Operator) -> str:
    return (
        f"the operator {op.name!r} has no rule for Coq: a file is written for "
        "elementary functions (+ - * /, powers, roots, exp, log, sin, cos, tan, "
        "arctan, tanh, logistic, absolute values); take `verify` for this certificate"
    )
