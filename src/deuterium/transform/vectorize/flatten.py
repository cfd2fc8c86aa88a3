"""Trees of sums and products become single rows of many operands.

A node that is used once, by a node of its own family, is a part of that node's tree;
a tree of additions is one sum of all its terms, in any order.  Products among the terms
of a sum make a dot product.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deuterium.transform.vectorize.integer_table import (
    ADD,
    CONSTANT,
    DOT,
    GONE,
    MULTIPLY,
    NEGATIVE,
    PRODUCT,
    SUBTRACT,
    SUM,
    WEIGHTED,
    IntegerTable,
    Ints,
)

Flags = NDArray[np.bool_]

LONG = 4  # a tree of fewer terms stays as it is, and so does its rounding
MANY = 32  # so many terms must be in trees of one size, to be worth an array


def flatten(table: IntegerTable) -> IntegerTable:
    """Return the table with long products, sums and dot products as single rows."""
    table = _flatten_products(table)
    table = _flatten_sums(table)
    table = _extract_dots(table, WEIGHTED)
    table = _extract_dots(table, DOT)
    return _separate_constants(table)


class _Trees:
    """The trees of a family of operators, as far as they are worth a row.

    Attributes
    ----------
    code : array of int
        The table's codes with the roots ``row``, and all other parts of trees gone.
    others : array of bool
        The pairs of owner and child that are in no tree.
    root, term : array of int
        The root with each of its terms (its factors, in a product).
    minus : array of bool
        Whether the root subtracts this term.
    """

    def __init__(self, table: IntegerTable, family: Flags, row: int) -> None:
        owner, child = table.owner, table.child
        user, subtracted = np.zeros_like(table.code), np.zeros_like(family)
        minus = _is_subtracted(table)
        user[child], subtracted[child] = owner, minus  # of use where there is one user
        inner = family & (table.uses == 1) & family[user]
        inner[table.outputs] = False
        root, below = _follow_up(user, inner, subtracted)

        ends = family[owner] & ~inner[child]
        size = np.bincount(root[owner[ends]], minlength=len(table))
        worth = (size >= LONG) & (size * np.bincount(size)[size] >= MANY)
        in_tree = family & worth[root]
        ends &= in_tree[owner]
        self.code = np.where(in_tree, np.where(inner, GONE, row), table.code)
        self.others = ~in_tree[owner]
        self.root, self.term = root[owner[ends]], child[ends]
        self.minus = minus[ends] ^ below[owner[ends]]


def _is_subtracted(table: IntegerTable) -> Flags:
    """Return, for every edge, whether the owner subtracts this operand."""
    second = np.diff(table.owner, prepend=-1) == 0
    code = table.code[table.owner]
    return (code == NEGATIVE) | ((code == SUBTRACT) & second)


def _follow_up(user: Ints, inner: Flags, subtracted: Flags) -> tuple[Ints, Flags]:
    """Return the root of every number, and whether its tree subtracts it there."""
    root, below = list(range(len(user))), [False] * len(user)
    parts = np.flatnonzero(inner)[::-1]  # whoever uses a number comes after it
    for i, up, minus in zip(
        parts.tolist(), user[parts].tolist(), subtracted[parts].tolist(), strict=True
    ):
        root[i], below[i] = root[up], below[up] ^ minus
    return np.array(root, dtype=np.int64), np.array(below, dtype=bool)


def _flatten_products(table: IntegerTable) -> IntegerTable:
    trees = _Trees(table, table.code == MULTIPLY, PRODUCT)
    return table.rewired(trees.others, (trees.root, trees.term), code=trees.code)


def _flatten_sums(table: IntegerTable) -> IntegerTable:
    """Make rows of sums; what they subtract becomes something negative to add.

    That is a negative constant, for a constant or a product with one, and else a node.
    """
    trees = _Trees(table, np.isin(table.code, (ADD, SUBTRACT, NEGATIVE)), SUM)
    child, terms = table.child.copy(), trees.term.copy()
    constants = trees.minus & (table.code[terms] == CONSTANT)
    factor = _constant_factor(table, terms)
    products = trees.minus & (factor >= 0)
    others = trees.minus & ~constants & ~products
    subtracted = terms[others]

    table, terms[constants] = _negative_constants(table, terms[constants])
    table, child[factor[products]] = _negative_constants(table, child[factor[products]])
    table, terms[others] = table.appended(NEGATIVE, trees.root[others])
    return replace(table, child=child).rewired(
        trees.others,
        (trees.root, terms),
        (terms[others], subtracted),
        code=np.append(trees.code, table.code[len(trees.code) :]),
    )


def _negative_constants(
    table: IntegerTable, constants: Ints
) -> tuple[IntegerTable, Ints]:
    return table.appended(CONSTANT, constants, -table.value[constants])


def _products(table: IntegerTable, terms: Ints) -> Flags:
    """Return which terms are products that nothing else uses."""
    return (table.code[terms] == MULTIPLY) & (table.uses[terms] == 1)


def _constant_factor(table: IntegerTable, terms: Ints) -> Ints:
    """Return where in ``child`` the constant factor of a term is, or -1."""
    where = np.full(len(terms), -1)
    products = np.flatnonzero(_products(table, terms))
    starts = table.starts[terms[products]]
    for at in (starts, starts + 1):
        constant = table.code[table.child[at]] == CONSTANT
        where[products[constant]] = at[constant]
    return where


def _extract_dots(table: IntegerTable, row: int) -> IntegerTable:
    """Return the table with the products among the terms of sums as dot products.

    Those with a constant factor are rows of their own: a matrix product with a constant
    matrix is cheap and tight, another need not be.
    """
    edge = np.flatnonzero(table.code[table.owner] == SUM)
    edge = edge[_products(table, table.child[edge])]
    at = table.starts[table.child[edge]]
    x, y = table.child[at], table.child[at + 1]
    swap = table.code[x] == CONSTANT
    x, y = np.where(swap, y, x), np.where(swap, x, y)

    fits = (table.code[y] == CONSTANT) == (row == WEIGHTED)
    fits[fits] = _have_company(table, edge[fits], LONG)
    return _split_off(table, edge[fits], row, x[fits], y[fits])


def _separate_constants(table: IntegerTable) -> IntegerTable:
    """Return the table with sums that add either constants or all else."""
    for constants in (False, True):
        edge = np.flatnonzero(table.code[table.owner] == SUM)
        constant = table.code[table.child[edge]] == CONSTANT
        mixed = np.isin(table.owner[edge], table.owner[edge[constant]])
        edge = edge[mixed & (constant == constants)]
        edge = edge[_have_company(table, edge, 2)]
        table = _split_off(table, edge, SUM, table.child[edge])
    two = (table.code == SUM) & (np.diff(table.starts) == 2)
    return replace(table, code=np.where(two, ADD, table.code))


def _have_company(table: IntegerTable, edge: Ints, least: int) -> Flags:
    """Return which of these edges have an owner with at least so many of them."""
    owner = table.owner[edge]
    return np.bincount(owner, minlength=1)[owner] >= least


def _split_off(
    table: IntegerTable, edge: Ints, row: int, *operands: Ints
) -> IntegerTable:
    """Make rows of their own of some terms of sums; what is left of a sum adds them.

    The terms are given by their edges; ``operands`` is what the new rows are made of.
    """
    sums, which = np.unique(table.owner[edge], return_inverse=True)
    whole = np.bincount(which, minlength=len(sums)) == np.diff(table.starts)[sums]
    code, kept = table.code.copy(), np.ones(len(table.owner), dtype=bool)
    kept[edge] = False
    code[sums[whole]] = row  # nothing is left to add
    if row in (DOT, WEIGHTED):
        code[table.child[edge]] = GONE
    table, parts = table.appended(row, sums[~whole])
    rows = sums.copy()
    rows[~whole] = parts
    return table.rewired(
        kept,
        (sums[~whole], parts),
        *[(rows[which], x) for x in operands],
        code=np.append(code, table.code[len(code) :]),
    )
