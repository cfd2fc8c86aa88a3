"""NumPy's own lists of functions: each is supported, refused with advice, or no matter.

The lists are those of `numpy.testing.overrides`: every array function and every ufunc
that other libraries may take over.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)

from deuterium.functions.advice import REFUSALS
from deuterium.graph import protocols
from deuterium.graph.operator import BY_UFUNC

# What has no meaning for real numbers, by reason; patterns of whole names.
NO_MEANING = {
    "strings": (
        r"(char|strings)\..*|_(center|expandtabs(_length)?|ljust|rjust|zfill|slice|"
        r"r?partition(_index)?|replace|[lr]?strip_(chars|whitespace))|count|endswith|"
        r"startswith|r?find|r?index|is(alnum|alpha|decimal|digit|lower|numeric|space|"
        r"title|upper)|str_len"
    ),
    "records": r"lib\.recfunctions\..*",
    "dates": r"busday_(count|offset)|is_busday|datetime_as_string|isnat",
    "files, text and buffers": (
        r"save.*|loadtxt|genfromtxt|from(buffer|file|iter|string)|"
        r"array2string|array_(repr|str)"
    ),
    "kinds of numbers": r"can_cast|min_scalar_type",
    "memory": r"may_share_memory|shares_memory",
    "private": r"_ones_like",
}

# Functions with a meaning for reals that are still to come: conditions, jumps, order
# statistics and a few functions of one or two variables.
NOT_HERE_YET = """
all any around ceil count_nonzero digitize divmod equal fix floor floor_divide
fmod greater greater_equal heaviside interp isfinite isinf isnan isneginf isposinf
less less_equal logical_and logical_not logical_or logical_xor median modf nanmedian
nanpercentile nanquantile not_equal partition percentile piecewise
polynomial.polynomial.polyvalnd quantile remainder rint round select signbit sinc sort
trunc
"""


def name_of(function):
    module = (function.__module__ or "").removeprefix("numpy").removeprefix(".")
    return f"{module}.{function.__name__}" if module else function.__name__


def listed():
    """Return the name of every function of both lists, and whether it is a ufunc."""
    names = {name_of(f): False for f in get_overridable_numpy_array_functions()}
    return names | {f.__name__: True for f in get_overridable_numpy_ufuncs()}


def is_supported(name):
    meaning = protocols.UFUNCS.get(name) or BY_UFUNC.get(name)
    if meaning is not None:
        return not getattr(meaning, "__name__", "").startswith("_refuse")
    return name in {name_of(f) for f in protocols.FUNCTIONS}


def reason(name):
    """Return why a function has no meaning for reals, or None."""
    return next((k for k, p in NO_MEANING.items() if re.fullmatch(p, name)), None)


REAL = sorted(n for n in listed() if reason(n) is None or is_supported(n))
ADVICE = {n: text for r in REFUSALS for n, text in r.advice.items()}


def test_every_function_is_placed():
    """Supported, or refused with advice of its own."""
    assert {n for n in REAL if not is_supported(n)} - set(ADVICE) <= set(
        NOT_HERE_YET.split()
    )


def test_at_least_so_many_are_supported():
    supported = [n for n in REAL if is_supported(n)]
    assert len(REAL) >= 250
    assert len(supported) >= 200, len(supported)


@pytest.mark.parametrize("kind", NO_MEANING)
def test_every_kind_without_meaning_is_needed(kind):
    assert any(reason(n) == kind for n in listed())


def test_advice_is_about_functions_that_exist():
    assert set(ADVICE) <= set(listed()), set(ADVICE) - set(listed())


# The names that HIPS/autograd differentiates, as of its version 1.9, apart from its own
# internal ones and those that NumPy 2 no longer has.
AUTOGRAD = """
abs absolute add amax amin angle append arccos arccosh arcsin arcsinh arctan arctan2
arctanh array array_split atleast_1d atleast_2d atleast_3d broadcast_to cbrt clip
concatenate conj conjugate copysign cos cosh cross cumsum deg2rad degrees diag diagonal
diff divide dot dsplit einsum exp exp2 expand_dims expm1 fabs flipud fliplr float_power
fmax fmin full gradient hsplit hypot imag inner kron linspace log log10 log1p log2
logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply nan_to_num
negative outer pad partition power prod rad2deg radians ravel real real_if_close
reciprocal repeat reshape roll rollaxis rot90 select sign sin sinc sinh sort split sqrt
square squeeze stack std subtract sum swapaxes tan tanh tensordot tile trace transpose
tril triu true_divide var vsplit where mod remainder linalg.cholesky linalg.det
linalg.inv linalg.norm linalg.pinv linalg.slogdet linalg.solve
"""


@pytest.mark.parametrize("name", AUTOGRAD.split())
def test_what_autograd_differentiates(name):
    function = np
    for part in name.split("."):
        function = getattr(function, part)
    known = is_supported(name_of(function))
    if name_of(function) in NOT_HERE_YET.split() and not known:
        pytest.skip("not here yet")
    assert known
