"""The one graph: its nodes, its protocols, its traversal and its file form.

Takes NumPy code on symbols and numbers; gives Variables.  The modules named only for
their effect enter methods of Variable.
"""

from deuterium.graph import (  # noqa: F401
    closed_form,
    compare,
    index_tricks,
    substitute,
)
from deuterium.graph.constructors import as_variable, constant, symbol
from deuterium.graph.interpret import interpret
from deuterium.graph.operator import OPERATORS, Operator
from deuterium.graph.serialize import dumps, loads
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.validate import check
from deuterium.graph.variable import Variable

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
