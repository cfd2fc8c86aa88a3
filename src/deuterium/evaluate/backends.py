"""The array libraries that compiled functions run on.

Generated code is written against the array API standard, under the name ``xp``, and
SciPy's names for special functions, under ``special``.  A back end supplies both, turns
constants into its own arrays, and may compile the function once more (``jax.jit``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

from deuterium.errors import MissingDependencyError, UnsupportedError
from deuterium.evaluate.runtime import namespace
from deuterium.ops.arrays import add_into

NAMES = ("numpy", "jax", "torch")


@dataclass(frozen=True)
class Backend:
    """One array library.

    Attributes
    ----------
    name : str
        Its name, as `compile` takes it.
    xp, special : namespace
        Array functions, and special functions under SciPy's names.
    asarray : callable
        ``asarray(x, device)``: an array on a device; numbers as float64, integers and
        booleans of NumPy arrays (indices and masks) as they are.
    device : callable
        The device of an argument, or None.
    finish : callable
        Makes a fast function of the generated one.
    scope : callable
        A context in which constants are made and code runs (float64 for JAX).
    scatter : callable
        ``scatter(x, index, size)``: add the last axis of ``x`` into ``size`` zeros.
    """

    name: str
    xp: Any
    special: Any
    asarray: Callable[[Any, Any], Any]
    device: Callable[[Any], Any]
    finish: Callable[[Callable[..., Any]], Callable[..., Any]]
    scope: Callable[[], AbstractContextManager[Any]]
    scatter: Callable[[Any, Any, int], Any]

    @property
    def support(self) -> dict[str, Any]:
        """The names that generated code uses besides ``special``."""
        return namespace(self.xp, self.scatter)


@cache
def backend(name: str) -> Backend:
    """Return a back end by name; only now is its library imported."""
    if name not in NAMES:
        raise UnsupportedError(
            f"compile: `backend` must be one of {', '.join(NAMES)}; got {name!r}"
        )
    makers = {"numpy": _numpy, "jax": _jax, "torch": _torch}
    try:
        return makers[name]()
    except ImportError as error:
        raise MissingDependencyError(
            f"compile: backend {name!r} needs the package {error.name!r}; install it "
            f"with pip install 'deuterium[{name}]'"
        ) from None


def _nowhere(x: Any) -> None:
    """Return no device: the library moves arrays by itself."""


def _is_table(x: Any) -> bool:
    """Return whether ``x`` is an index or mask rather than numbers."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "ib"


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _numpy() -> Backend:
    def asarray(x: Any, device: Any) -> Any:
        return x if _is_table(x) else np.asarray(x, dtype=np.float64)

    quiet = lambda: np.errstate(all="ignore")  # noqa: E731  (a context each call)

    def scatter(x: Any, index: Any, size: int) -> Any:
        return add_into(x, index, (size,))

    return Backend("numpy", np, scipy.special, asarray, _nowhere, _same, quiet, scatter)


def _jax() -> Backend:
    import jax
    import jax.numpy as jnp
    import jax.scipy.special as jsp

    special = SimpleNamespace(
        expit=jsp.expit,
        logit=jsp.logit,
        log_expit=jax.nn.log_sigmoid,
        xlogy=jsp.xlogy,
        xlog1py=jsp.xlog1py,
        erf=jsp.erf,
        erfc=jsp.erfc,
        ndtr=jsp.ndtr,
        log_ndtr=jsp.log_ndtr,
        gammaln=jsp.gammaln,
        psi=jsp.digamma,
        polygamma=jsp.polygamma,
        erfinv=jsp.erfinv,
        ndtri=jsp.ndtri,
        i0=jsp.i0,
        i1=jsp.i1,
        entr=jsp.entr,
    )

    def asarray(x: Any, device: Any) -> Any:
        return x if _is_table(x) else jnp.asarray(x, dtype=jnp.float64)

    def scatter(x: Any, index: Any, size: int) -> Any:
        return jnp.zeros((*x.shape[:-1], size), x.dtype).at[..., index].add(x)

    def float64() -> Any:
        return jax.enable_x64(True)

    return Backend("jax", jnp, special, asarray, _nowhere, jax.jit, float64, scatter)


def _torch() -> Backend:
    import array_api_compat.torch as xp
    import torch

    functions = SimpleNamespace(**{n: getattr(xp, n) for n in dir(xp) if n[0] != "_"})
    functions.cbrt = lambda x: torch.sign(x) * torch.abs(x) ** (1.0 / 3.0)
    functions.arcsin, functions.arccos = torch.asin, torch.acos
    functions.arctan, functions.arcsinh = torch.atan, torch.asinh
    functions.arccosh, functions.arctanh = torch.acosh, torch.atanh
    functions.power = lambda x, y: torch.pow(_tensor(x, y), _tensor(y, x))
    functions.maximum = lambda x, y: torch.maximum(_tensor(x, y), _tensor(y, x))
    functions.minimum = lambda x, y: torch.minimum(_tensor(x, y), _tensor(y, x))
    special = SimpleNamespace(
        log_expit=torch.nn.functional.logsigmoid,
        **{
            n: getattr(torch.special, n)
            for n in (
                "expit", "logit", "xlogy", "xlog1py", "erf", "erfc", "ndtr", "log_ndtr",
                "gammaln", "psi", "polygamma", "erfinv", "ndtri", "i0", "i1", "entr",
            )
        },
    )  # fmt: skip

    def asarray(x: Any, device: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return x.to(device=device, dtype=torch.float64)
        kind = None if _is_table(x) else torch.float64
        return torch.as_tensor(np.array(x), dtype=kind, device=device)

    def device(x: Any) -> Any:
        return x.device if isinstance(x, torch.Tensor) else None

    def _tensor(x: Any, like: Any) -> Any:
        return x if isinstance(x, torch.Tensor) else asarray(x, device(like))

    functions.cumsum = lambda x, axis: torch.cumsum(x, dim=axis)

    def scatter(x: Any, index: Any, size: int) -> Any:
        zeros = torch.zeros((*x.shape[:-1], size), dtype=x.dtype, device=x.device)
        place = torch.as_tensor(index, device=x.device)
        return zeros.index_add(x.ndim - 1, place, x)

    return Backend(
        "torch", functions, special, asarray, device, _same, nullcontext, scatter
    )
