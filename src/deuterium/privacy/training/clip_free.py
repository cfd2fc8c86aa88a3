"""Private training without clipping: the noise follows a certified bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.privacy.directed_rounding import require_positive
from deuterium.privacy.sensitivity.bound_sources import ASSUMPTIONS
from deuterium.privacy.sensitivity.relations import Relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.training.gradient_sums import Loss
from deuterium.privacy.training.parameter_noise import (
    NoiseSpread,
    parts_of,
    spread_evenly,
    spread_over,
)
from deuterium.privacy.training.private_sgd import PlannedStep, PrivateSGD
from deuterium.privacy.training.step_bounds import StepBound, step_bound
from deuterium.privacy.training.step_graph import graph_of
from deuterium.privacy.training.training_data import (
    WHO,
    PreparedData,
    StepReport,
    flag,
    number,
)
from deuterium.privacy.training.training_options import LEAST_NOISE

__all__ = ["ClipFreeSGD", "StepReport"]


class ClipFreeSGD(PrivateSGD):
    """Stochastic gradient descent with noise, and nobody's gradient clipped.

    At every step the largest gradient norm that *any* record of the public domain could
    have at the current weights is bounded from above, and the noise on the summed
    gradient is made from that bound.  Gradients of single records are never formed.

    Parameters
    ----------
    loss : callable
        ``loss(**records, **parameters)``, written with NumPy: given arrays of records
        with one leading axis of rows, it returns one loss per row.  Rows must not see
        each other (no normalisation over a batch).
    parameters : mapping from str to array_like
        Where to start; must not depend on the data.
    domain : Domain
        Every record that may come, by public bounds; its names are the records'
        arguments.  Symbols have the shape of one record's values.  In many dimensions
        a Ball has a much smaller bound than the box around it.
    noise_multiplier : float
        Noise over sensitivity, at every step; see `deuterium.privacy.noise_multiplier`.
    learning_rate, count : float
        The step is ``learning_rate`` times the noisy sum over ``count``, a public
        number such as the expected size of a batch.
    sampling_probability : float
        1: all records at every step.  Below: each record takes part in a step with this
        probability, independently (Poisson sampling).
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours; it has to be given.  Sampling is not
        for ``replace_one``.
    clip : float, optional
        Gradients longer than this are shortened to it, and the sensitivity is the
        smaller of both numbers.  Where the bound is the smaller one, nobody is clipped
        and no norm is worked out; where there is no bound, everybody is.
    per_layer : bool
        Bound the gradient by each parameter, too, and give each the noise that it
        needs: less in all, for the same promise (not together with ``clip``).
    momentum : float
        Of the noisy gradients.
    penalty : Variable or callable, optional
        Of the parameters alone; its gradient is added, which costs no privacy.
    regulariser : float
        How much of `bound_graph` is added to the mean loss, for weights that need
        little noise.  It costs no privacy either.
    on_divergence : {"warn", "stop", "ignore"}
        What to do where a step would need over thirty times the noise of the first
        three (one of these: a thousand times): say so once (`DivergenceWarning`), or
        stop before a release: ``step`` raises `DivergedError`, ``fit`` warns.
    insecure_rng : numpy.random.Generator or int, optional
        Take NumPy's noise and sampling (INSECURE; for experiments), not exact ones of
        the operating system's bits.

    Attributes
    ----------
    parameters : dict from str to ndarray
        The current weights.
    accountant : Accountant
        What all steps so far promise.
    history : list of StepReport
        One per step.
    method : str
        How the gradient norm is bounded.

    Notes
    -----
    The bound depends on the domain and on weights that are published anyway (they are
    what the noisy steps made of public ones), never on the data, so it costs nothing.

    A step is accounted for before any noise is drawn, and the weights are changed all
    at once, at its end: whatever stops it in between, nothing is released that was not
    accounted for, and no step is taken by half.

    ``add_or_remove_one`` protects who takes part; ``count`` and the number of steps are
    taken as public.  Sigma is a millionth larger than noise_multiplier times
    sensitivity, for the rounding of a sum of up to a million gradients.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x, y = dt.symbol("x", (2,)), dt.symbol("y")
    >>> trainer = privacy.ClipFreeSGD(
    ...     lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)},
    ...     dt.Box({x: (-1, 1), y: (0, 1)}), relation="add_or_remove_one",
    ...     noise_multiplier=1.0, learning_rate=0.1, count=2, insecure_rng=0,
    ... )
    >>> trainer = trainer.fit({"x": [[0.5, 1.0], [-1.0, 0.0]], "y": [1.0, 0.0]}, 2)
    >>> len(trainer.history), trainer.accountant.releases
    (2, 2)
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
        sampling_probability: float = 1.0,
        relation: Relation | None = None,
        clip: float | None = None,
        per_layer: bool = False,
        momentum: float = 0.0,
        penalty: Any = None,
        regulariser: float = 0.0,
        on_divergence: str = "warn",
        insecure_rng: Any = None,
    ) -> None:
        self.clip = None if clip is None else require_positive(WHO, "clip", clip)
        self.per_layer = flag("per_layer", per_layer)
        if self.per_layer and clip is not None:
            raise UnsupportedError(
                f"{WHO}: `per_layer` scales the noise by certified bounds, `clip` by a "
                "number of yours; give one of them"
            )
        self.regulariser = number("regulariser", regulariser)
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
        self._bound, self.method = self._certified

    @standard_only
    def bound(self) -> float:
        """Return the certified bound of one record's gradient norm at these weights.

        Raises
        ------
        InvalidInputError
            There is none.
        """
        found = self._found()
        if not found < math.inf:
            raise self._unbounded()
        return found

    @standard_only
    def bounds(self) -> dict[str, float]:
        """Return a certified bound of the gradient's norm by each parameter.

        Raises
        ------
        InvalidInputError
            There is none.
        """
        found = parts_of(self._bound, self.parameters)
        if not all(d < math.inf for d in found.values()):
            raise self._unbounded()
        return found

    def bound_graph(self) -> Variable:
        """Return a certified bound as a graph of the parameters: differentiate it.

        For all weights it is no less than the gradient norm of any record of the
        domain.  It is plainer than `bound`, and mostly larger.  Its symbols have the
        names and shapes of the parameters.

        Raises
        ------
        UnsupportedError
            The gradient's norm could not be taken apart.
        """
        bound, method = self._certified
        clusters = getattr(bound, "clusters", None)
        if clusters is None:
            raise UnsupportedError(
                f"bound_graph: the gradient is bounded by the {method}, which has no "
                "graph; give a `penalty` of your own to keep the weights small"
            )
        return graph_of(clusters, self._weights)

    def contribution(self) -> Sensitivity:
        """Return the bound at the current weights as a Sensitivity."""
        return Sensitivity(
            quantity="contribution",
            norm=2,
            upper=self.bound(),
            status="enclosed",
            domain=self.domain,
            shape=tuple(w.shape for w in self.parameters.values()),
            assumptions=(*ASSUMPTIONS, f"bounded by {self.method}, at these weights"),
        )

    # -- within ---------------------------------------------------------------------

    @cached_property
    def _certified(self) -> tuple[StepBound, str]:
        return step_bound(self._single, self._one, self._weights, self._rows)

    @property
    def _rows(self) -> Domain:
        return Domain(self.domain.constraints, {})

    @property
    def _one(self) -> dict[str, Variable]:
        return self._sums.one

    @property
    def _single(self) -> Variable:
        return self._sums.single

    def _settings(self) -> dict[str, Any]:
        own = {"clip": self.clip, "per_layer": self.per_layer}
        return {**super()._settings(), **own}

    def _penalties(self) -> list[Variable]:
        return [self.regulariser * self.bound_graph()] if self.regulariser else []

    def _planned(self, data: PreparedData) -> PlannedStep:
        spread = self._spread()
        used = spread.bound if self.clip is None else min(spread.bound, self.clip)
        self._watched(used)
        clipped = used < spread.bound
        if clipped:
            lengths = dict.fromkeys(self.parameters, used)
            spread = NoiseSpread(spread.bound, None, lengths)
        elif not used < math.inf:
            raise self._unbounded()
        return PlannedStep(spread, used, self._sum(data, clipped=clipped))

    def _found(self) -> float:
        """Return the bound at these weights, infinite if there is none."""
        found = self._bound(self.parameters)
        return max(found, LEAST_NOISE) if found < math.inf else math.inf  # NaN is none

    def _spread(self) -> NoiseSpread:
        """Return what is certified, and how the noise is to be spread."""
        if self.per_layer:
            return spread_over(self._bound, self.parameters)
        return spread_evenly(self._found(), self.parameters)

    def _unbounded(self) -> InvalidInputError:
        return InvalidInputError(
            f"{WHO}: the gradient norm has no finite bound at the current weights "
            f"(method: {self.method}); bound every record symbol in the domain, take "
            "a loss whose gradient is bounded, or give `clip`"
        )

    def _sum(self, data: PreparedData, *, clipped: bool) -> list[Array]:
        """Return the sum of gradients over those who take part."""
        sampled = self.sampling_probability < 1
        if not sampled and not clipped:
            return self._sums.all(data.rows, self.parameters)
        clip = self.clip if clipped else None
        return self._sums.some(
            data.rows, self.parameters, self._taken(data.count), clip
        )

    @standard_only
    def check(self, data: Mapping[Any, Any]) -> float:
        """Return the largest gradient norm over data, divided by the bound.

        It must never exceed 1.  It depends on the data: do not publish it.
        """
        norms = self._sums.norms(self.prepared(data).rows, self.parameters)
        return float(np.max(norms)) / self.bound()
