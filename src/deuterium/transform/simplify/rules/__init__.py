"""The rules of `simplify`: identities over the reals, one family a file.

The rules of a node's operator are tried in the order of `FAMILIES`, and within a family
in the order of its file.
"""

from deuterium.graph.operator import OPERATORS
from deuterium.transform.simplify.assumptions import Assumptions, Bounds
from deuterium.transform.simplify.rule_table import RULES, Kind, Rule
from deuterium.transform.simplify.rules import (
    angle_rules,
    choice_rules,
    constant_folding,
    entropy_rules,
    exponential_rules,
    guarded_rules,
    jump_rules,
    kink_rules,
    label_rules,
    length_rules,
    logistic_rules,
    movement_rules,
    product_rules,
    reduction_rules,
    removable_rules,
    softmax_rules,
    sum_rules,
    symmetry_rules,
)

__all__ = [
    "BY_OPERATOR",
    "FAMILIES",
    "RULES",
    "Assumptions",
    "Bounds",
    "ByOperator",
    "Rule",
]

FAMILIES = (
    constant_folding,
    choice_rules,
    kink_rules,
    jump_rules,
    movement_rules,
    removable_rules,
    guarded_rules,
    angle_rules,
    entropy_rules,
    label_rules,
    length_rules,
    exponential_rules,
    softmax_rules,
    logistic_rules,
    symmetry_rules,
    sum_rules,
    product_rules,
    reduction_rules,
)


class ByOperator(dict[Kind, tuple[Rule, ...]]):
    """The rules to try on a node, by its operator; found when first asked for."""

    def __init__(self, *, naming: bool = False) -> None:
        self.naming = naming  # only those that give a formula its own operator

    def __missing__(self, op: Kind) -> tuple[Rule, ...]:
        rules = tuple(
            entry
            for family in FAMILIES
            for entry in RULES.values()
            if entry.rewrite.__module__ == family.__name__
            and entry.applies(op)
            and (entry.names or not self.naming)
        )
        self[op] = rules
        return rules


BY_OPERATOR = ByOperator()
for _kind in (None, *OPERATORS.values()):
    BY_OPERATOR[_kind]
