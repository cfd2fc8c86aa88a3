"""From polynomials back to graphs: elements of one array are summed as an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.graph.constructors import apply, as_variable
from deuterium.graph.operator import Shape
from deuterium.graph.variable import Variable
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import reshape_to
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.expansion.polynomial import Frozen, Monomial, Polynomial

MOST = 300  # nodes, beyond which a graph is no better than the one it stands for

Wide = tuple[Variable, int]  # an array, and a power of its elements
Places = tuple[tuple[int, int], ...]  # elements of an array, with their coefficients


class Rebuilder:
    """Graphs of polynomials.

    Parameters
    ----------
    expansion : Expansion
        Whose atoms they are made of.
    """

    def __init__(self, expansion: Expansion) -> None:
        self.atoms = expansion.atoms
        self._made: dict[Frozen, Variable] = {}
        self._count = 0

    def graph(self, p: Polynomial) -> Variable:
        """Return a scalar graph.

        Raises
        ------
        TooLong
            It would have too many nodes.
        """
        key = p.frozen()
        if key not in self._made:
            self._made[key] = self._of(p.reduced())
        return self._made[key]

    def array(self, elements: Sequence[Polynomial], shape: Shape) -> Variable:
        """Return a graph of several elements.

        Where they are one polynomial, of elements of arrays side by side, it is one of
        arrays.

        Raises
        ------
        TooLong
            It would have too many nodes.
        """
        if not shape:
            return self.graph(elements[0])
        found = self._side_by_side(elements, shape)
        if found is not None:
            return found
        scalars = [self.graph(p) for p in elements]
        return reshape_to(as_variable(np.array([*scalars, None], object)[:-1]), shape)

    def _side_by_side(
        self, elements: Sequence[Polynomial], shape: Shape
    ) -> Variable | None:
        """Return arrays times what all elements have in common, added up."""
        rows = [self._by_array(p) for p in elements]
        if any(row is None or row.keys() != (rows[0] or {}).keys() for row in rows):
            return None
        found: Variable | None = None
        for array, rest in rows[0] or {}:
            pairs = [(row or {})[array, rest] for row in rows]
            factor = pairs[0][1]
            if any(c != factor for _, c in pairs):
                return None
            places = np.array([e for e, _ in pairs]).reshape(shape)
            self._spend()
            common = self.graph(Polynomial({rest: 1}).times(factor))
            part = take_places(array, places)
            part = part if Fraction(1) == factor and not rest else part * common
            found = part if found is None else found + part
        return found

    def _by_array(
        self, p: Polynomial
    ) -> dict[tuple[Variable, Monomial], tuple[int, Fraction]] | None:
        """Return element and coefficient by array and what it is multiplied with."""
        found: dict[tuple[Variable, Monomial], tuple[int, Fraction]] = {}
        for m, c in p.terms.items():
            wide = [k for k, i in enumerate(m) if self._is_wide(i)]
            if len(wide) != 1:
                return None
            atom = self.atoms[m[wide[0]]]
            assert atom.node is not None
            key = atom.node, m[: wide[0]] + m[wide[0] + 1 :]
            if key in found:
                return None
            found[key] = atom.element, Fraction(c, p.denominator)
        return found

    def _is_wide(self, i: int) -> bool:
        node = self.atoms[i].node
        return node is not None and node.size > 1

    def _of(self, p: Polynomial) -> Variable:
        single: list[tuple[Monomial, int]] = []
        wide: dict[tuple[Wide, Monomial], list[tuple[int, int]]] = {}
        for m, c in sorted(p.terms.items()):
            self._count += 1
            if self._count > 20 * MOST:
                raise TooLong
            i = self._wide_atom(m)
            if i is None:
                single.append((m, c))
                continue
            node = self.atoms[i].node
            assert node is not None
            rest = tuple(k for k in m if k != i)
            key = (node, m.count(i)), rest
            wide.setdefault(key, []).append((self.atoms[i].element, c))
        by = p.denominator
        if all(_is_double(c, by) for c in p.terms.values()):
            parts = [self._product(m, c / by) for m, c in single]
            return _summed(parts + [_times(v, 1 / by) for v in self._grouped(wide)])
        parts = [self._product(m, c) for m, c in single]
        return _summed(parts + self._grouped(wide)) / as_variable(by)

    def _wide_atom(self, m: Monomial) -> int | None:
        """Return the atom of a monomial that is an element of an array, if one is."""
        wide = [i for i in m if self._is_wide(i)]
        return min(wide, key=m.count, default=None)

    def _grouped(
        self, wide: dict[tuple[Wide, Monomial], list[tuple[int, int]]]
    ) -> list[Variable]:
        """Return sums over arrays, times all that they are multiplied with."""
        factors: dict[tuple[Wide, Places], dict[Monomial, int]] = {}
        for (array, rest), places in wide.items():
            common = math.gcd(*(c for _, c in places))
            common = common if places[0][1] > 0 else -common
            least = tuple((e, c // common) for e, c in sorted(places))
            factors.setdefault((array, least), {})[rest] = common
        found = []
        for (array, least), terms in factors.items():
            total = self._weighted(array, least)
            number = Polynomial(terms).value
            if number is None:
                found.append(self.graph(Polynomial(terms)) * total)
            else:
                found.append(_times(total, int(number)))
        return found

    def _weighted(self, wide: Wide, places: Places) -> Variable:
        """Return a sum of powers of some elements of an array, with coefficients."""
        self._spend()
        (array, power), index = wide, np.array([e for e, _ in places])
        index = index.reshape(()) if len(index) == 1 else index
        chosen: Any = take_places(reshape_to(array, (array.size,)), index)
        chosen = chosen if power == 1 else chosen**power
        if not index.shape:
            return as_variable(chosen)
        if len({c for _, c in places}) > 1:
            weights = np.array([c for _, c in places], dtype=float)
            if [int(w) for w in weights] != [c for _, c in places]:
                raise TooLong  # beyond the whole numbers that doubles hold
            chosen = chosen * weights
        total = np.sum(chosen)
        return as_variable(total)  # equal coefficients are 1 by now

    def _product(self, m: Monomial, c: float) -> Variable:
        self._spend()
        found: Variable | None = None
        for i in sorted(set(m)):
            power = m.count(i)
            base = self._atom(i)
            factor = base if power == 1 else base**power
            found = factor if found is None else found * factor
        return as_variable(c) if found is None else _times(found, c)

    def _atom(self, i: int) -> Variable:
        atom = self.atoms[i]
        if atom.node is not None:
            node = atom.node
            if not node.shape:
                return node
            return take_places(node, np.array(atom.element))
        assert atom.op is not None
        args = [self.graph(p) for p in atom.args]
        return apply(atom.op, args, dict(atom.attrs))

    def _spend(self) -> None:
        self._count += 20
        if self._count > 20 * MOST:
            raise TooLong


def _is_double(c: int, by: int) -> bool:
    """Return whether a quotient, and the denominator's inverse, are doubles exactly."""
    if by & (by - 1) or by > 2**500:
        return False
    return abs(c) < 2**500 and Fraction(c, by) == Fraction(c / by)


def _times(v: Variable, c: float) -> Variable:
    if c == 1:
        return v
    return -v if c == -1 else v * as_variable(c)


def _summed(parts: list[Variable]) -> Variable:
    if not parts:
        return as_variable(0)
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found
