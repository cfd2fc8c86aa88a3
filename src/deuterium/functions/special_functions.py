"""Functions of NumPy and SciPy that are an operator of another argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.functions.function_table import implements
from deuterium.graph import protocols
from deuterium.graph.constructors import apply, as_variable
from deuterium.graph.variable import Variable
from deuterium.ops.divided_differences import exp_difference, sinc
from deuterium.ops.special import pi_for


@implements(np.sinc)
def normalized_sinc(x: Any) -> Variable:
    """Return ``sin(pi x) / (pi x)``, 1 at 0."""
    v = as_variable(x)
    return apply(sinc, (v * pi_for(v),), {"n": 0})


def _exprel(x: Any) -> Variable:
    return apply(exp_difference, (x, 0), {"m": 1, "n": 1})


protocols.UFUNCS["exprel"] = _exprel
