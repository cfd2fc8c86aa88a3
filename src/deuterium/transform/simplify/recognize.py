"""Formulas that have an operator of their own, found as they are written.

``x log(x)`` is bounded, ``sin(x) / x`` smooth, the length of a vector has a slope of at
most one; their derivatives, taken part by part, are not.  So formulas are given their
own operators before they are differentiated, and not only when they are simplified.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval.environment import forgets
from deuterium.transform.simplify.rules import BY_OPERATOR, Known
from deuterium.transform.simplify.simplify import Simplifier

NAMING = {
    operator: kept
    for operator, rules in BY_OPERATOR.items()
    if (kept := tuple(rule for rule in rules if rule.names))
}
"""The rules that give formulas their own operators, by what they are tried on."""

SIGNS = frozenset(
    {"exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "sinh", "sqrt"}
)
"""Operators without which no formula is recognised."""

_NAMED: WeakKeyDictionary[Variable, Variable] = WeakKeyDictionary()
forgets(_NAMED.clear)


def recognized(y: Variable, inputs: Iterable[Variable] = ()) -> Variable:
    """Return the same function, formulas that have an operator given by it.

    ``inputs`` are constants that must stay what they are.
    """
    kept = list(inputs)
    if not kept and y in _NAMED:
        return _NAMED[y]
    found = _named(y, topological([y]), kept)
    if not kept and found is not y:
        _NAMED[y] = found
    return found


def _named(
    y: Variable, order: Sequence[Variable], inputs: Sequence[Variable]
) -> Variable:
    if not any(n.op is not None and n.op.name in SIGNS for n in order):
        return y
    simplifier = Simplifier(Known(None, inputs), NAMING)
    (found,) = simplifier.run([y])
    return found if simplifier.fired else y
