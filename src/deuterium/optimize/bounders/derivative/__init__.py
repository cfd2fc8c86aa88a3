"""Verified global optimisation over boxes of few inputs: values, slopes, curvatures.

What is proved, with which data, so that another program can prove it again.

Words.  F is ``problem.objective``, D the box ``[problem.lower, problem.upper]``, X the
closed box of a region, ``[low_i, high_i]``; whether a lower end is open does not
matter, and there are no atoms.  ``F = m(S)`` with m increasing and S the *core*, as
`monotone_outer.core_of` takes it from F.  The *slopes* g_i are the elements, in the
order of a row of inputs, of ``simplify(grad(S, problem.symbols), problem.hull)``; the
*curvatures* h_ij are those of ``grad(g_i, problem.symbols)`` for every i, all
simplified together over the same box in that order; h_ij and h_ji enclose one number,
so both may be used.  ``f(X)`` is the evaluation of the graph f over X with intervals,
operator by operator, each with the exact range of that operator (slopes at kinks are
the hull of both sides; the slope of a jump is undefined over an interval that holds
it); ``f(c)`` that at a point c, thin but for rounding.  Nothing is known where a node
is undefined.

Every method but "interval" presupposes that no node of F is undefined over X, so that F
is defined all over X; where slopes are defined over X, too, S is Lipschitz there with
these slopes, and where curvatures are, it is twice differentiable.

Slopes can be sharpened *around* a point a: where a proof's data have ``"around": a``,
``g_i(X)`` is replaced by what it has in common with ``g_i(a) + sum_j h_ij(Y) * (X_j -
a_j)``, where Y is the hull of X and a (a is in X unless X is a face made since).

Upper bounds of F over X (leaf methods):

``("interval", {})``
    ``F(X).upper``.
``("mean", {"center": c})``, c a point of X; perhaps with "around"
    ``m(S(c).upper + sum_i max(0, g_i(X).upper * (high_i - c_i), g_i(X).lower * (low_i
    - c_i)))``: the mean value theorem.
``("concave", {"center": c, "basis": P})``, c a point of X
    ``m(S(c).upper + sum_i max(0, g_i(c).upper * (high_i - c_i), g_i(c).lower * (low_i
    - c_i)))``: S lies below its tangent plane at c, since it is concave over X.  Let
    ``i_1 < ... < i_k`` be the inputs with ``low_i < high_i`` and H the matrix of their
    curvatures over X; P is a k by k matrix for which, for every H in its interval,
    ``P^T H P`` has in each row a negative diagonal element that exceeds in size the sum
    of the sizes of the others.  Then ``P^T H P`` is regular and negative definite, so P
    is regular, and H is negative definite.

Regions without a maximiser (leaf methods with bound ``-inf``).  They do not bound F
over X; they show that the supremum over the whole domain is not approached in X, so
that X may be left out *of the whole proof*: were x in X a maximiser, a better point
were next to it in the domain.  (Where S has slopes over X it is continuous there; so if
a sequence on which F approaches its supremum stayed in the bounded X, it would have a
limit in X where F takes it.  Steps do no harm: if a region holds a maximiser, then so
does its face.)  An input is *movable* where ``problem.movable`` says so.

``("stationary", {"at": j})``, perhaps with "around"
    j is movable, X bounded, and ``g_j(X).lower > 0`` with ``high_j < D.upper_j``, or
    ``g_j(X).upper < 0`` with ``low_j > D.lower_j``.
``("stationary", {"along": p, "around": a})``, a a point of X
    X is bounded; every i with ``p_i > 0`` is movable with ``high_i < D.upper_i``, every
    i with ``p_i < 0`` with ``D.lower_i < low_i``; and the slope along p is positive:
    ``p g(a) + sum_j (sum_i p_i h_ij(X)) * (X_j - a_j) > 0``.
``("curved", {"along": v})``
    v is not zero; every i with ``v_i != 0`` is movable with ``D.lower_i < low_i`` and
    ``high_i < D.upper_i``; X is bounded; the slopes along these i are defined over X,
    and ``sum_ij v_i h_ij(X) v_j > 0``: in the direction v, or against it, S rises.

Regions made smaller, or cut:

``("face", {"at": [j...], "side": [0|1...], "by": "monotone"})``, a step
    Perhaps with "around".
    For each j, movable: ``g_j(X).lower >= 0`` and side 1, so ``low_j`` becomes
    ``high_j`` (finite); or ``g_j(X).upper <= 0`` and side 0, so ``high_j`` becomes
    ``low_j`` (finite).  X is the region before this step; all of them at once.
``ends``, by ``("convex", {})``
    j, the input that is cut, is movable, and ``h_jj(X).lower >= 0``: S is convex in it,
    so F is largest at one of its two ends.
"""

from deuterium.optimize.bounders.derivative.derivative_bounder import DerivativeBounder

__all__ = ["DerivativeBounder"]
