"""Graphs as polynomials, so that what two of them have in common cancels.

Every element of a graph is a polynomial, with exact rational coefficients, of *atoms*:
elements of symbols, and values of operators that are no polynomials (of arguments that
are polynomials, by which equal ones are known to be equal).  However a function was
spelled, over the reals it has one such form.
"""

from deuterium.transform.expansion.difference import difference, moving_part
from deuterium.transform.expansion.quotient_difference import (
    as_quotient,
    is_polynomial,
    quotient_difference,
)

__all__ = [
    "as_quotient",
    "difference",
    "is_polynomial",
    "moving_part",
    "quotient_difference",
]
