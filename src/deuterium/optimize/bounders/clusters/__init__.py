"""Lagrangian bounds over star clusters, and what their proofs say.

Sources: G. P. McCormick, Mathematical Programming 10, 1976 (factorable programs and
their auxiliary variables); A. M. Geoffrion, Mathematical Programming Study 2, 1974
(Lagrangean relaxation, whose bound holds for any multipliers); for the quadratic
constraints A. Raghunathan, J. Steinhardt and P. Liang, NeurIPS 2018.

The bound
---------
R is the logarithm of the objective (`log_form`), or the objective itself.  It is taken
apart into *hubs* z, scalars that go into functions of one variable, and *spokes* e,
scalars that are multiplied by such functions of one hub.  A *term* is ``f(z)`` (``f``
may be the identity), ``f(z) e`` (``f`` may be 1), or the square of one of these.  Hubs
(but the inputs) and spokes have *definitions*, ``u = sum of coefficient * term +
constant``, and R is such a sum too.  For any multiplier p of each definition

    R = constant + sum of coefficients * terms,    with every definition added times p
                                                   and subtracted times p.

Energies: of the definitions ``u_j = sum_i M_ij t_i + b_j`` of one rule, with numbers
``nu >= 0``, ``D``, ``c`` such that ``diag(D) - M diag(nu) M'`` is positive
semidefinite,

    sum_j nu_j (u_j - u0_j)**2 <= sum_i D_i (t_i - c_i)**2,    u0 = M' c + b,

and the difference, never negative, may be added.  All terms with one hub z, and with
its spokes e_s, are a *cluster*:

    psi(z) + sum over spokes of  A_s(z) e_s**2 + B_s(z) e_s,

psi, A and B being combinations of functions of z, and sup R is at most the constant
plus the sum of the clusters' maxima over the ranges of their hubs and spokes.  At fixed
z the maximum over a spoke, ``V(A, B) = max of A e**2 + B e`` over [l, h], is a convex
function of (A, B) that grows with A: where A and B are affine in z up to an error, it
lies below the chord between the ends of a cell, plus the errors times e**2 and |e|.

Relations that hold beside the definitions are added, too: of a softmax p, by rows,
``sum p = 1``, with a multiplier of any sign; of a centred product of matrices D (below)
``sum_i D_ij**2 <= sum((A - A0)**2) * sum_i (B - B0)_ij**2`` for each column j, with a
multiplier >= 0 (Cauchy and Schwarz); and of a rule whose terms are all the elements p
of one softmax of one row, ``u_j = sum_k M_kj p_k + b_j``, with numbers kappa_j >= 0,

    sum_j kappa_j u_j**2 <= sum_k p_k sum_j kappa_j (M_kj + b_j)**2,

since a convex function on a simplex is at most the plane through its corners' values.

R is rewritten first, without changing its value
-------------------------------------------------
In topological order, arguments being the rewritten ones: ``softmax(t)``, if it varies,
by ``exp(t - broadcast(reshape(logsumexp(t))))``; a product ``matmul(A, B)`` that the
facts list among the centres, with numbers A0 and B0, by ``(D + matmul(A0, B)) +
matmul(A - A0, B0)`` with ``D = matmul(A - A0, B - B0)``; a matrix of zeros among A0, B0
is left out, as ``A - 0`` is A and its product nothing.  The *limits* of that product
are ``broadcast(sum(square(A - A0))) * sum(square(B - B0), axis=0)``.  A broadcast to
the shape that is there already is left out.  ``A - A0`` and ``B - B0`` are one node
each wherever they stand; each constant A0, B0 is a node of its own wherever it does.
Nodes of which no argument is changed are themselves.

Taking R apart
--------------
What follows names nodes by their place in ``topological([R, limits...])``, R rewritten
and the limits in the order of the centres.  An element of a node
is

* a number: no symbol below it;
* of a product, if the facts list the node as one, whatever else it is: a multiple
  ``k f(z)`` times a *spoke* e, which is defined as the other factor's element;
* a *function* of one hub: an element of a node whose elements the facts call hubs (the
  hub itself), or of an operator, element-wise or moving elements, of functions of that
  hub and numbers; all elements of such a node are of hubs of one group;
* of a product ``multiply``, ``divide`` (the product with the reciprocal, here and where
  facts list one) or ``matmul`` (a sum of products), both of whose factors vary, or of
  ``square``.  Of a multiple of ``f(z)`` and a multiple of ``g(z) e`` it is a multiple
  of ``(f g)(z) e``; of two multiples of ``f(z) e`` and ``g(z) e`` one of
  ``(f g)(z) e**2``; the square of a multiple of ``f(z) e`` one of ``f(z)**2 e**2``;
* else of a linear operator.

As a *sum*, ``constant + sum of coefficient * term``, a number is itself; a hub of a
group of kind "atom" is what it is defined to be, other hubs are terms; products are
multiples of terms; an element of a linear operator (products and quotients by numbers
included) is made of its arguments' sums, be it a function or not. Other functions of a
hub are terms, but for constant factors: the negative of a function, a number times it,
and the square of one of these (but of hubs) are multiples of what is left of the
function, so ``(c u)**2`` is ``c**2`` times the term ``u**2``. Functions of one hub are
one term if they are written alike, element by element, up to the order of two summands
or factors.

Facts
-----
Once for all leaves, `ClusterBounder.facts`::

    {"log": true or false,            whether R is the logarithm of the objective
     "centres": [[node, A0, B0], ...] products of two matrices that vary (before the
                                      rewriting: by their place in topological([R])),
                                      and numbers, by rows
     "groups": [[kind, nodes], ...],  hubs.  The first is ["input", []]: all symbols by
                                      name, flattened.  Others are "atom", the elements
                                      of the first node; of the other nodes the elements
                                      are the same, in the same (flat) order; or "free",
                                      the elements of one node
     "products": [[node, side, step], ...],
                                      multiply, divide or matmul; which factor (0, 1)
                                      has the hubs; the step that makes its spokes
     "steps": [["atom", group], ["free", group], ["spokes", product],
               ["sum", node], ["product", centre], ...]}

in an order in which each step needs only the ones before it: an "atom" step defines the
hubs of its group, a "free" step takes their ranges from the ranges of the node's
arguments (numbers, functions of hubs, or else sums, as hubs that are made later are,
too; they have no definition), a "spokes" step makes one spoke for each element of the
product with that number (of a matmul for each ``(row, inner, column)``, flattened).
Other products that name the step have the same hubs and the same definitions, element
by element, and hence the same spokes.  A "sum" step says that the rows of the node,
the exponentials that stand for a softmax, have the sum 1; a "product" step that the
squares of the columns of a centred product are at most its limits, ``limits_j - sum_i
D_ij**2 >= 0``.  Every group but the first has one step.  The multipliers follow the
order of the steps that define or say something (all but the "free" ones): one for each
hub, spoke, row and column; those of columns are not negative.

What is said to be the same is proved to be so: its sums have the same coefficients,
known exactly, or it is written alike.

Ranges
------
Forward through the steps, by interval arithmetic; intersected with what the same gives
for the whole domain and with the region's own ends.  An element of a node in the
region's coordinates is a hub of that node, or every spoke whose definition is that
element; cuts of other elements say nothing.  Functions with kinks at 0: the left branch
up to 0 and the right one above, each with a range of its own, so an *open* lower end 0
means the right branch alone.  The logarithms of a softmax ``t - logsumexp(t)``, hubs of
the node that the exponential acts on, are besides at most 0, and within the logarithms
of what softmax gives for the ranges of t.
Conditions on signs, choices (``where``, ``maximum``, ``minimum``, ``narrowed``) and
kinked functions, of whatever function of the hub, are decided where the sign is the
same all over such a branch.

Data
----
Of a leaf, ``("clusters", data)``: ``{"empty": true}`` where ranges contradict each
other, else ``{"p": [...], "energies": [...], "corners": [...]}``: all multipliers, and
for each step with multipliers ``[nu, D, c]`` or null, and ``kappa`` or null (not null
only of a step that defines, whose terms with a coefficient that is not zero are all the
elements of one softmax of one row).  D and c list the terms of the step's definitions
(those with a coefficient that is not zero) by the number of the group, of the hub in
it, and of the spoke (hubs' own functions first; spokes in the order of the steps); a
step in which two terms agree in all three, or with a term of ``e**2``, has no energy.
"""
