"""Best-first branch and bound, in batches, stopped at any time with what is proved."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.budget import Spent, check
from deuterium.domain.problem import Problem
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.optimize.branch_and_bound.checkpoint import (
    UNREADABLE,
    CheckpointJournal,
    array_of,
    results_of,
)
from deuterium.optimize.branch_and_bound.executors import Workers
from deuterium.optimize.branch_and_bound.incumbent import Incumbent
from deuterium.optimize.branch_and_bound.interrupt_guard import InterruptGuard
from deuterium.optimize.branch_and_bound.progress import NoProgress
from deuterium.optimize.branch_and_bound.stopping import Clock, Limits
from deuterium.optimize.branch_and_bound.tree import Tree
from deuterium.optimize.region import (
    Bounder,
    BoundResult,
    Regions,
    with_checker_margin,
)
from deuterium.optimize.root_enclosure import NOTHING, RootEnclosure, first_steps


class BranchAndBound:
    """One run.

    Parameters
    ----------
    bounder : Bounder
        Bounds batches of regions.
    crew : Workers
        Who does it.
    incumbent : Incumbent
        The lower side.
    limits : Limits
        When to stop.
    journal : CheckpointJournal or None
        Where the work is recorded.
    clock : Clock
        Tells the time spent and left.
    first : RootEnclosure, optional
        A bound that is known already.
    """

    def __init__(
        self,
        bounder: Bounder,
        crew: Workers,
        incumbent: Incumbent,
        limits: Limits,
        journal: CheckpointJournal | None,
        clock: Clock,
        first: RootEnclosure = NOTHING,
    ) -> None:
        self.bounder, self.crew, self.incumbent = bounder, crew, incumbent
        self.limits, self.journal, self.clock = limits, journal, clock
        self.root = _begun(bounder.root(), incumbent.problem)
        self.tree = Tree(self.root, first_steps(incumbent.problem))
        self.first = first
        if first.upper < np.inf:
            self.tree.bound_root(first.upper, first.proof)
        self.regions = 0
        self.history: list[tuple[float, float, float]] = []
        self.pole_box: tuple[Any, Any] | None = None  # a tiny box of infinite bound
        self._batches = 0
        self._pace = 0.0  # seconds a region
        self._shield = InterruptGuard()

    def run(self, progress: NoProgress, stop: str = "") -> str:
        """Work until there is a reason to stop, and return it (a status).

        ``stop`` is a reason that there is already.
        """
        if stop:
            self._note(progress)
            return stop
        with self._shield:
            try:
                self._resume()
                with np.errstate(all="ignore"):
                    return self._work(progress)
            except Spent as spent:
                return spent.status
            except KeyboardInterrupt:
                if not self._shield.is_whole:
                    raise
                return "interrupted"
            finally:
                with self._shield.whole():
                    self.crew.cancel()
                    self.tree.put_back(list(self.tree.pending))

    def claim(self, upper: float) -> float:
        """Return what to claim for a proved bound, so that a checker has room.

        A few ulps more, but never more than what was known at the outset.
        """
        return min(with_checker_margin(upper), self.first.upper)

    @property
    def target(self) -> float:
        """The bound at which a region need not be cut."""
        return self.limits.target(self.incumbent.value)

    def _work(self, progress: NoProgress) -> str:
        while True:
            self._note(progress)
            reason = self._reason()
            if reason:
                return reason
            with self._shield.whole():
                self._hand_out()
            for done in self.crew.collect(
                min(options.WAIT_SECONDS, max(self.clock.left, 0.0))
            ):
                self._enter(done.nodes, done.results, done.seconds)

    def _hand_out(self) -> None:
        """Give the crew as many batches as it takes."""
        while len(self.crew) < self.crew.width and self._left:
            if len(self.crew) and self.tree.waiting < self._worth():
                return
            nodes = self.tree.pop(self._size(), self.target)
            if not nodes:
                return
            regions = self.tree.regions(nodes)
            self.crew.submit(nodes, regions, self.incumbent.value)

    def _size(self) -> int:
        """Return how many regions to put into the next batch.

        One, then twice as many with each batch, so that the first bounds come soon; no
        more than leaves work for all workers, and than there is time for.
        """
        doubled = max(self._batches - self.bounder.single, 0)
        size = min(2 ** min(doubled, 30), self.bounder.batch)
        if self.crew.workers > 1 and 0 < size * self._pace < options.MESSAGE_SECONDS:
            size *= min(
                int(options.MESSAGE_SECONDS / (size * self._pace)) + 1,
                options.BATCH_FACTOR,
            )
        share = max(-(-self.tree.waiting // self.crew.workers), self._least)
        size = min(size, share, self._left)
        if size * self._pace > self.clock.left > 0:
            size = int(self.clock.left / self._pace)
        return max(size, 1)

    @property
    def _left(self) -> int:
        """How many more regions may be bounded."""
        most = self.limits.max_regions
        given = self.regions + len(self.tree.pending)
        return max(sys.maxsize if most is None else most - given, 0)

    @property
    def _least(self) -> int:
        """How many regions are worth the trouble of a batch, if there are so many."""
        return max(self.bounder.batch // options.BATCH_DIVISOR, 1)

    def _worth(self) -> int:
        """Return how many regions must wait for one more batch to be handed out.

        Where few wait, more may come of what is being bounded: a small batch takes
        nearly as long as a large one.
        """
        idle = len(self.crew) < self.crew.workers
        return self._least if idle else self.bounder.batch

    def _enter(
        self, nodes: list[int], results: BoundResult | None, seconds: float
    ) -> None:
        """Take in what was found of a batch, if anything."""
        if results is None:
            with self._shield.whole():
                self.tree.put_back(nodes)
            return
        self.incumbent.limit(self.clock.at(self.clock.share(options.OFFER_SHARE)))
        better = self.incumbent.offer(results.points)
        self._pace = seconds / len(nodes)
        with self._shield.whole():
            if self.journal:
                self._record(self.journal, nodes, results, better)
            self._apply(nodes, results)
            if better:
                self.tree.close(self.target)

    def _record(
        self,
        journal: CheckpointJournal,
        nodes: list[int],
        results: BoundResult,
        better: bool,
    ) -> None:
        journal.batch(
            nodes,
            self.tree.regions(nodes),
            results,
            point=self.incumbent.row if better else None,
            cut=~(np.asarray(results.upper) <= self.target),
            spent=self.clock.spent + self.clock.now,
            search=self.incumbent.state(),
        )

    def _apply(self, nodes: Sequence[int], results: BoundResult) -> None:
        self.tree.apply(nodes, results, self.target)
        self._look_for_poles(nodes, results)
        self.regions += len(nodes)
        self._batches += 1

    def _look_for_poles(self, nodes: Sequence[int], results: BoundResult) -> None:
        """Remember a region too small to be cut whose bound still is infinite."""
        bound = self.tree.known["bound"][list(nodes)]
        for k in np.flatnonzero(bound == np.inf).tolist():
            low, high = results.low[k], results.high[k]
            deep = self.tree.known["depth"][nodes[k]] > options.DEEPEST_CUTS
            if deep or results.cut[k] < 0 or self._is_tiny(low, high):
                self.pole_box = low, high

    def _is_tiny(self, low: Array, high: Array) -> bool:
        n = low.shape[-1] - self.bounder.atoms
        width = self.root.high[0, :n] - self.root.low[0, :n]
        limit = options.FINEST_SIDE * np.where(np.isfinite(width), width, 1.0)
        far = (low[:n] > options.FAREST_END) | (high[:n] < -options.FAREST_END)
        return bool(np.all((high[:n] - low[:n] <= limit) | far))

    # -- when to stop ----------------------------------------------------------------

    def _reason(self) -> str:
        upper = self.tree.upper
        if self.pole_box is not None:
            return "undefined"
        if upper <= self.target:
            return "optimal"
        if self.tree.top <= self.target and not self.tree.pending:
            # what could be cut has been
            return "precision_limit"
        if self.clock.left <= 0:
            return "time_limit"
        if not self._left and not self.tree.pending:
            return "region_limit"
        growth = self.tree.growth(self.crew.width * self._size())
        if self.tree.bytes + growth > self.limits.memory_limit:
            return "memory_limit"
        check(memory=growth)
        return ""

    def _note(self, progress: NoProgress) -> None:
        lower, upper = self.incumbent.value, self.tree.upper
        if not self.history or self.history[-1][1:] != (lower, upper):
            self.history.append((self.clock.spent + self.clock.now, lower, upper))
        progress.show(lower, upper, self.regions, len(self.tree))

    # -- going on --------------------------------------------------------------------

    def _resume(self) -> None:
        """Take in what an earlier run recorded, or find a first point."""
        self.incumbent.limit(self.clock.at(1.0))
        if self.journal and self._replayed(self.journal):
            self.tree.close(self.target)
            return
        if self.tree.upper > self.target:  # else the first point was the best
            self.incumbent.limit(
                self.clock.at(self.clock.share(options.FIRST_SEARCH_SHARE))
            )
            self.incumbent.start()
            self.incumbent.limit(self.clock.at(1.0))
        if self.journal:
            self.journal.point(self.incumbent.row, self.incumbent.state())

    def _replayed(self, journal: CheckpointJournal) -> bool:
        """Take in the records of an earlier run; return whether there were any."""
        state, at = None, 0
        for number, entry in enumerate(journal.read(), start=2):
            try:
                with self._shield.whole():
                    self._replay(entry)
            except UNREADABLE:
                raise journal.damaged(number) from None
            if entry.get("search"):
                state, at = entry["search"], number
        if state is None:
            return False
        try:
            self.incumbent.restore(state, offers=self._batches)
        except UNREADABLE:
            raise journal.damaged(at) from None
        return True

    def _replay(self, entry: dict[str, Any]) -> None:
        if entry.get("point") is not None:
            most = self.incumbent.problem.size
            self.incumbent.certify(array_of(entry["point"], most))
        if "nodes" not in entry:
            return
        nodes = [int(i) for i in entry["nodes"]]
        if not self.tree.can_claim(nodes):
            raise ValueError("no such regions wait")
        self.tree.claim(nodes)
        self._apply(nodes, results_of(entry, self.tree.regions(nodes)))
        self.clock.spent = float(entry["spent"])


def _begun(root: Regions, problem: Problem) -> Regions:
    """Return the whole domain as far as its points count."""
    part = slice(problem.size)
    root.low[:, part] = np.maximum(root.low[:, part], problem.first_lower)
    root.high[:, part] = np.minimum(root.high[:, part], problem.first_upper)
    return root


@contextmanager
def closing(journal: CheckpointJournal | None) -> Iterator[None]:
    """Close the journal at the end, however it comes."""
    try:
        yield
    finally:
        if journal:
            journal.close()
