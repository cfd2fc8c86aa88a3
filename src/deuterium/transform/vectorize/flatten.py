"""Trees of sums and products become single rows of many operands.

A node that is used once, by a node of its own family, is a part of that node's tree;
a tree of additions is one sum of all its terms, in any order.  Products among the terms
of a sum make a dot product.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deuterium.transform.vectorize.table import (
    ADD,
    CONSTANT,
    DOT,
    GONE,
    MULTIPLY,
    NEGATIVE,
    PRODUCT,
    SUBTRACT,
    SUM,
    Ints,
    Table,
)

Flags = NDArray[np.bool_]

LONG = 4  # a tree of fewer terms stays as it is, and so does its rounding
MANY = 32  # so many terms must be in trees of one size, to be worth an array


def flatten(table: Table) -> Table:
    """Return the table with long products, sums and dot products as single rows."""
    table = _flatten_products(table)
    table = _flatten_sums(table)
    table = _extract_dots(table, constant_factors=True)
    table = _extract_dots(table, constant_factors=False)
    return _with_plain_additions(table)


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

    def __init__(self, table: Table, family: Flags, row: int) -> None:
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


def _is_subtracted(table: Table) -> Flags:
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


def _flatten_products(table: Table) -> Table:
    trees = _Trees(table, table.code == MULTIPLY, PRODUCT)
    return table.rewired(trees.others, (trees.root, trees.term), code=trees.code)


def _flatten_sums(table: Table) -> Table:
    family = np.isin(table.code, (ADD, SUBTRACT, NEGATIVE))
    trees = _Trees(table, family, SUM)
    table, minus = _with_negative_factors(table, trees)
    table, negated = table.appended(NEGATIVE, trees.root[minus])
    terms = trees.term.copy()
    terms[minus] = negated
    return table.rewired(
        trees.others,
        (trees.root, terms),
        (negated, trees.term[minus]),
        code=np.append(trees.code, table.code[len(trees.code) :]),
    )


def _with_negative_factors(table: Table, trees: _Trees) -> tuple[Table, Flags]:
    """Subtract products by adding those of a negative constant, where there is one.

    Returns the terms that are still to be subtracted, too.
    """
    at = _constant_factor(table, trees.term)
    done = trees.minus & (at >= 0)
    at = at[done]
    value = -table.value[table.child[at]]
    table, negative = table.appended(CONSTANT, table.owner[at], value)
    child = table.child.copy()
    child[at] = negative
    return replace(table, child=child), trees.minus & ~done


def _products(table: Table, terms: Ints) -> Flags:
    """Return which terms are products that nothing else uses."""
    return (table.code[terms] == MULTIPLY) & (table.uses[terms] == 1)


def _constant_factor(table: Table, terms: Ints) -> Ints:
    """Return where in ``child`` the constant factor of a term is, or -1."""
    where = np.full(len(terms), -1)
    products = np.flatnonzero(_products(table, terms))
    starts = table.starts[terms[products]]
    for operand in (0, 1):
        at = starts + operand
        constant = table.code[table.child[at]] == CONSTANT
        where[products[constant]] = at[constant]
    return where


def _extract_dots(table: Table, *, constant_factors: bool) -> Table:
    """Return the table with the products among the terms of sums as dot products.

    First those with a constant factor, then those without: one is a matrix product
    with a constant matrix, which is cheap and tight, the other is not.
    """
    owner, child = table.owner, table.child
    edge = np.flatnonzero((table.code[owner] == SUM) & _products(table, child))
    at = table.starts[child[edge]]
    x, y = child[at], child[at + 1]
    swap = table.code[x] == CONSTANT
    x, y = np.where(swap, y, x), np.where(swap, x, y)

    fits = (table.code[y] == CONSTANT) == constant_factors
    count = np.bincount(owner[edge[fits]], minlength=len(table))
    fits &= count[owner[edge]] >= LONG
    edge, x, y = edge[fits], x[fits], y[fits]

    sums, which = np.unique(owner[edge], return_inverse=True)
    whole = count[sums] == np.bincount(owner, minlength=len(table))[sums]
    code, kept = table.code.copy(), np.ones(len(owner), dtype=bool)
    code[child[edge]], kept[edge] = GONE, False
    code[sums[whole]] = DOT  # nothing is left to add
    table, parts = table.appended(DOT, sums[~whole])
    dots = sums.copy()
    dots[~whole] = parts
    return table.rewired(
        kept,
        (sums[~whole], parts),
        (dots[which], x),
        (dots[which], y),
        code=np.append(code, table.code[len(code) :]),
    )


def _with_plain_additions(table: Table) -> Table:
    """Return the table with sums of two terms (a dot product and a bias) as such."""
    two = (table.code == SUM) & (np.diff(table.starts) == 2)
    return table.rewired(
        np.ones(len(table.owner), dtype=bool), code=np.where(two, ADD, table.code)
    )
