"""How far a result is from the truth, given how far its arguments are.

For each kind of operator a bound of ``|computed - exact|``: what the errors of the
arguments become (a slope over all that they may be, times the error), and the
operation's own rounding.  Sums and products of matrices have the error of any order of
summation, ``gamma_n`` times the same of absolute values (N. J. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed., sections 3.1 and 3.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.enclose.computed_value import SLACK, Computed
from deuterium.graph.operator import Operator
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.interval.float_arithmetic import FloatArithmetic
from deuterium.interval.rounding import EPS
from deuterium.ops import arrays, lengths, logic, order, softmax
from deuterium.ops.arithmetic import sqrt
from deuterium.ops.framework_errors import FRAMEWORK_ERRORS

ROUNDINGS = 4.0  # charged for one: kernels write sums and products in other ways

Rule = Callable[[Variable, Sequence[Computed], Computed, FloatArithmetic], Any]
"""``rule(node, arguments, result, arithmetic)``: an array or a number."""


def error_of(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    """Return a bound of the error of a node; infinite where none is known."""
    assert node.op is not None  # for the type checker: leaves have no arguments
    rule = RULES.get(node.op) or _by_traits(node.op)
    error = np.asarray(rule(node, args, y, kind), np.float64) * SLACK
    too_large = y.size + error > kind.largest
    error = np.where(np.isnan(error) | too_large, np.inf, error)
    shape = np.broadcast_shapes(error.shape, np.shape(y.exact.lower))
    return np.broadcast_to(error, shape)


def _by_traits(op: Operator) -> Rule:
    if is_jump(op):
        return _exact
    if op.moves_elements or op.chooses:
        return _moved
    if op.linear:
        return _linear
    if op in FRAMEWORK_ERRORS or (op.ulps == 0 and op.lipschitz is not None):
        return _of_one_variable
    return _unknown


def is_jump(op: Operator) -> bool:
    """Return whether an operator of one argument is constant but for jumps."""
    return op in _JUMPS or (op.ulps == 0 and op.lipschitz is None and op.arity == 1)


_JUMPS = {
    arrays.argmax_onehot, arrays.argmax_slope, order.rank_slope
}  # fmt: skip


def is_known(op: Operator) -> bool:
    """Return whether the error of an operator's rounding is known."""
    return op in RULES or _by_traits(op) is not _unknown


