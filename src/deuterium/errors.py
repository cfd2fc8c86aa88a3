"""The tree of exceptions: every error of the package derives from DeuteriumError.

A message names the caller or argument, the value it got, the rule it broke and the
next step.  Each class also derives from the builtin it refines, so that code written
for NumPy keeps catching what it used to catch.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArithmeticModeError",
    "BoundsError",
    "BudgetError",
    "CertificateError",
    "CheckpointError",
    "DataDependentBoundsWarning",
    "DeuteriumError",
    "DivergedError",
    "FormulaError",
    "GraphError",
    "InvalidInputError",
    "MissingAttributeError",
    "MissingDependencyError",
    "MissingSymbolError",
    "OutOfRangeError",
    "ShapeError",
    "SoundnessError",
    "SymbolicError",
    "UnknownSymbolError",
    "UnsupportedError",
    "did_you_mean",
]


class DeuteriumError(Exception):
    """Base class of every error raised on purpose by deuterium.

    Examples
    --------
    >>> import deuterium as dt
    >>> try:
    ...     dt.Box({"x": (2, 1)})
    ... except dt.DeuteriumError as error:
    ...     print(type(error).__name__)
    BoundsError
    """


class InvalidInputError(DeuteriumError, ValueError):
    """An argument has a value that the function cannot accept."""


class BoundsError(InvalidInputError):
    """Bounds of a domain are reversed, NaN, or leave no point."""


class ShapeError(InvalidInputError):
    """Shapes do not fit together."""


class OutOfRangeError(ShapeError, IndexError):
    """An index points outside an array, or is no index."""


class MissingSymbolError(InvalidInputError):
    """A symbol of the computation was given no value or no bounds."""


class UnknownSymbolError(InvalidInputError):
    """A name does not belong to any symbol of the computation."""


class FormulaError(InvalidInputError):
    """A formula given as text cannot be read, or uses what is not allowed."""


class GraphError(InvalidInputError):
    """A graph, usually one loaded from a file, breaks the rules of graphs."""


class CertificateError(InvalidInputError):
    """A certificate cannot be read, or does not prove what it claims."""


class CheckpointError(InvalidInputError):
    """A checkpoint cannot be read or written, is damaged, or is about other work."""


class SoundnessError(DeuteriumError, RuntimeError):
    """A certified bound contradicts a value reached: a fault of deuterium itself."""


class ArithmeticModeError(DeuteriumError, ArithmeticError):
    """Floating point is set to flush small numbers to zero or to round elsewhere."""


class BudgetError(DeuteriumError, RuntimeError):
    """A release would pass a privacy budget, and was not made."""


class DivergedError(DeuteriumError, ArithmeticError):
    """Training has diverged, and a further step would be of no use."""


class UnsupportedError(DeuteriumError, TypeError):
    """A function or operation has no meaning, or no implementation, on Variables."""


class MissingAttributeError(UnsupportedError, AttributeError):
    """An attribute of NumPy's arrays that Variables do not have."""


class SymbolicError(DeuteriumError, TypeError):
    """A closed form has no number, or no equivalent in the computation graph."""


class MissingDependencyError(DeuteriumError, ImportError):
    """An optional package is needed for this call and is not installed."""


class DataDependentBoundsWarning(UserWarning):
    """Bounds of a domain are, or look as if they were, computed from the data.

    Examples
    --------
    >>> import warnings
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     privacy.warn_if_from_data(dt.Box({"age": (31, 45)}), {"age": [31, 40, 45]})
    >>> caught[0].category.__name__
    'DataDependentBoundsWarning'
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
