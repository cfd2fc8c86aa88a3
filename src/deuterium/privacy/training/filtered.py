"""Private training in which everybody has a budget of their own, spent as needed.

References: V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi filter",
NeurIPS 2021 (arXiv 2008.11193); A. Koskela, M. Tobaben and A. Honkela, "Individual
privacy accounting with Gaussian differential privacy", ICLR 2023 (arXiv 2209.15596),
theorem 3: adaptive Gaussian steps the sum of whose squared mu never exceeds mu**2 are
mu-Gaussian differentially private.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import BudgetError, InvalidInputError
from deuterium.options import require_whole
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.privacy.directed_rounding import require_positive
from deuterium.privacy.mechanisms.calibration import require_promise
from deuterium.privacy.mechanisms.privacy_curves import gaussian_multiplier
from deuterium.privacy.sensitivity.relations import Relation, require_relation
from deuterium.privacy.training.gradient_sums import Loss
from deuterium.privacy.training.normalized import shortened
from deuterium.privacy.training.parameter_noise import spread_evenly
from deuterium.privacy.training.private_sgd import PlannedStep, PrivateSGD
from deuterium.privacy.training.secret_values import SecretValues
from deuterium.privacy.training.training_data import PreparedData, StepReport
from deuterium.privacy.training.training_options import BUDGET_KEPT

__all__ = ["FilteredSGD", "StepReport"]

WHO = "FilteredSGD"
CONDITIONS = (
    "Noise is Gaussian, of one scale that was fixed beforehand, and drawn afresh at "
    "every step.",
    "What a record may add to a step follows from what it added before and from what "
    "was released, ahead of the step's noise, and from no other record.",
    "Of every record the squared lengths of what it adds, over the noise's variance, "
    "sum up to the squared mu of the budget at most (under replace_one to a quarter of "
    "it, as two records add up), whatever its gradients are.",
    "All steps had the same records, in the same order.",
)


class FilteredSGD(PrivateSGD):
    """Stochastic gradient descent in which unspent budgets roll over.

    Noise has a fixed scale.  What a step reveals of one person is the length of that
    person's gradient over the scale, squared; everybody's sum of these is kept below
    one budget.  At each step a person's gradient may be as long as an equal share of
    what is left of *their* budget allows, and is shortened to that, so what easy steps
    leave unspent is there for hard ones.

    Parameters
    ----------
    loss, parameters, domain
        As of `ClipFreeSGD`.
    epsilon, delta : float
        What all steps together promise to everybody.
    steps : int
        How many steps the budget is to last.
    first_clip : float
        The length to which gradients are shortened at the first step; the scale of the
        noise follows from it.  With ``secret``, in units of the largest norm.
    secret : sequence of Variable or str
        Divide gradients by their largest norm over these symbols, as `NormalizedSGD`.
    learning_rate, count, relation, momentum, penalty, on_divergence, insecure_rng
        As of `ClipFreeSGD`.  All records take part in every step.

    Attributes
    ----------
    parameters, accountant
        As of `ClipFreeSGD`.  The accountant is charged the whole budget at the first
        step: how much of it is spent depends on the data.
    history : list of StepReport
        Its bound and sensitivity are those of all steps together.
    spent : Internal
        The share of the budget that each record has spent; data dependent.

    Notes
    -----
    Under ``add_or_remove_one`` the steps together are mu-Gaussian differentially
    private, where mu belongs to epsilon and delta; under ``replace_one`` the two
    records' lengths add up (Minkowski), so each has a quarter of the squared budget.
    The data must be the same records in the same order at every step.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x, y = dt.symbol("x", (2,)), dt.symbol("y")
    >>> trainer = privacy.FilteredSGD(
    ...     lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)},
    ...     dt.Box({x: (-1, 1), y: (0, 1)}), relation="add_or_remove_one",
    ...     epsilon=1.0, delta=1e-5, steps=2, first_clip=0.5,
    ... learning_rate=0.1, count=2, insecure_rng=0,
    ... )
    >>> trainer = trainer.fit({"x": [[0.5, 1.0], [-1.0, 0.0]], "y": [1.0, 0.0]}, 2)
    >>> len(trainer.history)
    2
    """

    def __init__(
        self,
        loss: Loss,
        parameters: Mapping[str, Any],
        domain: Domain,
        *,
        epsilon: float,
        delta: float,
        steps: int,
        first_clip: float,
        learning_rate: float,
        count: float,
        secret: Sequence[Any] = (),
        relation: Relation | None = None,
        momentum: float = 0.0,
        penalty: Any = None,
        on_divergence: str = "warn",
        insecure_rng: Any = None,
    ) -> None:
        relation = require_relation(WHO, relation)
        self.steps = require_whole(steps, 1, WHO, "steps")
        clip = require_positive(WHO, "first_clip", first_clip)
        whole = gaussian_multiplier(*require_promise(WHO, epsilon, delta))
        super().__init__(
            loss,
            parameters,
            domain,
            noise_multiplier=whole,
            learning_rate=learning_rate,
            count=count,
            sampling_probability=1.0,
            relation=relation,
            momentum=momentum,
            penalty=penalty,
            on_divergence=on_divergence,
            insecure_rng=insecure_rng,
        )
        # what the squared lengths of one record's parts in all steps add up to, at most
        self._total = math.sqrt(self.steps) * clip
        self._squares: Array | None = None
        self._pending: Array | None = None  # of a step that is being taken
        self.secret = (
            SecretValues(secret, domain, self._sums, WHO) if len(secret) else None
        )

    @property
    def spent(self) -> Internal:
        """The share of the budget that each record has spent."""
        squares = np.zeros(0) if self._squares is None else self._squares
        return Internal(squares / self._total**2, "shares of budgets spent")

    def statement(self, *, delta: float) -> str:
        """Return in plain English what is promised, and what budgets rest on."""
        told = self.accountant.statement(delta=delta)
        return "\n".join([told, "Budgets rest on:", *(f"- {c}" for c in CONDITIONS)])

    def _planned(self, data: PreparedData) -> PlannedStep:
        left = self.steps - len(self.history)
        if left < 1:
            raise BudgetError(
                f"{WHO}: all {self.steps} steps that the budget was to last are taken"
            )
        if self._squares is None:
            self._squares = np.zeros(data.count)
        if len(self._squares) != data.count:
            raise InvalidInputError(
                f"{WHO}: the data have {data.count} records and had "
                f"{len(self._squares)} at the first step; budgets belong to records, "
                "so they must be the same ones, in the same order"
            )
        room = np.maximum(self._total**2 - self._squares, 0.0)
        clips = np.sqrt(room / left) * BUDGET_KEPT
        own = self._sums.norms(data.rows, self.parameters)
        most = None
        if self.secret is not None:
            most = self.secret.largest_norms(data.rows, self.parameters)
        factors = shortened(own, most, clips)
        every = np.arange(data.count)
        sums = self._sums.weighted(data.rows, self.parameters, every, factors)
        lengths = np.where(factors > 0, own, 0.0) * factors
        self._pending = self._squares + np.square(lengths / BUDGET_KEPT)
        return PlannedStep(
            spread_evenly(self._total, self.parameters), self._total, sums
        )

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "steps": self.steps, "total": self._total}

    def _own_arrays(self) -> dict[str, Array]:
        return {} if self._squares is None else {"squares spent": self._squares}

    def _take_own_arrays(self, arrays: Mapping[str, Array]) -> None:
        self._squares = arrays.get("squares spent")

    def _account(self) -> None:
        if not self.history:
            super()._account()
        self._squares = self._pending
