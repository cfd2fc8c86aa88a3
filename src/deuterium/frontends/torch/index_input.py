"""Integer inputs, such as labels: places in an axis, seen as unit vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable

__all__ = ["IndexInput", "unit_vectors"]


@dataclass(frozen=True)
class IndexInput:
    """An input of whole numbers that stand for places.

    Attributes
    ----------
    name : str
        Of the input.
    symbol : Variable
        Whole numbers, or (``one_hot``) unit vectors along the last axis.
    one_hot : bool
        Which of the two.
    classes : dict from str to int
        How many places each input was found to choose from; filled while lifting.
    """

    name: str
    symbol: Variable
    one_hot: bool
    classes: dict[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the numbers."""
        return self.symbol.shape[:-1] if self.one_hot else self.symbol.shape

    def numbers(self) -> Variable:
        """Return the whole numbers."""
        if not self.one_hot:
            return self.symbol
        return as_variable(np.sum(self.symbol * np.arange(self.symbol.shape[-1]), -1))

    def vectors(self, size: int) -> Variable:
        """Return unit vectors of ``size`` elements, along a new last axis."""
        self.classes[self.name] = min(size, self.classes.get(self.name, size))
        if not self.one_hot:
            return as_variable(np.equal(self.symbol[..., None], np.arange(size)))
        own = self.symbol.shape[-1]
        if own > size:
            raise ShapeError(
                f"frontends.torch.lift: one_hot gives {self.name!r} {own} values, and "
                f"it chooses among {size}; give that number"
            )
        missing = [(0, 0)] * len(self.shape) + [(0, size - own)]
        return as_variable(np.pad(self.symbol, missing)) if own < size else self.symbol

    def moved(self, places: Any) -> IndexInput:
        """Return the numbers at flat places of this one."""
        flat = as_variable(
            np.reshape(self.symbol, (-1, *self.symbol.shape[len(self.shape) :]))
        )
        taken = as_variable(np.take(flat, places, axis=0))
        return IndexInput(self.name, taken, self.one_hot, self.classes)


def unit_vectors(index: Any, size: int) -> Any:
    """Return unit vectors along a new last axis, for numbers or for an input.

    Numbers that are no place, such as a label to ignore, give zeros.
    """
    if isinstance(index, IndexInput):
        return index.vectors(size)
    equal = np.equal(index[..., None], np.arange(size))
    return equal if isinstance(equal, Variable) else equal.astype(np.float64)
