"""People who stay, as two kinds of people: a query of sums in a few inputs.

**Theorem.**  N people have a number x in [l, h] each, and perhaps another, y in [c, d].
Let every F_i depend on them through the sums of 1, x, x^2, y and xy alone, and, while
those of x and x^2 stay, be affine in the others.  Then a convex function of the F_i has
the same supremum where only two kinds of people are: a share w of N, no whole number
perhaps, with (p, y_1), and the others with (q, y_2).

**Proof.**  A convex function is a supremum of affine ones, so let F be one of the F_i.
Fix the sums of x and x^2; then F is a number more than the sum over people of
``y (a x - b)``, which is no less where every y is at the better end: it is the mean of
a function g of x, convex and affine on both sides of one place.  Draw those of each
side together in their mean: neither sum of x nor that of g changes, and that of x^2
does not rise.  Then move the two places apart, their mean staying, until it is what it
was; if one reaches an end of [l, h], move the other, and give it less.  All that makes
the mean of the convex g no smaller, and reaches any sum of squares that there is.

What a graph depends on is seen on the way: every element of a node is a function of all
people together, or of one person and of such functions (`KindsOfPeople`).  A sum over
people becomes N w times the value of the first kind, and N (1 - w) that of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.graph.constructors import apply, as_variable, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.ops.indexing import take_places

__all__ = ["KindsOfPeople"]

MOST_ELEMENTS = 50_000  # each of which is looked at by itself
Powers = frozenset[tuple[int, int]]  # of x and y, in what is a polynomial of these
ALL: Powers = frozenset({(0, 0)})  # a number, as far as x and y are asked for
SUMS = {(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)}  # those of the theorem


@dataclass(frozen=True)
class Element:
    """An element of a node.

    Attributes
    ----------
    value : Variable
        A scalar, of the kinds; where it is of one person, of that one's x and y.
    person : int or None
        Whose it is.
    powers : frozenset of (int, int)
        Of x and y that occur in it.
    degree : int
        As a polynomial of all y together, those of people who stay.
    """

    value: Variable
    person: int | None = None
    powers: Powers = ALL
    degree: int = 0


Elements = list[Element | None]  # None: not known


class KindsOfPeople:
    """Graphs in which N people are two kinds of people.

    Parameters
    ----------
    x, y : Variable
        What they have: arrays of N elements.  Perhaps there is no y.
    taken : iterable of str
        Names that mean something else.

    Attributes
    ----------
    share, first, second : Variable and lists of Variable
        What became of them: w, and x and y of each kind.
    """

    def __init__(
        self, x: Variable, y: Variable | None, taken: Iterable[str] = ()
    ) -> None:
        self.people = [x] if y is None else [x, y]
        self.count = x.size
        names = set(taken)
        self.share = _fresh("share of the first kind", names)
        self.one = [_fresh(f"{s.name} of one", names) for s in self.people]
        self.first, self.second = (
            [_fresh(f"{s.name} of the {kind} kind", names) for s in self.people]
            for kind in ("first", "second")
        )
        self._made: dict[Any, Variable] = {}
        self._known: dict[Variable, Elements] = {}

    def of(self, v: Variable) -> Variable | None:
        """Return a number as a graph of the kinds; None where that is not seen."""
        order = topological([v])
        if sum(node.size for node in order) > MOST_ELEMENTS:
            return None
        for node in order:
            if node not in self._known:
                self._known[node] = self._elements(node)
        (found,) = self._known[v]
        fits = found is not None and found.person is None and found.degree <= 1
        return found.value if fits and found is not None else None

    # -- elements ----------------------------------------------------------------------

    def _elements(self, node: Variable) -> Elements:
        names = [s.name for s in self.people]
        if node.is_symbol and node.name in names:
            k = names.index(node.name)
            powers = frozenset({(1, 0) if k == 0 else (0, 1)})
            return [Element(self.one[k], i, powers, k) for i in range(node.size)]
        if not any(s.name in names for s in free_symbols([node])):
            if not node.shape:
                return [Element(node)]
            if node.op is not None and node.op.moves_elements and node.args:
                return self._moved(node)
            return [Element(self._place(node, i)) for i in range(node.size)]
        op = node.op
        assert op is not None
        if op.moves_elements:
            return self._moved(node)
        args = [self._known[a] for a in node.args]
        if op in ROWS:
            return ROWS[op](self, node, args)
        if not op.elementwise:
            return [None] * node.size
        args = [a * node.size if len(a) == 1 else a for a in args]
        return [self._value(op, node.attrs, row) for row in zip(*args, strict=True)]

    def _place(self, node: Variable, i: int) -> Variable:
        """Return an element of what none of these people is in; equal numbers once."""
        if node.is_constant:
            number = np.ravel(np.asarray(node.value, dtype=object))[i]
            return self._make(("number", number), lambda: as_variable(number))
        flat = self._make(("flat", node), lambda: node.reshape((node.size,)))
        return self._make(("place", node, i), lambda: take_places(flat, np.array(i)))

    def _moved(self, node: Variable) -> Elements:
        pool: Elements = []
        places = []
        for a in node.args:
            places.append(np.arange(len(pool), len(pool) + a.size).reshape(a.shape))
            pool += self._known[a]
        assert node.op is not None
        where = np.ravel(node.op.value(*places, **node.attrs)).tolist()
        return [pool[i] for i in where]

    def _make(self, key: Any, make: Callable[[], Any]) -> Variable:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _value(
        self, op: Operator, attrs: Any, row: Sequence[Element | None]
    ) -> Element | None:
        """Return an operator's value at elements."""
        known = [e for e in row if e is not None]
        persons = {e.person for e in known} - {None}
        if len(known) < len(row) or len(persons) > 1:
            return None
        powers, degree = _powers(op, known), _degree(op, known)
        if degree is None or (persons and (powers is None or not powers <= SUMS)):
            return None
        values = [e.value for e in known]
        key = (op.name, repr(sorted(attrs.items())), *values)
        value = self._make(key, lambda: apply(op, values, attrs))
        if not persons:
            return Element(value, degree=degree)
        return Element(value, persons.pop(), powers or ALL, degree)

    # -- sums --------------------------------------------------------------------------

    def _sum(self, row: Sequence[Element | None]) -> Element | None:
        """Return a sum: of elements of each person alike, and of others."""
        known = [e for e in row if e is not None]
        if len(known) < len(row):
            return None
        total: Element | None = None
        each: dict[int, list[Element]] = {}
        for e in known:
            if e.person is None:
                total = e if total is None else self._value(ops.add, {}, [total, e])
            else:
                each.setdefault(e.person, []).append(e)
        if not each:
            return total or Element(as_variable(0))
        found = self._over_people(each)
        if found is None or total is None:
            return found
        return self._value(ops.add, {}, [total, found])

    def _over_people(self, each: dict[int, list[Element]]) -> Element | None:
        """Return the sum of the same function of every person."""
        alike = {tuple(sorted(id(e.value) for e in es)) for es in each.values()}
        if len(each) < self.count or len(alike) > 1:
            return None
        one: Element | None = each[0][0]
        for e in each[0][1:]:
            one = self._value(ops.add, {}, [one, e])
        if one is None:
            return None
        return Element(
            self._make(("all", one.value), lambda: self._of_kinds(one.value)),
            degree=one.degree,
        )

    def _of_kinds(self, one: Variable) -> Any:
        """Return N times the mean of a function of one person."""
        a, b = (
            one.subs(dict(zip(self.one, kind, strict=True)))
            for kind in (self.first, self.second)
        )
        return self.count * (self.share * a + (1 - self.share) * b)

    def total(self, node: Variable, args: list[Elements]) -> Elements:
        """Return sums over axes."""
        axis, places = node.attrs["axis"], np.arange(len(args[0]))
        places = np.moveaxis(
            places.reshape(node.args[0].shape), axis, range(-len(axis), 0)
        )
        rows = places.reshape(node.size, -1).tolist() if node.size else []
        return [self._sum([args[0][i] for i in row]) for row in rows]

    def matmul(self, node: Variable, args: list[Elements]) -> Elements:
        """Return products of two matrices."""
        if any(a.ndim != 2 for a in node.args):
            return [None] * node.size
        a, b = (_matrix(x, v.shape) for x, v in zip(args, node.args, strict=True))
        return np.ravel(self._product(a, b)).tolist()

    def _product(self, a: Any, b: Any) -> Any:
        found = np.empty((a.shape[0], b.shape[1]), dtype=object)
        for i, j in np.ndindex(found.shape):
            pairs = zip(a[i], b[:, j], strict=True)
            found[i, j] = self._sum(
                [self._value(ops.multiply, {}, pair) for pair in pairs]
            )
        return found

    def system(self, node: Variable, args: list[Elements]) -> Elements:
        """Return the solution of one or two equations, by Cramer's rule."""
        if any(a.ndim != 2 for a in node.args) or node.args[0].shape[1] > 2:
            return [None] * node.size
        matrix, *rest = (
            _matrix(e, v.shape) for e, v in zip(args, node.args, strict=True)
        )
        right = rest[-1]
        if node.op is not ops.solve:
            columns = matrix.T
            if node.op is ops.ridge_fit:
                right = self._product(columns, right)
            square = self._product(columns, matrix)
            matrix = self._each(ops.add, square, rest[0])
        return np.ravel(self._cramer(matrix, right)).tolist()

    def _each(self, op: Operator, a: Any, b: Any) -> Any:
        found = np.empty(a.shape, dtype=object)
        for at in np.ndindex(a.shape):
            found[at] = self._value(op, {}, [a[at], b[at]])
        return found

    def _cramer(self, a: Any, b: Any) -> Any:
        def value(op: Operator, *row: Element | None) -> Element | None:
            return self._value(op, {}, row)

        def cross(p: Any, q: Any, r: Any, s: Any) -> Element | None:
            return value(
                ops.subtract, value(ops.multiply, p, q), value(ops.multiply, r, s)
            )

        if len(a) == 1:
            return self._each(ops.divide, b, np.broadcast_to(a, b.shape))
        below = cross(a[0, 0], a[1, 1], a[0, 1], a[1, 0])
        found = np.empty(b.shape, dtype=object)
        for j in range(b.shape[1]):
            first = cross(b[0, j], a[1, 1], a[0, 1], b[1, j])
            second = cross(a[0, 0], b[1, j], b[0, j], a[1, 0])
            for i, top in enumerate((first, second)):
                found[i, j] = value(ops.divide, top, below)
        return found


