"""A module or function of PyTorch, exported to a graph of ATen operators."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError
from deuterium.frontends.torch.aten_table import TABLE
from deuterium.optional import require

__all__ = ["as_module", "decomposed", "exported"]

Example = Any


def exported(module: Any, example: Example) -> Any:
    """Return the exported program of a module, called with the example.

    Raises
    ------
    InvalidInputError
        PyTorch cannot export it; says why.
    """
    import torch

    args, kwargs = _arguments(example)
    with warnings.catch_warnings(), _without_fast_paths(), _calls() as called:
        warnings.simplefilter("ignore")  # about PyTorch's own insides
        try:
            program = torch.export.export(module, args, kwargs)
        except Exception as error:
            raise InvalidInputError(
                f"frontends.torch.lift: torch.export refuses the model: {error!s:.600}"
            ) from error
    known = set(module.modules())
    strays = [m for m in called if m not in known and list(m.parameters(recurse=False))]
    if strays:
        raise InvalidInputError(
            "frontends.torch.lift: the function calls modules that it does not refer "
            f"to by a name (the first: {type(strays[0]).__name__}), and their "
            "parameters would be lost; lift a module that holds them"
        )
    return program


@contextmanager
def _calls() -> Iterator[list[Any]]:
    """Give the list of modules that are called meanwhile."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    called: list[Any] = []
    hook = register_module_forward_pre_hook(lambda m, args: called.append(m))
    try:
        yield called
    finally:
        hook.remove()


def decomposed(program: Any) -> Any:
    """Return a program with what the table lacks written in simpler operators."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simpler = torch.export.default_decompositions()
        for name in TABLE:
            packet = getattr(torch.ops.aten, name, None) if "::" not in name else None
            for overload in packet.overloads() if packet is not None else ():
                simpler.pop(getattr(packet, overload), None)
        return program.run_decompositions(simpler)


@contextmanager
def _without_fast_paths() -> Iterator[None]:
    """Have attention written in plain operators, not as one fused kernel."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _arguments(example: Example) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example, Mapping):
        return (), {k: _tensor(v) for k, v in example.items()}
    if isinstance(example, (tuple, list)):
        return tuple(_tensor(v) for v in example), {}
    return (_tensor(example),), {}


def _tensor(x: Any) -> Any:
    """Return arrays of NumPy as tensors of the default type; the rest as it is."""
    import torch

    if not isinstance(x, np.ndarray):
        return x
    kind = torch.get_default_dtype() if x.dtype.kind == "f" else None
    return torch.as_tensor(x, dtype=kind)


def as_module(model: Any) -> tuple[Any, str]:
    """Return a module, and the prefix that its parameters' names have for nothing.

    A function becomes a module that holds the modules it refers to; if it refers to
    one, their names are those of that module's own state dict.
    """
    torch = require("torch", "torch", "frontends.torch.lift")
    if isinstance(model, torch.nn.Module):
        return model, ""
    if not callable(model):
        raise InvalidInputError(
            f"frontends.torch.lift: `model` must be a module or a function, got "
            f"{type(model).__name__}"
        )
    held = _modules_of(model)

    wrapped = torch.nn.Module()
    for name, module in held.items():
        wrapped.add_module(name, module)
    wrapped.forward = _with_signature(model)
    wrapped.training = any(m.training for m in held.values())  # theirs stay as they are
    prefix = f"{next(iter(held))}." if len(held) == 1 else ""
    return wrapped, prefix


def _with_signature(function: Any) -> Any:
    """Return a function whose parameters can be told: one written in C hides them."""
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        return lambda *args: function(*args)
    return function


def _modules_of(function: Any) -> dict[str, Any]:
    """Return the modules that a function refers to, by the names it has for them.

    Looked for in what it is bound to, its defaults, closures and globals, and in those
    of functions that it calls.
    """
    import torch

    found: dict[str, Any] = {}
    todo, seen = [function], set()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for name, value in _names_in(one).items():
            if isinstance(value, torch.nn.Parameter):
                raise InvalidInputError(
                    f"frontends.torch.lift: the function uses the parameter {name!r}, "
                    "which belongs to no module; put it into one, and lift that"
                )
            if isinstance(value, torch.nn.Module):
                if not any(value is m for m in found.values()):
                    found.setdefault(name, value)
            elif isinstance(value, FunctionType) and not _is_pytorchs(value):
                todo.append(value)
    return found


def _is_pytorchs(function: FunctionType) -> bool:
    return function.__module__.partition(".")[0] == "torch"


def _names_in(function: Any) -> dict[str, Any]:
    """Return what a function refers to, by name."""
    names: dict[str, Any] = {}
    if isinstance(function, partial):
        names |= {f"argument_{k}": v for k, v in enumerate(function.args)}
        names |= {**function.keywords, "function": function.func}
        return names
    if hasattr(function, "__self__"):
        names["self"] = function.__self__
    inner = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(inner, FunctionType):
        return names
    seen = inspect.getclosurevars(inner)
    formal = inspect.signature(inner).parameters.values()
    names |= {p.name: p.default for p in formal if p.default is not p.empty}
    return {**seen.globals, **seen.nonlocals, **names}
