"""Separable relaxations with multipliers, checked.

A graph R is taken apart into coordinates, functions of single coordinates, and products
of two factors; atoms and factors are affine functions of these.  Adding every
definition, times a number, changes nothing, so R is at most a constant plus a sum of
one-dimensional maxima, whatever the numbers are.
"""
