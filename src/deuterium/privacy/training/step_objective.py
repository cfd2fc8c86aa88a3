"""A norm as logarithms of functions of hubs, powers of sums, and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    KinkBranches,
)
from deuterium.privacy.training.record_sets import InputSet
from deuterium.privacy.training.step_parts import Multiple, Sized, StepTerm, WeightSum
from deuterium.privacy.training.step_program import StepProgram
from deuterium.privacy.training.training_options import LOST_OF_TERMS
from deuterium.privacy.training.weight_sums import Flat

__all__ = ["StepObjective"]


@dataclass(frozen=True)
class _Most:
    """The most of a sum of inputs or of their squares, given its coefficients.

    Or, if ``is_size``, of the absolute values of all its terms.
    """

    inputs: InputSet
    term: StepTerm
    is_size: bool

    def __call__(self, x: Array, size: Array) -> Array:
        t = self.term
        sure = np.abs(x)
        middle, radius, reach = self.inputs.through(t.function, t.hubs, x, sure, size)
        return (
            reach
            if self.is_size
            else middle + radius * (1 + LOST_OF_TERMS) + LOST_OF_TERMS * reach
        )


@dataclass
class StepObjective:
    """The logarithm of a squared norm.

    It is the sum of ``logs``, terms of one element; of ``power * ln(sum)`` over the
    ``sums`` that the program lists first; and of ``2 k ln |number|`` over ``numbers``.

    Parameters
    ----------
    program : StepProgram
    inputs : list of InputSet
    """

    program: StepProgram
    inputs: list[InputSet]
    logs: list[StepTerm] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    numbers: list[tuple[float, Sized]] = field(default_factory=list)

    def enter(self, norm: Variable) -> None:
        """Take a norm apart.

        Raises
        ------
        Unsuited
            It has a part that cannot be taken apart.
        """
        self.never_negative = Graph([norm]).nonnegative
        stack: list[tuple[float, Variable, bool]] = [(1.0, norm, False)]
        while stack:
            k, v, sure = stack.pop()
            if (
                v.op in (ops.reshape, ops.negative, ops.scatter)
                and v.args[0].size == v.size == 1
            ):
                stack.append((k, v.args[0], sure and v.op is not ops.negative))
            elif v.op is ops.absolute:
                stack.append((k, v.args[0], False))
            elif v.op is ops.sqrt:
                stack.append((k / 2, v.args[0], True))
            elif v.op is ops.square:
                stack.append((2 * k, v.args[0], False))
            elif v.op is ops.multiply:
                stack += [(k, a, False) for a in v.args]
            elif v.op is ops.divide:
                stack += [(k, v.args[0], False), (-k, v.args[1], False)]
            else:
                self._part(k, v, sure or v in self.never_negative)

    def _part(self, k: float, v: Variable, sure: bool) -> None:
        program = self.program
        if sure and k > 0:
            found = self._sum(v)
            kind = program.kinds.get(v)
            if not isinstance(kind, Multiple | Sized):
                program.sums.append(program.tape.flattened(found))
                self.powers.append(2 * k)
                return
        kind = program.kind(v)
        if isinstance(kind, Sized):
            self.numbers.append((k, kind))
            return
        is_input = isinstance(kind, Multiple) and program.groups[kind.group].is_input
        if not isinstance(kind, Multiple) or kind.spokes is not None or is_input:
            kind = program._atoms(v)
        if kind.factor is not None:
            self.numbers.append((k, kind.factor))
        f = KinkBranches(
            *(
                k * ops.log(ops.square(x))
                for x in (kind.f.full, kind.f.left, kind.f.right)
            )
        )
        if not kind.f.kinked:
            f = KinkBranches(f.full, f.full, f.full)
        plain = Multiple(None, kind.group, f, kind.source)
        self.logs.append(program.term_of(plain))

    def _sum(self, v: Variable) -> WeightSum:
        """Return a sum that is at least ``v``; and ``v`` but for what inputs are."""
        program, tape = self.program, self.program.tape
        if v.op is ops.add:
            args: list[Any] = [self._sum(a) for a in v.args]
            return tape.sum_through(v.op, v.attrs, args, v.shape)
        if v.op is ops.reshape and v.args[0].size == 1:
            return tape.sum_through(v.op, v.attrs, [self._sum(v.args[0])], v.shape)
        if (
            v.op is ops.divide
            and v.args[1].is_constant
            and float(np.min(v.args[1].value)) > 0
        ):
            number = program.kind(v.args[1])
            assert isinstance(number, Sized)
            return tape.sum_through(
                v.op, v.attrs, [self._sum(v.args[0]), number], v.shape
            )
        if v.op is ops.multiply and all(a in self.never_negative for a in v.args):
            for a, b in (v.args, v.args[::-1]):
                most = self._of_inputs(a)
                if most is not None and not isinstance(program.kind(b), Sized):
                    return tape.sum_through(
                        v.op, v.attrs, [self._sum(b), most], v.shape
                    )
        program.kind(v)
        return program.sum_of(v)

    def _of_inputs(self, v: Variable) -> Sized | None:
        """Return the most of what inputs alone decide, or None."""
        program, tape = self.program, self.program.tape
        kind = program.kind(v)
        if isinstance(kind, Sized) or v.size != 1:
            return None
        form = tape.flattened(program.sum_of(v))
        if not all(program.groups[t.group].is_input for t in form.parts):
            return None
        most = form.constant
        for t, c in form.parts.items():
            number = tape.spread(c, t.count, (1,))
            at, size = (
                tape.apply(
                    ("most", t, is_size),
                    _Most(self.inputs[t.group], t, is_size),
                    number.value,
                    number.size,
                )
                for is_size in (False, True)
            )
            most = tape.both("+", np.add, most, Sized(at, size, False), plain=False)
        flat = ("flat", v.shape)
        return tape.both(flat, Flat(v.shape), most)
