"""What the checker states of element-wise operators that have an order, or counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from deuterium import ops
from deuterium.certify.checker import ball_functions as functions
from deuterium.certify.checker import entropy_ranges as entropies
from deuterium.certify.checker import quotient_ranges as quotients
from deuterium.certify.checker import taylor_series as series
from deuterium.certify.checker import unary_ranges
from deuterium.certify.checker.operator_entry import Entry
from deuterium.graph.operator import Operator

COUNTED: Mapping[Operator, Callable[..., Entry]] = {
    ops.integer_power: lambda n: Entry(
        partial(functions.whole_power, n=n),
        unary_ranges.integer_power(n),
        series=partial(series.whole_power, n=n),
    ),
    ops.power_log: lambda n: Entry(
        entropies.power_log(n), entropies.power_log_range(n)
    ),
    ops.exp_difference: lambda m, n: Entry(
        quotients.exp_difference(m, n), quotients.exp_difference_range(m, n)
    ),
    ops.log_difference: lambda m, n: Entry(
        quotients.log_difference(m, n), quotients.log_difference_range(m, n)
    ),
    ops.sinc: lambda n: Entry(quotients.sinc(n), quotients.sinc_range(n)),
}
"""What makes the entry of an operator from its attributes."""
