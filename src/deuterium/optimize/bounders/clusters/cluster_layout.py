"""Where everything is: the features that clusters are made of, and the rules' matrices.

A *feature* is one element of one term: a function of a hub, of a hub times a spoke, or
of a hub times the square of a spoke.  Their coefficients are rows of one array.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.interval.rounding import gamma
from deuterium.optimize.bounders.clusters.cluster_program import ClusterProgram
from deuterium.optimize.bounders.clusters.cluster_terms import ONE, Definition, StarTerm
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    AffineForm,
    CoordinateGroup,
    Term,
    centred,
)

NOTHING = np.zeros(0, dtype=int)  # no features
Part = tuple[Array, Array, Array]  # features, coefficients, and their radii


@dataclass(frozen=True)
class ClusterBlock:
    """The clusters of one group of hubs.

    Attributes
    ----------
    group : CoordinateGroup
    hub_of : ndarray of int, of shape (S,)
        The hub of each spoke.
    linear, quadratic : ndarray of int
        The functions by which spokes, and their squares, are multiplied.
    start : int
        Its first feature.
    """

    group: CoordinateGroup
    hub_of: Array
    linear: Array
    quadratic: Array
    start: int

    @property
    def functions(self) -> int:
        """How many functions of hubs there are, the identity included."""
        return 1 + len(self.group.functions)

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """The features of hubs, of spokes, and of their squares."""
        a = self.start + self.group.size * self.functions
        b = a + len(self.hub_of) * len(self.linear)
        c = b + len(self.hub_of) * len(self.quadratic)
        return slice(self.start, a), slice(a, b), slice(b, c)

    @property
    def stop(self) -> int:
        """Behind its last feature."""
        return self.parts[2].stop

    def features(self, term: Term) -> Array:
        """Return the features that the elements of a term are."""
        hubs, spokes, squares = self.parts
        if not isinstance(term, StarTerm):
            return hubs.start + term.coordinate * self.functions + term.function
        known, part = self.linear, spokes
        if term.power == 2:
            known, part = self.quadratic, squares
        place = np.searchsorted(known, term.function)
        return part.start + term.spoke * len(known) + place


@dataclass(frozen=True)
class ClusterRule:
    """A definition with its matrices.

    Attributes
    ----------
    definition : Definition
    target : ndarray of int, of shape (m,)
        The features that are defined.
    parts : list of Part
        Features, and matrices of shape (features, m).
    constant, radius : ndarray of shape (m,)
    first : int
        The first of its m multipliers.
    squares : list of ndarray of int, or None
        Features that are the squares of the target and of the parts, if it has an
        energy.
    order : ndarray of int
        In which order proofs have the terms of an energy.
    corners : ndarray of shape (features, m), or None
        Of a rule of all elements of one softmax: the squares of what it defines where
        one of them is 1.
    """

    definition: Definition
    target: Array
    parts: list[Part]
    constant: Array
    radius: Array
    first: int
    squares: list[Array] | None
    order: Array
    corners: Array | None = None

    @property
    def size(self) -> int:
        """The number of coordinates that it defines, or of constraints."""
        return len(self.constant)

    @property
    def multipliers(self) -> slice:
        """Where its multipliers are."""
        return slice(self.first, self.first + self.size)


class ClusterLayout:
    """All blocks and rules of a program.

    Parameters
    ----------
    program : ClusterProgram

    Attributes
    ----------
    blocks : list of ClusterBlock
    rules : list of ClusterRule
    objective : list of Part
        Of one column each.
    constant, radius : float
        Of the objective.
    features, multipliers : int
        How many there are.
    """

    def __init__(self, program: ClusterProgram) -> None:
        self.program = program
        orders = [proof_order(d.form) for d in program.rules]
        energies = [
            None if order is None else program.squares(d)
            for d, order in zip(program.rules, orders, strict=True)
        ]
        self._functions(energies)
        self.idle = self._idle_groups()
        self.rules: list[ClusterRule] = []
        first = 0
        for d, terms, order in zip(program.rules, energies, orders, strict=True):
            self.rules.append(self._rule(d, terms, order, first))
            first += self.rules[-1].size
        self.multipliers = first
        self.objective = self._parts(program.objective)
        middle, radius = centred(program.objective.constant)
        self.constant, self.radius = float(middle), float(radius)

    def _rule(
        self, d: Definition, terms: list[Term] | None, order: Array | None, first: int
    ) -> ClusterRule:
        b, radius = centred(d.form.constant)
        target, parts = self.at(d.target), self._parts(d.form)
        idle = not d.is_spoke and d.target.group in self.idle
        rows = [((m != 0) | (s != 0)).any(axis=1) for _, m, s in parts]
        used = np.concatenate([np.zeros(0, dtype=bool), *rows])
        kept = [
            (at[r], m[r], s[r])
            for (at, m, s), r in zip(parts, rows, strict=True)
            if r.any()
        ]
        if terms is None or order is None or idle or not used.any():
            return ClusterRule(d, target, kept, b, radius, first, None, NOTHING)
        squares = [self.at(terms[0])]
        for t, r in zip(terms[1:], rows, strict=True):
            if r.any():
                squares.append(self.at(t)[r])
        number = np.cumsum(used) - 1  # of a term among those that are used
        order = number[order[used[order]]]
        corners = self._corners(d, kept, b)
        return ClusterRule(d, target, kept, b, radius, first, squares, order, corners)

    def _corners(self, d: Definition, parts: list[Part], b: Array) -> Array | None:
        """Return the squares at the corners of the simplex, if a softmax is all."""
        if len(d.form.parts) != 1:
            return None
        (term,) = d.form.parts
        simplex = self.program.simplices.get(term.group)
        if simplex is None or isinstance(term, StarTerm) or d.target.size == 0:
            return None
        whole = np.array_equal(np.sort(term.coordinate), np.arange(simplex.node.size))
        if simplex.node.size != simplex.node.shape[-1] or not whole:
            return None
        if not _is_exponential(self.program.groups[term.group], term.function):
            return None
        ((at, m, _),) = parts
        return np.square(m + b) if len(at) == simplex.node.size else None

    def _functions(self, energies: list[list[Term] | None]) -> None:
        """Lay out the blocks: which functions multiply which spokes is known now."""
        program = self.program
        used: list[dict[int, set[int]]] = [{1: {ONE}, 2: set()} for _ in program.groups]
        forms = [d.form for d in program.rules] + [program.objective]
        arguments = [a for g in program.groups for a in g.arguments]
        arguments += [s.argument for s in program.simplices.values()]
        forms += [a for a in arguments if isinstance(a, AffineForm)]
        terms = [t for f in forms for t in f.parts]
        for t in terms + [t for e in energies if e is not None for t in e]:
            if isinstance(t, StarTerm):
                used[t.group][t.power].update(t.function.tolist())
        self.blocks: list[ClusterBlock] = []
        start = 0
        for g, hubs, mine in zip(program.groups, program.spokes, used, strict=True):
            linear, quadratic = (np.array(sorted(mine[k]), dtype=int) for k in (1, 2))
            hub_of = np.array(hubs, dtype=int)
            block = ClusterBlock(g, hub_of, linear, quadratic, start)
            self.blocks.append(block)
            start = block.stop
        self.features = start

    def sum_of(self, form: AffineForm) -> ClusterRule:
        """Return an affine array, flattened, with its matrices: a rule of no target."""
        b, radius = (x.ravel() for x in centred(form.constant))
        target = Term(0, NOTHING, NOTHING)
        definition = Definition(target, form, (self.program.relaxed.root, NOTHING), 0)
        return ClusterRule(
            definition, NOTHING, self._parts(form), b, radius, 0, None, NOTHING
        )

    def _idle_groups(self) -> set[int]:
        """Return the groups of hubs of which nothing but ranges is used."""
        forms = [d.form for d in self.program.rules] + [self.program.objective]
        used = {t.group for f in forms for t in f.parts}
        return {
            k
            for k, b in enumerate(self.blocks)
            if k not in used and not len(b.hub_of) and b.functions == 1
        }

    def at(self, term: Term) -> Array:
        """Return the features that the elements of a term are."""
        return self.blocks[term.group].features(term)

    def _parts(self, form: AffineForm) -> list[Part]:
        columns = np.size(form.constant.lower)
        return [
            _each_once(self.at(t), *(x.reshape(t.size, columns) for x in centred(c)))
            for t, c in form.parts.items()
        ]


def proof_order(form: AffineForm) -> Array | None:
    """Return the order in which proofs have the terms of an energy.

    By group, hub and spoke, those without a spoke first; terms whose coefficients are
    all zero count too.  None if two agree in all three: proofs do not tell them apart.
    """
    rows: list[Array] = [np.zeros((0, 3), dtype=int)]
    for t in form.parts:
        spoke = t.spoke if isinstance(t, StarTerm) else np.full(t.size, -1)
        rows.append(np.stack([np.full(t.size, t.group), t.coordinate, spoke], axis=1))
    table = np.concatenate(rows)
    if len(np.unique(table, axis=0)) < len(table):
        return None
    order: Array = np.lexsort(table.T[::-1])
    return order


def _is_exponential(group: CoordinateGroup, functions: Array) -> bool:
    (number, *others) = np.unique(functions).tolist()
    if others or number == 0:
        return False
    f = group.functions[number - 1].full
    return f.op is ops.exp and f.args[0] is group.vector


def _each_once(at: Array, m: Array, radius: Array) -> Part:
    """Return features that are all different, with the sums of their coefficients."""
    places, inverse = np.unique(at, return_inverse=True)
    if len(places) == len(at):
        return at, m, radius
    shape = (len(places), m.shape[1])
    total, size, error = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for out, x in ((total, m), (size, np.abs(m)), (error, radius)):
        np.add.at(out, inverse, x)
    return places, total, (error + size * gamma(len(at))) * (1 + gamma(len(at)))
