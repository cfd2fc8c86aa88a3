"""Check of norm leaves: lengths of whole arrays, worked out in ball arithmetic.

What such a leaf says is stated with the bounder by norms; nothing of it is used here
but the rules.  One pass over the graph carries for every node intervals, a ball around
a centre, and bounds of the length and of the sum of absolute values (`array_knowledge`,
`norm_pass`, `norm_leaf_rules`).  The choices that a leaf lays down may be anything:
they can make a bound worse, not wrong.  Only norms of matrices are claims, and are
proved (`ball_matrices`).
"""

from deuterium.certify.checker.norm_bounds.norm_leaf import norms

__all__ = ["norms"]
