"""Factors a scalar graph: auxiliary variables, and what is affine in what.

One pass over the nodes in topological order.  A node is a constant; or *univariate*,
each element a function of one coordinate; or *affine* in terms (univariate elements and
products).  A function of one variable applied to an affine node makes its elements
coordinates, called atoms.

References: G. P. McCormick, "Computability of global solutions to factorable nonconvex
programs: part I", Mathematical Programming 10, 1976.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.domain.problem import Problem
from deuterium.graph.constructors import apply, symbol
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.ops.indexing import take_places
from deuterium.ops.shapes import reshape_to
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.affine_terms import (
    identity_coefficients,
    is_linear,
    through,
)
from deuterium.optimize.bounders.lagrangian.factored_parts import (
    ATOM,
    INPUT,
    AffineForm,
    CoordinateGroup,
    KinkBranches,
    Term,
    Univariate,
    Unsuited,
    thin,
)
from deuterium.optimize.bounders.lagrangian.univariate_arrays import (
    Sides,
    as_univariate,
)

Kind = Interval | Univariate | AffineForm


class FactoredGraph:
    """The parts of a scalar graph; what products are is for who inherits to say.

    Parameters
    ----------
    problem : Problem
        For the inputs and their order.
    root : Variable
        The scalar to be bounded.

    Attributes
    ----------
    groups : list of CoordinateGroup
        Inputs first, then in topological order.
    objective : AffineForm
        ``root`` as an affine function of terms.

    Raises
    ------
    Unsuited
        The graph has a part that cannot be taken apart.
    """

    _sides_of: Callable[[int], Sides] | None = None  # which the proofs do not know

    def __init__(self, problem: Problem, root: Variable) -> None:
        self.problem = problem
        self.groups: list[CoordinateGroup] = []
        self.kinds: dict[Variable, Kind] = {}
        order = topological([root])
        self.made = {  # functions of one node, so that none is entered twice
            (n.op, n.args[0]): n
            for n in order
            if n.op is not None and len(n.args) == 1 and not n.attrs
        }
        self._enter_inputs()
        for node in order:
            check()
            if node not in self.kinds:
                self.kinds[node] = self._kind(node)
        self.objective = self.affine(root)

    # -- groups ----------------------------------------------------------------------

    def _enter(
        self, kind: str, size: int, nodes: list[Variable], name: str
    ) -> CoordinateGroup:
        if not size and kind != INPUT:
            raise Unsuited("an array without elements")
        group = CoordinateGroup(kind, size, symbol(name, (size,)))
        group.nodes = nodes
        self.groups.append(group)
        return group

    def _require_few(self) -> None:
        """Raise where there are too many hubs."""
        defined = sum(g.size for g in self.groups if g.kind == ATOM)
        every = sum(g.size for g in self.groups)
        if (
            defined > options.MOST_MULTIPLIERS
            or defined * every > options.MOST_COEFFICIENTS
        ):
            raise Unsuited("too many multipliers")

    def _enter_inputs(self) -> None:
        problem = self.problem
        group = self._enter(INPUT, problem.size, [], "inputs")
        for s in problem.symbols:
            part = problem.slices[s.name]
            index = np.arange(part.start, part.stop).reshape(s.shape)
            image = take_places(group.vector, index)
            self.kinds[s] = Univariate(
                0, index, KinkBranches(image, image, image), True
            )

    def _atoms(self, node: Variable) -> Univariate:
        """Make the elements of an affine node coordinates."""
        raise NotImplementedError

    def _free(self, node: Variable) -> Univariate:
        """Make the elements of any node coordinates of which the range is known."""
        raise NotImplementedError

    def _term(self, node: Variable, univariate: Univariate) -> Term:
        """Return the elements of a univariate array that is no coordinate as terms."""
        raise NotImplementedError

    def _become(
        self, node: Variable, group: CoordinateGroup, number: int
    ) -> Univariate:
        image = reshape_to(group.vector, node.shape)
        index = np.arange(node.size).reshape(node.shape)
        univariate = Univariate(number, index, KinkBranches(image, image, image), True)
        self.kinds[node] = univariate
        return univariate

    # -- kinds -----------------------------------------------------------------------

    def _kind(self, node: Variable) -> Kind:
        if node.is_constant:
            return thin(np.asarray(node.value, dtype=float))
        if node.op is None:
            raise Unsuited(f"symbol {node.name!r} is no input")
        kinds = [self.kinds[a] for a in node.args]
        if all(isinstance(k, Interval) for k in kinds):
            return _finite(node.op.enclosure(*kinds, **node.attrs))
        if node.op.elementwise or node.op.moves_elements:
            univariate = as_univariate(node, kinds, self._sides_of)
            if univariate is not None:
                return univariate
        if is_linear(node, kinds):
            return through(node, [self._varying(a) for a in node.args])
        return self._bent(node)

    def _varying(self, node: Variable) -> AffineForm | Interval:
        known = self.kinds[node]
        return known if isinstance(known, Interval) else self.affine(node)

    def _bent(self, node: Variable) -> Kind:
        """Return the kind of a node that is neither univariate nor affine."""
        assert node.op is not None
        varying = [a for a in node.args if not isinstance(self.kinds[a], Interval)]
        if node.op.elementwise and len(varying) == 1:
            self._atoms(varying[0])
            univariate = as_univariate(
                node, [self.kinds[a] for a in node.args], self._sides_of
            )
            if univariate is not None:
                return univariate
        return self._free(node)

    def _made(self, op: Operator, argument: Variable) -> Variable:
        """Return a function of a node, entered like the nodes of the graph."""
        key = (op, argument)
        if key not in self.made:
            self.made[key] = apply(op, (argument,), {})
        node = self.made[key]
        if node not in self.kinds:  # of the graph, but its turn comes later
            self.kinds[node] = self._kind(node)
        return node

    # -- affine functions ------------------------------------------------------------

    def affine(self, node: Variable) -> AffineForm:
        """Return a node as an affine function of terms."""
        known = self.kinds[node]
        if isinstance(known, AffineForm):
            return known
        if isinstance(known, Interval):
            return AffineForm({}, known)
        factor, base = self._without_factor(node)
        found = self._univariate_affine(base)
        if factor is None:
            return found
        parts = {
            t: interval_arithmetic.multiply(c, factor) for t, c in found.parts.items()
        }
        return AffineForm(parts, interval_arithmetic.multiply(found.constant, factor))

    def _univariate_affine(self, node: Variable) -> AffineForm:
        """Return a univariate node as terms, a moved one as those of its source."""
        known = self.kinds[node]
        assert isinstance(known, Univariate)
        if self._is_moved(node, known):
            return through(node, [self._varying(a) for a in node.args])
        term = self._term(node, known)
        own = identity_coefficients(term.size, node.shape)
        return AffineForm({term: own}, thin(np.zeros(node.shape)))

    def _is_moved(self, node: Variable, univariate: Univariate) -> bool:
        """Whether a node has the elements of others, once, several times or never."""
        kinds = [self.kinds[a] for a in node.args]
        varying = [k for k in kinds if not isinstance(k, Interval)]
        return (
            node.op is not None
            and node.op.moves_elements
            and all(
                isinstance(k, Univariate) and k.group == univariate.group
                for k in varying
            )
        )

    def _without_factor(self, node: Variable) -> tuple[Interval | None, Variable]:
        """Return constant factors and the rest: ``(c u)**2`` is ``c**2 * u**2``.

        What is left is more often the same function for all coordinates.
        """
        chain: list[tuple[Operator, Interval | None]] = []
        while node.op is not None:
            op, step = node.op, self._step(node)
            if step is None:
                break
            node, constant_factor = step
            chain.append((op, constant_factor))
        if all(op is ops.square for op, _ in chain):
            for _ in chain:
                node = self._made(ops.square, node)
            return None, node
        factor = thin(np.ones(node.shape))
        for op, c in reversed(chain):
            if op is ops.square:
                factor, node = (
                    interval_arithmetic.square(factor),
                    self._made(ops.square, node),
                )
            elif c is None:
                factor = interval_arithmetic.negative(factor)
            else:
                factor = interval_arithmetic.multiply(factor, c)
        return factor, node

    def _step(self, node: Variable) -> tuple[Variable, Interval | None] | None:
        """Return the argument under a square, sign or constant factor, and that."""
        assert node.op is not None
        kinds = [self.kinds.get(a) for a in node.args]
        if node.op in (ops.square, ops.negative) and isinstance(kinds[0], Univariate):
            return node.args[0], None
        if node.op is ops.multiply:
            for a, k, c in ((0, 0, 1), (1, 1, 0)):
                univariate, constant_factor = kinds[k], kinds[c]
                if isinstance(univariate, Univariate) and isinstance(
                    constant_factor, Interval
                ):
                    return node.args[a], constant_factor
        return None


def _finite(x: Interval) -> Interval:
    if not (np.all(np.isfinite(x.lower)) and np.all(np.isfinite(x.upper))):
        raise Unsuited("a constant is infinite or undefined")
    return Interval.unchecked(np.asarray(x.lower), np.asarray(x.upper))