ROWS: dict[Operator, Callable[[KindsOfPeople, Variable, list[Elements]], Elements]] = {
    ops.add_reduce: KindsOfPeople.total,
    ops.matmul: KindsOfPeople.matmul,
    **dict.fromkeys((ops.solve, ops.ridge_solve, ops.ridge_fit), KindsOfPeople.system),
}


def _fresh(name: str, taken: set[str]) -> Variable:
    while name in taken:
        name += "'"
    taken.add(name)
    return symbol(name)


def _matrix(elements: Elements, shape: tuple[int, ...]) -> Any:
    return np.array([*elements, None], dtype=object)[:-1].reshape(shape)


def _powers(op: Operator, row: Sequence[Element]) -> Powers | None:
    """Return the powers of one person's x and y; None where it is no polynomial."""
    if op in (ops.add, ops.subtract, ops.negative):
        return frozenset().union(*(e.powers for e in row))
    if op in (ops.multiply, ops.square):
        a, b = row[0].powers, row[-1].powers
        return frozenset((i + k, j + m) for i, j in a for k, m in b)
    if op is ops.divide and row[1].person is None:
        return row[0].powers
    return None


def _degree(op: Operator, row: Sequence[Element]) -> int | None:
    """Return the degree by all y together; None where it is more than one."""
    if op in (ops.add, ops.subtract, ops.negative):
        found = max(e.degree for e in row)
    elif op in (ops.multiply, ops.square):
        found = row[0].degree + row[-1].degree
    elif op is ops.divide and not row[1].degree:
        found = row[0].degree
    else:
        found = 2 * max((e.degree for e in row), default=0)
    return found if found <= 1 else None
