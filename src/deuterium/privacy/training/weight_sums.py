"""Sums of terms whose coefficients are made of weights, and what they may be off by.

The coefficients are worked out anew at every step, by a *tape*: a list of array
operations, written down once.  Every number on it comes with its *size*, the same sum
with all signs taken off, for it is wrong by less than ``LOST`` times that: sums of n
products are off by ``(n + 2) * 2**-53`` times the sum of their absolute values (Higham
2002, section 3.1, in any order of addition), and all sums that a number goes through
have fewer than ``MANY`` terms together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.privacy.training.step_parts import (
    Coefficient,
    Sized,
    StepTerm,
    WeightSum,
    told,
)
from deuterium.privacy.training.training_options import (
    LOST_OF_TERMS,
    MOST_COEFFICIENTS,
)

__all__ = [
    "Flat",
    "WeightTape",
]


@dataclass(frozen=True)
class OperatorValue:
    """An operator's function of arrays."""

    op: Operator
    attrs: Mapping[str, Any]

    def __call__(self, *x: Array) -> Array:
        """Return its value; or a node, of Variables."""
        if not any(isinstance(a, Variable) for a in x):
            return self.op.value(*x, **self.attrs)
        if self.op.moves_elements and len(x) == 1:  # with axes in front of its own
            (a,) = x
            places = np.arange(a.size).reshape(a.shape)
            return a.reshape(-1)[self.op.value(places, **self.attrs)]
        return self.op(*x, **self.attrs)


@dataclass(frozen=True)
class Flat:
    """Puts all axes but the first in another shape."""

    shape: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """Return an array of this shape, row by row."""
        return x.reshape(x.shape[0], *self.shape)


def _spread(x: Array, eye: Array) -> Array:
    return x[:, None] * eye


def _led(x: Array) -> Array:
    return x[:, None]


