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
``nu >= 0``, ``D``, ``c`` such that ``diag(D) - M diag(nu) M'`` is positive semidefinite,

    sum_j nu_j (u_j - u0_j)**2 <= sum_i D_i (t_i - c_i)**2,    u0 = M' c + b,

and the difference, never negative, may be added.  All terms with one hub z, and with
its spokes e_s, are a *cluster*:

    psi(z) + sum over spokes of  A_s(z) e_s**2 + B_s(z) e_s,

psi, A and B being combinations of functions of z, and sup R is at most the constant
plus the sum of the clusters' maxima over the ranges of their hubs and spokes.  At fixed
z the maximum over a spoke, ``V(A, B) = max of A e**2 + B e`` over [l, h], is a convex
function of (A, B) that grows with A: where A and B are affine in z up to an error, it
lies below the chord between the ends of a cell, plus the errors times e**2 and |e|.

Taking R apart
--------------
What follows names nodes by their place in ``topological([R])``.  An element of a node is

* a number: no symbol below it;
* a *function* of one hub: an element of a node whose elements the facts call hubs (the
  hub itself), or of an operator, element-wise or moving elements, of functions of that
  hub and numbers; all elements of such a node are of hubs of one group;
* else of a product: ``multiply``, ``divide`` (the product with the reciprocal) or
  ``matmul`` (a sum of products), both of whose factors vary, or ``square``.  Of a
  multiple of ``f(z)`` and a multiple of ``g(z) e`` it is a multiple of ``(f g)(z) e``;
  of two multiples of ``f(z) e`` and ``g(z) e`` one of ``(f g)(z) e**2``; the square of
  a multiple of ``f(z) e`` one of ``f(z)**2 e**2``.  Other products the facts list: a
  multiple ``k f(z)`` times a *spoke* e, which is defined as the other factor's element;
* else of a linear operator.

As a *sum*, ``constant + sum of coefficient * term``, a number is itself; an element of a
linear operator (products and quotients by numbers included) is made of its arguments'
sums, be it a function or not; a hub of a group of kind "atom" is what it is defined to
be, other hubs are terms; other functions of a hub are terms; products are multiples of
terms.

Facts
-----
Once for all leaves, `ClusterBounder.facts`::

    {"log": true or false,            whether R is the logarithm of the objective
     "groups": [[kind, nodes], ...],  hubs: "input" (all symbols by name, flattened), or
                                      "atom", "free": the elements of the first node;
                                      of the other nodes the elements are the same, in
                                      the same (flat) order
     "products": [[node, side, step], ...],
                                      multiply, divide or matmul; which argument (0, 1)
                                      has the hubs; the step that makes its spokes
     "steps": [["atom", group], ["free", group], ["spokes", product], ...]}

in an order in which each step needs only the ones before it: an "atom" step defines the
hubs of its group, a "free" step takes their ranges from the ranges of the node's
arguments (they have no definition), a "spokes" step makes one spoke for each element of
the product with that number (of a matmul for each ``(row, inner, column)``, flattened).
Other products that name the step have the same hubs and the same definitions, element
by element, and hence the same spokes.  The multipliers follow the order of the steps
that define something.

Ranges
------
Forward through the steps, by interval arithmetic; intersected with what the same gives
for the whole domain and with the region's own ends.  An element of a node in the
region's coordinates is a hub of that node, or every spoke whose definition is that
element.  Functions with kinks at 0: the left branch up to 0 and the right one above,
so an *open* lower end 0 means the right branch alone.  Conditions on signs, choices
(``where``, ``maximum``, ``minimum``, ``narrowed``) and kinked functions, of whatever
function of the hub, are decided where the sign is the same all over such a branch.

Data
----
Of a leaf, ``("clusters", data)``: ``{"empty": true}`` where ranges contradict each
other, else ``{"p": [...], "energies": [...]}``: all multipliers, and for each step that
defines something ``[nu, D, c]`` or null.  D and c list the terms of the step's
definitions (those with a coefficient that is not zero) by the number of the group, of
the hub in it, and of the spoke (hubs' own functions first); a step in which two terms
agree in all three has no energy.
"""
