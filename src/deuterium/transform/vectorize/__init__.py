"""Many scalar nodes to few array nodes.

A computation written on object arrays of scalars has a node per scalar operation.
Three steps turn it into one of arrays:

- `integer_table` reads the graph as a table of integers,
- `flatten` turns trees of sums and products into single rows of many operands,
- `groups` makes one array node of all rows of equal kind and equal depth.
"""

from deuterium.transform.vectorize.vectorize import vectorize

__all__ = ["vectorize"]
