"""Numbers that are never negative, seen as sums of squares.

A polynomial of second degree in some monomials is ``m' G m``, which exact elimination
makes ``sum(d (l' m)^2)``: where no d is negative, neither is the polynomial (variances,
Lagrange's identity behind the inequality of Cauchy and Schwarz).  And
``a + b - 2 sqrt(a b)`` is ``(sqrt(a) - sqrt(b))^2``.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import broadcast_to, constant
from deuterium.graph.traverse import is_larger, topological
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.lengths import norm_of
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.expansion.polynomial import Monomial, Polynomial
from deuterium.transform.expansion.rebuild import Rebuilder
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import LARGEST
from deuterium.transform.simplify.factors import Factors, build, factors
from deuterium.transform.simplify.terms import terms

MOST_NODES = 120  # of a number that is multiplied out
MOST_MONOMIALS = 24  # of a square; the work grows as its third power
MOST_FORM_NODES = 2000  # of a number whose root is taken; expanding it takes 10 ms
MOST_NUMBERS = 64  # of which one is a quadratic form; each pair has a fraction
Row = dict[Monomial, Fraction]


def squares_in(u: Variable, known: Assumptions) -> list[Variable] | None:
    """Return numbers whose squares add up to a number, or None if none are found."""
    if not _subtracts(u, known) or not _may_expand(u, known, MOST_NODES):
        return None
    means = _between_means(u, known)
    if means is not None:
        return means
    expansion = Expansion()
    try:
        ((p,),) = expansion.of([u])
        rows = _rows(_powers_apart(p, expansion))
        if rows is None:
            return None
        build = Rebuilder(expansion).graph
        return [_scaled(d, build(_polynomial(row))) for d, row in rows]
    except TooLong:
        return None


def _may_expand(u: Variable, known: Assumptions, most: int) -> bool:
    """Return whether a number may be multiplied out.

    What cancels must have a value, and numbers that one differentiates by stay.
    """
    if u.size != 1 or is_larger([u], most) or not known.defined(u):
        return False
    return not known.inputs or known.inputs.isdisjoint(topological([u]))


def _subtracts(u: Variable, known: Assumptions) -> bool:
    """Return whether a number is a multiple of a difference."""
    while u.op in (ops.divide, ops.multiply, ops.reshape):
        (u, *_) = [a for a in u.args if known.number(a) is None] or u.args
    view = terms(u, known)
    return view.constant < 0 or any(c < 0 for c in view.terms.values())


def linear_form_in(u: Variable, known: Assumptions) -> Variable | None:
    """Return the length of a vector, linear in others, whose square a number is.

    The vector is numbers less their mean, of a variance however it is spelled; else
    numbers times a factor of the form's matrix.  Diagonal matrices are left alone.
    """
    if not _may_expand(u, known, MOST_FORM_NODES):
        return None
    expansion = Expansion()
    try:
        ((p,),) = expansion.of([u])
        gram, basis = _gram(_powers_apart(p, expansion)) or ([], [])
        if any(len(m) > 1 for m in basis):
            return None
        if not any(g for i, row in enumerate(gram) for g in row[:i]):
            return None
        ones = [Polynomial({m: 1}) for m in basis]
        w = Rebuilder(expansion).array(ones, (len(basis),))
    except TooLong:
        return None
    n, scale = len(basis), Fraction(1)
    a, b = gram[0][0], gram[0][1]
    alike = [[a if i == j else b for j in range(n)] for i in range(n)]
    if a + (n - 1) * b == 0 and gram == alike:
        mean = arrays.sum_over(w, (-1,)) / n
        vector, scale = w - broadcast_to(mean, w.shape), a - b
    else:
        factor = _factor(_eliminated(gram, basis), basis)
        if factor is None:
            return None
        row = arrays.reshape_to(w, (1, n)) @ factor
        vector = arrays.reshape_to(row, factor.shape[1:])
    return arrays.reshape_to(_scaled(scale, norm_of(vector)), u.shape)


def _factor(
    rows: list[tuple[Fraction, Row]] | None, basis: list[Monomial]
) -> Variable | None:
    """Return the matrix of which the rows' squares are the products, if it is exact."""
    if not rows:
        return None
    parts = [[row.get(m, Fraction(0)) for _, row in rows] for m in basis]
    squares = [d for d, _ in rows]
    if any(max(abs(x.numerator), x.denominator) > LARGEST for x in sum(parts, squares)):
        return None
    matrix, scale = (
        constant(np.array([[float(x.numerator) for x in row] for row in table]))
        / constant(np.array([[float(x.denominator) for x in row] for row in table]))
        for table in (parts, [squares])
    )
    return matrix * broadcast_to(scale.sqrt(), matrix.shape)


def is_within_one(u: Variable, known: Assumptions) -> bool:
    """Return whether a number certainly lies between -1 and 1, where it is defined.

    As what is left to 1 is made of squares, or by the inequality of Cauchy and Schwarz.
    """
    x = known.range(u)
    if u.size != 1 or not known.defined(u):
        return False
    low, high = np.all(x.lower >= -1), np.all(x.upper <= 1)
    if low and (high or squares_in(1 - u, known) is not None):
        return True
    view = factors(u, known)
    above, below = (
        {b: e for b, e in view.powers.items() if e * sign > 0} for sign in (1, -1)
    )
    if not below or any(b.op is not ops.sqrt for b in below):
        return False
    squares = {b.args[0]: -e for b, e in below.items()}
    top = build(Factors(u.shape, view.coefficient, above), known)
    bottom = build(Factors(u.shape, 1, squares), known)
    if top is None or bottom is None:
        return False
    return squares_in(bottom - ops.square(top), known) is not None


