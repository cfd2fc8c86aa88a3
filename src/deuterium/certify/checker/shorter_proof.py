"""A proof made shorter: the checker itself says what it can do without.

From the leaves up, a node whose two parts are closed by one leaf each becomes a leaf
where one of these, or less, closes it as a whole; a leaf loses its steps and numbers as
far as it still closes.  Whatever comes out is a proof, as every change was checked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flint import ctx

from deuterium.certify.checker.ball_functions import Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.label_forms import LabelForms
from deuterium.certify.checker.proof_region import Mark, Region
from deuterium.certify.checker.tree_walk import UNREADABLE, Child, Node, visit
from deuterium.certify.checker.verify import BITS, checking, stated
from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError
from deuterium.graph.variable import Variable

DIGITS = (7, 4, 2)  # significant ones of multipliers, that are tried in turn
Change = Callable[[Node], Node]  # of a leaf: what becomes of some fields

EMPTY: Node = {"leaf": ["empty", {}]}
PLAIN: Node = {"leaf": ["interval", {}]}


@dataclass
class _Frame:
    """A node on the way down: how to get to its region, and its parts so far."""

    enter: Child | None  # None: there is no point
    base: Mark
    node: Node = field(default_factory=dict)
    mark: Mark = (0, ())
    after: Mark = (0, ())
    children: list[Child | None] | None = None
    done: list[list[Node]] = field(default_factory=list)


class ShorterProof:
    """One proof, gone through once.

    Parameters
    ----------
    family : LabelForms
    region : Region
        The root.
    nodes : sequence of dict
        The tree in preorder; a right proof.
    claim : arb
    time_limit : float or None
        Seconds, after which the rest is left as it is; so it is after Ctrl-C.
    """

    def __init__(
        self,
        family: LabelForms,
        region: Region,
        nodes: Sequence[Node],
        claim: Ball,
        time_limit: float | None,
    ) -> None:
        self.family, self.region, self.claim = family, region, claim
        self.nodes = nodes
        self.end = None if time_limit is None else time.perf_counter() + time_limit
        self.place = 0
        self.frames = [_Frame(lambda region: None, region.mark())]
        self.work = family.general.inputs.work
        self.work.grant(10**12)  # what comes out is checked again

    def made(self) -> list[Node]:
        """Return the nodes of the shorter proof, in preorder."""
        found: list[Node] = []
        try:
            while self.frames:
                if self.end is not None and time.perf_counter() > self.end:
                    return self._so_far()
                found = self._step()
        except KeyboardInterrupt:
            return self._so_far()
        return found

    def _so_far(self) -> list[Node]:
        """Return what is done, and the rest as it was."""
        begun = [f for f in self.frames if f.children is not None]
        made = [node for f in begun for part in ([f.node], *f.done) for node in part]
        return [*made, *self.nodes[self.place :]]

    def _step(self) -> list[Node]:
        frame = self.frames[-1]
        if frame.children is None:
            self._enter(frame)
            return []
        if len(frame.done) < len(frame.children):
            child = frame.children[len(frame.done)]
            self.frames.append(_Frame(child, frame.after))
            return []
        found = self._shortened(frame)
        self.frames.pop()
        if self.frames:
            self.frames[-1].done.append(found)
        return found

    def _enter(self, frame: _Frame) -> None:
        node, region = self.nodes[self.place], None
        if frame.enter is not None:
            region = self.region
            region.back(frame.base)
            frame.enter(region)
            frame.mark = region.mark()
        children = visit(self.family, region, node, self.claim)
        frame.after = self.region.mark()
        frame.node, frame.children = node, children
        self.place += 1

    def _shortened(self, frame: _Frame) -> list[Node]:
        """Return the nodes that take the place of one and all below it."""
        if frame.enter is None:
            return [EMPTY]
        node = frame.node
        if not frame.done:
            return [self._lighter(frame, node)]
        for leaf in _leaves_for(node, frame.done):
            if self._closes(frame, leaf):
                return [self._lighter(frame, leaf)]
        return [node, *frame.done[0], *frame.done[1]]

    def _lighter(self, frame: _Frame, leaf: Node) -> Node:
        """Return a leaf with as little as closes its region."""
        for plain in (EMPTY, PLAIN):
            if leaf["leaf"][0] in (plain["leaf"][0], "empty"):
                break
            if self._closes(frame, plain):
                return plain
        leaf = {"steps": [*leaf.get("steps", ())], "leaf": leaf["leaf"]}
        least = self._cost(frame, leaf)
        for change in (*_without_steps(leaf["steps"]), *_lighter_data(*leaf["leaf"])):
            less = {**leaf, **change(leaf)}
            cost = self._cost(frame, less)
            if cost is not None and least is not None and cost <= least:
                leaf, least = less, cost
        return leaf if leaf["steps"] else {"leaf": leaf["leaf"]}

    def _closes(self, frame: _Frame, leaf: Node) -> bool:
        return self._cost(frame, leaf) is not None

    def _cost(self, frame: _Frame, leaf: Node) -> int | None:
        """Return how many cells are halved for a leaf, None if it does not close."""
        self.region.back(frame.mark)
        before = self.work.spent
        try:
            visit(self.family, self.region, leaf, self.claim)
        except (NoBound, CertificateError, *UNREADABLE):
            return None
        return self.work.spent - before


def shorter(
    body: Mapping[str, Any],
    v: Variable,
    domain: Domain,
    conditions: Sequence[Variable] = (),
    *,
    time_limit: float | None = None,
) -> list[Node]:
    """Return the nodes of a shorter proof of what a certificate claims."""
    with checking(), ctx.workprec(BITS):
        about = stated(body, v, domain, conditions)
        proof = about.family, about.root, body["proof"], about.claim
        return ShorterProof(*proof, time_limit).made()


def _leaves_for(node: Node, done: Sequence[Sequence[Node]]) -> Iterator[Node]:
    """Give the leaves that may do for a node with two parts."""
    steps = [*node.get("steps", ())]
    yield {"steps": steps, **EMPTY}
    yield {"steps": steps, **PLAIN}
    parts = [part[0] for part in done if len(part) == 1]
    for part in parts:
        if part["leaf"] not in (EMPTY["leaf"], PLAIN["leaf"]) or part.get("steps"):
            yield {"steps": [*steps, *part.get("steps", ())], "leaf": part["leaf"]}


def _without_steps(steps: Sequence[Any]) -> Iterator[Change]:
    """Give changes of a leaf that leave out a step each, the last one first."""

    def change(step: Any, leaf: Node) -> Node:
        return {"steps": [s for s in leaf["steps"] if s is not step]}

    return (partial(change, step) for step in reversed(steps))


def _lighter_data(method: str, data: Any) -> Iterator[Change]:
    """Give changes of a leaf that leave out some of its numbers."""

    def change(become: Callable[[Any], Any], leaf: Node) -> Node:
        return {"leaf": [method, leaf["leaf"][1] | become(leaf["leaf"][1])]}

    def far(leaf: Node) -> Node:
        kept = {k: x for k, x in leaf["leaf"][1].items() if k != "around"}
        return {"leaf": [method, kept]}

    if "around" in data:
        yield far
    if method != "clusters" or "p" not in data:
        return
    for key in ("energies", "corners"):
        for i in [i for i, given in enumerate(data[key]) if given is not None]:
            yield partial(change, partial(_without, key, i))
    for digits in DIGITS:
        yield partial(change, partial(_rounded, digits))


def _without(key: str, i: int, data: Any) -> dict[str, Any]:
    return {key: [*data[key][:i], None, *data[key][i + 1 :]]}


def _rounded(digits: int, data: Any) -> dict[str, Any]:
    return {"p": [float(f"{x:.{digits - 1}e}") for x in data["p"]]}
