"""The tree of regions: what is open, what is closed, and the proof it amounts to."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.bound.branch.pool import Pool
from deuterium.bound.region import EMPTY, Proof, Regions, Step, Verdicts

Array = Any


@dataclass(slots=True)
class Node:
    """One region: its own bound with the proof, and how it was cut, if it was.

    ``inherited`` is the least bound of the regions around it; ``bound`` the least of
    that and its own.
    """

    inherited: float
    depth: int
    bound: float = np.inf
    own: float = np.inf
    proof: Proof | None = None
    steps: list[Step] = field(default_factory=list)
    cut: int = -1
    at: float = 0.0
    ends: Proof | None = None
    children: tuple[int, ...] = ()


class Tree:
    """All regions so far.

    Parameters
    ----------
    root : Regions
        The whole domain, one row.
    """

    def __init__(self, root: Regions) -> None:
        self.nodes: list[Node] = []
        self.pool = Pool(root)
        self.open: dict[int, int] = {}  # node to row, of those that wait
        self.pending: dict[int, int] = {}  # and of those being bounded
        self.closed_upper = -np.inf  # the largest bound of closed regions
        self.proof_bytes = 0
        self._heap: list[tuple[float, int, int]] = []
        self._enter(root, depth=0)

    # -- what is open ----------------------------------------------------------------

    def _enter(self, regions: Regions, depth: int) -> tuple[int, ...]:
        """Open regions and return their nodes."""
        first = len(self.nodes)
        rows, bounds = self.pool.add(regions), regions.bound.tolist()
        for row, bound in zip(rows, bounds, strict=True):
            self.nodes.append(Node(bound, depth, bound))
            self._push(len(self.nodes) - 1, row)
        return tuple(range(first, len(self.nodes)))

    def _push(self, i: int, row: int) -> None:
        self.open[i] = row
        # of equal (infinite) bounds the deepest first, to come to the cause soon
        heapq.heappush(self._heap, (-self.nodes[i].bound, -self.nodes[i].depth, i))

    def _top(self) -> float:
        """Return the largest bound of those that wait."""
        while self._heap and self._heap[0][2] not in self.open:
            heapq.heappop(self._heap)  # claimed since
        return -self._heap[0][0] if self._heap else -np.inf

    def __len__(self) -> int:
        return len(self.open) + len(self.pending)

    @property
    def upper(self) -> float:
        """The certified bound over the whole domain: the largest of any leaf."""
        bounding = max((self.nodes[i].bound for i in self.pending), default=-np.inf)
        return max(self.closed_upper, self._top(), bounding)

    @property
    def bytes(self) -> int:
        """Memory of what waits and of the proofs, about."""
        return self.pool.bytes + self.proof_bytes + 400 * len(self.nodes)

    def pop(self, count: int, target: float) -> list[int]:
        """Return the open regions of largest bound, which are pending from now on.

        Those whose bound does not exceed ``target`` stay: they need not be cut.
        """
        chosen: list[int] = []
        while len(chosen) < count and self._top() > target:
            chosen.append(heapq.heappop(self._heap)[2])
            self.claim(chosen[-1:])
        return chosen

    def claim(self, nodes: Sequence[int]) -> None:
        """Make waiting regions pending."""
        for i in nodes:
            self.pending[i] = self.open.pop(i)

    def regions(self, nodes: Sequence[int]) -> Regions:
        """Return the regions of pending nodes."""
        return self.pool.take([self.pending[i] for i in nodes])

    def put_back(self, nodes: Sequence[int]) -> None:
        """Open pending regions again: nothing was found out about them."""
        for i in nodes:
            self._push(i, self.pending.pop(i))

    # -- what is known ---------------------------------------------------------------

    def apply(self, nodes: Sequence[int], verdicts: Verdicts, target: float) -> None:
        """Enter what a bounder found of pending regions: close them, or cut them."""
        self.pool.free([self.pending.pop(i) for i in nodes])
        for k, i in enumerate(nodes):
            node = self.nodes[i]
            node.own = float(verdicts.upper[k])
            node.bound = min(node.inherited, node.own)
            node.proof, node.steps = verdicts.proofs[k], verdicts.steps[k]
            self.proof_bytes += _size(node.proof) + _size(node.steps)
            if node.bound <= target or verdicts.cut[k] < 0:
                self.closed_upper = max(self.closed_upper, node.bound)
            else:
                self._cut(node, verdicts, k)

    def _cut(self, node: Node, verdicts: Verdicts, k: int) -> None:
        node.cut, node.at = int(verdicts.cut[k]), float(verdicts.at[k])
        node.ends = verdicts.ends[k]
        halves = halved(verdicts, k, node.bound)
        node.children = self._enter(halves, node.depth + 1)

    # -- the proof -------------------------------------------------------------------

    def proof(self, upper: float) -> list[Any]:
        """Return the tree as a list in preorder, for a claimed upper bound.

        A region whose own bound does not exceed the claim is a leaf, cut or not.
        """
        listed: list[Any] = []
        waiting = [0]
        while waiting:
            node = self.nodes[waiting.pop()]
            if node.own <= upper:
                proof = EMPTY if node.own == -np.inf else node.proof
                listed.append({"steps": node.steps, "leaf": proof})
                continue
            entry: dict[str, Any] = {"steps": node.steps}
            if node.ends is not None:
                entry["ends"] = [node.cut, node.ends]
            else:
                entry["cut"] = [node.cut, node.at]
            listed.append(entry)
            waiting.extend(reversed(node.children))
        return listed


def halved(verdicts: Verdicts, k: int, bound: float) -> Regions:
    """Return the two halves of one region, or its two end faces."""
    low, high = verdicts.low[[k, k]], verdicts.high[[k, k]]
    opened = verdicts.open[[k, k]]
    j = verdicts.cut[k]
    if verdicts.ends[k] is not None:
        high[0, j], low[1, j] = low[0, j], high[1, j]
        opened[:, j] = False
    else:
        high[0, j] = low[1, j] = verdicts.at[k]
        opened[1, j] = True
    return Regions(low, high, opened, np.full(2, bound), verdicts.state[[k, k]])


def _size(x: Any) -> int:
    """Return about how much memory nested lists of numbers take."""
    if isinstance(x, dict):
        return 200 + sum(map(_size, x.values()))
    if isinstance(x, (list, tuple)):
        if x and isinstance(x[0], (int, float)):
            return 64 + 32 * len(x)
        return 64 + sum(map(_size, x))
    return 50
