"""The bounder by star clusters: batches of regions, and their proofs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.blas import one_thread
from deuterium.budget import Spent
from deuterium.domain.problem import Problem
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.ops.exponential import exp
from deuterium.optimize.bounders.clusters.certified_bound import CertifiedBound
from deuterium.optimize.bounders.clusters.certified_maxima import CertifiedMaxima
from deuterium.optimize.bounders.clusters.cluster_branching import cutting_points
from deuterium.optimize.bounders.clusters.cluster_facts import facts_of
from deuterium.optimize.bounders.clusters.cluster_layout import ClusterLayout
from deuterium.optimize.bounders.clusters.cluster_options import (
    DEEP,
    MANY_REGIONS,
    MULTIPLIER_DIGITS,
    TRIED,
    TRIED_ALWAYS,
    TRIED_EVERY,
    TRIED_FIRST,
)
from deuterium.optimize.bounders.clusters.cluster_program import ClusterProgram
from deuterium.optimize.bounders.clusters.cluster_ranges import (
    ClusterRangePass,
    ClusterRanges,
    identity,
)
from deuterium.optimize.bounders.clusters.cut_choice import CutChoice
from deuterium.optimize.bounders.clusters.descent_method import (
    AT_ROOT,
    BRIEFLY,
    SHALLOW,
    DescentMethod,
)
from deuterium.optimize.bounders.clusters.energy_weights import ProvedEnergy, rounded
from deuterium.optimize.bounders.clusters.newton_method import NewtonMethod
from deuterium.optimize.bounders.clusters.solution import Solution
from deuterium.optimize.bounders.lagrangian.factored_parts import Unsuited
from deuterium.optimize.bounders.lagrangian.log_objective import log_form
from deuterium.optimize.region import Bounder, BoundResult, Proof, Regions, whole

CONTRADICTION: Proof = ("clusters", {"empty": True})


class ClusterBounder(Bounder):
    """Bounds regions by the Lagrangian of star clusters.

    Parameters
    ----------
    problem : Problem
    program : ClusterProgram
        Of the objective, or of its logarithm.
    logarithm : bool
        Which.

    Raises
    ------
    Unsuited
        The graph does not fit, or a range is infinite.
    """

    def __init__(
        self, problem: Problem, program: ClusterProgram, logarithm: bool
    ) -> None:
        self.problem, self.logarithm = problem, logarithm
        self.program = program
        self.layout = ClusterLayout(self.program)
        forgiving = not any(n.op is ops.log for n in problem.graph.order)
        self.pass_ = ClusterRangePass(self.layout, forgiving)
        self._lay_out_coordinates()
        ranges = self.pass_(*self._ends(self.root_box()))
        self.pass_.limits = ranges.low[0], ranges.high[0]
        self._require_finite(ranges)
        self.bounding = CertifiedBound(self.layout, self._maxima(ranges))
        self.method, *self.others = self._methods(ranges)
        self.batch = self.method.batch
        self.single = int(isinstance(self.method, DescentMethod))

    # -- preparations ----------------------------------------------------------------

    def _lay_out_coordinates(self) -> None:
        """Find what may be cut: inputs, and elements of nodes of the objective."""
        known = set(self.problem.graph.order)
        hubs = self.layout.blocks[0].features(identity(0, self.problem.size))
        features, places = [hubs], [np.arange(self.problem.size)]
        number: dict[tuple[Variable, int], int] = {}
        kinked: list[bool] = [False] * self.problem.size
        kinds = [0] * self.problem.size
        for number_of_rule, rule in enumerate(self.layout.rules):
            if rule.definition.is_constraint:
                continue
            node, at = rule.definition.source
            node = _written(node, known)
            if node not in known:
                continue
            some = _sums(rule.parts)
            block = self.layout.blocks[rule.definition.target.group]
            is_kinked = not rule.definition.is_spoke and any(
                f.kinked for f in block.group.functions
            )
            for k in np.flatnonzero(some):
                key = (node, int(at[k]))
                if key not in number:
                    number[key] = self.problem.size + len(number)
                    kinked.append(is_kinked)
                    kinds.append(1 + number_of_rule)
                features.append(rule.target[k : k + 1])
                places.append(np.array([number[key]]))
        self.places = list(number)
        self.atoms = len(number)
        self._features, self._coordinates = map(np.concatenate, (features, places))
        self._kinked = np.array(kinked)
        self.choice, self.batches = CutChoice(np.array(kinds)), 0

    def root_box(self) -> Regions:
        """Return the whole domain, without parameters."""
        free = np.full(self.atoms, np.inf)
        low, high = self.problem.lower, self.problem.upper
        return whole(np.concatenate([low, -free]), np.concatenate([high, free]))

    def _ends(self, regions: Regions) -> tuple[Array, Array, Array]:
        """Return the ends of all features that regions say."""
        shape = (len(regions), self.layout.features)
        low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
        opened = np.zeros(shape, dtype=bool)
        at, of = self._features, self._coordinates
        low[:, at], high[:, at] = regions.low[:, of], regions.high[:, of]
        opened[:, at] = regions.open[:, of]
        return low, high, opened

    def _require_finite(self, ranges: ClusterRanges) -> None:
        for rule in self.layout.rules:
            ends = ranges.low[0, rule.target], ranges.high[0, rule.target]
            if not np.isfinite(ends).all():
                raise Unsuited("the range of a coordinate is infinite")

    def _maxima(self, ranges: ClusterRanges) -> list[CertifiedMaxima]:
        found = []
        for k, (b, curves) in enumerate(
            zip(self.layout.blocks, self.pass_.curves, strict=True)
        ):
            at = b.features(identity(k, b.group.size))
            ends = ranges.low[0, at], ranges.high[0, at]
            if not np.isfinite(ends).all():
                raise Unsuited("the range of a coordinate is infinite")
            found.append(CertifiedMaxima(b, curves.table(*ends)))
        return found

    def _methods(self, ranges: ClusterRanges) -> list[NewtonMethod | DescentMethod]:
        """Return the method that solves regions, and what else the root is tried by."""
        tables = [m.table for m in self.bounding.maxima]
        parts = self.layout, self.pass_.curves, tables
        cuttable = np.zeros(self.layout.features, dtype=bool)
        cuttable[self._features] = True
        if not self.program.depth:
            with suppress(Unsuited):
                newton = NewtonMethod(*parts, cuttable)
                return [newton, DescentMethod(*parts, ranges, self.logarithm, BRIEFLY)]
        schedule = AT_ROOT if self.program.depth >= DEEP else SHALLOW
        return [DescentMethod(*parts, ranges, self.logarithm, schedule)]

    # -- as a bounder ----------------------------------------------------------------

    def root(self) -> Regions:
        """Return the whole domain as one region."""
        region = self.root_box()
        start = self.method.start
        return Regions(region.low, region.high, region.open, region.bound, start)

    def adopt(self, state: Array) -> None:
        """Begin with parameters found for a problem much alike: any are right."""
        method = self.method
        if isinstance(method, DescentMethod) and state.shape == method.start.shape:
            method.other = state

    def facts(self) -> dict[str, Any]:
        """Return what proofs need besides their own data, as JSON."""
        return facts_of(self.program, self.logarithm)

    def bound(self, regions: Regions, incumbent: float) -> BoundResult:
        """Return certified bounds, cuts and points."""
        with one_thread():
            return self._bound(regions, incumbent)

    def _bound(self, regions: Regions, incumbent: float) -> BoundResult:
        ranges = self.pass_(*self._ends(regions))
        target = self._target(incumbent)
        found = self.method(ranges, regions.state, target)
        upper, proofs = self._proved(found, ranges)
        if bool((regions.state == self.method.start).all()):
            self._try_others(ranges, target, upper, proofs)
        for k in np.flatnonzero(ranges.empty):
            proofs[k] = CONTRADICTION
        cut, at, inputs = self._branch(found, ranges, regions, upper)
        n = self.problem.size
        return BoundResult(
            upper=np.where(ranges.empty, -np.inf, upper),
            proofs=proofs,
            low=regions.low,
            high=regions.high,
            open=regions.open,
            cut=cut,
            at=at,
            points=_points(inputs, regions.low[:, :n], regions.high[:, :n]),
            state=found.state,
        )

    def _try_others(
        self, ranges: ClusterRanges, target: float, upper: Array, proofs: list[Proof]
    ) -> None:
        """Enter what other methods prove of the whole domain where it is less."""
        for method in self.others:
            start = np.repeat(method.start, len(upper), axis=0)
            try:
                found, own = self._proved(method(ranges, start, target), ranges)
            except Spent:
                return  # what is proved so far counts
            for k in np.flatnonzero(found < upper):
                upper[k], proofs[k] = found[k], own[k]

    def _proved(
        self, found: Solution, ranges: ClusterRanges
    ) -> tuple[Array, list[Proof]]:
        """Return the bounds that multipliers give, and their proofs."""
        p, energies = rounded(found.p, MULTIPLIER_DIGITS), found.energies
        upper = self._raised(self.bounding(ranges, p, energies))
        proofs: list[Proof] = [
            (
                "clusters",
                {
                    "p": row.tolist(),
                    "energies": self._told(energies, k),
                    "corners": self._corners(energies, k),
                },
            )
            for k, row in enumerate(p)
        ]
        return upper, proofs

    def _told(self, energies: list[ProvedEnergy | None], k: int) -> list[Any]:
        """Return what the proof of region k says of the energies."""
        out: list[Any] = []
        for rule, e in zip(self.layout.rules, energies, strict=True):
            if e is None or not e.nu[k].any():
                out.append(None)
                continue
            order = rule.order
            above, centre = e.above[k, order], e.centre[k, order]
            out.append([e.nu[k].tolist(), above.tolist(), centre.tolist()])
        return out

    def _corners(self, energies: list[ProvedEnergy | None], k: int) -> list[Any]:
        """Return what the proof of region k says of corners of simplices."""
        return [
            None if e is None or e.kappa is None else e.kappa[k].tolist()
            for e in energies
        ]

    def _branch(
        self, found: Solution, ranges: ClusterRanges, regions: Regions, upper: Array
    ) -> tuple[Array, Array, Array]:
        """Return where to cut, at what, and the inputs of the relaxed solution."""
        shape = (len(found.p), self.problem.size + self.atoms)
        total, at = np.zeros(shape), np.zeros(shape)
        low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
        f, c = self._features, self._coordinates
        every: Any = (slice(None), c)
        np.add.at(total, every, found.gain[:, f])
        np.maximum.at(low, every, ranges.low[:, f])
        np.minimum.at(high, every, ranges.high[:, f])
        at[every] = found.place[:, f]
        inputs = at[:, : self.problem.size]
        margin = self.method.margin
        gain, at = cutting_points(total, at, low, high, self._kinked, margin)
        cut = np.argmax(self.choice.expected(gain), axis=1)
        k = int(np.argmax(np.where(ranges.empty, -np.inf, upper)))
        self.batches += 1
        wanted = self.batches <= TRIED_ALWAYS or self.batches % TRIED_EVERY == 0
        if isinstance(self.method, DescentMethod) and wanted and not ranges.empty[k]:
            best = self._tried(self.method, found, regions.take([k]), gain[k], at[k], k)
            cut[k] = cut[k] if best is None else best
        rows = np.arange(len(cut))
        return np.where(gain[rows, cut] < 0, -1, cut), at[rows, cut], inputs

    def _tried(
        self,
        method: DescentMethod,
        found: Solution,
        region: Regions,
        gain: Array,
        at: Array,
        k: int,
    ) -> int | None:
        """Return the cut that is best after a few steps; None where none is tried."""
        is_first = not self.choice.count.any()
        tried = self.choice.candidates(gain, TRIED_FIRST if is_first else TRIED)
        if len(tried) < 2:
            return None
        # both sides of each cut, and the region itself, which steps alone improve, too
        parts = region.take(np.zeros(2 * len(tried) + 1, dtype=int))
        rows = np.arange(len(tried))
        parts.high[2 * rows, tried] = parts.low[2 * rows + 1, tried] = at[tried]
        ranges = self.pass_(*self._ends(parts))
        start = np.repeat(found.state[k : k + 1], len(parts), axis=0)
        values = method.trial(ranges, start)
        if values is None:
            return None
        values = np.where(ranges.empty, -np.inf, values)
        sides = values[:-1].reshape(-1, 2)
        return self.choice.learn(gain, tried, float(values[-1]), sides)

    def _target(self, incumbent: float) -> float:
        if not self.logarithm:
            return incumbent
        return float(np.log(incumbent)) if incumbent > 0 else -np.inf

    def _raised(self, upper: Array) -> Array:
        """Return bounds of the objective from those of what was relaxed."""
        if not self.logarithm:
            return upper
        with np.errstate(all="ignore"):
            high = exp.enclosure(Interval.unchecked(upper, upper)).upper
        return np.where(np.isnan(upper), np.inf, high)


def _points(at: Array, low: Array, high: Array) -> Array:
    """Return the relaxed inputs; of a few regions the nearest corners, too.

    Shapes: all (B, n).
    """
    inside = np.clip(at, low, high)
    if len(at) > MANY_REGIONS:
        return inside
    corners = np.where(inside - low < high - inside, low, high)
    return np.concatenate([inside, corners])


def _written(node: Variable, known: set[Variable]) -> Variable:
    """Return the node of the objective that a reshaped one stands for."""
    while node not in known and node.op is ops.reshape:
        node = node.args[0]
    return node


def _sums(parts: list[Any]) -> Array:
    """Return which definitions combine several terms; others are copies of one."""
    count: Any = 0
    for _, m, radius in parts:
        count = count + ((m != 0) | (radius != 0)).sum(axis=0)
    return np.asarray(count) > 1


def cluster_bounder_of(
    problem: Problem, deepest: float = np.inf
) -> ClusterBounder | None:
    """Return a bounder by star clusters, or None where the graph has no use for one.

    Nor where values are propagated back through more than ``deepest`` layers.
    """
    root = log_form(problem)
    for graph, logarithm in ((root, True), (problem.objective, False)):
        if graph is None:
            continue
        try:
            program = ClusterProgram(problem, graph)
            if program.depth > deepest:
                return None
            return ClusterBounder(problem, program, logarithm)
        except Unsuited:
            continue
    return None
