"""The one graph: its nodes, its protocols, its traversal and its file form."""

from deuterium.graph.check import check
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.serialize import dumps, loads
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable, as_variable, constant, symbol

__all__ = [
    "OPERATORS",
    "Operator",
    "Variable",
    "as_variable",
    "check",
    "constant",
    "dumps",
    "free_symbols",
    "interpret",
    "loads",
    "symbol",
    "topological",
]
