"""Sums of which nothing is left but a number, for values at points.

A ball that is not exact does not know that it is itself: ``tan(y) - tan(y)`` is a ball
around zero, of which ``xlogy(tan(y) - tan(y), -1)`` is not known to be defined.  Here
equal tasks become one, sums are written as exact multiples of what is no sum, and one
that is a number whatever its terms are becomes that number plus zero times each of its
arguments: where one of them is not defined, neither is the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import Any

from deuterium import ops
from deuterium.certify.checker.scalar_layout import ScalarLayout, Task, TaskGroup

Form = dict[int, Fraction]  # the multiple of each slot, and of ALONE
ALONE = -1  # stands for the number one
MOST = 64  # terms that are told apart; of more, a sum is a term of its own

_SIGNS: dict[Any, Callable[[int], Sequence[int]]] = {
    ops.add: lambda count: (1, 1),
    ops.subtract: lambda count: (1, -1),
    ops.negative: lambda count: (-1,),
    ops.add_reduce: lambda count: (1,) * count,
}
_COMMUTATIVE = (ops.add, ops.multiply, ops.add_reduce, ops.multiply_reduce)


class Cancellation:
    """Puts numbers where sums cancel, in the groups of a layout.

    Parameters
    ----------
    layout : ScalarLayout
        Its groups are replaced.
    """

    def __init__(self, layout: ScalarLayout) -> None:
        self.layout = layout
        self._same: dict[int, int] = {}  # slots, and the first with the same value
        self._tasks: dict[Hashable, tuple[int, ...]] = {}
        self._forms: dict[int, Form] = {}
        for slot, x in layout.numbers.items():
            if x.is_exact():
                mantissa, exponent = x.man_exp()
                value = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
                self._forms[slot] = {ALONE: value} if value else {}
        zero = layout.number(0)
        self._forms[zero] = {}
        layout.groups = [new for g in layout.groups for new in self._entered(g, zero)]

    def _entered(self, group: TaskGroup, zero: int) -> list[TaskGroup]:
        """Return a group without its sums that are numbers, and these behind it."""
        kept: list[Task] = []
        nothing: list[Task] = []
        numbers: list[Task] = []
        for outs, ins in group.tasks:
            self._number(group, outs, ins)
            form = self._form(group.op, ins) if len(outs) == 1 else None
            if form is None or len(form) > MOST:
                kept.append((outs, ins))
                continue
            self._forms[outs[0]] = form
            if not form:
                nothing.append((outs, (zero, *ins)))
            elif form.keys() == {ALONE} and (x := _double(form[ALONE])) is not None:
                (gone,) = self.layout.fresh(1)
                nothing.append(((gone,), (zero, *ins)))
                numbers.append((outs, (gone, self.layout.number(x))))
            else:
                kept.append((outs, ins))
        found = [
            TaskGroup(group.op, kept, group.attrs),
            TaskGroup(ops.multiply_reduce, nothing, {}),
            TaskGroup(ops.add, numbers, {}),
        ]
        return [g for g in found if g.tasks]

    def _number(
        self, group: TaskGroup, outs: tuple[int, ...], ins: tuple[int, ...]
    ) -> None:
        """Note of a task that another has done already whose values it has."""
        attrs = tuple(group.attrs.items())
        if not all(isinstance(value, Hashable) for _, value in attrs):
            return
        taken = [self._same.get(i, i) for i in ins]
        if group.op in _COMMUTATIVE:
            taken.sort()
        first = self._tasks.setdefault((group.op, attrs, tuple(taken)), outs)
        self._same.update((k, i) for k, i in zip(outs, first, strict=True) if k != i)

    def _of(self, slot: int) -> Form:
        slot = self._same.get(slot, slot)
        return self._forms.get(slot, {slot: Fraction(1)})

    def _form(self, op: Any, ins: tuple[int, ...]) -> Form | None:
        """Return what is left of a task's sum; None where it is none."""
        if op in _SIGNS:
            factors = [Fraction(s) for s in _SIGNS[op](len(ins))]
            terms = [self._of(i) for i in ins]
        elif op is ops.multiply:
            a, b = map(self._of, ins)
            if not b.keys() <= {ALONE}:
                a, b = b, a
            if not b.keys() <= {ALONE}:
                return None
            factors, terms = [b.get(ALONE, Fraction(0))], [a]
        else:
            return None
        total: Form = {}
        for factor, term in zip(factors, terms, strict=True):
            for slot, x in term.items():
                total[slot] = total.get(slot, Fraction(0)) + factor * x
        return {slot: x for slot, x in total.items() if x}


def _double(x: Fraction) -> float | None:
    """Return a number as a double that is no other; None where there is none."""
    try:
        found = float(x)
    except OverflowError:
        return None
    return found if Fraction(found) == x else None
