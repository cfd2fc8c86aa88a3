"""The methods of Variable that are functions of NumPy under another spelling.

They take no part in what a Variable is; they only name functions: those that NumPy
calls on the elements of object arrays, and those that arrays have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deuterium.errors import ShapeError
from deuterium.graph import protocols
from deuterium.graph.hooks import METHODS, Node

if TYPE_CHECKING:
    from deuterium.graph.variable import Variable


class Methods(Node):
    """Base class of Variable."""

    __slots__ = ()

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

    # -- methods of arrays -----------------------------------------------------------

    @property
    def T(self) -> Variable:
        """The transpose: axes in reverse order."""
        return protocols.call(np.transpose, self)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Variable:
        """Return the sum over ``axis``."""
        return protocols.call(np.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Variable:
        """Return the mean over ``axis``."""
        return protocols.call(np.mean, self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, *, keepdims: bool = False) -> Variable:
        """Return the product over ``axis``."""
        return protocols.call(np.prod, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Variable:
        """Return the maximum over ``axis``."""
        return protocols.call(np.max, self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Variable:
        """Return the minimum over ``axis``."""
        return protocols.call(np.min, self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
        """Return the variance over ``axis``."""
        return protocols.call(np.var, self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
        """Return the standard deviation over ``axis``."""
        return protocols.call(np.std, self, axis=axis, ddof=ddof, keepdims=keepdims)

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
            axes = axes[0]
        return protocols.call(np.transpose, self, axes or None)

    def squeeze(self, axis: Any = None) -> Variable:
        """Return the array without axes of length one."""
        return protocols.call(np.squeeze, self, axis=axis)

    def clip(self, min: Any = None, max: Any = None) -> Variable:
        """Return the elements limited to ``[min, max]``."""
        return protocols.call(np.clip, self, min, max)
