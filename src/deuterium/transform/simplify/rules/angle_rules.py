"""The angle between two points of a sphere: the haversine formula.

With ``h = sin(d)**2 + cos(a) cos(b) sin(t)**2`` and ``2 d = a - b``, both h and 1 - h
are sums of two squares, of which more is known than of h, however it rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from deuterium import ops
from deuterium.graph.constructors import constant
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.transform.simplify.assumptions import Assumptions
from deuterium.transform.simplify.exact_constants import Number
from deuterium.transform.simplify.factors import factors
from deuterium.transform.simplify.rule_table import rule
from deuterium.transform.simplify.sums_of_squares import is_within_one
from deuterium.transform.simplify.terms import Terms, terms
from deuterium.transform.simplify.written_out import written_out

_Legs = tuple[Variable, Variable]
_Angle = tuple[Number, _Legs, _Legs]


def _other(x: Variable) -> Variable:
    """Return the cosine for a sine, and the sine for a cosine."""
    (angle,) = x.args
    return ops.cos(angle) if x.op is ops.sin else ops.sin(angle)


@rule(
    ops.sqrt,
    identity="sqrt(sin(d)^2 + cos(a) cos(b) sin(t)^2) = hypot(cos(t) sin(d), sin(t) "
    "cos((a + b) / 2)) for 2 d = a - b; and of 1 less it: hypot(cos(t) cos(d), "
    "sin(t) sin((a + b) / 2))",
    gains="a root of what is never negative, with the slopes of a length",
    names=True,
)
def haversine(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise half the chord between two points of a sphere."""
    (x,) = v.args
    whole = not terms(x, known).constant
    for d, a, b, t in _haversines(x, 1 if whole else -1, known):
        mean = (a + b) / 2
        if whole:
            return ops.hypot(ops.cos(t) * ops.sin(d), ops.sin(t) * ops.cos(mean))
        return ops.hypot(ops.cos(t) * ops.cos(d), ops.sin(t) * ops.sin(mean))
    return None


def _haversines(
    x: Variable, sign: int, known: Assumptions
) -> Iterator[tuple[Variable, Variable, Variable, Variable]]:
    """Yield d, a, b and t of ``sin(d)**2 + cos(a) cos(b) sin(t)**2``, or 1 less it."""
    view = terms(x, known)
    if x.shape or view.constant != (1 - sign) // 2 or len(view.terms) != 2:
        return
    for (one, c), (other, e) in permutations(view.terms.items()):
        first, second = factors(one, known), factors(other, known)
        if c * first.coefficient != sign or e * second.coefficient != sign:
            continue
        sines = [(f, n) for f, n in first.powers.items() if f.op is ops.sin]
        turns = [f for f, n in second.powers.items() if f.op is ops.sin and n == 2]
        cosines = [
            f.args[0]
            for f, n in second.powers.items()
            for _ in range(n)
            if f.op is ops.cos
        ]
        if len(first.powers) != 1 or [n for _, n in sines] != [2]:
            continue
        if len(turns) != 1 or len(cosines) != 2 or sum(second.powers.values()) != 4:
            continue
        (d,), (t,), (a, b) = sines[0][0].args, turns[0].args, cosines
        ends = written_out([(a, 1), (b, -1)], known)
        halves = [written_out([(d, sign * 2)], known) for sign in (1, -1)]
        if ends is not None and ends in halves:
            yield d, a, b, t


@rule(
    ops.arcsin,
    identity="arcsin(hypot(cos(t) sin(d), sin(t) cos(m))) = arctan2 of that length and "
    "of hypot(cos(t) cos(d), sin(t) sin(m))",
    gains="an angle that is defined however its arguments round",
    names=True,
)
def angle_of_legs(v: Variable, known: Assumptions) -> Variable | None:
    """Use that the legs of an angle and of its complement are those of one vector."""
    (x,) = v.args
    if x.op is ops.minimum and 1 in map(known.number, x.args):  # cut off by hand
        x = next(a for a in x.args if known.number(a) != 1)
    if x.op is not ops.hypot:
        return None
    p, q = x.args
    for (f, d), (g, m) in _sides(p, q, known):
        if f.args[0] is g.args[0] and f.op is not g.op:
            return ops.arctan2(x, ops.hypot(f * _other(d), g * _other(m)))
    return None


