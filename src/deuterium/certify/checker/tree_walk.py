"""Walk down the proof tree: every region accounted for, every leaf bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from deuterium.certify.checker import domain_reduction, leaf_rules
from deuterium.certify.checker.ball_functions import Ball
from deuterium.certify.checker.exact_data import finite
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.label_forms import LabelForms
from deuterium.certify.checker.proof_region import Mark, Region
from deuterium.errors import CertificateError

UNREADABLE = (
    KeyError, TypeError, IndexError, ValueError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip

Node = dict[str, Any]
Child = Callable[[Region], None]


def walk(family: LabelForms, region: Region, nodes: Sequence[Node], claim: Ball) -> int:
    """Check a tree in preorder against a claimed bound; return how many leaves it has.

    Raises
    ------
    CertificateError
        A region is not accounted for, or something does not hold.
    """
    # how to get there, from what the region was; None: no point, so all is proved
    waiting: list[tuple[Mark, Child] | None] = [(region.mark(), lambda region: None)]
    count = 0
    for i, node in enumerate(nodes):
        if not waiting:
            raise CertificateError(
                f"the proof goes on after its tree has ended, at node {i}"
            )
        place = waiting.pop()
        try:
            if place is not None:
                mark, enter = place
                region.back(mark)
                enter(region)
            children = visit(family, region if place else None, node, claim)
        except CertificateError:
            raise
        except NoBound as reason:
            raise CertificateError(f"node {i} ({_kind(node)}): {reason}") from None
        except UNREADABLE as error:
            raise CertificateError(f"node {i} cannot be read: {error!r:.200}") from None
        mark = region.mark()
        waiting += [child and (mark, child) for child in children[::-1]]
        count += not children
    if waiting:
        raise CertificateError(
            f"the regions do not cover the domain: the tree ends with {len(waiting)} "
            "of them unaccounted for"
        )
    return count


def _kind(node: Node) -> str:
    if "leaf" in node:
        return f"leaf, {node['leaf'][0]!r:.40}"
    return "ends" if "ends" in node else "cut"


def visit(
    family: LabelForms, region: Region | None, node: Node, claim: Ball
) -> list[Child | None]:
    """Check one node and return how to get from its region to its children's."""
    if region is not None:
        try:
            family.at(region)  # so that its coordinates are those of this node
            for step in node.get("steps", ()):
                domain_reduction.take(family.at(region), region, step)
            family.at(region)  # and those of the labels that steps left
        except NoPoint:
            region = None
    if "leaf" in node:
        if region is not None:
            method, data = node["leaf"]
            _close(family, region, method, data, claim)
        return []
    if "ends" in node:
        j, (method, data) = node["ends"]
        if region is None:
            return [None, None]
        if method == "convex label":
            domain_reduction.require_movable(family.general, j)
            family.require_convex(j)
        else:
            domain_reduction.ends(family.at(region), region, j, method)
        if not (region.low[j].is_finite() and region.high[j].is_finite()):
            raise NoBound("a face at infinity")
        return [partial(_to_face, family, j, side) for side in (0, 1)]
    j, at = node["cut"]
    if region is None:
        return [None, None]
    if type(j) is not int or not 0 <= j < len(region.low):
        raise NoBound(f"there is no coordinate {j!r:.40}")
    point = finite(at)
    return [lambda r: r.below(j, point), lambda r: r.above(j, point)]


def _to_face(family: LabelForms, j: int, side: int, region: Region) -> None:
    region.move(j, side)
    family.at(region).release(region, [j])


def _close(
    family: LabelForms, region: Region, method: str, data: dict[str, Any], claim: Ball
) -> None:
    if method == "enclosure" and family.given is not None:
        bound = family.given.bound(region, data["labels"], claim)
    else:
        bound = leaf_rules.bound(family.at(region), region, method, data, claim)
    if not bound <= claim:
        over = (
            (bound - claim).str(5, radius=False) if bound.is_finite() else "infinitely"
        )
        raise NoBound(
            f"its bound {bound.str(17, radius=False)} is above the claim "
            f"{claim.str(17, radius=False)}, by {over}"
        )
