"""An accountant in files and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.graph.saved import KINDS, Saved
from deuterium.notebook import Shown
from deuterium.privacy.accounting.renyi import divergences
from deuterium.privacy.accounting.tally import Tally
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.mechanisms.privacy_curves import one_by_one, require_orders
from deuterium.privacy.sensitivity.relations import Relation, protected

__all__ = ["SavedAccount"]


class SavedAccount(Saved, Shown):
    """Base class of `Accountant`: curves, files and notebooks."""

    relation: Relation
    scope: str | None
    group: int
    method: str
    budget: Any
    _tally: Tally
    delta_at: Callable[[float], float]

    def __repr__(self) -> str:
        scope = "" if self.scope is None else f" while {self.scope}"
        scope += "" if self.group == 1 else f", groups of {self.group}"
        count = sum(self._tally.counts.values())
        return f"<Accountant, {self.relation}{scope}: {count} releases>"

    def profile(self, epsilons: Sequence[float]) -> Any:
        """Return the privacy profile: the delta of every epsilon."""
        each = one_by_one("profile", "epsilons", epsilons)
        return np.array([self.delta_at(e) for e in each])

    def rdp(self, orders: Sequence[float]) -> Any:
        """Return the Renyi divergence at orders above 1."""
        return divergences(self._tally.counts, np.ravel(require_orders(orders)))

    def _stored(self) -> Mapping[str, Any]:
        spent = self._tally.counts.items()
        budget = self.budget
        return {
            "relation": self.relation,
            "epsilon": budget and budget.epsilon,
            "delta": budget and budget.delta,
            "scope": self.scope,
            "group": self.group,
            "method": self.method,
            "releases": [[law.__name__, m, q, n] for (law, m, q), n in spent],
        }

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Self:
        """Return an accountant that has spent as much, also if past its budget."""
        made = cls(**{k: x for k, x in given.items() if k != "releases"})
        for name, m, q, count in given["releases"]:
            law = KINDS[name]
            if not issubclass(law, Noise) or type(count) is not int or count < 1:
                raise InvalidInputError(f"Accountant.load: no release is {name!r:.40}")
            law.unit(m)  # raises where that is no noise multiplier
            if not 0 < q <= 1:
                raise InvalidInputError(f"Accountant.load: {q!r:.40} is no probability")
            made._tally.add(law, m, float(q), count)
        return made

    def _facts(self) -> Iterator[tuple[str, Any]]:
        yield "protects", protected(self.relation, self.scope, self.group)
        if self.budget is not None:
            yield "budget", self.budget
        yield "method", self.method
        for (law, m, q), n in self._tally.counts.items():
            sampled = "" if q == 1 else f", each record taking part with chance {q:g}"
            yield f"{n} times", f"{law.law} noise, noise multiplier {m:g}{sampled}"
