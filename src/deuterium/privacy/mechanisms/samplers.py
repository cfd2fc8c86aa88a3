"""What all samplers share: OpenDP's noise, NumPy's for experiments, and the values.

OpenDP's noise is exact: rational arithmetic on a grid finer than any double, fed by the
operating system's random numbers.  So is ours, of one law (`secure_gaussian`).  NumPy's
is neither, and must be asked for by an argument that says so.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.interval.environment import standard_only
from deuterium.privacy.mechanisms.release_shapes import apart

__all__ = [
    "discrete_laplace",
    "generator",
    "integers",
    "numbers",
    "opendp",
    "opendp_measurement",
    "released",
]


def opendp_measurement(
    make: str, norm: float, kind: type, scale: float, *, scalar: bool
) -> Any:
    """Return OpenDP's measurement: from the exact result to one with noise.

    Parameters
    ----------
    make : str
        Name of OpenDP's constructor.
    norm : {1, 2}
        Of its sensitivity.
    kind : {float, int}
        Of what numbers.
    scale : float
        As OpenDP understands it.
    scalar : bool
        Whether it takes one number, not a list of them.
    """
    dp = opendp("release: secure noise")
    # what it calls an int has 32 bits
    element = {"T": float, "nan": False} if kind is float else {"T": "i64"}
    numbers = dp.atom_domain(**element)
    constructor = getattr(dp.m, make)
    if scalar:
        return constructor(numbers, dp.absolute_distance(T=float), scale=scale)
    metric = getattr(dp, f"l{norm:g}_distance")(T=float)
    return constructor(dp.vector_domain(numbers), metric, scale=scale)


def opendp(what: str) -> Any:
    """Return the package OpenDP, or say what needs it and how to install it."""
    try:
        dp: Any = importlib.import_module("opendp.prelude")
    except ImportError:
        raise MissingDependencyError(
            f"{what} comes from OpenDP, which is not installed; run "
            "pip install 'deuterium[noise]' (or, for experiments only, give "
            "`insecure_rng`)"
        ) from None
    dp.enable_features("contrib")  # where OpenDP keeps its noise
    return dp


def generator(who: str, rng: Any) -> np.random.Generator:
    """Return NumPy's generator from a seed or another, or say why there is none."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError, OverflowError) as why:
        raise InvalidInputError(
            f"{who}: `insecure_rng` must be a numpy.random.Generator or a seed, got "
            f"{rng!r:.80} ({why})"
        ) from None


def discrete_laplace(scale: float, count: int, rng: np.random.Generator) -> Any:
    """Return integers of chances ``~ exp(-|k| / scale)``, drawn by NumPy: (count,)."""
    stop = -np.expm1(-1 / scale)
    return rng.geometric(stop, count) - rng.geometric(stop, count)


@standard_only
def released(noise: Any, value: Any, scale: float, rng: Any) -> Any:
    """Return a value with noise from the secure sampler or the insecure one.

    Parameters
    ----------
    noise : Noise
        Its law, and the shape of what was bounded.
    value : array_like or list of array_like
        What is to be released.
    scale : float
        Of the noise.
    rng : numpy.random.Generator, int or None
        None for the secure sampler.
    """
    parts, listed = apart(value, noise.shape, noise.size, noise.exact)
    flat = np.concatenate([p.ravel() for p in parts])
    if rng is None:
        noisy = noise.secure(flat, scale)
    else:
        noisy = noise.insecure(flat, scale, generator("release", rng))
    pieces = np.split(noisy, np.cumsum([p.size for p in parts])[:-1])
    shaped = [n.reshape(p.shape) for n, p in zip(pieces, parts, strict=True)]
    released = [n if n.shape else n.item() for n in shaped]
    return released if listed else released[0]


def numbers(value: Any) -> Any:
    """Return finite real numbers as an array, of integers or doubles."""
    if isinstance(value, np.ma.MaskedArray):
        raise InvalidInputError(
            "release: a masked array has values that are not there; fill it, as its "
            "sensitivity was bounded"
        )
    try:
        given = np.asarray(value)
        if given.dtype.kind == "O":
            given = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(
            f"release: `value` must be an array of real numbers, got {value!r:.80}"
        ) from None
    if given.dtype.kind not in "biuf":
        raise InvalidInputError(
            f"release: `value` must be real numbers, got dtype {given.dtype}"
        )
    if given.dtype.kind not in "iu":
        given = given.astype(np.float64)
    if not np.isfinite(given).all():
        raise InvalidInputError(
            "release: the value is not finite; noise hides nothing of it"
        )
    return given


def integers(value: Any, scale: float) -> Any:
    """Return integers as an array, if noise of a scale fits beside them."""
    whole = numbers(value)
    if not np.array_equal(whole, np.rint(whole)):
        raise InvalidInputError(
            "release: this noise is for integers; round the value to a grid first, "
            "and bound the sensitivity of the rounded value"
        )
    if (np.abs(whole.astype(np.float64)) + 1e3 * scale >= 2.0**62).any():
        raise InvalidInputError(
            "release: values and noise must fit 64-bit integers with room to "
            "spare; use a coarser grid"
        )
    return whole.astype(np.int64)
