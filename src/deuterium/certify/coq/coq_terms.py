"""Real expressions as Coq writes them: their text, their slopes, their ranges.

The operations are those that the tactic ``interval`` of coq-interval knows (Melquiond,
2008: Proving bounds on real-valued functions with computations).  Terms are made once:
equal ones are one object, so what is shared in a graph is worked out once here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

LONG = 12  # words from which what is said twice gets a name


class RealTerm:
    """A real expression: a number, an input, or an operation on other terms.

    It takes the operators of Python, so NumPy adds up and multiplies arrays of terms.

    Attributes
    ----------
    kind : str
        ``"number"``, ``"input"``, or a key of `OPERATIONS`.
    args : tuple of RealTerm
        What the operation is of.
    datum : Fraction or str or int or None
        The number, the name of the input, or the exponent of a power.
    """

    __slots__ = ("args", "datum", "kind")

    def __init__(self, kind: str, args: tuple[RealTerm, ...], datum: Any) -> None:
        self.kind, self.args, self.datum = kind, args, datum

    def __add__(self, other: Any) -> RealTerm:
        return total(self, term_of(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> RealTerm:
        return total(self, minus(term_of(other)))

    def __rsub__(self, other: Any) -> RealTerm:
        return total(term_of(other), minus(self))

    def __mul__(self, other: Any) -> RealTerm:
        return product(self, term_of(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> RealTerm:
        return product(self, inverse(term_of(other)))

    def __rtruediv__(self, other: Any) -> RealTerm:
        return product(term_of(other), inverse(self))

    def __neg__(self) -> RealTerm:
        return minus(self)

    def __pow__(self, n: int) -> RealTerm:
        return raised(self, n)


_MADE: dict[tuple[Any, ...], RealTerm] = {}


def made(kind: str, *args: RealTerm, datum: Any = None) -> RealTerm:
    """Return the one term of this operation on these terms."""
    key = (kind, args, datum)
    if key not in _MADE:
        _MADE[key] = RealTerm(kind, args, datum)
    return _MADE[key]


def number(x: Any) -> RealTerm:
    """Return a number, exactly: a double is the dyadic fraction that it is."""
    return made("number", datum=Fraction(x))


def term_of(x: Any) -> RealTerm:
    """Return a term as it is, and a number as a term."""
    return x if isinstance(x, RealTerm) else number(np.asarray(x).item())


ZERO, ONE = number(0), number(1)  # what is not written where it changes nothing


def is_number(t: RealTerm, value: int) -> bool:
    """Return whether the term is written as this number."""
    return t.kind == "number" and t.datum == value


def total(a: RealTerm, b: RealTerm) -> RealTerm:
    """Return a + b."""
    if is_number(a, 0) or is_number(b, 0):
        return b if is_number(a, 0) else a
    return made("+", a, b)


def minus(a: RealTerm) -> RealTerm:
    """Return -a."""
    if a.kind == "number":
        return number(-a.datum)
    return a.args[0] if a.kind == "-" else made("-", a)


def product(a: RealTerm, b: RealTerm) -> RealTerm:
    """Return a b."""
    if is_number(a, 0) or is_number(b, 0):
        return ZERO
    if is_number(a, 1) or is_number(b, 1):
        return b if is_number(a, 1) else a
    return raised(a, 2) if a is b else made("*", a, b)


def inverse(a: RealTerm) -> RealTerm:
    """Return 1 / a."""
    return a if is_number(a, 1) else made("/", a)


def raised(a: RealTerm, n: int) -> RealTerm:
    """Return a**n, n a whole number."""
    if n < 0:
        return inverse(raised(a, -n))
    if n < 2:
        return a if n else ONE
    return made("^", a, datum=n)


def call(kind: str) -> Callable[[RealTerm], RealTerm]:
    """Return the function of one variable that Coq calls by this name."""
    return lambda a: made(kind, a)


sqrt, absolute, exp, ln = map(call, ("sqrt", "Rabs", "exp", "ln"))
sin, cos, tan, atan = map(call, ("sin", "cos", "tan", "atan"))
PI = made("PI")

SLOPES: dict[str, Callable[[RealTerm], RealTerm]] = {
    "/": lambda a: minus(inverse(raised(a, 2))),
    "sqrt": lambda a: inverse(2 * sqrt(a)),
    "exp": exp,
    "ln": inverse,
    "sin": cos,
    "cos": lambda a: minus(sin(a)),
    "tan": lambda a: 1 + raised(tan(a), 2),
    "atan": lambda a: inverse(1 + raised(a, 2)),
}
"""The derivative of each function of one variable that has one where it is defined."""


def slope(
    t: RealTerm, name: str, known: dict[RealTerm, RealTerm | None]
) -> RealTerm | None:
    """Return the derivative by an input, or None behind an absolute value."""
    for u in below(t):
        if u not in known:
            known[u] = _slope(u, name, known)
    return known[t]


def _slope(
    u: RealTerm, name: str, known: Mapping[RealTerm, RealTerm | None]
) -> RealTerm | None:
    if not u.args:
        return ONE if u.kind == "input" and u.datum == name else ZERO
    inner = [known[a] for a in u.args]
    if all(d is ZERO for d in inner):
        return ZERO
    if None in inner or u.kind == "Rabs":
        return None
    first, second = inner[0], inner[-1]
    assert first is not None and second is not None
    if u.kind == "+":
        return total(first, second)
    if u.kind == "-":
        return minus(first)
    a, b = u.args[0], u.args[-1]
    if u.kind == "*":
        return total(product(first, b), product(a, second))
    if u.kind == "^":
        return product(u.datum * raised(a, u.datum - 1), first)
    return product(SLOPES[u.kind](a), first)


def below(t: RealTerm, stop: Container[RealTerm] = ()) -> list[RealTerm]:
    """Return a term and all it is made of, each after its parts.

    What is in ``stop`` (other than the term) is not looked into.
    """
    done: dict[RealTerm, None] = {}
    waiting = [t]
    while waiting:
        u = waiting[-1]
        inside = u.args if u is t or u not in stop else ()
        left = [a for a in inside if a not in done]
        if left:
            waiting += left
        else:
            done[waiting.pop()] = None
    return list(done)


def written(x: Fraction) -> str:
    """Return a number as Coq reads it, exactly."""
    whole = f"{abs(x.numerator)}" + (f" / {x.denominator}" * (x.denominator != 1))
    return f"(- ({whole}))" if x < 0 else f"({whole})" if " " in whole else whole


def text(t: RealTerm, named: Mapping[RealTerm, str]) -> str:
    """Return a term in Coq's words, with what has a name under its name."""
    said: dict[RealTerm, str] = {}
    for u in below(t, stop=named):
        parts = [said[a] for a in u.args] if u is t or u not in named else []
        if u is not t and u in named:
            said[u] = named[u]
        elif u.kind == "number":
            said[u] = written(u.datum)
        elif u.kind in ("input", "PI"):
            said[u] = named.get(u, u.datum or u.kind)
        elif u.kind == "^":
            said[u] = f"({parts[0]} ^ {u.datum})"
        elif len(parts) == 2:
            said[u] = f"({parts[0]} {u.kind} {parts[1]})"
        else:
            said[u] = f"({u.kind} {parts[0]})"
    return said[t]


def shared(terms: Sequence[RealTerm]) -> list[RealTerm]:
    """Return what occurs more than once in terms and is long, each after its parts.

    Also the terms themselves.  How long a term is counts these as one word.
    """
    uses: dict[RealTerm, int] = dict.fromkeys(terms, 2)
    order = list(dict.fromkeys(u for t in terms for u in below(t)))
    for u in order:
        for a in u.args:
            uses[a] = uses.get(a, 0) + 1
    words: dict[RealTerm, int] = {}
    found = []
    for u in order:
        words[u] = 1 + sum(words[a] for a in u.args)
        if u.args and uses.get(u, 0) > 1 and (words[u] >= LONG or u in terms):
            found.append(u)
            words[u] = 1
    return found
