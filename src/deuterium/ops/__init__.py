"""Every operator of the package: one record each, entered when this is imported.

`deuterium.ops.add` and so on are the records; a node is a sum if
``node.op is ops.add``.  What is true of an operator is asked of its `Traits`.
"""

from deuterium.ops.arithmetic import (
    add,
    cbrt,
    divide,
    integer_power,
    multiply,
    negative,
    pi,
    power,
    reciprocal,
    sqrt,
    square,
    subtract,
)
from deuterium.ops.exponential import (
    arccosh,
    arcsinh,
    arctanh,
    cosh,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    sinh,
    tanh,
    tanh_curvature,
    tanh_slope,
)
from deuterium.ops.indexing import (
    concatenate,
    gather,
    scatter,
)
from deuterium.ops.linalg import (
    ridge_fit,
    ridge_solve,
    solve,
)
from deuterium.ops.piecewise import (
    absolute,
    absolute_slope,
    flat,
    maximum,
    minimum,
    relu,
    select,
    sign,
    step,
)
from deuterium.ops.reduce import (
    cumsum,
    first_maximum,
    matmul,
    maximum_reduce,
    multiply_reduce,
    tie_slope,
)
from deuterium.ops.shapes import (
    add_reduce,
    broadcast,
    reshape,
    transpose,
)
from deuterium.ops.softmax import (
    logsumexp_last,
    softmax_last,
)
from deuterium.ops.special import (
    direction_cosine,
    erf,
    erfc,
    expit,
    expit_curvature,
    expit_slope,
    hypot,
    log_expit,
    log_ndtr,
    log_ndtr_slope,
    logaddexp,
    logit,
    logit_slope,
    ndtr,
    xlog1py,
    xlogy,
)
from deuterium.ops.trigonometric import (
    arccos,
    arcsin,
    arctan,
    cos,
    sin,
    tan,
)

__all__ = [
    "absolute", "absolute_slope", "add", "add_reduce", "arccos", "arccosh",
    "arcsin", "arcsinh", "arctan", "arctanh", "broadcast", "cbrt", "concatenate",
    "cos", "cosh", "cumsum", "direction_cosine", "divide", "erf", "erfc", "exp",
    "exp2", "expit", "expit_curvature", "expit_slope", "expm1", "first_maximum",
    "flat", "gather", "hypot", "integer_power", "log", "log1p", "log2", "log10",
    "log_expit", "log_ndtr", "log_ndtr_slope", "logaddexp", "logit", "logit_slope",
    "logsumexp_last", "matmul", "maximum", "maximum_reduce", "minimum", "multiply",
    "multiply_reduce", "ndtr", "negative", "pi", "power", "reciprocal", "relu",
    "reshape", "ridge_fit", "ridge_solve", "scatter", "select", "sign", "sin", "sinh",
    "softmax_last", "solve", "sqrt",
    "square", "step", "subtract", "tan", "tanh", "tanh_curvature", "tanh_slope",
    "tie_slope", "transpose", "xlog1py", "xlogy",
]  # fmt: skip
