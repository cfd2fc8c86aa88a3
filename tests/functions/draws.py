"""Random shapes and arguments, and what a random call is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Call = tuple[list[tuple[int, ...]], Callable[..., Any]]


@dataclass
class Draw:
    """Random shapes and arguments."""

    rng: np.random.Generator

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    @property
    def flag(self) -> bool:
        return self.chance(0.5)

    def pick(self, *choices: Any) -> Any:
        return choices[self.below(len(choices))]

    def length(self) -> int:
        return self.pick(0, 1, 1, 2, 2, 3, 3, 4)

    def shape(self, least: int = 0, most: int = 5) -> tuple[int, ...]:
        if self.chance(0.03):
            least, most = 0, 5  # as many axes as it likes
        ndim = least + self.below(most - least + 1)
        return tuple(self.length() for _ in range(ndim))

    def full(self, least: int = 0, most: int = 5) -> tuple[int, ...]:
        """A shape without axes of length zero."""
        return tuple(n or 2 for n in self.shape(least, most))

    def axis(self, ndim: int) -> int:
        if self.chance(0.03) or not ndim:
            return self.pick(ndim, -ndim - 1, 0)
        return self.below(2 * ndim) - ndim

    def some(self, ndim: int) -> Any:
        """One axis, several, none or all of them."""
        if self.chance(0.25):
            return None
        if self.chance(0.5):
            return self.axis(ndim)
        axes = self.rng.permutation(ndim)[: self.below(ndim + 1)]
        axes = [int(i) - (ndim if self.flag else 0) for i in axes]
        if axes and self.chance(0.05):
            axes.append(axes[0])
        return tuple(axes)

    def wider(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with another (mostly)."""
        own = [n if self.chance(0.7) else 1 for n in shape]
        if self.chance(0.03):
            own = [n + 1 for n in own]
        own = own[self.below(len(own) + 1) :] if self.flag else own
        return (*(self.length() for _ in range(self.below(3))), *own)[-5:]

    def keywords(self, **choices: Any) -> dict[str, Any]:
        return {k: v for k, v in choices.items() if self.flag}