def _scaled(d: Fraction, x: Variable) -> Variable:
    if d == 1:
        return x
    number = constant(d.numerator) / constant(d.denominator)
    return number.sqrt() * x


def _polynomial(row: Row) -> Polynomial:
    parts = [Polynomial({m: c.numerator}, c.denominator) for m, c in row.items()]
    common = 1
    for p in parts:
        common *= p.denominator
    return Polynomial({m: int(c * common) for m, c in row.items()}, common).reduced()


def _rows(p: Polynomial) -> list[tuple[Fraction, Row]] | None:
    """Return d and the coefficients of each monomial, of squares that add up to p."""
    if all(c > 0 for c in p.terms.values()):
        return None  # rules and ranges know as much
    found = _gram(p)
    if found is None or len(found[1]) > MOST_MONOMIALS:
        return None
    return _eliminated(*found)


def _gram(p: Polynomial) -> tuple[list[list[Fraction]], list[Monomial]] | None:
    """Return G and monomials m so that a polynomial is ``m' G m``."""
    basis = [h for m, c in p.terms.items() if c > 0 and (h := _half(m)) is not None]
    basis.sort()
    if not 0 < len(basis) <= MOST_NUMBERS:
        return None
    pairs: dict[Monomial, list[tuple[int, int]]] = {}
    for i, a in enumerate(basis):
        for j, b in enumerate(basis[: i + 1]):
            pairs.setdefault(tuple(sorted(a + b)), []).append((i, j))
    gram = [[Fraction(0)] * len(basis) for _ in basis]
    for m, c in p.terms.items():
        found = pairs.get(m)
        if found is None:
            return None
        squared = [(i, j) for i, j in found if i == j]
        for i, j in squared or found:
            share = Fraction(c, p.denominator) / len(squared or found)
            gram[i][j] += share / (1 if i == j else 2)
            gram[j][i] = gram[i][j]
    return gram, basis


def _powers_apart(p: Polynomial, expansion: Expansion) -> Polynomial:
    """Return a polynomial in which a power of an atom is that atom, so many times."""
    terms: dict[Monomial, int] = {}
    for m, c in p.terms.items():
        whole: list[int] = []
        for i in m:
            atom = expansion.atoms[i]
            inner = atom.args[0] if atom.op is ops.integer_power else None
            n = int(dict(atom.attrs)["n"]) if inner is not None else 1
            plain = inner is not None and n > 0 and list(inner.terms.values()) == [1]
            if inner is not None and plain and inner.denominator == 1:
                whole += [*next(iter(inner.terms))] * n
            else:
                whole.append(i)
        key = tuple(sorted(whole))
        terms[key] = terms.get(key, 0) + c
    return Polynomial({m: c for m, c in terms.items() if c}, p.denominator)


def _half(m: Monomial) -> Monomial | None:
    """Return the monomial whose square a monomial is."""
    counts = Counter(m)
    if any(n % 2 for n in counts.values()):
        return None
    return tuple(sorted(i for i, n in counts.items() for _ in range(n // 2)))


def _eliminated(
    gram: list[list[Fraction]], basis: list[Monomial]
) -> list[tuple[Fraction, Row]] | None:
    """Return ``m' G m`` as a sum of squares by symmetric elimination, if it is one."""
    found = []
    for k in range(len(basis)):
        d = gram[k][k]
        later = range(k, len(basis))
        if d < 0 or (d == 0 and any(gram[k][j] for j in later)):
            return None
        if d == 0:
            continue
        found.append((d, {basis[j]: gram[k][j] / d for j in later if gram[k][j]}))
        for i in later[1:]:
            share = gram[i][k] / d
            for j in later[1:]:
                gram[i][j] -= share * gram[k][j]
    return found


def _between_means(u: Variable, known: Assumptions) -> list[Variable] | None:
    """Return roots less roots where a number is means less geometric ones."""
    view = terms(u, known)
    rest, found = u, []
    for term, c in view.terms.items():
        pair = _geometric(term, known)
        if c < 0 and pair is not None:
            a, b = pair
            scale = (constant(-c) / 2).sqrt()
            found.append(scale * (a.sqrt() - b.sqrt()))
            rest = rest - c * term - constant(-c) / 2 * (a + b)
    if not found:
        return None
    try:
        ((p,),) = Expansion().of([rest])
    except TooLong:
        return None
    return found if p.value == 0 else None


def _geometric(term: Variable, known: Assumptions) -> tuple[Variable, Variable] | None:
    """Return a and b of ``sqrt(a b)``, both never negative."""
    if term.op is ops.multiply:
        roots = term.args
        if not all(x.op is ops.sqrt for x in roots):
            return None
        a, b = (x.args[0] for x in roots)
    elif term.op is ops.sqrt and term.args[0].op is ops.multiply:
        a, b = term.args[0].args
    else:
        return None
    return (a, b) if known.nonnegative(a) and known.nonnegative(b) else None
