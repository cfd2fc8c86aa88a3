"""Checks that floating-point arithmetic is IEEE 754 double, rounded to nearest.

IEEE 754 double precision, rounded to nearest, subnormal numbers included.  Any library
may change that for the thread that loads it, without a word: code linked with
``-ffast-math`` flushes subnormal numbers to zero, ``fesetround`` directs the rounding.
Bounds worked out then are wrong, so every entry asks here, before it works and before
what it worked out is trusted; where the answer is no, it refuses.

The settings are a register's, one for each thread, that scalar operations and NumPy's
vector loops obey alike (MXCSR on x86, FPCR on ARM): so a few additions of Python floats
tell, for a tenth of a microsecond.  The threads that NumPy's matrix products run on
have registers of their own, as they were when the threads began: mostly, when NumPy was
imported.  A product large enough to reach them all tells, once in a process.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from deuterium.errors import ArithmeticModeError

P = ParamSpec("P")
R = TypeVar("R")

# Given by their bits, and in a list: no compiler works out sums of what may change.
_NUMBERS: list[float] = list(
    struct.unpack(
        "=7d",
        struct.pack(
            "=7Q",
            0x3FF0000000000000,  # 1
            0x3CA0000000000000,  # 2**-53, half an ulp: 1 and it make 1, the even one
            0x3CA0000008000000,  # a little more than half an ulp
            0x3FF0000000000001,  # 1 + 2**-52: so 1 and it make this
            0x0018000000000000,  # 1.5 * 2**-1022
            0x8010000000000000,  # -(2**-1022): the two make 2**-1023, a subnormal
            0x0010000000000000,  # 2**-1022
        ),
    )
)
_SUBNORMAL = struct.pack("=Q", 0x0008000000000000)
_AS_READ: list[float] = list(struct.unpack("=d", _SUBNORMAL))
_NORMAL, _SIZE = 0x0010000000000000, 0x7FFFFFFFFFFFFFFF  # 2**-1022; all but the sign


def is_standard() -> bool:
    """Return whether this thread rounds to nearest and keeps subnormal numbers."""
    one, tie, more, above, least, normal, small = _NUMBERS
    # upward, the first sum is larger; downward, to zero and rounded twice the second is
    # less; and a subnormal number, flushed or read as zero, is missing in the last
    return one + tie + more == above and least + normal + small == least


# Not empty once matrix products were found to be as they must.  A forked process has
# other threads.
_PRODUCTS: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PRODUCTS.clear)

ROWS, DEPTH, THREADS = 256, 64, 64  # for each thread, of which there are no more


def products_are_standard() -> bool:
    """Return whether matrix products do, on all threads, as this thread does.

    Only the last of the terms of each sum is not zero, so that nothing depends on their
    order; it underflows, is subnormal before, or has to be rounded.
    """
    count = ROWS * min(os.cpu_count() or 1, THREADS)
    numbers = [2.0**-1022, 2.0**-1022 - 2.0**-1030, 1.1, -1.3]
    rows, columns = np.resize(numbers, count), np.resize([0.75, *numbers[2:]], DEPTH)
    a, b = np.zeros((count, DEPTH)), np.zeros((DEPTH, DEPTH))
    a[:, -1], b[-1] = rows, columns
    with np.errstate(all="ignore"):
        return (a @ b).tobytes() == np.multiply.outer(rows, columns).tobytes()


# What was worked out before, and is kept, may be wrong where a refusal comes: clear it.
_KEPT: list[Callable[[], object]] = []
_WAS_STANDARD = is_standard()  # when numbers of this package were worked out, once


def require_standard(who: str) -> None:
    """Refuse to go on where this thread's arithmetic is another.

    Raises
    ------
    ArithmeticModeError
        It is; the message says what is set.
    """
    if not (_WAS_STANDARD and is_standard()):
        _refuse(who)
    if not _PRODUCTS:
        if not products_are_standard():
            _refuse(who)
        _PRODUCTS.append(True)


def require_read(who: str, value: Any) -> None:
    """Refuse to ask of subnormal numbers whether they are 0 where they read as such."""
    *_, least, _, small = _NUMBERS
    if _AS_READ[0] + small != least:
        bits = np.asarray(value, dtype=np.float64).view(np.int64) & _SIZE
        if np.any((bits > 0) & (bits < _NORMAL)):
            _refuse(who)


def standard_only(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse where the arithmetic is another, before or after it ran.

    After it as well, as a library loaded meanwhile can change it.
    """
    who = function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        require_standard(who)
        result = function(*args, **kwargs)
        require_standard(who)
        return result

    return checked


def forgets(clear: Callable[[], object]) -> None:
    """Have a table of results kept between calls cleared with every refusal."""
    _KEPT.append(clear)


def _refuse(who: str) -> NoReturn:
    for clear in _KEPT:
        clear()
    found = _found()
    what = " and ".join(found)
    cure = "put it back in this thread, as docs/maximize.md says"
    if not found:
        what = "was not standard when deuterium was imported"
        if _WAS_STANDARD:
            what = "of the threads of NumPy's matrix products is not standard"
        cure = "start Python anew, and import deuterium first"
    raise ArithmeticModeError(
        f"{who}: floating point {what}. No bound worked out so can be trusted: bounds "
        "need IEEE 754 doubles, subnormal ones too, rounded to nearest. A library "
        "built with -ffast-math, torch.set_flush_denormal(True) or fesetround changes "
        f"that; {cure}, or load that library in another process"
    )


def _found() -> list[str]:
    """Return what is set, in words; bits are looked at, as comparisons may be wrong."""
    one, tie, more, above, least, normal, small = _NUMBERS
    found = []
    if one + tie != one:
        found.append("rounds upward")
    elif -one - tie != -one:
        found.append("rounds downward")
    elif one + more != above:
        found.append("rounds toward zero, or twice")
    if struct.pack("=d", least + normal) != _SUBNORMAL:
        found.append("flushes subnormal results to zero (FTZ)")
    if _AS_READ[0] + small != least:
        found.append("reads subnormal numbers as zero (DAZ)")
    return found
