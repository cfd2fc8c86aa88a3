"""Best-first branch and bound, in batches, stopped at any time with what is proved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from deuterium.bound.branch.executors import Crew
from deuterium.bound.branch.incumbent import Incumbent
from deuterium.bound.branch.journal import Journal, verdicts_of
from deuterium.bound.branch.limits import Clock, Limits
from deuterium.bound.branch.progress import Quiet
from deuterium.bound.branch.tree import Tree
from deuterium.bound.region import Bounder, Verdicts

FINEST = 2.0**-40  # of a side: an infinite bound on so small a region is a pole
FAREST = 2.0**400  # and on one so far out, an objective that grows without end
DEEPEST = 4000  # cuts
WAIT = 0.2  # seconds between two looks at the clock while workers work


class BranchAndBound:
    """One run.

    Parameters
    ----------
    bounder : Bounder
        Bounds batches of regions.
    crew : Crew
        Who does it.
    incumbent : Incumbent
        The lower side.
    limits : Limits
        When to stop.
    journal : Journal or None
        Where the work is recorded.
    """

    def __init__(
        self,
        bounder: Bounder,
        crew: Crew,
        incumbent: Incumbent,
        limits: Limits,
        journal: Journal | None,
        clock: Clock,
    ) -> None:
        self.bounder, self.crew, self.incumbent = bounder, crew, incumbent
        self.limits, self.journal, self.clock = limits, journal, clock
        self.root = bounder.root()
        self.tree = Tree(self.root)
        self.regions = 0
        self.history: list[tuple[float, float, float]] = []
        self.offending: tuple[Any, Any] | None = None  # a tiny box of infinite bound

    def run(self, progress: Quiet) -> str:
        """Work until there is a reason to stop, and return it (a status)."""
        try:
            self._resume()
            with np.errstate(all="ignore"):
                return self._work(progress)
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self.tree.put_back(self.crew.cancel())
            self.tree.put_back(list(self.tree.pending))

    @property
    def target(self) -> float:
        """The bound at which a region need not be cut."""
        return self.limits.target(self.incumbent.value)

    def _work(self, progress: Quiet) -> str:
        size = 1
        while True:
            self._note(progress)
            reason = self._reason()
            if reason:
                return reason
            while len(self.tree.pending) < self.crew.width * size:
                nodes = self.tree.pop(size, self.target)
                if not nodes:
                    break
                regions = self.tree.regions(nodes)
                self.crew.submit(nodes, regions, self.incumbent.value)
            for nodes, verdicts in self.crew.collect(min(WAIT, self.clock.left)):
                self._enter(nodes, verdicts)
            size = min(2 * size, self.bounder.batch)

    def _enter(self, nodes: list[int], verdicts: Verdicts) -> None:
        """Take in what was found of a batch."""
        if self.incumbent.offer(verdicts.points) and self.journal:
            self.journal.point(self.incumbent.row)
        if self.journal:
            spent = self.clock.spent + self.clock.now
            self.journal.batch(nodes, verdicts, spent)
        self._apply(nodes, verdicts)

    def _apply(self, nodes: list[int], verdicts: Verdicts) -> None:
        self._look_for_poles(nodes, verdicts)
        self.tree.apply(nodes, verdicts, self.target)
        self.regions += len(nodes)

    def _look_for_poles(self, nodes: list[int], verdicts: Verdicts) -> None:
        """Remember a region too small to be cut whose bound still is infinite."""
        for k in np.flatnonzero(np.asarray(verdicts.upper) == np.inf):
            low, high = verdicts.low[k], verdicts.high[k]
            deep = self.tree.nodes[nodes[k]].depth > DEEPEST
            if deep or verdicts.cut[k] < 0 or self._is_tiny(low, high):
                self.offending = low, high

    def _is_tiny(self, low: Any, high: Any) -> bool:
        n = low.shape[-1] - self.bounder.atoms
        width = self.root.high[0, :n] - self.root.low[0, :n]
        limit = FINEST * np.where(np.isfinite(width), width, 1.0)
        far = (low[:n] > FAREST) | (high[:n] < -FAREST)
        return bool(np.all((high[:n] - low[:n] <= limit) | far))

    # -- when to stop ----------------------------------------------------------------

    def _reason(self) -> str:
        upper = self.tree.upper
        if self.offending is not None:
            return "undefined"
        if upper <= self.target:
            return "optimal"
        if not len(self.tree):  # what could be cut has been
            return "precision_limit"
        if self.clock.left <= 0:
            return "time_limit"
        growing = self.tree.pool.bytes if self.tree.pool.is_full else 0
        if self.tree.bytes + growing > self.limits.memory_limit:
            return "memory_limit"
        return ""

    def _note(self, progress: Quiet) -> None:
        lower, upper = self.incumbent.value, self.tree.upper
        if not self.history or self.history[-1][1:] != (lower, upper):
            self.history.append((self.clock.spent + self.clock.now, lower, upper))
            progress.show(lower, upper, self.regions, len(self.tree))

    # -- going on --------------------------------------------------------------------

    def _resume(self) -> None:
        """Take in what an earlier run recorded, then find a first point."""
        for entry in self.journal.read() if self.journal else ():
            if "point" in entry:
                self.incumbent.certify(np.asarray(entry["point"], dtype=float))
                continue
            nodes = list(entry["nodes"])
            self.tree.claim(nodes)
            self._apply(nodes, verdicts_of(entry, self.root.low.shape[1]))
            self.clock.spent = float(entry["spent"])
        if self.incumbent.row is None and self.incumbent.start() and self.journal:
            self.journal.point(self.incumbent.row)


@contextmanager
def closing(journal: Journal | None) -> Iterator[None]:
    """Close the journal at the end, however it comes."""
    try:
        yield
    finally:
        if journal:
            journal.close()
