"""Leaves by norms: one pass, or one for each corner of a simplex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deuterium import ops
from deuterium.certify.checker.ball_functions import ONE, ZERO, Ball, larger
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exact_data import finite
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.array_knowledge import (
    ArrayKnowledge,
    exactly,
)
from deuterium.certify.checker.norm_bounds.ball_vectors import vector
from deuterium.certify.checker.norm_bounds.norm_graph import (
    NormGraph,
    graph_of,
    place_of,
)
from deuterium.certify.checker.norm_bounds.norm_pass import NormPass
from deuterium.certify.checker.proof_region import Region
from deuterium.graph.variable import Variable

Data = Mapping[str, Any]


def norms(forms: DerivativeForms, region: Region, data: Data) -> Ball:
    """Bound the objective by lengths of whole arrays."""
    graph = graph_of(forms)
    claims, chains = data.get("sigma", {}), data.get("chains", {})
    sweep = NormPass(graph, region, claims, data.get("nodes", {}), chains)
    if "simplex" not in data:
        return _result(sweep.run())
    simplex = _simplex(data["simplex"], graph)
    above = graph.above(simplex)
    sweep.meet(v for v in graph.order if v is simplex or v not in above)
    shares = sweep.values.pop(simplex)
    each = data["each"]
    if not isinstance(each, list) or len(each) != simplex.size:
        raise NoBound(f"choices for each of {simplex.size} corners are wanted")
    bounds = []
    for k, choices in enumerate(each):
        corner = NormPass(graph, region, claims, choices, chains)
        given = sweep.values | {simplex: _corner(simplex.size, k)}
        bounds.append(_result(corner.run(given)))
    return _together(bounds, shares, finite(data["mean"]))


def _result(value: ArrayKnowledge) -> Ball:
    if len(value.high) != 1:
        raise NoBound("the objective is not a number")
    if not (value.low[0].is_finite() and value.high[0].is_finite()):
        raise NoBound("the bound by norms is not finite")
    return value.high[0]


def _simplex(place: Any, graph: NormGraph) -> Variable:
    node = place_of(place, graph)
    if node.op is not ops.softmax_last or node.size != node.shape[-1]:
        raise NoBound(f"node {place} is not a softmax of one row")
    if not graph.is_convex_in(node):
        raise NoBound(f"the objective is not proved convex in node {place}")
    return node


def _corner(size: int, k: int) -> ArrayKnowledge:
    return exactly(vector([ONE if i == k else ZERO for i in range(size)]))


def _together(bounds: Sequence[Ball], shares: ArrayKnowledge, mean: Ball) -> Ball:
    """Return a bound of ``sum p_k F_k``, for shares p that sum to 1."""
    bound = mean
    for f, p, q in zip(bounds, shares.low, shares.high, strict=True):
        over = f - mean
        bound = bound + larger(p * over, q * over)
    return bound
