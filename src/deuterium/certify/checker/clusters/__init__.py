"""Check of cluster leaves: hubs and spokes under one Lagrangian, in ball arithmetic.

What the leaves say is stated in `deuterium.optimize.bounders.clusters`; nothing of that
package is used.  The facts name hubs, products and steps; whatever they claim of the
graph is derived from it here, or refused.

Theorems
--------
Lagrangean relaxation (A. M. Geoffrion, Mathematical Programming Study 2, 1974): at
every point each definition ``u = sum of coefficient * term + constant`` is true, so its
difference times any number may be added to R; then every cluster is maximised alone.

Energies: for ``u = M' t + b``, ``u0 = M' c + b`` and ``y = t - c``,

    sum D_i (t_i - c_i)**2 - sum nu_j (u_j - u0_j)**2 = y' (diag(D) - M diag(nu) M') y,

not negative where the matrix H in the middle is positive semidefinite.  That is proved
of ``S H S`` with a diagonal S of positive numbers, as ``L L' + E`` with any L and an E
that is diagonally dominant, with a diagonal that is not negative (S. Gershgorin, 1931;
S. M. Rump, BIT 46, 2006, for L from floating point).  Where there are fewer u than t,
of ``1 / diag(nu) - M' diag(1 / D) M`` instead, which is positive semidefinite if and
only if H is (Schur's complement; nu and D positive).

Relations: R is rewritten without a change of its value (`rewritten_graph`).  Rows of a
softmax have the sum 1; ``sum_i D_ij**2 <= sum(A**2) * sum_i B_ij**2`` for D = A B, by
Cauchy and Schwarz.  Corners: for p on the simplex, ``u = M' p + b`` and ``kappa >= 0``,

    sum_k p_k sum_j kappa_j (M_kj + b_j)**2 - sum_j kappa_j u_j**2 >= 0

by convexity (J. L. W. V. Jensen, Acta Mathematica 30, 1906), u being the mean with
weights p of its values at the corners.

Clusters: over a cell of the hub with middle m let, with ``d = z - m``, ``A(z) <= a0 +
a1 d + a2 d**2 + error``, and B alike from both sides. At a fixed e, ``A e**2`` is at
most the same with ``max(a2, 0)`` for a2: a convex function of d. So is what ``B e`` is
at most, with ``max(b2, 0)`` and the error added where e is positive, ``min(b2, 0)`` and
the error taken off where it is negative. A maximum of convex functions, over all e of a
range, is convex, and lies below the chord between the ends of the cell. What is left is
a parabola and a line in d, whose maximum is known.
"""
