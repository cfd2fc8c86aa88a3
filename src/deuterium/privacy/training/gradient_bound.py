"""Certified bounds of gradients for whoever trains: a bound, and Opacus' optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.constructors import symbol
from deuterium.interval.environment import standard_only
from deuterium.optional import require
from deuterium.privacy.directed_rounding import require_positive
from deuterium.privacy.training.gradient_sums import GradientSums, Loss
from deuterium.privacy.training.step_bounds import step_bound
from deuterium.privacy.training.training_data import (
    record_shapes,
    require_apart,
    start,
)

__all__ = ["GradientBound", "opacus_optimizer"]


class GradientBound:
    """A certified bound of one record's gradient norm, for weights that change.

    Parameters
    ----------
    loss, domain
        As of `ClipFreeSGD`.
    parameters : mapping from str to array_like
        The weights' names and shapes.

    Attributes
    ----------
    method : str
        How the norm is bounded.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> domain = dt.Box({dt.symbol("x", (2,)): (-1, 1), dt.symbol("y"): (0, 1)})
    >>> bound = privacy.GradientBound(
    ...     lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)}, domain
    ... )
    >>> bound({"w": [0.0, 0.0]}) < bound({"w": [1.0, 1.0]})
    True
    """

    @standard_only
    def __init__(
        self, loss: Loss, parameters: Mapping[str, Any], domain: Domain
    ) -> None:
        self._made = loss, parameters, domain
        shapes = record_shapes(domain)
        weights = {n: symbol(n, shape=w.shape) for n, w in start(parameters).items()}
        require_apart(shapes, weights)
        sums = GradientSums(loss, shapes, weights)
        rows = Domain(domain.constraints, {})
        self._weights = weights
        self._bound, self.method = step_bound(sums.single, sums.one, weights, rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made  # what it has worked out is made again

    @standard_only
    def __call__(self, parameters: Mapping[str, Any]) -> float:
        """Return the bound at some weights: no record of the domain exceeds it.

        Raises
        ------
        InvalidInputError
            The weights are others, or there is no finite bound.
        """
        weights = start(parameters)
        shapes = {n: w.shape for n, w in weights.items()}
        if shapes != {n: w.shape for n, w in self._weights.items()}:
            raise InvalidInputError(
                f"GradientBound: needs the weights {self._weights!r:.200}; got the "
                f"shapes {shapes!r:.200}"
            )
        found = self._bound({n: weights[n] for n in self._weights})
        if not found < math.inf:
            raise InvalidInputError(
                "GradientBound: the gradient norm has no finite bound at these weights "
                f"({self.method}); bound every record symbol in the domain"
            )
        return found


def opacus_optimizer(
    optimizer: Any,
    bound: Callable[[], float],
    *,
    noise_multiplier: float,
    expected_batch_size: int,
    **options: Any,
) -> Any:
    """Return Opacus' optimizer, with noise from a bound that is asked for at each step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Over the parameters of a model inside Opacus' ``GradSampleModule``.
    bound : callable
        Takes nothing, and returns the certified bound of one record's gradient norm at
        the weights of the moment; see `GradientBound`.
    noise_multiplier, expected_batch_size, **options
        Of Opacus' ``DPOptimizer``.

    Returns
    -------
    opacus.optimizers.DPOptimizer
        Before each step its ``max_grad_norm`` becomes the bound.  Opacus goes on to
        shorten what is longer, which no gradient of the domain is: records outside it
        cost accuracy and never privacy.  For ``add_or_remove_one`` and
        ``replace_special``, as all of Opacus.

    Raises
    ------
    MissingDependencyError
        Opacus is not installed.

    Examples
    --------
    >>> from deuterium import privacy
    >>> optimizer = privacy.opacus_optimizer(  # doctest: +SKIP
    ...     torch.optim.SGD(model.parameters(), lr=0.1),
    ...     lambda: bound(dict(model.named_parameters())),
    ...     noise_multiplier=2.0,
    ...     expected_batch_size=100,
    ... )
    """
    base: Any = require("opacus.optimizers", "opacus", "opacus_optimizer").DPOptimizer

    class CertifiedDPOptimizer(base):  # type: ignore[misc]
        """Opacus' optimizer, with the bound of the moment for its clipping norm."""

        def clip_and_accumulate(self) -> None:
            """Ask for the bound, and add up gradients."""
            self.max_grad_norm = require_positive("opacus_optimizer", "bound", bound())
            super().clip_and_accumulate()

    return CertifiedDPOptimizer(
        optimizer,
        noise_multiplier=noise_multiplier,
        max_grad_norm=1.0,
        expected_batch_size=expected_batch_size,
        **options,
    )