def root_of(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array | None:
    """Return the error of the root of a sum of squares: see `Computed.root`.

    ``sqrt(a + b)`` is the length of ``(sqrt(a), sqrt(b))``, and a length moves by no
    more than the length of what its vector moves by.
    """
    if node.op is ops.square:
        (a,) = args
        own = (a.size + a.error) * kind.gamma(ROUNDINGS)
        return a.error + own + math.sqrt(kind.tiny)
    if node.op not in (ops.add, arrays.add_reduce, arrays.reshape, arrays.broadcast):
        return None
    roots = [r for r in map(_own_root, args) if r is not None]
    if len(roots) < len(args):
        return None
    if node.op.moves_elements:
        return node.op.value(*roots, **node.attrs)
    passed = np.sqrt(node.op.value(*[r * r for r in roots], **node.attrs))
    count = _terms(node)
    total = np.sqrt(y.size) + passed
    return passed + total * kind.gamma(count + ROUNDINGS) + np.sqrt(count * kind.tiny)


def _own_root(a: Computed) -> Array | None:
    shape = np.shape(a.exact.lower)
    if a.root is not None:
        return np.broadcast_to(a.root, shape)
    if not a.nonnegative:
        return None
    low = np.maximum(a.exact.lower, 0.0)
    by_slope = np.where(low > 0, a.error / np.sqrt(low), np.inf)
    return np.broadcast_to(np.minimum(by_slope, np.sqrt(a.error)), shape)


# -- kinds of operators ----------------------------------------------------------------


def _exact(node: Variable, args: Any, y: Computed, kind: Any) -> Array | float:
    """Return 0: the arguments are exact (see `rounding_errors`), or integers."""
    return 0.0


def _unknown(node: Variable, args: Any, y: Computed, kind: Any) -> Array | float:
    return np.inf


def _moved(node: Variable, args: Sequence[Computed], y: Computed, kind: Any) -> Array:
    assert node.op is not None
    errors = [np.broadcast_to(a.error, np.shape(a.exact.lower)) for a in args]
    if node.op is ops.minimum:  # the larger of two errors, too
        return np.maximum(*errors)
    return node.op.value(*errors, **node.attrs)


def _linear(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    """Return the errors added up like the arguments, all with one sign."""
    if node.op is ops.negative:
        return args[0].error
    value = np.add if node.op is ops.subtract else node.op.value  # type: ignore[union-attr]
    errors = [np.broadcast_to(a.error, np.shape(a.exact.lower)) for a in args]
    passed = value(*errors, **node.attrs)
    count = _terms(node)
    if y.whole or np.max(count, initial=0) <= 1:
        return passed
    sizes = [a.size + a.error for a in args]
    total = value(*sizes, **node.attrs)
    own = np.where(total <= kind.largest, total * kind.gamma(count + ROUNDINGS), np.inf)
    return passed + own + count * kind.tiny


def _terms(node: Variable) -> Array:
    """Return how many terms each element of a result adds up at most."""
    if node.op is arrays.scatter:
        index, shape = node.attrs["index"], node.attrs["shape"]
        return np.bincount(index.ravel(), minlength=math.prod(shape)).reshape(shape)
    if node.op in (ops.add, ops.subtract):
        return np.asarray(2)
    if node.op is arrays.cumsum:
        return np.asarray(node.shape[-1])
    return np.asarray(node.args[0].size // max(node.size, 1))


def _bilinear(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    a = args[0]
    value = node.op.value  # type: ignore[union-attr]
    inner = node.args[0].shape[-1] if node.op is arrays.matmul else 1
    errors = [np.broadcast_to(x.error, np.shape(x.exact.lower)) for x in args]
    sizes = [x.size + x.error for x in args]
    passed = value(errors[0], sizes[1]) + value(a.size, errors[1])
    if y.whole:
        return passed
    total = value(*sizes)
    own = np.where(total <= kind.largest, total * kind.gamma(inner + ROUNDINGS), np.inf)
    return passed + own + inner * kind.tiny


def _quotient(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    if node.op is ops.divide:
        a, b = args
        above = a.error
    else:
        (b,) = args
        above = np.zeros(())
    least = np.where(b.least > 2 * kind.tiny, b.least, 0.0)
    passed = (above + y.size * b.error) / least
    return passed + (y.size + passed) * kind.gamma(ROUNDINGS) + kind.tiny


def _square(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (a,) = args
    size = a.size + a.error
    return a.error * (a.size + size) + size * size * kind.gamma(ROUNDINGS) + kind.tiny


def _integer_power(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (a,), n = args, abs(node.attrs["n"])
    if node.attrs["n"] > 0:
        passed = n * a.error * (a.size + a.error) ** (n - 1)
    else:
        least = np.where(a.least > 2 * kind.tiny, a.least, 0.0)
        passed = n * a.error / least ** (n + 1)
    own = kind.gamma(2 * n + ROUNDINGS)
    return passed + (y.size + passed) * own + kind.tiny


def _root(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (a,) = args
    low = np.asarray(a.exact.lower)
    ends = np.sqrt(np.maximum(low, 0.0)) + np.sqrt(np.where(low > 0, a.least, 0.0))
    passed = np.fmin(a.error / ends, np.sqrt(a.error))  # 0/0 is NaN, which goes
    if a.root is not None:  # what overflows has none that counts
        passed = np.where(np.isfinite(a.error), np.minimum(passed, a.root), np.inf)
    if not a.nonnegative:  # the root of a negative number would be NaN
        passed = np.where(low - a.error * SLACK < 0, np.inf, passed)
    return passed + (y.size + passed) * kind.gamma(ROUNDINGS) + math.sqrt(kind.tiny)


def _of_one_variable(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (a,), op = args, node.op
    assert op is not None
    slope: Any = np.inf if op.lipschitz is None else op.lipschitz * (1 + EPS)
    if op.derivative is not None and op.ulps != 0:
        steepest = op.derivative(_inside(a.wide, op, kind))
        size = np.maximum(np.abs(steepest.lower), np.abs(steepest.upper))
        slope = np.fmin(np.where(np.isnan(size), np.inf, size), slope)
    passed = np.where(np.asarray(a.error) == 0, 0.0, slope * a.error)
    if op.ulps == 0:  # relu, |x|: no rounding
        return passed
    r, absolute, s = charges(op, kind)
    own = r * (y.size + passed) + absolute + (s * (a.size + a.error) if s else 0.0)
    return passed + own * kind.unit + kind.tiny


def charges(op: Operator, kind: FloatArithmetic) -> tuple[float, float, float]:
    """Return the error of a library's function; see `FRAMEWORK_ERRORS`."""
    r, absolute, s = FRAMEWORK_ERRORS[op]
    if kind.name == "float64":
        r = max(r, 2 * (op.ulps or 0.0))  # of 2**-52
    return r, absolute, s


def _inside(x: Interval, op: Operator, kind: FloatArithmetic) -> Interval:
    """Return what is computed of an argument, undefined where it leaves the domain.

    Subnormal numbers may count as zero, so poles are so much wider.
    """
    low, high = np.asarray(x.lower), np.asarray(x.upper)
    (left, right), (left_closed, right_closed) = op.domain, op.closed
    bad = low < left if left_closed else low <= left + 2 * kind.tiny
    bad = bad | (high > right if right_closed else high >= right)
    return Interval.unchecked(np.where(bad, np.nan, low), np.where(bad, np.nan, high))


# -- operators of their own ------------------------------------------------------------


def _where(node: Variable, args: Sequence[Computed], y: Computed, kind: Any) -> Array:
    c, a, b = args
    true, false = np.asarray(c.exact.lower) > 0, np.asarray(c.exact.upper) <= 0
    both = np.maximum(a.error, b.error)
    return np.where(true, a.error, np.where(false, b.error, both))


def _negation(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array | float:
    if y.whole:
        return 0.0
    (c,) = args
    return c.error + (1 + c.size + c.error) * kind.gamma(ROUNDINGS) + kind.tiny


def _narrowed(
    node: Variable, args: Sequence[Computed], y: Computed, kind: Any
) -> Array:
    _, x, bound = args
    return np.maximum(x.error, bound.error)


def _largest_along(x: Computed) -> Array:
    error = np.broadcast_to(x.error, np.shape(x.exact.lower))
    return np.max(error, axis=-1, keepdims=True, initial=0.0)


def _sorted(node: Variable, args: Sequence[Computed], y: Computed, kind: Any) -> Array:
    return _largest_along(args[0])  # of the values: their order is exact


def _softmax(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    """Return the error of quotients, or of exponentials of logarithms.

    ``|dp_i| <= p_i (|dx_i| + max |dx|)``, and ``p_i <= 1``; the logarithm of ``p_i`` is
    at most the width of all arguments, and the logarithm of their number.

    With ``g`` below the largest, ``p_i <= exp(-g)`` is off by ``exp(a + c g)`` times
    itself at most; ``exp(-g) expm1(a + c g)`` is largest at ``g = 0``, or below
    ``c / (1 - c)`` where its slope is 0.
    """
    (x,) = args
    n = node.shape[-1]
    off = _largest_along(x)
    with np.errstate(over="ignore"):
        share = np.minimum(y.exact.upper * np.exp(2 * off), 1.0)
    passed = np.where(np.isfinite(off), np.minimum(share * 2 * off, 1.0), np.inf)
    wide = x.wide
    span = np.max(wide.upper, axis=-1, keepdims=True) - wide.lower + math.log(n)
    c = 2 * ROUNDINGS * kind.unit
    a = kind.gamma(n + 8 * ROUNDINGS)
    far = np.maximum(np.expm1(a + c * math.log(n)), c / (1 - c))
    own = np.fmin(share * np.expm1(a + c * span), far)
    return passed + own + 2 * kind.tiny


def _log_sum_exp(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (x,) = args
    n = node.args[0].shape[-1]
    off = _largest_along(x)[..., 0]
    size = np.max(np.broadcast_to(x.size, np.shape(x.exact.lower)), axis=-1) + off
    own = kind.gamma(n + 8 * ROUNDINGS) + 2 * ROUNDINGS * kind.unit * (2 * size + 1)
    return off + own + n * kind.tiny


def _length(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (x,) = args
    n = node.args[0].shape[-1]
    error = np.broadcast_to(x.error, np.shape(x.exact.lower))
    passed = np.sqrt(np.sum(error * error, axis=-1))
    own = (y.size + passed) * kind.gamma(n + ROUNDINGS)
    safe = (y.size + passed) ** 2 <= kind.largest  # its squares do not overflow
    return np.where(safe, passed + own + math.sqrt(n * kind.tiny), np.inf)


def _product(
    node: Variable, args: Sequence[Computed], y: Computed, kind: FloatArithmetic
) -> Array:
    (x,) = args
    n = node.args[0].shape[-1]
    error = np.broadcast_to(x.error, np.shape(x.exact.lower))
    size = np.broadcast_to(x.size, np.shape(x.exact.lower))
    # with each factor but one as large as it can be, and at least 1: so are parts
    rest = np.prod(np.maximum(size + error, 1.0), axis=-1)
    return rest * (np.sum(error, axis=-1) + kind.gamma(n + ROUNDINGS) + n * kind.tiny)


RULES: dict[Operator, Rule] = {
    ops.multiply: _bilinear,
    arrays.matmul: _bilinear,
    ops.divide: _quotient,
    ops.reciprocal: _quotient,
    ops.square: _square,
    ops.integer_power: _integer_power,
    sqrt: _root,
    logic.where: _where,
    logic.narrowed: _narrowed,
    logic.logical_not: _negation,
    order.sort_last: _sorted,
    order.reorder: _sorted,
    softmax.softmax_last: _softmax,
    softmax.logsumexp_last: _log_sum_exp,
    lengths.norm: _length,
    arrays.multiply_reduce: _product,
    ops.pi: lambda node, args, y, kind: y.size * kind.unit + kind.tiny,
}
"""Rules of operators that their traits do not give."""
