"""The tree of regions: what is open, what is closed, and the proof it amounts to."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.branch_and_bound import loop_options as options
from deuterium.optimize.branch_and_bound.compression import packed, room, unpacked
from deuterium.optimize.branch_and_bound.growable import GrowableColumns
from deuterium.optimize.branch_and_bound.region_store import RegionStore
from deuterium.optimize.region import (
    EMPTY,
    BoundResult,
    DomainReduction,
    Proof,
    Regions,
)

Queued = tuple[float, int, int]


COLUMNS = {
    "inherited": float,  # the least bound of the regions around it
    "own": float,  # its own bound, if it is smaller and its proof is kept
    "bound": float,  # the lesser of the two
    "at": float,  # where it was cut,
    "cut": np.int32,  # and in which coordinate; -1 if it was not
    "depth": np.int32,
    "child": np.int64,  # the first of its two halves; the other follows
    "row": np.int32,  # of the pool, -1 when it is done
}


class Tree:
    """All regions so far.

    Parameters
    ----------
    root : Regions
        The whole domain, one row, or what ``first`` leaves of it.
    first : sequence of DomainReduction, optional
        The steps from the whole domain to there.

    Attributes
    ----------
    pending : dict from int to int
        Regions being bounded, with their rows of the pool.
    closed_upper : float
        The largest bound of closed regions.
    """

    def __init__(self, root: Regions, first: Sequence[DomainReduction] = ()) -> None:
        self.first = list(first)
        self.pool = RegionStore(root)
        self.known = GrowableColumns(**COLUMNS)
        self.pending: dict[int, int] = {}
        self.closed_upper = -np.inf
        self._size = 0
        self._waiting = 0
        # the front of those that wait, all those whose bound is at least `_edge`
        self._queue: list[Queued] = []
        self._edge = -np.inf
        self._proofs: list[bytes | None] = []
        self._steps: list[bytes | None] = []  # with the reason for end points, if any
        self._packed_bytes = 0
        self._enter(root, np.zeros(len(root), dtype=int))

    def bound_root(self, bound: float, proof: Proof) -> None:
        """Enter a bound of the whole domain that is known before it is looked at."""
        for name in ("inherited", "own", "bound"):
            self.known[name][0] = bound
        (self._proofs[0],) = packed([proof])
        self._packed_bytes += room(self._proofs[0])
        self._queue = []
        self._push(np.zeros(1, dtype=np.intp))

    # -- what is open ----------------------------------------------------------------

    def _enter(self, regions: Regions, depth: Array) -> int:
        """Open regions and return the first one's node."""
        first, count = self._size, len(regions)
        while self.known.room < first + count:
            self.known.grow()
        new = slice(first, first + count)
        self._size += count
        self.known["inherited"][new] = self.known["bound"][new] = regions.bound
        self.known["own"][new] = np.inf
        self.known["cut"][new] = -1
        self.known["depth"][new] = depth
        self.known["row"][new] = self.pool.add(regions)
        self._proofs += [None] * count
        self._steps += [None] * count
        self._waiting += count
        self._push(np.arange(first, first + count))
        return first

    def _push(self, nodes: Array) -> None:
        """Queue regions that wait, if they belong to the front."""
        bounds = self.known["bound"][nodes]
        front = bounds >= self._edge
        at = nodes[front]
        queued = (-bounds[front]).tolist(), (-self.known["depth"][at]).tolist()
        for entry in zip(*queued, at.tolist(), strict=True):
            heapq.heappush(self._queue, entry)
        if len(self._queue) > 4 * options.FRONT_REGIONS:
            self._advance()

    def _waits(self, i: int) -> bool:
        return bool(self.known["row"][i] >= 0) and i not in self.pending

    @property
    def top(self) -> float:
        """Return the largest bound of those that wait."""
        while True:
            while self._queue and not self._waits(self._queue[0][2]):
                heapq.heappop(self._queue)  # claimed or closed since
            if self._queue or not self._waiting:
                return -self._queue[0][0] if self._queue else -np.inf
            self._advance()

    def _advance(self) -> None:
        """Queue the next ones: those of largest bound among all that wait.

        Of equal (infinite) bounds the deepest comes first, to find the cause soon.
        """
        nodes = self._behind(-np.inf)
        bounds = self.known["bound"][nodes]
        if len(nodes) > options.FRONT_REGIONS:
            self._edge = float(
                np.partition(bounds, -options.FRONT_REGIONS)[-options.FRONT_REGIONS]
            )
            nodes, bounds = nodes[bounds >= self._edge], bounds[bounds >= self._edge]
        else:
            self._edge = -np.inf
        depths = self.known["depth"][nodes]
        queued = (-bounds).tolist(), (-depths).tolist(), nodes.tolist()
        self._queue = sorted(zip(*queued, strict=True))  # which is a heap
        self._drop_spare()

    def _behind(self, bound: float, limit: float = np.inf) -> Array:
        """Return all that wait and are not being bounded, of bounds in a range."""
        waits = self.known["row"][: self._size] >= 0
        bounds = self.known["bound"][: self._size]
        waits &= (bound <= bounds) & (bounds <= limit)
        waits[list(self.pending)] = False
        return np.flatnonzero(waits)

    def __len__(self) -> int:
        return self._waiting + len(self.pending)

    @property
    def size(self) -> int:
        """How many regions there ever were."""
        return self._size

    @property
    def waiting(self) -> int:
        """How many regions wait."""
        return self._waiting

    @property
    def upper(self) -> float:
        """The certified bound over the whole domain: the largest of any leaf."""
        return max(self.top, self._proved())

    def _proved(self) -> float:
        """Return the same, where the queue has just been filled."""
        bounding = self.known["bound"][list(self.pending)].max(initial=-np.inf)
        top = -self._queue[0][0] if self._queue else -np.inf
        return max(self.closed_upper, top, float(bounding))

    @property
    def bytes(self) -> int:
        """Memory of all of it, about."""
        lists = options.NODE_BYTES * self._size + options.QUEUED_BYTES * len(
            self._queue
        )
        return self.pool.bytes + self.known.bytes + self._packed_bytes + lists

    def growth(self, count: int) -> int:
        """Return how much more memory it may take to cut so many regions."""
        full = self._size + 2 * count > self.known.room
        more = int(self.known.bytes * (options.ROWS_GROWTH - 1)) if full else 0
        return (
            more
            + self.pool.growth(2 * count)
            + 2 * count * (options.NODE_BYTES + options.QUEUED_BYTES)
        )

    def pop(self, count: int, target: float) -> list[int]:
        """Return the open regions of largest bound, which are pending from now on.

        Those whose bound does not exceed ``target`` stay: they need not be cut.  So do
        those far below the largest, which may never have to be.
        """
        chosen: list[int] = []
        with np.errstate(invalid="ignore"):
            least = target + options.WORTH_SHARE * (self.top - target)
        least = least if np.isfinite(least) else target
        while len(chosen) < count and self.top > target and self.top >= least:
            i = heapq.heappop(self._queue)[2]
            self.pending[i] = int(self.known["row"][i])
            self._waiting -= 1
            chosen.append(i)
        return chosen

    def claim(self, nodes: Sequence[int]) -> None:
        """Make waiting regions pending."""
        for i in nodes:
            self.pending[i] = int(self.known["row"][i])
        self._waiting -= len(nodes)

    def can_claim(self, nodes: Sequence[int]) -> bool:
        """Return whether these are regions that wait, each named once."""
        inside = all(0 <= i < self._size and self._waits(i) for i in nodes)
        return inside and len(set(nodes)) == len(nodes)

    def regions(self, nodes: Sequence[int]) -> Regions:
        """Return the regions of pending nodes."""
        return self.pool.take([self.pending[i] for i in nodes])

    def put_back(self, nodes: Sequence[int]) -> None:
        """Open pending regions again: nothing was found out about them."""
        for i in nodes:
            del self.pending[i]
        self._waiting += len(nodes)
        self._push(np.asarray(nodes, dtype=np.intp))

    def close(self, target: float) -> None:
        """Close the regions that wait and need not be cut, to save their memory."""
        nodes = self._behind(-np.inf, target)
        if 4 * len(nodes) < self._waiting:
            return  # not worth it
        self._close(nodes, self.known["bound"][nodes])
        self._waiting -= len(nodes)

    def _close(self, nodes: Array, bounds: Array) -> None:
        self.pool.free(self.known["row"][nodes].tolist())
        self.known["row"][nodes] = -1
        self.closed_upper = max(self.closed_upper, float(bounds.max(initial=-np.inf)))

    # -- what is known ---------------------------------------------------------------

    def apply(self, nodes: Sequence[int], results: BoundResult, target: float) -> None:
        """Enter what a bounder found of pending regions: close them, or cut them."""
        at, cut = np.asarray(nodes, dtype=np.intp), np.asarray(results.cut)
        self._record(at, results)
        bound = self.known["bound"][at]
        open_ = (bound > target) & (cut >= 0)
        for i in nodes:
            del self.pending[i]
        self._close(at, bound[~open_])
        ks = np.flatnonzero(open_)
        if len(ks):
            self._cut(at[ks], results, ks)

    def _record(self, at: Array, results: BoundResult) -> None:
        own = np.asarray(results.upper, dtype=float)
        inherited = self.known["inherited"][at]
        better = own < inherited  # else an outer region's proof is as good; never NaN
        self.known["own"][at] = np.where(better, own, self.known["own"][at])
        self.known["bound"][at] = np.where(better, own, inherited)
        which = np.flatnonzero(better).tolist()
        proofs = packed([results.proofs[k] for k in which])
        for k, proof in zip(which, proofs, strict=True):
            self._packed_bytes += room(proof) - room(self._proofs[at[k]])
            self._proofs[at[k]] = proof
        told = [
            (k, (steps, ends))
            for k, (steps, ends) in enumerate(
                zip(results.steps, results.ends, strict=True)
            )
            if steps or ends is not None
        ]
        for (k, _), data in zip(told, packed([x for _, x in told]), strict=True):
            self._steps[at[k]] = data
            self._packed_bytes += room(data)

    def _cut(self, at: Array, results: BoundResult, ks: Array) -> None:
        bound = self.known["bound"][at]
        depth = np.repeat(self.known["depth"][at] + 1, 2)
        first = self._enter(halved(results, ks, bound), depth)
        self.known["cut"][at], self.known["at"][at] = results.cut[ks], results.at[ks]
        self.known["child"][at] = first + 2 * np.arange(len(at))

    def _drop_spare(self) -> None:
        """Drop proofs of cut regions that are above what is proved by their parts."""
        own = self.known["own"][: self._size]
        cut = self.known["cut"][: self._size] >= 0
        for i in np.flatnonzero(cut & (own > self._proved()) & (own < np.inf)).tolist():
            self._packed_bytes -= room(self._proofs[i])
            self._proofs[i] = None
            own[i] = np.inf

    # -- the proof -------------------------------------------------------------------

    def proof(self, upper: float) -> list[Any]:
        """Return the tree as a list in preorder, for a claimed upper bound.

        A region whose own bound does not exceed the claim is a leaf, cut or not.
        """
        listed: list[Any] = []
        waiting = [0]
        while waiting:
            i = waiting.pop()
            own = self.known["own"][i]
            steps, ends = self._told(i)
            if own <= upper and own < np.inf:
                packed_proof = self._proofs[i]
                leaf = EMPTY if packed_proof is None else unpacked(packed_proof)
                listed.append({"steps": steps, "leaf": leaf})
                continue
            j, child = int(self.known["cut"][i]), int(self.known["child"][i])
            if j < 0:
                raise ValueError(f"{upper} is not proved")
            entry = {"steps": steps, "cut": [j, float(self.known["at"][i])]}
            if ends is not None:
                entry = {"steps": steps, "ends": [j, ends]}
            listed.append(entry)
            waiting += [child + 1, child]
        return listed

    def _told(self, i: int) -> tuple[list[Any], Any]:
        data = self._steps[i]
        steps, ends = ([], None) if data is None else unpacked(data)
        return (self.first if i == 0 else []) + steps, ends


def halved(results: BoundResult, ks: Array, bound: Array) -> Regions:
    """Return the two halves of some regions, or their two end faces, in turn.

    Shapes: ``ks``, rows of the batch, and ``bound`` (b,).
    """
    twice = np.repeat(ks, 2)
    low, high = results.low[twice], results.high[twice]
    opened = results.open[twice]
    first, second = np.arange(0, len(twice), 2), np.arange(1, len(twice), 2)
    j, at = results.cut[ks], results.at[ks]
    ends = np.array([results.ends[k] is not None for k in ks])
    lower, upper = low[first, j], high[first, j]
    high[first, j] = np.where(ends, lower, at)
    low[second, j] = np.where(ends, upper, at)
    opened[second, j] = ~ends
    opened[first[ends], j[ends]] = False
    return Regions(low, high, opened, np.repeat(bound, 2), results.state[twice])
