"""The methods of Variable that are functions of NumPy under another spelling.

They take no part in what a Variable is; they only name functions: those that NumPy
calls on the elements of object arrays, and those that arrays have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.errors import (
    MissingAttributeError,
    ShapeError,
    UnsupportedError,
)
from deuterium.graph import protocols
from deuterium.graph.hooks import METHODS, Node

if TYPE_CHECKING:
    from deuterium.graph.variable import Variable


_IMMUTABLE = "Variables are immutable; use the function that makes a new array"
_NUMBERS = "it would need numbers; evaluate first with `.evaluate({...})`"
_OTHER_METHODS = {
    **dict.fromkeys(("fill", "itemset", "put", "resize", "setfield"), _IMMUTABLE),
    **dict.fromkeys(("sort", "partition"), f"{_IMMUTABLE}, where there is one"),
    **dict.fromkeys(
        ("tolist", "item", "tobytes", "tofile", "dump", "dumps", "view"),
        _NUMBERS,
    ),
    **dict.fromkeys(
        ("argmax", "argmin", "argsort", "argpartition", "nonzero", "searchsorted"),
        "a place that depends on a Variable is no number; evaluate first with "
        "`.evaluate({...})`",
    ),
    **dict.fromkeys(
        ("dtype", "strides", "itemsize", "nbytes", "flags", "base", "byteswap"),
        "a Variable lies in no memory; its values are float64",
    ),
    "choose": "use np.choose with an array of numbers, or np.where",
    "jump_slope": "use x.ravel(), which can be iterated over",
}


class Methods(Node):
    """Base class of Variable."""

    __slots__ = ()

    # -- rounding, by Python's own functions -----------------------------------------

    def __round__(self, ndigits: int | None = None) -> Variable:
        return protocols.call(np.round, self, ndigits or 0)

    def __floor__(self) -> Variable:
        return METHODS["unary"]("floor", self)

    def __ceil__(self) -> Variable:
        return METHODS["unary"]("ceil", self)

    def __trunc__(self) -> Variable:
        return METHODS["unary"]("trunc", self)

    # -- methods NumPy calls on the elements of object arrays ------------------------

    def exp(self) -> Variable:
        """Return the exponential."""
        return METHODS["unary"]("exp", self)

    def exp2(self) -> Variable:
        """Return ``2 ** self``."""
        return METHODS["unary"]("exp2", self)

    def expm1(self) -> Variable:
        """Return ``exp(self) - 1``."""
        return METHODS["unary"]("expm1", self)

    def log(self) -> Variable:
        """Return the natural logarithm."""
        return METHODS["unary"]("log", self)

    def log2(self) -> Variable:
        """Return the logarithm to base 2."""
        return METHODS["unary"]("log2", self)

    def log10(self) -> Variable:
        """Return the logarithm to base 10."""
        return METHODS["unary"]("log10", self)

    def log1p(self) -> Variable:
        """Return ``log(1 + self)``."""
        return METHODS["unary"]("log1p", self)

    def sqrt(self) -> Variable:
        """Return the square root."""
        return METHODS["unary"]("sqrt", self)

    def cbrt(self) -> Variable:
        """Return the cube root."""
        return METHODS["unary"]("cbrt", self)

    def square(self) -> Variable:
        """Return the square."""
        return METHODS["unary"]("square", self)

    def reciprocal(self) -> Variable:
        """Return ``1 / self``."""
        return METHODS["unary"]("reciprocal", self)

    def sin(self) -> Variable:
        """Return the sine."""
        return METHODS["unary"]("sin", self)

    def cos(self) -> Variable:
        """Return the cosine."""
        return METHODS["unary"]("cos", self)

    def tan(self) -> Variable:
        """Return the tangent."""
        return METHODS["unary"]("tan", self)

    def arcsin(self) -> Variable:
        """Return the inverse sine."""
        return METHODS["unary"]("arcsin", self)

    def arccos(self) -> Variable:
        """Return the inverse cosine."""
        return METHODS["unary"]("arccos", self)

    def arctan(self) -> Variable:
        """Return the inverse tangent."""
        return METHODS["unary"]("arctan", self)

    def sinh(self) -> Variable:
        """Return the hyperbolic sine."""
        return METHODS["unary"]("sinh", self)

    def cosh(self) -> Variable:
        """Return the hyperbolic cosine."""
        return METHODS["unary"]("cosh", self)

    def tanh(self) -> Variable:
        """Return the hyperbolic tangent."""
        return METHODS["unary"]("tanh", self)

    def arcsinh(self) -> Variable:
        """Return the inverse hyperbolic sine."""
        return METHODS["unary"]("arcsinh", self)

    def arccosh(self) -> Variable:
        """Return the inverse hyperbolic cosine."""
        return METHODS["unary"]("arccosh", self)

    def arctanh(self) -> Variable:
        """Return the inverse hyperbolic tangent."""
        return METHODS["unary"]("arctanh", self)

    def hypot(self, other: Any) -> Variable:
        """Return ``sqrt(self**2 + other**2)``."""
        return METHODS["binary"]("hypot", self, other)

    def conjugate(self) -> Any:
        """Return itself: Variables are real."""
        return self

    conj = conjugate

    # -- methods of arrays -----------------------------------------------------------

    @property
    def T(self) -> Variable:
        """The transpose: axes in reverse order."""
        return protocols.call(np.transpose, self)

    def sum(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the sum over ``axis``, as `numpy.sum` does."""
        return protocols.call(np.sum, self, *args, **kwargs)

    def mean(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the mean over ``axis``, as `numpy.mean` does."""
        return protocols.call(np.mean, self, *args, **kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the product over ``axis``, as `numpy.prod` does."""
        return protocols.call(np.prod, self, *args, **kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the maximum over ``axis``, as `numpy.max` does."""
        return protocols.call(np.max, self, *args, **kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the minimum over ``axis``, as `numpy.min` does."""
        return protocols.call(np.min, self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the variance over ``axis``, as `numpy.var` does."""
        return protocols.call(np.var, self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the standard deviation over ``axis``, as `numpy.std` does."""
        return protocols.call(np.std, self, *args, **kwargs)

    def dot(self, other: Any) -> Variable:
        """Return the dot product, as `numpy.dot` does."""
        return protocols.call(np.dot, self, other)

    def reshape(self, *shape: Any) -> Variable:
        """Return the same elements in another shape."""
        if not shape:
            raise ShapeError("reshape: no shape was given")
        new = shape[0] if len(shape) == 1 else shape
        return protocols.call(np.reshape, self, new)

    def ravel(self) -> Variable:
        """Return the elements in one axis."""
        return protocols.call(np.ravel, self)

    flatten = ravel

    def transpose(self, *axes: Any) -> Variable:
        """Return the array with its axes permuted."""
        if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
            return protocols.call(np.transpose, self, axes[0])
        return protocols.call(np.transpose, self, axes or None)

    def squeeze(self, axis: Any = None) -> Variable:
        """Return the array without axes of length one."""
        return protocols.call(np.squeeze, self, axis=axis)

    def clip(self, min: Any = None, max: Any = None) -> Variable:
        """Return the elements limited to ``[min, max]``."""
        return protocols.call(np.clip, self, min, max)

    def compress(self, condition: Any, axis: Any = None) -> Variable:
        """Return the parts along an axis that a mask chooses."""
        return protocols.call(np.compress, condition, self, axis)

    def cumsum(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the running sum along an axis, as `numpy.cumsum` does."""
        return protocols.call(np.cumsum, self, *args, **kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the running product along an axis, as `numpy.cumprod` does."""
        return protocols.call(np.cumprod, self, *args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the sum along the diagonal, as `numpy.trace` does."""
        return protocols.call(np.trace, self, *args, **kwargs)

    def diagonal(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the diagonals of two axes, as `numpy.diagonal` does."""
        return protocols.call(np.diagonal, self, *args, **kwargs)

    def repeat(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the elements repeated along an axis, as `numpy.repeat` does."""
        return protocols.call(np.repeat, self, *args, **kwargs)

    def take(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the elements at places along an axis, as `numpy.take` does."""
        return protocols.call(np.take, self, *args, **kwargs)

    def swapaxes(self, *args: Any, **kwargs: Any) -> Variable:
        """Return the array with two axes exchanged, as `numpy.swapaxes` does."""
        return protocols.call(np.swapaxes, self, *args, **kwargs)

    def astype(self, dtype: Any, **kwargs: Any) -> Variable:
        """Return itself: Variables are real; other kinds than floats are refused."""
        return protocols.call(np.astype, self, dtype)

    def copy(self) -> Any:
        """Return itself: Variables are immutable."""
        return self

    @property
    def mT(self) -> Variable:
        """The array with its last two axes exchanged."""
        return protocols.call(np.matrix_transpose, self)

    @property
    def real(self) -> Any:
        """Itself: Variables are real."""
        return self

    @property
    def imag(self) -> Variable:
        """Zeros: Variables are real."""
        return protocols.call(np.imag, self)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Refuse to change an element."""
        raise UnsupportedError(
            f"x[{key!r:.40}] = ... on Variables: they are immutable; use "
            "np.where(mask, values, x), np.insert, or join parts with np.concatenate"
        )

    def __getattr__(self, name: str) -> Any:
        """Say what to write for a method of arrays that Variables do not have."""
        if name in _OTHER_METHODS:
            raise MissingAttributeError(
                f"Variable has no attribute {name!r} of NumPy's arrays: "
                + _OTHER_METHODS[name]
            )
        raise MissingAttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}"
        )
