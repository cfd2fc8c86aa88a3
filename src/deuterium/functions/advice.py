"""What stays out, why, and what to write instead: the words of refusals and of docs.

A function that is listed here and supported after all is supported: advice is only
looked at for what the tables of functions do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deuterium.graph import protocols

EVALUATE = "evaluate first with `.evaluate({...})` and use NumPy on the numbers"


@dataclass(frozen=True)
class Refusal:
    """A kind of functions that stay out.

    Attributes
    ----------
    reason : str
        Why they stay out.
    instead : str
        What to write in general.
    names : str
        Names as NumPy's modules spell them, without ``numpy.``.
    each : mapping
        What to write instead of some more of them, by name.
    """

    reason: str
    instead: str
    names: str
    each: Mapping[str, str] = field(default_factory=dict)

    @property
    def advice(self) -> dict[str, str]:
        """What to write instead, by name."""
        return dict.fromkeys(self.names.split(), self.instead) | dict(self.each)


_TWO_BY_TWO = "of a 2 x 2 matrix write trace / 2 +- sqrt((trace / 2)**2 - det)"

SPECTRA = Refusal(
    "its values come from eigenvalues or singular values",
    "use np.linalg.det, solve, inv or cholesky, or norms without singular values",
    "linalg.eigvals linalg.eigvalsh linalg.svd roots",
    {
        "linalg.eig": _TWO_BY_TWO,
        "linalg.eigh": _TWO_BY_TWO,
        "linalg.svdvals": "the largest is at most np.linalg.norm(a)",
        "linalg.matrix_rank": "it jumps; look at np.linalg.det(a.T @ a)",
        "linalg.qr": (
            "use np.linalg.cholesky(a.T @ a, upper=True) for R and "
            "np.linalg.solve(R.T, a.T).T for Q, of independent columns"
        ),
    },
)
_REAL = ("arccos", "arcsin", "arctanh", "log", "log10", "log2", "power", "sqrt")
COMPLEX = Refusal(
    "its values are complex",
    "multiply by matrices of cosines and sines",
    "fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft "
    "fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn sort_complex",
    {f"lib.scimath.{name}": f"use np.{name}, which is real" for name in _REAL}
    | {"lib.scimath.logn": "use np.log(x) / np.log(n)"},
)
BY_CONDITION = (
    "which elements a condition selects would depend on a Variable; use "
    "np.where(condition, a, b), or np.sum(np.where(condition, a, 0)) for sums"
)
PLACES_OF_DATA = Refusal(
    "the places it names, or how many, depend on the data",
    EVALUATE,
    "argpartition argwhere flatnonzero intersect1d isin lexsort nonzero "
    "setdiff1d setxor1d trim_zeros union1d unique unique_all unique_counts "
    "unique_inverse unique_values ravel_multi_index unravel_index ix_",
    {"argsort": "np.sort gives the elements in order; for the places, " + EVALUATE}
    | dict.fromkeys(("nonzero", "flatnonzero", "argwhere", "extract"), BY_CONDITION)
    | dict.fromkeys(
        ("argmax", "nanargmax"), "use np.max for the value, or evaluate for the place"
    )
    | dict.fromkeys(
        ("argmin", "nanargmin"), "use np.min for the value, or evaluate for the place"
    ),
)
COUNTS = Refusal(
    "it counts, and counts do nothing but jump",
    "sum a condition, np.sum(np.where(condition, 1, 0), axis)",
    "histogram2d histogramdd histogram_bin_edges",
)
IN_PLACE = Refusal(
    "it writes into an array, and Variables are immutable",
    "use np.where with a mask, np.insert, or join parts with np.concatenate",
    "place put put_along_axis putmask",
    {
        "copyto": (
            "use np.broadcast_to(value, shape) for np.full_like, np.where with a mask, "
            "or join parts with np.concatenate"
        ),
        "fill_diagonal": (
            "use np.where(np.eye(n, dtype=bool), values, a), which makes a new array"
        ),
    },
)
TRUTHS = Refusal(
    "whether whole arrays agree is no number, but true or false",
    EVALUATE,
    "allclose array_equal array_equiv isclose",
)
BITS = Refusal(
    "it jumps everywhere, or is about bits and the neighbours of doubles",
    "do it to the numbers, outside the graph",
    "bitwise_and bitwise_or bitwise_xor bitwise_count invert left_shift right_shift "
    "gcd lcm frexp nextafter spacing packbits unpackbits",
    {"unwrap": "it jumps; add multiples of 2 pi to the numbers, outside the graph"},
)
REFUSALS = (SPECTRA, COMPLEX, PLACES_OF_DATA, COUNTS, IN_PLACE, TRUTHS, BITS)
"""Every kind of functions with a meaning for real numbers that stays out."""

OTHERS = {
    "softmax": "use deuterium.softmax",
    "logsumexp": "use deuterium.logsumexp",
    "add.at": "multiply by a matrix of zeros and ones that says what goes where",
    "add.reduceat": "sum slices, np.stack([np.sum(x[a:b]) for a, b in parts])",
}
"""Advice for what is no array function of NumPy."""

for _refusal in REFUSALS:
    for _name, _advice in _refusal.advice.items():
        protocols.INSTEAD[f"numpy.{_name}"] = _advice
        if "." not in _name:
            protocols.INSTEAD[_name] = _advice
protocols.INSTEAD.update(OTHERS)
