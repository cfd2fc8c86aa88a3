"""Lagrangian relaxation of a factorable graph, and what its proofs say.

G. P. McCormick, Mathematical Programming 10, 1976: factorable programs and their
auxiliary variables; A. M. Geoffrion, Mathematical Programming Study 2, 1974: Lagrangean
relaxation, whose bound holds for any multipliers.

The bound
---------
A scalar graph R is taken apart into *coordinates* (the inputs of the problem and,
behind them, atoms and factors) and *functions* of single coordinates.  Every atom z has
a definition ``z = sum of coefficient * term + constant``, where a *term* is a function
``u(y)`` of an earlier coordinate y, or a product of two factors; R itself is such an
affine function of terms.  For any numbers p (one multiplier for each definition),

    R = constant + sum over coordinates y of  psi_y(y),      where
    psi_y(y) = sum_r c_r u_r(y) - p_y y,
    c = (coefficients in R) + sum over definitions d of p_d * (coefficients in d),

because every definition was added times p and subtracted times p.  Hence

    sup R <= constant(p) + sum_y  max over [l_y, u_y] of psi_y,

a sum of one-dimensional maxima over the ranges of the coordinates in the region.  A
product ``w = a b`` has its own copies a, b of its factors, each with a definition and a
multiplier, and enters as ``max over the box of  c a b - p_a a - p_b b``, which lies at
a corner.  It holds for ANY p, so only this evaluation has to be right.  If F is a
product of never negative factors, R is ln F, else F; the bound of F is exp of R's.

The relaxed graph
-----------------
R is ``log_form(problem)``: with ``parts = [(1, F)]``, take (k, v) off the end of a
stack, where reshapes of scalars are looked through: ``a * b`` (both >= 0) puts (k, b)
and then (k, a) back; ``a / b`` (a >= 0, b > 0) puts (-k, b), then (k, a); ``sqrt(a)``
(k / 2, a); ``square(a)``, a >= 0, (2 k, a); ``reciprocal(a)``, a > 0, (-k, a); of
``expit(t)``, ``ndtr(t)``, ``exp(t)`` the part is (k, ``log_expit(t)``), (k,
``log_ndtr(t)``), (k, t), and of all else, if >= 0, (k, ``log(v)``).  R is the sum of
``k * part`` in that order.  Signs are those of enclosures over the domain, or of
``op.lower_bound``.  If F is none of these, R is F.

Kinds of nodes
--------------
In topological order (`graph.traverse.topological`) every node of R is

constant
    no symbol below it.
univariate
    each element a function of one coordinate, all of one group: symbols; element-wise
    operators and moves (reshape, transpose, gather, broadcast, concatenate) of
    univariate nodes and constants where no element meets two different coordinates.
affine
    a linear operator (add, subtract, negative, sum, cumsum, moves, scatter, select;
    multiply, matmul and divide by constants) of nodes that are not all univariate, or
    of univariate nodes whose elements meet.
product
    ``multiply`` of two nodes that are neither; ``divide`` is the product with
    ``reciprocal`` of the divisor; ``square`` of a product is the product of squares.
atoms
    an affine (or product) node on which an element-wise operator of one varying
    argument acts: its elements become a group of coordinates, and the node is
    univariate from then on.
free
    anything else: coordinates of which nothing but the range is used; its affine
    arguments are atoms.

Constant factors are coefficients: the term of ``c * u(y)`` is u(y), that of
``(c * u(y))**2`` is ``u(y)**2``.

Groups of coordinates come in the order in which they are first needed: the inputs (all
symbols by name, flattened); a group of atoms when an operator first acts on the node; a
group of pairs (a product's first factors, then its second factors) when an affine node
or R first uses the product.  The multipliers p follow the same order: for a group of m
atoms m numbers, for m pairs m (first factors) and then m (second factors).

Ranges
------
Going forward through the groups: inputs as in the region; functions over ranges by
their enclosures (kinks at 0 of relu, |x| and their slopes: at most 0 the left branch
and above 0 the right one, so an *open* lower end 0 means the right branch alone; at 0
itself the slope of |x| is 0); atoms
and factors by intervals from the ranges of the terms, intersected with what the same
gives for the whole domain and with the region's own ends for that coordinate.

Energies
--------
Of a group of m >= 2 atoms ``z = M.T t + b`` over terms t that are inputs or functions
(no products; coordinates themselves only if they are inputs), with numbers d >= 0, D
such that ``diag(D) - M diag(d) M.T`` is positive semidefinite, and centres t0:

    sum_j d_j (z_j - z0_j)**2 <= sum_i D_i (t_i - t0_i)**2,     z0 = M.T t0 + b,

for every point.  A multiplier nu >= 0 adds the difference to the bound: psi of atom j
gets ``- nu d_j (z - z0_j)**2`` and that of the coordinate below t_i gets
``+ nu D_i (t_i(y) - t0_i)**2``.  The nu follow the other multipliers in p, in the order
of the groups of atoms: of a group whose terms are the elements of one array of inputs,
two (the energies are *fitted*: each has d and D of every region's own); of others, one.
For inputs t0 is the middle ``0.5 l + 0.5 u`` of their range in the region (after its
steps); for functions it is given once.

Data
----
Of a leaf, ``("relax", data)``: if the ranges contradict each other, the region is
empty: ``{"empty": true}``.  Else ``{"p": [...], "energies": [...]}``: all multipliers
(decimals of few digits: any numbers will do, but none of the last ones, nu, may be
negative), and for each energy ``[d, D]`` if it is fitted, else null.  To check it:

1. ranges, forward through the groups;
2. each fitted energy: ``diag(D) - M diag(d) M.T`` is positive semidefinite (or, the
   same for d, D > 0, ``diag(1 / d) - M.T diag(1 / D) M``, if that is smaller; atoms
   with d = 0 can be left out);
3. coefficients c, backwards or by the linear map p -> c, which no region changes;
4. a bound of each one-dimensional maximum; their sum and the constant are the bound
   of R.  It must be at most the claim.

Once for all leaves, `LagrangianBounder.facts`::

    {"log": true or false,           whether R is ln F
     "groups": [[kind, size], ...],  to compare with
     "energies": [{"group": number}, or for those not fitted
                  {"group": number, "weights": d, "above": D, "centres": t0}, ...]}

where D and t0 list the terms by group and coordinate, without those whose coefficients
are all zero (t0 of inputs is null).  Terms have no constant factors: of ``(c u)**2``
the term is ``u**2``; and of elements that are only moved, those of the array they come
from.

The one-dimensional maxima here are taken from tables: for each function, cells with a
parabola and an error, made once over the range in the whole domain; a combination of
functions is then at most a parabola plus an error on each cell.  A checker can do the
same with its own tables.
"""

from deuterium.optimize.bounders.lagrangian.lagrangian_bounder import (
    LagrangianBounder,
    lagrangian_bounder_of,
)

__all__ = ["LagrangianBounder", "lagrangian_bounder_of"]
