"""The distance that one feature can move a gradient of one hidden layer.

Let c < c' be two values of the feature, ``tau = c' - c``, z the pre-activations of the
first record and ``z' = z + tau m`` those of the second, d and d' the common factors.
The squared distance is

    N = d**2 alpha + d'**2 gamma - 2 d d' beta,

where alpha, gamma and beta are sums over k of functions of ``z_k`` and tau, once every
other input's square is put at its largest.  For fixed z and tau, N is convex in c, so
c or c' is at an end of the feature's range (two *sides*).  For fixed z, tau and c it is
convex in (d, d'), and its root is a norm: where d and d' are, but for small errors, the
same mean of their values at the corners of a cell of ``t`` and ``t' - t`` as the place
in the cell is of the corners' places, N is at most the largest over the corners of

    V = lambda t + mu (t' - t) + max_x nu . (W x + b)
        + sum_k max_z [ d**2 alpha_k + d'**2 gamma_k - 2 d d' beta_k
                        - lambda w_k h_k - mu w_k (h'_k - h_k) - nu_k z ],

for any multipliers that all corners share; the errors of d and d' add their multiples
of the vectors' lengths to its root.  The multipliers nu tell what z one record can have
together (*affine cuts*): any first record, with c anywhere, since it is N that is
largest at a side, for a z that stays.

The maxima over z are taken over a grid of nodes, at both ends of a cell of tau; between
them, a function lies above its interpolation by at most ``width**2 / 8`` times what it
can be curved, in z and in tau.  The worst bound's cells are halved, in t and
``t' - t``; then tau is, or the range of a z that wants to be at two places at once,
whichever the bound lacks more.

`gradient_form` recognises the form, by `node_kinds`.  `pair_layer` has what all
features share, `common_factor` d at the corners, `univariate_tables` the functions of
z, `affine_cuts` and `pair_lagrangian` the multipliers, `pair_cells` and
`pair_branching` what is halved, and `pair_search` the pairs of records from below.
"""

from deuterium.privacy.sensitivity.one_layer.pair_layer import OneFeature
from deuterium.privacy.sensitivity.one_layer.pair_search import FarPairs

__all__ = ["FarPairs", "OneFeature"]
