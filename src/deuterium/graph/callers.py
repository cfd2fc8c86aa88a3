"""Who asked a Variable for numbers: functions of libraries that do not dispatch.

Such a function meets a Variable only when it converts or compares it.  What to write
instead depends on the function, so the stack is looked at when the error is made.
Functions written in C have no frame there: their call is read in the caller's line.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from itertools import islice
from types import FrameType, ModuleType
from typing import Any

_DISTRIBUTIONS = (
    "the distributions of scipy.stats take numbers; of the normal distribution write "
    "scipy.special.ndtr((x - loc) / scale) for cdf, scipy.special.log_ndtr for logcdf, "
    "loc + scale * scipy.special.ndtri(q) for ppf, "
    "np.exp(-x**2 / 2) / np.sqrt(2 * np.pi) for pdf; others from their formulas"
)
_OF_DISTRIBUTIONS = (
    "pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf", "pmf", "logpmf"
)  # fmt: skip
_VECTORIZED = (
    "np.vectorize calls a function on numbers: call the function on the array itself, "
    "or np.stack([f(e) for e in x])"
)
_FUNCTIONS: Mapping[tuple[str, str], str] = {
    ("scipy.special", "softmax"): (
        "scipy.special.softmax does not dispatch: use deuterium.softmax(x, axis=-1)"
    ),
    ("scipy.special", "log_softmax"): (
        "scipy.special.log_softmax does not dispatch: use deuterium.log_softmax(x)"
    ),
    ("scipy.special", "logsumexp"): (
        "scipy.special.logsumexp does not dispatch: use deuterium.logsumexp(x)"
    ),
    ("scipy.special", "polygamma"): (
        "scipy.special.polygamma does not dispatch: use deuterium.polygamma(n, x)"
    ),
    **{("scipy.stats", name): _DISTRIBUTIONS for name in _OF_DISTRIBUTIONS},
    ("scipy.stats", "zscore"): "write (x - np.mean(x)) / np.std(x) for zscore",
    ("scipy.stats", "gmean"): "write np.exp(np.mean(np.log(x))) for gmean",
    ("scipy.stats", "hmean"): "write 1 / np.mean(1 / x) for hmean",
    ("scipy.stats", "pearsonr"): "write np.corrcoef(x, y)[0, 1] for pearsonr",
    ("scipy.stats", "entropy"): "write -np.sum(p * np.log(p)) for entropy",
    ("numpy.lib", "_vectorize_call"): _VECTORIZED,
    ("numpy.lib", "_get_ufunc_and_otypes"): _VECTORIZED,
    ("numpy.lib", "__getitem__"): (
        "np.mgrid, np.ogrid and matrices hold numbers: use np.linspace, np.meshgrid or "
        "np.concatenate"
    ),
    **{
        ("statistics", name): f"write {formula} for statistics.{name}"
        for name, formula in {
            "mean": "np.mean(x)",
            "fmean": "np.mean(x)",
            "median": "np.median(x)",
            "stdev": "np.std(x, ddof=1)",
            "pstdev": "np.std(x)",
            "variance": "np.var(x, ddof=1)",
            "pvariance": "np.var(x)",
            "harmonic_mean": "1 / np.mean(1 / x)",
            "geometric_mean": "np.exp(np.mean(np.log(x)))",
            "quantiles": "np.quantile(x, q)",
            "covariance": "np.cov(x, y)[0, 1]",
            "correlation": "np.corrcoef(x, y)[0, 1]",
            "linear_regression": "np.polyfit(x, y, 1)",
        }.items()
    },
    ("numpy.polynomial", "polyval"): (
        "polynomial.polyval does not dispatch on coefficients: use "
        "np.polyval(c[::-1], x)"
    ),
}
_MODULES: Mapping[str, str] = {
    "statistics": "statistics takes numbers: write the formula with NumPy's functions",
    "pandas": (
        "pandas holds numbers: write series.to_numpy() * x for series * x, and NumPy's "
        "functions of np.stack(list(...)) for methods of a Series of Variables"
    ),
    "scipy.stats": (
        "scipy.stats takes numbers: write the formula with NumPy's functions"
    ),
    "scipy.linalg": "scipy.linalg takes numbers: use the functions of np.linalg",
    "scipy.fft": "Fourier transforms are complex: multiply by a matrix of cosines",
    "scipy.signal": "scipy.signal takes numbers: use np.convolve or np.correlate",
    "scipy.integrate": (
        "scipy.integrate takes numbers: use np.trapezoid, or a sum of values times "
        "weights"
    ),
    "scipy.interpolate": "scipy.interpolate takes numbers: use np.interp or np.polyval",
    "scipy.spatial": (
        "scipy.spatial takes numbers: use np.linalg.norm(x[:, None] - y, axis=-1)"
    ),
    "scipy.optimize": (
        "scipy.optimize takes numbers: give it deuterium.compile(...), or use "
        "deuterium.minimize"
    ),
}


_OF_MATH: Mapping[str, str] = {
    "acos": "np.arccos(x)",
    "acosh": "np.arccosh(x)",
    "asin": "np.arcsin(x)",
    "asinh": "np.arcsinh(x)",
    "atan": "np.arctan(x)",
    "atan2": "np.arctan2(y, x)",
    "atanh": "np.arctanh(x)",
    "dist": "np.linalg.norm(x - y)",
    "erf": "scipy.special.erf(x)",
    "erfc": "scipy.special.erfc(x)",
    "fsum": "np.sum(x)",
    "gamma": "np.exp(scipy.special.gammaln(x))",
    "isclose": "np.abs(x - y) <= 1e-9",
    "lgamma": "scipy.special.gammaln(x)",
    "pow": "x**y",
    "sumprod": "np.dot(x, y)",
}
_DRAWS = (
    "random numbers are drawn with parameters that are numbers: draw them first, as in "
    "loc + scale * rng.standard_normal(n) and low + (high - low) * rng.random(n)"
)


def advice() -> str:
    """Return what to write instead of the library function that is running, or ""."""
    general = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("deuterium."):
            frame = frame.f_back
            continue
        general = general or _of_call(frame)
        depth = 2 if module.startswith(("scipy.", "numpy.")) else 1
        package = ".".join(module.split(".")[:depth])
        wrapped = frame.f_locals.get("hypotest_fun_in")  # SciPy's own decorator's
        name = getattr(wrapped, "__name__", frame.f_code.co_name)
        found = _FUNCTIONS.get((package, name))
        if found:
            return found
        general = general or _MODULES.get(package, "")
        frame = frame.f_back
    return general


def _of_call(frame: FrameType) -> str:
    """Return what to write instead of the function in C that a frame is calling."""
    called = _called(frame)
    name = getattr(called, "__name__", "")
    if getattr(called, "__module__", None) in ("math", "cmath"):
        other = _OF_MATH.get(name, f"np.{name}(x)")
        return f"math.{name} takes numbers: write {other}"
    owner = getattr(called, "__self__", None)
    if type(owner).__module__.startswith("numpy.random"):
        return _DRAWS
    return ""


def _called(frame: FrameType) -> Any:
    """Return the function whose call a frame is at, if its line has a plain name."""
    places = islice(frame.f_code.co_positions(), frame.f_lasti // 2, None)
    line, last, start, _ = next(places, (None, None, None, None))
    if line is None or last is None or start is None:
        return None
    text = linecache.getline(frame.f_code.co_filename, line).encode()[start:].decode()
    first, *rest = text.partition("(")[0].strip().split(".")
    found = frame.f_locals.get(first, frame.f_globals.get(first))
    for name in rest:
        found = getattr(found, name, None) if _is_known(found) else None
    return found


def _is_known(x: Any) -> bool:
    """Return whether asking for an attribute runs nobody's code."""
    return isinstance(x, ModuleType) or type(x).__module__.startswith("numpy.random")
