"""`simplify`: the driver, what is assumed of nodes, and the rules.

Takes a graph; gives a simpler one with the same real values.
"""

from deuterium.transform.simplify.simplify import simplify

__all__ = ["simplify"]
