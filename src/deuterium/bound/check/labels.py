"""Labels put in as numbers: the objective where some symbols have fixed values.

What a proof says of a region in which every label has one value, it says of the graph
with these values put in, simplified over the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.bound.check.convexity import is_convex_in
from deuterium.bound.check.enclosure import Given
from deuterium.bound.check.forms import Forms
from deuterium.bound.check.inputs import Inputs
from deuterium.bound.check.reasons import NoBound
from deuterium.bound.check.region import Region
from deuterium.bound.check.tape import atoms_of
from deuterium.errors import CertificateError
from deuterium.graph.substitute import substitute
from deuterium.graph.variable import Variable
from deuterium.transform.simplify import simplify

Compare = Callable[[Variable, dict[str, list[float]]], None]


class Family:
    """The objective, and what it becomes where all labels are fixed.

    Parameters
    ----------
    objective : Variable
    inputs : Inputs
    labels : sequence of str
        Names of symbols.
    told : sequence of mapping
        What the certificate says of the objective (values: none), and of it with the
        labels' values put in.
    compare : callable
        Refuses a graph that is not the objective where labels have given values.
    given : Given, optional
        The graph as given.
    """

    def __init__(
        self,
        objective: Variable,
        inputs: Inputs,
        labels: Sequence[str],
        told: Sequence[Mapping[str, Any]],
        compare: Compare,
        given: Given | None = None,
    ) -> None:
        self.given = given
        self._told = {tuple(map(float, t["values"])): t for t in told}
        self.coordinates = inputs.size + max([len(t["atoms"]) for t in told], default=0)
        self.general = self._forms(objective, inputs, ())
        self._compare = compare
        self._labels = [s for s in inputs.symbols if s.name in set(labels)]
        if len(self._labels) != len(labels):
            raise CertificateError(f"labels must be symbols, got {labels!r:.100}")
        self._at = [
            inputs.starts[s.name] + i for s in self._labels for i in range(s.size)
        ]
        self._special: dict[tuple[float, ...], Forms] = {}
        self._convex: dict[str, bool] = {}

    def at(self, region: Region) -> Forms:
        """Return the forms that a proof speaks of in a region."""
        forms = self._found(region)
        if region.forms is not forms:
            # the coordinates behind the inputs are others from here on
            region.forget(self.general.size)
            region.forms = forms
        return forms

    def _found(self, region: Region) -> Forms:
        low, high = region.low, region.high
        for j in self._at:
            if low[j] is not high[j] and low[j] != high[j]:
                return self.general
        if not self._at:
            return self.general
        values = tuple([float(low[j]) for j in self._at])
        if values not in self._special:
            self._special[values] = self._made(values)
        return self._special[values]

    def _forms(
        self, graph: Variable, inputs: Inputs, values: tuple[float, ...]
    ) -> Forms:
        told = self._told.get(values, {"atoms": [], "facts": {}})
        return Forms(graph, inputs, atoms_of(told["atoms"], graph), told["facts"])

    def _made(self, values: tuple[float, ...]) -> Forms:
        given: dict[str, list[float]] = {}
        start = 0
        for s in self._labels:
            given[s.name] = list(values[start : start + s.size])
            start += s.size
        arrays = {s.name: np.reshape(given[s.name], s.shape) for s in self._labels}
        general = self.general
        inputs = general.inputs
        graph = simplify(substitute(general.objective, arrays), inputs.domain)
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
