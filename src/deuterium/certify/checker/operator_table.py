"""What the checker states of each operator: its own mathematics, in one table.

An operator is known here by its ball function, its range over an interval, its power
series and a few facts, all written from the definition of the function and apart from
the operator's own record: of a record nothing is used but which one it is.  What is not
in the table, the checker knows by its definition alone (`defined_operator`).
"""

from __future__ import annotations

from flint import arb

from deuterium import ops
from deuterium.certify.checker import ball_functions as f
from deuterium.certify.checker import binary_ranges as binary
from deuterium.certify.checker import entropy_ranges as entropies
from deuterium.certify.checker import taylor_series as series
from deuterium.certify.checker import unary_ranges as ranges
from deuterium.certify.checker.ball_functions import HALF, ONE, TWO, ZERO, Ball
from deuterium.certify.checker.gamma_table import ANGLES, GAMMA
from deuterium.certify.checker.operator_entry import (
    Entry,
    Series,
    Table,
    increases,
    logarithm,
    steep,
)
from deuterium.certify.checker.unary_ranges import falling, rising, through, within
from deuterium.graph.operator import Operator

NONNEGATIVE = {"never_negative": True}
UNIT = steep(lambda: ONE)
QUARTER = arb(1.5707963267948968)  # of a turn, and a little more

ALGEBRAIC: Table = {
    ops.negative: Entry(
        lambda x: -x, lambda a, b: (-b, -a), rises=False, series=lambda x: -x
    ),
    ops.square: Entry(
        lambda x: x * x,
        ranges.valley(lambda x: x * x, ZERO),
        series=lambda x: x * x,
        never_negative=True,
    ),
    ops.sqrt: Entry(
        arb.sqrt,
        within(rising(arb.sqrt, ZERO), "sqrt", ZERO, closed=True),
        rises=True,
        series=lambda x: x.sqrt(),
        never_negative=True,
    ),
    ops.reciprocal: Entry(
        lambda x: ONE / x, ranges.reciprocal, series=lambda x: 1 / x, keeps_sign=True
    ),
    ops.cbrt: increases(f.cbrt, points=((-1.0, -1.0), (1.0, 1.0)), keeps_sign=True),
}

EXPONENTIAL: Table = {
    ops.exp: increases(
        arb.exp, ZERO, points=((0.0, 1.0),), series=lambda x: x.exp(), **NONNEGATIVE
    ),
    ops.exp2: increases(
        f.exp2,
        ZERO,
        points=((0.0, 1.0),),
        series=lambda x: (x * TWO.log()).exp(),
        **NONNEGATIVE,
    ),
    ops.expm1: increases(
        arb.expm1, -ONE, series=lambda x: x.exp() - 1, keeps_sign=True
    ),
    ops.log: logarithm("log", arb.log, lambda x: x.log()),
    ops.log2: logarithm(
        "log2", lambda x: x.log_base(2), lambda x: x.log() / TWO.log(), 2.0
    ),
    ops.log10: logarithm(
        "log10", lambda x: x.log_base(10), lambda x: x.log() / arb(10).log(), 10.0
    ),
    ops.log1p: Entry(
        arb.log1p,
        within(rising(arb.log1p), "log1p", -ONE, closed=False),
        rises=True,
        series=lambda x: (1 + x).log(),
        keeps_sign=True,
    ),
    ops.log_cosh: Entry(
        f.log_cosh,
        ranges.valley(f.log_cosh, ZERO),
        series=lambda x: ((x.exp() + (-x).exp()) / 2).log(),
        never_negative=True,
        steepest=UNIT,
        below_identity=True,
    ),
    ops.entr: Entry(f.entr, entropies.entr_range, series=lambda x: -(x * x.log())),
    ops.sinh: increases(
        arb.sinh, series=lambda x: (x.exp() - (-x).exp()) / 2, keeps_sign=True
    ),
    ops.cosh: Entry(
        arb.cosh,
        ranges.valley(arb.cosh, ONE),
        series=lambda x: (x.exp() + (-x).exp()) / 2,
        never_negative=True,
    ),
    ops.arcsinh: increases(
        arb.asinh, series=lambda x: (x + (x * x + 1).sqrt()).log(), keeps_sign=True
    ),
    ops.arccosh: Entry(
        arb.acosh,
        within(rising(arb.acosh, ZERO), "arccosh", ONE, closed=True),
        rises=True,
        never_negative=True,
    ),
    ops.arctanh: Entry(
        arb.atanh,
        within(rising(arb.atanh), "arctanh", -ONE, ONE, closed=False),
        rises=True,
        series=lambda x: ((1 + x) / (1 - x)).log() / 2,
        keeps_sign=True,
    ),
}

