"""Systems that are written as regressions: ``(c X' X + R) z = B`` is told by its graph.

Such a matrix is regular wherever R is positive definite, which its elements as
intervals do not show.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from deuterium.graph.operator import lookup
from deuterium.graph.variable import Variable
from deuterium.ops.arithmetic import add
from deuterium.ops.linalg import ridge_regression, ridge_solution


def ridge(a: Variable, b: Variable) -> Variable | None:
    """Return the solution of ``a @ z = b`` as a regression, or None if it is none.

    Recognised are ``a = c X' X + R`` with a number c > 0, and with it ``b = d X' Y``.
    """
    if a.shape[-1] < 2 or not b.size:
        return None
    terms = _terms(a)
    for i, term in enumerate(terms):
        scale, product = _scaled(term)
        x = _gram_factor(product) if product.shape == a.shape else None
        rest = terms[:i] + terms[i + 1 :]
        if x is None or not rest or scale <= 0:
            continue
        r = reduce(add, rest)
        factor, moment = _scaled(b)
        if moment.shape == b.shape and _is_product_with(moment, x):
            y = _times(moment.args[1], factor / scale)
            return ridge_regression(x, _times(r, 1 / scale), y)
        return ridge_solution(x, _times(r, 1 / scale), _times(b, 1 / scale))
    return None


def _times(v: Variable, c: Fraction) -> Variable:
    return v if c == 1 else v * c


def _terms(a: Variable) -> list[Variable]:
    """Return what a matrix is the sum of."""
    if a.op is lookup("add"):
        return [t for part in a.args for t in _terms(part)]
    return [a]


def _scaled(v: Variable) -> tuple[Fraction, Variable]:
    """Return a number c and the rest w of ``v = c w``, whatever the shape of w."""
    scale = Fraction(1)
    while v.op is not None:
        name, args = v.op.name, v.args
        if name == "reshape":
            v = args[0]
        elif name in ("multiply", "divide") and (c := _number(args[1])):
            scale, v = (scale * c if name == "multiply" else scale / c), args[0]
        elif name == "multiply" and (c := _number(args[0])):
            scale, v = scale * c, args[1]
        else:
            break
    return scale, v


def _number(v: Variable) -> Fraction | None:
    """Return the number that fills an array, None for 0 and where there is none."""
    while v.op is lookup("broadcast"):
        v = v.args[0]
    if not v.is_constant or v.shape or not v.value or not math.isfinite(v.value):
        return None
    return Fraction(v.value)


def _gram_factor(v: Variable) -> Variable | None:
    """Return X of ``X' X``."""
    if v.op is lookup("select") and _is_diagonal(v.attrs["mask"]):
        # the squares of the diagonal may be written as such, as np.cov does
        x = _gram_factor(v.args[1])
        return x if x is not None and _are_squares(v.args[0], x) else None
    if v.op is not lookup("matmul"):
        return None
    left, right = v.args
    return right if _are_transposed(left, right) else None


def _is_diagonal(mask: Any) -> bool:
    n = mask.shape[-1]
    return mask.ndim == 2 and bool(np.array_equal(mask, np.eye(n, dtype=bool)))


def _are_squares(v: Variable, x: Variable) -> bool:
    """Return whether an array holds the sums of squares of the columns of ``x``."""
    while v.op in (lookup("broadcast"), lookup("reshape")):
        v = v.args[0]
    if v.op is not lookup("sum") or v.args[0].op is not lookup("square"):
        return False
    rows = v.args[0].args[0]
    return v.attrs["axis"] == (-1,) and _are_transposed(rows, x)


def _is_product_with(v: Variable, x: Variable) -> bool:
    """Return whether it is ``X' Y`` for some Y."""
    return v.op is lookup("matmul") and _are_transposed(v.args[0], x)


def _are_transposed(a: Variable, b: Variable) -> bool:
    """Return whether two matrices (or stacks) are each other's transposes."""
    for one, other in ((a, b), (b, a)):
        if one.op is lookup("transpose") and _are_same(one.args[0], other):
            n = one.ndim
            return bool(one.attrs["axes"] == (*range(n - 2), n - 1, n - 2))
    return False


def _are_same(a: Variable, b: Variable) -> bool:
    """Return whether two nodes are one, or the same transpose of one."""
    if a is b:
        return True
    transposed = lookup("transpose")
    if a.op is not transposed or b.op is not transposed:
        return False
    return a.args[0] is b.args[0] and a.attrs["axes"] == b.attrs["axes"]
