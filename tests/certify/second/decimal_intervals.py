"""Functions of decimals, rounded to either side: an arithmetic unlike the checker's.

Sums, products and quotients are rounded as their context says.  Everything else is
worked out with more digits and padded by far more than it may be off.
"""

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import cache

ZERO, ONE, TWO, HALF = Decimal(0), Decimal(1), Decimal(2), Decimal("0.5")
INFINITY = Decimal("Infinity")
GUARD = 12  # digits more than are kept
QUARTER = Decimal("1.57079632679489661924")  # of a turn, and a little more


class Refused(Exception):
    """Something does not hold, has no value, or is not known."""


class Unsupported(Exception):
    """The second checker says nothing of this."""


class NoPoint(Exception):
    """Nothing lies in the box."""


def require(holds, why, kind=Refused):
    if not holds:
        raise kind(why)


@cache
def context(digits, rounding="ROUND_HALF_EVEN"):
    """Return a context in which nothing is too large, too small, or an error."""
    return Context(digits, rounding, MIN_EMIN, MAX_EMAX, traps=[])


def _of_exponential(c, x, scale):
    """Return ``scale * e / (1 + e)**2``, e being exp(-x)."""
    e = c.exp(x.copy_negate())
    return c.divide(c.multiply(scale, e), c.power(c.add(ONE, e), 2))


def _expit(c, x):
    return c.divide(ONE, c.add(ONE, c.exp(x.copy_negate())))


def _tanh(c, x):
    return c.subtract(c.multiply(_expit(c, c.multiply(x, TWO)), TWO), ONE)


# the value with the digits of a context; those at both infinities; whether it is the
# argument itself, but for a square or a higher power of it, near zero
FUNCTIONS = {
    "sqrt": (lambda c, x: c.sqrt(x), (ZERO, INFINITY), False),
    "exp": (lambda c, x: c.exp(x), (ZERO, INFINITY), False),
    "log": (lambda c, x: c.ln(x), (-INFINITY, INFINITY), False),
    "expm1": (lambda c, x: c.subtract(c.exp(x), ONE), (-ONE, INFINITY), True),
    "log1p": (lambda c, x: c.ln(c.add(x, ONE)), (-INFINITY, INFINITY), True),
    "tanh": (_tanh, (-ONE, ONE), True),
    "expit": (_expit, (ZERO, ONE), False),
    "expit_slope": (lambda c, x: _of_exponential(c, x, ONE), (ZERO, ONE / 4), False),
    "tanh_slope": (lambda c, x: _of_exponential(c, c.add(x, x), 4), (ZERO, ONE), False),
    "arctan": (lambda c, x: _arctan(c, x), (-QUARTER, QUARTER), True),
}  # fmt: skip
EXACT = {("exp", ZERO): ONE, ("log", ONE): ZERO, ("expit", ZERO): HALF}


class Arithmetic:
    """Numbers of so many digits; ``up`` says on which side of the truth they may be."""

    def __init__(self, digits=100):
        self.digits, self.near = digits, context(digits)
        self.sides = context(digits, ROUND_FLOOR), context(digits, ROUND_CEILING)
        self.pi = _pi(digits + GUARD)

    def times(self, x, y, up):
        return self.sides[up].multiply(x, y) if x and y else ZERO

    def power(self, x, n, up):
        """Return a whole power of what is not negative."""
        found = ONE
        for bit in bin(n)[2:]:
            found = self.times(found, found, up)
            found = self.times(found, x, up) if bit == "1" else found
        return found

    def padded(self, x, up, size=None):
        """Return a number beyond x, of whose last digits nothing is known."""
        off = (size or x).copy_abs().scaleb(4 - self.digits, self.near)
        return self.sides[up].add(x, off if up else off.copy_negate())

    def value(self, name, x, up):
        """Return a function of one variable."""
        if (name, x) in EXACT:
            return EXACT[name, x]
        formula, ends, is_odd = FUNCTIONS[name]
        if not x.is_finite():
            return ZERO if name.endswith("slope") else ends[x > 0]
        if is_odd and x.adjusted() < -self.digits:
            return self.padded(x, up)
        more = -2 * min(x.adjusted(), 0) if -2 * self.digits < x.adjusted() else 0
        fine = context(self.digits + GUARD + more)
        found = formula(fine, x)
        if name == "sqrt" and context(2 * fine.prec).multiply(found, found) == x:
            return found
        return min(max(self.padded(found, up), ends[0]), ends[1])

    def sine(self, x, quarter, up):
        """Return the sine of an angle and so many quarters of a turn."""
        if not (x and x.is_finite() and x.adjusted() < 1000):  # digits before the point
            return Decimal(quarter) if not x else ONE if up else -ONE
        c = context(self.digits + 2 * GUARD + abs(x.adjusted()))
        half = c.multiply(_pi(c.prec), HALF)
        k = int(c.to_integral_value(c.divide(x, half)))
        r = c.subtract(x, c.multiply(half, k)) if k else x
        even, k = (k + quarter) % 2, k + quarter
        total = term = ONE if even else r
        n, factor = 2 - even, c.multiply(r, r).copy_negate()
        while term and term.adjusted() > total.adjusted() - c.prec - 2:
            term = c.divide(c.multiply(term, factor), Decimal(n * (n + 1)))
            total, n = c.add(total, term), n + 2
        total = total.copy_negate() if k % 4 >= 2 else total
        size = total if r is x and not even else ONE
        return min(ONE, max(-ONE, self.padded(total, up, size)))


def _arctan(c, x):
    """Return the arctangent of a number, of its inverse if that is less, quartered."""
    inverted = x.copy_abs() > ONE
    y = c.divide(ONE, x) if inverted else x
    for _ in range(3):
        y = c.divide(y, c.add(ONE, c.sqrt(c.add(ONE, c.multiply(y, y)))))
    total, power, n, square = y, y, 1, c.multiply(y, y).copy_negate()
    while power and power.adjusted() > total.adjusted() - c.prec - 2:
        power = c.multiply(power, square)
        total, n = c.add(total, c.divide(power, Decimal(2 * n + 1))), n + 1
    total = c.multiply(total, 8)
    if not inverted:
        return total
    return c.subtract(c.multiply(_pi(c.prec), HALF).copy_sign(x), total)


@cache
def _pi(digits):
    """Return pi as four times the arctangent of one, by J. Machin's formula."""
    c = context(digits + GUARD)
    a, b = (_arctan(c, c.divide(ONE, Decimal(n))) for n in (5, 239))
    return c.subtract(c.multiply(16, a), c.multiply(4, b))
