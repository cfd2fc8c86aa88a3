"""The rules of `simplify`: identities over the reals, one family a file.

The rules of a node's operator are tried in the order of `FAMILIES`, and within a family
in the order of its file.
"""

from deuterium.transform.simplify.assumptions import Bounds, Known
from deuterium.transform.simplify.rule_table import LEAF, RULES, Rule
from deuterium.transform.simplify.rules import constant_folding as constants
from deuterium.transform.simplify.rules import entropy_rules as entropies
from deuterium.transform.simplify.rules import exponential_rules as exponentials
from deuterium.transform.simplify.rules import logistic_rules as logistic
from deuterium.transform.simplify.rules import movement_rules as movement
from deuterium.transform.simplify.rules import norm_rules as norms
from deuterium.transform.simplify.rules import product_rules as products
from deuterium.transform.simplify.rules import reduction_rules as reductions
from deuterium.transform.simplify.rules import removable_rules as removable
from deuterium.transform.simplify.rules import softmax_rules as softmax
from deuterium.transform.simplify.rules import sum_rules as sums
from deuterium.transform.simplify.rules import symmetry_rules as symmetry

__all__ = ["BY_OPERATOR", "FAMILIES", "LEAF", "RULES", "Bounds", "Known", "Rule"]

FAMILIES = (
    constants,
    movement,
    removable,
    entropies,
    norms,
    exponentials,
    softmax,
    logistic,
    symmetry,
    sums,
    products,
    reductions,
)


def _by_operator() -> dict[str, tuple[Rule, ...]]:
    """Return the rules to try on a node, by the name of its operator."""
    table: dict[str, list[Rule]] = {}
    for family in FAMILIES:
        for entry in RULES.values():
            if entry.rewrite.__module__ == family.__name__:
                for name in entry.operators:
                    table.setdefault(name, []).append(entry)
    return {name: tuple(rules) for name, rules in table.items()}


BY_OPERATOR = _by_operator()
