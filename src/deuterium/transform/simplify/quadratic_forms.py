"""Quadratic forms ``x' C x`` with a positive definite matrix of numbers.

By Cholesky's factor L of the symmetric part of C they are exactly ``sum(square(x L))``:
the factor is a graph of the matrix's elements, not their nearest doubles.
"""

from __future__ import annotations

import numpy as np

from deuterium import ops
from deuterium.functions.linear_algebra import cholesky
from deuterium.graph.constructors import constant
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.transform.definedness import is_same_node
from deuterium.transform.simplify.assumptions import Assumptions

LARGEST = 32  # rows: a factor has about ten nodes a row, and its error grows with each


def root_of_form(term: Variable, known: Assumptions) -> Variable | None:
    """Return a vector whose squares add up to a quadratic form, or None if it is none.

    Its shape is the form's, which has one element, with one more axis.
    """
    pair = _factors(term)
    if pair is None:
        return None
    for x, image in (pair, pair[::-1]):
        matrix = _matrix(_vector(image), _vector(x), known)
        if matrix is None or not 1 < len(matrix) <= LARGEST:
            continue
        m = constant(matrix)
        alike = np.array_equal(matrix, matrix.T)
        factor = cholesky(m if alike else (m + m.T) / 2)
        if known.defined(factor):
            row = arrays.reshape_to(_vector(x), (1, len(matrix)))
            return arrays.reshape_to(row @ factor, (*term.shape, len(matrix)))
    return None


def _factors(term: Variable) -> tuple[Variable, Variable] | None:
    """Return two vectors of which a term is the sum of products of elements.

    What a form is cut off at, for rounding's sake, is no matter: it is never negative.
    """
    if term.size != 1:
        return None
    outer = ops.reshape, ops.gather, ops.relu
    while term.op in outer and term.args[0].size == 1:
        (term,) = term.args
    if term.op is ops.matmul:
        return term.args[0], term.args[1]
    if term.op is not ops.add_reduce or term.args[0].op is not ops.multiply:
        return None
    a, b = term.args[0].args
    return (a, b) if a.size == b.size and _is_long(a) and _is_long(b) else None


def _is_long(v: Variable) -> bool:
    """Whether a node is a vector, whatever its axes of length one."""
    return max(v.shape, default=1) == v.size


def _vector(v: Variable) -> Variable:
    """Return what a vector is made of, by other axes of length one."""
    while v.op in (ops.reshape, ops.transpose) and _is_long(v) and _is_long(v.args[0]):
        (v,) = v.args
    return v


def _matrix(image: Variable, x: Variable, known: Assumptions) -> np.ndarray | None:
    """Return the numbers C where a vector is ``C x``, or ``x C`` turned."""
    if image.op is not ops.matmul:
        return None
    a, b = image.args
    for m, other, turned in ((b, a, False), (a, b, True)):
        fits = m.is_constant and m.shape == (x.size, x.size) and m not in known.inputs
        if fits and is_same_node(_vector(other), x) and free_symbols([x]):
            value = np.asarray(m.value, dtype=float)
            return value.T if turned else value
    return None
