"""Training that diverges, noticed before privacy is spent on it.

Noise follows the bound, and the weights follow the noise: where that feeds on itself,
the bound grows from step to step without end, and no step has any use.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.errors import DivergedError, InvalidInputError
from deuterium.privacy.training.training_options import (
    FIRST_STEPS,
    GROWTH_OVER_FIRST,
    LEAP_WITHIN_FIRST,
    LEAST_COMPARED,
)

__all__ = ["DivergenceWarning", "DivergenceWatch"]

CHOICES = ("warn", "stop", "ignore")

ADVICE = "take a smaller learning rate, or give `clip`"


class DivergenceWarning(UserWarning):
    """Training diverges: more steps spend privacy and teach nothing.

    Examples
    --------
    >>> from deuterium import privacy
    >>> issubclass(privacy.DivergenceWarning, Warning)
    True
    """


class DivergenceWatch:
    """Compares every step with the first ones, and speaks up once.

    Parameters
    ----------
    who : str
        For messages.
    choice : {"warn", "stop", "ignore"}
        What to do.
    """

    def __init__(self, who: str, choice: Any) -> None:
        if not isinstance(choice, str) or choice not in CHOICES:
            raise InvalidInputError(
                f"{who}: `on_divergence` must be one of {', '.join(CHOICES)}; got "
                f"{choice!r:.80}"
            )
        self.who, self.choice, self.warned = who, choice, False

    def look(
        self,
        used: float,
        first: Sequence[float],
        steps: int,
        weights: Mapping[str, Any],
    ) -> None:
        """Warn, or raise, before a step is taken.

        Parameters
        ----------
        used : float
            What one record moves the sum by.
        first : sequence of float
            The same, of the first steps.
        steps : int
            How many were taken.
        weights : mapping
            The current ones.

        Raises
        ------
        DivergedError
            The step would be of no use: always if weights are no numbers any more,
            else if that was asked for.
        """
        lost = [n for n, w in weights.items() if not np.isfinite(w).all()]
        if lost:
            raise DivergedError(
                f"{self.who}: {', '.join(lost)} are no finite numbers any more, so "
                f"training has diverged and nothing is released; {ADVICE}"
            )
        if self.choice == "ignore" or not steps:
            return
        most = max(first)
        known = (
            GROWTH_OVER_FIRST if steps >= FIRST_STEPS else LEAP_WITHIN_FIRST
        ) * most
        if used <= known or (most < LEAST_COMPARED and used < math.inf):
            return
        said = (
            f"{self.who}: training diverges: at step {steps + 1} one record "
            f"moves the sum of gradients by {used:.3g}, in the first "
            f"{FIRST_STEPS} steps by no more than {most:.3g}, and the noise "
            f"grows with it; {ADVICE}"
        )
        if self.choice == "stop":
            raise DivergedError(f"{said}. Nothing was released for this step")
        if not self.warned:
            self.warned = True
            warnings.warn(said, DivergenceWarning, stacklevel=3)
