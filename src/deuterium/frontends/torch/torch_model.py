"""A model of PyTorch, lifted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Choice, OneHot
from deuterium.errors import InvalidInputError, ShapeError, did_you_mean
from deuterium.frontends.lifted_model import LiftedModel
from deuterium.graph.variable import Variable

__all__ = ["TorchModel"]

LABELINGS = 256  # of several labels together, as many as domains list one by one


@dataclass(frozen=True, eq=False, repr=False)
class TorchModel(LiftedModel):
    """A `LiftedModel` from PyTorch.

    Attributes
    ----------
    buffers : mapping of str to Variable
        The arrays that are not learned (running means, masks that enter as numbers),
        as named constants; only those in use.
    classes : mapping of str to int
        For each integer input that chooses a class or a row: among how many.
    one_hot : frozenset of str
        The integer inputs that are unit vectors.
    state : mapping of str to Tensor
        The module's state dict when it was lifted.
    first_names : mapping of str to str
        For each name in it, the first that the same tensor has.

    Examples
    --------
    >>> import torch
    >>> from deuterium import frontends
    >>> net = torch.nn.Linear(2, 1)
    >>> model = frontends.torch.lift(net, (torch.zeros(1, 2),))
    >>> sorted(model.parameters)
    ['bias', 'weight']
    """

    buffers: Mapping[str, Variable] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    one_hot: frozenset[str] = frozenset()
    state: Mapping[str, Any] = field(default_factory=dict)
    first_names: Mapping[str, str] = field(default_factory=dict)

    def any_index(self, *names: str) -> Domain:
        """Return the domain where integer inputs take any of their values.

        Parameters
        ----------
        *names : str
            Which inputs; all that choose a class or a row, by default.

        Raises
        ------
        InvalidInputError
            There is no such input, or there are more than 256 ways to choose the
            elements of one; lift it with ``one_hot={name: classes}``.
        """
        chosen = names or tuple(self.classes)
        unknown = [n for n in chosen if n not in self.classes]
        if unknown or not chosen:
            known = ", ".join(map(repr, self.classes)) or "none"
            raise InvalidInputError(
                f"any_index: {', '.join(map(repr, unknown)) or 'nothing'} was asked "
                f"for; the integer inputs that choose a class are: {known}"
            )
        return reduce(and_, (self._any(n) for n in chosen))

    def _any(self, name: str) -> Domain:
        symbol, count = self.inputs[name], self.classes[name]
        if name in self.one_hot:
            return OneHot(symbol)
        if symbol.size * math.log(count) > math.log(LABELINGS):
            raise InvalidInputError(
                f"any_index: {name!r} has {count}**{symbol.size} values; lift with "
                f"one_hot={{{name!r}: {count}}}, so that each is a unit vector"
            )
        ways = itertools.product(map(float, range(count)), repeat=symbol.size)
        return Choice(symbol, [np.reshape(way, symbol.shape) for way in ways])

    def to_torch_state(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the state dict of the module, with trained values put in.

        Parameters
        ----------
        values : mapping of str to array_like, optional
            New values of parameters or buffers by name; the rest stay as they were
            when the model was lifted.

        Returns
        -------
        dict of str to Tensor
            For ``module.load_state_dict``; of the types and on the devices of the
            module's own tensors.

        Raises
        ------
        InvalidInputError
            A name belongs to nothing.
        ShapeError
            A value has another shape than what it replaces.
        """
        import torch

        state = {name: t.clone() for name, t in self.state.items()}
        for name, value in (values or {}).items():
            if name not in state:
                raise InvalidInputError(
                    f"to_torch_state: {name!r} is no parameter or buffer of the module."
                    f"{did_you_mean(name, state)}"
                )
            old = state[name]
            if np.shape(value) != tuple(old.shape):
                raise ShapeError(
                    f"to_torch_state: {name!r} has shape {tuple(old.shape)}, got "
                    f"{np.shape(value)}"
                )
            new = torch.as_tensor(np.array(value), dtype=old.dtype, device=old.device)
            own = self.first_names[name]
            state.update({n: new for n, f in self.first_names.items() if f == own})
        return state