TRIGONOMETRIC: Table = {
    ops.sin: Entry(
        arb.sin,
        ranges.periodic(arb.sin, ZERO),
        series=lambda x: x.sin(),
        steepest=UNIT,
        below_identity=True,
    ),
    ops.cos: Entry(
        arb.cos,
        ranges.periodic(arb.cos, -HALF),
        series=lambda x: x.cos(),
        steepest=UNIT,
    ),
    ops.tan: Entry(arb.tan, ranges.tan, series=lambda x: x.tan()),
    ops.arcsin: Entry(
        arb.asin,
        within(rising(arb.asin), "arcsin", -ONE, ONE, closed=True),
        rises=True,
        series=lambda x: x.asin(),
        keeps_sign=True,
    ),
    ops.arccos: Entry(
        arb.acos,
        within(falling(arb.acos, ZERO), "arccos", -ONE, ONE, closed=True),
        rises=False,
        series=lambda x: x.acos(),
        never_negative=True,
    ),
    ops.arctan: increases(
        arb.atan,
        -QUARTER,
        QUARTER,
        series=lambda x: x.atan(),
        steepest=UNIT,
        below_identity=True,
        keeps_sign=True,
    ),
}

# |f''| <= k f', or of a slope itself k times the slope, which falls with |z|:
# tanh'' = -2 tanh tanh'; expit'' = expit' (1 - 2 expit); with y the curve,
# tanh''' = tanh' (6 y^2 - 2) and expit''' = expit' (1 - 6 y (1 - y))
LOGISTIC: Table = {
    ops.tanh: increases(
        arb.tanh,
        -ONE,
        ONE,
        series=series.tanh,
        steepest=UNIT,
        below_identity=True,
        keeps_sign=True,
        bend=(2, ops.tanh_slope),
    ),
    ops.tanh_slope: Entry(
        f.tanh_slope,
        ranges.hill(f.tanh_slope, ONE),
        series=series.tanh_slope,
        never_negative=True,
        steepest=steep(lambda: 4 / (3 * arb(3).sqrt())),
        bend=(4, ops.tanh_slope),
    ),
    ops.tanh_curvature: Entry(
        f.tanh_curvature,
        ranges.wave(f.tanh_curvature, lambda: (ONE / arb(3).sqrt()).atanh()),
        series=lambda x: -2 * series.tanh(x) * series.tanh_slope(x),
    ),
    ops.expit: increases(
        f.expit,
        ZERO,
        ONE,
        points=((0.0, 0.5),),
        series=series.expit,
        never_negative=True,
        steepest=steep(lambda: ONE / 4),
        bend=(1, ops.expit_slope),
    ),
    ops.expit_slope: Entry(
        f.expit_slope,
        ranges.hill(f.expit_slope, HALF * HALF),
        series=series.expit_slope,
        never_negative=True,
        steepest=steep(lambda: ONE / (6 * arb(3).sqrt())),
        bend=(1, ops.expit_slope),
    ),
    ops.expit_curvature: Entry(
        f.expit_curvature,
        ranges.wave(f.expit_curvature, lambda: (TWO + arb(3).sqrt()).log()),
        series=lambda x: -(series.expit_slope(x) * series.tanh(x * arb(0.5))),
    ),
}

PROBABILITY: Table = {
    ops.log_expit: increases(
        f.log_expit,
        None,
        ZERO,
        series=lambda x: -((1 + (-x).exp()).log()),
        steepest=UNIT,
    ),
    ops.logit: Entry(
        f.logit,
        within(rising(f.logit), "logit", ZERO, ONE, closed=False),
        rises=True,
        series=lambda x: (x / (1 - x)).log(),
    ),
    ops.logit_slope: Entry(
        f.logit_slope,
        within(ranges.logit_slope, "logit'", ZERO, ONE, closed=False),
        series=lambda x: 1 / (x * (1 - x)),
        never_negative=True,
    ),
    ops.erf: increases(
        arb.erf,
        -ONE,
        ONE,
        series=lambda x: x.erf(),
        steepest=steep(lambda: TWO / arb.pi().sqrt()),
        keeps_sign=True,
    ),
    ops.erfc: Entry(
        arb.erfc,
        through(falling(arb.erfc, ZERO, TWO), (0.0, 1.0), rises=False),
        rises=False,
        series=lambda x: x.erfc(),
        never_negative=True,
    ),
    ops.ndtr: increases(
        f.ndtr,
        ZERO,
        ONE,
        points=((0.0, 0.5),),
        series=series.ndtr,
        never_negative=True,
        steepest=steep(lambda: ONE / (TWO * arb.pi()).sqrt()),
    ),
    ops.log_ndtr: increases(
        f.log_ndtr, None, ZERO, series=lambda x: series.ndtr(x).log()
    ),
    ops.log_ndtr_slope: Entry(
        f.log_ndtr_slope,
        falling(f.log_ndtr_slope, ZERO),
        series=lambda x: series.density(x) / series.ndtr(x),
        never_negative=True,
    ),
}


