"""Largest errors of float32 library functions of PyTorch and JAX on this processor.

``python benchmarks/library_errors.py [stride] [names]`` tries every stride-th float32
number (101 by default: 4 * 10**7 points a function, in minutes) and prints, in units of
u = 2**-24, the largest relative error beyond what underflow adds, and the largest
error where the value is at most 4.  `deuterium.ops.framework_errors` assumes at least
twice as much.  The truth is NumPy's and SciPy's in float64.
"""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import jax.scipy.special as jsc
import numpy as np
import scipy.special as sc
import torch
from torch.nn import functional as F

U, TINY = 2.0**-24, 2.0**-126
CHUNK = 2**22  # numbers at once
FUNCTIONS = {
    "exp": (np.exp, torch.exp, jnp.exp),
    "exp2": (np.exp2, torch.exp2, jnp.exp2),
    "expm1": (np.expm1, torch.expm1, jnp.expm1),
    "log": (np.log, torch.log, jnp.log),
    "log2": (np.log2, torch.log2, jnp.log2),
    "log10": (np.log10, torch.log10, jnp.log10),
    "log1p": (np.log1p, torch.log1p, jnp.log1p),
    "sinh": (np.sinh, torch.sinh, jnp.sinh),
    "cosh": (np.cosh, torch.cosh, jnp.cosh),
    "tanh": (np.tanh, torch.tanh, jnp.tanh),
    "arcsinh": (np.arcsinh, torch.asinh, jnp.arcsinh),
    "arccosh": (np.arccosh, torch.acosh, jnp.arccosh),
    "arctanh": (np.arctanh, torch.atanh, jnp.arctanh),
    "expit": (sc.expit, torch.sigmoid, jax.nn.sigmoid),
    "log_expit": (sc.log_expit, F.logsigmoid, jax.nn.log_sigmoid),
    "erf": (sc.erf, torch.erf, jsc.erf),
    "erfc": (sc.erfc, torch.erfc, jsc.erfc),
    "ndtr": (sc.ndtr, torch.special.ndtr, jsc.ndtr),
    "sin": (np.sin, torch.sin, jnp.sin),
    "cos": (np.cos, torch.cos, jnp.cos),
    "tan": (np.tan, torch.tan, jnp.tan),
    "arcsin": (np.arcsin, torch.asin, jnp.arcsin),
    "arccos": (np.arccos, torch.acos, jnp.arccos),
    "arctan": (np.arctan, torch.atan, jnp.arctan),
    "sqrt": (np.sqrt, torch.sqrt, jnp.sqrt),
    "rsqrt": (lambda x: 1 / np.sqrt(x), torch.rsqrt, jax.lax.rsqrt),
    "reciprocal": (lambda x: 1 / x, torch.reciprocal, jnp.reciprocal),
    "cbrt": (np.cbrt, None, jnp.cbrt),
}
NEAR = ("sin", "cos", "tan")  # tried up to 10**4 only


def worst(got: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the largest relative error, and the largest of values of at most 4."""
    known = np.isfinite(truth) & (np.abs(truth) < 2.0**126)
    off, size = np.abs(got - truth)[known], np.abs(truth)[known]
    if not off.size:
        return np.zeros(2)
    relative = np.maximum(off - 2 * TINY, 0) / np.maximum(size, TINY) / U
    return np.array([relative.max(), (off * (size <= 4)).max() / U])


def main() -> None:
    """Print a line for each function."""
    torch.set_num_threads(1)
    stride = int(sys.argv[1]) if len(sys.argv) > 1 else 101
    for name in sys.argv[2:] or FUNCTIONS:
        truth, *others = FUNCTIONS[name]
        found = np.zeros((2, 2))
        for start in range(0, 2**32 // stride, CHUNK):
            places = np.arange(start, min(start + CHUNK, 2**32 // stride)) * stride
            x = places.astype(np.uint32).view(np.float32)
            x = x[np.isfinite(x) & (np.abs(x) >= TINY)]
            x = x[np.abs(x) < 1e4] if name in NEAR else x
            if not x.size:
                continue
            exact = truth(x.astype(np.float64))
            for i, function in enumerate(others):
                if function is not None:
                    given = torch.from_numpy(x) if i == 0 else x
                    got = np.asarray(function(given), np.float64)
                    found[i] = np.maximum(found[i], worst(got, exact))
        for who, (relative, absolute) in zip(("PyTorch", "JAX"), found, strict=True):
            print(f"{name:10} {who:8} {relative:10.4g} {absolute:10.4g}", flush=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
