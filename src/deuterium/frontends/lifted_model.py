"""What every front end returns: a model from elsewhere as a function on Variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.lifted_loss import LiftedLoss
from deuterium.graph.serialize import dumps, loads
from deuterium.graph.variable import Variable
from deuterium.notebook import Shown

__all__ = ["LiftedModel"]


@dataclass(frozen=True, eq=False)
class LiftedModel(Shown):
    """A model of another framework, lifted to Variables.

    Everything that works for NumPy code works for it: `dt.grad`, `dt.enclose`,
    `dt.maximize`, `privacy.contribution`, `dt.compile`.

    Attributes
    ----------
    inputs : mapping of str to Variable
        The symbols that stand for the model's inputs, by name, in the model's order.
    outputs : mapping of str to Variable
        The outputs as functions of inputs and parameters, in the model's order.
    parameters : mapping of str to Variable
        The learned arrays as named constants, under the framework's own names; one
        can differentiate with respect to each.
    framework : str
        Where it comes from, as in ``"ONNX, opset 13"``.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium.frontends import LiftedModel
    >>> x, w = dt.symbol("x"), dt.constant(2.0)
    >>> model = LiftedModel({"x": x}, {"y": w * x}, {"w": w})
    >>> dt.grad(model.output, list(model.parameters.values()))[0]
    x
    """

    inputs: Mapping[str, Variable]
    outputs: Mapping[str, Variable]
    parameters: Mapping[str, Variable] = field(default_factory=dict)
    framework: str = ""

    @property
    def input(self) -> Variable:
        """The only input.

        Raises
        ------
        InvalidInputError
            The model has another number of inputs than one.
        """
        return _only(self.inputs, "input")

    @property
    def output(self) -> Variable:
        """The only output.

        Raises
        ------
        InvalidInputError
            The model has another number of outputs than one.
        """
        return _only(self.outputs, "output")

    def training(self) -> tuple[LiftedLoss, dict[str, Any]]:
        """Return loss and parameters as the trainers of `deuterium.privacy` take them.

        The output must be the loss of one record.  The trained values are a mapping of
        the names of ``parameters``.

        Examples
        --------
        ``privacy.ClipFreeSGD(*model.training(), domain, ...)``
        """
        loss = LiftedLoss(self.output, self.inputs, self.parameters)
        start = {n: np.array(p.value, float) for n, p in self.parameters.items()}
        return loss, start

    def __reduce__(self) -> tuple[Any, ...]:
        """Store all nodes as one graph, so that outputs go on to hold parameters."""
        rest: dict[str, Any] = {}
        names: dict[str, list[str]] = {}
        nodes: list[Variable] = []
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, Mapping) and all(map(_is_node, value.values())):
                names[part.name] = list(value)
                nodes += value.values()
            else:
                rest[part.name] = value
        return _restored, (type(self), rest, names, dumps(nodes))

    def __repr__(self) -> str:
        lines = [f"LiftedModel({self.framework})"]
        for kind in ("inputs", "outputs", "parameters"):
            members = getattr(self, kind)
            lines.append(f"  {kind}:" + ("" if members else " none"))
            lines.extend(f"    {name} {v.shape}" for name, v in members.items())
        return "\n".join(lines)


def _is_node(value: Any) -> bool:
    return isinstance(value, Variable)


def _restored(
    kind: Any, rest: Mapping[str, Any], names: Mapping[str, list[str]], text: str
) -> Any:
    """Return a model from what `LiftedModel.__reduce__` made of it."""
    nodes = iter(loads(text))
    parts = {part: {n: next(nodes) for n in own} for part, own in names.items()}
    return kind(**rest, **parts)


def _only(members: Mapping[str, Variable], kind: str) -> Variable:
    if len(members) != 1:
        names = ", ".join(map(repr, members)) or "none"
        raise InvalidInputError(
            f"LiftedModel.{kind}: the model has {len(members)} {kind}s ({names}); "
            f"take one by name from `.{kind}s`"
        )
    return next(iter(members.values()))
