"""Graphs without what they, or two of them, have in common with something else."""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction

from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.expansion.polynomial import Polynomial, total
from deuterium.transform.expansion.rebuild import Rebuilder

LARGEST = 256  # elements


def difference(p: Variable, q: Variable) -> Variable:
    """Return ``p - q``, from which terms that both have are gone.

    Where, over the reals, no term cancels, or working it out would take too long, it is
    the difference as it stands.

    Parameters
    ----------
    p, q : Variable
        Of one shape, and defined wherever the difference is asked for: what cancels
        does so also where it is undefined.
    """
    if p.size > LARGEST:
        return p - q
    try:
        expansion, made = _new()
        first, second = expansion.of([p, q])
        apart = [
            total([a, b.times(Fraction(-1))]).reduced()
            for a, b in zip(first, second, strict=True)
        ]
        given = sum(len(x.terms) for x in first + second)
        if sum(len(x.terms) for x in apart) == given:
            return p - q
        return made.array(apart, p.shape)
    except TooLong:
        return p - q


def moving_part(p: Variable, names: Set[str]) -> Variable:
    """Return ``p`` without the terms in which none of some symbols is.

    It is what changes with these symbols, the others staying as they are: ``p`` less
    something that does not depend on them.  ``p`` itself where that has no such term,
    or working it out would take too long.

    Parameters
    ----------
    p : Variable
        Defined wherever its part is asked for.
    names : set of str
        Of the symbols.
    """
    if p.size > LARGEST or all(s.name in names for s in free_symbols([p])):
        return p
    try:
        expansion, made = _new()
        (whole,) = expansion.of([p])
        parts = [_moving(expansion, x, names) for x in whole]
        if all(len(a.terms) == len(b.terms) for a, b in zip(parts, whole, strict=True)):
            return p
        return made.array(parts, p.shape)
    except TooLong:
        return p


def _new() -> tuple[Expansion, Rebuilder]:
    expansion = Expansion()
    made = Rebuilder(expansion)
    expansion.as_array = made.array
    return expansion, made


def _moving(expansion: Expansion, p: Polynomial, names: Set[str]) -> Polynomial:
    terms = {
        m: c for m, c in p.terms.items() if expansion.depends(Polynomial({m: c}), names)
    }
    return Polynomial(terms, p.denominator)
