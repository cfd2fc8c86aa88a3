"""The distance that one feature can move a gradient of one hidden layer.

Let c < c' be two values of the feature, ``tau = c' - c``, z the pre-activations of the
first record and ``z' = z + tau m`` those of the second, d and d' the common factors.
The squared distance is

    N = d**2 alpha + d'**2 gamma - 2 d d' beta,

where alpha, gamma and beta are sums over k of functions of ``z_k`` and tau, once every
other input's square is put at its largest.  For fixed z and tau, N is convex in c, so
c or c' is at an end of the feature's range (two *sides*); for fixed z, tau and c it is
convex in (d, d'), so in a cell of ``t`` and ``t' - t`` only the corners of the ranges
of d and d' count.  In a cell, for any multipliers,

    N <= lambda t + mu (t' - t) + sum_k max_z [ d**2 alpha_k + d'**2 gamma_k
             - 2 d d' beta_k - lambda w_k h_k - mu w_k (h'_k - h_k) ] .

The maxima over z are taken over a grid of nodes, at both ends of a cell of tau; between
them, a function lies above its interpolation by at most ``width**2 / 8`` times what it
can be curved, in z and in tau.  Cells are cut, in t, ``t' - t`` and tau, best first; in
the end also in a z that, at the best multipliers, is at two places at once.
"""

from deuterium.privacy.one_feature.layer import OneFeature
from deuterium.privacy.one_feature.search import FarPairs

__all__ = ["FarPairs", "OneFeature"]
