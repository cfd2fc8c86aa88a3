"""Modules and functions of PyTorch, lifted to Variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError, did_you_mean
from deuterium.frontends.torch.aten_graph import AtenReader, NotReadableError
from deuterium.frontends.torch.index_input import IndexInput
from deuterium.frontends.torch.torch_export import as_module, decomposed, exported
from deuterium.frontends.torch.torch_model import TorchModel
from deuterium.graph.constructors import as_variable, constant, symbol
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

__all__ = ["lift"]


@standard_only
def lift(
    model: Any, example: Any, *, one_hot: Mapping[str, int] | None = None
) -> TorchModel:
    """Return a module or function of PyTorch as a function on Variables.

    Parameters
    ----------
    model : torch.nn.Module or callable
        What to lift, in evaluation mode.  A function (of a record and its label to a
        loss, say) may call modules; their parameters are the model's.
    example : Tensor, or tuple or dict of them
        Arguments to export with: their shapes become the inputs' shapes, their values
        do not matter.  Take one record, with its axis of records of length one.
    one_hot : mapping from str to int, optional
        Integer inputs that are to be unit vectors along a further, last axis, of so
        many elements.  The others are whole numbers.

    Returns
    -------
    TorchModel
        Inputs under the names of the function's arguments, parameters under those of
        the state dict.  What is lifted is the function over the real numbers.

    Raises
    ------
    UnsupportedError
        An operator has no meaning here; names it, the layer, and how to add it.
    InvalidInputError
        PyTorch cannot export the model, or `one_hot` names no integer input.

    Examples
    --------
    >>> net = torch.nn.Linear(2, 3)                            # doctest: +SKIP
    >>> lift(net, torch.zeros(1, 2)).parameters["weight"].shape      # doctest: +SKIP
    (3, 2)
    """
    module, prefix = as_module(model)
    program = exported(module, example)
    try:
        return _Lifting(module, prefix, program, one_hot or {}).lifted()
    except NotReadableError:
        pass
    simpler = decomposed(program)
    try:
        return _Lifting(module, prefix, simpler, one_hot or {}).lifted()
    except NotReadableError as error:
        raise UnsupportedError(_unsupported(str(error))) from None


def _unsupported(what: str) -> str:
    name = what.partition(" in ")[0].removeprefix("aten.")
    packet = name.rpartition(".")[0] or name
    return (
        f"frontends.torch.lift: {what} is not supported.  To add it, say what it is on "
        f"Variables: @frontends.torch.aten({packet!r}) above a function of its "
        "arguments, written with NumPy (docs/torch.md)"
    )


class _Lifting:
    """One lifting of one exported program."""

    def __init__(
        self, module: Any, prefix: str, program: Any, one_hot: Mapping[str, int]
    ) -> None:
        self.module, self.prefix, self.program = module, prefix, program
        self.one_hot = one_hot
        self.inputs: dict[str, Variable] = {}
        self.parameters: dict[str, Variable] = {}
        self.buffers: dict[str, Variable] = {}
        self.classes: dict[str, int] = {}
        self.tensors: dict[int, tuple[str, Any]] = {}  # buffers of floats, by identity
        self.tied: dict[int, Variable] = {}

    def lifted(self) -> TorchModel:
        leaves = self._leaves()
        self._require_known()
        reader = AtenReader(leaves, self._named)
        values = reader.read(self.program.graph)
        return TorchModel(
            inputs=self.inputs,
            outputs=self._outputs(values),
            parameters=self.parameters,
            framework=f"PyTorch {_version()}",
            buffers=self.buffers,
            classes=self.classes,
            one_hot=frozenset(self.one_hot),
            state={n: t.detach().clone() for n, t in self._state_dict().items()},
            first_names=self._first_names(),
        )

    # -- leaves --------------------------------------------------------------------

    def _leaves(self) -> dict[str, Any]:
        """Return what each placeholder stands for."""
        signature, leaves = self.program.graph_signature, {}
        meta = {n.name: n.meta.get("val") for n in self.program.graph.nodes}
        for spec in signature.input_specs:
            name, kind = getattr(spec.arg, "name", ""), spec.kind.name
            if kind == "PARAMETER":
                leaves[name] = self._parameter(spec.target)
            elif kind == "USER_INPUT":
                leaves[name] = self._input(name, meta.get(name), spec.arg)
            elif spec.target is not None:  # what only orders side effects has none
                leaves[name] = self._buffer(spec.target, kind)
        return leaves

    def _parameter(self, target: str) -> Variable:
        tensor = self.program.state_dict[target]
        own = self._plain(target)
        if id(tensor) not in self.tied:
            value = tensor.detach().double().cpu().numpy()
            self.tied[id(tensor)] = constant(value, name=own)
            self.parameters[own] = self.tied[id(tensor)]
        return self.tied[id(tensor)]

    def _plain(self, target: str) -> str:
        return str(target).removeprefix(self.prefix)

    def _buffer(self, target: str, kind: str) -> Any:
        """Return a buffer's numbers; PyTorch may compute with them on its own."""
        store = self.program.constants
        if target in self.program.state_dict:
            store = self.program.state_dict
        tensor = store[target]
        if kind == "BUFFER" and tensor.is_floating_point():
            self.tensors[id(tensor)] = (self._plain(target), tensor)
        return tensor

    def _named(self, tensor: Any) -> Variable | None:
        """Return the named constant that a tensor is, if it is a buffer of floats."""
        if id(tensor) not in self.tensors:
            return None
        name, _ = self.tensors[id(tensor)]
        if name not in self.buffers:
            value = tensor.detach().double().cpu().numpy()
            self.buffers[name] = constant(value, name=name)
        return self.buffers[name]

    def _input(self, name: str, example: Any, arg: Any) -> Any:
        if not hasattr(example, "dtype"):  # a plain number: as it was exported
            return getattr(arg, "value", example)
        shape = tuple(int(n) for n in example.shape)
        if example.dtype.is_floating_point or str(example.dtype) == "torch.bool":
            self.inputs[name] = symbol(name, shape)
            return self.inputs[name]
        if example.dtype.is_complex:
            raise UnsupportedError(
                f"frontends.torch.lift: the input {name!r} is complex; give its real "
                "and imaginary parts"
            )
        hot = name in self.one_hot
        full = (*shape, self.one_hot[name]) if hot else shape
        self.inputs[name] = symbol(name, full)
        return IndexInput(name, self.inputs[name], hot, self.classes)

    def _require_known(self) -> None:
        for name in self.one_hot:
            known = [n for n, v in self.inputs.items() if n in self.one_hot]
            if name not in known:
                raise InvalidInputError(
                    f"frontends.torch.lift: one_hot names {name!r}, which is no input."
                    f"{did_you_mean(name, self.inputs)}"
                )

    # -- outputs -------------------------------------------------------------------

    def _outputs(self, values: list[Any]) -> dict[str, Variable]:
        names = _output_names(self.program.call_spec.out_spec, len(values))
        outputs = {}
        for name, value in zip(names, values, strict=True):
            if isinstance(value, IndexInput):
                value = value.numbers()
            if isinstance(value, (Variable, np.ndarray, float, int)):
                outputs[name] = as_variable(value)
        return outputs

    def _state_dict(self) -> dict[str, Any]:
        state = self.module.state_dict(keep_vars=True)
        return {self._plain(name): tensor for name, tensor in state.items()}

    def _first_names(self) -> dict[str, str]:
        first: dict[int, str] = {}
        state = self._state_dict().items()
        return {name: first.setdefault(id(tensor), name) for name, tensor in state}


def _version() -> str:
    import torch

    return str(torch.__version__).partition("+")[0]


def _output_names(spec: Any, count: int) -> list[str]:
    """Return the names of outputs: keys and places, joined by dots."""
    from torch.utils import _pytree as pytree

    tree = pytree.tree_unflatten(list(range(count)), spec)
    names = [""] * count

    def walk(part: Any, path: tuple[str, ...]) -> None:
        if isinstance(part, dict):
            for key, value in part.items():
                walk(value, (*path, str(key)))
        elif isinstance(part, (list, tuple)):
            for key, value in enumerate(part):
                walk(value, (*path, str(key)))
        elif isinstance(part, int):
            names[part] = ".".join(path) or "output"

    walk(tree, ())
    return [name or f"output_{k}" for k, name in enumerate(names)]
