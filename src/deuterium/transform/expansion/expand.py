"""From a graph to the polynomials of its elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator, Shape
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.transform.expansion.polynomial import Frozen, Polynomial, total

WORK = 400_000  # products of terms, and terms of sums, of few bits
FEW_BITS = 1024  # a term of more counts as often as they go into it
MOST_BITS = 65_536  # of a number; its common divisors take the square of it
NAMED = 6  # terms of a sum that is multiplied out only at the very end
HIGHEST = 4  # whole power that is multiplied out
Elements = list[Polynomial]


class TooLong(Exception):
    """The polynomials would take too long to work out."""


@dataclass(frozen=True)
class Atom:
    """What polynomials are made of.

    Attributes
    ----------
    node : Variable or None
        The node that it is an element of.
    element : int
        Which.
    op : Operator or None
        Where there is no node: the operator that it is a value of.
    attrs, args : tuple
        The operator's attributes and arguments.
    """

    node: Variable | None = None
    element: int = 0
    op: Operator | None = None
    attrs: tuple[tuple[str, Any], ...] = ()
    args: tuple[Polynomial, ...] = ()


class Expansion:
    """The elements of graphs as polynomials of common atoms.

    Attributes
    ----------
    atoms : list of Atom
        By number.  Of a sum that has a name only, ``sums`` says what it is.
    as_array : callable, optional
        Makes a graph of polynomials: of a row, so that equal rows are one.
    """

    def __init__(self) -> None:
        self.as_array: Callable[[Elements, Shape], Variable] | None = None
        self.atoms: list[Atom] = []
        self.sums: dict[int, Polynomial] = {}
        self._numbers: dict[Any, int] = {}
        self._known: dict[Variable, Elements] = {}
        self._rows: dict[Any, Variable] = {}
        self._work = 0

    def of(self, outputs: Sequence[Variable]) -> list[Elements]:
        """Return the elements of each graph, in C order.

        Raises
        ------
        TooLong
            They have too many terms.
        """
        for node in topological(outputs):
            if node not in self._known:
                check()
                self._known[node] = self._elements(node)
        return [[self.whole(p) for p in self._known[v]] for v in outputs]

    def whole(self, p: Polynomial) -> Polynomial:
        """Return a polynomial with all sums multiplied out."""
        while any(i in self.sums for m in p.terms for i in m):
            parts = []
            for m, c in p.terms.items():
                factor = Polynomial({tuple(i for i in m if i not in self.sums): c})
                for i in m:
                    if i in self.sums:
                        factor = self._product(factor, self.sums[i])
                parts.append(factor)
            p = self._total([*parts]).times(Fraction(1, p.denominator))
        return p.reduced()

    def depends(self, p: Polynomial, names: Set[str]) -> bool:
        """Return whether a polynomial depends on some symbols."""
        return any(self._moves(i, names) for m in p.terms for i in m)

    def _moves(self, i: int, names: Set[str]) -> bool:
        """Return whether an atom depends on some symbols."""
        waiting, seen = [i], {i}
        while waiting:
            atom = self.atoms[waiting.pop()]
            if atom.node is not None:
                if any(s.name in names for s in free_symbols([atom.node])):
                    return True
                continue
            inner = {k for p in atom.args for m in p.terms for k in m} - seen
            waiting += inner
            seen |= inner
        return False

    # -- work --------------------------------------------------------------------------

    def _spend(self, work: int, bits: int) -> None:
        check()
        self._work += work * (1 + bits // FEW_BITS)
        if self._work > WORK or bits > MOST_BITS:
            raise TooLong

    def _product(self, a: Polynomial, b: Polynomial) -> Polynomial:
        self._spend(len(a.terms) * len(b.terms), a.bits + b.bits)
        return a * b

    def _total(self, parts: Sequence[Polynomial]) -> Polynomial:
        bits = max((p.bits for p in parts), default=0)
        self._spend(sum(len(p.terms) for p in parts), bits)
        return total(parts)

    def _sum(self, parts: Sequence[Polynomial]) -> Polynomial:
        """Return a sum, which has a name where it has many terms."""
        found = self._total(parts).reduced()
        if len(found.terms) < NAMED:
            return found
        i = self._number(("sum", found.frozen()), Atom())
        self.sums[i] = found
        return Polynomial.atom(i)

    def _number(self, key: Any, atom: Atom) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.atoms)
            self.atoms.append(atom)
        return self._numbers[key]

    # -- nodes -------------------------------------------------------------------------

    def _elements(self, node: Variable) -> Elements:
        op = node.op
        self._spend(node.size, 0)
        if op is None:
            return self._leaf(node)
        args = [self._known[a] for a in node.args]
        if op.moves_elements:
            return _moved(node, args)
        if op.elementwise:  # a scalar may stand beside arrays
            args = [a * node.size if len(a) == 1 else a for a in args]
        rule = RULES.get(op)
        found = None if rule is None else rule(self, node, args)
        if found is None:
            found = self._values(node, args) if op.elementwise else None
        return self._opaque(node) if found is None else found

    def _leaf(self, node: Variable) -> Elements:
        if node.is_constant:
            numbers = np.ravel(np.asarray(node.value, dtype=object)).tolist()
            exact = [_fraction(x) for x in numbers]
            if None not in exact:
                return [Polynomial.number(x) for x in exact if x is not None]
            return self._opaque(node)
        return [
            Polynomial.atom(self._number((node.name, i), Atom(node, i)))
            for i in range(node.size)
        ]

    def _opaque(self, node: Variable) -> Elements:
        return [
            Polynomial.atom(self._number((node, i), Atom(node, i)))
            for i in range(node.size)
        ]

    def _values(self, node: Variable, args: list[Elements]) -> Elements:
        """Return the values of an operator, known by its arguments."""
        op, attrs = node.op, tuple(sorted(node.attrs.items()))
        assert op is not None
        rows = zip(*args, strict=True) if args else [()] * node.size  # such as pi
        return [self.value(op, attrs, row) for row in rows]

    def value(self, op: Operator, attrs: Any, row: Sequence[Polynomial]) -> Polynomial:
        """Return an operator's value at polynomials, as an atom."""
        whole = tuple(self.whole(p) for p in row)
        key: tuple[Any, Any, tuple[Frozen, ...]]
        key = (op.name, repr(attrs), tuple(p.frozen() for p in whole))
        return Polynomial.atom(self._number(key, Atom(op=op, attrs=attrs, args=whole)))

    # -- operators that make polynomials of polynomials --------------------------------

    def add(self, node: Variable, args: list[Elements]) -> Elements:
        """Return sums."""
        return [self._total(row) for row in zip(*args, strict=True)]

    def subtract(self, node: Variable, args: list[Elements]) -> Elements:
        """Return differences."""
        minus = [p.times(Fraction(-1)) for p in args[1]]
        return [self._total(row) for row in zip(args[0], minus, strict=True)]

    def negative(self, node: Variable, args: list[Elements]) -> Elements:
        """Return opposites."""
        return [p.times(Fraction(-1)) for p in args[0]]

    def multiply(self, node: Variable, args: list[Elements]) -> Elements:
        """Return products."""
        return [self._product(a, b) for a, b in zip(*args, strict=True)]

    def square(self, node: Variable, args: list[Elements]) -> Elements:
        """Return squares."""
        return [self._product(p, p) for p in args[0]]

    def divide(self, node: Variable, args: list[Elements]) -> Elements:
        """Return quotients: multiples, or products with a reciprocal."""
        found = []
        for a, b in zip(*args, strict=True):
            number = self.whole(b).value
            if number:
                found.append(a.times(1 / number))
            else:
                found.append(self._product(a, self.value(ops.reciprocal, (), [b])))
        return found

    def power(self, node: Variable, args: list[Elements]) -> Elements:
        """Return small whole powers; of others, the value."""
        found = []
        for a, b in zip(*args, strict=True):
            number = b.value
            if number is None or number.denominator != 1 or not 0 < number <= HIGHEST:
                found.append(self.value(ops.power, (), [a, b]))
                continue
            p = a
            for _ in range(int(number) - 1):
                p = self._product(p, a)
            found.append(p)
        return found

    def add_reduce(self, node: Variable, args: list[Elements]) -> Elements:
        """Return sums over axes."""
        shape, axis = node.args[0].shape, node.attrs["axis"]
        places = np.arange(len(args[0])).reshape(shape)
        places = np.moveaxis(places, axis, range(-len(axis), 0))
        rows = places.reshape(node.size, places.size // max(node.size, 1)).tolist()
        return [self._sum([args[0][i] for i in row]) for row in rows]

    def matmul(self, node: Variable, args: list[Elements]) -> Elements:
        """Return sums of products."""
        left, right = (np.arange(a.size).reshape(a.shape) for a in node.args)
        inner = left.shape[-1]
        shape = (*node.shape, inner)
        rows = np.broadcast_to(left[..., :, None, :], shape).reshape(-1, inner)
        columns = np.swapaxes(right, -1, -2)[..., None, :, :]
        columns = np.broadcast_to(columns, shape).reshape(-1, inner)
        return [
            self._sum(
                [
                    self._product(args[0][i], args[1][j])
                    for i, j in zip(*pair, strict=True)
                ]
            )
            for pair in zip(rows.tolist(), columns.tolist(), strict=True)
        ]

    def rows(self, node: Variable, args: list[Elements]) -> Elements | None:
        """Return what an operator makes of rows, known by the row alone."""
        op, length = node.op, node.args[0].shape[-1]
        if self.as_array is None or op is None or node.args[0].ndim < 2:
            return None
        found: Elements = []
        for start in range(0, len(args[0]), length):
            row = [self.whole(p) for p in args[0][start : start + length]]
            key = (
                op.name,
                repr(sorted(node.attrs.items())),
                *(p.frozen() for p in row),
            )
            if key not in self._rows:
                self._rows[key] = apply(op, [self.as_array(row, (length,))], node.attrs)
            one = self._rows[key]
            found += [
                Polynomial.atom(self._number((one, i), Atom(one, i)))
                for i in range(one.size)
            ]
        return found


ROWS = (
    ops.softmax_last, ops.logsumexp_last, ops.norm, ops.direction, ops.maximum_reduce,
    ops.multiply_reduce, ops.sort_last,
)  # fmt: skip
RULES: dict[Operator, Callable[..., Elements | None]] = {
    **dict.fromkeys(ROWS, Expansion.rows),
    ops.add: Expansion.add,
    ops.subtract: Expansion.subtract,
    ops.negative: Expansion.negative,
    ops.multiply: Expansion.multiply,
    ops.square: Expansion.square,
    ops.divide: Expansion.divide,
    ops.power: Expansion.power,
    ops.add_reduce: Expansion.add_reduce,
    ops.matmul: Expansion.matmul,
}


def _fraction(x: Any) -> Fraction | None:
    try:
        return Fraction(x)
    except (TypeError, ValueError, OverflowError):  # NaN, infinite, no number
        return None


def _moved(node: Variable, args: list[Elements]) -> Elements:
    """Return what an operator makes that only moves elements: it moves their places."""
    assert node.op is not None
    pool: Elements = []
    places = []
    for a, elements in zip(node.args, args, strict=True):
        places.append(np.arange(len(pool), len(pool) + a.size).reshape(a.shape))
        pool += elements
    where = np.ravel(node.op.value(*places, **node.attrs)).tolist()
    return [pool[i] for i in where]
