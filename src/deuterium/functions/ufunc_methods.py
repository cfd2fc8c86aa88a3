"""``ufunc.reduce``, ``accumulate`` and ``outer`` on Variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.function_table import refuse
from deuterium.functions.log_sum_exp import logsumexp
from deuterium.functions.reductions import amax, amin, prod, sum
from deuterium.functions.running import accumulated, cumsum
from deuterium.graph import protocols
from deuterium.graph.constructors import as_variable
from deuterium.graph.operator import lookup
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.arithmetic import multiply
from deuterium.ops.piecewise import larger, minimum
from deuterium.ops.special import logaddexp


def _reduce_default(reduction: Any) -> Any:
    """np.add.reduce works along axis 0 by default, np.sum along all."""

    def reduce(a: Any, axis: Any = 0, **kwargs: Any) -> Variable:
        return reduction(a, axis=axis, **kwargs)

    return reduce


for _name, _reduction in {
    "add": sum,
    "multiply": prod,
    "maximum": amax,
    "minimum": amin,
    "fmax": amax,
    "fmin": amin,
    "logaddexp": logsumexp,
}.items():
    protocols.UFUNC_METHODS[_name, "reduce"] = _reduce_default(_reduction)

_JOINS: dict[str, Any] = {
    "multiply": multiply,
    "maximum": larger,
    "minimum": minimum,
    "fmax": larger,
    "fmin": minimum,
    "logaddexp": logaddexp,
}
for _name, _join in _JOINS.items():
    protocols.UFUNC_METHODS[_name, "accumulate"] = accumulated(_join, _name)


def _add_accumulate(array: Any, axis: Any = 0, **kwargs: Any) -> Variable:
    return cumsum(array, 0 if axis is None else axis, **kwargs)


protocols.UFUNC_METHODS["add", "accumulate"] = _add_accumulate


def _outer(name: str) -> Any:
    def outer(a: Any, b: Any, **kwargs: Any) -> Variable:
        refuse(f"np.{name}.outer", **kwargs)
        x = as_variable(a)
        left = arrays.reshape_to(x, x.shape + (1,) * np.ndim(b))
        function = protocols.UFUNCS.get(name) or lookup(name)
        return function(left, b)

    return outer


for _name in (
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "hypot",
    "logaddexp", "float_power", "xlogy", "xlog1py",
):  # fmt: skip
    protocols.UFUNC_METHODS[_name, "outer"] = _outer(_name)
