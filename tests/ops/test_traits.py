"""Every trait of every record is true, by ball arithmetic and by trial."""

import itertools

import numpy as np
import pytest
from flint import arb

import deuterium as dt
from deuterium import ops
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import attribute_names
from deuterium.testing.definitions import ELEMENTWISE
from deuterium.testing.operators import check_operator
from tests.ops.test_table import is_fine, points_of

UNARY = [op for op in ELEMENTWISE if op.arity == 1 and not attribute_names(op)]
ARRAYS = [op for op in OPERATORS.values() if not op.elementwise and op.arity]


def names(operators):
    return [op.name for op in operators]


@pytest.mark.parametrize("op", UNARY, ids=names(UNARY))
def test_records_of_one_variable_tell_the_truth(op):
    lows = (-30.0, -5.0, -1.3, -1.0, -0.9, -0.5, -1e-3, -1e-9, 0.0)
    points = {*lows, *(-x for x in lows), 0.25, 0.75, 3.0, -3.0, 1.0 + 1e-9}
    check_operator(op, [x for x in points if is_fine(op.name, x, x)])


def test_a_wrong_record_is_found():
    from dataclasses import replace

    points = [-2.0, -0.5, 0.0, 0.5, 2.0]
    record = replace(ops.tanh, definition=lambda x: ops.tanh(x))
    check_operator(record, points)
    for wrong in (
        {"parity": "even"},
        {"range": (-0.5, 1.0)},
        {"lipschitz": 0.5},
        {"increasing": False},
        {"exact_points": ((0.0, 0.5),)},
        {"value": lambda x: np.tanh(x) * (1 + 1e-9)},
        {"enclosure": lambda x: ops.tanh.enclosure(x * 0.5)},
        {"never_zero": True},
        {"definition": lambda x: ops.tanh(x) * ops.cosh(x)},
    ):
        with pytest.raises(AssertionError):
            check_operator(replace(record, **wrong), points)
    steep = replace(ops.sinh, below_identity=True, definition=lambda x: ops.sinh(x))
    with pytest.raises(AssertionError, match="identity"):
        check_operator(steep, points)


@pytest.mark.parametrize("op", UNARY, ids=names(UNARY))
def test_what_follows_from_arguments(op):
    for x in (x for x in points_of(op.name) if is_fine(op.name, x, x)):
        y = ELEMENTWISE[op](arb(x))
        if not y.is_finite():
            continue
        assert not (op.keeps_sign and x >= 0 and y < 0), x
        assert not (op.keeps_nonzero and x != 0 and y == 0), x
        assert not (op.never_zero and y == 0), x
        for k in op.degrees or ():
            for t in (arb(3), arb(-3) if k % 1 == 0 else arb(2)):
                factor = abs(t) if op.parity == "even" else t
                assert (y * factor**k).overlaps(ELEMENTWISE[op](t * x)), x


PAIRS = list(itertools.product([-2.5, -1.0, -0.25, 0.0, 0.25, 1.0, 2.5], repeat=2))
BINARY = [op for op in ELEMENTWISE if op.arity == 2 and not attribute_names(op)]


@pytest.mark.parametrize("op", BINARY, ids=names(BINARY))
def test_records_of_two_variables_tell_the_truth(op):
    for a, b in PAIRS:
        y = ELEMENTWISE[op](arb(a), arb(b))
        if y is None or not y.is_finite():
            continue
        assert not (op.keeps_sign and a >= 0 and b >= 0 and y < 0), (a, b)
        assert not (op.keeps_nonzero and a and b and y == 0), (a, b)
        assert not y < op.range[0], (a, b)
        assert not y > op.range[1], (a, b)
        if op.commutative:
            assert y.overlaps(ELEMENTWISE[op](arb(b), arb(a))), (a, b)
        if op.chooses:
            assert y in (a, b)
        if op.linear:
            assert (y * 3).overlaps(ELEMENTWISE[op](arb(3 * a), arb(3 * b)))
        if op.bilinear:
            assert (y * 3).overlaps(ELEMENTWISE[op](arb(3 * a), arb(b)))
        for k, scaled in zip(op.degrees or (), ((-3, 1), (1, -3)), strict=False):
            other = ELEMENTWISE[op](arb(scaled[0] * a), arb(scaled[1] * b))
            assert (y * arb(-3) ** arb(k)).overlaps(other), (a, b)


def test_which_operators_move_and_are_linear():
    moves = {ops.broadcast, ops.reshape, ops.transpose, ops.gather, ops.concatenate}
    moves |= {ops.select}
    sums = {ops.add, ops.subtract, ops.negative, ops.add_reduce, ops.cumsum}
    sums |= {ops.scatter}
    every = OPERATORS.values()
    assert {op for op in every if op.moves_elements} == moves
    assert {op for op in every if op.linear} == moves | sums
    assert {op for op in every if op.bilinear} == {ops.multiply, ops.matmul}
    assert all(op.degrees == (1, 1) for op in every if op.bilinear)
    for op in moves:
        assert op.keeps_sign and op.keeps_nonzero and op.work == 0


def test_kinks_are_where_the_slope_jumps():
    x = dt.symbol("x")
    for op in UNARY:
        if op.domain[0] >= 0 or op is ops.reciprocal:
            continue
        slope = dt.grad(op(x), x)
        jump = abs(slope.evaluate({x: 1e-9}) - slope.evaluate({x: -1e-9})) > 1e-3
        leaps = abs(op(x).evaluate({x: 1e-9}) - op(x).evaluate({x: -1e-9})) > 1e-3
        steep = op is ops.cbrt
        alone = op is ops.is_zero  # it differs at one point
        assert bool(op.kinks) == bool((jump or leaps or alone) and not steep), op


def test_sides_are_the_function_beside_its_kink():
    x = dt.symbol("x")
    for op in (op for op in UNARY if op.sides):
        left, right = op.sides
        for at in (-2.0, -1e-9, 1e-9, 2.0):
            side = (left if at < 0 else right)(x)
            assert float(side.evaluate({x: at})) == float(op(x).evaluate({x: at}))


def test_what_is_quadratic_in_another_operator_is_so():
    x = np.linspace(-5, 5, 41)
    for op in (op for op in UNARY if op.quadratic):
        name, centre, top = op.quadratic
        other = OPERATORS[name].value(x)
        assert op.value(x) == pytest.approx(top - (other - centre) ** 2, abs=1e-15)
