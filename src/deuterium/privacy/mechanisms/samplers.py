"""Noise itself: OpenDP's samplers, and NumPy's for experiments.

OpenDP's noise is exact: rational arithmetic on a grid finer than any double, fed by the
operating system's random numbers.  NumPy's is neither, and must be asked for by an
argument that says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.interval.environment import standard_only
from deuterium.privacy.mechanisms.release_shapes import apart

__all__ = [
    "discrete_gaussian",
    "gaussian",
    "generator",
    "laplace",
    "numbers",
    "numpy_discrete_gaussian",
    "numpy_gaussian",
    "numpy_laplace",
    "released",
]


def gaussian(values: Any, sigma: float) -> Any:
    """Return values with OpenDP's Gaussian noise."""
    return _by_opendp("make_gaussian", "l2_distance", float, values, sigma)


def laplace(values: Any, scale: float) -> Any:
    """Return values with OpenDP's Laplace noise."""
    return _by_opendp("make_laplace", "l1_distance", float, values, scale)


def discrete_gaussian(values: Any, sigma: float) -> Any:
    """Return integers with OpenDP's discrete Gaussian noise."""
    return _by_opendp("make_gaussian", "l2_distance", int, values, sigma)


def _by_opendp(make: str, metric: str, kind: type, values: Any, scale: float) -> Any:
    try:
        dp: Any = importlib.import_module("opendp.prelude")
    except ImportError:
        raise MissingDependencyError(
            "release: secure noise comes from OpenDP, which is not installed; run "
            "pip install 'deuterium[noise]' (or, for experiments only, give "
            "`insecure_rng`)"
        ) from None
    dp.enable_features("contrib")  # where OpenDP keeps its noise
    # what it calls an int has 32 bits
    element = {"T": float, "nan": False} if kind is float else {"T": "i64"}
    measurement = getattr(dp.m, make)(
        dp.vector_domain(dp.atom_domain(**element)),
        getattr(dp, metric)(T=float),
        scale=scale,
    )
    return np.asarray(measurement(values.astype(kind).tolist()))


def generator(who: str, rng: Any) -> np.random.Generator:
    """Return NumPy's generator from a seed or another, or say why there is none."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError, OverflowError) as why:
        raise InvalidInputError(
            f"{who}: `insecure_rng` must be a numpy.random.Generator or a seed, got "
            f"{rng!r:.80} ({why})"
        ) from None


def numpy_gaussian(values: Any, sigma: float, rng: np.random.Generator) -> Any:
    """Return values with Gaussian noise of double precision."""
    return values + rng.normal(0.0, sigma, values.shape)


def numpy_laplace(values: Any, scale: float, rng: np.random.Generator) -> Any:
    """Return values with Laplace noise of double precision."""
    return values + rng.laplace(0.0, scale, values.shape)


def numpy_discrete_gaussian(values: Any, sigma: float, rng: Any) -> Any:
    """Return integers with discrete Gaussian noise.

    By rejection from the discrete Laplace distribution (Canonne, Kamath and Steinke
    2020, algorithm 3), in double precision.
    """
    noise = np.zeros(values.size, dtype=np.int64)
    waiting = np.arange(values.size)
    t = np.floor(sigma) + 1
    while waiting.size:
        stop = -np.expm1(-1 / t)
        drawn = rng.geometric(stop, waiting.size) - rng.geometric(stop, waiting.size)
        away = np.abs(drawn) - sigma**2 / t
        taken = rng.random(waiting.size) < np.exp(-(away**2) / (2 * sigma**2))
        noise[waiting[taken]] = drawn[taken]
        waiting = waiting[~taken]
    return values + noise


@standard_only
def released(
    noise: Any,
    value: Any,
    scale: float,
    both: tuple[Callable[..., Any], Callable[..., Any]],
    rng: Any,
    exact: Callable[[Any], Any],
) -> Any:
    """Return a value with noise from the secure sampler or the insecure one."""
    parts, listed = apart(value, noise.shape, noise.size, exact)
    flat = np.concatenate([p.ravel() for p in parts])
    secure, insecure = both
    if rng is None:
        noisy = secure(flat, scale)
    else:
        noisy = insecure(flat, scale, generator("release", rng))
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
