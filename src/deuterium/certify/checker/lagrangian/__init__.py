"""Parts of the check of Lagrangian leaves: graphs taken apart, and their functions.

A graph R is taken apart into coordinates, functions of single coordinates, and products
of two factors; atoms and factors are affine functions of these.  Adding every
definition, times a number, changes nothing, so R is at most a constant plus a sum of
one-dimensional maxima, whatever the numbers are.

References: G. P. McCormick, Mathematical Programming 10, 1976 (factorable programs);
A. M. Geoffrion, Mathematical Programming Study 2, 1974 (Lagrangean relaxation).
"""
