"""A sum of products written out: a normal form to compare functions by.

``(a + b) (a - b) / sqrt(b)`` becomes ``a**2 b**(-1/2) - b**(3/2)``, and the logarithm
of a positive product a sum.  Coefficients and powers are exact fractions, so two
functions that are written out alike are equal wherever both are defined.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.factors import factors

Atom = tuple[str, Variable | Fraction]
"""A node, ``("", node)``, or a logarithm of a node or number, ``("log", x)``."""
Product = frozenset[tuple[Atom, Fraction]]
"""Atoms with their powers, none 0."""
WrittenOut = dict[Product, Fraction]
"""The number that each product stands with, none 0."""

MOST_STEPS = 1500  # of writing out: sums that take more are not compared
HIGHEST = 8  # power that is multiplied out, and multiple of a logarithm of a number

_SUMS = (ops.add, ops.subtract)
_Waiting = tuple[tuple[Variable, Fraction], ...]
_Part = tuple[_Waiting, Fraction, dict[Atom, Fraction]]


def written_out(
    parts: Iterable[tuple[Variable, Fraction | int]], known: Assumptions
) -> WrittenOut | None:
    """Return a sum of nodes times numbers, written out; None where it is long."""
    found: WrittenOut = {}
    todo: list[_Part] = [(((x, Fraction(1)),), Fraction(c), {}) for x, c in parts]
    for _ in range(MOST_STEPS):
        if not todo:
            return _with_one_number(found)
        waiting, c, powers = todo.pop()
        if waiting:
            (x, p), *rest = waiting
            todo += _opened(x, p, (tuple(rest), c, powers), known)
            continue
        product = frozenset((a, e) for a, e in powers.items() if e)
        found[product] = found.get(product, Fraction(0)) + c
    return None


def _opened(x: Variable, p: Fraction, part: _Part, known: Assumptions) -> list[_Part]:
    """Return what ``x**p`` times the rest of a product is the sum of."""
    waiting, c, powers = part
    number = known.number(x)
    if number and p.denominator == 1:
        return [(waiting, c * Fraction(number) ** int(p), powers)]
    if x.op is ops.sqrt:
        return [(((x.args[0], p / 2), *waiting), c, powers)]
    if x.op in (*_SUMS, ops.log) and p.denominator == 1 and 0 < p <= HIGHEST:
        rest = ((x, p - 1), *waiting) if p > 1 else waiting
        if x.op is not ops.log:
            last = -c if x.op is ops.subtract else c
            signed = zip(x.args, (c, last), strict=True)
            return [(((a, Fraction(1)), *rest), k, dict(powers)) for a, k in signed]
        logs = _logarithm(x.args[0], known)
        if logs is not None:
            return [(rest, c * e, _times(powers, ("log", b), 1)) for b, e in logs]
    view = factors(x, known)
    whole = p.denominator == 1 and (view.coefficient != 0 or p > 0)
    if view.powers.keys() == {x} or not (
        whole or (view.coefficient == 1 and all(map(known.positive, view.powers)))
    ):
        return [(waiting, c, _times(powers, ("", x), p))]
    if whole:
        c *= Fraction(view.coefficient) ** int(p)
    inside = tuple((b, e * p) for b, e in view.powers.items() if e)
    return [((*inside, *waiting), c, powers)]


def _times(powers: dict[Atom, Fraction], a: Atom, p: Fraction | int) -> Any:
    return {**powers, a: powers.get(a, Fraction(0)) + p}


def _logarithm(
    x: Variable, known: Assumptions
) -> list[tuple[Variable | Fraction, Fraction]] | None:
    """Return whose logarithms that of a positive product is the sum of, how often."""
    view = factors(x, known)
    if view.coefficient <= 0 or not all(map(known.positive, view.powers)):
        return None
    found: list[tuple[Variable | Fraction, Fraction]] = []
    for base, e in view.powers.items():
        inside, power = base, Fraction(e)
        while inside.op is ops.sqrt:
            inside, power = inside.args[0], power / 2
        number = known.number(inside)
        found.append((inside if number is None else Fraction(number), power))
    if view.coefficient != 1:
        found.append((Fraction(view.coefficient), Fraction(1)))
    return found


def _with_one_number(found: WrittenOut) -> WrittenOut:
    """Return a sum in which whole multiples of logarithms of numbers are joined."""
    rest: WrittenOut = {}
    joined = Fraction(1)
    for product, c in found.items():
        number = _logarithm_of_number(product)
        if number is not None and c.denominator == 1 and abs(c) <= HIGHEST:
            joined *= number ** int(c)
        elif c:
            rest[product] = c
    if joined != 1:
        rest[frozenset({(("log", joined), Fraction(1))})] = Fraction(1)
    return rest


def logarithm_of_number(written: WrittenOut) -> Fraction | None:
    """Return the positive number whose logarithm is written out, if there is one."""
    if not written:
        return Fraction(1)
    ((product, c), *more) = written.items()
    return None if more or c != 1 else _logarithm_of_number(product)


def _logarithm_of_number(product: Product) -> Fraction | None:
    if len(product) != 1:
        return None
    (((kind, x), power),) = product
    is_one = kind == "log" and isinstance(x, Fraction) and power == 1
    return x if is_one and isinstance(x, Fraction) else None
