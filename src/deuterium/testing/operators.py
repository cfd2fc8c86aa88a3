"""Whether the record of a one-variable operator tells the truth, at points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from deuterium.graph.constructors import symbol
from deuterium.graph.operator import Operator
from deuterium.interval import Interval
from deuterium.testing.balls import flint
from deuterium.testing.oracle import evaluate_exactly
from deuterium.transform import grad

EPS = 2.0**-52  # one unit of an operator's `ulps`


def check_operator(op: Operator, points: Sequence[float]) -> None:
    """Compare the record of a one-variable operator with its definition, at points.

    Its library value (``ulps``), its enclosure over all intervals between the points,
    its derivative and its traits are held against ball arithmetic: against the rule
    that the oracle has of it, or else against its ``definition``.  Of the derivative
    nothing else is known to the checker of certificates, so look here.

    Parameters
    ----------
    op : Operator
        The record.
    points : sequence of float
        Where to look: inside the domain, on both sides of every kink and turn.

    Raises
    ------
    AssertionError
        Something in the record is not so; the message says what, and where.
    MissingDependencyError
        python-flint is not installed.

    Examples
    --------
    >>> from deuterium import ops
    >>> from deuterium.testing import check_operator
    >>> check_operator(ops.tanh, [-2.0, -0.5, 0.0, 0.5, 2.0])
    """
    xs = sorted(set(map(float, points)))
    v = op(symbol("x"))
    exact = {x: evaluate_exactly(v, {"x": x}) for x in xs}
    for x, y in exact.items():
        assert y.is_finite(), f"{op.name}({x!r}) is not defined, or not known: {y}"
    _check_values(op, exact)
    _check_enclosure(op, exact)
    _check_traits(op, exact)
    if op.definition is not None:
        _check_derivative(op, xs)


def _check_values(op: Operator, exact: dict[float, Any]) -> None:
    """Hold the library's value against the error that is stated."""
    arb = flint().arb
    if op.ulps is None:
        return
    for x, y in exact.items():
        found = float(op.value(np.float64(x)))
        off = abs(arb(found) - y)
        most = op.ulps * EPS * abs(y) + op.absolute + arb(5e-324)
        assert not off > most, f"{op.name}({x!r}) = {found!r} is off by {off.str(5)}"


def _check_enclosure(op: Operator, exact: dict[float, Any]) -> None:
    arb, xs = flint().arb, list(exact)
    for i, low in enumerate(xs):
        for j in range(i, len(xs)):
            found = op.enclosure(Interval(np.float64(low), np.float64(xs[j])))
            least, most = float(found.lower), float(found.upper)
            if np.isnan(least):
                continue  # undefined somewhere between
            for x in xs[i : j + 1]:
                y = exact[x]
                inside = not (y < arb(least) or y > arb(most))
                where = f"of [{low!r}, {xs[j]!r}] holds no {op.name}({x!r})"
                assert inside, f"the enclosure [{least!r}, {most!r}] {where}"


def _check_traits(op: Operator, exact: dict[float, Any]) -> None:
    arb = flint().arb
    x = symbol("x")
    for at, y in exact.items():
        name = f"{op.name}({at!r})"
        low, high = op.range
        assert not y < arb(low), f"{name} lies below the range"
        assert not y > arb(high), f"{name} lies above the range"
        assert not (op.never_zero and y == 0), f"{name} is zero"
        small = not (op.below_identity and abs(y) > abs(arb(at)))
        assert small, f"{name} is not below the identity"
        if op.parity is not None and -at in exact:
            other = exact[-at] if op.parity == "even" else -exact[-at]
            assert y.overlaps(other), f"{name}: the function is not {op.parity}"
    for (a, p), (b, q) in pairwise(exact.items()):
        between = f"from {a!r} to {b!r}"
        steep = op.lipschitz is not None and abs(q - p) > op.lipschitz * arb(b - a)
        assert not steep, f"{op.name} is steeper than {op.lipschitz} {between}"
        if op.increasing is not None:
            wrong = q < p if op.increasing else q > p
            assert not wrong, f"{op.name} is not monotone {between}"
    for point, value in op.exact_points:
        truth = evaluate_exactly(op(x), {"x": point})
        assert truth.overlaps(arb(value)), f"{op.name}({point!r}) is not {value!r}"


def _check_derivative(op: Operator, xs: Sequence[float]) -> None:
    x = symbol("x")
    assert op.definition is not None
    for at in xs:
        stated = evaluate_exactly(grad(op(x), x), {"x": at})
        true = evaluate_exactly(grad(op.definition(x), x), {"x": at})
        same = stated.overlaps(true) or not (stated.is_finite() and true.is_finite())
        assert same, f"the slope of {op.name} at {at!r} is {true}, not {stated}"
