"""The certified supremum and infimum of a graph over a domain.

Takes a graph and a domain; gives a `Bracket` with its proof.
"""

from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.optimize.maximize import maximize, minimize

__all__ = ["Bracket", "maximize", "minimize"]
