"""At which numbers a graph may jump as an input moves, constant between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.certify.checker.end_values import EndValues
from deuterium.certify.checker.exceptions import NoBound
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable

JUMPS = {ops.is_positive, ops.is_zero, ops.sign, ops.step}  # at zero, only
ROUNDINGS: dict[Operator, Fraction | int] = {
    ops.floor: 0, ops.floor_divide: 0, ops.ceil: 0, ops.trunc: 0,
    ops.rint: Fraction(1, 2),
}  # fmt: skip
MOST = 10_000  # places of one number that is rounded

# slope, and value at zero if it is a number, of a function of the input
Form = tuple[Fraction, Fraction | None]
Moving = dict[int, Form | None]  # by place; None of what is constant between jumps


class JumpPlaces:
    """The places of inputs of a scalar graph.

    Parameters
    ----------
    ends : EndValues
        Of that graph.
    """

    def __init__(self, ends: EndValues) -> None:
        self.ends = ends
        self._range = Fraction(0), Fraction(0)

    def of(self, j: int, low: Fraction, high: Fraction) -> set[Fraction]:
        """Return all places of an input between two numbers.

        Raises
        ------
        NoBound
            It matters in another way, too.
        """
        self._range = low, high
        moving: dict[Variable, Moving] = {}
        places: set[Fraction] = set()
        for node in self.ends.order:
            if node.is_symbol:
                e = j - self.ends.starts[node.name]
                here = 0 <= e < node.size
                moving[node] = {e: (Fraction(1), Fraction(0))} if here else {}
            elif node.op is None:
                moving[node] = {}
            else:
                moving[node] = self._of(node, [moving[a] for a in node.args], places)
        if any(form is not None for form in moving[self.ends.graph].values()):
            raise NoBound(f"the objective does not only jump in input {j}")
        return places

    def _of(
        self, node: Variable, args: Sequence[Moving], places: set[Fraction]
    ) -> Moving:
        op = node.op
        if not any(args):
            return {}
        assert op is not None
        if op.moves_elements:
            sources = enumerate(self.ends.sources(node))
            return {p: args[k][e] for p, (k, e) in sources if e in args[k]}
        if op in JUMPS or op in ROUNDINGS:
            found = args[0]
            if len(args) == 2:  # rounded is a quotient
                found = {p: self._form(node, args, p) for a in args for p in a}
            for form in found.values():
                if form is not None and form[0]:
                    places |= self._jumps(op, *form)
            return dict.fromkeys(found)
        if all(form is None for a in args for form in a.values()):
            return dict.fromkeys(range(node.size))
        if op not in FORMS:
            raise NoBound(f"what is {op.name} of an input has no known places")
        return {p: self._form(node, args, p) for a in args for p in a}

    def _jumps(
        self, op: Operator, slope: Fraction, at: Fraction | None
    ) -> set[Fraction]:
        """Return where a function of ``slope * t + at`` jumps as t moves."""
        if at is None:
            raise NoBound("an input is compared with what is no number")
        if op in JUMPS:
            return {-at / slope}
        off = ROUNDINGS[op]
        ends = sorted(slope * t + at - off for t in self._range)
        first, last = math.ceil(ends[0]), math.floor(ends[1])
        if last - first > MOST:
            raise NoBound("an input is rounded to too many integers")
        return {(k + off - at) / slope for k in range(first, last + 1)}

    def _form(self, node: Variable, args: Sequence[Moving], p: int) -> Form | None:
        forms = []
        for v, moving in zip(node.args, args, strict=True):
            form = moving[p] if p in moving else (Fraction(0), self._number(v, p))
            if form is None:
                raise NoBound("a count and an input are mixed")
            forms.append(form)
        assert node.op is not None
        return FORMS[node.op](*forms)

    def _number(self, node: Variable, p: int) -> Fraction | None:
        """Return an element if it is a number."""
        while node.op is not None and node.op.moves_elements:
            k, p = self.ends.sources(node)[p]
            node = node.args[k]
        if not node.is_constant:
            return None
        try:
            return Fraction(node.value if not node.shape else node.value.flat[p])
        except (TypeError, ValueError, OverflowError):
            raise NoBound("an input is compared with what is not finite") from None


def _sum(a: Form, b: Form) -> Form:
    if a[1] is None or b[1] is None:
        return a[0] + b[0], None
    return a[0] + b[0], a[1] + b[1]


def _opposite(a: Form) -> Form:
    return -a[0], None if a[1] is None else -a[1]


def _product(a: Form, b: Form) -> Form:
    if a[0] and b[0]:
        raise NoBound("an input is multiplied with itself")
    moving, factor = (a, b[1]) if a[0] else (b, a[1])
    if factor is None:
        if moving[0]:
            raise NoBound("an input is multiplied with what is no number")
        return Fraction(0), None
    return moving[0] * factor, None if moving[1] is None else moving[1] * factor


def _quotient(a: Form, b: Form) -> Form:
    if b[0] or not b[1]:
        raise NoBound("an input is divided by what is no number but zero")
    return a[0] / b[1], None if a[1] is None else a[1] / b[1]


FORMS: Mapping[Any, Callable[..., Form]] = {
    ops.add: _sum,
    ops.subtract: lambda a, b: _sum(a, _opposite(b)),
    ops.negative: _opposite,
    ops.multiply: _product,
    ops.divide: _quotient,
    ops.floor_divide: _quotient,
}
