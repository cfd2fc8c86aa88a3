"""The rules of `simplify`: identities over the reals, one family a file.

The rules of a node's operator are tried in the order of `FAMILIES`, and within a family
in the order of its file.
"""

from deuterium.graph.operator import OPERATORS
from deuterium.transform.simplify.assumptions import Bounds, Known
from deuterium.transform.simplify.rule_table import RULES, Kind, Rule
from deuterium.transform.simplify.rules import choice_rules as choices
from deuterium.transform.simplify.rules import constant_folding as constants
from deuterium.transform.simplify.rules import entropy_rules as entropies
from deuterium.transform.simplify.rules import exponential_rules as exponentials
from deuterium.transform.simplify.rules import length_rules as lengths
from deuterium.transform.simplify.rules import logistic_rules as logistic
from deuterium.transform.simplify.rules import movement_rules as movement
from deuterium.transform.simplify.rules import product_rules as products
from deuterium.transform.simplify.rules import reduction_rules as reductions
from deuterium.transform.simplify.rules import removable_rules as removable
from deuterium.transform.simplify.rules import softmax_rules as softmax
from deuterium.transform.simplify.rules import sum_rules as sums
from deuterium.transform.simplify.rules import symmetry_rules as symmetry

__all__ = ["BY_OPERATOR", "FAMILIES", "RULES", "Bounds", "ByOperator", "Known", "Rule"]

FAMILIES = (
    constants,
    choices,
    movement,
    removable,
    entropies,
    lengths,
    exponentials,
    softmax,
    logistic,
    symmetry,
    sums,
    products,
    reductions,
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
