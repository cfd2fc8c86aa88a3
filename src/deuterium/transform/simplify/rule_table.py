"""The table of rules: what each states, where it holds, and what it gains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions

Rewrite = Callable[[Variable, Assumptions], Variable | None]
Kind = Operator | None  # of a node; None for a leaf


@dataclass(frozen=True)
class Rule:
    """One identity over the reals, read from left to right.

    Attributes
    ----------
    name : str
        The name of the function that applies it.
    identity : str
        What is replaced by what.
    holds : str
        Where the two sides are equal.  A condition on the domain is checked, by an
        enclosure, before the rule is applied.
    gains : str
        Why the right side is better.
    applies : callable
        Whether it is tried on the nodes of an operator (or on leaves, given None).
    rewrite : callable
        ``rewrite(v, known)``: the right side, or None where the rule does not apply.
    fills : bool
        Whether the right side is defined where the left has a removable singularity:
        with the limit as its value, as of ``sin(x) / x`` at 0.
    names : bool
        Whether it gives a formula its own operator, with derivatives of its own: such
        rules are applied before differentiating, too.
    """

    name: str
    identity: str
    holds: str
    gains: str
    applies: Callable[[Kind], bool]
    rewrite: Rewrite
    fills: bool = False
    names: bool = False


RULES: dict[str, Rule] = {}
"""Every rule by name."""


def rule(
    *operators: Kind,
    when: Callable[[Operator], bool] | None = None,
    identity: str,
    holds: str = "everywhere",
    gains: str,
    fills: bool = False,
    names: bool = False,
) -> Callable[[Rewrite], Rewrite]:
    """Return a decorator that enters a rule.

    It is tried on nodes of these operators, and of those of which ``when`` is true: a
    question about traits, so that it holds for operators that are entered later, too.
    """

    def applies(op: Kind) -> bool:
        return op in operators or bool(when and op is not None and when(op))

    def enter(rewrite: Rewrite) -> Rewrite:
        name = rewrite.__name__
        if name in RULES:
            raise AssertionError(f"two rules are called {name!r}")
        RULES[name] = Rule(
            name, identity, holds, gains, applies, rewrite, fills, names or fills
        )
        return rewrite

    return enter