def _below(number: Ball) -> Series:
    return lambda x: series.number(number)


KINKED: Table = {
    ops.absolute: Entry(
        abs,
        binary.SIZES,
        sides=(lambda x: -x, lambda x: x),
        never_negative=True,
        steepest=UNIT,
        below_identity=True,
    ),
    ops.absolute_slope: Entry(
        f.sign,
        ranges.sign_slope,
        slope_range=ranges.sign_slope,
        sides=(_below(-ONE), _below(ONE)),
        jumps=True,
    ),
    ops.relu: Entry(
        lambda x: f.larger(x, ZERO),
        ranges.relu,
        sides=(_below(ZERO), lambda x: x),
        never_negative=True,
        steepest=UNIT,
        below_identity=True,
    ),
    ops.step: Entry(
        f.step,
        ranges.step_value,
        slope_range=ranges.step_slope,
        sides=(_below(ZERO), _below(ONE)),
        never_negative=True,
    ),
    ops.sign: Entry(f.sign, ranges.sign, sides=(_below(-ONE), _below(ONE)), jumps=True),
    ops.jump_slope: Entry(
        f.where_known(lambda x: ZERO),
        ranges.flat,
        sides=(_below(ZERO), _below(ZERO)),
        jumps=True,
    ),
}

TWO_VARIABLES: Table = {
    ops.add: Entry(
        lambda x, y: x + y,
        lambda a, b, c, d: (a + c, b + d),
        series=lambda x, y: x + y,
        keeps_sign=True,
    ),
    ops.subtract: Entry(
        lambda x, y: x - y,
        lambda a, b, c, d: (a - d, b - c),
        series=lambda x, y: x - y,
    ),
    ops.multiply: Entry(
        lambda x, y: x * y, binary.times, series=lambda x, y: x * y, keeps_sign=True
    ),
    ops.divide: Entry(
        lambda x, y: x / y, binary.over, series=lambda x, y: x / y, keeps_sign=True
    ),
    ops.power: Entry(f.power, binary.power),
    ops.maximum: Entry(
        f.larger,
        lambda a, b, c, d: (binary.above(a, c), f.larger(b, d)),
        keeps_sign=True,
    ),
    ops.minimum: Entry(
        f.smaller,
        lambda a, b, c, d: (f.smaller(a, c), binary.below(b, d)),
        keeps_sign=True,
    ),
    ops.xlogy: Entry(
        f.times_log(arb.log), binary.times_log(EXPONENTIAL[ops.log].range)
    ),
    ops.xlog1py: Entry(
        f.times_log(arb.log1p), binary.times_log(EXPONENTIAL[ops.log1p].range)
    ),
    ops.rel_entr: Entry(entropies.rel_entr, entropies.rel_entr_range),
    ops.kl_div: Entry(entropies.kl_div, entropies.kl_div_range, never_negative=True),
    ops.logaddexp: Entry(f.logaddexp, binary.log_add_exp, keeps_sign=True),
    ops.hypot: Entry(f.hypot, binary.hypot, never_negative=True),
    ops.direction_cosine: Entry(
        f.direction_cosine, binary.direction_cosine, keeps_sign=True
    ),
}

TABLE: Table = {
    **ALGEBRAIC,
    **EXPONENTIAL,
    **TRIGONOMETRIC,
    **LOGISTIC,
    **PROBABILITY,
    **GAMMA,
    **KINKED,
    **ANGLES,
    **TWO_VARIABLES,
}
"""Every element-wise operator without attributes, apart from choices."""

# operators on arrays, of which the same is asked
KEEP_SIGN = {
    ops.add_reduce, ops.cumsum, ops.scatter, ops.matmul, ops.multiply_reduce,
    ops.maximum_reduce, ops.broadcast, ops.reshape, ops.transpose, ops.gather,
    ops.concatenate, ops.select, ops.integer_power, ops.where, ops.narrowed,
}  # fmt: skip
NEVER_NEGATIVE = {
    ops.softmax_last, ops.is_positive, ops.is_zero, ops.norm, ops.exp_difference,
}  # fmt: skip


def rises(op: Operator | None) -> bool | None:
    """Whether an operator rises, or falls, strictly over its whole domain."""
    return None if op is None or op not in TABLE else TABLE[op].rises


def is_never_negative(op: Operator | None) -> bool:
    """Whether an operator's values are never negative, whatever its arguments."""
    if op is None or op not in TABLE:
        return op in NEVER_NEGATIVE
    return TABLE[op].never_negative


def keeps_sign(op: Operator | None) -> bool:
    """Whether an operator is not negative where none of its arguments is."""
    if op is None or op not in TABLE:
        return op in KEEP_SIGN
    return TABLE[op].keeps_sign
