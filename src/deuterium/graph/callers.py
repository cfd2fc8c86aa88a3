"""Who asked a Variable for numbers: functions of SciPy and NumPy that do not dispatch.

Such a function meets a Variable only when it converts or compares it.  What to write
instead depends on the function, so the stack is looked at when the error is made.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType

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
    ("numpy.polynomial", "polyval"): (
        "polynomial.polyval does not dispatch on coefficients: use "
        "np.polyval(c[::-1], x)"
    ),
}
_MODULES: Mapping[str, str] = {
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


def advice() -> str:
    """Return what to write instead of the library function that is running, or ""."""
    general = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(("scipy.", "numpy.")):
            package = ".".join(module.split(".")[:2])
            wrapped = frame.f_locals.get("hypotest_fun_in")  # SciPy's own decorator's
            name = getattr(wrapped, "__name__", frame.f_code.co_name)
            found = _FUNCTIONS.get((package, name))
            if found:
                return found
            general = general or _MODULES.get(package, "")
        frame = frame.f_back
    return general
