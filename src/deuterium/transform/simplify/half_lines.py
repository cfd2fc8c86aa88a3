"""Conditions on one number, and which of them decide others.

``0.5 * s - 1 > 0`` and ``s - 3 > 0`` are about the half-lines above 2 and above 3 of
one number: where the second holds the first does, too.  Ends are compared as the
rational numbers that they are.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from deuterium.graph.hashcons import rebuilt
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.ops import arithmetic, arrays, logic, piecewise
from deuterium.transform.simplify.assumptions import Assumptions


class HalfLine(NamedTuple):
    """``x > end`` (above) or ``x < end``."""

    x: Variable
    end: Fraction
    above: bool

    def decides(
        self, holds: bool, asked: HalfLine, dense: frozenset[str] = frozenset()
    ) -> bool | None:
        """Return the truth of another where this holds, or where it does not.

        Single values of ``dense`` symbols, and of their elements, do not matter.
        """
        if self.x is not asked.x:
            return None
        sign = 1 if asked.above else -1
        end, other = sign * self.end, sign * asked.end
        if (self.above == asked.above) != holds:  # what is left lies below its end
            return False if end <= other else None
        closed = not holds and _coordinate_of(self.x) not in dense
        return True if end > other or (end == other and not closed) else None


def _coordinate_of(x: Variable) -> str | None:
    """Return the symbol whose element a node is."""
    while x.op in (arrays.gather, arrays.reshape):
        (x,) = x.args
    return x.name if x.is_symbol else None


def half_line(h: Variable, known: Assumptions) -> HalfLine | None:
    """Return where ``h > 0`` as a condition on what ``h`` is made of with numbers."""
    if h not in known.half_lines:
        line = HalfLine(h, Fraction(0), True)
        while (inner := _step_inward(line, known)) is not None:
            line = inner
        known.half_lines[h] = None if line.x.is_constant else line
    found: HalfLine | None = known.half_lines[h]
    return found


def of_size(h: Variable, known: Assumptions) -> tuple[bool, list[Variable]] | None:
    """Return h of u and of -u, where ``h > 0`` is a condition on ``|u|``.

    It holds where one of both is positive (True), or where both are (False).
    """
    line = half_line(h, known)
    if line is None or line.x.op is not piecewise.absolute:
        return None
    (u,) = line.x.args
    sides = []
    for x in (u, -u):
        new = {line.x: x}
        for n in topological([h]):
            new.setdefault(n, rebuilt(n, tuple(new[a] for a in n.args)))
        sides.append(new[h])
    return line.above, sides


def without_narrowing(h: Variable, known: Assumptions) -> Variable | None:
    """Return h of an input that is not narrowed, if it is positive just where h is."""
    line = half_line(h, known)
    if line is None or line.x is h or not line.x.is_symbol:
        return None
    order = topological([h])
    if not any(n.op is logic.narrowed for n in order):
        return None
    new: dict[Variable, Variable] = {}
    for n in order:
        plain = rebuilt(n, tuple(new[a] for a in n.args))
        new[n] = plain.args[1] if n.op is logic.narrowed else plain
    return new[h] if half_line(new[h], known) == line else None


def _step_inward(line: HalfLine, known: Assumptions) -> HalfLine | None:
    x, end, above = line
    if x.op is arithmetic.negative:
        return HalfLine(x.args[0], -end, not above)
    if x.op is piecewise.relu:
        return _inside(line, x.args[0], 0, larger=True)
    if x.op is logic.narrowed:
        bound = known.number(x.args[2])
        larger = bool(x.attrs["upward"])
        return None if bound is None else _inside(line, x.args[1], bound, larger=larger)
    if x.op is not None and x.op.increasing is not None and x.op.strictly:
        for at, value in x.op.exact_points:
            if value == end and known.defined(x):
                return HalfLine(x.args[0], Fraction(at), above == x.op.increasing)
    if x.op not in _BINARY:
        return None
    first, last = x.args
    for y, k in ((first, known.number(last)), (last, known.number(first))):
        if k is None or y.shape != x.shape:
            continue
        if x.op in _EXTREMES:
            return _inside(line, y, k, larger=x.op is piecewise.maximum)
        if x.op is arithmetic.add:
            return HalfLine(y, end - Fraction(k), above)
        if x.op is arithmetic.subtract and y is first:
            return HalfLine(y, end + Fraction(k), above)
        if x.op is arithmetic.subtract:
            return HalfLine(y, Fraction(k) - end, not above)
        if k and x.op is arithmetic.multiply:
            return HalfLine(y, end / Fraction(k), above == (k > 0))
        if k and y is first:
            return HalfLine(y, end * Fraction(k), above == (k > 0))
    return None


_EXTREMES = {piecewise.maximum, piecewise.minimum}
_BINARY = _EXTREMES | {
    arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.divide
}  # fmt: skip


def _inside(
    line: HalfLine, y: Variable, bound: float, *, larger: bool
) -> HalfLine | None:
    """Return the condition on y for one on the larger or lesser of y and a number.

    None where the number decides it.
    """
    level, end = Fraction(bound), line.end
    if line.above == larger:
        same = end >= level if larger else end <= level
    else:
        same = end > level if larger else end < level
    return HalfLine(y, end, line.above) if same else None
