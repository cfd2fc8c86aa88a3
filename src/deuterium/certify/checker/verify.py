"""The whole check of a certificate: what is claimed, of what, and the proof."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx

from deuterium.certify.checker import proof_objective
from deuterium.certify.checker.ball_functions import INFINITY, Ball
from deuterium.certify.checker.condition_steps import Conditions
from deuterium.certify.checker.enclosure_leaf import GivenGraph
from deuterium.certify.checker.exact_data import end
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.label_forms import LabelForms
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.tree_walk import UNREADABLE, walk
from deuterium.domain.conditions import LOWEST
from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError, DeuteriumError
from deuterium.graph.serialize import dumps
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable

BITS = 96  # of working precision: a double has 53


@dataclass(frozen=True)
class Report:
    """What was checked.

    Attributes
    ----------
    leaves : int
        Regions whose bounds were worked out again.
    nodes : int
        Nodes of the proof tree.
    seconds : float
        Time taken.
    bits : int
        Working precision.
    """

    leaves: int
    nodes: int
    seconds: float
    bits: int = BITS


def verify(
    body: Mapping[str, Any],
    v: Variable,
    domain: Domain,
    conditions: Sequence[Variable] = (),
) -> Report:
    """Check the contents of a certificate; raise CertificateError where one fails.

    Where one of ``conditions`` does not hold, ``v`` is the worst number there is (or
    has no value).
    """
    start = time.perf_counter()
    with checking(), ctx.workprec(BITS):
        about = stated(body, v, domain, conditions)
        count = walk(about.family, about.root, body["proof"], about.claim)
    return Report(count, len(body["proof"]), time.perf_counter() - start)


@contextmanager
def checking() -> Iterator[None]:
    """Have everything that goes wrong be a CertificateError."""
    try:
        yield
    except CertificateError:
        raise
    except (NoBound, DeuteriumError, MemoryError, *UNREADABLE) as error:
        raise CertificateError(f"the proof cannot be checked: {error!r:.300}") from None


@dataclass(frozen=True)
class Stated:
    """What a proof is about, and all of its claim but the tree, checked.

    Attributes
    ----------
    family : LabelForms
        The objective.
    root : Region
        The whole domain.
    claim : arb
        What the objective is at most.
    """

    family: LabelForms
    root: Region
    claim: Ball


def stated(
    body: Mapping[str, Any],
    v: Variable,
    domain: Domain,
    conditions: Sequence[Variable],
) -> Stated:
    """Check everything but the tree, in the precision that is set."""
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    inputs = ProofInputs(symbols, domain)
    maximizes = body["sense"] == "maximize"
    objective = proof_objective.derived(v, inputs, maximizes)
    _same_objective(body, objective)
    seed = int(body["graph"][:8], 16)
    compare = proof_objective.Comparison(v, inputs, maximizes, seed)
    compare(objective)
    graphs = [v, objective if maximizes else -objective]
    _witness(body, graphs, inputs, maximizes)
    given = GivenGraph(v, objective, inputs, maximizes)
    told = body["labels"], body["forms"]
    family = LabelForms(objective, inputs, *told, compare, given)
    claim = end(body["upper" if maximizes else "lower"])
    if conditions and (claim if maximizes else -claim) >= arb(LOWEST):
        inputs.conditions = Conditions(conditions, inputs.starts, inputs.size)
    root = _root(body["root"], inputs, len(family.general.atoms))
    return Stated(family, root, claim if maximizes else -claim)


def _same_objective(body: Mapping[str, Any], objective: Variable) -> None:
    found = hashlib.sha256(dumps([objective]).encode()).hexdigest()
    if found != body["objective"]:
        raise CertificateError(
            "the proof speaks of another objective than simplification gives here; it "
            f"was made by deuterium {body['deuterium']!r:.40}"
        )


def _root(claimed: Any, inputs: ProofInputs, atoms: int) -> Region:
    """Return the region that the proof starts from; it must hold the whole domain."""
    try:
        low = [end(x) for x in claimed["lower"]]
        high = [end(x) for x in claimed["upper"]]
    except (NoBound, *UNREADABLE) as error:
        raise CertificateError(f"the root cannot be read: {error!r:.100}") from None
    if not len(low) == len(high) == inputs.size:
        raise CertificateError(f"the root must have {inputs.size} inputs")
    for j in range(inputs.size):
        if not (low[j] <= inputs.least[j] and high[j] >= inputs.most[j]):
            raise CertificateError(
                "the regions do not cover the domain: the root leaves out values of "
                f"input {j}"
            )
        if not (low[j] >= inputs.box[j][0] and high[j] <= inputs.box[j][1]):
            raise CertificateError(f"the root leaves the domain in input {j}")
    k = inputs.size + atoms
    low, high = low + [-INFINITY] * atoms, high + [INFINITY] * atoms
    return Region(low, high, [False] * k)


def _witness(
    body: Mapping[str, Any],
    graphs: list[Variable],
    inputs: ProofInputs,
    maximizes: bool,
) -> None:
    """Refuse a witness that is not in the domain, or does not reach what is claimed."""
    reached = end(body["lower" if maximizes else "upper"])
    if not reached.is_finite() and bool(reached < 0) == maximizes:
        return  # nothing is claimed to be reached
    witness = body["witness"]
    reason = inputs.contains(witness)
    if not reason:
        found = {s: np.shape(witness[s.name]) for s in inputs.symbols if s.size}
        bad = [s.name for s, shape in found.items() if shape != s.shape]
        reason = f"{bad} have other shapes" if bad else ""
    if reason:
        raise CertificateError(f"the witness is not a point of the domain: {reason}")
    value = None
    for low, high in proof_objective.ranges_at(
        graphs, inputs, inputs.row(body["witness"])
    ):
        value = low if maximizes else high
        if value >= reached if maximizes else value <= reached:
            return
    if value is None:
        raise CertificateError("the graph is not defined at the witness")
    raise CertificateError(
        f"the witness does not reach {reached.str(17, radius=False)}: the value there "
        f"is {value.str(17, radius=False)}"
    )