class WeightTape:
    """Array operations on weights, written down with example values.

    Parameters
    ----------
    weights : mapping from str to ndarray
        Of the shapes that weights have.
    """

    def __init__(self, weights: Mapping[str, Array]) -> None:
        rng = np.random.default_rng(0)
        self.values: list[Array] = []
        self.steps: list[tuple[Callable[..., Array], tuple[int, ...], int]] = []
        self._fixed: set[int] = set()
        self._known: dict[Any, int] = {}
        self._sizes: set[int] = set()
        self._numbers: dict[str, Sized] = {}
        for n, w in weights.items():
            at = self._new(rng.normal(size=(1, *np.shape(w))))
            self._numbers[n] = Sized(at, self.apply("abs", np.abs, at), True)

    def _new(self, value: Array) -> int:
        if value.size > MOST_COEFFICIENTS:
            raise Unsuited("too many coefficients")
        self.values.append(value)
        return len(self.values) - 1

    def run(self, weights: Mapping[str, Any]) -> list[Array]:
        """Return all numbers, at these weights; as graphs, if these are Variables.

        Raises
        ------
        FloatingPointError
            One underflows: wrong by more than its size says, it may yet be made large.
        """
        values = list(self.values)
        for n, x in self._numbers.items():
            values[x.value] = weights[n][None]
        with np.errstate(under="raise"):
            for function, args, at in self.steps:
                values[at] = function(*[values[k] for k in args])
        return values

    def drift(
        self,
        numbers: Sequence[Array],
        weights: Mapping[str, Array],
        radii: Mapping[str, float],
    ) -> list[Array]:
        """Return how far each number may be from what it is at these weights.

        It stands in the place of the number's size.  Every operation is linear in each
        argument, so that changes are no larger than those of the sizes are where the
        absolute values of all weights grow by their radii.

        Parameters
        ----------
        numbers : sequence of ndarray
            What `run` returned for the weights.
        weights, radii : mapping
            No weight changes by more than its radius.

        Raises
        ------
        FloatingPointError
            As `run` does.
        """
        grown = self.run({n: np.abs(w) + radii[n] for n, w in weights.items()})
        found = list(grown)
        for k in self._sizes:
            found[k] = (grown[k] - numbers[k]) + 2 * LOST_OF_TERMS * grown[k]
        return found

    def parameter(self, name: str) -> Sized:
        """Return a weight."""
        return self._numbers[name]

    def between(self, low: Array, high: Array) -> Sized:
        """Return numbers that never change, known to lie between others."""
        if np.array_equal(low, high):
            return self.constant(low)
        middle = low / 2 + high / 2
        # so large that products of sizes do not underflow
        wide = (np.maximum(high - middle, middle - low) + 1e-150) * 2 / LOST_OF_TERMS
        size = self.constant(np.abs(middle) + np.where(low == high, 0.0, wide))
        return Sized(self.constant(middle).value, size.value, False)

    def constant(self, value: Array) -> Sized:
        """Return numbers that never change, of shape (1 or rows, *shape)."""
        value = np.asarray(value, dtype=float)
        if not np.isfinite(value).all():
            raise Unsuited("a constant is infinite")
        key = "constant", value.shape, value.tobytes()
        if key not in self._known:
            self._known[key] = self._new(value)
            self._fixed.add(self._known[key])
        at = self._known[key]
        return Sized(at, self.apply("abs", np.abs, at), True)

    def apply(self, name: Any, function: Callable[..., Array], *args: int) -> int:
        """Write down an operation, known by its name; return the place of its value."""
        if (key := (name, args)) not in self._known:
            fixed = self._fixed.issuperset(args)
            with np.errstate(all="ignore", under="raise" if fixed else "ignore"):
                try:
                    value = np.asarray(function(*[self.values[k] for k in args]))
                except FloatingPointError:
                    raise Unsuited("constants whose product underflows") from None
            at = self._known[key] = self._new(value)
            if fixed:
                self._fixed.add(at)
            else:
                self.steps.append((function, args, at))
        return self._known[key]

    def is_constant(self, x: Sized) -> bool:
        """Whether a number never changes."""
        return x.value in self._fixed

    def both(
        self,
        name: Any,
        function: Callable[..., Array],
        *args: Sized,
        plain: bool = True,
    ) -> Sized:
        """Apply one function to values and to sizes; it has no minus in it."""
        value = self.apply(name, function, *[x.value for x in args])
        if plain and all(x.is_plain for x in args):
            return Sized(value, self.apply("abs", np.abs, value), True)
        return Sized(value, self.apply(name, function, *[x.size for x in args]), False)

    def keep(self, numbers: Iterable[Sized]) -> None:
        """Drop all operations but those that these numbers need."""
        kept_numbers = list(numbers)
        self._sizes = {x.size for x in kept_numbers}
        needed = self._sizes | {x.value for x in kept_numbers}
        kept = []
        for step in reversed(self.steps):
            if step[2] in needed:
                kept.append(step)
                needed.update(step[1])
        self.steps = kept[::-1]

    def _function(
        self, op: Operator, attrs: Mapping[str, Any], args: Sequence[Sized]
    ) -> Callable[..., Array]:
        """Return an operator's function of arrays; those of shapes are known."""
        direct = {ops.multiply: np.multiply, ops.matmul: np.matmul, ops.add: np.add}
        if op in direct:
            return direct[op]
        if op is ops.reshape:
            made = np.shape(op.value(self.values[args[0].value], **attrs))
            return partial(np.reshape, shape=made)
        return OperatorValue(op, attrs)

    # -- operators on numbers --------------------------------------------------------

    def through(
        self, op: Operator, attrs: Mapping[str, Any], args: Sequence[Sized]
    ) -> Sized:
        """Return an operator's result, of numbers.

        Raises
        ------
        Unsuited
            It is not one of those that are known here.
        """
        function = self._function(op, attrs, args)
        name = op.name, *(told(attrs[k]) for k in sorted(attrs))
        if op is ops.negative:
            (x,) = args
            return Sized(self.apply("-", np.negative, x.value), x.size, x.is_plain)
        if op is ops.subtract:
            a, b = args
            value = self.apply("-", np.subtract, a.value, b.value)
            return Sized(value, self.apply("+", np.add, a.size, b.size), False)
        if op is ops.divide and self.is_constant(args[1]) and args[1].is_plain:
            a, b = args
            sizes = self.apply("/", np.divide, a.size, b.size)
            value = self.apply("/", np.divide, a.value, b.value)
            return Sized(value, sizes, a.is_plain)
        if op.moves_elements or op in (ops.multiply, ops.square):
            return self.both(name, function, *args)
        if op in (ops.add, ops.add_reduce, ops.matmul, ops.scatter):
            return self.both(name, function, *args, plain=False)
        raise Unsuited(f"{op.name} of weights")

    # -- sums ------------------------------------------------------------------------

    def zero(self, shape: tuple[int, ...]) -> Sized:
        """Return zeros."""
        return self.constant(np.zeros((1, *shape)))

    def spread(self, c: Coefficient, count: int, shape: tuple[int, ...]) -> Sized:
        """Return coefficients with an axis for the term's elements."""
        if not c.own:
            assert c.number is not None
            return c.number
        eye = self.constant(np.eye(count).reshape(1, count, *shape))
        if c.number is None:
            return eye
        return self.both("spread", _spread, c.number, eye)

    def sum_through(
        self,
        op: Operator,
        attrs: Mapping[str, Any],
        args: Sequence[WeightSum | Sized],
        shape: tuple[int, ...],
    ) -> WeightSum:
        """Return a linear operator's result, of sums and at most one number."""
        keeps = op in (ops.multiply, ops.matmul, ops.divide)
        terms: dict[StepTerm, None] = {}
        for a in args:
            if isinstance(a, WeightSum):
                terms.update(dict.fromkeys(a.parts))
        parts = {}
        for t in terms:
            found = self._own_through(op, attrs, args, t, shape)
            if found is None:
                lead = [self._lead(a, t, keeps) for a in args]
                found = Coefficient(self.through(op, attrs, lead), False)
            parts[t] = found
        constants = [a.constant if isinstance(a, WeightSum) else a for a in args]
        return WeightSum(parts, self.through(op, attrs, constants), shape)

    def _lead(self, a: WeightSum | Sized, t: StepTerm, keeps: bool) -> Sized:
        """Return what an argument has of a term, with an axis for its elements."""
        if isinstance(a, WeightSum):
            if t in a.parts:
                return self.spread(a.parts[t], t.count, a.shape)
            return self.zero((t.count, *a.shape))
        if not keeps:
            return self.zero((t.count, *self.values[a.value].shape[1:]))
        return self.both("lead", _led, a)

    def _own_through(
        self,
        op: Operator,
        attrs: Mapping[str, Any],
        args: Sequence[WeightSum | Sized],
        t: StepTerm,
        shape: tuple[int, ...],
    ) -> Coefficient | None:
        """Return the result for coefficients of own elements, where it is simple."""
        sums = [a for a in args if isinstance(a, WeightSum)]
        if len(sums) != 1 or not sums[0].parts[t].own:
            return None
        (a,), c = sums, sums[0].parts[t].number
        if op in (ops.multiply, ops.divide, ops.reshape, ops.negative):
            ones = self.constant(np.ones((1, *a.shape)))
            given: list[Any] = [(c or ones) if x is a else x for x in args]
            if op is ops.reshape and c is None:
                return Coefficient(None, True)
            if op is ops.multiply and c is None:
                (other,) = [x for x in args if x is not a]
                assert isinstance(other, Sized)
                return Coefficient(other, True)
            return Coefficient(self.through(op, attrs, given), True)
        if op is ops.add_reduce and np.prod(shape) == 1:
            c = c or self.constant(np.ones((1, *a.shape)))
            target = (t.count, *shape)
            flat = self.both(("flat", target), Flat(target), c)
            return Coefficient(flat, False)
        if (
            op is ops.matmul
            and args[0] is a
            and a.shape[:-1] == (1,) * (len(a.shape) - 1)
        ):
            assert isinstance(args[1], Sized)
            target = (t.count, *shape)
            w = self.both(("flat", target), Flat(target), args[1])
            if c is None:
                return Coefficient(w, False)
            column = (t.count, *(1 for _ in shape))
            c = self.both(("flat", column), Flat(column), c)
            return Coefficient(self.through(ops.multiply, {}, [c, w]), False)
        return None

    def flattened(self, a: WeightSum) -> WeightSum:
        """Return a sum as a vector."""
        size = int(np.prod(a.shape))
        return self.sum_through(
            ops.reshape, {"shape": (size,), "ndim": len(a.shape)}, [a], (size,)
        )
