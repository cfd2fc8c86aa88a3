"""The oracle says NaN only of what is certainly undefined, and unknown of the rest."""

import pytest
from flint import arb, ctx

from deuterium import ops
from deuterium.testing.definitions import ELEMENTWISE, guarded

WIDE = arb(0, 1e-30)  # around zero


@pytest.mark.parametrize(
    ("op", "args"),
    [
        (ops.cosh, (1e200,)),
        (ops.tanh_slope, (1e308,)),
        (ops.sinh, (-1e300,)),
        (ops.xlogy, (WIDE, -1.0)),
        (ops.xlogy, (WIDE, 0.0)),
        (ops.log, (WIDE,)),
        (ops.sqrt, (WIDE,)),
        (ops.reciprocal, (WIDE,)),
        (ops.divide, (1.0, WIDE)),
        (ops.power, (-2.0, arb(0.5, 1e-3))),
        (ops.tan, (arb(1.5, 0.5),)),
    ],
)
def test_what_is_not_known_is_not_called_undefined(op, args):
    y = guarded(ELEMENTWISE[op])(*map(arb, args))
    assert not y.is_nan()
    assert y.is_finite() or y.contains(0)


@pytest.mark.parametrize(
    ("op", "args"),
    [
        (ops.log, (0.0,)),
        (ops.log, (-1.0,)),
        (ops.sqrt, (-1e-300,)),
        (ops.reciprocal, (0.0,)),
        (ops.arccosh, (0.5,)),
        (ops.arctanh, (1.0,)),
        (ops.logit, (1.0,)),
        (ops.xlogy, (1.0, 0.0)),
        (ops.power, (0.0, -0.5)),
        (ops.power, (-2.0, 0.5)),
        (ops.arcsin, (arb(2, 0.5),)),
    ],
)
def test_what_lies_outside_the_domain_is_undefined(op, args):
    assert guarded(ELEMENTWISE[op])(*map(arb, args)).is_nan()


def test_far_tails_are_known():
    with ctx.workprec(128):
        log_ndtr = guarded(ELEMENTWISE[ops.log_ndtr])
        y = log_ndtr(arb(-1e6))
        assert y.rel_accuracy_bits() > 80
        assert y < -5e11
        # the series and the formula agree where both serve
        near, far = log_ndtr(arb(-29999.5)), log_ndtr(arb(-30000.5))
        assert 29999 < near - far < 30001
        slope = guarded(ELEMENTWISE[ops.log_ndtr_slope])(arb(-1e6))
        assert 1e6 < slope < 1e6 + 1
