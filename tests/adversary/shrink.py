"""Smaller cases that fail in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import deuterium as dt
from deuterium.graph.constructors import apply

from . import checks
from .case import Case

TRIES, SECONDS = 400, 60.0


def smallest(
    check: Callable[..., Any], case: Case, kind: str, run: Callable[..., Any]
) -> Case:
    """Return a case that fails in the same way and cannot be made smaller."""
    tries, start = TRIES, time.monotonic()

    def fails(c: Case) -> bool:
        try:
            return any(f.kind == kind for f in run(check, c))
        except Exception:
            return False

    shrunk = True
    while shrunk and tries > 0:
        shrunk = False
        for smaller in _candidates(case, check in checks.NUMBERS.values()):
            tries -= 1
            if tries <= 0 or time.monotonic() - start > SECONDS:
                return case
            if _size(smaller) < _size(case) and fails(smaller):
                case, shrunk = smaller, True
                break
    return case


def _size(case: Case) -> tuple[Any, ...]:
    order = dt.graph.topological([case.v])
    width = sum(
        np.size(r.lower) + 2 * int(np.sum(np.asarray(r.lower) != np.asarray(r.upper)))
        for r in case.regions.values()
        if r.kind == "box"
    )
    others = 5 * len(case.conditions) + 5 * sum(
        r.kind != "box" for r in case.regions.values()
    )
    digits = sum(len(repr(n.value)) for n in order if n.is_constant)
    return (
        len(order), sum(n.size for n in order), len(case.regions), case.batch,
        width + others, digits,
    )  # fmt: skip


def _candidates(case: Case, scalar: bool) -> Iterator[Case]:
    order = dt.graph.topological([case.v])
    if case.conditions:
        yield replace(case, conditions=case.conditions[1:], _values={})
    for node in order[:-1]:  # what lies below, instead of all
        if node.op is not None and (not scalar or not node.shape):
            yield case.of(node)
        elif node.op is not None and scalar and node.size:
            yield case.of(np.sum(node))
    for node in order:  # one node replaced by its argument, or by a number
        if node.op is None:
            continue
        for argument in node.args:
            if argument.shape == node.shape:
                yield from _without(case, order, node, argument)
        for number in (0.0, 1.0):
            yield from _without(case, order, node, _full(node, number))
    for node in order:
        if node.is_constant and np.size(node.value) and not _is_plain(node.value):
            for number in (0.0, 1.0):
                yield from _without(case, order, node, _full(node, number))
    if case.batch:
        boxes = {
            n: replace(
                r, lower=_first(r.lower, r, case), upper=_first(r.upper, r, case)
            )
            if r.kind == "box"
            else r
            for n, r in case.regions.items()
        }
        yield replace(case, batch=(), regions=boxes, _values={})
    for name, r in case.regions.items():
        if r.kind == "box" and not case.batch:
            for low, high in ((r.lower, r.lower), (r.upper, r.upper)):
                if np.isfinite(low).all() and np.any(r.lower != r.upper):
                    new = replace(r, lower=low, upper=high)
                    yield replace(case, regions={**case.regions, name: new}, _values={})


def _first(end: Any, region: Any, case: Case) -> Any:
    whole = np.broadcast_to(end, (*case.batch, *region.shape))
    return whole.reshape(-1, *region.shape)[0]


def _is_plain(value: Any) -> bool:
    return bool(np.all(np.isin(np.asarray(value, dtype=float), (0.0, 1.0))))


def _full(node: Any, number: float) -> Any:
    return dt.constant(np.full(node.shape, number) if node.shape else number)


def _without(case: Case, order: Any, node: Any, other: Any) -> Iterator[Case]:
    """Yield the case with a node replaced, if the graph can be made again."""
    new = {}
    for n in order:
        if n is node:
            new[n] = other
        elif n.op is None:
            new[n] = n
        else:
            try:
                new[n] = apply(n.op, [new[a] for a in n.args], dict(n.attrs))
            except Exception:
                return
    if new[order[-1]].shape == case.v.shape:
        yield case.of(new[order[-1]])
