"""The objective with labels put in as numbers, made on first use.

What a proof says of a region in which every label has one value, it says of the graph
with these values put in, simplified over the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from deuterium.certify.checker.ball_program import atoms_of
from deuterium.certify.checker.convex_symbols import is_convex_in
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.enclosure_leaf import GivenGraph
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.errors import CertificateError
from deuterium.graph.substitute import substitute
from deuterium.graph.traverse import Graph
from deuterium.graph.variable import Variable
from deuterium.transform.pipeline import objective_of

KEPT = 256  # forms of labels' values at a time

Compare = Callable[[Variable, dict[str, list[float]]], None]


class LabelForms:
    """The objective, and what it becomes where all labels are fixed.

    Parameters
    ----------
    objective : Variable
    inputs : ProofInputs
    labels : sequence of str
        Names of symbols.
    told : sequence of mapping
        What the certificate says of the objective (values: none), and of it with the
        labels' values put in.
    compare : callable
        Refuses a graph that is not the objective where labels have given values.
    given : GivenGraph, optional
        The graph as given.
    """

    def __init__(
        self,
        objective: Variable,
        inputs: ProofInputs,
        labels: Sequence[str],
        told: Sequence[Mapping[str, Any]],
        compare: Compare,
        given: GivenGraph | None = None,
    ) -> None:
        self.given = given
        self._told = {tuple(map(float, t["values"])): t for t in told}
        self._has_labels = bool(labels)
        self.general = self._forms(objective, inputs, ())
        self.finite = self.general.finite  # at once: nothing false may be told
        self._compare = compare
        self._labels = [s for s in inputs.symbols if s.name in set(labels)]
        if len(self._labels) != len(labels):
            raise CertificateError(f"labels must be symbols, got {labels!r:.100}")
        self._at = [
            inputs.starts[s.name] + i for s in self._labels for i in range(s.size)
        ]
        self._special = lru_cache(maxsize=KEPT)(self._made)
        self._convex: dict[str, bool] = {}

    def at(self, region: Region) -> DerivativeForms:
        """Return the forms that a proof speaks of in a region."""
        values = self._values(region)
        forms = self._special(values) if values else self.general
        if region.values != values:
            # the coordinates behind the inputs are others from here on
            region.renew(self.general.size, len(forms.atoms))
            region.values = values
            if forms.finite is not None and values:
                forms.finite.require_unmoved(region)
        return forms

    def _values(self, region: Region) -> tuple[float, ...]:
        """Return the labels' values, if each of them has one in a region."""
        low, high = region.low, region.high
        if all(low[j] is high[j] or low[j] == high[j] for j in self._at):
            return tuple([float(low[j]) for j in self._at])
        return ()

    def _forms(
        self, graph: Variable, inputs: ProofInputs, values: tuple[float, ...]
    ) -> DerivativeForms:
        told = self._told.get(values, {"atoms": [], "facts": {}})
        if "finite" in told["facts"] and self._has_labels and not values:
            raise CertificateError("values that matter are told before the labels'")
        return DerivativeForms(
            graph, inputs, atoms_of(told["atoms"], graph), told["facts"]
        )

    def _made(self, values: tuple[float, ...]) -> DerivativeForms:
        given: dict[str, list[float]] = {}
        start = 0
        for s in self._labels:
            given[s.name] = list(values[start : start + s.size])
            start += s.size
        arrays = {s.name: np.reshape(given[s.name], s.shape) for s in self._labels}
        general = self.general
        inputs = general.inputs
        graph = objective_of(
            Graph([substitute(general.objective, arrays)]), inputs.domain
        )
        self._compare(graph, given)
        return self._forms(graph, inputs, values)

    def require_convex(self, j: int) -> None:
        """Raise NoBound unless the objective is convex in the symbol of an input."""
        inputs = self.general.inputs
        s = next(s for s in inputs.symbols if 0 <= j - inputs.starts[s.name] < s.size)
        if s.name not in self._convex:
            self._convex[s.name] = is_convex_in(self.general.objective, s.name)
        if not self._convex[s.name]:
            raise NoBound(f"the objective is not proved convex in {s.name!r}")
