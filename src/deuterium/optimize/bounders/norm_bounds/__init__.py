"""Bounds by norms: beside the interval of each element, lengths of whole arrays.

The gradient norm of a deep network is a sum of products of lengths.  Intervals bound
each element of a hidden layer by itself; that many of them cannot be large at once is
what norms say.  One pass over the graph carries, for every node v,

* ``ends``: an interval of each element;
* a *ball*: a centre c and a radius r with ``||v - c|| <= r``;
* ``length >= ||v||`` and ``total >= sum |v_i|`` (Euclidean, over the whole array),

each rounded outward.  Two things go past a single pass:

* *corners*: where the objective is convex in a softmax p (all else held fixed), it is
  at most ``sum p_k F_k``, with F_k the objective with the k-th unit vector for p;
* *cubes*: the length of ``d * (u W)`` for u in a box is that of a matrix times a vector
  of a cube, bounded by the dual of a semidefinite relaxation (`sdp_box_norm`).

What a proof says, and how to check it
--------------------------------------
A leaf is ``("norms", data)``; numbers are exact doubles, and every choice is free:
whatever the numbers are, the rules below give an upper bound, and a checker need only
follow the rules with them (in any arithmetic that rounds outward) and compare the
result.  Nodes are called by their place, as a string, in the topological order of the
simplified objective (`graph.traverse.topological`).

``data["sigma"]``: for matrices (nodes without symbols, two-dimensional) a number s with
``||W||_2 <= s``: to be proved, as ``s^2 I - W^T W`` positive semidefinite (or with
``W W^T``, whichever is smaller).  A matrix not listed is not needed.

``data["chains"]``: for places of nodes v the place of a node t and a number s.  From t
to v every node has one argument that depends on a symbol, and is linear in it but for
constants added: v = A t + b.  To be proved: ``||A||_2 <= s``.  A node whose choices
have ``"chain"`` takes from there, after its rule and with the lengths ``||A_i||`` of
A's rows: ends within ``||A_i|| r_t`` of ``A c_t + b``, and, where b = 0 is known since
nothing is added, within ``||A_i|| length(t)`` of 0; a length of ``s length(t)`` (b = 0
likewise) and of the reach of the ball with centre ``A c_t + b`` and radius ``s r_t``;
and that ball, where the choice is true, in place of its rule's.

``data["nodes"]``: for places an object of choices, described with the rules.  If
``data["simplex"]`` is there, it is the place p of a softmax of one row, and ``nodes``
covers the nodes that do not depend on p.  ``data["each"][k]`` covers those that do, for
the pass in which p is the k-th unit vector, exactly; its result is F_k.  With the
interval [l_k, u_k] of the k-th element of the true softmax and ``m = data["mean"]``,

    objective <= m + sum_k max(l_k (F_k - m), u_k (F_k - m)) .

To be proved for it: the objective is convex in p, everything that does not depend on p
being held fixed (`convex_nodes`: affine operators; sums of squares of affine functions
with factors >= 0 that do not depend on p; the root of such a sum).  Without ``simplex``
the bound is the upper end of the last node.

Rules.  A symbol has its box, and ``ball`` of centre (low + high) / 2 and the length of
the half widths; where the domain holds it in a Euclidean ball whose radius is smaller,
that ball; where its rows are unit vectors (`OneHot`) also length ``sqrt(rows)`` and
total ``rows``.  Every rule gives ends, and may give a ball, a length, a total.  Then,
in this order:

1. if the node cannot be negative (`convex_nodes.nonnegative_in`), lower ends below 0
   are 0;
2. ends are cut to ``c_i - r <= v_i <= c_i + r`` with the ball of the rule; those of a
   scalar also to ``|v| <= length`` with the length of the rule;
3. the ball is the rule's where the choice ``"ball"`` of the node is true, else that of
   the ends (their middle, the length of half widths), also where no choice is listed;
4. the length is the least of the rule's, of that of the largest absolute values of the
   ends, of the reach ``||c|| + r`` of the rule's ball, and of the total below;
5. the total is the least of the rule's, the sum of the largest absolute values, and the
   length times the root of the number of elements.

An undefined end (NaN) anywhere is no bound at all.  The rules, for ``v = op(a, b)``:

* constants, and nodes without symbols: their value, of radius 0.
* ``add``, ``subtract``: ends; centre ``c_a ± c_b``, radius ``r_a + r_b``; lengths and
  totals add up; where neither is without symbols, the length is also at most the root
  of ``length(a)^2 + length(b)^2 + 2 s``, where s is the sum of what products of
  elements (of a and b, or of a and -b) exceed 0 by.  ``negative``: all as it is, signs
  changed.
* ``multiply``: ends; length the lesser of ``max|a| length(b)`` and ``max|b| length(a)``
  (``max|.|`` from ends); total the least of ``length(a) length(b)``, ``max|a|
  total(b)`` and ``max|b| total(a)``.  Where a is an exact constant, a ball: centre
  ``a c_b``, radius ``max|a| r_b`` (likewise b).
* ``square``: ends; length ``max|a| length(a)``; total ``length(a)^2``.
* ``sum``: ends, those of a scalar cut to ``|v| <= total(a)``; total ``total(a)``;
  length ``sqrt(q) length(a)``, q elements being added up to one.
* ``matmul`` with an exact constant matrix W on the right (two-dimensional): ends of ``a
  W``, and element j of a row within ``r_a ||W_j||`` (column j) of ``c_a W``; ball of
  centre ``c_a W`` and radius ``s r_a``; length ``s length(a)``.  Likewise on the left,
  with rows.  A matrix without symbols that is not an exact constant gives length ``s
  length(a)`` alone.  Otherwise ends, and length ``length(a) length(b)``.
* ``matmul`` of a softmax: its rows are means, so ends are cut to those of the rows of
  b.  Of the slope of a softmax, ``d = p * (g - p.g)``, length at most ``range(g) / 2``
  times the longest row of b, where ``range(g)`` is the length of the vector of the
  ranges of the rows of g, and a row is at most as long as its ends say and, of ``c W``
  with a constant W, ``||W||`` times the longest row of c.
* after its rule, and in the ends of every element, what is a contraction is at most as
  long as: of ``rejection(x, g, s)`` with s >= 0, and of ``g - mean(g)`` by rows, g; of
  ``p * (g - p.g)``, also written ``p * (g + -p.g)``, the lesser of ``length(g) / 2``
  and ``range(g) / sqrt(8)``.
* ``reshape``, ``transpose``: moved.  ``broadcast`` to q times as many elements: ends
  and their ball; length at most ``sqrt(q) length(a)``, total at most ``q total(a)``.
  ``concatenate``: ends; squares of lengths, and totals, add up.
* ``softmax``, ``argmax_onehot``: ends; length ``sqrt(rows)``, total ``rows``.
  ``direction``, ``soft_direction``: ends; length ``sqrt(rows)``, total ``rows
  sqrt(columns)``.
  ``reorder``: ends; length and total of what is put in order.
* curves f with a Lipschitz constant L (the trait `lipschitz`, or any smaller
  number that holds): ends; centre ``f(c_a)``, radius ``L r_a``; where f(0) = 0 and L
  = 1 also length ``length(a)``.  Choices ``"near"`` and ``"long"`` are lists of
  layers and give, by the inequality of `saturating` (and its ``root``), another radius
  of that ball (``h_i = (f - m_i)^2`` with m = f(c_a)) and a length (m = 0); the lesser
  counts.  The first layer has ``"t"``; with ``"along": g`` (a vector) and ``"by": s``
  the inequality has the term ``s R``, where R bounds ``g . a``: a is ``u W`` with
  constants added (and reshaped), and R is ``g . constants`` plus the least of the
  largest values of ``u . (W g)`` over the ends and over the ball of u, and, where
  layers follow, by the same inequality with them, u being a curve f' of a node a' and
  ``h_i = w_i f'``, ``w = W g``.
* every other operator: its ends.

``"weights": q`` and ``"sigma": s`` at a node that is ``u W`` or ``d * (u W)`` (W an
exact constant matrix, u one row), a length: with mid and half the middles and half
widths of u's ends, and ``D_j`` the largest absolute value of ``d_j`` (1 without d), let
A have the rows ``(mid W) * D`` and ``half_i W_i * D``.  Rows with q_i = 0 are left out;
they are 0, or so up to rounding, and their lengths are to be added.  Then the length is
``s ||q||``, where ``||diag(1 / q) A||_2 <= s`` is to be proved as above.  Where both
factors are such a product it is the first.
"""

from deuterium.optimize.bounders.norm_bounds.norm_bounder import (
    KEEP_LENGTHS,
    NormBounder,
    norm_bounder_of,
)

__all__ = ["KEEP_LENGTHS", "NormBounder", "norm_bounder_of"]
