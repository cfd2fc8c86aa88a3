"""What every private trainer does at a step: account, add noise, move the weights."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import DivergedError, InvalidInputError
from deuterium.graph.constructors import symbol
from deuterium.graph.variable import Variable
from deuterium.interval.environment import require_standard, standard_only
from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.directed_rounding import require_positive
from deuterium.privacy.mechanisms.gaussian import gaussian
from deuterium.privacy.mechanisms.samplers import generator
from deuterium.privacy.sensitivity.relations import (
    RELATIONS,
    Relation,
    require_relation,
)
from deuterium.privacy.training.divergence import DivergenceWarning, DivergenceWatch
from deuterium.privacy.training.gradient_sums import GradientSums, Loss, drawn
from deuterium.privacy.training.parameter_noise import (
    NoiseSpread,
    mean_sigma,
    released,
    sigmas_of,
)
from deuterium.privacy.training.saved_training import (
    kept_generator,
    read,
    same_settings,
    taken_up,
    write,
)
from deuterium.privacy.training.training_data import (
    WHO,
    PreparedData,
    StepReport,
    number,
    prepared,
    probability,
    record_shapes,
    require_apart,
    require_count,
    start,
)
from deuterium.privacy.training.training_options import FIRST_STEPS
from deuterium.privacy.training.weight_update import penalty_slopes, updated

__all__ = ["PlannedStep", "PrivateSGD"]


@dataclass(frozen=True)
class PlannedStep:
    """A sum of gradients, and how far one record moves it.

    Attributes
    ----------
    spread : NoiseSpread
        What is certified, and each parameter's share of the noise.
    used : float
        The largest contribution of one record to the sum.
    sums : list of ndarray
        The sum by each parameter, of its shape, without noise.
    """

    spread: NoiseSpread
    used: float
    sums: list[Array]


class PrivateSGD(ABC):
    """Stochastic gradient descent with noise on sums of per-record gradients.

    A trainer says, in `_planned`, what is summed up at a step and how far one record
    can move the sum; everything else is here.  Parameters and attributes are told by
    the trainers.

    Notes
    -----
    A step is accounted for before any noise is drawn, and the weights are changed all
    at once, at its end: whatever stops it in between, nothing is released that was not
    accounted for, and no step is taken by half.
    """

    @standard_only
    def __init__(
        self,
        loss: Loss,
        parameters: Mapping[str, Any],
        domain: Domain,
        *,
        noise_multiplier: float,
        learning_rate: float,
        count: float,
        sampling_probability: float,
        relation: Relation | None,
        momentum: float,
        penalty: Any,
        on_divergence: str,
        insecure_rng: Any,
    ) -> None:
        self.relation = relation = require_relation(WHO, relation)
        self.loss, self.domain = loss, domain
        self.parameters = start(parameters)
        self.learning_rate = require_positive(WHO, "learning_rate", learning_rate)
        self.count = require_positive(WHO, "count", count)
        self.momentum = number("momentum", momentum)
        self.sampling_probability = probability(sampling_probability, relation)
        multiplier = require_positive(WHO, "noise_multiplier", noise_multiplier)
        self.noise = gaussian(
            1.0, noise_multiplier=multiplier, relation=relation, trusted=True
        )
        self.accountant = Accountant(relation)
        self.history: list[StepReport] = []
        self._watch = DivergenceWatch(WHO, on_divergence)
        self._rng = None if insecure_rng is None else generator(WHO, insecure_rng)
        self._weights = {
            n: symbol(n, shape=w.shape) for n, w in self.parameters.items()
        }
        self._shapes = record_shapes(domain)
        require_apart(self._shapes, self._weights)
        self._velocity: list[Array] | None = None
        self._sums = GradientSums(loss, self._shapes, self._weights)
        self._checked = False
        wide = self._penalties()
        self._slopes = penalty_slopes(self._weights, penalty, wide)

    def __copy__(self) -> Self:
        return deepcopy(self)  # with weights and an account of its own

    # -- use -----------------------------------------------------------------------

    def fit(self, data: Mapping[Any, Any], steps: int) -> Self:
        """Take several steps, and return the trainer.

        Parameters
        ----------
        data : mapping or DataFrame
            From every record symbol (or its name) to its values, one leading axis of
            records.  Values outside the domain's box are moved to its faces.
        steps : int
            How many; fewer are taken if training diverges and is to stop.
        """
        rows = self.prepared(data)
        for _ in range(require_count("steps", steps)):
            try:
                self.step(rows)
            except DivergedError as why:
                if self._watch.choice != "stop":
                    raise
                warnings.warn(str(why), DivergenceWarning, stacklevel=2)
                break
        return self

    def step(self, data: Any) -> StepReport:
        """Take one step.

        Parameters
        ----------
        data : mapping or prepared data
            As of `fit`; what `prepared` returned is taken as it is.

        Raises
        ------
        DivergedError
            Training has diverged; nothing was released or accounted for.
        InvalidInputError
            There is no finite bound; likewise.
        """
        require_standard("step")
        rows = data if isinstance(data, PreparedData) else self.prepared(data)
        plan = self._planned(rows)
        self._sums.require_finite(plan.sums)
        require_standard("step")  # before anything is released
        self._account()  # first: nothing is released that was not accounted for
        twice = RELATIONS[self.relation]
        moved = {n: twice * s for n, s in plan.spread.lengths.items()}  # exact
        sigmas = sigmas_of(self.noise.noise_multiplier, moved)
        self._move(self._released(plan.sums, moved, sigmas))
        report = StepReport(
            len(self.history) + 1,
            plan.spread.bound,
            twice * plan.used,
            mean_sigma(sigmas, self.parameters),
            plan.spread.bounds,
            None if plan.spread.bounds is None else sigmas,
        )
        self.history.append(report)
        return report

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon of all steps so far, at a delta."""
        return self.accountant.epsilon_at(delta)

    def prepared(self, data: Mapping[Any, Any]) -> PreparedData:
        """Return data made ready: moved into the domain, and checked."""
        found = prepared(data, self.domain)
        if not self._checked:
            self._sums.require_separate(found.rows, self.parameters)
            self._checked = True
        return found

    def save(self, path: Any) -> None:
        """Put weights, account and history into a file, to go on later.

        Parameters
        ----------
        path : str or Path
            Written at once or not at all; NumPy's ``npz``, with no pickle.

        The file of a `FilteredSGD` holds what each record has spent, which depends on
        the data: keep it as secret as they are.
        """
        arrays = {f"parameter {n}": w for n, w in self.parameters.items()}
        if self._velocity is not None:
            arrays |= {f"velocity {i}": v for i, v in enumerate(self._velocity)}
        meta = {
            "settings": self._settings(),
            "accountant": self.accountant.to_json(),
            "history": [asdict(r) for r in self.history],
            "generator": kept_generator(self._rng),
            "warned": self._watch.warned,
        }
        write(path, {**arrays, **self._own_arrays()}, meta)

    def load(self, path: Any) -> Self:
        """Go on where `save` left off, and return the trainer.

        The trainer has to be made as the saved one was: with the same loss, which no
        file keeps, and the same settings, which are compared.

        Raises
        ------
        InvalidInputError
            The file is none, or of a trainer with other settings; nothing changes.
        """
        arrays, meta = read(path, WHO)
        same_settings(WHO, self._settings(), meta.get("settings"))
        try:
            weights = {
                n: arrays[f"parameter {n}"].reshape(w.shape)
                for n, w in self.parameters.items()
            }
            accountant = Accountant.from_json(meta["accountant"])
            history = [StepReport(**r) for r in meta["history"]]
            state, warned = meta["generator"], bool(meta["warned"])
            taken_up(self._rng, state)
        except (KeyError, TypeError, ValueError) as why:
            raise InvalidInputError(
                f"{WHO}: {path} is no file that a trainer saved ({why})"
            ) from None
        speeds = [arrays.get(f"velocity {i}") for i in range(len(weights))]
        self._take_own_arrays(arrays)
        self.parameters, self.accountant, self.history = weights, accountant, history
        known = [v for v in speeds if v is not None]
        self._velocity = known if len(known) == len(speeds) else None
        self._watch.warned = warned
        return self

    # -- within ---------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """Return what a saved trainer must have in common with this one."""
        return {
            "trainer": type(self).__name__,
            "relation": self.relation,
            "noise_multiplier": self.noise.noise_multiplier,
            "sampling_probability": self.sampling_probability,
            "count": self.count,
            "parameters": {n: list(w.shape) for n, w in self.parameters.items()},
            "records": {n: list(s) for n, s in self._shapes.items()},
        }

    def _own_arrays(self) -> dict[str, Array]:
        """Return arrays that one kind of trainer saves besides."""
        return {}

    def _take_own_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Take them up again."""
        return

    @abstractmethod
    def _planned(self, data: PreparedData) -> PlannedStep:
        """Return a step's sum, and how far one record moves it."""

    def _penalties(self) -> list[Variable]:
        """Return scalars of the weights that are added to the mean loss."""
        return []

    def _account(self) -> None:
        q = self.sampling_probability
        self.accountant.compose(self.noise, sampling_probability=q)

    def _watched(self, used: float) -> None:
        """Look whether a step that needs so much noise is of any use."""
        twice = RELATIONS[self.relation]
        before = [r.sensitivity / twice for r in self.history[:FIRST_STEPS]]
        self._watch.look(used, before, len(self.history), self.parameters)

    def _taken(self, count: int) -> Array:
        """Return which records take part: (taken,)."""
        if self.sampling_probability < 1:
            return np.flatnonzero(self._drawn(count))
        return np.arange(count)

    def _drawn(self, count: int) -> Array:
        return drawn(count, self.sampling_probability, self._rng)

    def _released(self, sums: list[Array], moved: Any, sigmas: Any) -> list[Array]:
        return released(self.noise, sums, sigmas, self._rng)

    def _move(self, noisy: list[Array]) -> None:
        """Take the step: all weights at once, or none."""
        steps = [g / self.count for g in noisy]
        if self._slopes is not None:
            extra = self._slopes(*self.parameters.values())
            steps = [s + e for s, e in zip(steps, extra, strict=True)]
        self.parameters, self._velocity = updated(
            self.parameters,
            steps,
            self._velocity,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
        )
