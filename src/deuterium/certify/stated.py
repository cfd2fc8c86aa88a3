"""Which operators the checker of certificates has statements of its own about.

A bounder may use of an operator what its record says, as long as the checker can prove
the same.  For the operators of `deuterium.ops` it states facts of its own (a test
compares them); of one entered elsewhere it knows the definition alone.
"""

from __future__ import annotations

from deuterium import ops
from deuterium.graph.operator import Operator

STATED = frozenset(op for op in vars(ops).values() if isinstance(op, Operator))


def is_stated(op: Operator) -> bool:
    """Whether the checker states facts about an operator, beside what defines it."""
    return op in STATED
