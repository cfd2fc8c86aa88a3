"""Tools for testing computations: an exact oracle, and random graphs and domains.

Takes a graph, an operator or nothing; gives exact values, verdicts and random graphs.

- `evaluate_exactly` runs a graph in ball arithmetic, to any precision.
- `assert_encloses` holds `deuterium.enclose` against it, with no tolerance.
- `check_operator` compares the record of an operator with its definition.
- `graphs` and `boxes` are Hypothesis strategies for graphs and for boxes around their
  symbols.

The first three need python-flint (``pip install deuterium[verify]``), the strategies
need Hypothesis; both are imported when first used.
"""

from deuterium.testing.encloses import assert_encloses
from deuterium.testing.operators import check_operator
from deuterium.testing.oracle import evaluate_exactly
from deuterium.testing.sampling import sample_points
from deuterium.testing.strategies import boxes, graphs

__all__ = [
    "assert_encloses",
    "boxes",
    "check_operator",
    "evaluate_exactly",
    "graphs",
    "sample_points",
]
