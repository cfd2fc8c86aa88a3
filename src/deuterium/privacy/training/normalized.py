"""Private training on gradients divided by what their secrets could make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.privacy.directed_rounding import real_number, round_up
from deuterium.privacy.sensitivity.relations import Relation
from deuterium.privacy.training.gradient_sums import Loss
from deuterium.privacy.training.parameter_noise import spread_evenly
from deuterium.privacy.training.private_sgd import PlannedStep, PrivateSGD
from deuterium.privacy.training.secret_values import SecretValues
from deuterium.privacy.training.training_data import PreparedData, StepReport
from deuterium.privacy.training.training_options import COMPUTED_ERROR, SHORTEST

__all__ = ["NormalizedSGD", "StepReport"]

WHO = "NormalizedSGD"


class NormalizedSGD(PrivateSGD):
    """Stochastic gradient descent on gradients whose length is at most one.

    Each record's gradient is divided by the largest norm that it could have with the
    same features, over all values of its secret symbols (the labels, by rule), and, if
    it is still longer than ``cap``, shortened to that.  So a record adds at most
    ``cap`` to the sum, whatever its features, its secrets and the weights are, and the
    noise is ``cap`` times the noise multiplier: there is no clipping threshold in units
    of gradients to tune, and features need no bounds.

    Parameters
    ----------
    loss : callable
        As of `ClipFreeSGD`.  A margin helps: softmax cross-entropy on ``tau * (logits -
        margin * labels)``, say with ``tau = 4`` and ``margin = 1``.
    parameters : mapping from str to array_like
        Where to start; must not depend on the data.
    domain : Domain
        Every record that may come.  Symbols that are not secret may be unbounded.
    secret : sequence of Variable or str
        What the largest norm is taken over: symbols with finitely many values (a
        `Choice`, a `OneHot`), or in a box where the gradient is affine in them (labels
        of a squared loss).
    cap : float
        In (0, 1].  With 1 nobody is shortened, and the expected step is that of a
        weighted loss whose weights do not depend on the secrets.
    noise_multiplier, learning_rate, count, sampling_probability, relation, momentum
        As of `ClipFreeSGD`.
    penalty, on_divergence, insecure_rng
        As of `ClipFreeSGD`.

    Attributes
    ----------
    parameters, accountant, history
        As of `ClipFreeSGD`.

    Notes
    -----
    The largest norm is that of the record's own features, so it is as secret as they
    are; it is never released.  What is divided by it has norm at most 1 by
    construction, so a step is a Gaussian mechanism of L2 sensitivity ``cap`` (twice
    that under ``replace_one``).  Weights that depend on features alone leave a
    regression's estimate consistent, as those of Mallows do (R. A. Maronna, R. D.
    Martin and V. J. Yohai, *Robust Statistics*, 2006, section 5.11).

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x, y = dt.symbol("x", (2,)), dt.symbol("y")
    >>> trainer = privacy.NormalizedSGD(
    ...     lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)},
    ...     dt.Box({x: (-1, 1), y: (0, 1)}), relation="add_or_remove_one",
    ...     noise_multiplier=1.0, learning_rate=0.1, count=2,
    ...     secret=["y"], insecure_rng=0,
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
        secret: Sequence[Any],
        noise_multiplier: float,
        learning_rate: float,
        count: float,
        cap: float = 0.5,
        sampling_probability: float = 1.0,
        relation: Relation | None = None,
        momentum: float = 0.0,
        penalty: Any = None,
        on_divergence: str = "warn",
        insecure_rng: Any = None,
    ) -> None:
        self.cap = _required_cap(cap)
        super().__init__(
            loss,
            parameters,
            domain,
            noise_multiplier=noise_multiplier,
            learning_rate=learning_rate,
            count=count,
            sampling_probability=sampling_probability,
            relation=relation,
            momentum=momentum,
            penalty=penalty,
            on_divergence=on_divergence,
            insecure_rng=insecure_rng,
        )
        self.secret = SecretValues(secret, domain, self._sums, WHO)

    def _planned(self, data: PreparedData) -> PlannedStep:
        self._watched(self.cap)
        taken = self._taken(data.count)
        rows = {n: x[taken] for n, x in data.rows.items()}
        factors = np.zeros(0)
        if len(taken):
            own = self._sums.norms(rows, self.parameters)
            most = self.secret.largest_norms(rows, self.parameters)
            factors = shortened(own, most, self.cap)
        sums = self._sums.weighted(data.rows, self.parameters, taken, factors)
        return PlannedStep(spread_evenly(self.cap, self.parameters), self.cap, sums)

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "cap": self.cap}

    def lengths(self, data: Mapping[Any, Any]) -> Array:
        """Return the length of what each record adds: (records,).

        It is at most ``cap``.  It depends on the data: do not publish it.
        """
        rows = self.prepared(data).rows
        own = self._sums.norms(rows, self.parameters)
        most = self.secret.largest_norms(rows, self.parameters)
        return own * shortened(own, most, self.cap)


def shortened(own: Array, most: Array | None, cap: float | Array) -> Array:
    """Return what gradients are multiplied by: (records,).

    Parameters
    ----------
    own : ndarray
        (records,): their norms.
    most : ndarray or None
        (records,): the largest norms that they could have, by which they are divided.
    cap : float or ndarray
        The largest length in the end.

    A gradient that is next to nothing, or whose norm overflows, counts nothing; all
    norms are taken to be a little larger, for their rounding.
    """
    with np.errstate(all="ignore"):
        # both are values of one function, so the other way round is rounding
        whole = 1.0 if most is None else 1.0 / np.maximum(most, own)
        factors = np.minimum(whole, cap / own) / (1 + COMPUTED_ERROR)
    counted = (own > SHORTEST) & np.isfinite(own) & (factors > 0)
    return np.where(counted, factors, 0.0)


def _required_cap(cap: Any) -> float:
    number = real_number(cap)
    if number is None or not 0 < number <= 1:
        raise InvalidInputError(
            f"{WHO}: `cap` must lie in (0, 1], as no normalised gradient is longer "
            f"than 1; got {cap!r:.80}"
        )
    return round_up(number)
