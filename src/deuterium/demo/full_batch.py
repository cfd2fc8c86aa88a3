"""Plain full-batch training in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def adam(
    slopes: Callable[..., Sequence[Any]],
    weights: Sequence[Any],
    steps: int,
    rate: float = 0.02,
) -> list[Any]:
    """Return weights after steps of Adam (D. P. Kingma and J. Ba, ICLR 2015).

    Parameters
    ----------
    slopes : callable
        From the weights to the gradient of the loss by each.
    weights : sequence of ndarray
        Where to start; they are left alone.
    """
    now = [np.array(w, dtype=np.float64) for w in weights]
    mean = [np.zeros_like(w) for w in now]
    power = [np.zeros_like(w) for w in now]
    for step in range(1, steps + 1):
        for i, g in enumerate(slopes(*now)):
            mean[i] = 0.9 * mean[i] + 0.1 * g
            power[i] = 0.999 * power[i] + 0.001 * g**2
            # the averages start at zero; these divisors undo that
            direction = mean[i] / (1 - 0.9**step)
            size = np.sqrt(power[i] / (1 - 0.999**step)) + 1e-8
            now[i] = now[i] - rate * direction / size
    return now
