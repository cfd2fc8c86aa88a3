"""Polynomials with exact rational coefficients: whole numbers over one denominator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Monomial = tuple[int, ...]  # the numbers of its atoms, in order, as often as they occur
Frozen = tuple[tuple[tuple[Monomial, int], ...], int]


@dataclass(frozen=True, eq=False)
class Polynomial:
    """``sum(c * product of atoms) / denominator``.

    Attributes
    ----------
    terms : dict from tuple of int to int
        The coefficient c of each monomial, never 0.
    denominator : int
        Positive.
    """

    terms: dict[Monomial, int]
    denominator: int = 1

    @classmethod
    def number(cls, x: Fraction) -> Polynomial:
        """Return a constant."""
        return cls({(): x.numerator} if x else {}, x.denominator)

    @classmethod
    def atom(cls, i: int) -> Polynomial:
        """Return an atom."""
        return cls({(i,): 1})

    @property
    def value(self) -> Fraction | None:
        """The number that it is; None where it has an atom."""
        if not self.terms:
            return Fraction(0)
        if len(self.terms) == 1 and () in self.terms:
            return Fraction(self.terms[()], self.denominator)
        return None

    @property
    def bits(self) -> int:
        """How long its longest integer is."""
        return max(map(int.bit_length, (self.denominator, *self.terms.values())))

    def reduced(self) -> Polynomial:
        """Return the same in lowest terms."""
        common = math.gcd(self.denominator, *self.terms.values())
        if common == 1:
            return self
        terms = {m: c // common for m, c in self.terms.items()}
        return Polynomial(terms, self.denominator // common)

    def frozen(self) -> Frozen:
        """Return what is equal for equal polynomials, and can be a key."""
        least = self.reduced()
        return tuple(sorted(least.terms.items())), least.denominator

    def times(self, x: Fraction) -> Polynomial:
        """Return a multiple."""
        if not x:
            return Polynomial({})
        terms = {m: c * x.numerator for m, c in self.terms.items()}
        return Polynomial(terms, self.denominator * x.denominator)

    def __mul__(self, other: Polynomial) -> Polynomial:
        """Return the product."""
        terms: dict[Monomial, int] = {}
        for m, c in self.terms.items():
            for n, d in other.terms.items():
                both = tuple(sorted(m + n)) if m and n else m or n
                terms[both] = terms.get(both, 0) + c * d
        terms = {m: c for m, c in terms.items() if c}
        return Polynomial(terms, self.denominator * other.denominator)


def total(parts: Iterable[Polynomial]) -> Polynomial:
    """Return the sum of polynomials."""
    listed = list(parts)
    if len(listed) == 1:
        return listed[0]
    common = math.lcm(*(p.denominator for p in listed))
    terms: dict[Monomial, int] = {}
    for p in listed:
        share = common // p.denominator
        for m, c in p.terms.items():
            terms[m] = terms.get(m, 0) + c * share
    return Polynomial({m: c for m, c in terms.items() if c}, common)