@rule(
    ops.arccos,
    identity="arccos(sin(a) sin(b) + cos(a) cos(b) cos(2 t)) = 2 arctan2(hypot(cos(t) "
    "sin(d), sin(t) cos(m)), hypot(cos(t) cos(d), sin(t) sin(m))) for 2 d = a - b and "
    "2 m = a + b",
    gains="an angle that is defined however its cosine rounds, with a slope of 1 at 0",
    names=True,
)
def angle_by_cosine(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the law of cosines on a sphere, cut off at -1 and 1 or not."""
    x = _not_cut_off(v.args[0], known)
    view = terms(x, known)
    if x.shape or view.constant:
        return None
    for c, legs, others in _cosines(view, known):
        if c == 1:
            return 2 * ops.arctan2(ops.hypot(*legs), ops.hypot(*others))
    return None


@rule(
    ops.arccos,
    ops.arcsin,
    identity="arccos(u) = arccos(min(max(u, -1), 1)), for u = x y / (|x| |y|) as well",
    holds="where u is defined",
    gains="an angle of what is certainly a cosine",
)
def angle_of_cosine(v: Variable, known: Assumptions) -> Variable | None:
    """Cut to its domain what lies in it, though its range may seem to be larger."""
    (u,) = v.args
    if known.defined(v) or not is_within_one(u, known):
        return None
    assert v.op is not None  # it was found by its operator
    return v.op(ops.minimum(ops.maximum(u, -1), 1))


@rule(
    ops.sqrt,
    identity="sqrt(c - c cos(w)) = sqrt(2 c) hypot(cos(t) sin(d), sin(t) cos(m)) for "
    "cos(w) = sin(a) sin(b) + cos(a) cos(b) cos(2 t), with 2 d = a - b, 2 m = a + b",
    gains="a root of what is never negative, with the slopes of a length",
    names=True,
)
def chord(v: Variable, known: Assumptions) -> Variable | None:
    """Recognise the chord between two points of a sphere by the law of cosines."""
    (x,) = v.args
    view = terms(x, known)
    if x.shape or not view.constant > 0:
        return None
    for c, legs, others in _cosines(view, known):
        if abs(c) == view.constant:
            twice = ops.sqrt(constant(2) * constant(view.constant))
            return twice * ops.hypot(*(legs if c < 0 else others))
    return None


def _cosines(view: Terms, known: Assumptions) -> Iterator[_Angle]:
    """Yield c and the legs of w / 2 for ``c (sin(a) sin(b) + cos(a) cos(b) cos(2 t))``.

    The two legs add up to the square of its sine, the two others to that of its cosine.
    """
    if len(view.terms) != 2:
        return
    for (one, c), (other, e) in permutations(view.terms.items()):
        sines, cosines = (_of_operator(w, known) for w in (one, other))
        if sines is None or cosines is None or c != e:
            continue
        if sines[0] is not ops.sin or cosines[0] is not ops.cos:
            continue
        turn = [t for t in cosines[1] if t not in sines[1]] or sines[1][:1]
        rest = list(cosines[1])
        rest.remove(turn[0])
        if sorted(map(id, rest)) != sorted(map(id, sines[1])):
            continue
        (a, b), t = sines[1], turn[0] / 2
        d, m = (a - b) / 2, (a + b) / 2
        legs = ops.cos(t) * ops.sin(d), ops.sin(t) * ops.cos(m)
        yield c, legs, (ops.cos(t) * ops.cos(d), ops.sin(t) * ops.sin(m))


def _not_cut_off(x: Variable, known: Assumptions) -> Variable:
    """Return what is cut off at -1 and 1, as a cosine may be by hand."""
    for _ in range(2):
        if x.op in (ops.minimum, ops.maximum):
            end = 1 if x.op is ops.minimum else -1
            others = [a for a in x.args if known.number(a) != end]
            x = others[0] if len(others) == 1 else x
    return x


def _of_operator(
    x: Variable, known: Assumptions
) -> tuple[Operator | None, list[Variable]] | None:
    """Return the operator and the arguments of a product of sines, or of cosines."""
    view = factors(x, known)
    bases = [b for b, n in view.powers.items() for _ in range(n)]
    operators = {b.op for b in bases}
    if view.coefficient != 1 or view.divided or len(operators) != 1:
        return None
    (op,) = operators
    count = {ops.sin: 2, ops.cos: 3}
    if op not in count or len(bases) != count[op]:
        return None
    return op, [b.args[0] for b in bases]


def _sides(
    p: Variable, q: Variable, known: Assumptions
) -> Iterator[tuple[tuple[Variable, ...], tuple[Variable, ...]]]:
    """Yield both products of a sine or cosine with another, in either order."""
    pairs = []
    for x in (p, q):
        view = factors(x, known)
        bases = [b for b, n in view.powers.items() for _ in range(n)]
        good = len(bases) == 2 and all(b.op in (ops.sin, ops.cos) for b in bases)
        if abs(view.coefficient) != 1 or not good or view.divided:
            return
        pairs.append(bases)
    for first in permutations(pairs[0]):
        for second in permutations(pairs[1]):
            yield first, second
