"""The assertion that an enclosure holds what it should, with no tolerance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.enclose.enclose import enclose
from deuterium.graph.constructors import as_variable
from deuterium.graph.serialize import dumps
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.testing.balls import flint
from deuterium.testing.oracle import BITS, evaluate_exactly
from deuterium.testing.removable import limit
from deuterium.testing.sampling import sample_points

SHARPER = 1024  # bits to try where the first answer leaves doubt


def assert_encloses(
    v: Variable,
    domain: Domain,
    *,
    samples: int = 12,
    seed: int = 0,
    enclosure: Interval | None = None,
    bits: int = BITS,
) -> Interval:
    """Assert that an enclosure of ``v`` over a domain holds its values at points of it.

    The values are computed in ball arithmetic, so a value outside by any amount fails.
    Where ``v`` is undefined at a point, the upper end must be infinite; a removable
    singularity, such as that of ``sin(x) / x`` at 0, has the limit as its value.

    Parameters
    ----------
    v : Variable
        What is enclosed.
    domain : Domain
        Without batch axes.
    samples, seed : int
        How many points (corners among them), and which.
    enclosure : Interval, optional
        What to hold against the values; `deuterium.enclose` by default.
    bits : int
        Working precision; raised where it does not decide.

    Returns
    -------
    Interval
        The enclosure.

    Raises
    ------
    AssertionError
        A value lies outside; the message is code that shows it.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium.testing import assert_encloses
    >>> x = dt.symbol("x")
    >>> assert_encloses(x**2, dt.Box({x: (0, 1)}))
    Interval([0.0, 1.0])
    """
    v = as_variable(v)
    found = enclose(v, domain) if enclosure is None else enclosure
    low, high = np.asarray(found.lower), np.asarray(found.upper)
    _check_form(v, domain, found, low, high)
    for point in sample_points(domain, free_symbols([v]), samples, seed):
        wrong = _misses(v, domain, point, low, high, bits)
        if wrong:
            raise AssertionError(f"{wrong}\n{_reproduction(v, domain, point)}")
    return found


def _check_form(
    v: Variable, domain: Domain, found: Interval, low: Any, high: Any
) -> None:
    finite = bool(np.isfinite(low).all() and np.isfinite(high).all())
    rules = {
        f"the enclosure has shape {low.shape}, the Variable {v.shape}": (
            low.shape == v.shape == high.shape
        ),
        f"the ends are not float64: {low.dtype}, {high.dtype}": (
            low.dtype == high.dtype == np.float64
        ),
        "the lower end exceeds the upper, or is NaN": bool(np.all(low <= high)),
        f"finite is {finite}, but the cause is {found.cause}": (
            finite == (found.cause is None)
        ),
    }
    for message, holds in rules.items():
        if not holds:
            raise AssertionError(f"{message}\n{_reproduction(v, domain, {})}")


def _misses(
    v: Variable,
    domain: Domain,
    point: Mapping[str, Any],
    low: Any,
    high: Any,
    bits: int,
) -> str:
    """Return what is wrong at a point, or nothing."""
    exact: Any = np.asarray(evaluate_exactly(v, point, bits), dtype=object)
    if not all(map(_decided, exact.ravel(), low.ravel(), high.ravel())):
        exact = np.asarray(evaluate_exactly(v, point, SHARPER), dtype=object)
    for index in np.ndindex(v.shape):
        ball, ends = exact[index], (float(low[index]), float(high[index]))
        if ball.is_nan() and ends[1] < np.inf:
            ball = limit(v, domain, point, index, SHARPER)
        if ball.is_nan() and ends[1] < np.inf:
            return f"at {index} the value is undefined, the enclosure {list(ends)}"
        if not ball.is_nan() and _outside(ball, *ends):
            return f"at {index} the value {ball.str(25)} is not in {list(ends)}"
    return ""


def _outside(ball: Any, low: float, high: float) -> bool:
    arb = flint().arb
    return bool(ball < arb(low) or ball > arb(high))


def _decided(ball: Any, low: float, high: float) -> bool:
    """Whether the ball lies inside or outside for certain."""
    arb = flint().arb
    if ball.is_nan():
        return True
    inside = bool(ball >= arb(low) and ball <= arb(high))
    return inside or _outside(ball, low, high)


def _reproduction(v: Variable, domain: Domain, point: Mapping[str, Any]) -> str:
    """Return code that repeats the failure, ready to paste."""
    plain: Callable[[Any], Any] = lambda x: np.asarray(x).tolist()  # noqa: E731
    values = {name: plain(value) for name, value in point.items()}
    return (
        "import numpy as np, deuterium as dt\n"
        "from deuterium.testing import evaluate_exactly\n"
        "inf = np.inf\n"
        f"(v,) = dt.loads({dumps([v])!r})\n"
        f"domain = {domain!r}\n"
        f"point = {values!r}\n"
        "print(dt.enclose(v, domain))\n"
        "print(evaluate_exactly(v, point))"
    )
