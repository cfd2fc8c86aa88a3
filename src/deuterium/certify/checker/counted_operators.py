"""What the checker states of element-wise operators that have an order, or counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from deuterium import ops
from deuterium.certify.checker import (
    ball_functions,
    entropy_ranges,
    quotient_ranges,
    taylor_series,
    unary_ranges,
)
from deuterium.certify.checker.operator_entry import Entry
from deuterium.graph.operator import Operator

COUNTED: Mapping[Operator, Callable[..., Entry]] = {
    ops.integer_power: lambda n: Entry(
        partial(ball_functions.whole_power, n=n),
        unary_ranges.integer_power(n),
        series=partial(taylor_series.whole_power, n=n),
    ),
    ops.power_log: lambda n: Entry(
        entropy_ranges.power_log(n), entropy_ranges.power_log_range(n)
    ),
    ops.exp_difference: lambda m, n: Entry(
        quotient_ranges.exp_difference(m, n), quotient_ranges.exp_difference_range(m, n)
    ),
    ops.log_difference: lambda m, n: Entry(
        quotient_ranges.log_difference(m, n), quotient_ranges.log_difference_range(m, n)
    ),
    ops.sinc: lambda n: Entry(quotient_ranges.sinc(n), quotient_ranges.sinc_range(n)),
}
"""What makes the entry of an operator from its attributes."""
